"""kern without I/O."""
