"""vfs without I/O: names, vnodes, mounts, open files."""
