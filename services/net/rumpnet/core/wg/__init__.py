"""WireGuard without sockets and clocks: the handshake, sessions, peers, and the device that has them."""
