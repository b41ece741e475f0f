"""Money going back."""
