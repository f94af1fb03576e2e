"""The networking faction."""
