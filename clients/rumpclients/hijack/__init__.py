"""rumphijack: runs unmodified programs whose sockets and files are those of a kernel elsewhere.

System calls that make, name and connect sockets are trapped (seccomp user notification) and answered here; data calls
are not: a socket of the program is one end of a pair of sockets of this machine, and what goes through the pair is
carried on to the kernel's socket and back. So poll, epoll, select, sendfile and non-blocking modes are Linux's own.

    numbers, bpf, seccomp    what is trapped, and how it is answered
    task                     memory and descriptors of a program that waits for an answer
    sockaddr, sockopt        structures of Linux and values of the kernel
    endpoint, stream, listener, datagram    sockets of the program
    calls, messages, trap    the trapped calls
    netlink, names           interfaces and resolvers as the kernel's
    options, paths, start, supervisor, main the command
"""
