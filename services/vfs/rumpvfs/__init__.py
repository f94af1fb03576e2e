"""The file system faction."""
