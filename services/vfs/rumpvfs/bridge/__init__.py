"""File systems that other libraries of the host reach. They do I/O themselves, unlike those in `rumpvfs.fs`."""
