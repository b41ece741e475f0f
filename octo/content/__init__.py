"""What people write and show: Markdown stories and pictures."""
