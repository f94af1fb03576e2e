"""The system call layer: sessions, descriptors, routing, supervision."""
