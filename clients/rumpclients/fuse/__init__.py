"""p2k: a file system of a kernel as one of the host, over Linux's FUSE protocol (p2k(3), fuse(4))."""
