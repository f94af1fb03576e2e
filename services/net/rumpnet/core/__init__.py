"""net without I/O."""
