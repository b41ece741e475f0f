"""What happened, as rows: written by the transaction that causes it, read by consumers' cursors."""
