# ruff: noqa
"""The calls of the contract as typed methods.

Generated from proto/*.proto by tools/codegen; do not edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rumpwire import calls as C, values as V

from rump import _arguments as A
from rump._base import AsyncBase, BatchBase, Future, Ref, SyncBase


class SysCalls(SyncBase):
    """System calls of a process."""

    __slots__ = ()

    def read(self, fd: int, nbyte: int) -> bytes:
        """Reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO,
        EINVAL.
        """
        out: bytes = self._do(C.READ, (fd, nbyte))
        return out

    def write(self, fd: int, data: A.Buffer) -> int:
        """Writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC,
        EDQUOT, EINTR, EIO, EROFS.
        """
        out: int = self._do(C.WRITE, (fd, data))
        return out

    def close(self, fd: int) -> None:
        """Closes the descriptor. EBADF, EIO."""
        self._do(C.CLOSE, (fd,))

    def getpid(self) -> int:
        """Process id; the second register has the id of the parent. Cannot fail."""
        out: int = self._do(C.GETPID, ())
        return out

    def setuid(self, uid: int) -> None:
        """Sets the user ids. EPERM."""
        self._do(C.SETUID, (uid,))

    def getuid(self) -> int:
        """Real user id; the second register has the effective one. Cannot fail."""
        out: int = self._do(C.GETUID, ())
        return out

    def geteuid(self) -> int:
        """Effective user id. Cannot fail."""
        out: int = self._do(C.GETEUID, ())
        return out

    def getppid(self) -> int:
        """Id of the parent process. Cannot fail."""
        out: int = self._do(C.GETPPID, ())
        return out

    def dup(self, fd: int) -> int:
        """Second descriptor for the same open object, lowest free number. EBADF, EMFILE."""
        out: int = self._do(C.DUP, (fd,))
        return out

    def pipe(self) -> V.PipeResult:
        """Makes a pipe: read end, write end. EMFILE, ENFILE."""
        out: V.PipeResult = self._do(C.PIPE, ())
        return out

    def getegid(self) -> int:
        """Effective group id. Cannot fail."""
        out: int = self._do(C.GETEGID, ())
        return out

    def getgid(self) -> int:
        """Real group id; the second register has the effective one. Cannot fail."""
        out: int = self._do(C.GETGID, ())
        return out

    def getlogin(self) -> bytes:
        """Login name of the session. Cannot fail."""
        out: bytes = self._do(C.GETLOGIN, ())
        return out

    def setlogin(self, namebuf: A.TextArg) -> None:
        """Sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG."""
        self._do(C.SETLOGIN, (namebuf,))

    def ioctl(self, fd: int, com: int, data: A.IoctlArg = None) -> V.IoctlResult:
        """Device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL."""
        out: V.IoctlResult = self._do(C.IOCTL, (fd, com, data))
        return out

    def getgroups(self, gidsetsize: int = 16) -> V.GetgroupsResult:
        """Supplementary groups; a size of 0 asks for their number only. EINVAL."""
        out: V.GetgroupsResult = self._do(C.GETGROUPS, (gidsetsize,))
        return out

    def setgroups(self, gidset: Iterable[int]) -> None:
        """Sets the supplementary groups. EPERM, EINVAL."""
        self._do(C.SETGROUPS, (gidset,))

    def getpgrp(self) -> int:
        """Process group of the caller. Cannot fail."""
        out: int = self._do(C.GETPGRP, ())
        return out

    def setpgid(self, pid: int, pgid: int) -> None:
        """Sets a process group. EINVAL, EPERM, ESRCH."""
        self._do(C.SETPGID, (pid, pgid))

    def dup2(self, from_fd: int, to_fd: int) -> int:
        """Makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE."""
        out: int = self._do(C.DUP2, (from_fd, to_fd))
        return out

    def fcntl(self, fd: int, cmd: int, arg: int | None = None, lock: V.Flock | None = None) -> V.FcntlResult:
        """Descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK."""
        out: V.FcntlResult = self._do(C.FCNTL, (fd, cmd, arg, lock))
        return out

    def readv(self, fd: int, iov: Iterable[int]) -> bytes:
        """Scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read."""
        out: bytes = self._do(C.READV, (fd, iov))
        return out

    def writev(self, fd: int, iov: Iterable[A.Buffer]) -> int:
        """Gather write. As write; EINVAL."""
        out: int = self._do(C.WRITEV, (fd, iov))
        return out

    def setreuid(self, ruid: int, euid: int) -> None:
        """Sets real and effective user id; -1 leaves one alone. EPERM."""
        self._do(C.SETREUID, (ruid, euid))

    def setregid(self, rgid: int, egid: int) -> None:
        """Sets real and effective group id; -1 leaves one alone. EPERM."""
        self._do(C.SETREGID, (rgid, egid))

    def flock(self, fd: int, how: int) -> None:
        """Whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP."""
        self._do(C.FLOCK, (fd, how))

    def setsid(self) -> int:
        """Makes a session. EPERM."""
        out: int = self._do(C.SETSID, ())
        return out

    def setgid(self, gid: int) -> None:
        """Sets the group ids. EPERM."""
        self._do(C.SETGID, (gid,))

    def setegid(self, egid: int) -> None:
        """Sets the effective group id. EPERM."""
        self._do(C.SETEGID, (egid,))

    def seteuid(self, euid: int) -> None:
        """Sets the effective user id. EPERM."""
        self._do(C.SETEUID, (euid,))

    def fpathconf(self, fd: int, name: int | str) -> int:
        """Configurable limit of an open object, _PC_*. EBADF, EINVAL."""
        out: int = self._do(C.FPATHCONF, (fd, name))
        return out

    def getrlimit(self, which: int) -> V.Rlimit:
        """Resource limit, RLIMIT_*. EINVAL."""
        out: V.Rlimit = self._do(C.GETRLIMIT, (which,))
        return out

    def setrlimit(self, which: int, rlp: V.Rlimit | tuple[int, int]) -> None:
        """Sets a resource limit. EINVAL, EPERM."""
        self._do(C.SETRLIMIT, (which, rlp))

    def sysctl(self, name: Iterable[int] = (), path: str = "", newv: A.SysctlArg = None, node: V.SysctlNode | None = None) -> V.SysctlResult:
        """Reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY,
        CTL_DESCRIBE, CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY,
        EOPNOTSUPP.
        """
        out: V.SysctlResult = self._do(C.SYSCTL, (name, path, newv, node))
        return out

    def getpgid(self, pid: int) -> int:
        """Process group of a process. ESRCH."""
        out: int = self._do(C.GETPGID, (pid,))
        return out

    def reboot(self, opt: int = 0, bootstr: str = "") -> None:
        """Halts the kernel, RB_*; answered before it leaves. EPERM."""
        self._do(C.REBOOT, (opt, bootstr))

    def poll(self, fds: Iterable[V.Pollfd | tuple[int, int]], timeout: int = -1) -> V.PollResult:
        """Waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR."""
        out: V.PollResult = self._do(C.POLL, (fds, timeout))
        return out

    def timer_create(self, clock_id: int, evp: V.Sigevent | None = None) -> int:
        """Makes a timer. EAGAIN, EINVAL."""
        out: int = self._do(C.TIMER_CREATE, (clock_id, evp))
        return out

    def timer_delete(self, timerid: int) -> None:
        """Removes a timer. EINVAL."""
        self._do(C.TIMER_DELETE, (timerid,))

    def timer_getoverrun(self, timerid: int) -> int:
        """Missed expirations of a timer. EINVAL."""
        out: int = self._do(C.TIMER_GETOVERRUN, (timerid,))
        return out

    def modctl(self, cmd: int, load: V.ModctlLoad | None = None, name: str | None = None, autoload: bool | None = None) -> list[V.ModuleStat]:
        """Module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC, EPROGMISMATCH,
        EOPNOTSUPP.
        """
        out: list[V.ModuleStat] = self._do(C.MODCTL, (cmd, load, name, autoload))
        return out

    def getsid(self, pid: int) -> int:
        """Session of a process. ESRCH."""
        out: int = self._do(C.GETSID, (pid,))
        return out

    def fktrace(self, fd: int, ops: int, facs: int, pid: int = 0) -> None:
        """Traces calls to a descriptor. EBADF, EPERM, ESRCH."""
        self._do(C.FKTRACE, (fd, ops, facs, pid))

    def issetugid(self) -> int:
        """Whether the ids were changed at exec. Cannot fail."""
        out: int = self._do(C.ISSETUGID, ())
        return out

    def utrace(self, label: str, data: A.Buffer) -> None:
        """Writes a record to the trace. EINVAL."""
        self._do(C.UTRACE, (label, data))

    def kqueue(self) -> int:
        """Makes an event queue. EMFILE."""
        out: int = self._do(C.KQUEUE, ())
        return out

    def posix_fadvise(self, fd: int, offset: int, len: int, advice: int) -> None:
        """Advice on future use. EBADF, EINVAL, ESPIPE."""
        self._do(C.POSIX_FADVISE, (fd, offset, len, advice))

    def select(self, nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], timeout: A.TimeArg = None) -> V.SelectResult:
        """Waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR."""
        out: V.SelectResult = self._do(C.SELECT, (nd, in_fds, out_fds, ex_fds, timeout))
        return out

    def gettimeofday(self) -> V.Timespec:
        """Wall clock. Cannot fail."""
        out: V.Timespec = self._do(C.GETTIMEOFDAY, ())
        return out

    def settimeofday(self, tp: A.TimeArg = None) -> None:
        """Sets the wall clock of the kernel. EPERM, EINVAL."""
        self._do(C.SETTIMEOFDAY, (tp,))

    def adjtime(self, delta: A.TimeArg = None) -> V.Timespec:
        """Slews the clock. EPERM."""
        out: V.Timespec = self._do(C.ADJTIME, (delta,))
        return out

    def setitimer(self, which: int, itv: A.TimerArg | None = None) -> V.Itimerspec:
        """Sets an interval timer. EINVAL."""
        out: V.Itimerspec = self._do(C.SETITIMER, (which, itv))
        return out

    def getitimer(self, which: int) -> V.Itimerspec:
        """Reads an interval timer. EINVAL."""
        out: V.Itimerspec = self._do(C.GETITIMER, (which,))
        return out

    def clock_gettime(self, clock_id: int) -> V.Timespec:
        """Reads a clock, CLOCK_*. EINVAL."""
        out: V.Timespec = self._do(C.CLOCK_GETTIME, (clock_id,))
        return out

    def clock_settime(self, clock_id: int, tp: A.TimeArg = None) -> None:
        """Sets a clock of the kernel. EPERM, EINVAL."""
        self._do(C.CLOCK_SETTIME, (clock_id, tp))

    def clock_getres(self, clock_id: int) -> V.Timespec:
        """Resolution of a clock. EINVAL."""
        out: V.Timespec = self._do(C.CLOCK_GETRES, (clock_id,))
        return out

    def nanosleep(self, rqtp: A.TimeArg = None) -> V.Timespec | None:
        """Sleeps for an interval. EINVAL, EINTR."""
        out: V.Timespec | None = self._do(C.NANOSLEEP, (rqtp,))
        return out

    def kevent(self, fd: int, changelist: Iterable[V.Kevent] = (), nevents: int = 0, timeout: A.TimeArg = None) -> list[V.Kevent]:
        """Registers and waits for events. EBADF, EINVAL, ENOENT, EINTR."""
        out: list[V.Kevent] = self._do(C.KEVENT, (fd, changelist, nevents, timeout))
        return out

    def pselect(self, nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PselectResult:
        """select with a signal mask. EBADF, EINVAL, EINTR."""
        out: V.PselectResult = self._do(C.PSELECT, (nd, in_fds, out_fds, ex_fds, ts, mask))
        return out

    def pollts(self, fds: Iterable[V.Pollfd | tuple[int, int]], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PolltsResult:
        """poll with a time and a signal mask. EINVAL, EINTR."""
        out: V.PolltsResult = self._do(C.POLLTS, (fds, ts, mask))
        return out

    def fstat(self, fd: int) -> V.Stat:
        """Attributes of an open object. EBADF, EIO."""
        out: V.Stat = self._do(C.FSTAT, (fd,))
        return out

    def timer_settime(self, timerid: int, flags: int, value: A.TimerArg | None = None) -> V.Itimerspec:
        """Arms a timer. EINVAL."""
        out: V.Itimerspec = self._do(C.TIMER_SETTIME, (timerid, flags, value))
        return out

    def timer_gettime(self, timerid: int) -> V.Itimerspec:
        """Time left of a timer. EINVAL."""
        out: V.Itimerspec = self._do(C.TIMER_GETTIME, (timerid,))
        return out

    def pipe2(self, flags: int = 0) -> V.Pipe2Result:
        """pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE."""
        out: V.Pipe2Result = self._do(C.PIPE2, (flags,))
        return out

    def dup3(self, from_fd: int, to_fd: int, flags: int = 0) -> int:
        """dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL."""
        out: int = self._do(C.DUP3, (from_fd, to_fd, flags))
        return out

    def kqueue1(self, flags: int = 0) -> int:
        """kqueue with flags. EINVAL, EMFILE."""
        out: int = self._do(C.KQUEUE1, (flags,))
        return out

    def clock_nanosleep(self, clock_id: int, flags: int, rqtp: A.TimeArg = None) -> V.Timespec | None:
        """Sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP."""
        out: V.Timespec | None = self._do(C.CLOCK_NANOSLEEP, (clock_id, flags, rqtp))
        return out

    def ksem_init(self, value: int) -> int:
        """A semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE."""
        out: int = self._do(C.KSEM_INIT, (value,))
        return out

    def ksem_open(self, name: A.TextArg, oflag: int = 0, mode: int = 0o600, value: int = 0) -> int:
        """A semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST, ENOENT,
        EACCES, ENFILE.
        """
        out: int = self._do(C.KSEM_OPEN, (name, oflag, mode, value))
        return out

    def ksem_unlink(self, name: A.TextArg) -> None:
        """Frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES."""
        self._do(C.KSEM_UNLINK, (name,))

    def ksem_close(self, id: int) -> None:
        """Closes a semaphore that has a name. EBADF, EINVAL."""
        self._do(C.KSEM_CLOSE, (id,))

    def ksem_post(self, id: int) -> None:
        """Puts the semaphore up by one. EINVAL, EOVERFLOW."""
        self._do(C.KSEM_POST, (id,))

    def ksem_wait(self, id: int) -> None:
        """Takes the semaphore down by one, when it is not 0. EINVAL, EINTR."""
        self._do(C.KSEM_WAIT, (id,))

    def ksem_trywait(self, id: int) -> None:
        """Takes the semaphore down by one. EINVAL, EAGAIN."""
        self._do(C.KSEM_TRYWAIT, (id,))

    def ksem_getvalue(self, id: int) -> int:
        """The count of the semaphore. EINVAL."""
        out: int = self._do(C.KSEM_GETVALUE, (id,))
        return out

    def ksem_destroy(self, id: int) -> None:
        """Ends a semaphore without a name. EBADF, EINVAL, EBUSY."""
        self._do(C.KSEM_DESTROY, (id,))

    def ksem_timedwait(self, id: int, abstime: A.TimeArg = None) -> None:
        """Takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT."""
        self._do(C.KSEM_TIMEDWAIT, (id, abstime))

    def aio_cancel(self, fildes: int, aiocbp: int = 0) -> int:
        """Ends requests of a descriptor; what was ended has the error ECANCELED. EBADF."""
        out: int = self._do(C.AIO_CANCEL, (fildes, aiocbp))
        return out

    def aio_error(self, aiocbp: int) -> int:
        """How a request is: EINPROGRESS while it is under way, else its error. EINVAL."""
        out: int = self._do(C.AIO_ERROR, (aiocbp,))
        return out

    def aio_fsync(self, op: int, aiocbp: V.Aiocb) -> None:
        """Begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL."""
        self._do(C.AIO_FSYNC, (op, aiocbp))

    def aio_read(self, aiocbp: V.Aiocb) -> None:
        """Begins to read. EAGAIN, EBADF, EINVAL."""
        self._do(C.AIO_READ, (aiocbp,))

    def aio_return(self, aiocbp: int) -> V.AioReturnResult:
        """The result of a request that is over, once; then the kernel forgets it. EINVAL."""
        out: V.AioReturnResult = self._do(C.AIO_RETURN, (aiocbp,))
        return out

    def aio_write(self, aiocbp: V.Aiocb) -> None:
        """Begins to write. EAGAIN, EBADF, EINVAL."""
        self._do(C.AIO_WRITE, (aiocbp,))

    def lio_listio(self, mode: int, aiocbs: Iterable[V.Aiocb], sig: V.Sigevent | None = None) -> None:
        """Begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for one that
        failed.
        """
        self._do(C.LIO_LISTIO, (mode, aiocbs, sig))

    def aio_suspend(self, aiocbs: Iterable[int], timeout: A.TimeArg = None) -> None:
        """Waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL."""
        self._do(C.AIO_SUSPEND, (aiocbs, timeout))

    def open(self, path: A.PathArg, flags: int = 0, mode: int | None = None) -> int:
        """Opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EMFILE,
        ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
        """
        out: int = self._do(C.OPEN, (path, flags, mode))
        return out

    def link(self, path: A.PathArg, link: A.PathArg) -> None:
        """Makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS."""
        self._do(C.LINK, (path, link))

    def unlink(self, path: A.PathArg) -> None:
        """Removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS."""
        self._do(C.UNLINK, (path,))

    def chdir(self, path: A.PathArg) -> None:
        """Changes the working directory. ENOENT, ENOTDIR, EACCES."""
        self._do(C.CHDIR, (path,))

    def fchdir(self, fd: int) -> None:
        """Changes the working directory to an open one. EBADF, ENOTDIR, EACCES."""
        self._do(C.FCHDIR, (fd,))

    def chmod(self, path: A.PathArg, mode: int) -> None:
        """Changes permissions. EPERM, EROFS, EFTYPE."""
        self._do(C.CHMOD, (path, mode))

    def chown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """Changes owner and group; -1 leaves one alone. EPERM, EROFS."""
        self._do(C.CHOWN, (path, uid, gid))

    def unmount(self, path: A.PathArg, flags: int = 0) -> None:
        """Unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO."""
        self._do(C.UNMOUNT, (path, flags))

    def access(self, path: A.PathArg, flags: int) -> None:
        """Checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL."""
        self._do(C.ACCESS, (path, flags))

    def chflags(self, path: A.PathArg, flags: int) -> None:
        """Sets file flags. EPERM, EOPNOTSUPP."""
        self._do(C.CHFLAGS, (path, flags))

    def fchflags(self, fd: int, flags: int) -> None:
        """Sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP."""
        self._do(C.FCHFLAGS, (fd, flags))

    def sync(self) -> None:
        """Writes out all file systems. Cannot fail."""
        self._do(C.SYNC, ())

    def ktrace(self, fname: A.PathArg, ops: int, facs: int, pid: int = 0) -> None:
        """Traces calls to a file. EPERM, ESRCH, ENOENT."""
        self._do(C.KTRACE, (fname, ops, facs, pid))

    def revoke(self, path: A.PathArg) -> None:
        """Takes a device away from its users. EPERM, EINVAL."""
        self._do(C.REVOKE, (path,))

    def symlink(self, path: A.PathArg, link: A.PathArg) -> None:
        """Makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS."""
        self._do(C.SYMLINK, (path, link))

    def readlink(self, path: A.PathArg, count: int = 1024) -> bytes:
        """Text of a symbolic link. EINVAL, ENOENT."""
        out: bytes = self._do(C.READLINK, (path, count))
        return out

    def umask(self, newmask: int) -> int:
        """Sets the file creation mask. Cannot fail."""
        out: int = self._do(C.UMASK, (newmask,))
        return out

    def chroot(self, path: A.PathArg) -> None:
        """Changes the root directory. EPERM, ENOENT, ENOTDIR."""
        self._do(C.CHROOT, (path,))

    def fsync(self, fd: int) -> None:
        """Brings a file to stable storage. EBADF, EIO, ENOSPC."""
        self._do(C.FSYNC, (fd,))

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        """chown of an open file. EBADF, EPERM, EROFS."""
        self._do(C.FCHOWN, (fd, uid, gid))

    def fchmod(self, fd: int, mode: int) -> None:
        """chmod of an open file. EBADF, EPERM, EROFS."""
        self._do(C.FCHMOD, (fd, mode))

    def rename(self, from_path: A.PathArg, to_path: A.PathArg) -> None:
        """Renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS."""
        self._do(C.RENAME, (from_path, to_path))

    def mkfifo(self, path: A.PathArg, mode: int = 0o666) -> None:
        """Makes a fifo. EEXIST, ENOSPC, EROFS."""
        self._do(C.MKFIFO, (path, mode))

    def mkdir(self, path: A.PathArg, mode: int = 0o777) -> None:
        """Makes a directory. EEXIST, ENOSPC, EMLINK, EROFS."""
        self._do(C.MKDIR, (path, mode))

    def rmdir(self, path: A.PathArg) -> None:
        """Removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS."""
        self._do(C.RMDIR, (path,))

    def pread(self, fd: int, nbyte: int, offset: int) -> bytes:
        """read at an offset. As read; ESPIPE, EINVAL."""
        out: bytes = self._do(C.PREAD, (fd, nbyte, offset))
        return out

    def pwrite(self, fd: int, data: A.Buffer, offset: int) -> int:
        """write at an offset. As write; ESPIPE, EINVAL."""
        out: int = self._do(C.PWRITE, (fd, data, offset))
        return out

    def pathconf(self, path: A.PathArg, name: int | str) -> int:
        """Configurable limit of a file, _PC_*. EINVAL, ENOENT."""
        out: int = self._do(C.PATHCONF, (path, name))
        return out

    def lseek(self, fd: int, offset: int, whence: int = 0) -> int:
        """Moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO."""
        out: int = self._do(C.LSEEK, (fd, offset, whence))
        return out

    def truncate(self, path: A.PathArg, length: int) -> None:
        """Sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS."""
        self._do(C.TRUNCATE, (path, length))

    def ftruncate(self, fd: int, length: int) -> None:
        """Sets the length of an open file. EBADF, EINVAL, EFBIG."""
        self._do(C.FTRUNCATE, (fd, length))

    def fdatasync(self, fd: int) -> None:
        """Brings the data of a file to stable storage. EBADF, EIO."""
        self._do(C.FDATASYNC, (fd,))

    def posix_rename(self, from_path: A.PathArg, to_path: A.PathArg) -> None:
        """rename that does nothing for two links of one file. As rename."""
        self._do(C.POSIX_RENAME, (from_path, to_path))

    def lchmod(self, path: A.PathArg, mode: int) -> None:
        """chmod that does not follow a link. As chmod."""
        self._do(C.LCHMOD, (path, mode))

    def lchown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """chown that does not follow a link. As chown."""
        self._do(C.LCHOWN, (path, uid, gid))

    def posix_chown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """chown that clears the set-id bits always. As chown."""
        self._do(C.POSIX_CHOWN, (path, uid, gid))

    def posix_fchown(self, fd: int, uid: int, gid: int) -> None:
        """fchown that clears the set-id bits always. As fchown."""
        self._do(C.POSIX_FCHOWN, (fd, uid, gid))

    def posix_lchown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """lchown that clears the set-id bits always. As lchown."""
        self._do(C.POSIX_LCHOWN, (path, uid, gid))

    def preadv(self, fd: int, iov: Iterable[int], offset: int) -> bytes:
        """Scatter read at an offset. As pread."""
        out: bytes = self._do(C.PREADV, (fd, iov, offset))
        return out

    def pwritev(self, fd: int, iov: Iterable[A.Buffer], offset: int) -> int:
        """Gather write at an offset. As pwrite."""
        out: int = self._do(C.PWRITEV, (fd, iov, offset))
        return out

    def getcwd(self, length: int = 1024) -> bytes:
        """Path of the working directory. ERANGE, ENOENT, EINVAL."""
        out: bytes = self._do(C.GETCWD, (length,))
        return out

    def fchroot(self, fd: int) -> None:
        """Changes the root directory to an open one. EBADF, EPERM, ENOTDIR."""
        self._do(C.FCHROOT, (fd,))

    def lchflags(self, path: A.PathArg, flags: int) -> None:
        """chflags that does not follow a link. As chflags."""
        self._do(C.LCHFLAGS, (path, flags))

    def fsync_range(self, fd: int, flags: int, start: int = 0, length: int = 0) -> None:
        """Brings a range of a file to stable storage. EBADF, EINVAL, EIO."""
        self._do(C.FSYNC_RANGE, (fd, flags, start, length))

    def getvfsstat(self, flags: int = 1) -> list[V.Statvfs]:
        """Statistics of all mounts. EINVAL."""
        out: list[V.Statvfs] = self._do(C.GETVFSSTAT, (flags,))
        return out

    def statvfs1(self, path: A.PathArg, flags: int = 1) -> V.Statvfs:
        """Statistics of the file system of a path. ENOENT, EACCES."""
        out: V.Statvfs = self._do(C.STATVFS1, (path, flags))
        return out

    def fstatvfs1(self, fd: int, flags: int = 1) -> V.Statvfs:
        """Statistics of the file system of an open file. EBADF."""
        out: V.Statvfs = self._do(C.FSTATVFS1, (fd, flags))
        return out

    def extattrctl(self, path: A.PathArg, cmd: int, filename: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """Starts, stops, enables and disables extended attributes that are in files of their own (UFS1). Errors of
        namei, EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
        """
        self._do(C.EXTATTRCTL, (path, cmd, filename, attrnamespace, attrname))

    def extattr_set_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """Sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC."""
        out: int = self._do(C.EXTATTR_SET_FILE, (path, attrnamespace, attrname, data))
        return out

    def extattr_get_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """Reads an extended attribute. ENOATTR, ERANGE."""
        out: bytes = self._do(C.EXTATTR_GET_FILE, (path, attrnamespace, attrname, nbytes))
        return out

    def extattr_delete_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """Removes an extended attribute. ENOATTR."""
        self._do(C.EXTATTR_DELETE_FILE, (path, attrnamespace, attrname))

    def extattr_set_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """extattr_set_file of an open file. EBADF."""
        out: int = self._do(C.EXTATTR_SET_FD, (fd, attrnamespace, attrname, data))
        return out

    def extattr_get_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """extattr_get_file of an open file. EBADF."""
        out: bytes = self._do(C.EXTATTR_GET_FD, (fd, attrnamespace, attrname, nbytes))
        return out

    def extattr_delete_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg) -> None:
        """extattr_delete_file of an open file. EBADF."""
        self._do(C.EXTATTR_DELETE_FD, (fd, attrnamespace, attrname))

    def extattr_set_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """extattr_set_file that does not follow a link."""
        out: int = self._do(C.EXTATTR_SET_LINK, (path, attrnamespace, attrname, data))
        return out

    def extattr_get_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """extattr_get_file that does not follow a link."""
        out: bytes = self._do(C.EXTATTR_GET_LINK, (path, attrnamespace, attrname, nbytes))
        return out

    def extattr_delete_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """extattr_delete_file that does not follow a link."""
        self._do(C.EXTATTR_DELETE_LINK, (path, attrnamespace, attrname))

    def extattr_list_fd(self, fd: int, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """Lists extended attributes of an open file. EBADF."""
        out: list[bytes] = self._do(C.EXTATTR_LIST_FD, (fd, attrnamespace, nbytes))
        return out

    def extattr_list_file(self, path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """Lists extended attributes. EOPNOTSUPP."""
        out: list[bytes] = self._do(C.EXTATTR_LIST_FILE, (path, attrnamespace, nbytes))
        return out

    def extattr_list_link(self, path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """extattr_list_file that does not follow a link."""
        out: list[bytes] = self._do(C.EXTATTR_LIST_LINK, (path, attrnamespace, nbytes))
        return out

    def setxattr(self, path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """Sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP."""
        self._do(C.SETXATTR, (path, name, value, flags))

    def lsetxattr(self, path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """setxattr that does not follow a link."""
        self._do(C.LSETXATTR, (path, name, value, flags))

    def fsetxattr(self, fd: int, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """setxattr of an open file. EBADF."""
        self._do(C.FSETXATTR, (fd, name, value, flags))

    def getxattr(self, path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
        """Reads an attribute, Linux style. ENOATTR, ERANGE."""
        out: bytes = self._do(C.GETXATTR, (path, name, size))
        return out

    def lgetxattr(self, path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
        """getxattr that does not follow a link."""
        out: bytes = self._do(C.LGETXATTR, (path, name, size))
        return out

    def fgetxattr(self, fd: int, name: A.TextArg, size: int = 65536) -> bytes:
        """getxattr of an open file. EBADF."""
        out: bytes = self._do(C.FGETXATTR, (fd, name, size))
        return out

    def listxattr(self, path: A.PathArg, size: int = 65536) -> list[bytes]:
        """Lists attributes, Linux style. EOPNOTSUPP."""
        out: list[bytes] = self._do(C.LISTXATTR, (path, size))
        return out

    def llistxattr(self, path: A.PathArg, size: int = 65536) -> list[bytes]:
        """listxattr that does not follow a link."""
        out: list[bytes] = self._do(C.LLISTXATTR, (path, size))
        return out

    def flistxattr(self, fd: int, size: int = 65536) -> list[bytes]:
        """listxattr of an open file. EBADF."""
        out: list[bytes] = self._do(C.FLISTXATTR, (fd, size))
        return out

    def removexattr(self, path: A.PathArg, name: A.TextArg) -> None:
        """Removes an attribute, Linux style. ENOATTR."""
        self._do(C.REMOVEXATTR, (path, name))

    def lremovexattr(self, path: A.PathArg, name: A.TextArg) -> None:
        """removexattr that does not follow a link."""
        self._do(C.LREMOVEXATTR, (path, name))

    def fremovexattr(self, fd: int, name: A.TextArg) -> None:
        """removexattr of an open file. EBADF."""
        self._do(C.FREMOVEXATTR, (fd, name))

    def getdents(self, fd: int, count: int = 65536) -> list[V.Dirent]:
        """Next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR, EINVAL."""
        out: list[V.Dirent] = self._do(C.GETDENTS, (fd, count))
        return out

    def getfh(self, fname: A.PathArg) -> bytes:
        """File handle of a file. EPERM, EOPNOTSUPP."""
        out: bytes = self._do(C.GETFH, (fname,))
        return out

    def fhopen(self, fhp: A.Buffer, flags: int = 0) -> int:
        """Opens by file handle. ESTALE, EPERM, EINVAL."""
        out: int = self._do(C.FHOPEN, (fhp, flags))
        return out

    def fhstatvfs1(self, fhp: A.Buffer, flags: int = 1) -> V.Statvfs:
        """statvfs1 by file handle. ESTALE, EPERM."""
        out: V.Statvfs = self._do(C.FHSTATVFS1, (fhp, flags))
        return out

    def mount(self, type: str, path: A.PathArg, flags: int = 0, data: V.MountArgs | None = None) -> V.MountArgs | None:
        """Mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT,
        ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
        """
        out: V.MountArgs | None = self._do(C.MOUNT, (type, path, flags, data))
        return out

    def utimes(self, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """Sets access and modification time; left out: now. EPERM, EACCES, EROFS."""
        self._do(C.UTIMES, (path, atime, mtime))

    def futimes(self, fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """utimes of an open file. EBADF."""
        self._do(C.FUTIMES, (fd, atime, mtime))

    def lutimes(self, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """utimes that does not follow a link."""
        self._do(C.LUTIMES, (path, atime, mtime))

    def stat(self, path: A.PathArg) -> V.Stat:
        """Attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        out: V.Stat = self._do(C.STAT, (path,))
        return out

    def lstat(self, path: A.PathArg) -> V.Stat:
        """stat that does not follow a link."""
        out: V.Stat = self._do(C.LSTAT, (path,))
        return out

    def mknod(self, path: A.PathArg, mode: int, dev: int = 0) -> None:
        """Makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS."""
        self._do(C.MKNOD, (path, mode, dev))

    def fhstat(self, fhp: A.Buffer) -> V.Stat:
        """stat by file handle. ESTALE, EPERM."""
        out: V.Stat = self._do(C.FHSTAT, (fhp,))
        return out

    def linkat(self, fd1: int, name1: A.PathArg, fd2: int, name2: A.PathArg, flags: int = 0) -> None:
        """link relative to directories, AT_SYMLINK_FOLLOW."""
        self._do(C.LINKAT, (fd1, name1, fd2, name2, flags))

    def renameat(self, fromfd: int, from_path: A.PathArg, tofd: int, to_path: A.PathArg) -> None:
        """rename relative to directories."""
        self._do(C.RENAMEAT, (fromfd, from_path, tofd, to_path))

    def mkfifoat(self, fd: int, path: A.PathArg, mode: int = 0o666) -> None:
        """mkfifo relative to a directory."""
        self._do(C.MKFIFOAT, (fd, path, mode))

    def mknodat(self, fd: int, path: A.PathArg, mode: int, dev: int = 0) -> None:
        """mknod relative to a directory."""
        self._do(C.MKNODAT, (fd, path, mode, dev))

    def mkdirat(self, fd: int, path: A.PathArg, mode: int = 0o777) -> None:
        """mkdir relative to a directory."""
        self._do(C.MKDIRAT, (fd, path, mode))

    def faccessat(self, fd: int, path: A.PathArg, amode: int, flag: int = 0) -> None:
        """access relative to a directory, AT_EACCESS."""
        self._do(C.FACCESSAT, (fd, path, amode, flag))

    def fchmodat(self, fd: int, path: A.PathArg, mode: int, flag: int = 0) -> None:
        """chmod relative to a directory, AT_SYMLINK_NOFOLLOW."""
        self._do(C.FCHMODAT, (fd, path, mode, flag))

    def fchownat(self, fd: int, path: A.PathArg, owner: int, group: int, flag: int = 0) -> None:
        """chown relative to a directory, AT_SYMLINK_NOFOLLOW."""
        self._do(C.FCHOWNAT, (fd, path, owner, group, flag))

    def fstatat(self, fd: int, path: A.PathArg, flag: int = 0) -> V.Stat:
        """stat relative to a directory, AT_SYMLINK_NOFOLLOW."""
        out: V.Stat = self._do(C.FSTATAT, (fd, path, flag))
        return out

    def utimensat(self, fd: int, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None, flag: int = 0) -> None:
        """utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT."""
        self._do(C.UTIMENSAT, (fd, path, atime, mtime, flag))

    def openat(self, fd: int, path: A.PathArg, oflags: int = 0, mode: int | None = None) -> int:
        """open relative to a directory."""
        out: int = self._do(C.OPENAT, (fd, path, oflags, mode))
        return out

    def readlinkat(self, fd: int, path: A.PathArg, bufsize: int = 1024) -> bytes:
        """readlink relative to a directory."""
        out: bytes = self._do(C.READLINKAT, (fd, path, bufsize))
        return out

    def symlinkat(self, path1: A.PathArg, fd: int, path2: A.PathArg) -> None:
        """symlink relative to a directory."""
        self._do(C.SYMLINKAT, (path1, fd, path2))

    def unlinkat(self, fd: int, path: A.PathArg, flag: int = 0) -> None:
        """unlink or, with AT_REMOVEDIR, rmdir relative to a directory."""
        self._do(C.UNLINKAT, (fd, path, flag))

    def futimens(self, fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """futimes with UTIME_NOW and UTIME_OMIT. EBADF."""
        self._do(C.FUTIMENS, (fd, atime, mtime))

    def quotactl(self, path: A.PathArg, args: V.QuotactlArgs | None) -> V.QuotactlArgs:
        """Quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no quotas
        there), ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY, ENOSPC,
        EIO.
        """
        out: V.QuotactlArgs = self._do(C.QUOTACTL, (path, args))
        return out

    def posix_fallocate(self, fd: int, pos: int, len: int) -> None:
        """Makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP."""
        self._do(C.POSIX_FALLOCATE, (fd, pos, len))

    def fdiscard(self, fd: int, pos: int, len: int) -> None:
        """Gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP."""
        self._do(C.FDISCARD, (fd, pos, len))

    def recvmsg(self, s: int, len: int, controllen: int = 0, flags: int = 0) -> V.Msghdr | None:
        """Receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR."""
        out: V.Msghdr | None = self._do(C.RECVMSG, (s, len, controllen, flags))
        return out

    def sendmsg(self, s: int, msg: V.Msghdr, flags: int = 0) -> int:
        """Sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN."""
        out: int = self._do(C.SENDMSG, (s, msg, flags))
        return out

    def recvfrom(self, s: int, len: int, flags: int | None = None) -> V.RecvfromResult:
        """Receives a message and the address of its sender. As recvmsg."""
        out: V.RecvfromResult = self._do(C.RECVFROM, (s, len, flags))
        return out

    def accept(self, s: int) -> V.AcceptResult:
        """Takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP."""
        out: V.AcceptResult = self._do(C.ACCEPT, (s,))
        return out

    def getpeername(self, s: int) -> V.Sockaddr | None:
        """Address of the peer. EBADF, ENOTSOCK, ENOTCONN."""
        out: V.Sockaddr | None = self._do(C.GETPEERNAME, (s,))
        return out

    def getsockname(self, s: int) -> V.Sockaddr | None:
        """Address of the socket. EBADF, ENOTSOCK."""
        out: V.Sockaddr | None = self._do(C.GETSOCKNAME, (s,))
        return out

    def connect(self, s: int, name: A.AddressArg = None) -> None:
        """Connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT,
        ENOENT, EPROTOTYPE.
        """
        self._do(C.CONNECT, (s, name))

    def bind(self, s: int, name: A.AddressArg = None) -> None:
        """Gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT."""
        self._do(C.BIND, (s, name))

    def setsockopt(self, s: int, level: int, name: int, val: A.OptionArg) -> None:
        """Sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM."""
        self._do(C.SETSOCKOPT, (s, level, name, val))

    def listen(self, s: int, backlog: int = 128) -> None:
        """Makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ."""
        self._do(C.LISTEN, (s, backlog))

    def getsockopt(self, s: int, level: int, name: int) -> V.Sockopt | None:
        """Reads an option. ENOPROTOOPT, EINVAL."""
        out: V.Sockopt | None = self._do(C.GETSOCKOPT, (s, level, name))
        return out

    def sendto(self, s: int, data: A.Buffer, flags: int | None = None, to: A.AddressArg = None) -> int:
        """Sends a message. As sendmsg; EDESTADDRREQ, EISCONN."""
        out: int = self._do(C.SENDTO, (s, data, flags, to))
        return out

    def shutdown(self, s: int, how: int) -> None:
        """Ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL."""
        self._do(C.SHUTDOWN, (s, how))

    def socketpair(self, domain: int, type: int, protocol: int = 0) -> V.SocketpairResult:
        """Makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE."""
        out: V.SocketpairResult = self._do(C.SOCKETPAIR, (domain, type, protocol))
        return out

    def socket(self, domain: int, type: int, protocol: int = 0) -> int:
        """Makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES."""
        out: int = self._do(C.SOCKET, (domain, type, protocol))
        return out

    def paccept(self, s: int, mask: A.SignalSet = None, flags: int = 0) -> V.PacceptResult:
        """accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask."""
        out: V.PacceptResult = self._do(C.PACCEPT, (s, mask, flags))
        return out

    def recvmmsg(self, s: int, vlen: int, len: int, flags: int = 0, timeout: A.TimeArg = None) -> list[V.Msghdr]:
        """Receives several messages. As recvmsg."""
        out: list[V.Msghdr] = self._do(C.RECVMMSG, (s, vlen, len, flags, timeout))
        return out

    def sendmmsg(self, s: int, msgs: Iterable[V.Msghdr], flags: int = 0) -> int:
        """Sends several messages. As sendmsg."""
        out: int = self._do(C.SENDMMSG, (s, msgs, flags))
        return out


class AsyncSysCalls(AsyncBase):
    """System calls of a process, for asyncio."""

    __slots__ = ()

    async def read(self, fd: int, nbyte: int) -> bytes:
        """Reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO,
        EINVAL.
        """
        out: bytes = await self._do(C.READ, (fd, nbyte))
        return out

    async def write(self, fd: int, data: A.Buffer) -> int:
        """Writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC,
        EDQUOT, EINTR, EIO, EROFS.
        """
        out: int = await self._do(C.WRITE, (fd, data))
        return out

    async def close(self, fd: int) -> None:
        """Closes the descriptor. EBADF, EIO."""
        await self._do(C.CLOSE, (fd,))

    async def getpid(self) -> int:
        """Process id; the second register has the id of the parent. Cannot fail."""
        out: int = await self._do(C.GETPID, ())
        return out

    async def setuid(self, uid: int) -> None:
        """Sets the user ids. EPERM."""
        await self._do(C.SETUID, (uid,))

    async def getuid(self) -> int:
        """Real user id; the second register has the effective one. Cannot fail."""
        out: int = await self._do(C.GETUID, ())
        return out

    async def geteuid(self) -> int:
        """Effective user id. Cannot fail."""
        out: int = await self._do(C.GETEUID, ())
        return out

    async def getppid(self) -> int:
        """Id of the parent process. Cannot fail."""
        out: int = await self._do(C.GETPPID, ())
        return out

    async def dup(self, fd: int) -> int:
        """Second descriptor for the same open object, lowest free number. EBADF, EMFILE."""
        out: int = await self._do(C.DUP, (fd,))
        return out

    async def pipe(self) -> V.PipeResult:
        """Makes a pipe: read end, write end. EMFILE, ENFILE."""
        out: V.PipeResult = await self._do(C.PIPE, ())
        return out

    async def getegid(self) -> int:
        """Effective group id. Cannot fail."""
        out: int = await self._do(C.GETEGID, ())
        return out

    async def getgid(self) -> int:
        """Real group id; the second register has the effective one. Cannot fail."""
        out: int = await self._do(C.GETGID, ())
        return out

    async def getlogin(self) -> bytes:
        """Login name of the session. Cannot fail."""
        out: bytes = await self._do(C.GETLOGIN, ())
        return out

    async def setlogin(self, namebuf: A.TextArg) -> None:
        """Sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG."""
        await self._do(C.SETLOGIN, (namebuf,))

    async def ioctl(self, fd: int, com: int, data: A.IoctlArg = None) -> V.IoctlResult:
        """Device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL."""
        out: V.IoctlResult = await self._do(C.IOCTL, (fd, com, data))
        return out

    async def getgroups(self, gidsetsize: int = 16) -> V.GetgroupsResult:
        """Supplementary groups; a size of 0 asks for their number only. EINVAL."""
        out: V.GetgroupsResult = await self._do(C.GETGROUPS, (gidsetsize,))
        return out

    async def setgroups(self, gidset: Iterable[int]) -> None:
        """Sets the supplementary groups. EPERM, EINVAL."""
        await self._do(C.SETGROUPS, (gidset,))

    async def getpgrp(self) -> int:
        """Process group of the caller. Cannot fail."""
        out: int = await self._do(C.GETPGRP, ())
        return out

    async def setpgid(self, pid: int, pgid: int) -> None:
        """Sets a process group. EINVAL, EPERM, ESRCH."""
        await self._do(C.SETPGID, (pid, pgid))

    async def dup2(self, from_fd: int, to_fd: int) -> int:
        """Makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE."""
        out: int = await self._do(C.DUP2, (from_fd, to_fd))
        return out

    async def fcntl(self, fd: int, cmd: int, arg: int | None = None, lock: V.Flock | None = None) -> V.FcntlResult:
        """Descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK."""
        out: V.FcntlResult = await self._do(C.FCNTL, (fd, cmd, arg, lock))
        return out

    async def readv(self, fd: int, iov: Iterable[int]) -> bytes:
        """Scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read."""
        out: bytes = await self._do(C.READV, (fd, iov))
        return out

    async def writev(self, fd: int, iov: Iterable[A.Buffer]) -> int:
        """Gather write. As write; EINVAL."""
        out: int = await self._do(C.WRITEV, (fd, iov))
        return out

    async def setreuid(self, ruid: int, euid: int) -> None:
        """Sets real and effective user id; -1 leaves one alone. EPERM."""
        await self._do(C.SETREUID, (ruid, euid))

    async def setregid(self, rgid: int, egid: int) -> None:
        """Sets real and effective group id; -1 leaves one alone. EPERM."""
        await self._do(C.SETREGID, (rgid, egid))

    async def flock(self, fd: int, how: int) -> None:
        """Whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP."""
        await self._do(C.FLOCK, (fd, how))

    async def setsid(self) -> int:
        """Makes a session. EPERM."""
        out: int = await self._do(C.SETSID, ())
        return out

    async def setgid(self, gid: int) -> None:
        """Sets the group ids. EPERM."""
        await self._do(C.SETGID, (gid,))

    async def setegid(self, egid: int) -> None:
        """Sets the effective group id. EPERM."""
        await self._do(C.SETEGID, (egid,))

    async def seteuid(self, euid: int) -> None:
        """Sets the effective user id. EPERM."""
        await self._do(C.SETEUID, (euid,))

    async def fpathconf(self, fd: int, name: int | str) -> int:
        """Configurable limit of an open object, _PC_*. EBADF, EINVAL."""
        out: int = await self._do(C.FPATHCONF, (fd, name))
        return out

    async def getrlimit(self, which: int) -> V.Rlimit:
        """Resource limit, RLIMIT_*. EINVAL."""
        out: V.Rlimit = await self._do(C.GETRLIMIT, (which,))
        return out

    async def setrlimit(self, which: int, rlp: V.Rlimit | tuple[int, int]) -> None:
        """Sets a resource limit. EINVAL, EPERM."""
        await self._do(C.SETRLIMIT, (which, rlp))

    async def sysctl(self, name: Iterable[int] = (), path: str = "", newv: A.SysctlArg = None, node: V.SysctlNode | None = None) -> V.SysctlResult:
        """Reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY,
        CTL_DESCRIBE, CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY,
        EOPNOTSUPP.
        """
        out: V.SysctlResult = await self._do(C.SYSCTL, (name, path, newv, node))
        return out

    async def getpgid(self, pid: int) -> int:
        """Process group of a process. ESRCH."""
        out: int = await self._do(C.GETPGID, (pid,))
        return out

    async def reboot(self, opt: int = 0, bootstr: str = "") -> None:
        """Halts the kernel, RB_*; answered before it leaves. EPERM."""
        await self._do(C.REBOOT, (opt, bootstr))

    async def poll(self, fds: Iterable[V.Pollfd | tuple[int, int]], timeout: int = -1) -> V.PollResult:
        """Waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR."""
        out: V.PollResult = await self._do(C.POLL, (fds, timeout))
        return out

    async def timer_create(self, clock_id: int, evp: V.Sigevent | None = None) -> int:
        """Makes a timer. EAGAIN, EINVAL."""
        out: int = await self._do(C.TIMER_CREATE, (clock_id, evp))
        return out

    async def timer_delete(self, timerid: int) -> None:
        """Removes a timer. EINVAL."""
        await self._do(C.TIMER_DELETE, (timerid,))

    async def timer_getoverrun(self, timerid: int) -> int:
        """Missed expirations of a timer. EINVAL."""
        out: int = await self._do(C.TIMER_GETOVERRUN, (timerid,))
        return out

    async def modctl(self, cmd: int, load: V.ModctlLoad | None = None, name: str | None = None, autoload: bool | None = None) -> list[V.ModuleStat]:
        """Module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC, EPROGMISMATCH,
        EOPNOTSUPP.
        """
        out: list[V.ModuleStat] = await self._do(C.MODCTL, (cmd, load, name, autoload))
        return out

    async def getsid(self, pid: int) -> int:
        """Session of a process. ESRCH."""
        out: int = await self._do(C.GETSID, (pid,))
        return out

    async def fktrace(self, fd: int, ops: int, facs: int, pid: int = 0) -> None:
        """Traces calls to a descriptor. EBADF, EPERM, ESRCH."""
        await self._do(C.FKTRACE, (fd, ops, facs, pid))

    async def issetugid(self) -> int:
        """Whether the ids were changed at exec. Cannot fail."""
        out: int = await self._do(C.ISSETUGID, ())
        return out

    async def utrace(self, label: str, data: A.Buffer) -> None:
        """Writes a record to the trace. EINVAL."""
        await self._do(C.UTRACE, (label, data))

    async def kqueue(self) -> int:
        """Makes an event queue. EMFILE."""
        out: int = await self._do(C.KQUEUE, ())
        return out

    async def posix_fadvise(self, fd: int, offset: int, len: int, advice: int) -> None:
        """Advice on future use. EBADF, EINVAL, ESPIPE."""
        await self._do(C.POSIX_FADVISE, (fd, offset, len, advice))

    async def select(self, nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], timeout: A.TimeArg = None) -> V.SelectResult:
        """Waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR."""
        out: V.SelectResult = await self._do(C.SELECT, (nd, in_fds, out_fds, ex_fds, timeout))
        return out

    async def gettimeofday(self) -> V.Timespec:
        """Wall clock. Cannot fail."""
        out: V.Timespec = await self._do(C.GETTIMEOFDAY, ())
        return out

    async def settimeofday(self, tp: A.TimeArg = None) -> None:
        """Sets the wall clock of the kernel. EPERM, EINVAL."""
        await self._do(C.SETTIMEOFDAY, (tp,))

    async def adjtime(self, delta: A.TimeArg = None) -> V.Timespec:
        """Slews the clock. EPERM."""
        out: V.Timespec = await self._do(C.ADJTIME, (delta,))
        return out

    async def setitimer(self, which: int, itv: A.TimerArg | None = None) -> V.Itimerspec:
        """Sets an interval timer. EINVAL."""
        out: V.Itimerspec = await self._do(C.SETITIMER, (which, itv))
        return out

    async def getitimer(self, which: int) -> V.Itimerspec:
        """Reads an interval timer. EINVAL."""
        out: V.Itimerspec = await self._do(C.GETITIMER, (which,))
        return out

    async def clock_gettime(self, clock_id: int) -> V.Timespec:
        """Reads a clock, CLOCK_*. EINVAL."""
        out: V.Timespec = await self._do(C.CLOCK_GETTIME, (clock_id,))
        return out

    async def clock_settime(self, clock_id: int, tp: A.TimeArg = None) -> None:
        """Sets a clock of the kernel. EPERM, EINVAL."""
        await self._do(C.CLOCK_SETTIME, (clock_id, tp))

    async def clock_getres(self, clock_id: int) -> V.Timespec:
        """Resolution of a clock. EINVAL."""
        out: V.Timespec = await self._do(C.CLOCK_GETRES, (clock_id,))
        return out

    async def nanosleep(self, rqtp: A.TimeArg = None) -> V.Timespec | None:
        """Sleeps for an interval. EINVAL, EINTR."""
        out: V.Timespec | None = await self._do(C.NANOSLEEP, (rqtp,))
        return out

    async def kevent(self, fd: int, changelist: Iterable[V.Kevent] = (), nevents: int = 0, timeout: A.TimeArg = None) -> list[V.Kevent]:
        """Registers and waits for events. EBADF, EINVAL, ENOENT, EINTR."""
        out: list[V.Kevent] = await self._do(C.KEVENT, (fd, changelist, nevents, timeout))
        return out

    async def pselect(self, nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PselectResult:
        """select with a signal mask. EBADF, EINVAL, EINTR."""
        out: V.PselectResult = await self._do(C.PSELECT, (nd, in_fds, out_fds, ex_fds, ts, mask))
        return out

    async def pollts(self, fds: Iterable[V.Pollfd | tuple[int, int]], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PolltsResult:
        """poll with a time and a signal mask. EINVAL, EINTR."""
        out: V.PolltsResult = await self._do(C.POLLTS, (fds, ts, mask))
        return out

    async def fstat(self, fd: int) -> V.Stat:
        """Attributes of an open object. EBADF, EIO."""
        out: V.Stat = await self._do(C.FSTAT, (fd,))
        return out

    async def timer_settime(self, timerid: int, flags: int, value: A.TimerArg | None = None) -> V.Itimerspec:
        """Arms a timer. EINVAL."""
        out: V.Itimerspec = await self._do(C.TIMER_SETTIME, (timerid, flags, value))
        return out

    async def timer_gettime(self, timerid: int) -> V.Itimerspec:
        """Time left of a timer. EINVAL."""
        out: V.Itimerspec = await self._do(C.TIMER_GETTIME, (timerid,))
        return out

    async def pipe2(self, flags: int = 0) -> V.Pipe2Result:
        """pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE."""
        out: V.Pipe2Result = await self._do(C.PIPE2, (flags,))
        return out

    async def dup3(self, from_fd: int, to_fd: int, flags: int = 0) -> int:
        """dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL."""
        out: int = await self._do(C.DUP3, (from_fd, to_fd, flags))
        return out

    async def kqueue1(self, flags: int = 0) -> int:
        """kqueue with flags. EINVAL, EMFILE."""
        out: int = await self._do(C.KQUEUE1, (flags,))
        return out

    async def clock_nanosleep(self, clock_id: int, flags: int, rqtp: A.TimeArg = None) -> V.Timespec | None:
        """Sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP."""
        out: V.Timespec | None = await self._do(C.CLOCK_NANOSLEEP, (clock_id, flags, rqtp))
        return out

    async def ksem_init(self, value: int) -> int:
        """A semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE."""
        out: int = await self._do(C.KSEM_INIT, (value,))
        return out

    async def ksem_open(self, name: A.TextArg, oflag: int = 0, mode: int = 0o600, value: int = 0) -> int:
        """A semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST, ENOENT,
        EACCES, ENFILE.
        """
        out: int = await self._do(C.KSEM_OPEN, (name, oflag, mode, value))
        return out

    async def ksem_unlink(self, name: A.TextArg) -> None:
        """Frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES."""
        await self._do(C.KSEM_UNLINK, (name,))

    async def ksem_close(self, id: int) -> None:
        """Closes a semaphore that has a name. EBADF, EINVAL."""
        await self._do(C.KSEM_CLOSE, (id,))

    async def ksem_post(self, id: int) -> None:
        """Puts the semaphore up by one. EINVAL, EOVERFLOW."""
        await self._do(C.KSEM_POST, (id,))

    async def ksem_wait(self, id: int) -> None:
        """Takes the semaphore down by one, when it is not 0. EINVAL, EINTR."""
        await self._do(C.KSEM_WAIT, (id,))

    async def ksem_trywait(self, id: int) -> None:
        """Takes the semaphore down by one. EINVAL, EAGAIN."""
        await self._do(C.KSEM_TRYWAIT, (id,))

    async def ksem_getvalue(self, id: int) -> int:
        """The count of the semaphore. EINVAL."""
        out: int = await self._do(C.KSEM_GETVALUE, (id,))
        return out

    async def ksem_destroy(self, id: int) -> None:
        """Ends a semaphore without a name. EBADF, EINVAL, EBUSY."""
        await self._do(C.KSEM_DESTROY, (id,))

    async def ksem_timedwait(self, id: int, abstime: A.TimeArg = None) -> None:
        """Takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT."""
        await self._do(C.KSEM_TIMEDWAIT, (id, abstime))

    async def aio_cancel(self, fildes: int, aiocbp: int = 0) -> int:
        """Ends requests of a descriptor; what was ended has the error ECANCELED. EBADF."""
        out: int = await self._do(C.AIO_CANCEL, (fildes, aiocbp))
        return out

    async def aio_error(self, aiocbp: int) -> int:
        """How a request is: EINPROGRESS while it is under way, else its error. EINVAL."""
        out: int = await self._do(C.AIO_ERROR, (aiocbp,))
        return out

    async def aio_fsync(self, op: int, aiocbp: V.Aiocb) -> None:
        """Begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL."""
        await self._do(C.AIO_FSYNC, (op, aiocbp))

    async def aio_read(self, aiocbp: V.Aiocb) -> None:
        """Begins to read. EAGAIN, EBADF, EINVAL."""
        await self._do(C.AIO_READ, (aiocbp,))

    async def aio_return(self, aiocbp: int) -> V.AioReturnResult:
        """The result of a request that is over, once; then the kernel forgets it. EINVAL."""
        out: V.AioReturnResult = await self._do(C.AIO_RETURN, (aiocbp,))
        return out

    async def aio_write(self, aiocbp: V.Aiocb) -> None:
        """Begins to write. EAGAIN, EBADF, EINVAL."""
        await self._do(C.AIO_WRITE, (aiocbp,))

    async def lio_listio(self, mode: int, aiocbs: Iterable[V.Aiocb], sig: V.Sigevent | None = None) -> None:
        """Begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for one that
        failed.
        """
        await self._do(C.LIO_LISTIO, (mode, aiocbs, sig))

    async def aio_suspend(self, aiocbs: Iterable[int], timeout: A.TimeArg = None) -> None:
        """Waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL."""
        await self._do(C.AIO_SUSPEND, (aiocbs, timeout))

    async def open(self, path: A.PathArg, flags: int = 0, mode: int | None = None) -> int:
        """Opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EMFILE,
        ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
        """
        out: int = await self._do(C.OPEN, (path, flags, mode))
        return out

    async def link(self, path: A.PathArg, link: A.PathArg) -> None:
        """Makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS."""
        await self._do(C.LINK, (path, link))

    async def unlink(self, path: A.PathArg) -> None:
        """Removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS."""
        await self._do(C.UNLINK, (path,))

    async def chdir(self, path: A.PathArg) -> None:
        """Changes the working directory. ENOENT, ENOTDIR, EACCES."""
        await self._do(C.CHDIR, (path,))

    async def fchdir(self, fd: int) -> None:
        """Changes the working directory to an open one. EBADF, ENOTDIR, EACCES."""
        await self._do(C.FCHDIR, (fd,))

    async def chmod(self, path: A.PathArg, mode: int) -> None:
        """Changes permissions. EPERM, EROFS, EFTYPE."""
        await self._do(C.CHMOD, (path, mode))

    async def chown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """Changes owner and group; -1 leaves one alone. EPERM, EROFS."""
        await self._do(C.CHOWN, (path, uid, gid))

    async def unmount(self, path: A.PathArg, flags: int = 0) -> None:
        """Unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO."""
        await self._do(C.UNMOUNT, (path, flags))

    async def access(self, path: A.PathArg, flags: int) -> None:
        """Checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL."""
        await self._do(C.ACCESS, (path, flags))

    async def chflags(self, path: A.PathArg, flags: int) -> None:
        """Sets file flags. EPERM, EOPNOTSUPP."""
        await self._do(C.CHFLAGS, (path, flags))

    async def fchflags(self, fd: int, flags: int) -> None:
        """Sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP."""
        await self._do(C.FCHFLAGS, (fd, flags))

    async def sync(self) -> None:
        """Writes out all file systems. Cannot fail."""
        await self._do(C.SYNC, ())

    async def ktrace(self, fname: A.PathArg, ops: int, facs: int, pid: int = 0) -> None:
        """Traces calls to a file. EPERM, ESRCH, ENOENT."""
        await self._do(C.KTRACE, (fname, ops, facs, pid))

    async def revoke(self, path: A.PathArg) -> None:
        """Takes a device away from its users. EPERM, EINVAL."""
        await self._do(C.REVOKE, (path,))

    async def symlink(self, path: A.PathArg, link: A.PathArg) -> None:
        """Makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS."""
        await self._do(C.SYMLINK, (path, link))

    async def readlink(self, path: A.PathArg, count: int = 1024) -> bytes:
        """Text of a symbolic link. EINVAL, ENOENT."""
        out: bytes = await self._do(C.READLINK, (path, count))
        return out

    async def umask(self, newmask: int) -> int:
        """Sets the file creation mask. Cannot fail."""
        out: int = await self._do(C.UMASK, (newmask,))
        return out

    async def chroot(self, path: A.PathArg) -> None:
        """Changes the root directory. EPERM, ENOENT, ENOTDIR."""
        await self._do(C.CHROOT, (path,))

    async def fsync(self, fd: int) -> None:
        """Brings a file to stable storage. EBADF, EIO, ENOSPC."""
        await self._do(C.FSYNC, (fd,))

    async def fchown(self, fd: int, uid: int, gid: int) -> None:
        """chown of an open file. EBADF, EPERM, EROFS."""
        await self._do(C.FCHOWN, (fd, uid, gid))

    async def fchmod(self, fd: int, mode: int) -> None:
        """chmod of an open file. EBADF, EPERM, EROFS."""
        await self._do(C.FCHMOD, (fd, mode))

    async def rename(self, from_path: A.PathArg, to_path: A.PathArg) -> None:
        """Renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS."""
        await self._do(C.RENAME, (from_path, to_path))

    async def mkfifo(self, path: A.PathArg, mode: int = 0o666) -> None:
        """Makes a fifo. EEXIST, ENOSPC, EROFS."""
        await self._do(C.MKFIFO, (path, mode))

    async def mkdir(self, path: A.PathArg, mode: int = 0o777) -> None:
        """Makes a directory. EEXIST, ENOSPC, EMLINK, EROFS."""
        await self._do(C.MKDIR, (path, mode))

    async def rmdir(self, path: A.PathArg) -> None:
        """Removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS."""
        await self._do(C.RMDIR, (path,))

    async def pread(self, fd: int, nbyte: int, offset: int) -> bytes:
        """read at an offset. As read; ESPIPE, EINVAL."""
        out: bytes = await self._do(C.PREAD, (fd, nbyte, offset))
        return out

    async def pwrite(self, fd: int, data: A.Buffer, offset: int) -> int:
        """write at an offset. As write; ESPIPE, EINVAL."""
        out: int = await self._do(C.PWRITE, (fd, data, offset))
        return out

    async def pathconf(self, path: A.PathArg, name: int | str) -> int:
        """Configurable limit of a file, _PC_*. EINVAL, ENOENT."""
        out: int = await self._do(C.PATHCONF, (path, name))
        return out

    async def lseek(self, fd: int, offset: int, whence: int = 0) -> int:
        """Moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO."""
        out: int = await self._do(C.LSEEK, (fd, offset, whence))
        return out

    async def truncate(self, path: A.PathArg, length: int) -> None:
        """Sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS."""
        await self._do(C.TRUNCATE, (path, length))

    async def ftruncate(self, fd: int, length: int) -> None:
        """Sets the length of an open file. EBADF, EINVAL, EFBIG."""
        await self._do(C.FTRUNCATE, (fd, length))

    async def fdatasync(self, fd: int) -> None:
        """Brings the data of a file to stable storage. EBADF, EIO."""
        await self._do(C.FDATASYNC, (fd,))

    async def posix_rename(self, from_path: A.PathArg, to_path: A.PathArg) -> None:
        """rename that does nothing for two links of one file. As rename."""
        await self._do(C.POSIX_RENAME, (from_path, to_path))

    async def lchmod(self, path: A.PathArg, mode: int) -> None:
        """chmod that does not follow a link. As chmod."""
        await self._do(C.LCHMOD, (path, mode))

    async def lchown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """chown that does not follow a link. As chown."""
        await self._do(C.LCHOWN, (path, uid, gid))

    async def posix_chown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """chown that clears the set-id bits always. As chown."""
        await self._do(C.POSIX_CHOWN, (path, uid, gid))

    async def posix_fchown(self, fd: int, uid: int, gid: int) -> None:
        """fchown that clears the set-id bits always. As fchown."""
        await self._do(C.POSIX_FCHOWN, (fd, uid, gid))

    async def posix_lchown(self, path: A.PathArg, uid: int, gid: int) -> None:
        """lchown that clears the set-id bits always. As lchown."""
        await self._do(C.POSIX_LCHOWN, (path, uid, gid))

    async def preadv(self, fd: int, iov: Iterable[int], offset: int) -> bytes:
        """Scatter read at an offset. As pread."""
        out: bytes = await self._do(C.PREADV, (fd, iov, offset))
        return out

    async def pwritev(self, fd: int, iov: Iterable[A.Buffer], offset: int) -> int:
        """Gather write at an offset. As pwrite."""
        out: int = await self._do(C.PWRITEV, (fd, iov, offset))
        return out

    async def getcwd(self, length: int = 1024) -> bytes:
        """Path of the working directory. ERANGE, ENOENT, EINVAL."""
        out: bytes = await self._do(C.GETCWD, (length,))
        return out

    async def fchroot(self, fd: int) -> None:
        """Changes the root directory to an open one. EBADF, EPERM, ENOTDIR."""
        await self._do(C.FCHROOT, (fd,))

    async def lchflags(self, path: A.PathArg, flags: int) -> None:
        """chflags that does not follow a link. As chflags."""
        await self._do(C.LCHFLAGS, (path, flags))

    async def fsync_range(self, fd: int, flags: int, start: int = 0, length: int = 0) -> None:
        """Brings a range of a file to stable storage. EBADF, EINVAL, EIO."""
        await self._do(C.FSYNC_RANGE, (fd, flags, start, length))

    async def getvfsstat(self, flags: int = 1) -> list[V.Statvfs]:
        """Statistics of all mounts. EINVAL."""
        out: list[V.Statvfs] = await self._do(C.GETVFSSTAT, (flags,))
        return out

    async def statvfs1(self, path: A.PathArg, flags: int = 1) -> V.Statvfs:
        """Statistics of the file system of a path. ENOENT, EACCES."""
        out: V.Statvfs = await self._do(C.STATVFS1, (path, flags))
        return out

    async def fstatvfs1(self, fd: int, flags: int = 1) -> V.Statvfs:
        """Statistics of the file system of an open file. EBADF."""
        out: V.Statvfs = await self._do(C.FSTATVFS1, (fd, flags))
        return out

    async def extattrctl(self, path: A.PathArg, cmd: int, filename: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """Starts, stops, enables and disables extended attributes that are in files of their own (UFS1). Errors of
        namei, EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
        """
        await self._do(C.EXTATTRCTL, (path, cmd, filename, attrnamespace, attrname))

    async def extattr_set_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """Sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC."""
        out: int = await self._do(C.EXTATTR_SET_FILE, (path, attrnamespace, attrname, data))
        return out

    async def extattr_get_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """Reads an extended attribute. ENOATTR, ERANGE."""
        out: bytes = await self._do(C.EXTATTR_GET_FILE, (path, attrnamespace, attrname, nbytes))
        return out

    async def extattr_delete_file(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """Removes an extended attribute. ENOATTR."""
        await self._do(C.EXTATTR_DELETE_FILE, (path, attrnamespace, attrname))

    async def extattr_set_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """extattr_set_file of an open file. EBADF."""
        out: int = await self._do(C.EXTATTR_SET_FD, (fd, attrnamespace, attrname, data))
        return out

    async def extattr_get_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """extattr_get_file of an open file. EBADF."""
        out: bytes = await self._do(C.EXTATTR_GET_FD, (fd, attrnamespace, attrname, nbytes))
        return out

    async def extattr_delete_fd(self, fd: int, attrnamespace: int, attrname: A.TextArg) -> None:
        """extattr_delete_file of an open file. EBADF."""
        await self._do(C.EXTATTR_DELETE_FD, (fd, attrnamespace, attrname))

    async def extattr_set_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
        """extattr_set_file that does not follow a link."""
        out: int = await self._do(C.EXTATTR_SET_LINK, (path, attrnamespace, attrname, data))
        return out

    async def extattr_get_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
        """extattr_get_file that does not follow a link."""
        out: bytes = await self._do(C.EXTATTR_GET_LINK, (path, attrnamespace, attrname, nbytes))
        return out

    async def extattr_delete_link(self, path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
        """extattr_delete_file that does not follow a link."""
        await self._do(C.EXTATTR_DELETE_LINK, (path, attrnamespace, attrname))

    async def extattr_list_fd(self, fd: int, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """Lists extended attributes of an open file. EBADF."""
        out: list[bytes] = await self._do(C.EXTATTR_LIST_FD, (fd, attrnamespace, nbytes))
        return out

    async def extattr_list_file(self, path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """Lists extended attributes. EOPNOTSUPP."""
        out: list[bytes] = await self._do(C.EXTATTR_LIST_FILE, (path, attrnamespace, nbytes))
        return out

    async def extattr_list_link(self, path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
        """extattr_list_file that does not follow a link."""
        out: list[bytes] = await self._do(C.EXTATTR_LIST_LINK, (path, attrnamespace, nbytes))
        return out

    async def setxattr(self, path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """Sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP."""
        await self._do(C.SETXATTR, (path, name, value, flags))

    async def lsetxattr(self, path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """setxattr that does not follow a link."""
        await self._do(C.LSETXATTR, (path, name, value, flags))

    async def fsetxattr(self, fd: int, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
        """setxattr of an open file. EBADF."""
        await self._do(C.FSETXATTR, (fd, name, value, flags))

    async def getxattr(self, path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
        """Reads an attribute, Linux style. ENOATTR, ERANGE."""
        out: bytes = await self._do(C.GETXATTR, (path, name, size))
        return out

    async def lgetxattr(self, path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
        """getxattr that does not follow a link."""
        out: bytes = await self._do(C.LGETXATTR, (path, name, size))
        return out

    async def fgetxattr(self, fd: int, name: A.TextArg, size: int = 65536) -> bytes:
        """getxattr of an open file. EBADF."""
        out: bytes = await self._do(C.FGETXATTR, (fd, name, size))
        return out

    async def listxattr(self, path: A.PathArg, size: int = 65536) -> list[bytes]:
        """Lists attributes, Linux style. EOPNOTSUPP."""
        out: list[bytes] = await self._do(C.LISTXATTR, (path, size))
        return out

    async def llistxattr(self, path: A.PathArg, size: int = 65536) -> list[bytes]:
        """listxattr that does not follow a link."""
        out: list[bytes] = await self._do(C.LLISTXATTR, (path, size))
        return out

    async def flistxattr(self, fd: int, size: int = 65536) -> list[bytes]:
        """listxattr of an open file. EBADF."""
        out: list[bytes] = await self._do(C.FLISTXATTR, (fd, size))
        return out

    async def removexattr(self, path: A.PathArg, name: A.TextArg) -> None:
        """Removes an attribute, Linux style. ENOATTR."""
        await self._do(C.REMOVEXATTR, (path, name))

    async def lremovexattr(self, path: A.PathArg, name: A.TextArg) -> None:
        """removexattr that does not follow a link."""
        await self._do(C.LREMOVEXATTR, (path, name))

    async def fremovexattr(self, fd: int, name: A.TextArg) -> None:
        """removexattr of an open file. EBADF."""
        await self._do(C.FREMOVEXATTR, (fd, name))

    async def getdents(self, fd: int, count: int = 65536) -> list[V.Dirent]:
        """Next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR, EINVAL."""
        out: list[V.Dirent] = await self._do(C.GETDENTS, (fd, count))
        return out

    async def getfh(self, fname: A.PathArg) -> bytes:
        """File handle of a file. EPERM, EOPNOTSUPP."""
        out: bytes = await self._do(C.GETFH, (fname,))
        return out

    async def fhopen(self, fhp: A.Buffer, flags: int = 0) -> int:
        """Opens by file handle. ESTALE, EPERM, EINVAL."""
        out: int = await self._do(C.FHOPEN, (fhp, flags))
        return out

    async def fhstatvfs1(self, fhp: A.Buffer, flags: int = 1) -> V.Statvfs:
        """statvfs1 by file handle. ESTALE, EPERM."""
        out: V.Statvfs = await self._do(C.FHSTATVFS1, (fhp, flags))
        return out

    async def mount(self, type: str, path: A.PathArg, flags: int = 0, data: V.MountArgs | None = None) -> V.MountArgs | None:
        """Mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT,
        ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
        """
        out: V.MountArgs | None = await self._do(C.MOUNT, (type, path, flags, data))
        return out

    async def utimes(self, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """Sets access and modification time; left out: now. EPERM, EACCES, EROFS."""
        await self._do(C.UTIMES, (path, atime, mtime))

    async def futimes(self, fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """utimes of an open file. EBADF."""
        await self._do(C.FUTIMES, (fd, atime, mtime))

    async def lutimes(self, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """utimes that does not follow a link."""
        await self._do(C.LUTIMES, (path, atime, mtime))

    async def stat(self, path: A.PathArg) -> V.Stat:
        """Attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        out: V.Stat = await self._do(C.STAT, (path,))
        return out

    async def lstat(self, path: A.PathArg) -> V.Stat:
        """stat that does not follow a link."""
        out: V.Stat = await self._do(C.LSTAT, (path,))
        return out

    async def mknod(self, path: A.PathArg, mode: int, dev: int = 0) -> None:
        """Makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS."""
        await self._do(C.MKNOD, (path, mode, dev))

    async def fhstat(self, fhp: A.Buffer) -> V.Stat:
        """stat by file handle. ESTALE, EPERM."""
        out: V.Stat = await self._do(C.FHSTAT, (fhp,))
        return out

    async def linkat(self, fd1: int, name1: A.PathArg, fd2: int, name2: A.PathArg, flags: int = 0) -> None:
        """link relative to directories, AT_SYMLINK_FOLLOW."""
        await self._do(C.LINKAT, (fd1, name1, fd2, name2, flags))

    async def renameat(self, fromfd: int, from_path: A.PathArg, tofd: int, to_path: A.PathArg) -> None:
        """rename relative to directories."""
        await self._do(C.RENAMEAT, (fromfd, from_path, tofd, to_path))

    async def mkfifoat(self, fd: int, path: A.PathArg, mode: int = 0o666) -> None:
        """mkfifo relative to a directory."""
        await self._do(C.MKFIFOAT, (fd, path, mode))

    async def mknodat(self, fd: int, path: A.PathArg, mode: int, dev: int = 0) -> None:
        """mknod relative to a directory."""
        await self._do(C.MKNODAT, (fd, path, mode, dev))

    async def mkdirat(self, fd: int, path: A.PathArg, mode: int = 0o777) -> None:
        """mkdir relative to a directory."""
        await self._do(C.MKDIRAT, (fd, path, mode))

    async def faccessat(self, fd: int, path: A.PathArg, amode: int, flag: int = 0) -> None:
        """access relative to a directory, AT_EACCESS."""
        await self._do(C.FACCESSAT, (fd, path, amode, flag))

    async def fchmodat(self, fd: int, path: A.PathArg, mode: int, flag: int = 0) -> None:
        """chmod relative to a directory, AT_SYMLINK_NOFOLLOW."""
        await self._do(C.FCHMODAT, (fd, path, mode, flag))

    async def fchownat(self, fd: int, path: A.PathArg, owner: int, group: int, flag: int = 0) -> None:
        """chown relative to a directory, AT_SYMLINK_NOFOLLOW."""
        await self._do(C.FCHOWNAT, (fd, path, owner, group, flag))

    async def fstatat(self, fd: int, path: A.PathArg, flag: int = 0) -> V.Stat:
        """stat relative to a directory, AT_SYMLINK_NOFOLLOW."""
        out: V.Stat = await self._do(C.FSTATAT, (fd, path, flag))
        return out

    async def utimensat(self, fd: int, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None, flag: int = 0) -> None:
        """utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT."""
        await self._do(C.UTIMENSAT, (fd, path, atime, mtime, flag))

    async def openat(self, fd: int, path: A.PathArg, oflags: int = 0, mode: int | None = None) -> int:
        """open relative to a directory."""
        out: int = await self._do(C.OPENAT, (fd, path, oflags, mode))
        return out

    async def readlinkat(self, fd: int, path: A.PathArg, bufsize: int = 1024) -> bytes:
        """readlink relative to a directory."""
        out: bytes = await self._do(C.READLINKAT, (fd, path, bufsize))
        return out

    async def symlinkat(self, path1: A.PathArg, fd: int, path2: A.PathArg) -> None:
        """symlink relative to a directory."""
        await self._do(C.SYMLINKAT, (path1, fd, path2))

    async def unlinkat(self, fd: int, path: A.PathArg, flag: int = 0) -> None:
        """unlink or, with AT_REMOVEDIR, rmdir relative to a directory."""
        await self._do(C.UNLINKAT, (fd, path, flag))

    async def futimens(self, fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
        """futimes with UTIME_NOW and UTIME_OMIT. EBADF."""
        await self._do(C.FUTIMENS, (fd, atime, mtime))

    async def quotactl(self, path: A.PathArg, args: V.QuotactlArgs | None) -> V.QuotactlArgs:
        """Quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no quotas
        there), ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY, ENOSPC,
        EIO.
        """
        out: V.QuotactlArgs = await self._do(C.QUOTACTL, (path, args))
        return out

    async def posix_fallocate(self, fd: int, pos: int, len: int) -> None:
        """Makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP."""
        await self._do(C.POSIX_FALLOCATE, (fd, pos, len))

    async def fdiscard(self, fd: int, pos: int, len: int) -> None:
        """Gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP."""
        await self._do(C.FDISCARD, (fd, pos, len))

    async def recvmsg(self, s: int, len: int, controllen: int = 0, flags: int = 0) -> V.Msghdr | None:
        """Receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR."""
        out: V.Msghdr | None = await self._do(C.RECVMSG, (s, len, controllen, flags))
        return out

    async def sendmsg(self, s: int, msg: V.Msghdr, flags: int = 0) -> int:
        """Sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN."""
        out: int = await self._do(C.SENDMSG, (s, msg, flags))
        return out

    async def recvfrom(self, s: int, len: int, flags: int | None = None) -> V.RecvfromResult:
        """Receives a message and the address of its sender. As recvmsg."""
        out: V.RecvfromResult = await self._do(C.RECVFROM, (s, len, flags))
        return out

    async def accept(self, s: int) -> V.AcceptResult:
        """Takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP."""
        out: V.AcceptResult = await self._do(C.ACCEPT, (s,))
        return out

    async def getpeername(self, s: int) -> V.Sockaddr | None:
        """Address of the peer. EBADF, ENOTSOCK, ENOTCONN."""
        out: V.Sockaddr | None = await self._do(C.GETPEERNAME, (s,))
        return out

    async def getsockname(self, s: int) -> V.Sockaddr | None:
        """Address of the socket. EBADF, ENOTSOCK."""
        out: V.Sockaddr | None = await self._do(C.GETSOCKNAME, (s,))
        return out

    async def connect(self, s: int, name: A.AddressArg = None) -> None:
        """Connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT,
        ENOENT, EPROTOTYPE.
        """
        await self._do(C.CONNECT, (s, name))

    async def bind(self, s: int, name: A.AddressArg = None) -> None:
        """Gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT."""
        await self._do(C.BIND, (s, name))

    async def setsockopt(self, s: int, level: int, name: int, val: A.OptionArg) -> None:
        """Sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM."""
        await self._do(C.SETSOCKOPT, (s, level, name, val))

    async def listen(self, s: int, backlog: int = 128) -> None:
        """Makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ."""
        await self._do(C.LISTEN, (s, backlog))

    async def getsockopt(self, s: int, level: int, name: int) -> V.Sockopt | None:
        """Reads an option. ENOPROTOOPT, EINVAL."""
        out: V.Sockopt | None = await self._do(C.GETSOCKOPT, (s, level, name))
        return out

    async def sendto(self, s: int, data: A.Buffer, flags: int | None = None, to: A.AddressArg = None) -> int:
        """Sends a message. As sendmsg; EDESTADDRREQ, EISCONN."""
        out: int = await self._do(C.SENDTO, (s, data, flags, to))
        return out

    async def shutdown(self, s: int, how: int) -> None:
        """Ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL."""
        await self._do(C.SHUTDOWN, (s, how))

    async def socketpair(self, domain: int, type: int, protocol: int = 0) -> V.SocketpairResult:
        """Makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE."""
        out: V.SocketpairResult = await self._do(C.SOCKETPAIR, (domain, type, protocol))
        return out

    async def socket(self, domain: int, type: int, protocol: int = 0) -> int:
        """Makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES."""
        out: int = await self._do(C.SOCKET, (domain, type, protocol))
        return out

    async def paccept(self, s: int, mask: A.SignalSet = None, flags: int = 0) -> V.PacceptResult:
        """accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask."""
        out: V.PacceptResult = await self._do(C.PACCEPT, (s, mask, flags))
        return out

    async def recvmmsg(self, s: int, vlen: int, len: int, flags: int = 0, timeout: A.TimeArg = None) -> list[V.Msghdr]:
        """Receives several messages. As recvmsg."""
        out: list[V.Msghdr] = await self._do(C.RECVMMSG, (s, vlen, len, flags, timeout))
        return out

    async def sendmmsg(self, s: int, msgs: Iterable[V.Msghdr], flags: int = 0) -> int:
        """Sends several messages. As sendmsg."""
        out: int = await self._do(C.SENDMMSG, (s, msgs, flags))
        return out


class PubCalls(SyncBase):
    """Exported kernel functions of a process."""

    __slots__ = ()

    def kill(self, pid: int, signo: int) -> None:
        """Sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only asks.
        EINVAL, ESRCH, EPERM.
        """
        self._do(C.KILL, (pid, signo))

    def sigqueue(self, pid: int, signo: int, value: int) -> None:
        """Sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM."""
        self._do(C.SIGQUEUE, (pid, signo, value))

    def sigpending(self, take: bool = False) -> int:
        """The signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with take they
        are forgotten.
        """
        out: int = self._do(C.SIGPENDING, (take,))
        return out

    def file_list(self) -> list[V.KinfoFile]:
        """Descriptors of all processes (sysctl kern.file2). Cannot fail."""
        out: list[V.KinfoFile] = self._do(C.FILE_LIST, ())
        return out

    def module_init(self, names: str | Iterable[str]) -> None:
        """Initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM."""
        self._do(C.MODULE_INIT, (names,))

    def module_fini(self, name: str) -> None:
        """Finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM."""
        self._do(C.MODULE_FINI, (name,))

    def component_restart(self, name: str, crash: bool = False, fresh: bool = False) -> None:
        """Ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP, EPERM, EIO,
        ETIMEDOUT.
        """
        self._do(C.COMPONENT_RESTART, (name, crash, fresh))

    def etfs_register(self, key: A.PathArg, hostpath: A.PathArg, type: int | str = "reg") -> None:
        """Shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT, ENOTDIR,
        EBUSY.
        """
        self._do(C.ETFS_REGISTER, (key, hostpath, type))

    def etfs_register_withsize(self, key: A.PathArg, hostpath: A.PathArg, type: int | str, begin: int = 0, size: int | None = None) -> None:
        """etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR."""
        self._do(C.ETFS_REGISTER_WITHSIZE, (key, hostpath, type, begin, size))

    def etfs_remove(self, key: A.PathArg) -> None:
        """Takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY."""
        self._do(C.ETFS_REMOVE, (key,))

    def newfs(self, type: str, fspec: A.PathArg, options: Mapping[str, object] | None = None, source: A.PathArg = "") -> int:
        """Makes a new file system on a block device, filled with the tree of a directory if there is a source; how
        many bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC,
        EROFS, EIO.
        """
        out: int = self._do(C.NEWFS, (type, fspec, options, source))
        return out

    def getdents_stat(self, fd: int, count: int = 65536) -> list[V.DirentStat]:
        """Next entries of an open directory, about count bytes of them and at most 1,024, with what fstatat gives for
        each of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF, ENOTDIR,
        EINVAL.
        """
        out: list[V.DirentStat] = self._do(C.GETDENTS_STAT, (fd, count))
        return out

    def getdents_packed(self, fd: int, count: int = 65536) -> bytes:
        """The same as records one behind another, for those who read some of them only. Little endian, without gaps:
        length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64 each); the
        attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and st_gen in
        32 bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
        """
        out: bytes = self._do(C.GETDENTS_PACKED, (fd, count))
        return out

    def netconfig_ifcreate(self, ifname: str) -> None:
        """Makes an interface by cloning. EEXIST, EINVAL, ENXIO."""
        self._do(C.NETCONFIG_IFCREATE, (ifname,))

    def netconfig_ifdestroy(self, ifname: str) -> None:
        """Removes a cloned interface. ENXIO, EINVAL."""
        self._do(C.NETCONFIG_IFDESTROY, (ifname,))

    def netconfig_ifup(self, ifname: str) -> None:
        """Brings an interface up. ENXIO."""
        self._do(C.NETCONFIG_IFUP, (ifname,))

    def netconfig_ifdown(self, ifname: str) -> None:
        """Takes an interface down. ENXIO."""
        self._do(C.NETCONFIG_IFDOWN, (ifname,))

    def netconfig_ifsetlinkstr(self, ifname: str, linkstr: str) -> None:
        """Sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC."""
        self._do(C.NETCONFIG_IFSETLINKSTR, (ifname, linkstr))

    def netconfig_bradd(self, bridge: str, ifname: str) -> None:
        """Adds a member to a bridge. ENXIO, EEXIST, EBUSY."""
        self._do(C.NETCONFIG_BRADD, (bridge, ifname))

    def netconfig_brdel(self, bridge: str, ifname: str) -> None:
        """Removes a member of a bridge. ENXIO, ENOENT."""
        self._do(C.NETCONFIG_BRDEL, (bridge, ifname))

    def netconfig_ipv4_ifaddr(self, ifname: str, addr: str, mask: str) -> None:
        """Adds an IPv4 address. ENXIO, EINVAL, EEXIST."""
        self._do(C.NETCONFIG_IPV4_IFADDR, (ifname, addr, mask))

    def netconfig_ipv4_ifaddr_cidr(self, ifname: str, addr: str, prefixlen: int) -> None:
        """Adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST."""
        self._do(C.NETCONFIG_IPV4_IFADDR_CIDR, (ifname, addr, prefixlen))

    def netconfig_ipv6_ifaddr(self, ifname: str, addr: str, prefixlen: int) -> None:
        """Adds an IPv6 address. ENXIO, EINVAL, EEXIST."""
        self._do(C.NETCONFIG_IPV6_IFADDR, (ifname, addr, prefixlen))

    def netconfig_ipv4_gw(self, addr: str) -> None:
        """Sets the default route. EINVAL, ENETUNREACH, EEXIST."""
        self._do(C.NETCONFIG_IPV4_GW, (addr,))

    def netconfig_ipv6_gw(self, addr: str) -> None:
        """Sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST."""
        self._do(C.NETCONFIG_IPV6_GW, (addr,))

    def netconfig_dhcp_ipv4_oneshot(self, ifname: str) -> None:
        """Gets one lease by DHCP. ENXIO, ETIMEDOUT."""
        self._do(C.NETCONFIG_DHCP_IPV4_ONESHOT, (ifname,))

    def netconfig_auto_ipv6(self, ifname: str) -> None:
        """Accepts router advertisements. ENXIO."""
        self._do(C.NETCONFIG_AUTO_IPV6, (ifname,))

    def netconfig_ifaddrs(self, ifname: str | None = None) -> list[V.Interface]:
        """Interfaces with their flags and addresses. ENXIO."""
        out: list[V.Interface] = self._do(C.NETCONFIG_IFADDRS, (ifname,))
        return out

    def npf_load(self, config: V.NpfConfig | None = None) -> None:
        """Replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG."""
        self._do(C.NPF_LOAD, (config,))

    def npf_config_get(self) -> V.NpfConfigGetResult:
        """The configuration with the counters of its rules, and whether the filter is active."""
        out: V.NpfConfigGetResult = self._do(C.NPF_CONFIG_GET, ())
        return out

    def npf_switch(self, active: bool) -> None:
        """Begins or ends filtering. Ending forgets all connections."""
        self._do(C.NPF_SWITCH, (active,))

    def npf_flush(self) -> None:
        """Forgets the configuration and all connections."""
        self._do(C.NPF_FLUSH, ())

    def npf_connections(self) -> list[V.NpfConnection]:
        """The connections that the filter knows."""
        out: list[V.NpfConnection] = self._do(C.NPF_CONNECTIONS, ())
        return out

    def npf_stats(self) -> list[V.NpfCounter]:
        """What the filter has counted."""
        out: list[V.NpfCounter] = self._do(C.NPF_STATS, ())
        return out

    def npf_table(self, table: str, command: str, entry: V.NpfAddress | None = None) -> list[V.NpfAddress]:
        """Commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST, ENOENT,
        EINVAL, EPERM for const.
        """
        out: list[V.NpfAddress] = self._do(C.NPF_TABLE, (table, command, entry))
        return out

    def npf_rule_add(self, group: str, rule: V.NpfRule | None = None) -> int:
        """Adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC."""
        out: int = self._do(C.NPF_RULE_ADD, (group, rule))
        return out

    def npf_rule_remove(self, group: str, id: int) -> None:
        """Removes a rule from a dynamic group. ESRCH, ENOENT."""
        self._do(C.NPF_RULE_REMOVE, (group, id))

    def dhcp_start(self, ifname: str, hostname: str) -> None:
        """Gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one, EINVAL
        for interfaces other than Ethernets.
        """
        self._do(C.DHCP_START, (ifname, hostname))

    def dhcp_renew(self, ifname: str) -> None:
        """Asks for more time for a lease at once. ENXIO, ENOENT when there is none."""
        self._do(C.DHCP_RENEW, (ifname,))

    def dhcp_stop(self, ifname: str, release: bool) -> None:
        """Stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT."""
        self._do(C.DHCP_STOP, (ifname, release))

    def dhcp_leases(self) -> list[V.DhcpLease]:
        """The leases of all interfaces."""
        out: list[V.DhcpLease] = self._do(C.DHCP_LEASES, ())
        return out

    def dhcpd_start(self, ifname: str, pool: V.DhcpPool | None = None) -> None:
        """Leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL."""
        self._do(C.DHCPD_START, (ifname, pool))

    def dhcpd_stop(self, ifname: str) -> None:
        """Ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT."""
        self._do(C.DHCPD_STOP, (ifname,))

    def dhcpd_bindings(self, ifname: str) -> list[V.DhcpBinding]:
        """What the server of an interface has leased. ENXIO, ENOENT."""
        out: list[V.DhcpBinding] = self._do(C.DHCPD_BINDINGS, (ifname,))
        return out

    def dns_forward(self, servers: Iterable[A.Buffer]) -> None:
        """Answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it. EADDRINUSE,
        EINVAL.
        """
        self._do(C.DNS_FORWARD, (servers,))

    def netconfig_ifaddrdel(self, ifname: str, addr: str) -> None:
        """Takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL."""
        self._do(C.NETCONFIG_IFADDRDEL, (ifname, addr))

    def route_send(self, s: int, msg: V.Rtmsg | None = None) -> V.Rtmsg:
        """Writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH, EINVAL,
        EACCES.
        """
        out: V.Rtmsg = self._do(C.ROUTE_SEND, (s, msg))
        return out

    def route_recv(self, s: int, flags: int) -> V.Rtmsg | None:
        """Reads the next message of a routing socket. EAGAIN."""
        out: V.Rtmsg | None = self._do(C.ROUTE_RECV, (s, flags))
        return out

    def route_dump(self, family: int, op: int, arg: int) -> list[V.Rtmsg]:
        """The tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those with the
        flags in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index or 0).
        EINVAL.
        """
        out: list[V.Rtmsg] = self._do(C.ROUTE_DUMP, (family, op, arg))
        return out

    def net_pcblist(self) -> list[V.Inpcb]:
        """Sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail."""
        out: list[V.Inpcb] = self._do(C.NET_PCBLIST, ())
        return out

    def net_counters(self) -> list[V.NetCounter]:
        """What the protocols have counted (sysctl net.*.stats). Cannot fail."""
        out: list[V.NetCounter] = self._do(C.NET_COUNTERS, ())
        return out

    def nd_list(self) -> V.NdListResult:
        """Routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT."""
        out: V.NdListResult = self._do(C.ND_LIST, ())
        return out

    def netconfig_ifimpair(self, ifname: str, settings: V.Impairment | None = None) -> None:
        """Makes the link of an interface worse, for what it sends; without settings, as good as before. ENXIO, EINVAL,
        EOPNOTSUPP.
        """
        self._do(C.NETCONFIG_IFIMPAIR, (ifname, settings))

    def netconfig_ifimpairstat(self, ifname: str) -> V.ImpairmentStat:
        """What became of the frames since then. ENXIO, ENOENT when it is not impaired."""
        out: V.ImpairmentStat = self._do(C.NETCONFIG_IFIMPAIRSTAT, (ifname,))
        return out

    def netconfig_ifcapture(self, ifname: str, hostpath: A.PathArg, snaplen: int | None = None) -> int:
        """Writes what an interface sends and receives to a new file of the host (pcapng), or ends that when the path
        is empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST, EBUSY, errors of the
        host.
        """
        out: int = self._do(C.NETCONFIG_IFCAPTURE, (ifname, hostpath, snaplen))
        return out

    def bpf_open(self) -> int:
        """Opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE."""
        out: int = self._do(C.BPF_OPEN, ())
        return out

    def dev_list(self) -> list[V.Driver]:
        """Device drivers with their major numbers and units."""
        out: list[V.Driver] = self._do(C.DEV_LIST, ())
        return out

    def md_create(self, unit: int, size: int) -> None:
        """Gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM."""
        self._do(C.MD_CREATE, (unit, size))

    def md_destroy(self, unit: int) -> None:
        """Takes the storage of a memory disk back. ENXIO, EBUSY."""
        self._do(C.MD_DESTROY, (unit,))


class AsyncPubCalls(AsyncBase):
    """Exported kernel functions of a process, for asyncio."""

    __slots__ = ()

    async def kill(self, pid: int, signo: int) -> None:
        """Sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only asks.
        EINVAL, ESRCH, EPERM.
        """
        await self._do(C.KILL, (pid, signo))

    async def sigqueue(self, pid: int, signo: int, value: int) -> None:
        """Sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM."""
        await self._do(C.SIGQUEUE, (pid, signo, value))

    async def sigpending(self, take: bool = False) -> int:
        """The signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with take they
        are forgotten.
        """
        out: int = await self._do(C.SIGPENDING, (take,))
        return out

    async def file_list(self) -> list[V.KinfoFile]:
        """Descriptors of all processes (sysctl kern.file2). Cannot fail."""
        out: list[V.KinfoFile] = await self._do(C.FILE_LIST, ())
        return out

    async def module_init(self, names: str | Iterable[str]) -> None:
        """Initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM."""
        await self._do(C.MODULE_INIT, (names,))

    async def module_fini(self, name: str) -> None:
        """Finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM."""
        await self._do(C.MODULE_FINI, (name,))

    async def component_restart(self, name: str, crash: bool = False, fresh: bool = False) -> None:
        """Ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP, EPERM, EIO,
        ETIMEDOUT.
        """
        await self._do(C.COMPONENT_RESTART, (name, crash, fresh))

    async def etfs_register(self, key: A.PathArg, hostpath: A.PathArg, type: int | str = "reg") -> None:
        """Shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT, ENOTDIR,
        EBUSY.
        """
        await self._do(C.ETFS_REGISTER, (key, hostpath, type))

    async def etfs_register_withsize(self, key: A.PathArg, hostpath: A.PathArg, type: int | str, begin: int = 0, size: int | None = None) -> None:
        """etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR."""
        await self._do(C.ETFS_REGISTER_WITHSIZE, (key, hostpath, type, begin, size))

    async def etfs_remove(self, key: A.PathArg) -> None:
        """Takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY."""
        await self._do(C.ETFS_REMOVE, (key,))

    async def newfs(self, type: str, fspec: A.PathArg, options: Mapping[str, object] | None = None, source: A.PathArg = "") -> int:
        """Makes a new file system on a block device, filled with the tree of a directory if there is a source; how
        many bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC,
        EROFS, EIO.
        """
        out: int = await self._do(C.NEWFS, (type, fspec, options, source))
        return out

    async def getdents_stat(self, fd: int, count: int = 65536) -> list[V.DirentStat]:
        """Next entries of an open directory, about count bytes of them and at most 1,024, with what fstatat gives for
        each of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF, ENOTDIR,
        EINVAL.
        """
        out: list[V.DirentStat] = await self._do(C.GETDENTS_STAT, (fd, count))
        return out

    async def getdents_packed(self, fd: int, count: int = 65536) -> bytes:
        """The same as records one behind another, for those who read some of them only. Little endian, without gaps:
        length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64 each); the
        attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and st_gen in
        32 bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
        """
        out: bytes = await self._do(C.GETDENTS_PACKED, (fd, count))
        return out

    async def netconfig_ifcreate(self, ifname: str) -> None:
        """Makes an interface by cloning. EEXIST, EINVAL, ENXIO."""
        await self._do(C.NETCONFIG_IFCREATE, (ifname,))

    async def netconfig_ifdestroy(self, ifname: str) -> None:
        """Removes a cloned interface. ENXIO, EINVAL."""
        await self._do(C.NETCONFIG_IFDESTROY, (ifname,))

    async def netconfig_ifup(self, ifname: str) -> None:
        """Brings an interface up. ENXIO."""
        await self._do(C.NETCONFIG_IFUP, (ifname,))

    async def netconfig_ifdown(self, ifname: str) -> None:
        """Takes an interface down. ENXIO."""
        await self._do(C.NETCONFIG_IFDOWN, (ifname,))

    async def netconfig_ifsetlinkstr(self, ifname: str, linkstr: str) -> None:
        """Sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC."""
        await self._do(C.NETCONFIG_IFSETLINKSTR, (ifname, linkstr))

    async def netconfig_bradd(self, bridge: str, ifname: str) -> None:
        """Adds a member to a bridge. ENXIO, EEXIST, EBUSY."""
        await self._do(C.NETCONFIG_BRADD, (bridge, ifname))

    async def netconfig_brdel(self, bridge: str, ifname: str) -> None:
        """Removes a member of a bridge. ENXIO, ENOENT."""
        await self._do(C.NETCONFIG_BRDEL, (bridge, ifname))

    async def netconfig_ipv4_ifaddr(self, ifname: str, addr: str, mask: str) -> None:
        """Adds an IPv4 address. ENXIO, EINVAL, EEXIST."""
        await self._do(C.NETCONFIG_IPV4_IFADDR, (ifname, addr, mask))

    async def netconfig_ipv4_ifaddr_cidr(self, ifname: str, addr: str, prefixlen: int) -> None:
        """Adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST."""
        await self._do(C.NETCONFIG_IPV4_IFADDR_CIDR, (ifname, addr, prefixlen))

    async def netconfig_ipv6_ifaddr(self, ifname: str, addr: str, prefixlen: int) -> None:
        """Adds an IPv6 address. ENXIO, EINVAL, EEXIST."""
        await self._do(C.NETCONFIG_IPV6_IFADDR, (ifname, addr, prefixlen))

    async def netconfig_ipv4_gw(self, addr: str) -> None:
        """Sets the default route. EINVAL, ENETUNREACH, EEXIST."""
        await self._do(C.NETCONFIG_IPV4_GW, (addr,))

    async def netconfig_ipv6_gw(self, addr: str) -> None:
        """Sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST."""
        await self._do(C.NETCONFIG_IPV6_GW, (addr,))

    async def netconfig_dhcp_ipv4_oneshot(self, ifname: str) -> None:
        """Gets one lease by DHCP. ENXIO, ETIMEDOUT."""
        await self._do(C.NETCONFIG_DHCP_IPV4_ONESHOT, (ifname,))

    async def netconfig_auto_ipv6(self, ifname: str) -> None:
        """Accepts router advertisements. ENXIO."""
        await self._do(C.NETCONFIG_AUTO_IPV6, (ifname,))

    async def netconfig_ifaddrs(self, ifname: str | None = None) -> list[V.Interface]:
        """Interfaces with their flags and addresses. ENXIO."""
        out: list[V.Interface] = await self._do(C.NETCONFIG_IFADDRS, (ifname,))
        return out

    async def npf_load(self, config: V.NpfConfig | None = None) -> None:
        """Replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG."""
        await self._do(C.NPF_LOAD, (config,))

    async def npf_config_get(self) -> V.NpfConfigGetResult:
        """The configuration with the counters of its rules, and whether the filter is active."""
        out: V.NpfConfigGetResult = await self._do(C.NPF_CONFIG_GET, ())
        return out

    async def npf_switch(self, active: bool) -> None:
        """Begins or ends filtering. Ending forgets all connections."""
        await self._do(C.NPF_SWITCH, (active,))

    async def npf_flush(self) -> None:
        """Forgets the configuration and all connections."""
        await self._do(C.NPF_FLUSH, ())

    async def npf_connections(self) -> list[V.NpfConnection]:
        """The connections that the filter knows."""
        out: list[V.NpfConnection] = await self._do(C.NPF_CONNECTIONS, ())
        return out

    async def npf_stats(self) -> list[V.NpfCounter]:
        """What the filter has counted."""
        out: list[V.NpfCounter] = await self._do(C.NPF_STATS, ())
        return out

    async def npf_table(self, table: str, command: str, entry: V.NpfAddress | None = None) -> list[V.NpfAddress]:
        """Commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST, ENOENT,
        EINVAL, EPERM for const.
        """
        out: list[V.NpfAddress] = await self._do(C.NPF_TABLE, (table, command, entry))
        return out

    async def npf_rule_add(self, group: str, rule: V.NpfRule | None = None) -> int:
        """Adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC."""
        out: int = await self._do(C.NPF_RULE_ADD, (group, rule))
        return out

    async def npf_rule_remove(self, group: str, id: int) -> None:
        """Removes a rule from a dynamic group. ESRCH, ENOENT."""
        await self._do(C.NPF_RULE_REMOVE, (group, id))

    async def dhcp_start(self, ifname: str, hostname: str) -> None:
        """Gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one, EINVAL
        for interfaces other than Ethernets.
        """
        await self._do(C.DHCP_START, (ifname, hostname))

    async def dhcp_renew(self, ifname: str) -> None:
        """Asks for more time for a lease at once. ENXIO, ENOENT when there is none."""
        await self._do(C.DHCP_RENEW, (ifname,))

    async def dhcp_stop(self, ifname: str, release: bool) -> None:
        """Stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT."""
        await self._do(C.DHCP_STOP, (ifname, release))

    async def dhcp_leases(self) -> list[V.DhcpLease]:
        """The leases of all interfaces."""
        out: list[V.DhcpLease] = await self._do(C.DHCP_LEASES, ())
        return out

    async def dhcpd_start(self, ifname: str, pool: V.DhcpPool | None = None) -> None:
        """Leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL."""
        await self._do(C.DHCPD_START, (ifname, pool))

    async def dhcpd_stop(self, ifname: str) -> None:
        """Ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT."""
        await self._do(C.DHCPD_STOP, (ifname,))

    async def dhcpd_bindings(self, ifname: str) -> list[V.DhcpBinding]:
        """What the server of an interface has leased. ENXIO, ENOENT."""
        out: list[V.DhcpBinding] = await self._do(C.DHCPD_BINDINGS, (ifname,))
        return out

    async def dns_forward(self, servers: Iterable[A.Buffer]) -> None:
        """Answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it. EADDRINUSE,
        EINVAL.
        """
        await self._do(C.DNS_FORWARD, (servers,))

    async def netconfig_ifaddrdel(self, ifname: str, addr: str) -> None:
        """Takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL."""
        await self._do(C.NETCONFIG_IFADDRDEL, (ifname, addr))

    async def route_send(self, s: int, msg: V.Rtmsg | None = None) -> V.Rtmsg:
        """Writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH, EINVAL,
        EACCES.
        """
        out: V.Rtmsg = await self._do(C.ROUTE_SEND, (s, msg))
        return out

    async def route_recv(self, s: int, flags: int) -> V.Rtmsg | None:
        """Reads the next message of a routing socket. EAGAIN."""
        out: V.Rtmsg | None = await self._do(C.ROUTE_RECV, (s, flags))
        return out

    async def route_dump(self, family: int, op: int, arg: int) -> list[V.Rtmsg]:
        """The tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those with the
        flags in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index or 0).
        EINVAL.
        """
        out: list[V.Rtmsg] = await self._do(C.ROUTE_DUMP, (family, op, arg))
        return out

    async def net_pcblist(self) -> list[V.Inpcb]:
        """Sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail."""
        out: list[V.Inpcb] = await self._do(C.NET_PCBLIST, ())
        return out

    async def net_counters(self) -> list[V.NetCounter]:
        """What the protocols have counted (sysctl net.*.stats). Cannot fail."""
        out: list[V.NetCounter] = await self._do(C.NET_COUNTERS, ())
        return out

    async def nd_list(self) -> V.NdListResult:
        """Routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT."""
        out: V.NdListResult = await self._do(C.ND_LIST, ())
        return out

    async def netconfig_ifimpair(self, ifname: str, settings: V.Impairment | None = None) -> None:
        """Makes the link of an interface worse, for what it sends; without settings, as good as before. ENXIO, EINVAL,
        EOPNOTSUPP.
        """
        await self._do(C.NETCONFIG_IFIMPAIR, (ifname, settings))

    async def netconfig_ifimpairstat(self, ifname: str) -> V.ImpairmentStat:
        """What became of the frames since then. ENXIO, ENOENT when it is not impaired."""
        out: V.ImpairmentStat = await self._do(C.NETCONFIG_IFIMPAIRSTAT, (ifname,))
        return out

    async def netconfig_ifcapture(self, ifname: str, hostpath: A.PathArg, snaplen: int | None = None) -> int:
        """Writes what an interface sends and receives to a new file of the host (pcapng), or ends that when the path
        is empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST, EBUSY, errors of the
        host.
        """
        out: int = await self._do(C.NETCONFIG_IFCAPTURE, (ifname, hostpath, snaplen))
        return out

    async def bpf_open(self) -> int:
        """Opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE."""
        out: int = await self._do(C.BPF_OPEN, ())
        return out

    async def dev_list(self) -> list[V.Driver]:
        """Device drivers with their major numbers and units."""
        out: list[V.Driver] = await self._do(C.DEV_LIST, ())
        return out

    async def md_create(self, unit: int, size: int) -> None:
        """Gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM."""
        await self._do(C.MD_CREATE, (unit, size))

    async def md_destroy(self, unit: int) -> None:
        """Takes the storage of a memory disk back. ENXIO, EBUSY."""
        await self._do(C.MD_DESTROY, (unit,))


class BatchCalls(BatchBase):
    """All calls, to be done later in one message."""


    def read(self, fd: int | Ref, nbyte: int | Ref) -> Future[bytes]:
        """Reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO,
        EINVAL.
        """
        return self._add(C.READ, (fd, nbyte))

    def write(self, fd: int | Ref, data: A.Buffer | Ref) -> Future[int]:
        """Writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC,
        EDQUOT, EINTR, EIO, EROFS.
        """
        return self._add(C.WRITE, (fd, data))

    def close(self, fd: int | Ref) -> Future[None]:
        """Closes the descriptor. EBADF, EIO."""
        return self._add(C.CLOSE, (fd,))

    def kill(self, pid: int | Ref, signo: int | Ref) -> Future[None]:
        """Sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only asks.
        EINVAL, ESRCH, EPERM.
        """
        return self._add(C.KILL, (pid, signo))

    def sigqueue(self, pid: int | Ref, signo: int | Ref, value: int | Ref) -> Future[None]:
        """Sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM."""
        return self._add(C.SIGQUEUE, (pid, signo, value))

    def sigpending(self, take: bool | Ref = False) -> Future[int]:
        """The signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with take they
        are forgotten.
        """
        return self._add(C.SIGPENDING, (take,))

    def getpid(self) -> Future[int]:
        """Process id; the second register has the id of the parent. Cannot fail."""
        return self._add(C.GETPID, ())

    def setuid(self, uid: int | Ref) -> Future[None]:
        """Sets the user ids. EPERM."""
        return self._add(C.SETUID, (uid,))

    def getuid(self) -> Future[int]:
        """Real user id; the second register has the effective one. Cannot fail."""
        return self._add(C.GETUID, ())

    def geteuid(self) -> Future[int]:
        """Effective user id. Cannot fail."""
        return self._add(C.GETEUID, ())

    def getppid(self) -> Future[int]:
        """Id of the parent process. Cannot fail."""
        return self._add(C.GETPPID, ())

    def file_list(self) -> Future[list[V.KinfoFile]]:
        """Descriptors of all processes (sysctl kern.file2). Cannot fail."""
        return self._add(C.FILE_LIST, ())

    def dup(self, fd: int | Ref) -> Future[int]:
        """Second descriptor for the same open object, lowest free number. EBADF, EMFILE."""
        return self._add(C.DUP, (fd,))

    def pipe(self) -> Future[V.PipeResult]:
        """Makes a pipe: read end, write end. EMFILE, ENFILE."""
        return self._add(C.PIPE, ())

    def getegid(self) -> Future[int]:
        """Effective group id. Cannot fail."""
        return self._add(C.GETEGID, ())

    def getgid(self) -> Future[int]:
        """Real group id; the second register has the effective one. Cannot fail."""
        return self._add(C.GETGID, ())

    def getlogin(self) -> Future[bytes]:
        """Login name of the session. Cannot fail."""
        return self._add(C.GETLOGIN, ())

    def setlogin(self, namebuf: A.TextArg | Ref) -> Future[None]:
        """Sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG."""
        return self._add(C.SETLOGIN, (namebuf,))

    def ioctl(self, fd: int | Ref, com: int | Ref, data: A.IoctlArg | Ref = None) -> Future[V.IoctlResult]:
        """Device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL."""
        return self._add(C.IOCTL, (fd, com, data))

    def getgroups(self, gidsetsize: int | Ref = 16) -> Future[V.GetgroupsResult]:
        """Supplementary groups; a size of 0 asks for their number only. EINVAL."""
        return self._add(C.GETGROUPS, (gidsetsize,))

    def setgroups(self, gidset: Iterable[int] | Ref) -> Future[None]:
        """Sets the supplementary groups. EPERM, EINVAL."""
        return self._add(C.SETGROUPS, (gidset,))

    def getpgrp(self) -> Future[int]:
        """Process group of the caller. Cannot fail."""
        return self._add(C.GETPGRP, ())

    def setpgid(self, pid: int | Ref, pgid: int | Ref) -> Future[None]:
        """Sets a process group. EINVAL, EPERM, ESRCH."""
        return self._add(C.SETPGID, (pid, pgid))

    def dup2(self, from_fd: int | Ref, to_fd: int | Ref) -> Future[int]:
        """Makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE."""
        return self._add(C.DUP2, (from_fd, to_fd))

    def fcntl(self, fd: int | Ref, cmd: int | Ref, arg: int | None | Ref = None, lock: V.Flock | None | Ref = None) -> Future[V.FcntlResult]:
        """Descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK."""
        return self._add(C.FCNTL, (fd, cmd, arg, lock))

    def readv(self, fd: int | Ref, iov: Iterable[int] | Ref) -> Future[bytes]:
        """Scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read."""
        return self._add(C.READV, (fd, iov))

    def writev(self, fd: int | Ref, iov: Iterable[A.Buffer] | Ref) -> Future[int]:
        """Gather write. As write; EINVAL."""
        return self._add(C.WRITEV, (fd, iov))

    def setreuid(self, ruid: int | Ref, euid: int | Ref) -> Future[None]:
        """Sets real and effective user id; -1 leaves one alone. EPERM."""
        return self._add(C.SETREUID, (ruid, euid))

    def setregid(self, rgid: int | Ref, egid: int | Ref) -> Future[None]:
        """Sets real and effective group id; -1 leaves one alone. EPERM."""
        return self._add(C.SETREGID, (rgid, egid))

    def flock(self, fd: int | Ref, how: int | Ref) -> Future[None]:
        """Whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP."""
        return self._add(C.FLOCK, (fd, how))

    def setsid(self) -> Future[int]:
        """Makes a session. EPERM."""
        return self._add(C.SETSID, ())

    def setgid(self, gid: int | Ref) -> Future[None]:
        """Sets the group ids. EPERM."""
        return self._add(C.SETGID, (gid,))

    def setegid(self, egid: int | Ref) -> Future[None]:
        """Sets the effective group id. EPERM."""
        return self._add(C.SETEGID, (egid,))

    def seteuid(self, euid: int | Ref) -> Future[None]:
        """Sets the effective user id. EPERM."""
        return self._add(C.SETEUID, (euid,))

    def fpathconf(self, fd: int | Ref, name: int | str | Ref) -> Future[int]:
        """Configurable limit of an open object, _PC_*. EBADF, EINVAL."""
        return self._add(C.FPATHCONF, (fd, name))

    def getrlimit(self, which: int | Ref) -> Future[V.Rlimit]:
        """Resource limit, RLIMIT_*. EINVAL."""
        return self._add(C.GETRLIMIT, (which,))

    def setrlimit(self, which: int | Ref, rlp: V.Rlimit | tuple[int, int] | Ref) -> Future[None]:
        """Sets a resource limit. EINVAL, EPERM."""
        return self._add(C.SETRLIMIT, (which, rlp))

    def sysctl(self, name: Iterable[int] | Ref = (), path: str | Ref = "", newv: A.SysctlArg | Ref = None, node: V.SysctlNode | None | Ref = None) -> Future[V.SysctlResult]:
        """Reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY,
        CTL_DESCRIBE, CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY,
        EOPNOTSUPP.
        """
        return self._add(C.SYSCTL, (name, path, newv, node))

    def getpgid(self, pid: int | Ref) -> Future[int]:
        """Process group of a process. ESRCH."""
        return self._add(C.GETPGID, (pid,))

    def reboot(self, opt: int | Ref = 0, bootstr: str | Ref = "") -> Future[None]:
        """Halts the kernel, RB_*; answered before it leaves. EPERM."""
        return self._add(C.REBOOT, (opt, bootstr))

    def poll(self, fds: Iterable[V.Pollfd | tuple[int, int]] | Ref, timeout: int | Ref = -1) -> Future[V.PollResult]:
        """Waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR."""
        return self._add(C.POLL, (fds, timeout))

    def timer_create(self, clock_id: int | Ref, evp: V.Sigevent | None | Ref = None) -> Future[int]:
        """Makes a timer. EAGAIN, EINVAL."""
        return self._add(C.TIMER_CREATE, (clock_id, evp))

    def timer_delete(self, timerid: int | Ref) -> Future[None]:
        """Removes a timer. EINVAL."""
        return self._add(C.TIMER_DELETE, (timerid,))

    def timer_getoverrun(self, timerid: int | Ref) -> Future[int]:
        """Missed expirations of a timer. EINVAL."""
        return self._add(C.TIMER_GETOVERRUN, (timerid,))

    def modctl(self, cmd: int | Ref, load: V.ModctlLoad | None | Ref = None, name: str | None | Ref = None, autoload: bool | None | Ref = None) -> Future[list[V.ModuleStat]]:
        """Module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC, EPROGMISMATCH,
        EOPNOTSUPP.
        """
        return self._add(C.MODCTL, (cmd, load, name, autoload))

    def getsid(self, pid: int | Ref) -> Future[int]:
        """Session of a process. ESRCH."""
        return self._add(C.GETSID, (pid,))

    def fktrace(self, fd: int | Ref, ops: int | Ref, facs: int | Ref, pid: int | Ref = 0) -> Future[None]:
        """Traces calls to a descriptor. EBADF, EPERM, ESRCH."""
        return self._add(C.FKTRACE, (fd, ops, facs, pid))

    def issetugid(self) -> Future[int]:
        """Whether the ids were changed at exec. Cannot fail."""
        return self._add(C.ISSETUGID, ())

    def utrace(self, label: str | Ref, data: A.Buffer | Ref) -> Future[None]:
        """Writes a record to the trace. EINVAL."""
        return self._add(C.UTRACE, (label, data))

    def kqueue(self) -> Future[int]:
        """Makes an event queue. EMFILE."""
        return self._add(C.KQUEUE, ())

    def posix_fadvise(self, fd: int | Ref, offset: int | Ref, len: int | Ref, advice: int | Ref) -> Future[None]:
        """Advice on future use. EBADF, EINVAL, ESPIPE."""
        return self._add(C.POSIX_FADVISE, (fd, offset, len, advice))

    def select(self, nd: int | Ref, in_fds: Iterable[int] | Ref, out_fds: Iterable[int] | Ref, ex_fds: Iterable[int] | Ref, timeout: A.TimeArg | Ref = None) -> Future[V.SelectResult]:
        """Waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR."""
        return self._add(C.SELECT, (nd, in_fds, out_fds, ex_fds, timeout))

    def gettimeofday(self) -> Future[V.Timespec]:
        """Wall clock. Cannot fail."""
        return self._add(C.GETTIMEOFDAY, ())

    def settimeofday(self, tp: A.TimeArg | Ref = None) -> Future[None]:
        """Sets the wall clock of the kernel. EPERM, EINVAL."""
        return self._add(C.SETTIMEOFDAY, (tp,))

    def adjtime(self, delta: A.TimeArg | Ref = None) -> Future[V.Timespec]:
        """Slews the clock. EPERM."""
        return self._add(C.ADJTIME, (delta,))

    def setitimer(self, which: int | Ref, itv: A.TimerArg | None | Ref = None) -> Future[V.Itimerspec]:
        """Sets an interval timer. EINVAL."""
        return self._add(C.SETITIMER, (which, itv))

    def getitimer(self, which: int | Ref) -> Future[V.Itimerspec]:
        """Reads an interval timer. EINVAL."""
        return self._add(C.GETITIMER, (which,))

    def clock_gettime(self, clock_id: int | Ref) -> Future[V.Timespec]:
        """Reads a clock, CLOCK_*. EINVAL."""
        return self._add(C.CLOCK_GETTIME, (clock_id,))

    def clock_settime(self, clock_id: int | Ref, tp: A.TimeArg | Ref = None) -> Future[None]:
        """Sets a clock of the kernel. EPERM, EINVAL."""
        return self._add(C.CLOCK_SETTIME, (clock_id, tp))

    def clock_getres(self, clock_id: int | Ref) -> Future[V.Timespec]:
        """Resolution of a clock. EINVAL."""
        return self._add(C.CLOCK_GETRES, (clock_id,))

    def nanosleep(self, rqtp: A.TimeArg | Ref = None) -> Future[V.Timespec | None]:
        """Sleeps for an interval. EINVAL, EINTR."""
        return self._add(C.NANOSLEEP, (rqtp,))

    def kevent(self, fd: int | Ref, changelist: Iterable[V.Kevent] | Ref = (), nevents: int | Ref = 0, timeout: A.TimeArg | Ref = None) -> Future[list[V.Kevent]]:
        """Registers and waits for events. EBADF, EINVAL, ENOENT, EINTR."""
        return self._add(C.KEVENT, (fd, changelist, nevents, timeout))

    def pselect(self, nd: int | Ref, in_fds: Iterable[int] | Ref, out_fds: Iterable[int] | Ref, ex_fds: Iterable[int] | Ref, ts: A.TimeArg | Ref = None, mask: A.SignalSet | Ref = None) -> Future[V.PselectResult]:
        """select with a signal mask. EBADF, EINVAL, EINTR."""
        return self._add(C.PSELECT, (nd, in_fds, out_fds, ex_fds, ts, mask))

    def pollts(self, fds: Iterable[V.Pollfd | tuple[int, int]] | Ref, ts: A.TimeArg | Ref = None, mask: A.SignalSet | Ref = None) -> Future[V.PolltsResult]:
        """poll with a time and a signal mask. EINVAL, EINTR."""
        return self._add(C.POLLTS, (fds, ts, mask))

    def fstat(self, fd: int | Ref) -> Future[V.Stat]:
        """Attributes of an open object. EBADF, EIO."""
        return self._add(C.FSTAT, (fd,))

    def timer_settime(self, timerid: int | Ref, flags: int | Ref, value: A.TimerArg | None | Ref = None) -> Future[V.Itimerspec]:
        """Arms a timer. EINVAL."""
        return self._add(C.TIMER_SETTIME, (timerid, flags, value))

    def timer_gettime(self, timerid: int | Ref) -> Future[V.Itimerspec]:
        """Time left of a timer. EINVAL."""
        return self._add(C.TIMER_GETTIME, (timerid,))

    def pipe2(self, flags: int | Ref = 0) -> Future[V.Pipe2Result]:
        """pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE."""
        return self._add(C.PIPE2, (flags,))

    def dup3(self, from_fd: int | Ref, to_fd: int | Ref, flags: int | Ref = 0) -> Future[int]:
        """dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL."""
        return self._add(C.DUP3, (from_fd, to_fd, flags))

    def kqueue1(self, flags: int | Ref = 0) -> Future[int]:
        """kqueue with flags. EINVAL, EMFILE."""
        return self._add(C.KQUEUE1, (flags,))

    def clock_nanosleep(self, clock_id: int | Ref, flags: int | Ref, rqtp: A.TimeArg | Ref = None) -> Future[V.Timespec | None]:
        """Sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP."""
        return self._add(C.CLOCK_NANOSLEEP, (clock_id, flags, rqtp))

    def module_init(self, names: str | Iterable[str] | Ref) -> Future[None]:
        """Initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM."""
        return self._add(C.MODULE_INIT, (names,))

    def module_fini(self, name: str | Ref) -> Future[None]:
        """Finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM."""
        return self._add(C.MODULE_FINI, (name,))

    def component_restart(self, name: str | Ref, crash: bool | Ref = False, fresh: bool | Ref = False) -> Future[None]:
        """Ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP, EPERM, EIO,
        ETIMEDOUT.
        """
        return self._add(C.COMPONENT_RESTART, (name, crash, fresh))

    def ksem_init(self, value: int | Ref) -> Future[int]:
        """A semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE."""
        return self._add(C.KSEM_INIT, (value,))

    def ksem_open(self, name: A.TextArg | Ref, oflag: int | Ref = 0, mode: int | Ref = 0o600, value: int | Ref = 0) -> Future[int]:
        """A semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST, ENOENT,
        EACCES, ENFILE.
        """
        return self._add(C.KSEM_OPEN, (name, oflag, mode, value))

    def ksem_unlink(self, name: A.TextArg | Ref) -> Future[None]:
        """Frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES."""
        return self._add(C.KSEM_UNLINK, (name,))

    def ksem_close(self, id: int | Ref) -> Future[None]:
        """Closes a semaphore that has a name. EBADF, EINVAL."""
        return self._add(C.KSEM_CLOSE, (id,))

    def ksem_post(self, id: int | Ref) -> Future[None]:
        """Puts the semaphore up by one. EINVAL, EOVERFLOW."""
        return self._add(C.KSEM_POST, (id,))

    def ksem_wait(self, id: int | Ref) -> Future[None]:
        """Takes the semaphore down by one, when it is not 0. EINVAL, EINTR."""
        return self._add(C.KSEM_WAIT, (id,))

    def ksem_trywait(self, id: int | Ref) -> Future[None]:
        """Takes the semaphore down by one. EINVAL, EAGAIN."""
        return self._add(C.KSEM_TRYWAIT, (id,))

    def ksem_getvalue(self, id: int | Ref) -> Future[int]:
        """The count of the semaphore. EINVAL."""
        return self._add(C.KSEM_GETVALUE, (id,))

    def ksem_destroy(self, id: int | Ref) -> Future[None]:
        """Ends a semaphore without a name. EBADF, EINVAL, EBUSY."""
        return self._add(C.KSEM_DESTROY, (id,))

    def ksem_timedwait(self, id: int | Ref, abstime: A.TimeArg | Ref = None) -> Future[None]:
        """Takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT."""
        return self._add(C.KSEM_TIMEDWAIT, (id, abstime))

    def aio_cancel(self, fildes: int | Ref, aiocbp: int | Ref = 0) -> Future[int]:
        """Ends requests of a descriptor; what was ended has the error ECANCELED. EBADF."""
        return self._add(C.AIO_CANCEL, (fildes, aiocbp))

    def aio_error(self, aiocbp: int | Ref) -> Future[int]:
        """How a request is: EINPROGRESS while it is under way, else its error. EINVAL."""
        return self._add(C.AIO_ERROR, (aiocbp,))

    def aio_fsync(self, op: int | Ref, aiocbp: V.Aiocb | Ref) -> Future[None]:
        """Begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL."""
        return self._add(C.AIO_FSYNC, (op, aiocbp))

    def aio_read(self, aiocbp: V.Aiocb | Ref) -> Future[None]:
        """Begins to read. EAGAIN, EBADF, EINVAL."""
        return self._add(C.AIO_READ, (aiocbp,))

    def aio_return(self, aiocbp: int | Ref) -> Future[V.AioReturnResult]:
        """The result of a request that is over, once; then the kernel forgets it. EINVAL."""
        return self._add(C.AIO_RETURN, (aiocbp,))

    def aio_write(self, aiocbp: V.Aiocb | Ref) -> Future[None]:
        """Begins to write. EAGAIN, EBADF, EINVAL."""
        return self._add(C.AIO_WRITE, (aiocbp,))

    def lio_listio(self, mode: int | Ref, aiocbs: Iterable[V.Aiocb] | Ref, sig: V.Sigevent | None | Ref = None) -> Future[None]:
        """Begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for one that
        failed.
        """
        return self._add(C.LIO_LISTIO, (mode, aiocbs, sig))

    def aio_suspend(self, aiocbs: Iterable[int] | Ref, timeout: A.TimeArg | Ref = None) -> Future[None]:
        """Waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL."""
        return self._add(C.AIO_SUSPEND, (aiocbs, timeout))

    def open(self, path: A.PathArg | Ref, flags: int | Ref = 0, mode: int | None | Ref = None) -> Future[int]:
        """Opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EMFILE,
        ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
        """
        return self._add(C.OPEN, (path, flags, mode))

    def link(self, path: A.PathArg | Ref, link: A.PathArg | Ref) -> Future[None]:
        """Makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS."""
        return self._add(C.LINK, (path, link))

    def unlink(self, path: A.PathArg | Ref) -> Future[None]:
        """Removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS."""
        return self._add(C.UNLINK, (path,))

    def chdir(self, path: A.PathArg | Ref) -> Future[None]:
        """Changes the working directory. ENOENT, ENOTDIR, EACCES."""
        return self._add(C.CHDIR, (path,))

    def fchdir(self, fd: int | Ref) -> Future[None]:
        """Changes the working directory to an open one. EBADF, ENOTDIR, EACCES."""
        return self._add(C.FCHDIR, (fd,))

    def chmod(self, path: A.PathArg | Ref, mode: int | Ref) -> Future[None]:
        """Changes permissions. EPERM, EROFS, EFTYPE."""
        return self._add(C.CHMOD, (path, mode))

    def chown(self, path: A.PathArg | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """Changes owner and group; -1 leaves one alone. EPERM, EROFS."""
        return self._add(C.CHOWN, (path, uid, gid))

    def unmount(self, path: A.PathArg | Ref, flags: int | Ref = 0) -> Future[None]:
        """Unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO."""
        return self._add(C.UNMOUNT, (path, flags))

    def access(self, path: A.PathArg | Ref, flags: int | Ref) -> Future[None]:
        """Checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL."""
        return self._add(C.ACCESS, (path, flags))

    def chflags(self, path: A.PathArg | Ref, flags: int | Ref) -> Future[None]:
        """Sets file flags. EPERM, EOPNOTSUPP."""
        return self._add(C.CHFLAGS, (path, flags))

    def fchflags(self, fd: int | Ref, flags: int | Ref) -> Future[None]:
        """Sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP."""
        return self._add(C.FCHFLAGS, (fd, flags))

    def sync(self) -> Future[None]:
        """Writes out all file systems. Cannot fail."""
        return self._add(C.SYNC, ())

    def ktrace(self, fname: A.PathArg | Ref, ops: int | Ref, facs: int | Ref, pid: int | Ref = 0) -> Future[None]:
        """Traces calls to a file. EPERM, ESRCH, ENOENT."""
        return self._add(C.KTRACE, (fname, ops, facs, pid))

    def revoke(self, path: A.PathArg | Ref) -> Future[None]:
        """Takes a device away from its users. EPERM, EINVAL."""
        return self._add(C.REVOKE, (path,))

    def symlink(self, path: A.PathArg | Ref, link: A.PathArg | Ref) -> Future[None]:
        """Makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS."""
        return self._add(C.SYMLINK, (path, link))

    def readlink(self, path: A.PathArg | Ref, count: int | Ref = 1024) -> Future[bytes]:
        """Text of a symbolic link. EINVAL, ENOENT."""
        return self._add(C.READLINK, (path, count))

    def umask(self, newmask: int | Ref) -> Future[int]:
        """Sets the file creation mask. Cannot fail."""
        return self._add(C.UMASK, (newmask,))

    def chroot(self, path: A.PathArg | Ref) -> Future[None]:
        """Changes the root directory. EPERM, ENOENT, ENOTDIR."""
        return self._add(C.CHROOT, (path,))

    def fsync(self, fd: int | Ref) -> Future[None]:
        """Brings a file to stable storage. EBADF, EIO, ENOSPC."""
        return self._add(C.FSYNC, (fd,))

    def fchown(self, fd: int | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """chown of an open file. EBADF, EPERM, EROFS."""
        return self._add(C.FCHOWN, (fd, uid, gid))

    def fchmod(self, fd: int | Ref, mode: int | Ref) -> Future[None]:
        """chmod of an open file. EBADF, EPERM, EROFS."""
        return self._add(C.FCHMOD, (fd, mode))

    def rename(self, from_path: A.PathArg | Ref, to_path: A.PathArg | Ref) -> Future[None]:
        """Renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS."""
        return self._add(C.RENAME, (from_path, to_path))

    def mkfifo(self, path: A.PathArg | Ref, mode: int | Ref = 0o666) -> Future[None]:
        """Makes a fifo. EEXIST, ENOSPC, EROFS."""
        return self._add(C.MKFIFO, (path, mode))

    def mkdir(self, path: A.PathArg | Ref, mode: int | Ref = 0o777) -> Future[None]:
        """Makes a directory. EEXIST, ENOSPC, EMLINK, EROFS."""
        return self._add(C.MKDIR, (path, mode))

    def rmdir(self, path: A.PathArg | Ref) -> Future[None]:
        """Removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS."""
        return self._add(C.RMDIR, (path,))

    def pread(self, fd: int | Ref, nbyte: int | Ref, offset: int | Ref) -> Future[bytes]:
        """read at an offset. As read; ESPIPE, EINVAL."""
        return self._add(C.PREAD, (fd, nbyte, offset))

    def pwrite(self, fd: int | Ref, data: A.Buffer | Ref, offset: int | Ref) -> Future[int]:
        """write at an offset. As write; ESPIPE, EINVAL."""
        return self._add(C.PWRITE, (fd, data, offset))

    def pathconf(self, path: A.PathArg | Ref, name: int | str | Ref) -> Future[int]:
        """Configurable limit of a file, _PC_*. EINVAL, ENOENT."""
        return self._add(C.PATHCONF, (path, name))

    def lseek(self, fd: int | Ref, offset: int | Ref, whence: int | Ref = 0) -> Future[int]:
        """Moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO."""
        return self._add(C.LSEEK, (fd, offset, whence))

    def truncate(self, path: A.PathArg | Ref, length: int | Ref) -> Future[None]:
        """Sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS."""
        return self._add(C.TRUNCATE, (path, length))

    def ftruncate(self, fd: int | Ref, length: int | Ref) -> Future[None]:
        """Sets the length of an open file. EBADF, EINVAL, EFBIG."""
        return self._add(C.FTRUNCATE, (fd, length))

    def fdatasync(self, fd: int | Ref) -> Future[None]:
        """Brings the data of a file to stable storage. EBADF, EIO."""
        return self._add(C.FDATASYNC, (fd,))

    def posix_rename(self, from_path: A.PathArg | Ref, to_path: A.PathArg | Ref) -> Future[None]:
        """rename that does nothing for two links of one file. As rename."""
        return self._add(C.POSIX_RENAME, (from_path, to_path))

    def lchmod(self, path: A.PathArg | Ref, mode: int | Ref) -> Future[None]:
        """chmod that does not follow a link. As chmod."""
        return self._add(C.LCHMOD, (path, mode))

    def lchown(self, path: A.PathArg | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """chown that does not follow a link. As chown."""
        return self._add(C.LCHOWN, (path, uid, gid))

    def posix_chown(self, path: A.PathArg | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """chown that clears the set-id bits always. As chown."""
        return self._add(C.POSIX_CHOWN, (path, uid, gid))

    def posix_fchown(self, fd: int | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """fchown that clears the set-id bits always. As fchown."""
        return self._add(C.POSIX_FCHOWN, (fd, uid, gid))

    def posix_lchown(self, path: A.PathArg | Ref, uid: int | Ref, gid: int | Ref) -> Future[None]:
        """lchown that clears the set-id bits always. As lchown."""
        return self._add(C.POSIX_LCHOWN, (path, uid, gid))

    def preadv(self, fd: int | Ref, iov: Iterable[int] | Ref, offset: int | Ref) -> Future[bytes]:
        """Scatter read at an offset. As pread."""
        return self._add(C.PREADV, (fd, iov, offset))

    def pwritev(self, fd: int | Ref, iov: Iterable[A.Buffer] | Ref, offset: int | Ref) -> Future[int]:
        """Gather write at an offset. As pwrite."""
        return self._add(C.PWRITEV, (fd, iov, offset))

    def getcwd(self, length: int | Ref = 1024) -> Future[bytes]:
        """Path of the working directory. ERANGE, ENOENT, EINVAL."""
        return self._add(C.GETCWD, (length,))

    def fchroot(self, fd: int | Ref) -> Future[None]:
        """Changes the root directory to an open one. EBADF, EPERM, ENOTDIR."""
        return self._add(C.FCHROOT, (fd,))

    def lchflags(self, path: A.PathArg | Ref, flags: int | Ref) -> Future[None]:
        """chflags that does not follow a link. As chflags."""
        return self._add(C.LCHFLAGS, (path, flags))

    def fsync_range(self, fd: int | Ref, flags: int | Ref, start: int | Ref = 0, length: int | Ref = 0) -> Future[None]:
        """Brings a range of a file to stable storage. EBADF, EINVAL, EIO."""
        return self._add(C.FSYNC_RANGE, (fd, flags, start, length))

    def getvfsstat(self, flags: int | Ref = 1) -> Future[list[V.Statvfs]]:
        """Statistics of all mounts. EINVAL."""
        return self._add(C.GETVFSSTAT, (flags,))

    def statvfs1(self, path: A.PathArg | Ref, flags: int | Ref = 1) -> Future[V.Statvfs]:
        """Statistics of the file system of a path. ENOENT, EACCES."""
        return self._add(C.STATVFS1, (path, flags))

    def fstatvfs1(self, fd: int | Ref, flags: int | Ref = 1) -> Future[V.Statvfs]:
        """Statistics of the file system of an open file. EBADF."""
        return self._add(C.FSTATVFS1, (fd, flags))

    def extattrctl(self, path: A.PathArg | Ref, cmd: int | Ref, filename: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref) -> Future[None]:
        """Starts, stops, enables and disables extended attributes that are in files of their own (UFS1). Errors of
        namei, EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
        """
        return self._add(C.EXTATTRCTL, (path, cmd, filename, attrnamespace, attrname))

    def extattr_set_file(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, data: A.Buffer | Ref) -> Future[int]:
        """Sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC."""
        return self._add(C.EXTATTR_SET_FILE, (path, attrnamespace, attrname, data))

    def extattr_get_file(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, nbytes: int | Ref = 65536) -> Future[bytes]:
        """Reads an extended attribute. ENOATTR, ERANGE."""
        return self._add(C.EXTATTR_GET_FILE, (path, attrnamespace, attrname, nbytes))

    def extattr_delete_file(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref) -> Future[None]:
        """Removes an extended attribute. ENOATTR."""
        return self._add(C.EXTATTR_DELETE_FILE, (path, attrnamespace, attrname))

    def extattr_set_fd(self, fd: int | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, data: A.Buffer | Ref) -> Future[int]:
        """extattr_set_file of an open file. EBADF."""
        return self._add(C.EXTATTR_SET_FD, (fd, attrnamespace, attrname, data))

    def extattr_get_fd(self, fd: int | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, nbytes: int | Ref = 65536) -> Future[bytes]:
        """extattr_get_file of an open file. EBADF."""
        return self._add(C.EXTATTR_GET_FD, (fd, attrnamespace, attrname, nbytes))

    def extattr_delete_fd(self, fd: int | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref) -> Future[None]:
        """extattr_delete_file of an open file. EBADF."""
        return self._add(C.EXTATTR_DELETE_FD, (fd, attrnamespace, attrname))

    def extattr_set_link(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, data: A.Buffer | Ref) -> Future[int]:
        """extattr_set_file that does not follow a link."""
        return self._add(C.EXTATTR_SET_LINK, (path, attrnamespace, attrname, data))

    def extattr_get_link(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref, nbytes: int | Ref = 65536) -> Future[bytes]:
        """extattr_get_file that does not follow a link."""
        return self._add(C.EXTATTR_GET_LINK, (path, attrnamespace, attrname, nbytes))

    def extattr_delete_link(self, path: A.PathArg | Ref, attrnamespace: int | Ref, attrname: A.TextArg | Ref) -> Future[None]:
        """extattr_delete_file that does not follow a link."""
        return self._add(C.EXTATTR_DELETE_LINK, (path, attrnamespace, attrname))

    def extattr_list_fd(self, fd: int | Ref, attrnamespace: int | Ref, nbytes: int | Ref = 65536) -> Future[list[bytes]]:
        """Lists extended attributes of an open file. EBADF."""
        return self._add(C.EXTATTR_LIST_FD, (fd, attrnamespace, nbytes))

    def extattr_list_file(self, path: A.PathArg | Ref, attrnamespace: int | Ref, nbytes: int | Ref = 65536) -> Future[list[bytes]]:
        """Lists extended attributes. EOPNOTSUPP."""
        return self._add(C.EXTATTR_LIST_FILE, (path, attrnamespace, nbytes))

    def extattr_list_link(self, path: A.PathArg | Ref, attrnamespace: int | Ref, nbytes: int | Ref = 65536) -> Future[list[bytes]]:
        """extattr_list_file that does not follow a link."""
        return self._add(C.EXTATTR_LIST_LINK, (path, attrnamespace, nbytes))

    def setxattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref, value: A.Buffer | Ref, flags: int | Ref = 0) -> Future[None]:
        """Sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP."""
        return self._add(C.SETXATTR, (path, name, value, flags))

    def lsetxattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref, value: A.Buffer | Ref, flags: int | Ref = 0) -> Future[None]:
        """setxattr that does not follow a link."""
        return self._add(C.LSETXATTR, (path, name, value, flags))

    def fsetxattr(self, fd: int | Ref, name: A.TextArg | Ref, value: A.Buffer | Ref, flags: int | Ref = 0) -> Future[None]:
        """setxattr of an open file. EBADF."""
        return self._add(C.FSETXATTR, (fd, name, value, flags))

    def getxattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref, size: int | Ref = 65536) -> Future[bytes]:
        """Reads an attribute, Linux style. ENOATTR, ERANGE."""
        return self._add(C.GETXATTR, (path, name, size))

    def lgetxattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref, size: int | Ref = 65536) -> Future[bytes]:
        """getxattr that does not follow a link."""
        return self._add(C.LGETXATTR, (path, name, size))

    def fgetxattr(self, fd: int | Ref, name: A.TextArg | Ref, size: int | Ref = 65536) -> Future[bytes]:
        """getxattr of an open file. EBADF."""
        return self._add(C.FGETXATTR, (fd, name, size))

    def listxattr(self, path: A.PathArg | Ref, size: int | Ref = 65536) -> Future[list[bytes]]:
        """Lists attributes, Linux style. EOPNOTSUPP."""
        return self._add(C.LISTXATTR, (path, size))

    def llistxattr(self, path: A.PathArg | Ref, size: int | Ref = 65536) -> Future[list[bytes]]:
        """listxattr that does not follow a link."""
        return self._add(C.LLISTXATTR, (path, size))

    def flistxattr(self, fd: int | Ref, size: int | Ref = 65536) -> Future[list[bytes]]:
        """listxattr of an open file. EBADF."""
        return self._add(C.FLISTXATTR, (fd, size))

    def removexattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref) -> Future[None]:
        """Removes an attribute, Linux style. ENOATTR."""
        return self._add(C.REMOVEXATTR, (path, name))

    def lremovexattr(self, path: A.PathArg | Ref, name: A.TextArg | Ref) -> Future[None]:
        """removexattr that does not follow a link."""
        return self._add(C.LREMOVEXATTR, (path, name))

    def fremovexattr(self, fd: int | Ref, name: A.TextArg | Ref) -> Future[None]:
        """removexattr of an open file. EBADF."""
        return self._add(C.FREMOVEXATTR, (fd, name))

    def getdents(self, fd: int | Ref, count: int | Ref = 65536) -> Future[list[V.Dirent]]:
        """Next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR, EINVAL."""
        return self._add(C.GETDENTS, (fd, count))

    def getfh(self, fname: A.PathArg | Ref) -> Future[bytes]:
        """File handle of a file. EPERM, EOPNOTSUPP."""
        return self._add(C.GETFH, (fname,))

    def fhopen(self, fhp: A.Buffer | Ref, flags: int | Ref = 0) -> Future[int]:
        """Opens by file handle. ESTALE, EPERM, EINVAL."""
        return self._add(C.FHOPEN, (fhp, flags))

    def fhstatvfs1(self, fhp: A.Buffer | Ref, flags: int | Ref = 1) -> Future[V.Statvfs]:
        """statvfs1 by file handle. ESTALE, EPERM."""
        return self._add(C.FHSTATVFS1, (fhp, flags))

    def mount(self, type: str | Ref, path: A.PathArg | Ref, flags: int | Ref = 0, data: V.MountArgs | None | Ref = None) -> Future[V.MountArgs | None]:
        """Mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT,
        ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
        """
        return self._add(C.MOUNT, (type, path, flags, data))

    def utimes(self, path: A.PathArg | Ref, atime: A.TimeArg | Ref = None, mtime: A.TimeArg | Ref = None) -> Future[None]:
        """Sets access and modification time; left out: now. EPERM, EACCES, EROFS."""
        return self._add(C.UTIMES, (path, atime, mtime))

    def futimes(self, fd: int | Ref, atime: A.TimeArg | Ref = None, mtime: A.TimeArg | Ref = None) -> Future[None]:
        """utimes of an open file. EBADF."""
        return self._add(C.FUTIMES, (fd, atime, mtime))

    def lutimes(self, path: A.PathArg | Ref, atime: A.TimeArg | Ref = None, mtime: A.TimeArg | Ref = None) -> Future[None]:
        """utimes that does not follow a link."""
        return self._add(C.LUTIMES, (path, atime, mtime))

    def stat(self, path: A.PathArg | Ref) -> Future[V.Stat]:
        """Attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
        return self._add(C.STAT, (path,))

    def lstat(self, path: A.PathArg | Ref) -> Future[V.Stat]:
        """stat that does not follow a link."""
        return self._add(C.LSTAT, (path,))

    def mknod(self, path: A.PathArg | Ref, mode: int | Ref, dev: int | Ref = 0) -> Future[None]:
        """Makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS."""
        return self._add(C.MKNOD, (path, mode, dev))

    def fhstat(self, fhp: A.Buffer | Ref) -> Future[V.Stat]:
        """stat by file handle. ESTALE, EPERM."""
        return self._add(C.FHSTAT, (fhp,))

    def linkat(self, fd1: int | Ref, name1: A.PathArg | Ref, fd2: int | Ref, name2: A.PathArg | Ref, flags: int | Ref = 0) -> Future[None]:
        """link relative to directories, AT_SYMLINK_FOLLOW."""
        return self._add(C.LINKAT, (fd1, name1, fd2, name2, flags))

    def renameat(self, fromfd: int | Ref, from_path: A.PathArg | Ref, tofd: int | Ref, to_path: A.PathArg | Ref) -> Future[None]:
        """rename relative to directories."""
        return self._add(C.RENAMEAT, (fromfd, from_path, tofd, to_path))

    def mkfifoat(self, fd: int | Ref, path: A.PathArg | Ref, mode: int | Ref = 0o666) -> Future[None]:
        """mkfifo relative to a directory."""
        return self._add(C.MKFIFOAT, (fd, path, mode))

    def mknodat(self, fd: int | Ref, path: A.PathArg | Ref, mode: int | Ref, dev: int | Ref = 0) -> Future[None]:
        """mknod relative to a directory."""
        return self._add(C.MKNODAT, (fd, path, mode, dev))

    def mkdirat(self, fd: int | Ref, path: A.PathArg | Ref, mode: int | Ref = 0o777) -> Future[None]:
        """mkdir relative to a directory."""
        return self._add(C.MKDIRAT, (fd, path, mode))

    def faccessat(self, fd: int | Ref, path: A.PathArg | Ref, amode: int | Ref, flag: int | Ref = 0) -> Future[None]:
        """access relative to a directory, AT_EACCESS."""
        return self._add(C.FACCESSAT, (fd, path, amode, flag))

    def fchmodat(self, fd: int | Ref, path: A.PathArg | Ref, mode: int | Ref, flag: int | Ref = 0) -> Future[None]:
        """chmod relative to a directory, AT_SYMLINK_NOFOLLOW."""
        return self._add(C.FCHMODAT, (fd, path, mode, flag))

    def fchownat(self, fd: int | Ref, path: A.PathArg | Ref, owner: int | Ref, group: int | Ref, flag: int | Ref = 0) -> Future[None]:
        """chown relative to a directory, AT_SYMLINK_NOFOLLOW."""
        return self._add(C.FCHOWNAT, (fd, path, owner, group, flag))

    def fstatat(self, fd: int | Ref, path: A.PathArg | Ref, flag: int | Ref = 0) -> Future[V.Stat]:
        """stat relative to a directory, AT_SYMLINK_NOFOLLOW."""
        return self._add(C.FSTATAT, (fd, path, flag))

    def utimensat(self, fd: int | Ref, path: A.PathArg | Ref, atime: A.TimeArg | Ref = None, mtime: A.TimeArg | Ref = None, flag: int | Ref = 0) -> Future[None]:
        """utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT."""
        return self._add(C.UTIMENSAT, (fd, path, atime, mtime, flag))

    def openat(self, fd: int | Ref, path: A.PathArg | Ref, oflags: int | Ref = 0, mode: int | None | Ref = None) -> Future[int]:
        """open relative to a directory."""
        return self._add(C.OPENAT, (fd, path, oflags, mode))

    def readlinkat(self, fd: int | Ref, path: A.PathArg | Ref, bufsize: int | Ref = 1024) -> Future[bytes]:
        """readlink relative to a directory."""
        return self._add(C.READLINKAT, (fd, path, bufsize))

    def symlinkat(self, path1: A.PathArg | Ref, fd: int | Ref, path2: A.PathArg | Ref) -> Future[None]:
        """symlink relative to a directory."""
        return self._add(C.SYMLINKAT, (path1, fd, path2))

    def unlinkat(self, fd: int | Ref, path: A.PathArg | Ref, flag: int | Ref = 0) -> Future[None]:
        """unlink or, with AT_REMOVEDIR, rmdir relative to a directory."""
        return self._add(C.UNLINKAT, (fd, path, flag))

    def futimens(self, fd: int | Ref, atime: A.TimeArg | Ref = None, mtime: A.TimeArg | Ref = None) -> Future[None]:
        """futimes with UTIME_NOW and UTIME_OMIT. EBADF."""
        return self._add(C.FUTIMENS, (fd, atime, mtime))

    def quotactl(self, path: A.PathArg | Ref, args: V.QuotactlArgs | None | Ref) -> Future[V.QuotactlArgs]:
        """Quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no quotas
        there), ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY, ENOSPC,
        EIO.
        """
        return self._add(C.QUOTACTL, (path, args))

    def posix_fallocate(self, fd: int | Ref, pos: int | Ref, len: int | Ref) -> Future[None]:
        """Makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP."""
        return self._add(C.POSIX_FALLOCATE, (fd, pos, len))

    def fdiscard(self, fd: int | Ref, pos: int | Ref, len: int | Ref) -> Future[None]:
        """Gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP."""
        return self._add(C.FDISCARD, (fd, pos, len))

    def etfs_register(self, key: A.PathArg | Ref, hostpath: A.PathArg | Ref, type: int | str | Ref = "reg") -> Future[None]:
        """Shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT, ENOTDIR,
        EBUSY.
        """
        return self._add(C.ETFS_REGISTER, (key, hostpath, type))

    def etfs_register_withsize(self, key: A.PathArg | Ref, hostpath: A.PathArg | Ref, type: int | str | Ref, begin: int | Ref = 0, size: int | None | Ref = None) -> Future[None]:
        """etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR."""
        return self._add(C.ETFS_REGISTER_WITHSIZE, (key, hostpath, type, begin, size))

    def etfs_remove(self, key: A.PathArg | Ref) -> Future[None]:
        """Takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY."""
        return self._add(C.ETFS_REMOVE, (key,))

    def newfs(self, type: str | Ref, fspec: A.PathArg | Ref, options: Mapping[str, object] | None | Ref = None, source: A.PathArg | Ref = "") -> Future[int]:
        """Makes a new file system on a block device, filled with the tree of a directory if there is a source; how
        many bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC,
        EROFS, EIO.
        """
        return self._add(C.NEWFS, (type, fspec, options, source))

    def getdents_stat(self, fd: int | Ref, count: int | Ref = 65536) -> Future[list[V.DirentStat]]:
        """Next entries of an open directory, about count bytes of them and at most 1,024, with what fstatat gives for
        each of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF, ENOTDIR,
        EINVAL.
        """
        return self._add(C.GETDENTS_STAT, (fd, count))

    def getdents_packed(self, fd: int | Ref, count: int | Ref = 65536) -> Future[bytes]:
        """The same as records one behind another, for those who read some of them only. Little endian, without gaps:
        length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64 each); the
        attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and st_gen in
        32 bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
        """
        return self._add(C.GETDENTS_PACKED, (fd, count))

    def recvmsg(self, s: int | Ref, len: int | Ref, controllen: int | Ref = 0, flags: int | Ref = 0) -> Future[V.Msghdr | None]:
        """Receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR."""
        return self._add(C.RECVMSG, (s, len, controllen, flags))

    def sendmsg(self, s: int | Ref, msg: V.Msghdr | Ref, flags: int | Ref = 0) -> Future[int]:
        """Sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN."""
        return self._add(C.SENDMSG, (s, msg, flags))

    def recvfrom(self, s: int | Ref, len: int | Ref, flags: int | None | Ref = None) -> Future[V.RecvfromResult]:
        """Receives a message and the address of its sender. As recvmsg."""
        return self._add(C.RECVFROM, (s, len, flags))

    def accept(self, s: int | Ref) -> Future[V.AcceptResult]:
        """Takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP."""
        return self._add(C.ACCEPT, (s,))

    def getpeername(self, s: int | Ref) -> Future[V.Sockaddr | None]:
        """Address of the peer. EBADF, ENOTSOCK, ENOTCONN."""
        return self._add(C.GETPEERNAME, (s,))

    def getsockname(self, s: int | Ref) -> Future[V.Sockaddr | None]:
        """Address of the socket. EBADF, ENOTSOCK."""
        return self._add(C.GETSOCKNAME, (s,))

    def connect(self, s: int | Ref, name: A.AddressArg | Ref = None) -> Future[None]:
        """Connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT,
        ENOENT, EPROTOTYPE.
        """
        return self._add(C.CONNECT, (s, name))

    def bind(self, s: int | Ref, name: A.AddressArg | Ref = None) -> Future[None]:
        """Gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT."""
        return self._add(C.BIND, (s, name))

    def setsockopt(self, s: int | Ref, level: int | Ref, name: int | Ref, val: A.OptionArg | Ref) -> Future[None]:
        """Sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM."""
        return self._add(C.SETSOCKOPT, (s, level, name, val))

    def listen(self, s: int | Ref, backlog: int | Ref = 128) -> Future[None]:
        """Makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ."""
        return self._add(C.LISTEN, (s, backlog))

    def getsockopt(self, s: int | Ref, level: int | Ref, name: int | Ref) -> Future[V.Sockopt | None]:
        """Reads an option. ENOPROTOOPT, EINVAL."""
        return self._add(C.GETSOCKOPT, (s, level, name))

    def sendto(self, s: int | Ref, data: A.Buffer | Ref, flags: int | None | Ref = None, to: A.AddressArg | Ref = None) -> Future[int]:
        """Sends a message. As sendmsg; EDESTADDRREQ, EISCONN."""
        return self._add(C.SENDTO, (s, data, flags, to))

    def shutdown(self, s: int | Ref, how: int | Ref) -> Future[None]:
        """Ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL."""
        return self._add(C.SHUTDOWN, (s, how))

    def socketpair(self, domain: int | Ref, type: int | Ref, protocol: int | Ref = 0) -> Future[V.SocketpairResult]:
        """Makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE."""
        return self._add(C.SOCKETPAIR, (domain, type, protocol))

    def socket(self, domain: int | Ref, type: int | Ref, protocol: int | Ref = 0) -> Future[int]:
        """Makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES."""
        return self._add(C.SOCKET, (domain, type, protocol))

    def paccept(self, s: int | Ref, mask: A.SignalSet | Ref = None, flags: int | Ref = 0) -> Future[V.PacceptResult]:
        """accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask."""
        return self._add(C.PACCEPT, (s, mask, flags))

    def recvmmsg(self, s: int | Ref, vlen: int | Ref, len: int | Ref, flags: int | Ref = 0, timeout: A.TimeArg | Ref = None) -> Future[list[V.Msghdr]]:
        """Receives several messages. As recvmsg."""
        return self._add(C.RECVMMSG, (s, vlen, len, flags, timeout))

    def sendmmsg(self, s: int | Ref, msgs: Iterable[V.Msghdr] | Ref, flags: int | Ref = 0) -> Future[int]:
        """Sends several messages. As sendmsg."""
        return self._add(C.SENDMMSG, (s, msgs, flags))

    def netconfig_ifcreate(self, ifname: str | Ref) -> Future[None]:
        """Makes an interface by cloning. EEXIST, EINVAL, ENXIO."""
        return self._add(C.NETCONFIG_IFCREATE, (ifname,))

    def netconfig_ifdestroy(self, ifname: str | Ref) -> Future[None]:
        """Removes a cloned interface. ENXIO, EINVAL."""
        return self._add(C.NETCONFIG_IFDESTROY, (ifname,))

    def netconfig_ifup(self, ifname: str | Ref) -> Future[None]:
        """Brings an interface up. ENXIO."""
        return self._add(C.NETCONFIG_IFUP, (ifname,))

    def netconfig_ifdown(self, ifname: str | Ref) -> Future[None]:
        """Takes an interface down. ENXIO."""
        return self._add(C.NETCONFIG_IFDOWN, (ifname,))

    def netconfig_ifsetlinkstr(self, ifname: str | Ref, linkstr: str | Ref) -> Future[None]:
        """Sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC."""
        return self._add(C.NETCONFIG_IFSETLINKSTR, (ifname, linkstr))

    def netconfig_bradd(self, bridge: str | Ref, ifname: str | Ref) -> Future[None]:
        """Adds a member to a bridge. ENXIO, EEXIST, EBUSY."""
        return self._add(C.NETCONFIG_BRADD, (bridge, ifname))

    def netconfig_brdel(self, bridge: str | Ref, ifname: str | Ref) -> Future[None]:
        """Removes a member of a bridge. ENXIO, ENOENT."""
        return self._add(C.NETCONFIG_BRDEL, (bridge, ifname))

    def netconfig_ipv4_ifaddr(self, ifname: str | Ref, addr: str | Ref, mask: str | Ref) -> Future[None]:
        """Adds an IPv4 address. ENXIO, EINVAL, EEXIST."""
        return self._add(C.NETCONFIG_IPV4_IFADDR, (ifname, addr, mask))

    def netconfig_ipv4_ifaddr_cidr(self, ifname: str | Ref, addr: str | Ref, prefixlen: int | Ref) -> Future[None]:
        """Adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST."""
        return self._add(C.NETCONFIG_IPV4_IFADDR_CIDR, (ifname, addr, prefixlen))

    def netconfig_ipv6_ifaddr(self, ifname: str | Ref, addr: str | Ref, prefixlen: int | Ref) -> Future[None]:
        """Adds an IPv6 address. ENXIO, EINVAL, EEXIST."""
        return self._add(C.NETCONFIG_IPV6_IFADDR, (ifname, addr, prefixlen))

    def netconfig_ipv4_gw(self, addr: str | Ref) -> Future[None]:
        """Sets the default route. EINVAL, ENETUNREACH, EEXIST."""
        return self._add(C.NETCONFIG_IPV4_GW, (addr,))

    def netconfig_ipv6_gw(self, addr: str | Ref) -> Future[None]:
        """Sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST."""
        return self._add(C.NETCONFIG_IPV6_GW, (addr,))

    def netconfig_dhcp_ipv4_oneshot(self, ifname: str | Ref) -> Future[None]:
        """Gets one lease by DHCP. ENXIO, ETIMEDOUT."""
        return self._add(C.NETCONFIG_DHCP_IPV4_ONESHOT, (ifname,))

    def netconfig_auto_ipv6(self, ifname: str | Ref) -> Future[None]:
        """Accepts router advertisements. ENXIO."""
        return self._add(C.NETCONFIG_AUTO_IPV6, (ifname,))

    def netconfig_ifaddrs(self, ifname: str | None | Ref = None) -> Future[list[V.Interface]]:
        """Interfaces with their flags and addresses. ENXIO."""
        return self._add(C.NETCONFIG_IFADDRS, (ifname,))

    def npf_load(self, config: V.NpfConfig | None | Ref = None) -> Future[None]:
        """Replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG."""
        return self._add(C.NPF_LOAD, (config,))

    def npf_config_get(self) -> Future[V.NpfConfigGetResult]:
        """The configuration with the counters of its rules, and whether the filter is active."""
        return self._add(C.NPF_CONFIG_GET, ())

    def npf_switch(self, active: bool | Ref) -> Future[None]:
        """Begins or ends filtering. Ending forgets all connections."""
        return self._add(C.NPF_SWITCH, (active,))

    def npf_flush(self) -> Future[None]:
        """Forgets the configuration and all connections."""
        return self._add(C.NPF_FLUSH, ())

    def npf_connections(self) -> Future[list[V.NpfConnection]]:
        """The connections that the filter knows."""
        return self._add(C.NPF_CONNECTIONS, ())

    def npf_stats(self) -> Future[list[V.NpfCounter]]:
        """What the filter has counted."""
        return self._add(C.NPF_STATS, ())

    def npf_table(self, table: str | Ref, command: str | Ref, entry: V.NpfAddress | None | Ref = None) -> Future[list[V.NpfAddress]]:
        """Commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST, ENOENT,
        EINVAL, EPERM for const.
        """
        return self._add(C.NPF_TABLE, (table, command, entry))

    def npf_rule_add(self, group: str | Ref, rule: V.NpfRule | None | Ref = None) -> Future[int]:
        """Adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC."""
        return self._add(C.NPF_RULE_ADD, (group, rule))

    def npf_rule_remove(self, group: str | Ref, id: int | Ref) -> Future[None]:
        """Removes a rule from a dynamic group. ESRCH, ENOENT."""
        return self._add(C.NPF_RULE_REMOVE, (group, id))

    def dhcp_start(self, ifname: str | Ref, hostname: str | Ref) -> Future[None]:
        """Gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one, EINVAL
        for interfaces other than Ethernets.
        """
        return self._add(C.DHCP_START, (ifname, hostname))

    def dhcp_renew(self, ifname: str | Ref) -> Future[None]:
        """Asks for more time for a lease at once. ENXIO, ENOENT when there is none."""
        return self._add(C.DHCP_RENEW, (ifname,))

    def dhcp_stop(self, ifname: str | Ref, release: bool | Ref) -> Future[None]:
        """Stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT."""
        return self._add(C.DHCP_STOP, (ifname, release))

    def dhcp_leases(self) -> Future[list[V.DhcpLease]]:
        """The leases of all interfaces."""
        return self._add(C.DHCP_LEASES, ())

    def dhcpd_start(self, ifname: str | Ref, pool: V.DhcpPool | None | Ref = None) -> Future[None]:
        """Leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL."""
        return self._add(C.DHCPD_START, (ifname, pool))

    def dhcpd_stop(self, ifname: str | Ref) -> Future[None]:
        """Ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT."""
        return self._add(C.DHCPD_STOP, (ifname,))

    def dhcpd_bindings(self, ifname: str | Ref) -> Future[list[V.DhcpBinding]]:
        """What the server of an interface has leased. ENXIO, ENOENT."""
        return self._add(C.DHCPD_BINDINGS, (ifname,))

    def dns_forward(self, servers: Iterable[A.Buffer] | Ref) -> Future[None]:
        """Answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it. EADDRINUSE,
        EINVAL.
        """
        return self._add(C.DNS_FORWARD, (servers,))

    def netconfig_ifaddrdel(self, ifname: str | Ref, addr: str | Ref) -> Future[None]:
        """Takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL."""
        return self._add(C.NETCONFIG_IFADDRDEL, (ifname, addr))

    def route_send(self, s: int | Ref, msg: V.Rtmsg | None | Ref = None) -> Future[V.Rtmsg]:
        """Writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH, EINVAL,
        EACCES.
        """
        return self._add(C.ROUTE_SEND, (s, msg))

    def route_recv(self, s: int | Ref, flags: int | Ref) -> Future[V.Rtmsg | None]:
        """Reads the next message of a routing socket. EAGAIN."""
        return self._add(C.ROUTE_RECV, (s, flags))

    def route_dump(self, family: int | Ref, op: int | Ref, arg: int | Ref) -> Future[list[V.Rtmsg]]:
        """The tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those with the
        flags in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index or 0).
        EINVAL.
        """
        return self._add(C.ROUTE_DUMP, (family, op, arg))

    def net_pcblist(self) -> Future[list[V.Inpcb]]:
        """Sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail."""
        return self._add(C.NET_PCBLIST, ())

    def net_counters(self) -> Future[list[V.NetCounter]]:
        """What the protocols have counted (sysctl net.*.stats). Cannot fail."""
        return self._add(C.NET_COUNTERS, ())

    def nd_list(self) -> Future[V.NdListResult]:
        """Routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT."""
        return self._add(C.ND_LIST, ())

    def netconfig_ifimpair(self, ifname: str | Ref, settings: V.Impairment | None | Ref = None) -> Future[None]:
        """Makes the link of an interface worse, for what it sends; without settings, as good as before. ENXIO, EINVAL,
        EOPNOTSUPP.
        """
        return self._add(C.NETCONFIG_IFIMPAIR, (ifname, settings))

    def netconfig_ifimpairstat(self, ifname: str | Ref) -> Future[V.ImpairmentStat]:
        """What became of the frames since then. ENXIO, ENOENT when it is not impaired."""
        return self._add(C.NETCONFIG_IFIMPAIRSTAT, (ifname,))

    def netconfig_ifcapture(self, ifname: str | Ref, hostpath: A.PathArg | Ref, snaplen: int | None | Ref = None) -> Future[int]:
        """Writes what an interface sends and receives to a new file of the host (pcapng), or ends that when the path
        is empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST, EBUSY, errors of the
        host.
        """
        return self._add(C.NETCONFIG_IFCAPTURE, (ifname, hostpath, snaplen))

    def bpf_open(self) -> Future[int]:
        """Opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE."""
        return self._add(C.BPF_OPEN, ())

    def dev_list(self) -> Future[list[V.Driver]]:
        """Device drivers with their major numbers and units."""
        return self._add(C.DEV_LIST, ())

    def md_create(self, unit: int | Ref, size: int | Ref) -> Future[None]:
        """Gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM."""
        return self._add(C.MD_CREATE, (unit, size))

    def md_destroy(self, unit: int | Ref) -> Future[None]:
        """Takes the storage of a memory disk back. ENXIO, EBUSY."""
        return self._add(C.MD_DESTROY, (unit,))
