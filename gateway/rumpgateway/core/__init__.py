"""The gateway without I/O."""
