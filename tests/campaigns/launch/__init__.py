"""From approval to running."""
