"""Everything that moves or counts money."""
