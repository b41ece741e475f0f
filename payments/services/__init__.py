"""What can be asked of the money side, one verb a function."""
