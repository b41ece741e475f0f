"""What a treasurer reads, exports and decides; money moves only by calls to payments."""
