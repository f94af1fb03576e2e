"""File systems, one folder or file each."""
