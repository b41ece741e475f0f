"""Pictures and stories."""
