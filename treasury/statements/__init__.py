"""What a treasurer reads and exports, one file a document."""
