"""DHCP for IPv4 (RFC 2131): a client that keeps an interface's lease, and a server. Neither does I/O: messages come in
and go out through functions that are handed in, time is the host's."""
