"""Settlement documents: figures, numbers without gaps, what they bring or cost the owner."""
