"""From approval to running: the launch, the one extension, calling it off."""
