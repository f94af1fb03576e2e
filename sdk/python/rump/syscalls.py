# ruff: noqa
"""The calls under their names in C, on the default kernel of this process (`rump.default`).

Generated from proto/*.proto by tools/codegen; do not edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rumpwire import values as V

from rump import _arguments as A
from rump._default import default


def rump_sys_read(fd: int, nbyte: int) -> bytes:
    """Reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO, EINVAL."""
    return default().sys.read(fd, nbyte)


def rump_sys_write(fd: int, data: A.Buffer) -> int:
    """Writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC,
    EDQUOT, EINTR, EIO, EROFS.
    """
    return default().sys.write(fd, data)


def rump_sys_close(fd: int) -> None:
    """Closes the descriptor. EBADF, EIO."""
    default().sys.close(fd)


def rump_pub_kill(pid: int, signo: int) -> None:
    """Sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only asks.
    EINVAL, ESRCH, EPERM.
    """
    default().pub.kill(pid, signo)


def rump_pub_sigqueue(pid: int, signo: int, value: int) -> None:
    """Sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM."""
    default().pub.sigqueue(pid, signo, value)


def rump_pub_sigpending(take: bool = False) -> int:
    """The signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with take they are
    forgotten.
    """
    return default().pub.sigpending(take)


def rump_sys_getpid() -> int:
    """Process id; the second register has the id of the parent. Cannot fail."""
    return default().sys.getpid()


def rump_sys_setuid(uid: int) -> None:
    """Sets the user ids. EPERM."""
    default().sys.setuid(uid)


def rump_sys_getuid() -> int:
    """Real user id; the second register has the effective one. Cannot fail."""
    return default().sys.getuid()


def rump_sys_geteuid() -> int:
    """Effective user id. Cannot fail."""
    return default().sys.geteuid()


def rump_sys_getppid() -> int:
    """Id of the parent process. Cannot fail."""
    return default().sys.getppid()


def rump_pub_file_list() -> list[V.KinfoFile]:
    """Descriptors of all processes (sysctl kern.file2). Cannot fail."""
    return default().pub.file_list()


def rump_sys_dup(fd: int) -> int:
    """Second descriptor for the same open object, lowest free number. EBADF, EMFILE."""
    return default().sys.dup(fd)


def rump_sys_pipe() -> V.PipeResult:
    """Makes a pipe: read end, write end. EMFILE, ENFILE."""
    return default().sys.pipe()


def rump_sys_getegid() -> int:
    """Effective group id. Cannot fail."""
    return default().sys.getegid()


def rump_sys_getgid() -> int:
    """Real group id; the second register has the effective one. Cannot fail."""
    return default().sys.getgid()


def rump_sys___getlogin() -> bytes:
    """Login name of the session. Cannot fail."""
    return default().sys.getlogin()


rump_sys_getlogin = rump_sys___getlogin


def rump_sys___setlogin(namebuf: A.TextArg) -> None:
    """Sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG."""
    default().sys.setlogin(namebuf)


rump_sys_setlogin = rump_sys___setlogin


def rump_sys_ioctl(fd: int, com: int, data: A.IoctlArg = None) -> V.IoctlResult:
    """Device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL."""
    return default().sys.ioctl(fd, com, data)


def rump_sys_getgroups(gidsetsize: int = 16) -> V.GetgroupsResult:
    """Supplementary groups; a size of 0 asks for their number only. EINVAL."""
    return default().sys.getgroups(gidsetsize)


def rump_sys_setgroups(gidset: Iterable[int]) -> None:
    """Sets the supplementary groups. EPERM, EINVAL."""
    default().sys.setgroups(gidset)


def rump_sys_getpgrp() -> int:
    """Process group of the caller. Cannot fail."""
    return default().sys.getpgrp()


def rump_sys_setpgid(pid: int, pgid: int) -> None:
    """Sets a process group. EINVAL, EPERM, ESRCH."""
    default().sys.setpgid(pid, pgid)


def rump_sys_dup2(from_fd: int, to_fd: int) -> int:
    """Makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE."""
    return default().sys.dup2(from_fd, to_fd)


def rump_sys_fcntl(fd: int, cmd: int, arg: int | None = None, lock: V.Flock | None = None) -> V.FcntlResult:
    """Descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK."""
    return default().sys.fcntl(fd, cmd, arg, lock)


def rump_sys_readv(fd: int, iov: Iterable[int]) -> bytes:
    """Scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read."""
    return default().sys.readv(fd, iov)


def rump_sys_writev(fd: int, iov: Iterable[A.Buffer]) -> int:
    """Gather write. As write; EINVAL."""
    return default().sys.writev(fd, iov)


def rump_sys_setreuid(ruid: int, euid: int) -> None:
    """Sets real and effective user id; -1 leaves one alone. EPERM."""
    default().sys.setreuid(ruid, euid)


def rump_sys_setregid(rgid: int, egid: int) -> None:
    """Sets real and effective group id; -1 leaves one alone. EPERM."""
    default().sys.setregid(rgid, egid)


def rump_sys_flock(fd: int, how: int) -> None:
    """Whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP."""
    default().sys.flock(fd, how)


def rump_sys_setsid() -> int:
    """Makes a session. EPERM."""
    return default().sys.setsid()


def rump_sys_setgid(gid: int) -> None:
    """Sets the group ids. EPERM."""
    default().sys.setgid(gid)


def rump_sys_setegid(egid: int) -> None:
    """Sets the effective group id. EPERM."""
    default().sys.setegid(egid)


def rump_sys_seteuid(euid: int) -> None:
    """Sets the effective user id. EPERM."""
    default().sys.seteuid(euid)


def rump_sys_fpathconf(fd: int, name: int | str) -> int:
    """Configurable limit of an open object, _PC_*. EBADF, EINVAL."""
    return default().sys.fpathconf(fd, name)


def rump_sys_getrlimit(which: int) -> V.Rlimit:
    """Resource limit, RLIMIT_*. EINVAL."""
    return default().sys.getrlimit(which)


def rump_sys_setrlimit(which: int, rlp: V.Rlimit | tuple[int, int]) -> None:
    """Sets a resource limit. EINVAL, EPERM."""
    default().sys.setrlimit(which, rlp)


def rump_sys___sysctl(name: Iterable[int] = (), path: str = "", newv: A.SysctlArg = None, node: V.SysctlNode | None = None) -> V.SysctlResult:
    """Reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY, CTL_DESCRIBE,
    CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EOPNOTSUPP.
    """
    return default().sys.sysctl(name, path, newv, node)


rump_sys_sysctl = rump_sys___sysctl


def rump_sys_getpgid(pid: int) -> int:
    """Process group of a process. ESRCH."""
    return default().sys.getpgid(pid)


def rump_sys_reboot(opt: int = 0, bootstr: str = "") -> None:
    """Halts the kernel, RB_*; answered before it leaves. EPERM."""
    default().sys.reboot(opt, bootstr)


def rump_sys_poll(fds: Iterable[V.Pollfd | tuple[int, int]], timeout: int = -1) -> V.PollResult:
    """Waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR."""
    return default().sys.poll(fds, timeout)


def rump_sys_timer_create(clock_id: int, evp: V.Sigevent | None = None) -> int:
    """Makes a timer. EAGAIN, EINVAL."""
    return default().sys.timer_create(clock_id, evp)


def rump_sys_timer_delete(timerid: int) -> None:
    """Removes a timer. EINVAL."""
    default().sys.timer_delete(timerid)


def rump_sys_timer_getoverrun(timerid: int) -> int:
    """Missed expirations of a timer. EINVAL."""
    return default().sys.timer_getoverrun(timerid)


def rump_sys_modctl(cmd: int, load: V.ModctlLoad | None = None, name: str | None = None, autoload: bool | None = None) -> list[V.ModuleStat]:
    """Module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC, EPROGMISMATCH,
    EOPNOTSUPP.
    """
    return default().sys.modctl(cmd, load, name, autoload)


def rump_sys_getsid(pid: int) -> int:
    """Session of a process. ESRCH."""
    return default().sys.getsid(pid)


def rump_sys_fktrace(fd: int, ops: int, facs: int, pid: int = 0) -> None:
    """Traces calls to a descriptor. EBADF, EPERM, ESRCH."""
    default().sys.fktrace(fd, ops, facs, pid)


def rump_sys_issetugid() -> int:
    """Whether the ids were changed at exec. Cannot fail."""
    return default().sys.issetugid()


def rump_sys_utrace(label: str, data: A.Buffer) -> None:
    """Writes a record to the trace. EINVAL."""
    default().sys.utrace(label, data)


def rump_sys_kqueue() -> int:
    """Makes an event queue. EMFILE."""
    return default().sys.kqueue()


def rump_sys_posix_fadvise(fd: int, offset: int, len: int, advice: int) -> None:
    """Advice on future use. EBADF, EINVAL, ESPIPE."""
    default().sys.posix_fadvise(fd, offset, len, advice)


def rump_sys_select(nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], timeout: A.TimeArg = None) -> V.SelectResult:
    """Waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR."""
    return default().sys.select(nd, in_fds, out_fds, ex_fds, timeout)


def rump_sys_gettimeofday() -> V.Timespec:
    """Wall clock. Cannot fail."""
    return default().sys.gettimeofday()


def rump_sys_settimeofday(tp: A.TimeArg = None) -> None:
    """Sets the wall clock of the kernel. EPERM, EINVAL."""
    default().sys.settimeofday(tp)


def rump_sys_adjtime(delta: A.TimeArg = None) -> V.Timespec:
    """Slews the clock. EPERM."""
    return default().sys.adjtime(delta)


def rump_sys_setitimer(which: int, itv: A.TimerArg | None = None) -> V.Itimerspec:
    """Sets an interval timer. EINVAL."""
    return default().sys.setitimer(which, itv)


def rump_sys_getitimer(which: int) -> V.Itimerspec:
    """Reads an interval timer. EINVAL."""
    return default().sys.getitimer(which)


def rump_sys_clock_gettime(clock_id: int) -> V.Timespec:
    """Reads a clock, CLOCK_*. EINVAL."""
    return default().sys.clock_gettime(clock_id)


def rump_sys_clock_settime(clock_id: int, tp: A.TimeArg = None) -> None:
    """Sets a clock of the kernel. EPERM, EINVAL."""
    default().sys.clock_settime(clock_id, tp)


def rump_sys_clock_getres(clock_id: int) -> V.Timespec:
    """Resolution of a clock. EINVAL."""
    return default().sys.clock_getres(clock_id)


def rump_sys_nanosleep(rqtp: A.TimeArg = None) -> V.Timespec | None:
    """Sleeps for an interval. EINVAL, EINTR."""
    return default().sys.nanosleep(rqtp)


def rump_sys_kevent(fd: int, changelist: Iterable[V.Kevent] = (), nevents: int = 0, timeout: A.TimeArg = None) -> list[V.Kevent]:
    """Registers and waits for events. EBADF, EINVAL, ENOENT, EINTR."""
    return default().sys.kevent(fd, changelist, nevents, timeout)


def rump_sys_pselect(nd: int, in_fds: Iterable[int], out_fds: Iterable[int], ex_fds: Iterable[int], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PselectResult:
    """select with a signal mask. EBADF, EINVAL, EINTR."""
    return default().sys.pselect(nd, in_fds, out_fds, ex_fds, ts, mask)


def rump_sys_pollts(fds: Iterable[V.Pollfd | tuple[int, int]], ts: A.TimeArg = None, mask: A.SignalSet = None) -> V.PolltsResult:
    """poll with a time and a signal mask. EINVAL, EINTR."""
    return default().sys.pollts(fds, ts, mask)


def rump_sys_fstat(fd: int) -> V.Stat:
    """Attributes of an open object. EBADF, EIO."""
    return default().sys.fstat(fd)


def rump_sys_timer_settime(timerid: int, flags: int, value: A.TimerArg | None = None) -> V.Itimerspec:
    """Arms a timer. EINVAL."""
    return default().sys.timer_settime(timerid, flags, value)


def rump_sys_timer_gettime(timerid: int) -> V.Itimerspec:
    """Time left of a timer. EINVAL."""
    return default().sys.timer_gettime(timerid)


def rump_sys_pipe2(flags: int = 0) -> V.Pipe2Result:
    """pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE."""
    return default().sys.pipe2(flags)


def rump_sys_dup3(from_fd: int, to_fd: int, flags: int = 0) -> int:
    """dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL."""
    return default().sys.dup3(from_fd, to_fd, flags)


def rump_sys_kqueue1(flags: int = 0) -> int:
    """kqueue with flags. EINVAL, EMFILE."""
    return default().sys.kqueue1(flags)


def rump_sys_clock_nanosleep(clock_id: int, flags: int, rqtp: A.TimeArg = None) -> V.Timespec | None:
    """Sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP."""
    return default().sys.clock_nanosleep(clock_id, flags, rqtp)


def rump_pub_module_init(names: str | Iterable[str]) -> None:
    """Initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM."""
    default().pub.module_init(names)


def rump_pub_module_fini(name: str) -> None:
    """Finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM."""
    default().pub.module_fini(name)


def rump_pub_component_restart(name: str, crash: bool = False, fresh: bool = False) -> None:
    """Ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP, EPERM, EIO, ETIMEDOUT."""
    default().pub.component_restart(name, crash, fresh)


def rump_sys__ksem_init(value: int) -> int:
    """A semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE."""
    return default().sys.ksem_init(value)


rump_sys_ksem_init = rump_sys__ksem_init


def rump_sys__ksem_open(name: A.TextArg, oflag: int = 0, mode: int = 0o600, value: int = 0) -> int:
    """A semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST, ENOENT, EACCES,
    ENFILE.
    """
    return default().sys.ksem_open(name, oflag, mode, value)


rump_sys_ksem_open = rump_sys__ksem_open


def rump_sys__ksem_unlink(name: A.TextArg) -> None:
    """Frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES."""
    default().sys.ksem_unlink(name)


rump_sys_ksem_unlink = rump_sys__ksem_unlink


def rump_sys__ksem_close(id: int) -> None:
    """Closes a semaphore that has a name. EBADF, EINVAL."""
    default().sys.ksem_close(id)


rump_sys_ksem_close = rump_sys__ksem_close


def rump_sys__ksem_post(id: int) -> None:
    """Puts the semaphore up by one. EINVAL, EOVERFLOW."""
    default().sys.ksem_post(id)


rump_sys_ksem_post = rump_sys__ksem_post


def rump_sys__ksem_wait(id: int) -> None:
    """Takes the semaphore down by one, when it is not 0. EINVAL, EINTR."""
    default().sys.ksem_wait(id)


rump_sys_ksem_wait = rump_sys__ksem_wait


def rump_sys__ksem_trywait(id: int) -> None:
    """Takes the semaphore down by one. EINVAL, EAGAIN."""
    default().sys.ksem_trywait(id)


rump_sys_ksem_trywait = rump_sys__ksem_trywait


def rump_sys__ksem_getvalue(id: int) -> int:
    """The count of the semaphore. EINVAL."""
    return default().sys.ksem_getvalue(id)


rump_sys_ksem_getvalue = rump_sys__ksem_getvalue


def rump_sys__ksem_destroy(id: int) -> None:
    """Ends a semaphore without a name. EBADF, EINVAL, EBUSY."""
    default().sys.ksem_destroy(id)


rump_sys_ksem_destroy = rump_sys__ksem_destroy


def rump_sys__ksem_timedwait(id: int, abstime: A.TimeArg = None) -> None:
    """Takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT."""
    default().sys.ksem_timedwait(id, abstime)


rump_sys_ksem_timedwait = rump_sys__ksem_timedwait


def rump_sys_aio_cancel(fildes: int, aiocbp: int = 0) -> int:
    """Ends requests of a descriptor; what was ended has the error ECANCELED. EBADF."""
    return default().sys.aio_cancel(fildes, aiocbp)


def rump_sys_aio_error(aiocbp: int) -> int:
    """How a request is: EINPROGRESS while it is under way, else its error. EINVAL."""
    return default().sys.aio_error(aiocbp)


def rump_sys_aio_fsync(op: int, aiocbp: V.Aiocb) -> None:
    """Begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL."""
    default().sys.aio_fsync(op, aiocbp)


def rump_sys_aio_read(aiocbp: V.Aiocb) -> None:
    """Begins to read. EAGAIN, EBADF, EINVAL."""
    default().sys.aio_read(aiocbp)


def rump_sys_aio_return(aiocbp: int) -> V.AioReturnResult:
    """The result of a request that is over, once; then the kernel forgets it. EINVAL."""
    return default().sys.aio_return(aiocbp)


def rump_sys_aio_write(aiocbp: V.Aiocb) -> None:
    """Begins to write. EAGAIN, EBADF, EINVAL."""
    default().sys.aio_write(aiocbp)


def rump_sys_lio_listio(mode: int, aiocbs: Iterable[V.Aiocb], sig: V.Sigevent | None = None) -> None:
    """Begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for one that
    failed.
    """
    default().sys.lio_listio(mode, aiocbs, sig)


def rump_sys_aio_suspend(aiocbs: Iterable[int], timeout: A.TimeArg = None) -> None:
    """Waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL."""
    default().sys.aio_suspend(aiocbs, timeout)


def rump_sys_open(path: A.PathArg, flags: int = 0, mode: int | None = None) -> int:
    """Opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EMFILE,
    ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
    """
    return default().sys.open(path, flags, mode)


def rump_sys_link(path: A.PathArg, link: A.PathArg) -> None:
    """Makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS."""
    default().sys.link(path, link)


def rump_sys_unlink(path: A.PathArg) -> None:
    """Removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS."""
    default().sys.unlink(path)


def rump_sys_chdir(path: A.PathArg) -> None:
    """Changes the working directory. ENOENT, ENOTDIR, EACCES."""
    default().sys.chdir(path)


def rump_sys_fchdir(fd: int) -> None:
    """Changes the working directory to an open one. EBADF, ENOTDIR, EACCES."""
    default().sys.fchdir(fd)


def rump_sys_chmod(path: A.PathArg, mode: int) -> None:
    """Changes permissions. EPERM, EROFS, EFTYPE."""
    default().sys.chmod(path, mode)


def rump_sys_chown(path: A.PathArg, uid: int, gid: int) -> None:
    """Changes owner and group; -1 leaves one alone. EPERM, EROFS."""
    default().sys.chown(path, uid, gid)


def rump_sys_unmount(path: A.PathArg, flags: int = 0) -> None:
    """Unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO."""
    default().sys.unmount(path, flags)


def rump_sys_access(path: A.PathArg, flags: int) -> None:
    """Checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL."""
    default().sys.access(path, flags)


def rump_sys_chflags(path: A.PathArg, flags: int) -> None:
    """Sets file flags. EPERM, EOPNOTSUPP."""
    default().sys.chflags(path, flags)


def rump_sys_fchflags(fd: int, flags: int) -> None:
    """Sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP."""
    default().sys.fchflags(fd, flags)


def rump_sys_sync() -> None:
    """Writes out all file systems. Cannot fail."""
    default().sys.sync()


def rump_sys_ktrace(fname: A.PathArg, ops: int, facs: int, pid: int = 0) -> None:
    """Traces calls to a file. EPERM, ESRCH, ENOENT."""
    default().sys.ktrace(fname, ops, facs, pid)


def rump_sys_revoke(path: A.PathArg) -> None:
    """Takes a device away from its users. EPERM, EINVAL."""
    default().sys.revoke(path)


def rump_sys_symlink(path: A.PathArg, link: A.PathArg) -> None:
    """Makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS."""
    default().sys.symlink(path, link)


def rump_sys_readlink(path: A.PathArg, count: int = 1024) -> bytes:
    """Text of a symbolic link. EINVAL, ENOENT."""
    return default().sys.readlink(path, count)


def rump_sys_umask(newmask: int) -> int:
    """Sets the file creation mask. Cannot fail."""
    return default().sys.umask(newmask)


def rump_sys_chroot(path: A.PathArg) -> None:
    """Changes the root directory. EPERM, ENOENT, ENOTDIR."""
    default().sys.chroot(path)


def rump_sys_fsync(fd: int) -> None:
    """Brings a file to stable storage. EBADF, EIO, ENOSPC."""
    default().sys.fsync(fd)


def rump_sys_fchown(fd: int, uid: int, gid: int) -> None:
    """chown of an open file. EBADF, EPERM, EROFS."""
    default().sys.fchown(fd, uid, gid)


def rump_sys_fchmod(fd: int, mode: int) -> None:
    """chmod of an open file. EBADF, EPERM, EROFS."""
    default().sys.fchmod(fd, mode)


def rump_sys_rename(from_path: A.PathArg, to_path: A.PathArg) -> None:
    """Renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS."""
    default().sys.rename(from_path, to_path)


def rump_sys_mkfifo(path: A.PathArg, mode: int = 0o666) -> None:
    """Makes a fifo. EEXIST, ENOSPC, EROFS."""
    default().sys.mkfifo(path, mode)


def rump_sys_mkdir(path: A.PathArg, mode: int = 0o777) -> None:
    """Makes a directory. EEXIST, ENOSPC, EMLINK, EROFS."""
    default().sys.mkdir(path, mode)


def rump_sys_rmdir(path: A.PathArg) -> None:
    """Removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS."""
    default().sys.rmdir(path)


def rump_sys_pread(fd: int, nbyte: int, offset: int) -> bytes:
    """read at an offset. As read; ESPIPE, EINVAL."""
    return default().sys.pread(fd, nbyte, offset)


def rump_sys_pwrite(fd: int, data: A.Buffer, offset: int) -> int:
    """write at an offset. As write; ESPIPE, EINVAL."""
    return default().sys.pwrite(fd, data, offset)


def rump_sys_pathconf(path: A.PathArg, name: int | str) -> int:
    """Configurable limit of a file, _PC_*. EINVAL, ENOENT."""
    return default().sys.pathconf(path, name)


def rump_sys_lseek(fd: int, offset: int, whence: int = 0) -> int:
    """Moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO."""
    return default().sys.lseek(fd, offset, whence)


def rump_sys_truncate(path: A.PathArg, length: int) -> None:
    """Sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS."""
    default().sys.truncate(path, length)


def rump_sys_ftruncate(fd: int, length: int) -> None:
    """Sets the length of an open file. EBADF, EINVAL, EFBIG."""
    default().sys.ftruncate(fd, length)


def rump_sys_fdatasync(fd: int) -> None:
    """Brings the data of a file to stable storage. EBADF, EIO."""
    default().sys.fdatasync(fd)


def rump_sys___posix_rename(from_path: A.PathArg, to_path: A.PathArg) -> None:
    """rename that does nothing for two links of one file. As rename."""
    default().sys.posix_rename(from_path, to_path)


rump_sys_posix_rename = rump_sys___posix_rename


def rump_sys_lchmod(path: A.PathArg, mode: int) -> None:
    """chmod that does not follow a link. As chmod."""
    default().sys.lchmod(path, mode)


def rump_sys_lchown(path: A.PathArg, uid: int, gid: int) -> None:
    """chown that does not follow a link. As chown."""
    default().sys.lchown(path, uid, gid)


def rump_sys___posix_chown(path: A.PathArg, uid: int, gid: int) -> None:
    """chown that clears the set-id bits always. As chown."""
    default().sys.posix_chown(path, uid, gid)


rump_sys_posix_chown = rump_sys___posix_chown


def rump_sys___posix_fchown(fd: int, uid: int, gid: int) -> None:
    """fchown that clears the set-id bits always. As fchown."""
    default().sys.posix_fchown(fd, uid, gid)


rump_sys_posix_fchown = rump_sys___posix_fchown


def rump_sys___posix_lchown(path: A.PathArg, uid: int, gid: int) -> None:
    """lchown that clears the set-id bits always. As lchown."""
    default().sys.posix_lchown(path, uid, gid)


rump_sys_posix_lchown = rump_sys___posix_lchown


def rump_sys_preadv(fd: int, iov: Iterable[int], offset: int) -> bytes:
    """Scatter read at an offset. As pread."""
    return default().sys.preadv(fd, iov, offset)


def rump_sys_pwritev(fd: int, iov: Iterable[A.Buffer], offset: int) -> int:
    """Gather write at an offset. As pwrite."""
    return default().sys.pwritev(fd, iov, offset)


def rump_sys___getcwd(length: int = 1024) -> bytes:
    """Path of the working directory. ERANGE, ENOENT, EINVAL."""
    return default().sys.getcwd(length)


rump_sys_getcwd = rump_sys___getcwd


def rump_sys_fchroot(fd: int) -> None:
    """Changes the root directory to an open one. EBADF, EPERM, ENOTDIR."""
    default().sys.fchroot(fd)


def rump_sys_lchflags(path: A.PathArg, flags: int) -> None:
    """chflags that does not follow a link. As chflags."""
    default().sys.lchflags(path, flags)


def rump_sys_fsync_range(fd: int, flags: int, start: int = 0, length: int = 0) -> None:
    """Brings a range of a file to stable storage. EBADF, EINVAL, EIO."""
    default().sys.fsync_range(fd, flags, start, length)


def rump_sys_getvfsstat(flags: int = 1) -> list[V.Statvfs]:
    """Statistics of all mounts. EINVAL."""
    return default().sys.getvfsstat(flags)


def rump_sys_statvfs1(path: A.PathArg, flags: int = 1) -> V.Statvfs:
    """Statistics of the file system of a path. ENOENT, EACCES."""
    return default().sys.statvfs1(path, flags)


def rump_sys_fstatvfs1(fd: int, flags: int = 1) -> V.Statvfs:
    """Statistics of the file system of an open file. EBADF."""
    return default().sys.fstatvfs1(fd, flags)


def rump_sys_extattrctl(path: A.PathArg, cmd: int, filename: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
    """Starts, stops, enables and disables extended attributes that are in files of their own (UFS1). Errors of namei,
    EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
    """
    default().sys.extattrctl(path, cmd, filename, attrnamespace, attrname)


def rump_sys_extattr_set_file(path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
    """Sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC."""
    return default().sys.extattr_set_file(path, attrnamespace, attrname, data)


def rump_sys_extattr_get_file(path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
    """Reads an extended attribute. ENOATTR, ERANGE."""
    return default().sys.extattr_get_file(path, attrnamespace, attrname, nbytes)


def rump_sys_extattr_delete_file(path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
    """Removes an extended attribute. ENOATTR."""
    default().sys.extattr_delete_file(path, attrnamespace, attrname)


def rump_sys_extattr_set_fd(fd: int, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
    """extattr_set_file of an open file. EBADF."""
    return default().sys.extattr_set_fd(fd, attrnamespace, attrname, data)


def rump_sys_extattr_get_fd(fd: int, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
    """extattr_get_file of an open file. EBADF."""
    return default().sys.extattr_get_fd(fd, attrnamespace, attrname, nbytes)


def rump_sys_extattr_delete_fd(fd: int, attrnamespace: int, attrname: A.TextArg) -> None:
    """extattr_delete_file of an open file. EBADF."""
    default().sys.extattr_delete_fd(fd, attrnamespace, attrname)


def rump_sys_extattr_set_link(path: A.PathArg, attrnamespace: int, attrname: A.TextArg, data: A.Buffer) -> int:
    """extattr_set_file that does not follow a link."""
    return default().sys.extattr_set_link(path, attrnamespace, attrname, data)


def rump_sys_extattr_get_link(path: A.PathArg, attrnamespace: int, attrname: A.TextArg, nbytes: int = 65536) -> bytes:
    """extattr_get_file that does not follow a link."""
    return default().sys.extattr_get_link(path, attrnamespace, attrname, nbytes)


def rump_sys_extattr_delete_link(path: A.PathArg, attrnamespace: int, attrname: A.TextArg) -> None:
    """extattr_delete_file that does not follow a link."""
    default().sys.extattr_delete_link(path, attrnamespace, attrname)


def rump_sys_extattr_list_fd(fd: int, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
    """Lists extended attributes of an open file. EBADF."""
    return default().sys.extattr_list_fd(fd, attrnamespace, nbytes)


def rump_sys_extattr_list_file(path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
    """Lists extended attributes. EOPNOTSUPP."""
    return default().sys.extattr_list_file(path, attrnamespace, nbytes)


def rump_sys_extattr_list_link(path: A.PathArg, attrnamespace: int, nbytes: int = 65536) -> list[bytes]:
    """extattr_list_file that does not follow a link."""
    return default().sys.extattr_list_link(path, attrnamespace, nbytes)


def rump_sys_setxattr(path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
    """Sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP."""
    default().sys.setxattr(path, name, value, flags)


def rump_sys_lsetxattr(path: A.PathArg, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
    """setxattr that does not follow a link."""
    default().sys.lsetxattr(path, name, value, flags)


def rump_sys_fsetxattr(fd: int, name: A.TextArg, value: A.Buffer, flags: int = 0) -> None:
    """setxattr of an open file. EBADF."""
    default().sys.fsetxattr(fd, name, value, flags)


def rump_sys_getxattr(path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
    """Reads an attribute, Linux style. ENOATTR, ERANGE."""
    return default().sys.getxattr(path, name, size)


def rump_sys_lgetxattr(path: A.PathArg, name: A.TextArg, size: int = 65536) -> bytes:
    """getxattr that does not follow a link."""
    return default().sys.lgetxattr(path, name, size)


def rump_sys_fgetxattr(fd: int, name: A.TextArg, size: int = 65536) -> bytes:
    """getxattr of an open file. EBADF."""
    return default().sys.fgetxattr(fd, name, size)


def rump_sys_listxattr(path: A.PathArg, size: int = 65536) -> list[bytes]:
    """Lists attributes, Linux style. EOPNOTSUPP."""
    return default().sys.listxattr(path, size)


def rump_sys_llistxattr(path: A.PathArg, size: int = 65536) -> list[bytes]:
    """listxattr that does not follow a link."""
    return default().sys.llistxattr(path, size)


def rump_sys_flistxattr(fd: int, size: int = 65536) -> list[bytes]:
    """listxattr of an open file. EBADF."""
    return default().sys.flistxattr(fd, size)


def rump_sys_removexattr(path: A.PathArg, name: A.TextArg) -> None:
    """Removes an attribute, Linux style. ENOATTR."""
    default().sys.removexattr(path, name)


def rump_sys_lremovexattr(path: A.PathArg, name: A.TextArg) -> None:
    """removexattr that does not follow a link."""
    default().sys.lremovexattr(path, name)


def rump_sys_fremovexattr(fd: int, name: A.TextArg) -> None:
    """removexattr of an open file. EBADF."""
    default().sys.fremovexattr(fd, name)


def rump_sys_getdents(fd: int, count: int = 65536) -> list[V.Dirent]:
    """Next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR, EINVAL."""
    return default().sys.getdents(fd, count)


def rump_sys_getfh(fname: A.PathArg) -> bytes:
    """File handle of a file. EPERM, EOPNOTSUPP."""
    return default().sys.getfh(fname)


def rump_sys_fhopen(fhp: A.Buffer, flags: int = 0) -> int:
    """Opens by file handle. ESTALE, EPERM, EINVAL."""
    return default().sys.fhopen(fhp, flags)


def rump_sys_fhstatvfs1(fhp: A.Buffer, flags: int = 1) -> V.Statvfs:
    """statvfs1 by file handle. ESTALE, EPERM."""
    return default().sys.fhstatvfs1(fhp, flags)


def rump_sys_mount(type: str, path: A.PathArg, flags: int = 0, data: V.MountArgs | None = None) -> V.MountArgs | None:
    """Mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT, ENOTDIR,
    EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
    """
    return default().sys.mount(type, path, flags, data)


def rump_sys_utimes(path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
    """Sets access and modification time; left out: now. EPERM, EACCES, EROFS."""
    default().sys.utimes(path, atime, mtime)


def rump_sys_futimes(fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
    """utimes of an open file. EBADF."""
    default().sys.futimes(fd, atime, mtime)


def rump_sys_lutimes(path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
    """utimes that does not follow a link."""
    default().sys.lutimes(path, atime, mtime)


def rump_sys_stat(path: A.PathArg) -> V.Stat:
    """Attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG."""
    return default().sys.stat(path)


def rump_sys_lstat(path: A.PathArg) -> V.Stat:
    """stat that does not follow a link."""
    return default().sys.lstat(path)


def rump_sys_mknod(path: A.PathArg, mode: int, dev: int = 0) -> None:
    """Makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS."""
    default().sys.mknod(path, mode, dev)


def rump_sys_fhstat(fhp: A.Buffer) -> V.Stat:
    """stat by file handle. ESTALE, EPERM."""
    return default().sys.fhstat(fhp)


def rump_sys_linkat(fd1: int, name1: A.PathArg, fd2: int, name2: A.PathArg, flags: int = 0) -> None:
    """link relative to directories, AT_SYMLINK_FOLLOW."""
    default().sys.linkat(fd1, name1, fd2, name2, flags)


def rump_sys_renameat(fromfd: int, from_path: A.PathArg, tofd: int, to_path: A.PathArg) -> None:
    """rename relative to directories."""
    default().sys.renameat(fromfd, from_path, tofd, to_path)


def rump_sys_mkfifoat(fd: int, path: A.PathArg, mode: int = 0o666) -> None:
    """mkfifo relative to a directory."""
    default().sys.mkfifoat(fd, path, mode)


def rump_sys_mknodat(fd: int, path: A.PathArg, mode: int, dev: int = 0) -> None:
    """mknod relative to a directory."""
    default().sys.mknodat(fd, path, mode, dev)


def rump_sys_mkdirat(fd: int, path: A.PathArg, mode: int = 0o777) -> None:
    """mkdir relative to a directory."""
    default().sys.mkdirat(fd, path, mode)


def rump_sys_faccessat(fd: int, path: A.PathArg, amode: int, flag: int = 0) -> None:
    """access relative to a directory, AT_EACCESS."""
    default().sys.faccessat(fd, path, amode, flag)


def rump_sys_fchmodat(fd: int, path: A.PathArg, mode: int, flag: int = 0) -> None:
    """chmod relative to a directory, AT_SYMLINK_NOFOLLOW."""
    default().sys.fchmodat(fd, path, mode, flag)


def rump_sys_fchownat(fd: int, path: A.PathArg, owner: int, group: int, flag: int = 0) -> None:
    """chown relative to a directory, AT_SYMLINK_NOFOLLOW."""
    default().sys.fchownat(fd, path, owner, group, flag)


def rump_sys_fstatat(fd: int, path: A.PathArg, flag: int = 0) -> V.Stat:
    """stat relative to a directory, AT_SYMLINK_NOFOLLOW."""
    return default().sys.fstatat(fd, path, flag)


def rump_sys_utimensat(fd: int, path: A.PathArg, atime: A.TimeArg = None, mtime: A.TimeArg = None, flag: int = 0) -> None:
    """utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT."""
    default().sys.utimensat(fd, path, atime, mtime, flag)


def rump_sys_openat(fd: int, path: A.PathArg, oflags: int = 0, mode: int | None = None) -> int:
    """open relative to a directory."""
    return default().sys.openat(fd, path, oflags, mode)


def rump_sys_readlinkat(fd: int, path: A.PathArg, bufsize: int = 1024) -> bytes:
    """readlink relative to a directory."""
    return default().sys.readlinkat(fd, path, bufsize)


def rump_sys_symlinkat(path1: A.PathArg, fd: int, path2: A.PathArg) -> None:
    """symlink relative to a directory."""
    default().sys.symlinkat(path1, fd, path2)


def rump_sys_unlinkat(fd: int, path: A.PathArg, flag: int = 0) -> None:
    """unlink or, with AT_REMOVEDIR, rmdir relative to a directory."""
    default().sys.unlinkat(fd, path, flag)


def rump_sys_futimens(fd: int, atime: A.TimeArg = None, mtime: A.TimeArg = None) -> None:
    """futimes with UTIME_NOW and UTIME_OMIT. EBADF."""
    default().sys.futimens(fd, atime, mtime)


def rump_sys___quotactl(path: A.PathArg, args: V.QuotactlArgs | None) -> V.QuotactlArgs:
    """Quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no quotas there),
    ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY, ENOSPC, EIO.
    """
    return default().sys.quotactl(path, args)


rump_sys_quotactl = rump_sys___quotactl


def rump_sys_posix_fallocate(fd: int, pos: int, len: int) -> None:
    """Makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP."""
    default().sys.posix_fallocate(fd, pos, len)


def rump_sys_fdiscard(fd: int, pos: int, len: int) -> None:
    """Gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP."""
    default().sys.fdiscard(fd, pos, len)


def rump_pub_etfs_register(key: A.PathArg, hostpath: A.PathArg, type: int | str = "reg") -> None:
    """Shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT, ENOTDIR, EBUSY."""
    default().pub.etfs_register(key, hostpath, type)


def rump_pub_etfs_register_withsize(key: A.PathArg, hostpath: A.PathArg, type: int | str, begin: int = 0, size: int | None = None) -> None:
    """etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR."""
    default().pub.etfs_register_withsize(key, hostpath, type, begin, size)


def rump_pub_etfs_remove(key: A.PathArg) -> None:
    """Takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY."""
    default().pub.etfs_remove(key)


def rump_pub_newfs(type: str, fspec: A.PathArg, options: Mapping[str, object] | None = None, source: A.PathArg = "") -> int:
    """Makes a new file system on a block device, filled with the tree of a directory if there is a source; how many
    bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC, EROFS, EIO.
    """
    return default().pub.newfs(type, fspec, options, source)


def rump_pub_getdents_stat(fd: int, count: int = 65536) -> list[V.DirentStat]:
    """Next entries of an open directory, about count bytes of them and at most 1,024, with what fstatat gives for each
    of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF, ENOTDIR, EINVAL.
    """
    return default().pub.getdents_stat(fd, count)


def rump_pub_getdents_packed(fd: int, count: int = 65536) -> bytes:
    """The same as records one behind another, for those who read some of them only. Little endian, without gaps:
    length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64 each); the
    attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and st_gen in 32
    bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
    """
    return default().pub.getdents_packed(fd, count)


def rump_sys_recvmsg(s: int, len: int, controllen: int = 0, flags: int = 0) -> V.Msghdr | None:
    """Receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR."""
    return default().sys.recvmsg(s, len, controllen, flags)


def rump_sys_sendmsg(s: int, msg: V.Msghdr, flags: int = 0) -> int:
    """Sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN."""
    return default().sys.sendmsg(s, msg, flags)


def rump_sys_recvfrom(s: int, len: int, flags: int | None = None) -> V.RecvfromResult:
    """Receives a message and the address of its sender. As recvmsg."""
    return default().sys.recvfrom(s, len, flags)


def rump_sys_accept(s: int) -> V.AcceptResult:
    """Takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP."""
    return default().sys.accept(s)


def rump_sys_getpeername(s: int) -> V.Sockaddr | None:
    """Address of the peer. EBADF, ENOTSOCK, ENOTCONN."""
    return default().sys.getpeername(s)


def rump_sys_getsockname(s: int) -> V.Sockaddr | None:
    """Address of the socket. EBADF, ENOTSOCK."""
    return default().sys.getsockname(s)


def rump_sys_connect(s: int, name: A.AddressArg = None) -> None:
    """Connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT, ENOENT,
    EPROTOTYPE.
    """
    default().sys.connect(s, name)


def rump_sys_bind(s: int, name: A.AddressArg = None) -> None:
    """Gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT."""
    default().sys.bind(s, name)


def rump_sys_setsockopt(s: int, level: int, name: int, val: A.OptionArg) -> None:
    """Sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM."""
    default().sys.setsockopt(s, level, name, val)


def rump_sys_listen(s: int, backlog: int = 128) -> None:
    """Makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ."""
    default().sys.listen(s, backlog)


def rump_sys_getsockopt(s: int, level: int, name: int) -> V.Sockopt | None:
    """Reads an option. ENOPROTOOPT, EINVAL."""
    return default().sys.getsockopt(s, level, name)


def rump_sys_sendto(s: int, data: A.Buffer, flags: int | None = None, to: A.AddressArg = None) -> int:
    """Sends a message. As sendmsg; EDESTADDRREQ, EISCONN."""
    return default().sys.sendto(s, data, flags, to)


def rump_sys_shutdown(s: int, how: int) -> None:
    """Ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL."""
    default().sys.shutdown(s, how)


def rump_sys_socketpair(domain: int, type: int, protocol: int = 0) -> V.SocketpairResult:
    """Makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE."""
    return default().sys.socketpair(domain, type, protocol)


def rump_sys_socket(domain: int, type: int, protocol: int = 0) -> int:
    """Makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES."""
    return default().sys.socket(domain, type, protocol)


def rump_sys_paccept(s: int, mask: A.SignalSet = None, flags: int = 0) -> V.PacceptResult:
    """accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask."""
    return default().sys.paccept(s, mask, flags)


def rump_sys_recvmmsg(s: int, vlen: int, len: int, flags: int = 0, timeout: A.TimeArg = None) -> list[V.Msghdr]:
    """Receives several messages. As recvmsg."""
    return default().sys.recvmmsg(s, vlen, len, flags, timeout)


def rump_sys_sendmmsg(s: int, msgs: Iterable[V.Msghdr], flags: int = 0) -> int:
    """Sends several messages. As sendmsg."""
    return default().sys.sendmmsg(s, msgs, flags)


def rump_pub_netconfig_ifcreate(ifname: str) -> None:
    """Makes an interface by cloning. EEXIST, EINVAL, ENXIO."""
    default().pub.netconfig_ifcreate(ifname)


def rump_pub_netconfig_ifdestroy(ifname: str) -> None:
    """Removes a cloned interface. ENXIO, EINVAL."""
    default().pub.netconfig_ifdestroy(ifname)


def rump_pub_netconfig_ifup(ifname: str) -> None:
    """Brings an interface up. ENXIO."""
    default().pub.netconfig_ifup(ifname)


def rump_pub_netconfig_ifdown(ifname: str) -> None:
    """Takes an interface down. ENXIO."""
    default().pub.netconfig_ifdown(ifname)


def rump_pub_netconfig_ifsetlinkstr(ifname: str, linkstr: str) -> None:
    """Sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC."""
    default().pub.netconfig_ifsetlinkstr(ifname, linkstr)


def rump_pub_netconfig_bradd(bridge: str, ifname: str) -> None:
    """Adds a member to a bridge. ENXIO, EEXIST, EBUSY."""
    default().pub.netconfig_bradd(bridge, ifname)


def rump_pub_netconfig_brdel(bridge: str, ifname: str) -> None:
    """Removes a member of a bridge. ENXIO, ENOENT."""
    default().pub.netconfig_brdel(bridge, ifname)


def rump_pub_netconfig_ipv4_ifaddr(ifname: str, addr: str, mask: str) -> None:
    """Adds an IPv4 address. ENXIO, EINVAL, EEXIST."""
    default().pub.netconfig_ipv4_ifaddr(ifname, addr, mask)


def rump_pub_netconfig_ipv4_ifaddr_cidr(ifname: str, addr: str, prefixlen: int) -> None:
    """Adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST."""
    default().pub.netconfig_ipv4_ifaddr_cidr(ifname, addr, prefixlen)


def rump_pub_netconfig_ipv6_ifaddr(ifname: str, addr: str, prefixlen: int) -> None:
    """Adds an IPv6 address. ENXIO, EINVAL, EEXIST."""
    default().pub.netconfig_ipv6_ifaddr(ifname, addr, prefixlen)


def rump_pub_netconfig_ipv4_gw(addr: str) -> None:
    """Sets the default route. EINVAL, ENETUNREACH, EEXIST."""
    default().pub.netconfig_ipv4_gw(addr)


def rump_pub_netconfig_ipv6_gw(addr: str) -> None:
    """Sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST."""
    default().pub.netconfig_ipv6_gw(addr)


def rump_pub_netconfig_dhcp_ipv4_oneshot(ifname: str) -> None:
    """Gets one lease by DHCP. ENXIO, ETIMEDOUT."""
    default().pub.netconfig_dhcp_ipv4_oneshot(ifname)


def rump_pub_netconfig_auto_ipv6(ifname: str) -> None:
    """Accepts router advertisements. ENXIO."""
    default().pub.netconfig_auto_ipv6(ifname)


def rump_pub_netconfig_ifaddrs(ifname: str | None = None) -> list[V.Interface]:
    """Interfaces with their flags and addresses. ENXIO."""
    return default().pub.netconfig_ifaddrs(ifname)


def rump_pub_npf_load(config: V.NpfConfig | None = None) -> None:
    """Replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG."""
    default().pub.npf_load(config)


def rump_pub_npf_config_get() -> V.NpfConfigGetResult:
    """The configuration with the counters of its rules, and whether the filter is active."""
    return default().pub.npf_config_get()


def rump_pub_npf_switch(active: bool) -> None:
    """Begins or ends filtering. Ending forgets all connections."""
    default().pub.npf_switch(active)


def rump_pub_npf_flush() -> None:
    """Forgets the configuration and all connections."""
    default().pub.npf_flush()


def rump_pub_npf_connections() -> list[V.NpfConnection]:
    """The connections that the filter knows."""
    return default().pub.npf_connections()


def rump_pub_npf_stats() -> list[V.NpfCounter]:
    """What the filter has counted."""
    return default().pub.npf_stats()


def rump_pub_npf_table(table: str, command: str, entry: V.NpfAddress | None = None) -> list[V.NpfAddress]:
    """Commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST, ENOENT,
    EINVAL, EPERM for const.
    """
    return default().pub.npf_table(table, command, entry)


def rump_pub_npf_rule_add(group: str, rule: V.NpfRule | None = None) -> int:
    """Adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC."""
    return default().pub.npf_rule_add(group, rule)


def rump_pub_npf_rule_remove(group: str, id: int) -> None:
    """Removes a rule from a dynamic group. ESRCH, ENOENT."""
    default().pub.npf_rule_remove(group, id)


def rump_pub_dhcp_start(ifname: str, hostname: str) -> None:
    """Gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one, EINVAL for
    interfaces other than Ethernets.
    """
    default().pub.dhcp_start(ifname, hostname)


def rump_pub_dhcp_renew(ifname: str) -> None:
    """Asks for more time for a lease at once. ENXIO, ENOENT when there is none."""
    default().pub.dhcp_renew(ifname)


def rump_pub_dhcp_stop(ifname: str, release: bool) -> None:
    """Stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT."""
    default().pub.dhcp_stop(ifname, release)


def rump_pub_dhcp_leases() -> list[V.DhcpLease]:
    """The leases of all interfaces."""
    return default().pub.dhcp_leases()


def rump_pub_dhcpd_start(ifname: str, pool: V.DhcpPool | None = None) -> None:
    """Leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL."""
    default().pub.dhcpd_start(ifname, pool)


def rump_pub_dhcpd_stop(ifname: str) -> None:
    """Ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT."""
    default().pub.dhcpd_stop(ifname)


def rump_pub_dhcpd_bindings(ifname: str) -> list[V.DhcpBinding]:
    """What the server of an interface has leased. ENXIO, ENOENT."""
    return default().pub.dhcpd_bindings(ifname)


def rump_pub_dns_forward(servers: Iterable[A.Buffer]) -> None:
    """Answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it. EADDRINUSE,
    EINVAL.
    """
    default().pub.dns_forward(servers)


def rump_pub_netconfig_ifaddrdel(ifname: str, addr: str) -> None:
    """Takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL."""
    default().pub.netconfig_ifaddrdel(ifname, addr)


def rump_pub_route_send(s: int, msg: V.Rtmsg | None = None) -> V.Rtmsg:
    """Writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH, EINVAL, EACCES."""
    return default().pub.route_send(s, msg)


def rump_pub_route_recv(s: int, flags: int) -> V.Rtmsg | None:
    """Reads the next message of a routing socket. EAGAIN."""
    return default().pub.route_recv(s, flags)


def rump_pub_route_dump(family: int, op: int, arg: int) -> list[V.Rtmsg]:
    """The tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those with the flags
    in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index or 0). EINVAL.
    """
    return default().pub.route_dump(family, op, arg)


def rump_pub_net_pcblist() -> list[V.Inpcb]:
    """Sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail."""
    return default().pub.net_pcblist()


def rump_pub_net_counters() -> list[V.NetCounter]:
    """What the protocols have counted (sysctl net.*.stats). Cannot fail."""
    return default().pub.net_counters()


def rump_pub_nd_list() -> V.NdListResult:
    """Routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT."""
    return default().pub.nd_list()


def rump_pub_netconfig_ifimpair(ifname: str, settings: V.Impairment | None = None) -> None:
    """Makes the link of an interface worse, for what it sends; without settings, as good as before. ENXIO, EINVAL,
    EOPNOTSUPP.
    """
    default().pub.netconfig_ifimpair(ifname, settings)


def rump_pub_netconfig_ifimpairstat(ifname: str) -> V.ImpairmentStat:
    """What became of the frames since then. ENXIO, ENOENT when it is not impaired."""
    return default().pub.netconfig_ifimpairstat(ifname)


def rump_pub_netconfig_ifcapture(ifname: str, hostpath: A.PathArg, snaplen: int | None = None) -> int:
    """Writes what an interface sends and receives to a new file of the host (pcapng), or ends that when the path is
    empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST, EBUSY, errors of the host.
    """
    return default().pub.netconfig_ifcapture(ifname, hostpath, snaplen)


def rump_pub_bpf_open() -> int:
    """Opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE."""
    return default().pub.bpf_open()


def rump_pub_dev_list() -> list[V.Driver]:
    """Device drivers with their major numbers and units."""
    return default().pub.dev_list()


def rump_pub_md_create(unit: int, size: int) -> None:
    """Gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM."""
    default().pub.md_create(unit, size)


def rump_pub_md_destroy(unit: int) -> None:
    """Takes the storage of a memory disk back. ENXIO, EBUSY."""
    default().pub.md_destroy(unit)


__all__ = [
    "rump_sys_read",
    "rump_sys_write",
    "rump_sys_close",
    "rump_pub_kill",
    "rump_pub_sigqueue",
    "rump_pub_sigpending",
    "rump_sys_getpid",
    "rump_sys_setuid",
    "rump_sys_getuid",
    "rump_sys_geteuid",
    "rump_sys_getppid",
    "rump_pub_file_list",
    "rump_sys_dup",
    "rump_sys_pipe",
    "rump_sys_getegid",
    "rump_sys_getgid",
    "rump_sys___getlogin",
    "rump_sys_getlogin",
    "rump_sys___setlogin",
    "rump_sys_setlogin",
    "rump_sys_ioctl",
    "rump_sys_getgroups",
    "rump_sys_setgroups",
    "rump_sys_getpgrp",
    "rump_sys_setpgid",
    "rump_sys_dup2",
    "rump_sys_fcntl",
    "rump_sys_readv",
    "rump_sys_writev",
    "rump_sys_setreuid",
    "rump_sys_setregid",
    "rump_sys_flock",
    "rump_sys_setsid",
    "rump_sys_setgid",
    "rump_sys_setegid",
    "rump_sys_seteuid",
    "rump_sys_fpathconf",
    "rump_sys_getrlimit",
    "rump_sys_setrlimit",
    "rump_sys___sysctl",
    "rump_sys_sysctl",
    "rump_sys_getpgid",
    "rump_sys_reboot",
    "rump_sys_poll",
    "rump_sys_timer_create",
    "rump_sys_timer_delete",
    "rump_sys_timer_getoverrun",
    "rump_sys_modctl",
    "rump_sys_getsid",
    "rump_sys_fktrace",
    "rump_sys_issetugid",
    "rump_sys_utrace",
    "rump_sys_kqueue",
    "rump_sys_posix_fadvise",
    "rump_sys_select",
    "rump_sys_gettimeofday",
    "rump_sys_settimeofday",
    "rump_sys_adjtime",
    "rump_sys_setitimer",
    "rump_sys_getitimer",
    "rump_sys_clock_gettime",
    "rump_sys_clock_settime",
    "rump_sys_clock_getres",
    "rump_sys_nanosleep",
    "rump_sys_kevent",
    "rump_sys_pselect",
    "rump_sys_pollts",
    "rump_sys_fstat",
    "rump_sys_timer_settime",
    "rump_sys_timer_gettime",
    "rump_sys_pipe2",
    "rump_sys_dup3",
    "rump_sys_kqueue1",
    "rump_sys_clock_nanosleep",
    "rump_pub_module_init",
    "rump_pub_module_fini",
    "rump_pub_component_restart",
    "rump_sys__ksem_init",
    "rump_sys_ksem_init",
    "rump_sys__ksem_open",
    "rump_sys_ksem_open",
    "rump_sys__ksem_unlink",
    "rump_sys_ksem_unlink",
    "rump_sys__ksem_close",
    "rump_sys_ksem_close",
    "rump_sys__ksem_post",
    "rump_sys_ksem_post",
    "rump_sys__ksem_wait",
    "rump_sys_ksem_wait",
    "rump_sys__ksem_trywait",
    "rump_sys_ksem_trywait",
    "rump_sys__ksem_getvalue",
    "rump_sys_ksem_getvalue",
    "rump_sys__ksem_destroy",
    "rump_sys_ksem_destroy",
    "rump_sys__ksem_timedwait",
    "rump_sys_ksem_timedwait",
    "rump_sys_aio_cancel",
    "rump_sys_aio_error",
    "rump_sys_aio_fsync",
    "rump_sys_aio_read",
    "rump_sys_aio_return",
    "rump_sys_aio_write",
    "rump_sys_lio_listio",
    "rump_sys_aio_suspend",
    "rump_sys_open",
    "rump_sys_link",
    "rump_sys_unlink",
    "rump_sys_chdir",
    "rump_sys_fchdir",
    "rump_sys_chmod",
    "rump_sys_chown",
    "rump_sys_unmount",
    "rump_sys_access",
    "rump_sys_chflags",
    "rump_sys_fchflags",
    "rump_sys_sync",
    "rump_sys_ktrace",
    "rump_sys_revoke",
    "rump_sys_symlink",
    "rump_sys_readlink",
    "rump_sys_umask",
    "rump_sys_chroot",
    "rump_sys_fsync",
    "rump_sys_fchown",
    "rump_sys_fchmod",
    "rump_sys_rename",
    "rump_sys_mkfifo",
    "rump_sys_mkdir",
    "rump_sys_rmdir",
    "rump_sys_pread",
    "rump_sys_pwrite",
    "rump_sys_pathconf",
    "rump_sys_lseek",
    "rump_sys_truncate",
    "rump_sys_ftruncate",
    "rump_sys_fdatasync",
    "rump_sys___posix_rename",
    "rump_sys_posix_rename",
    "rump_sys_lchmod",
    "rump_sys_lchown",
    "rump_sys___posix_chown",
    "rump_sys_posix_chown",
    "rump_sys___posix_fchown",
    "rump_sys_posix_fchown",
    "rump_sys___posix_lchown",
    "rump_sys_posix_lchown",
    "rump_sys_preadv",
    "rump_sys_pwritev",
    "rump_sys___getcwd",
    "rump_sys_getcwd",
    "rump_sys_fchroot",
    "rump_sys_lchflags",
    "rump_sys_fsync_range",
    "rump_sys_getvfsstat",
    "rump_sys_statvfs1",
    "rump_sys_fstatvfs1",
    "rump_sys_extattrctl",
    "rump_sys_extattr_set_file",
    "rump_sys_extattr_get_file",
    "rump_sys_extattr_delete_file",
    "rump_sys_extattr_set_fd",
    "rump_sys_extattr_get_fd",
    "rump_sys_extattr_delete_fd",
    "rump_sys_extattr_set_link",
    "rump_sys_extattr_get_link",
    "rump_sys_extattr_delete_link",
    "rump_sys_extattr_list_fd",
    "rump_sys_extattr_list_file",
    "rump_sys_extattr_list_link",
    "rump_sys_setxattr",
    "rump_sys_lsetxattr",
    "rump_sys_fsetxattr",
    "rump_sys_getxattr",
    "rump_sys_lgetxattr",
    "rump_sys_fgetxattr",
    "rump_sys_listxattr",
    "rump_sys_llistxattr",
    "rump_sys_flistxattr",
    "rump_sys_removexattr",
    "rump_sys_lremovexattr",
    "rump_sys_fremovexattr",
    "rump_sys_getdents",
    "rump_sys_getfh",
    "rump_sys_fhopen",
    "rump_sys_fhstatvfs1",
    "rump_sys_mount",
    "rump_sys_utimes",
    "rump_sys_futimes",
    "rump_sys_lutimes",
    "rump_sys_stat",
    "rump_sys_lstat",
    "rump_sys_mknod",
    "rump_sys_fhstat",
    "rump_sys_linkat",
    "rump_sys_renameat",
    "rump_sys_mkfifoat",
    "rump_sys_mknodat",
    "rump_sys_mkdirat",
    "rump_sys_faccessat",
    "rump_sys_fchmodat",
    "rump_sys_fchownat",
    "rump_sys_fstatat",
    "rump_sys_utimensat",
    "rump_sys_openat",
    "rump_sys_readlinkat",
    "rump_sys_symlinkat",
    "rump_sys_unlinkat",
    "rump_sys_futimens",
    "rump_sys___quotactl",
    "rump_sys_quotactl",
    "rump_sys_posix_fallocate",
    "rump_sys_fdiscard",
    "rump_pub_etfs_register",
    "rump_pub_etfs_register_withsize",
    "rump_pub_etfs_remove",
    "rump_pub_newfs",
    "rump_pub_getdents_stat",
    "rump_pub_getdents_packed",
    "rump_sys_recvmsg",
    "rump_sys_sendmsg",
    "rump_sys_recvfrom",
    "rump_sys_accept",
    "rump_sys_getpeername",
    "rump_sys_getsockname",
    "rump_sys_connect",
    "rump_sys_bind",
    "rump_sys_setsockopt",
    "rump_sys_listen",
    "rump_sys_getsockopt",
    "rump_sys_sendto",
    "rump_sys_shutdown",
    "rump_sys_socketpair",
    "rump_sys_socket",
    "rump_sys_paccept",
    "rump_sys_recvmmsg",
    "rump_sys_sendmmsg",
    "rump_pub_netconfig_ifcreate",
    "rump_pub_netconfig_ifdestroy",
    "rump_pub_netconfig_ifup",
    "rump_pub_netconfig_ifdown",
    "rump_pub_netconfig_ifsetlinkstr",
    "rump_pub_netconfig_bradd",
    "rump_pub_netconfig_brdel",
    "rump_pub_netconfig_ipv4_ifaddr",
    "rump_pub_netconfig_ipv4_ifaddr_cidr",
    "rump_pub_netconfig_ipv6_ifaddr",
    "rump_pub_netconfig_ipv4_gw",
    "rump_pub_netconfig_ipv6_gw",
    "rump_pub_netconfig_dhcp_ipv4_oneshot",
    "rump_pub_netconfig_auto_ipv6",
    "rump_pub_netconfig_ifaddrs",
    "rump_pub_npf_load",
    "rump_pub_npf_config_get",
    "rump_pub_npf_switch",
    "rump_pub_npf_flush",
    "rump_pub_npf_connections",
    "rump_pub_npf_stats",
    "rump_pub_npf_table",
    "rump_pub_npf_rule_add",
    "rump_pub_npf_rule_remove",
    "rump_pub_dhcp_start",
    "rump_pub_dhcp_renew",
    "rump_pub_dhcp_stop",
    "rump_pub_dhcp_leases",
    "rump_pub_dhcpd_start",
    "rump_pub_dhcpd_stop",
    "rump_pub_dhcpd_bindings",
    "rump_pub_dns_forward",
    "rump_pub_netconfig_ifaddrdel",
    "rump_pub_route_send",
    "rump_pub_route_recv",
    "rump_pub_route_dump",
    "rump_pub_net_pcblist",
    "rump_pub_net_counters",
    "rump_pub_nd_list",
    "rump_pub_netconfig_ifimpair",
    "rump_pub_netconfig_ifimpairstat",
    "rump_pub_netconfig_ifcapture",
    "rump_pub_bpf_open",
    "rump_pub_dev_list",
    "rump_pub_md_create",
    "rump_pub_md_destroy",
]
