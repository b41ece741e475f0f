"""The page that a backer pays on."""
