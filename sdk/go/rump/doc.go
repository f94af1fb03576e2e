// Package rump makes typed system calls on a rump kernel.
//
//	k, err := rump.Dial(ctx, "unix:///run/k.sock")
//	if err != nil { ... }
//	defer k.Close()
//	fd, err := k.Sys.Open(ctx, "/etc/motd", rump.O_RDONLY, 0)
//	if errors.Is(err, fs.ErrNotExist) { ... }
//	data, err := k.Sys.Read(ctx, fd, 4096)
//
// A connection is one process of the kernel: it has a pid, descriptors and a working directory of its own, and ends
// with the connection, unless WithRetry has the connection come back: then the process is the same, and each call is
// done once. Any number of goroutines may call over one connection; a call that waits does not hold up the
// others. When the context of a call ends, the call is ended in the kernel too.
//
// Flags and families are NetBSD's (the constants of this package), structures those of package rumpsp. Errors of the
// kernel are of type *Error; errors.Is finds them by syscall.Errno and by the errors of package io/fs.
package rump
