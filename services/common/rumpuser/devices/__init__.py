"""Devices that carry frames: taps of the host, busses in shared memory, wires inside this process."""
