"""dev without I/O."""
