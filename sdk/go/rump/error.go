package rump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"google.golang.org/grpc/codes"
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

// connection is the origin of errors that arose between client and kernel.
const connection = "connection"

// NetBSD's numbers of errors that arise here.
const (
	emsgsize = 40
	enotconn = 57
	estale   = 70
	eauth    = 80
)

// ofStatus finds the kernel's error in an RPC that failed. Without one the connection is lost (ENOTCONN), unless it was
// the context that ended the RPC.
func ofStatus(err error) error {
	if errors.Is(err, io.EOF) {
		return lost("the kernel has ended the connection")
	}
	found, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, detail := range found.Details() {
		if e, ok := detail.(*rumpsp.SyscallError); ok {
			return errorOf(e)
		}
	}
	switch found.Code() {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case codes.Unauthenticated:
		return &Error{Errno: eauth, Name: "EAUTH", Text: found.Message(), Origin: connection}
	}
	return lost("the connection to the kernel is lost: " + found.Message())
}

func lost(text string) *Error {
	return &Error{Errno: enotconn, Name: "ENOTCONN", Text: text, Origin: connection}
}

// cut is why a stream ended: where the kernel says nothing, its connection was lost.
func cut(err error) error {
	var found *Error
	if errors.As(err, &found) {
		return err
	}
	return lost("the connection to the kernel is lost: " + err.Error())
}

func isLost(err error) bool {
	var found *Error
	return errors.As(err, &found) && found.Name == "ENOTCONN" && found.Origin == connection
}

// isGone says whether the gateway does not know the session: its lease has passed, or the gateway is another.
func isGone(err error) bool {
	var found *Error
	return errors.As(err, &found) && (found.Name == "ESTALE" || found.Name == "EAUTH")
}

func stale(why error) error {
	text := why.Error() + "; whether calls that had no answer were done is not known"
	return &Error{Errno: estale, Name: "ESTALE", Text: text, Origin: connection}
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
