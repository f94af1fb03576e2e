package rump

import (
	"errors"
	"fmt"
	"syscall"

	"google.golang.org/grpc/status"

	"example.org/rump/sdk/go/rumpsp"
)

// Error is the kernel's answer to a call that failed.
type Error struct {
	// Errno is NetBSD's number; Name is its name, which holds everywhere.
	Errno uint32
	Name  string
	Text  string
	// Origin is the component that refused: kern, vfs, net, dev or gateway.
	Origin string
}

func (e *Error) Error() string {
	text := e.Text
	if text == "" {
		if number, known := hostErrnos[e.Name]; known {
			text = number.Error()
		}
	}
	if text == "" {
		return e.Name
	}
	return fmt.Sprintf("%s: %s", e.Name, text)
}

// Unwrap gives the error with the same name on this host, if it has one, so that errors.Is(err, syscall.ENOENT) and
// errors.Is(err, fs.ErrNotExist) hold.
func (e *Error) Unwrap() error {
	if number, known := hostErrnos[e.Name]; known {
		return number
	}
	return nil
}

// ErrClosed is the error of calls on a connection that was closed.
var ErrClosed = errors.New("rump: connection closed")

func errorOf(e *rumpsp.SyscallError) error {
	return &Error{Errno: e.GetErrno(), Name: e.GetName(), Text: e.GetText(), Origin: e.GetOrigin()}
}

// ofStatus finds the kernel's error in a failed unary call; other failures stay as they are.
func ofStatus(err error) error {
	found, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, detail := range found.Details() {
		if e, ok := detail.(*rumpsp.SyscallError); ok {
			return errorOf(e)
		}
	}
	return err
}

// What all Unix systems that Go knows have.
var hostErrnos = map[string]syscall.Errno{
	"EPERM": syscall.EPERM, "ENOENT": syscall.ENOENT, "ESRCH": syscall.ESRCH, "EINTR": syscall.EINTR,
	"EIO": syscall.EIO, "ENXIO": syscall.ENXIO, "E2BIG": syscall.E2BIG, "ENOEXEC": syscall.ENOEXEC,
	"EBADF": syscall.EBADF, "ECHILD": syscall.ECHILD, "EDEADLK": syscall.EDEADLK, "ENOMEM": syscall.ENOMEM,
	"EACCES": syscall.EACCES, "EFAULT": syscall.EFAULT, "ENOTBLK": syscall.ENOTBLK, "EBUSY": syscall.EBUSY,
	"EEXIST": syscall.EEXIST, "EXDEV": syscall.EXDEV, "ENODEV": syscall.ENODEV, "ENOTDIR": syscall.ENOTDIR,
	"EISDIR": syscall.EISDIR, "EINVAL": syscall.EINVAL, "ENFILE": syscall.ENFILE, "EMFILE": syscall.EMFILE,
	"ENOTTY": syscall.ENOTTY, "ETXTBSY": syscall.ETXTBSY, "EFBIG": syscall.EFBIG, "ENOSPC": syscall.ENOSPC,
	"ESPIPE": syscall.ESPIPE, "EROFS": syscall.EROFS, "EMLINK": syscall.EMLINK, "EPIPE": syscall.EPIPE,
	"EDOM": syscall.EDOM, "ERANGE": syscall.ERANGE, "EAGAIN": syscall.EAGAIN,
	"EINPROGRESS": syscall.EINPROGRESS, "EALREADY": syscall.EALREADY, "ENOTSOCK": syscall.ENOTSOCK,
	"EDESTADDRREQ": syscall.EDESTADDRREQ, "EMSGSIZE": syscall.EMSGSIZE, "EPROTOTYPE": syscall.EPROTOTYPE,
	"ENOPROTOOPT": syscall.ENOPROTOOPT, "EPROTONOSUPPORT": syscall.EPROTONOSUPPORT,
	"ESOCKTNOSUPPORT": syscall.ESOCKTNOSUPPORT, "EOPNOTSUPP": syscall.EOPNOTSUPP,
	"EPFNOSUPPORT": syscall.EPFNOSUPPORT, "EAFNOSUPPORT": syscall.EAFNOSUPPORT,
	"EADDRINUSE": syscall.EADDRINUSE, "EADDRNOTAVAIL": syscall.EADDRNOTAVAIL, "ENETDOWN": syscall.ENETDOWN,
	"ENETUNREACH": syscall.ENETUNREACH, "ENETRESET": syscall.ENETRESET, "ECONNABORTED": syscall.ECONNABORTED,
	"ECONNRESET": syscall.ECONNRESET, "ENOBUFS": syscall.ENOBUFS, "EISCONN": syscall.EISCONN,
	"ENOTCONN": syscall.ENOTCONN, "ESHUTDOWN": syscall.ESHUTDOWN, "ETIMEDOUT": syscall.ETIMEDOUT,
	"ECONNREFUSED": syscall.ECONNREFUSED, "ELOOP": syscall.ELOOP, "ENAMETOOLONG": syscall.ENAMETOOLONG,
	"EHOSTDOWN": syscall.EHOSTDOWN, "EHOSTUNREACH": syscall.EHOSTUNREACH, "ENOTEMPTY": syscall.ENOTEMPTY,
	"EUSERS": syscall.EUSERS, "EDQUOT": syscall.EDQUOT, "ESTALE": syscall.ESTALE, "EREMOTE": syscall.EREMOTE,
	"ENOLCK": syscall.ENOLCK, "ENOSYS": syscall.ENOSYS, "EIDRM": syscall.EIDRM, "ENOMSG": syscall.ENOMSG,
	"EOVERFLOW": syscall.EOVERFLOW, "EILSEQ": syscall.EILSEQ, "ENOTSUP": syscall.ENOTSUP,
	"ECANCELED": syscall.ECANCELED, "EBADMSG": syscall.EBADMSG, "EPROTO": syscall.EPROTO,
}
