// Code generated from proto/*.proto by tools/codegen. DO NOT EDIT.

package rump

import (
	"context"

	"example.org/rump/sdk/go/rumpsp"
)

// Sys has the system calls of a process.
type Sys struct{ k *Connection }

// Read: reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO,
// EINVAL.
func (c Sys) Read(ctx context.Context, fd int32, nbyte uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Read{Read: &rumpsp.ReadRequest{Fd: fd, Nbyte: nbyte}}})
	r := result.GetRead()
	return r.GetData(), err
}

// Write: writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG,
// ENOSPC, EDQUOT, EINTR, EIO, EROFS.
func (c Sys) Write(ctx context.Context, fd int32, data []byte) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Write{Write: &rumpsp.WriteRequest{Fd: fd, Data: data}}})
	r := result.GetWrite()
	return r.GetCount(), err
}

// Close: closes the descriptor. EBADF, EIO.
func (c Sys) Close(ctx context.Context, fd int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Close{Close: &rumpsp.CloseRequest{Fd: fd}}})
	return err
}

// Getpid: process id; the second register has the id of the parent. Cannot fail. Results: pid, ppid.
func (c Sys) Getpid(ctx context.Context) (int32, int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getpid{Getpid: &rumpsp.GetpidRequest{}}})
	r := result.GetGetpid()
	return r.GetPid(), r.GetPpid(), err
}

// Setuid: sets the user ids. EPERM.
func (c Sys) Setuid(ctx context.Context, uid uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setuid{Setuid: &rumpsp.SetuidRequest{Uid: uid}}})
	return err
}

// Getuid: real user id; the second register has the effective one. Cannot fail. Results: uid, euid.
func (c Sys) Getuid(ctx context.Context) (uint32, uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getuid{Getuid: &rumpsp.GetuidRequest{}}})
	r := result.GetGetuid()
	return r.GetUid(), r.GetEuid(), err
}

// Geteuid: effective user id. Cannot fail.
func (c Sys) Geteuid(ctx context.Context) (uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Geteuid{Geteuid: &rumpsp.GeteuidRequest{}}})
	r := result.GetGeteuid()
	return r.GetUid(), err
}

// Getppid: id of the parent process. Cannot fail.
func (c Sys) Getppid(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getppid{Getppid: &rumpsp.GetppidRequest{}}})
	r := result.GetGetppid()
	return r.GetPid(), err
}

// Dup: second descriptor for the same open object, lowest free number. EBADF, EMFILE.
func (c Sys) Dup(ctx context.Context, fd int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Dup{Dup: &rumpsp.DupRequest{Fd: fd}}})
	r := result.GetDup()
	return r.GetFd(), err
}

// Pipe: makes a pipe: read end, write end. EMFILE, ENFILE. Results: rfd, wfd.
func (c Sys) Pipe(ctx context.Context) (int32, int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pipe{Pipe: &rumpsp.PipeRequest{}}})
	r := result.GetPipe()
	return r.GetRfd(), r.GetWfd(), err
}

// Getegid: effective group id. Cannot fail.
func (c Sys) Getegid(ctx context.Context) (uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getegid{Getegid: &rumpsp.GetegidRequest{}}})
	r := result.GetGetegid()
	return r.GetGid(), err
}

// Getgid: real group id; the second register has the effective one. Cannot fail. Results: gid, egid.
func (c Sys) Getgid(ctx context.Context) (uint32, uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getgid{Getgid: &rumpsp.GetgidRequest{}}})
	r := result.GetGetgid()
	return r.GetGid(), r.GetEgid(), err
}

// Getlogin: login name of the session. Cannot fail.
func (c Sys) Getlogin(ctx context.Context) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getlogin{Getlogin: &rumpsp.GetloginRequest{}}})
	r := result.GetGetlogin()
	return r.GetNamebuf(), err
}

// Setlogin: sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG.
func (c Sys) Setlogin(ctx context.Context, namebuf string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setlogin{Setlogin: &rumpsp.SetloginRequest{Namebuf: []byte(namebuf)}}})
	return err
}

// Ioctl: device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL. Results: value, data.
func (c Sys) Ioctl(ctx context.Context, fd int32, com uint64, data *rumpsp.IoctlArgs) (int64, *rumpsp.IoctlArgs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Ioctl{Ioctl: &rumpsp.IoctlRequest{Fd: fd, Com: com, Data: data}}})
	r := result.GetIoctl()
	return r.GetValue(), r.GetData(), err
}

// Getgroups: supplementary groups; a size of 0 asks for their number only. EINVAL. Results: ngroups, gidset.
func (c Sys) Getgroups(ctx context.Context, gidsetsize uint32) (int32, []uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getgroups{Getgroups: &rumpsp.GetgroupsRequest{Gidsetsize: gidsetsize}}})
	r := result.GetGetgroups()
	return r.GetNgroups(), r.GetGidset(), err
}

// Setgroups: sets the supplementary groups. EPERM, EINVAL.
func (c Sys) Setgroups(ctx context.Context, gidset []uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setgroups{Setgroups: &rumpsp.SetgroupsRequest{Gidset: gidset}}})
	return err
}

// Getpgrp: process group of the caller. Cannot fail.
func (c Sys) Getpgrp(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getpgrp{Getpgrp: &rumpsp.GetpgrpRequest{}}})
	r := result.GetGetpgrp()
	return r.GetPgid(), err
}

// Setpgid: sets a process group. EINVAL, EPERM, ESRCH.
func (c Sys) Setpgid(ctx context.Context, pid int32, pgid int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setpgid{Setpgid: &rumpsp.SetpgidRequest{Pid: pid, Pgid: pgid}}})
	return err
}

// Dup2: makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE.
func (c Sys) Dup2(ctx context.Context, fromFd int32, toFd int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Dup2{Dup2: &rumpsp.Dup2Request{FromFd: fromFd, ToFd: toFd}}})
	r := result.GetDup2()
	return r.GetFd(), err
}

// Fcntl: descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK. Results: value, lock.
func (c Sys) Fcntl(ctx context.Context, fd int32, cmd int32, arg *int64, lock *rumpsp.Flock) (int64, *rumpsp.Flock, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fcntl{Fcntl: &rumpsp.FcntlRequest{Fd: fd, Cmd: cmd, Arg: arg, Lock: lock}}})
	r := result.GetFcntl()
	return r.GetValue(), r.GetLock(), err
}

// Readv: scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read.
func (c Sys) Readv(ctx context.Context, fd int32, iov []uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Readv{Readv: &rumpsp.ReadvRequest{Fd: fd, Iov: iov}}})
	r := result.GetReadv()
	return r.GetData(), err
}

// Writev: gather write. As write; EINVAL.
func (c Sys) Writev(ctx context.Context, fd int32, iov [][]byte) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Writev{Writev: &rumpsp.WritevRequest{Fd: fd, Iov: iov}}})
	r := result.GetWritev()
	return r.GetCount(), err
}

// Setreuid: sets real and effective user id; -1 leaves one alone. EPERM.
func (c Sys) Setreuid(ctx context.Context, ruid int64, euid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setreuid{Setreuid: &rumpsp.SetreuidRequest{Ruid: ruid, Euid: euid}}})
	return err
}

// Setregid: sets real and effective group id; -1 leaves one alone. EPERM.
func (c Sys) Setregid(ctx context.Context, rgid int64, egid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setregid{Setregid: &rumpsp.SetregidRequest{Rgid: rgid, Egid: egid}}})
	return err
}

// Flock: whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP.
func (c Sys) Flock(ctx context.Context, fd int32, how int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Flock{Flock: &rumpsp.FlockRequest{Fd: fd, How: how}}})
	return err
}

// Setsid: makes a session. EPERM.
func (c Sys) Setsid(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setsid{Setsid: &rumpsp.SetsidRequest{}}})
	r := result.GetSetsid()
	return r.GetSid(), err
}

// Setgid: sets the group ids. EPERM.
func (c Sys) Setgid(ctx context.Context, gid uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setgid{Setgid: &rumpsp.SetgidRequest{Gid: gid}}})
	return err
}

// Setegid: sets the effective group id. EPERM.
func (c Sys) Setegid(ctx context.Context, egid uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setegid{Setegid: &rumpsp.SetegidRequest{Egid: egid}}})
	return err
}

// Seteuid: sets the effective user id. EPERM.
func (c Sys) Seteuid(ctx context.Context, euid uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Seteuid{Seteuid: &rumpsp.SeteuidRequest{Euid: euid}}})
	return err
}

// Fpathconf: configurable limit of an open object, _PC_*. EBADF, EINVAL.
func (c Sys) Fpathconf(ctx context.Context, fd int32, name int32) (int64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fpathconf{Fpathconf: &rumpsp.FpathconfRequest{Fd: fd, Name: name}}})
	r := result.GetFpathconf()
	return r.GetValue(), err
}

// Getrlimit: resource limit, RLIMIT_*. EINVAL.
func (c Sys) Getrlimit(ctx context.Context, which int32) (*rumpsp.Rlimit, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getrlimit{Getrlimit: &rumpsp.GetrlimitRequest{Which: which}}})
	r := result.GetGetrlimit()
	return r.GetRlp(), err
}

// Setrlimit: sets a resource limit. EINVAL, EPERM.
func (c Sys) Setrlimit(ctx context.Context, which int32, rlp *rumpsp.Rlimit) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setrlimit{Setrlimit: &rumpsp.SetrlimitRequest{Which: which, Rlp: rlp}}})
	return err
}

// Sysctl: reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY,
// CTL_DESCRIBE, CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY,
// EOPNOTSUPP. Results: oldv, nodes.
func (c Sys) Sysctl(ctx context.Context, name []int32, path string, newv *rumpsp.SysctlValue, node *rumpsp.SysctlNode) (*rumpsp.SysctlValue, []*rumpsp.SysctlNode, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sysctl{Sysctl: &rumpsp.SysctlRequest{Name: name, Path: path, Newv: newv, Node: node}}})
	r := result.GetSysctl()
	return r.GetOldv(), r.GetNodes(), err
}

// Getpgid: process group of a process. ESRCH.
func (c Sys) Getpgid(ctx context.Context, pid int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getpgid{Getpgid: &rumpsp.GetpgidRequest{Pid: pid}}})
	r := result.GetGetpgid()
	return r.GetPgid(), err
}

// Reboot: halts the kernel, RB_*; answered before it leaves. EPERM.
func (c Sys) Reboot(ctx context.Context, opt int32, bootstr string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Reboot{Reboot: &rumpsp.RebootRequest{Opt: opt, Bootstr: bootstr}}})
	return err
}

// Poll: waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR. Results:
// nready, fds.
func (c Sys) Poll(ctx context.Context, fds []*rumpsp.Pollfd, timeout int32) (int32, []*rumpsp.Pollfd, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Poll{Poll: &rumpsp.PollRequest{Fds: fds, Timeout: timeout}}})
	r := result.GetPoll()
	return r.GetNready(), r.GetFds(), err
}

// TimerCreate: makes a timer. EAGAIN, EINVAL.
func (c Sys) TimerCreate(ctx context.Context, clockId int32, evp *rumpsp.Sigevent) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_TimerCreate{TimerCreate: &rumpsp.TimerCreateRequest{ClockId: clockId, Evp: evp}}})
	r := result.GetTimerCreate()
	return r.GetTimerid(), err
}

// TimerDelete: removes a timer. EINVAL.
func (c Sys) TimerDelete(ctx context.Context, timerid int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_TimerDelete{TimerDelete: &rumpsp.TimerDeleteRequest{Timerid: timerid}}})
	return err
}

// TimerGetoverrun: missed expirations of a timer. EINVAL.
func (c Sys) TimerGetoverrun(ctx context.Context, timerid int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_TimerGetoverrun{TimerGetoverrun: &rumpsp.TimerGetoverrunRequest{Timerid: timerid}}})
	r := result.GetTimerGetoverrun()
	return r.GetOverrun(), err
}

// Modctl: module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC,
// EPROGMISMATCH, EOPNOTSUPP.
func (c Sys) Modctl(ctx context.Context, cmd int32, load *rumpsp.ModctlLoad, name *string, autoload *bool) ([]*rumpsp.ModuleStat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Modctl{Modctl: &rumpsp.ModctlRequest{Cmd: cmd, Load: load, Name: name, Autoload: autoload}}})
	r := result.GetModctl()
	return r.GetModules(), err
}

// Getsid: session of a process. ESRCH.
func (c Sys) Getsid(ctx context.Context, pid int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getsid{Getsid: &rumpsp.GetsidRequest{Pid: pid}}})
	r := result.GetGetsid()
	return r.GetSid(), err
}

// Fktrace: traces calls to a descriptor. EBADF, EPERM, ESRCH.
func (c Sys) Fktrace(ctx context.Context, fd int32, ops int32, facs int32, pid int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fktrace{Fktrace: &rumpsp.FktraceRequest{Fd: fd, Ops: ops, Facs: facs, Pid: pid}}})
	return err
}

// Issetugid: whether the ids were changed at exec. Cannot fail.
func (c Sys) Issetugid(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Issetugid{Issetugid: &rumpsp.IssetugidRequest{}}})
	r := result.GetIssetugid()
	return r.GetValue(), err
}

// Utrace: writes a record to the trace. EINVAL.
func (c Sys) Utrace(ctx context.Context, label string, data []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Utrace{Utrace: &rumpsp.UtraceRequest{Label: label, Data: data}}})
	return err
}

// Kqueue: makes an event queue. EMFILE.
func (c Sys) Kqueue(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Kqueue{Kqueue: &rumpsp.KqueueRequest{}}})
	r := result.GetKqueue()
	return r.GetFd(), err
}

// PosixFadvise: advice on future use. EBADF, EINVAL, ESPIPE.
func (c Sys) PosixFadvise(ctx context.Context, fd int32, offset int64, length int64, advice int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixFadvise{PosixFadvise: &rumpsp.PosixFadviseRequest{Fd: fd, Offset: offset, Len: length, Advice: advice}}})
	return err
}

// Select: waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR. Results: nready, in_fds, out_fds,
// ex_fds.
func (c Sys) Select(ctx context.Context, nd int32, inFds []int32, outFds []int32, exFds []int32, timeout *rumpsp.Timespec) (int32, []int32, []int32, []int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Select{Select: &rumpsp.SelectRequest{Nd: nd, InFds: inFds, OutFds: outFds, ExFds: exFds, Timeout: timeout}}})
	r := result.GetSelect()
	return r.GetNready(), r.GetInFds(), r.GetOutFds(), r.GetExFds(), err
}

// Gettimeofday: wall clock. Cannot fail.
func (c Sys) Gettimeofday(ctx context.Context) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Gettimeofday{Gettimeofday: &rumpsp.GettimeofdayRequest{}}})
	r := result.GetGettimeofday()
	return r.GetTp(), err
}

// Settimeofday: sets the wall clock of the kernel. EPERM, EINVAL.
func (c Sys) Settimeofday(ctx context.Context, tp *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Settimeofday{Settimeofday: &rumpsp.SettimeofdayRequest{Tp: tp}}})
	return err
}

// Adjtime: slews the clock. EPERM.
func (c Sys) Adjtime(ctx context.Context, delta *rumpsp.Timespec) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Adjtime{Adjtime: &rumpsp.AdjtimeRequest{Delta: delta}}})
	r := result.GetAdjtime()
	return r.GetOlddelta(), err
}

// Setitimer: sets an interval timer. EINVAL.
func (c Sys) Setitimer(ctx context.Context, which int32, itv *rumpsp.Itimerspec) (*rumpsp.Itimerspec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setitimer{Setitimer: &rumpsp.SetitimerRequest{Which: which, Itv: itv}}})
	r := result.GetSetitimer()
	return r.GetOitv(), err
}

// Getitimer: reads an interval timer. EINVAL.
func (c Sys) Getitimer(ctx context.Context, which int32) (*rumpsp.Itimerspec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getitimer{Getitimer: &rumpsp.GetitimerRequest{Which: which}}})
	r := result.GetGetitimer()
	return r.GetItv(), err
}

// ClockGettime: reads a clock, CLOCK_*. EINVAL.
func (c Sys) ClockGettime(ctx context.Context, clockId int32) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ClockGettime{ClockGettime: &rumpsp.ClockGettimeRequest{ClockId: clockId}}})
	r := result.GetClockGettime()
	return r.GetTp(), err
}

// ClockSettime: sets a clock of the kernel. EPERM, EINVAL.
func (c Sys) ClockSettime(ctx context.Context, clockId int32, tp *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ClockSettime{ClockSettime: &rumpsp.ClockSettimeRequest{ClockId: clockId, Tp: tp}}})
	return err
}

// ClockGetres: resolution of a clock. EINVAL.
func (c Sys) ClockGetres(ctx context.Context, clockId int32) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ClockGetres{ClockGetres: &rumpsp.ClockGetresRequest{ClockId: clockId}}})
	r := result.GetClockGetres()
	return r.GetRes(), err
}

// Nanosleep: sleeps for an interval. EINVAL, EINTR.
func (c Sys) Nanosleep(ctx context.Context, rqtp *rumpsp.Timespec) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Nanosleep{Nanosleep: &rumpsp.NanosleepRequest{Rqtp: rqtp}}})
	r := result.GetNanosleep()
	return r.GetRmtp(), err
}

// Kevent: registers and waits for events. EBADF, EINVAL, ENOENT, EINTR.
func (c Sys) Kevent(ctx context.Context, fd int32, changelist []*rumpsp.Kevent, nevents uint32, timeout *rumpsp.Timespec) ([]*rumpsp.Kevent, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Kevent{Kevent: &rumpsp.KeventRequest{Fd: fd, Changelist: changelist, Nevents: nevents, Timeout: timeout}}})
	r := result.GetKevent()
	return r.GetEventlist(), err
}

// Pselect: select with a signal mask. EBADF, EINVAL, EINTR. Results: nready, in_fds, out_fds, ex_fds.
func (c Sys) Pselect(ctx context.Context, nd int32, inFds []int32, outFds []int32, exFds []int32, ts *rumpsp.Timespec, mask *uint64) (int32, []int32, []int32, []int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pselect{Pselect: &rumpsp.PselectRequest{Nd: nd, InFds: inFds, OutFds: outFds, ExFds: exFds, Ts: ts, Mask: mask}}})
	r := result.GetPselect()
	return r.GetNready(), r.GetInFds(), r.GetOutFds(), r.GetExFds(), err
}

// Pollts: poll with a time and a signal mask. EINVAL, EINTR. Results: nready, fds.
func (c Sys) Pollts(ctx context.Context, fds []*rumpsp.Pollfd, ts *rumpsp.Timespec, mask *uint64) (int32, []*rumpsp.Pollfd, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pollts{Pollts: &rumpsp.PolltsRequest{Fds: fds, Ts: ts, Mask: mask}}})
	r := result.GetPollts()
	return r.GetNready(), r.GetFds(), err
}

// Fstat: attributes of an open object. EBADF, EIO.
func (c Sys) Fstat(ctx context.Context, fd int32) (*rumpsp.Stat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fstat{Fstat: &rumpsp.FstatRequest{Fd: fd}}})
	r := result.GetFstat()
	return r.GetSb(), err
}

// TimerSettime: arms a timer. EINVAL.
func (c Sys) TimerSettime(ctx context.Context, timerid int32, flags int32, value *rumpsp.Itimerspec) (*rumpsp.Itimerspec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_TimerSettime{TimerSettime: &rumpsp.TimerSettimeRequest{Timerid: timerid, Flags: flags, Value: value}}})
	r := result.GetTimerSettime()
	return r.GetOvalue(), err
}

// TimerGettime: time left of a timer. EINVAL.
func (c Sys) TimerGettime(ctx context.Context, timerid int32) (*rumpsp.Itimerspec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_TimerGettime{TimerGettime: &rumpsp.TimerGettimeRequest{Timerid: timerid}}})
	r := result.GetTimerGettime()
	return r.GetValue(), err
}

// Pipe2: pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE. Results: rfd, wfd.
func (c Sys) Pipe2(ctx context.Context, flags int32) (int32, int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pipe2{Pipe2: &rumpsp.Pipe2Request{Flags: flags}}})
	r := result.GetPipe2()
	return r.GetRfd(), r.GetWfd(), err
}

// Dup3: dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL.
func (c Sys) Dup3(ctx context.Context, fromFd int32, toFd int32, flags int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Dup3{Dup3: &rumpsp.Dup3Request{FromFd: fromFd, ToFd: toFd, Flags: flags}}})
	r := result.GetDup3()
	return r.GetFd(), err
}

// Kqueue1: kqueue with flags. EINVAL, EMFILE.
func (c Sys) Kqueue1(ctx context.Context, flags int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Kqueue1{Kqueue1: &rumpsp.Kqueue1Request{Flags: flags}}})
	r := result.GetKqueue1()
	return r.GetFd(), err
}

// ClockNanosleep: sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP.
func (c Sys) ClockNanosleep(ctx context.Context, clockId int32, flags int32, rqtp *rumpsp.Timespec) (*rumpsp.Timespec, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ClockNanosleep{ClockNanosleep: &rumpsp.ClockNanosleepRequest{ClockId: clockId, Flags: flags, Rqtp: rqtp}}})
	r := result.GetClockNanosleep()
	return r.GetRmtp(), err
}

// KsemInit: a semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE.
func (c Sys) KsemInit(ctx context.Context, value uint32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemInit{KsemInit: &rumpsp.KsemInitRequest{Value: value}}})
	r := result.GetKsemInit()
	return r.GetId(), err
}

// KsemOpen: a semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST,
// ENOENT, EACCES, ENFILE.
func (c Sys) KsemOpen(ctx context.Context, name []byte, oflag int32, mode uint32, value uint32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemOpen{KsemOpen: &rumpsp.KsemOpenRequest{Name: name, Oflag: oflag, Mode: mode, Value: value}}})
	r := result.GetKsemOpen()
	return r.GetId(), err
}

// KsemUnlink: frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES.
func (c Sys) KsemUnlink(ctx context.Context, name []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemUnlink{KsemUnlink: &rumpsp.KsemUnlinkRequest{Name: name}}})
	return err
}

// KsemClose: closes a semaphore that has a name. EBADF, EINVAL.
func (c Sys) KsemClose(ctx context.Context, id int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemClose{KsemClose: &rumpsp.KsemCloseRequest{Id: id}}})
	return err
}

// KsemPost: puts the semaphore up by one. EINVAL, EOVERFLOW.
func (c Sys) KsemPost(ctx context.Context, id int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemPost{KsemPost: &rumpsp.KsemPostRequest{Id: id}}})
	return err
}

// KsemWait: takes the semaphore down by one, when it is not 0. EINVAL, EINTR.
func (c Sys) KsemWait(ctx context.Context, id int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemWait{KsemWait: &rumpsp.KsemWaitRequest{Id: id}}})
	return err
}

// KsemTrywait: takes the semaphore down by one. EINVAL, EAGAIN.
func (c Sys) KsemTrywait(ctx context.Context, id int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemTrywait{KsemTrywait: &rumpsp.KsemTrywaitRequest{Id: id}}})
	return err
}

// KsemGetvalue: the count of the semaphore. EINVAL.
func (c Sys) KsemGetvalue(ctx context.Context, id int32) (uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemGetvalue{KsemGetvalue: &rumpsp.KsemGetvalueRequest{Id: id}}})
	r := result.GetKsemGetvalue()
	return r.GetValue(), err
}

// KsemDestroy: ends a semaphore without a name. EBADF, EINVAL, EBUSY.
func (c Sys) KsemDestroy(ctx context.Context, id int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemDestroy{KsemDestroy: &rumpsp.KsemDestroyRequest{Id: id}}})
	return err
}

// KsemTimedwait: takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT.
func (c Sys) KsemTimedwait(ctx context.Context, id int32, abstime *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_KsemTimedwait{KsemTimedwait: &rumpsp.KsemTimedwaitRequest{Id: id, Abstime: abstime}}})
	return err
}

// AioCancel: ends requests of a descriptor; what was ended has the error ECANCELED. EBADF.
func (c Sys) AioCancel(ctx context.Context, fildes int32, aiocbp uint64) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioCancel{AioCancel: &rumpsp.AioCancelRequest{Fildes: fildes, Aiocbp: aiocbp}}})
	r := result.GetAioCancel()
	return r.GetResult(), err
}

// AioError: how a request is: EINPROGRESS while it is under way, else its error. EINVAL.
func (c Sys) AioError(ctx context.Context, aiocbp uint64) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioError{AioError: &rumpsp.AioErrorRequest{Aiocbp: aiocbp}}})
	r := result.GetAioError()
	return r.GetError(), err
}

// AioFsync: begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL.
func (c Sys) AioFsync(ctx context.Context, op int32, aiocbp *rumpsp.Aiocb) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioFsync{AioFsync: &rumpsp.AioFsyncRequest{Op: op, Aiocbp: aiocbp}}})
	return err
}

// AioRead: begins to read. EAGAIN, EBADF, EINVAL.
func (c Sys) AioRead(ctx context.Context, aiocbp *rumpsp.Aiocb) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioRead{AioRead: &rumpsp.AioReadRequest{Aiocbp: aiocbp}}})
	return err
}

// AioReturn: the result of a request that is over, once; then the kernel forgets it. EINVAL. Results: retval,
// buf.
func (c Sys) AioReturn(ctx context.Context, aiocbp uint64) (int64, []byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioReturn{AioReturn: &rumpsp.AioReturnRequest{Aiocbp: aiocbp}}})
	r := result.GetAioReturn()
	return r.GetRetval(), r.GetBuf(), err
}

// AioWrite: begins to write. EAGAIN, EBADF, EINVAL.
func (c Sys) AioWrite(ctx context.Context, aiocbp *rumpsp.Aiocb) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioWrite{AioWrite: &rumpsp.AioWriteRequest{Aiocbp: aiocbp}}})
	return err
}

// LioListio: begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for
// one that failed.
func (c Sys) LioListio(ctx context.Context, mode int32, aiocbs []*rumpsp.Aiocb, sig *rumpsp.Sigevent) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_LioListio{LioListio: &rumpsp.LioListioRequest{Mode: mode, Aiocbs: aiocbs, Sig: sig}}})
	return err
}

// AioSuspend: waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL.
func (c Sys) AioSuspend(ctx context.Context, aiocbs []uint64, timeout *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_AioSuspend{AioSuspend: &rumpsp.AioSuspendRequest{Aiocbs: aiocbs, Timeout: timeout}}})
	return err
}

// Open: opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG,
// EMFILE, ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
func (c Sys) Open(ctx context.Context, path string, flags int32, mode uint32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Open{Open: &rumpsp.OpenRequest{Path: []byte(path), Flags: flags, Mode: &mode}}})
	r := result.GetOpen()
	return r.GetFd(), err
}

// Link: makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS.
func (c Sys) Link(ctx context.Context, path string, link string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Link{Link: &rumpsp.LinkRequest{Path: []byte(path), Link: []byte(link)}}})
	return err
}

// Unlink: removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS.
func (c Sys) Unlink(ctx context.Context, path string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Unlink{Unlink: &rumpsp.UnlinkRequest{Path: []byte(path)}}})
	return err
}

// Chdir: changes the working directory. ENOENT, ENOTDIR, EACCES.
func (c Sys) Chdir(ctx context.Context, path string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Chdir{Chdir: &rumpsp.ChdirRequest{Path: []byte(path)}}})
	return err
}

// Fchdir: changes the working directory to an open one. EBADF, ENOTDIR, EACCES.
func (c Sys) Fchdir(ctx context.Context, fd int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchdir{Fchdir: &rumpsp.FchdirRequest{Fd: fd}}})
	return err
}

// Chmod: changes permissions. EPERM, EROFS, EFTYPE.
func (c Sys) Chmod(ctx context.Context, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Chmod{Chmod: &rumpsp.ChmodRequest{Path: []byte(path), Mode: mode}}})
	return err
}

// Chown: changes owner and group; -1 leaves one alone. EPERM, EROFS.
func (c Sys) Chown(ctx context.Context, path string, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Chown{Chown: &rumpsp.ChownRequest{Path: []byte(path), Uid: uid, Gid: gid}}})
	return err
}

// Unmount: unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO.
func (c Sys) Unmount(ctx context.Context, path string, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Unmount{Unmount: &rumpsp.UnmountRequest{Path: []byte(path), Flags: flags}}})
	return err
}

// Access: checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL.
func (c Sys) Access(ctx context.Context, path string, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Access{Access: &rumpsp.AccessRequest{Path: []byte(path), Flags: flags}}})
	return err
}

// Chflags: sets file flags. EPERM, EOPNOTSUPP.
func (c Sys) Chflags(ctx context.Context, path string, flags uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Chflags{Chflags: &rumpsp.ChflagsRequest{Path: []byte(path), Flags: flags}}})
	return err
}

// Fchflags: sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP.
func (c Sys) Fchflags(ctx context.Context, fd int32, flags uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchflags{Fchflags: &rumpsp.FchflagsRequest{Fd: fd, Flags: flags}}})
	return err
}

// Sync: writes out all file systems. Cannot fail.
func (c Sys) Sync(ctx context.Context) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sync{Sync: &rumpsp.SyncRequest{}}})
	return err
}

// Ktrace: traces calls to a file. EPERM, ESRCH, ENOENT.
func (c Sys) Ktrace(ctx context.Context, fname string, ops int32, facs int32, pid int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Ktrace{Ktrace: &rumpsp.KtraceRequest{Fname: []byte(fname), Ops: ops, Facs: facs, Pid: pid}}})
	return err
}

// Revoke: takes a device away from its users. EPERM, EINVAL.
func (c Sys) Revoke(ctx context.Context, path string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Revoke{Revoke: &rumpsp.RevokeRequest{Path: []byte(path)}}})
	return err
}

// Symlink: makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS.
func (c Sys) Symlink(ctx context.Context, path string, link string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Symlink{Symlink: &rumpsp.SymlinkRequest{Path: []byte(path), Link: []byte(link)}}})
	return err
}

// Readlink: text of a symbolic link. EINVAL, ENOENT.
func (c Sys) Readlink(ctx context.Context, path string, count uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Readlink{Readlink: &rumpsp.ReadlinkRequest{Path: []byte(path), Count: count}}})
	r := result.GetReadlink()
	return r.GetData(), err
}

// Umask: sets the file creation mask. Cannot fail.
func (c Sys) Umask(ctx context.Context, newmask uint32) (uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Umask{Umask: &rumpsp.UmaskRequest{Newmask: newmask}}})
	r := result.GetUmask()
	return r.GetOldmask(), err
}

// Chroot: changes the root directory. EPERM, ENOENT, ENOTDIR.
func (c Sys) Chroot(ctx context.Context, path string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Chroot{Chroot: &rumpsp.ChrootRequest{Path: []byte(path)}}})
	return err
}

// Fsync: brings a file to stable storage. EBADF, EIO, ENOSPC.
func (c Sys) Fsync(ctx context.Context, fd int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fsync{Fsync: &rumpsp.FsyncRequest{Fd: fd}}})
	return err
}

// Fchown: chown of an open file. EBADF, EPERM, EROFS.
func (c Sys) Fchown(ctx context.Context, fd int32, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchown{Fchown: &rumpsp.FchownRequest{Fd: fd, Uid: uid, Gid: gid}}})
	return err
}

// Fchmod: chmod of an open file. EBADF, EPERM, EROFS.
func (c Sys) Fchmod(ctx context.Context, fd int32, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchmod{Fchmod: &rumpsp.FchmodRequest{Fd: fd, Mode: mode}}})
	return err
}

// Rename: renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS.
func (c Sys) Rename(ctx context.Context, fromPath string, toPath string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Rename{Rename: &rumpsp.RenameRequest{FromPath: []byte(fromPath), ToPath: []byte(toPath)}}})
	return err
}

// Mkfifo: makes a fifo. EEXIST, ENOSPC, EROFS.
func (c Sys) Mkfifo(ctx context.Context, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mkfifo{Mkfifo: &rumpsp.MkfifoRequest{Path: []byte(path), Mode: mode}}})
	return err
}

// Mkdir: makes a directory. EEXIST, ENOSPC, EMLINK, EROFS.
func (c Sys) Mkdir(ctx context.Context, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mkdir{Mkdir: &rumpsp.MkdirRequest{Path: []byte(path), Mode: mode}}})
	return err
}

// Rmdir: removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS.
func (c Sys) Rmdir(ctx context.Context, path string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Rmdir{Rmdir: &rumpsp.RmdirRequest{Path: []byte(path)}}})
	return err
}

// Pread: read at an offset. As read; ESPIPE, EINVAL.
func (c Sys) Pread(ctx context.Context, fd int32, nbyte uint64, offset int64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pread{Pread: &rumpsp.PreadRequest{Fd: fd, Nbyte: nbyte, Offset: offset}}})
	r := result.GetPread()
	return r.GetData(), err
}

// Pwrite: write at an offset. As write; ESPIPE, EINVAL.
func (c Sys) Pwrite(ctx context.Context, fd int32, data []byte, offset int64) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pwrite{Pwrite: &rumpsp.PwriteRequest{Fd: fd, Data: data, Offset: offset}}})
	r := result.GetPwrite()
	return r.GetCount(), err
}

// Pathconf: configurable limit of a file, _PC_*. EINVAL, ENOENT.
func (c Sys) Pathconf(ctx context.Context, path string, name int32) (int64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pathconf{Pathconf: &rumpsp.PathconfRequest{Path: []byte(path), Name: name}}})
	r := result.GetPathconf()
	return r.GetValue(), err
}

// Lseek: moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO.
func (c Sys) Lseek(ctx context.Context, fd int32, offset int64, whence int32) (int64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lseek{Lseek: &rumpsp.LseekRequest{Fd: fd, Offset: offset, Whence: whence}}})
	r := result.GetLseek()
	return r.GetOffset(), err
}

// Truncate: sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS.
func (c Sys) Truncate(ctx context.Context, path string, length int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Truncate{Truncate: &rumpsp.TruncateRequest{Path: []byte(path), Length: length}}})
	return err
}

// Ftruncate: sets the length of an open file. EBADF, EINVAL, EFBIG.
func (c Sys) Ftruncate(ctx context.Context, fd int32, length int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Ftruncate{Ftruncate: &rumpsp.FtruncateRequest{Fd: fd, Length: length}}})
	return err
}

// Fdatasync: brings the data of a file to stable storage. EBADF, EIO.
func (c Sys) Fdatasync(ctx context.Context, fd int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fdatasync{Fdatasync: &rumpsp.FdatasyncRequest{Fd: fd}}})
	return err
}

// PosixRename: rename that does nothing for two links of one file. As rename.
func (c Sys) PosixRename(ctx context.Context, fromPath string, toPath string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixRename{PosixRename: &rumpsp.PosixRenameRequest{FromPath: []byte(fromPath), ToPath: []byte(toPath)}}})
	return err
}

// Lchmod: chmod that does not follow a link. As chmod.
func (c Sys) Lchmod(ctx context.Context, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lchmod{Lchmod: &rumpsp.LchmodRequest{Path: []byte(path), Mode: mode}}})
	return err
}

// Lchown: chown that does not follow a link. As chown.
func (c Sys) Lchown(ctx context.Context, path string, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lchown{Lchown: &rumpsp.LchownRequest{Path: []byte(path), Uid: uid, Gid: gid}}})
	return err
}

// PosixChown: chown that clears the set-id bits always. As chown.
func (c Sys) PosixChown(ctx context.Context, path string, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixChown{PosixChown: &rumpsp.PosixChownRequest{Path: []byte(path), Uid: uid, Gid: gid}}})
	return err
}

// PosixFchown: fchown that clears the set-id bits always. As fchown.
func (c Sys) PosixFchown(ctx context.Context, fd int32, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixFchown{PosixFchown: &rumpsp.PosixFchownRequest{Fd: fd, Uid: uid, Gid: gid}}})
	return err
}

// PosixLchown: lchown that clears the set-id bits always. As lchown.
func (c Sys) PosixLchown(ctx context.Context, path string, uid int64, gid int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixLchown{PosixLchown: &rumpsp.PosixLchownRequest{Path: []byte(path), Uid: uid, Gid: gid}}})
	return err
}

// Preadv: scatter read at an offset. As pread.
func (c Sys) Preadv(ctx context.Context, fd int32, iov []uint64, offset int64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Preadv{Preadv: &rumpsp.PreadvRequest{Fd: fd, Iov: iov, Offset: offset}}})
	r := result.GetPreadv()
	return r.GetData(), err
}

// Pwritev: gather write at an offset. As pwrite.
func (c Sys) Pwritev(ctx context.Context, fd int32, iov [][]byte, offset int64) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Pwritev{Pwritev: &rumpsp.PwritevRequest{Fd: fd, Iov: iov, Offset: offset}}})
	r := result.GetPwritev()
	return r.GetCount(), err
}

// Getcwd: path of the working directory. ERANGE, ENOENT, EINVAL.
func (c Sys) Getcwd(ctx context.Context, length uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getcwd{Getcwd: &rumpsp.GetcwdRequest{Length: length}}})
	r := result.GetGetcwd()
	return r.GetPath(), err
}

// Fchroot: changes the root directory to an open one. EBADF, EPERM, ENOTDIR.
func (c Sys) Fchroot(ctx context.Context, fd int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchroot{Fchroot: &rumpsp.FchrootRequest{Fd: fd}}})
	return err
}

// Lchflags: chflags that does not follow a link. As chflags.
func (c Sys) Lchflags(ctx context.Context, path string, flags uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lchflags{Lchflags: &rumpsp.LchflagsRequest{Path: []byte(path), Flags: flags}}})
	return err
}

// FsyncRange: brings a range of a file to stable storage. EBADF, EINVAL, EIO.
func (c Sys) FsyncRange(ctx context.Context, fd int32, flags int32, start int64, length int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_FsyncRange{FsyncRange: &rumpsp.FsyncRangeRequest{Fd: fd, Flags: flags, Start: start, Length: length}}})
	return err
}

// Getvfsstat: statistics of all mounts. EINVAL.
func (c Sys) Getvfsstat(ctx context.Context, flags int32) ([]*rumpsp.Statvfs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getvfsstat{Getvfsstat: &rumpsp.GetvfsstatRequest{Flags: flags}}})
	r := result.GetGetvfsstat()
	return r.GetStats(), err
}

// Statvfs1: statistics of the file system of a path. ENOENT, EACCES.
func (c Sys) Statvfs1(ctx context.Context, path string, flags int32) (*rumpsp.Statvfs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Statvfs1{Statvfs1: &rumpsp.Statvfs1Request{Path: []byte(path), Flags: flags}}})
	r := result.GetStatvfs1()
	return r.GetBuf(), err
}

// Fstatvfs1: statistics of the file system of an open file. EBADF.
func (c Sys) Fstatvfs1(ctx context.Context, fd int32, flags int32) (*rumpsp.Statvfs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fstatvfs1{Fstatvfs1: &rumpsp.Fstatvfs1Request{Fd: fd, Flags: flags}}})
	r := result.GetFstatvfs1()
	return r.GetBuf(), err
}

// Extattrctl: starts, stops, enables and disables extended attributes that are in files of their own (UFS1).
// Errors of namei, EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
func (c Sys) Extattrctl(ctx context.Context, path string, cmd int32, filename string, attrnamespace int32, attrname []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Extattrctl{Extattrctl: &rumpsp.ExtattrctlRequest{Path: []byte(path), Cmd: cmd, Filename: []byte(filename), Attrnamespace: attrnamespace, Attrname: attrname}}})
	return err
}

// ExtattrSetFile: sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC.
func (c Sys) ExtattrSetFile(ctx context.Context, path string, attrnamespace int32, attrname []byte, data []byte) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrSetFile{ExtattrSetFile: &rumpsp.ExtattrSetFileRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname, Data: data}}})
	r := result.GetExtattrSetFile()
	return r.GetCount(), err
}

// ExtattrGetFile: reads an extended attribute. ENOATTR, ERANGE.
func (c Sys) ExtattrGetFile(ctx context.Context, path string, attrnamespace int32, attrname []byte, nbytes uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrGetFile{ExtattrGetFile: &rumpsp.ExtattrGetFileRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname, Nbytes: nbytes}}})
	r := result.GetExtattrGetFile()
	return r.GetData(), err
}

// ExtattrDeleteFile: removes an extended attribute. ENOATTR.
func (c Sys) ExtattrDeleteFile(ctx context.Context, path string, attrnamespace int32, attrname []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrDeleteFile{ExtattrDeleteFile: &rumpsp.ExtattrDeleteFileRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname}}})
	return err
}

// ExtattrSetFd: extattr_set_file of an open file. EBADF.
func (c Sys) ExtattrSetFd(ctx context.Context, fd int32, attrnamespace int32, attrname []byte, data []byte) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrSetFd{ExtattrSetFd: &rumpsp.ExtattrSetFdRequest{Fd: fd, Attrnamespace: attrnamespace, Attrname: attrname, Data: data}}})
	r := result.GetExtattrSetFd()
	return r.GetCount(), err
}

// ExtattrGetFd: extattr_get_file of an open file. EBADF.
func (c Sys) ExtattrGetFd(ctx context.Context, fd int32, attrnamespace int32, attrname []byte, nbytes uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrGetFd{ExtattrGetFd: &rumpsp.ExtattrGetFdRequest{Fd: fd, Attrnamespace: attrnamespace, Attrname: attrname, Nbytes: nbytes}}})
	r := result.GetExtattrGetFd()
	return r.GetData(), err
}

// ExtattrDeleteFd: extattr_delete_file of an open file. EBADF.
func (c Sys) ExtattrDeleteFd(ctx context.Context, fd int32, attrnamespace int32, attrname []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrDeleteFd{ExtattrDeleteFd: &rumpsp.ExtattrDeleteFdRequest{Fd: fd, Attrnamespace: attrnamespace, Attrname: attrname}}})
	return err
}

// ExtattrSetLink: extattr_set_file that does not follow a link.
func (c Sys) ExtattrSetLink(ctx context.Context, path string, attrnamespace int32, attrname []byte, data []byte) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrSetLink{ExtattrSetLink: &rumpsp.ExtattrSetLinkRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname, Data: data}}})
	r := result.GetExtattrSetLink()
	return r.GetCount(), err
}

// ExtattrGetLink: extattr_get_file that does not follow a link.
func (c Sys) ExtattrGetLink(ctx context.Context, path string, attrnamespace int32, attrname []byte, nbytes uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrGetLink{ExtattrGetLink: &rumpsp.ExtattrGetLinkRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname, Nbytes: nbytes}}})
	r := result.GetExtattrGetLink()
	return r.GetData(), err
}

// ExtattrDeleteLink: extattr_delete_file that does not follow a link.
func (c Sys) ExtattrDeleteLink(ctx context.Context, path string, attrnamespace int32, attrname []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrDeleteLink{ExtattrDeleteLink: &rumpsp.ExtattrDeleteLinkRequest{Path: []byte(path), Attrnamespace: attrnamespace, Attrname: attrname}}})
	return err
}

// ExtattrListFd: lists extended attributes of an open file. EBADF.
func (c Sys) ExtattrListFd(ctx context.Context, fd int32, attrnamespace int32, nbytes uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrListFd{ExtattrListFd: &rumpsp.ExtattrListFdRequest{Fd: fd, Attrnamespace: attrnamespace, Nbytes: nbytes}}})
	r := result.GetExtattrListFd()
	return r.GetNames(), err
}

// ExtattrListFile: lists extended attributes. EOPNOTSUPP.
func (c Sys) ExtattrListFile(ctx context.Context, path string, attrnamespace int32, nbytes uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrListFile{ExtattrListFile: &rumpsp.ExtattrListFileRequest{Path: []byte(path), Attrnamespace: attrnamespace, Nbytes: nbytes}}})
	r := result.GetExtattrListFile()
	return r.GetNames(), err
}

// ExtattrListLink: extattr_list_file that does not follow a link.
func (c Sys) ExtattrListLink(ctx context.Context, path string, attrnamespace int32, nbytes uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ExtattrListLink{ExtattrListLink: &rumpsp.ExtattrListLinkRequest{Path: []byte(path), Attrnamespace: attrnamespace, Nbytes: nbytes}}})
	r := result.GetExtattrListLink()
	return r.GetNames(), err
}

// Setxattr: sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP.
func (c Sys) Setxattr(ctx context.Context, path string, name []byte, value []byte, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setxattr{Setxattr: &rumpsp.SetxattrRequest{Path: []byte(path), Name: name, Value: value, Flags: flags}}})
	return err
}

// Lsetxattr: setxattr that does not follow a link.
func (c Sys) Lsetxattr(ctx context.Context, path string, name []byte, value []byte, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lsetxattr{Lsetxattr: &rumpsp.LsetxattrRequest{Path: []byte(path), Name: name, Value: value, Flags: flags}}})
	return err
}

// Fsetxattr: setxattr of an open file. EBADF.
func (c Sys) Fsetxattr(ctx context.Context, fd int32, name []byte, value []byte, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fsetxattr{Fsetxattr: &rumpsp.FsetxattrRequest{Fd: fd, Name: name, Value: value, Flags: flags}}})
	return err
}

// Getxattr: reads an attribute, Linux style. ENOATTR, ERANGE.
func (c Sys) Getxattr(ctx context.Context, path string, name []byte, size uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getxattr{Getxattr: &rumpsp.GetxattrRequest{Path: []byte(path), Name: name, Size: size}}})
	r := result.GetGetxattr()
	return r.GetValue(), err
}

// Lgetxattr: getxattr that does not follow a link.
func (c Sys) Lgetxattr(ctx context.Context, path string, name []byte, size uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lgetxattr{Lgetxattr: &rumpsp.LgetxattrRequest{Path: []byte(path), Name: name, Size: size}}})
	r := result.GetLgetxattr()
	return r.GetValue(), err
}

// Fgetxattr: getxattr of an open file. EBADF.
func (c Sys) Fgetxattr(ctx context.Context, fd int32, name []byte, size uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fgetxattr{Fgetxattr: &rumpsp.FgetxattrRequest{Fd: fd, Name: name, Size: size}}})
	r := result.GetFgetxattr()
	return r.GetValue(), err
}

// Listxattr: lists attributes, Linux style. EOPNOTSUPP.
func (c Sys) Listxattr(ctx context.Context, path string, size uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Listxattr{Listxattr: &rumpsp.ListxattrRequest{Path: []byte(path), Size: size}}})
	r := result.GetListxattr()
	return r.GetNames(), err
}

// Llistxattr: listxattr that does not follow a link.
func (c Sys) Llistxattr(ctx context.Context, path string, size uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Llistxattr{Llistxattr: &rumpsp.LlistxattrRequest{Path: []byte(path), Size: size}}})
	r := result.GetLlistxattr()
	return r.GetNames(), err
}

// Flistxattr: listxattr of an open file. EBADF.
func (c Sys) Flistxattr(ctx context.Context, fd int32, size uint64) ([][]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Flistxattr{Flistxattr: &rumpsp.FlistxattrRequest{Fd: fd, Size: size}}})
	r := result.GetFlistxattr()
	return r.GetNames(), err
}

// Removexattr: removes an attribute, Linux style. ENOATTR.
func (c Sys) Removexattr(ctx context.Context, path string, name []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Removexattr{Removexattr: &rumpsp.RemovexattrRequest{Path: []byte(path), Name: name}}})
	return err
}

// Lremovexattr: removexattr that does not follow a link.
func (c Sys) Lremovexattr(ctx context.Context, path string, name []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lremovexattr{Lremovexattr: &rumpsp.LremovexattrRequest{Path: []byte(path), Name: name}}})
	return err
}

// Fremovexattr: removexattr of an open file. EBADF.
func (c Sys) Fremovexattr(ctx context.Context, fd int32, name []byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fremovexattr{Fremovexattr: &rumpsp.FremovexattrRequest{Fd: fd, Name: name}}})
	return err
}

// Getdents: next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR,
// EINVAL.
func (c Sys) Getdents(ctx context.Context, fd int32, count uint64) ([]*rumpsp.Dirent, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getdents{Getdents: &rumpsp.GetdentsRequest{Fd: fd, Count: count}}})
	r := result.GetGetdents()
	return r.GetEntries(), err
}

// Getfh: file handle of a file. EPERM, EOPNOTSUPP.
func (c Sys) Getfh(ctx context.Context, fname string) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getfh{Getfh: &rumpsp.GetfhRequest{Fname: []byte(fname)}}})
	r := result.GetGetfh()
	return r.GetFhp(), err
}

// Fhopen: opens by file handle. ESTALE, EPERM, EINVAL.
func (c Sys) Fhopen(ctx context.Context, fhp []byte, flags int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fhopen{Fhopen: &rumpsp.FhopenRequest{Fhp: fhp, Flags: flags}}})
	r := result.GetFhopen()
	return r.GetFd(), err
}

// Fhstatvfs1: statvfs1 by file handle. ESTALE, EPERM.
func (c Sys) Fhstatvfs1(ctx context.Context, fhp []byte, flags int32) (*rumpsp.Statvfs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fhstatvfs1{Fhstatvfs1: &rumpsp.Fhstatvfs1Request{Fhp: fhp, Flags: flags}}})
	r := result.GetFhstatvfs1()
	return r.GetBuf(), err
}

// Mount: mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT,
// ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
func (c Sys) Mount(ctx context.Context, typ string, path string, flags int32, data *rumpsp.MountArgs) (*rumpsp.MountArgs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mount{Mount: &rumpsp.MountRequest{Type: typ, Path: []byte(path), Flags: flags, Data: data}}})
	r := result.GetMount()
	return r.GetData(), err
}

// Utimes: sets access and modification time; left out: now. EPERM, EACCES, EROFS.
func (c Sys) Utimes(ctx context.Context, path string, atime *rumpsp.Timespec, mtime *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Utimes{Utimes: &rumpsp.UtimesRequest{Path: []byte(path), Atime: atime, Mtime: mtime}}})
	return err
}

// Futimes: utimes of an open file. EBADF.
func (c Sys) Futimes(ctx context.Context, fd int32, atime *rumpsp.Timespec, mtime *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Futimes{Futimes: &rumpsp.FutimesRequest{Fd: fd, Atime: atime, Mtime: mtime}}})
	return err
}

// Lutimes: utimes that does not follow a link.
func (c Sys) Lutimes(ctx context.Context, path string, atime *rumpsp.Timespec, mtime *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lutimes{Lutimes: &rumpsp.LutimesRequest{Path: []byte(path), Atime: atime, Mtime: mtime}}})
	return err
}

// Stat: attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
func (c Sys) Stat(ctx context.Context, path string) (*rumpsp.Stat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Stat{Stat: &rumpsp.StatRequest{Path: []byte(path)}}})
	r := result.GetStat()
	return r.GetSb(), err
}

// Lstat: stat that does not follow a link.
func (c Sys) Lstat(ctx context.Context, path string) (*rumpsp.Stat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Lstat{Lstat: &rumpsp.LstatRequest{Path: []byte(path)}}})
	r := result.GetLstat()
	return r.GetSb(), err
}

// Mknod: makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS.
func (c Sys) Mknod(ctx context.Context, path string, mode uint32, dev uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mknod{Mknod: &rumpsp.MknodRequest{Path: []byte(path), Mode: mode, Dev: dev}}})
	return err
}

// Fhstat: stat by file handle. ESTALE, EPERM.
func (c Sys) Fhstat(ctx context.Context, fhp []byte) (*rumpsp.Stat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fhstat{Fhstat: &rumpsp.FhstatRequest{Fhp: fhp}}})
	r := result.GetFhstat()
	return r.GetSb(), err
}

// Linkat: link relative to directories, AT_SYMLINK_FOLLOW.
func (c Sys) Linkat(ctx context.Context, fd1 int32, name1 string, fd2 int32, name2 string, flags int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Linkat{Linkat: &rumpsp.LinkatRequest{Fd1: fd1, Name1: []byte(name1), Fd2: fd2, Name2: []byte(name2), Flags: flags}}})
	return err
}

// Renameat: rename relative to directories.
func (c Sys) Renameat(ctx context.Context, fromfd int32, fromPath string, tofd int32, toPath string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Renameat{Renameat: &rumpsp.RenameatRequest{Fromfd: fromfd, FromPath: []byte(fromPath), Tofd: tofd, ToPath: []byte(toPath)}}})
	return err
}

// Mkfifoat: mkfifo relative to a directory.
func (c Sys) Mkfifoat(ctx context.Context, fd int32, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mkfifoat{Mkfifoat: &rumpsp.MkfifoatRequest{Fd: fd, Path: []byte(path), Mode: mode}}})
	return err
}

// Mknodat: mknod relative to a directory.
func (c Sys) Mknodat(ctx context.Context, fd int32, path string, mode uint32, dev uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mknodat{Mknodat: &rumpsp.MknodatRequest{Fd: fd, Path: []byte(path), Mode: mode, Dev: dev}}})
	return err
}

// Mkdirat: mkdir relative to a directory.
func (c Sys) Mkdirat(ctx context.Context, fd int32, path string, mode uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Mkdirat{Mkdirat: &rumpsp.MkdiratRequest{Fd: fd, Path: []byte(path), Mode: mode}}})
	return err
}

// Faccessat: access relative to a directory, AT_EACCESS.
func (c Sys) Faccessat(ctx context.Context, fd int32, path string, amode int32, flag int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Faccessat{Faccessat: &rumpsp.FaccessatRequest{Fd: fd, Path: []byte(path), Amode: amode, Flag: flag}}})
	return err
}

// Fchmodat: chmod relative to a directory, AT_SYMLINK_NOFOLLOW.
func (c Sys) Fchmodat(ctx context.Context, fd int32, path string, mode uint32, flag int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchmodat{Fchmodat: &rumpsp.FchmodatRequest{Fd: fd, Path: []byte(path), Mode: mode, Flag: flag}}})
	return err
}

// Fchownat: chown relative to a directory, AT_SYMLINK_NOFOLLOW.
func (c Sys) Fchownat(ctx context.Context, fd int32, path string, owner int64, group int64, flag int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fchownat{Fchownat: &rumpsp.FchownatRequest{Fd: fd, Path: []byte(path), Owner: owner, Group: group, Flag: flag}}})
	return err
}

// Fstatat: stat relative to a directory, AT_SYMLINK_NOFOLLOW.
func (c Sys) Fstatat(ctx context.Context, fd int32, path string, flag int32) (*rumpsp.Stat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fstatat{Fstatat: &rumpsp.FstatatRequest{Fd: fd, Path: []byte(path), Flag: flag}}})
	r := result.GetFstatat()
	return r.GetBuf(), err
}

// Utimensat: utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT.
func (c Sys) Utimensat(ctx context.Context, fd int32, path string, atime *rumpsp.Timespec, mtime *rumpsp.Timespec, flag int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Utimensat{Utimensat: &rumpsp.UtimensatRequest{Fd: fd, Path: []byte(path), Atime: atime, Mtime: mtime, Flag: flag}}})
	return err
}

// Openat: open relative to a directory.
func (c Sys) Openat(ctx context.Context, fd int32, path string, oflags int32, mode uint32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Openat{Openat: &rumpsp.OpenatRequest{Fd: fd, Path: []byte(path), Oflags: oflags, Mode: &mode}}})
	r := result.GetOpenat()
	return r.GetFd(), err
}

// Readlinkat: readlink relative to a directory.
func (c Sys) Readlinkat(ctx context.Context, fd int32, path string, bufsize uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Readlinkat{Readlinkat: &rumpsp.ReadlinkatRequest{Fd: fd, Path: []byte(path), Bufsize: bufsize}}})
	r := result.GetReadlinkat()
	return r.GetData(), err
}

// Symlinkat: symlink relative to a directory.
func (c Sys) Symlinkat(ctx context.Context, path1 string, fd int32, path2 string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Symlinkat{Symlinkat: &rumpsp.SymlinkatRequest{Path1: []byte(path1), Fd: fd, Path2: []byte(path2)}}})
	return err
}

// Unlinkat: unlink or, with AT_REMOVEDIR, rmdir relative to a directory.
func (c Sys) Unlinkat(ctx context.Context, fd int32, path string, flag int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Unlinkat{Unlinkat: &rumpsp.UnlinkatRequest{Fd: fd, Path: []byte(path), Flag: flag}}})
	return err
}

// Futimens: futimes with UTIME_NOW and UTIME_OMIT. EBADF.
func (c Sys) Futimens(ctx context.Context, fd int32, atime *rumpsp.Timespec, mtime *rumpsp.Timespec) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Futimens{Futimens: &rumpsp.FutimensRequest{Fd: fd, Atime: atime, Mtime: mtime}}})
	return err
}

// Quotactl: quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no
// quotas there), ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY,
// ENOSPC, EIO.
func (c Sys) Quotactl(ctx context.Context, path string, args *rumpsp.QuotactlArgs) (*rumpsp.QuotactlArgs, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Quotactl{Quotactl: &rumpsp.QuotactlRequest{Path: []byte(path), Args: args}}})
	r := result.GetQuotactl()
	return r.GetArgs(), err
}

// PosixFallocate: makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP.
func (c Sys) PosixFallocate(ctx context.Context, fd int32, pos int64, length int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_PosixFallocate{PosixFallocate: &rumpsp.PosixFallocateRequest{Fd: fd, Pos: pos, Len: length}}})
	return err
}

// Fdiscard: gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP.
func (c Sys) Fdiscard(ctx context.Context, fd int32, pos int64, length int64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Fdiscard{Fdiscard: &rumpsp.FdiscardRequest{Fd: fd, Pos: pos, Len: length}}})
	return err
}

// Recvmsg: receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR.
func (c Sys) Recvmsg(ctx context.Context, s int32, length uint64, controllen uint64, flags int32) (*rumpsp.Msghdr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Recvmsg{Recvmsg: &rumpsp.RecvmsgRequest{S: s, Len: length, Controllen: controllen, Flags: flags}}})
	r := result.GetRecvmsg()
	return r.GetMsg(), err
}

// Sendmsg: sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN.
func (c Sys) Sendmsg(ctx context.Context, s int32, msg *rumpsp.Msghdr, flags int32) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sendmsg{Sendmsg: &rumpsp.SendmsgRequest{S: s, Msg: msg, Flags: flags}}})
	r := result.GetSendmsg()
	return r.GetCount(), err
}

// Recvfrom: receives a message and the address of its sender. As recvmsg. Results: data, from_addr.
func (c Sys) Recvfrom(ctx context.Context, s int32, length uint64, flags int32) ([]byte, *rumpsp.Sockaddr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Recvfrom{Recvfrom: &rumpsp.RecvfromRequest{S: s, Len: length, Flags: &flags}}})
	r := result.GetRecvfrom()
	return r.GetData(), r.GetFromAddr(), err
}

// Accept: takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP.
// Results: s, name.
func (c Sys) Accept(ctx context.Context, s int32) (int32, *rumpsp.Sockaddr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Accept{Accept: &rumpsp.AcceptRequest{S: s}}})
	r := result.GetAccept()
	return r.GetS(), r.GetName(), err
}

// Getpeername: address of the peer. EBADF, ENOTSOCK, ENOTCONN.
func (c Sys) Getpeername(ctx context.Context, s int32) (*rumpsp.Sockaddr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getpeername{Getpeername: &rumpsp.GetpeernameRequest{S: s}}})
	r := result.GetGetpeername()
	return r.GetName(), err
}

// Getsockname: address of the socket. EBADF, ENOTSOCK.
func (c Sys) Getsockname(ctx context.Context, s int32) (*rumpsp.Sockaddr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getsockname{Getsockname: &rumpsp.GetsocknameRequest{S: s}}})
	r := result.GetGetsockname()
	return r.GetName(), err
}

// Connect: connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL,
// EAFNOSUPPORT, ENOENT, EPROTOTYPE.
func (c Sys) Connect(ctx context.Context, s int32, name *rumpsp.Sockaddr) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Connect{Connect: &rumpsp.ConnectRequest{S: s, Name: name}}})
	return err
}

// Bind: gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT.
func (c Sys) Bind(ctx context.Context, s int32, name *rumpsp.Sockaddr) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Bind{Bind: &rumpsp.BindRequest{S: s, Name: name}}})
	return err
}

// Setsockopt: sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM.
func (c Sys) Setsockopt(ctx context.Context, s int32, level int32, name int32, val *rumpsp.Sockopt) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Setsockopt{Setsockopt: &rumpsp.SetsockoptRequest{S: s, Level: level, Name: name, Val: val}}})
	return err
}

// Listen: makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ.
func (c Sys) Listen(ctx context.Context, s int32, backlog int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Listen{Listen: &rumpsp.ListenRequest{S: s, Backlog: backlog}}})
	return err
}

// Getsockopt: reads an option. ENOPROTOOPT, EINVAL.
func (c Sys) Getsockopt(ctx context.Context, s int32, level int32, name int32) (*rumpsp.Sockopt, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Getsockopt{Getsockopt: &rumpsp.GetsockoptRequest{S: s, Level: level, Name: name}}})
	r := result.GetGetsockopt()
	return r.GetVal(), err
}

// Sendto: sends a message. As sendmsg; EDESTADDRREQ, EISCONN.
func (c Sys) Sendto(ctx context.Context, s int32, data []byte, flags int32, to *rumpsp.Sockaddr) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sendto{Sendto: &rumpsp.SendtoRequest{S: s, Data: data, Flags: &flags, To: to}}})
	r := result.GetSendto()
	return r.GetCount(), err
}

// Shutdown: ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL.
func (c Sys) Shutdown(ctx context.Context, s int32, how int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Shutdown{Shutdown: &rumpsp.ShutdownRequest{S: s, How: how}}})
	return err
}

// Socketpair: makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE. Results: s1, s2.
func (c Sys) Socketpair(ctx context.Context, domain int32, typ int32, protocol int32) (int32, int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Socketpair{Socketpair: &rumpsp.SocketpairRequest{Domain: domain, Type: typ, Protocol: protocol}}})
	r := result.GetSocketpair()
	return r.GetS1(), r.GetS2(), err
}

// Socket: makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES.
func (c Sys) Socket(ctx context.Context, domain int32, typ int32, protocol int32) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Socket{Socket: &rumpsp.SocketRequest{Domain: domain, Type: typ, Protocol: protocol}}})
	r := result.GetSocket()
	return r.GetS(), err
}

// Paccept: accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask. Results: s, name.
func (c Sys) Paccept(ctx context.Context, s int32, mask *uint64, flags int32) (int32, *rumpsp.Sockaddr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Paccept{Paccept: &rumpsp.PacceptRequest{S: s, Mask: mask, Flags: flags}}})
	r := result.GetPaccept()
	return r.GetS(), r.GetName(), err
}

// Recvmmsg: receives several messages. As recvmsg.
func (c Sys) Recvmmsg(ctx context.Context, s int32, vlen uint32, length uint64, flags int32, timeout *rumpsp.Timespec) ([]*rumpsp.Msghdr, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Recvmmsg{Recvmmsg: &rumpsp.RecvmmsgRequest{S: s, Vlen: vlen, Len: length, Flags: flags, Timeout: timeout}}})
	r := result.GetRecvmmsg()
	return r.GetMsgs(), err
}

// Sendmmsg: sends several messages. As sendmsg.
func (c Sys) Sendmmsg(ctx context.Context, s int32, msgs []*rumpsp.Msghdr, flags int32) (uint32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sendmmsg{Sendmmsg: &rumpsp.SendmmsgRequest{S: s, Msgs: msgs, Flags: flags}}})
	r := result.GetSendmmsg()
	return r.GetCount(), err
}

// Pub has the exported kernel functions of a process.
type Pub struct{ k *Connection }

// Kill: sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only
// asks. EINVAL, ESRCH, EPERM.
func (c Pub) Kill(ctx context.Context, pid int32, signo int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Kill{Kill: &rumpsp.KillRequest{Pid: pid, Signo: signo}}})
	return err
}

// Sigqueue: sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM.
func (c Pub) Sigqueue(ctx context.Context, pid int32, signo int32, value uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sigqueue{Sigqueue: &rumpsp.SigqueueRequest{Pid: pid, Signo: signo, Value: value}}})
	return err
}

// Sigpending: the signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with
// take they are forgotten.
func (c Pub) Sigpending(ctx context.Context, take bool) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Sigpending{Sigpending: &rumpsp.SigpendingRequest{Take: take}}})
	r := result.GetSigpending()
	return r.GetSet(), err
}

// FileList: descriptors of all processes (sysctl kern.file2). Cannot fail.
func (c Pub) FileList(ctx context.Context) ([]*rumpsp.KinfoFile, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_FileList{FileList: &rumpsp.FileListRequest{}}})
	r := result.GetFileList()
	return r.GetFiles(), err
}

// ModuleInit: initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM.
func (c Pub) ModuleInit(ctx context.Context, names []string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ModuleInit{ModuleInit: &rumpsp.ModuleInitRequest{Names: names}}})
	return err
}

// ModuleFini: finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM.
func (c Pub) ModuleFini(ctx context.Context, name string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ModuleFini{ModuleFini: &rumpsp.ModuleFiniRequest{Name: name}}})
	return err
}

// ComponentRestart: ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP,
// EPERM, EIO, ETIMEDOUT.
func (c Pub) ComponentRestart(ctx context.Context, name string, crash bool, fresh bool) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_ComponentRestart{ComponentRestart: &rumpsp.ComponentRestartRequest{Name: name, Crash: crash, Fresh: fresh}}})
	return err
}

// EtfsRegister: shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT,
// ENOTDIR, EBUSY.
func (c Pub) EtfsRegister(ctx context.Context, key string, hostpath string, typ int32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_EtfsRegister{EtfsRegister: &rumpsp.EtfsRegisterRequest{Key: []byte(key), Hostpath: []byte(hostpath), Type: typ}}})
	return err
}

// EtfsRegisterWithsize: etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR.
func (c Pub) EtfsRegisterWithsize(ctx context.Context, key string, hostpath string, typ int32, begin uint64, size *uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_EtfsRegisterWithsize{EtfsRegisterWithsize: &rumpsp.EtfsRegisterWithsizeRequest{Key: []byte(key), Hostpath: []byte(hostpath), Type: typ, Begin: begin, Size: size}}})
	return err
}

// EtfsRemove: takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY.
func (c Pub) EtfsRemove(ctx context.Context, key string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_EtfsRemove{EtfsRemove: &rumpsp.EtfsRemoveRequest{Key: []byte(key)}}})
	return err
}

// Newfs: makes a new file system on a block device, filled with the tree of a directory if there is a source;
// how many bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC,
// EROFS, EIO.
func (c Pub) Newfs(ctx context.Context, typ string, fspec string, options map[string]string, source string) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_Newfs{Newfs: &rumpsp.NewfsRequest{Type: typ, Fspec: []byte(fspec), Options: options, Source: []byte(source)}}})
	r := result.GetNewfs()
	return r.GetUsed(), err
}

// GetdentsStat: next entries of an open directory, about count bytes of them and at most 1,024, with what
// fstatat gives for each of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF,
// ENOTDIR, EINVAL.
func (c Pub) GetdentsStat(ctx context.Context, fd int32, count uint64) ([]*rumpsp.DirentStat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_GetdentsStat{GetdentsStat: &rumpsp.GetdentsStatRequest{Fd: fd, Count: count}}})
	r := result.GetGetdentsStat()
	return r.GetEntries(), err
}

// GetdentsPacked: the same as records one behind another, for those who read some of them only. Little endian,
// without gaps: length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64
// each); the attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and
// st_gen in 32 bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
func (c Pub) GetdentsPacked(ctx context.Context, fd int32, count uint64) ([]byte, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_GetdentsPacked{GetdentsPacked: &rumpsp.GetdentsPackedRequest{Fd: fd, Count: count}}})
	r := result.GetGetdentsPacked()
	return r.GetEntries(), err
}

// NetconfigIfcreate: makes an interface by cloning. EEXIST, EINVAL, ENXIO.
func (c Pub) NetconfigIfcreate(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfcreate{NetconfigIfcreate: &rumpsp.NetconfigIfcreateRequest{Ifname: ifname}}})
	return err
}

// NetconfigIfdestroy: removes a cloned interface. ENXIO, EINVAL.
func (c Pub) NetconfigIfdestroy(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfdestroy{NetconfigIfdestroy: &rumpsp.NetconfigIfdestroyRequest{Ifname: ifname}}})
	return err
}

// NetconfigIfup: brings an interface up. ENXIO.
func (c Pub) NetconfigIfup(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfup{NetconfigIfup: &rumpsp.NetconfigIfupRequest{Ifname: ifname}}})
	return err
}

// NetconfigIfdown: takes an interface down. ENXIO.
func (c Pub) NetconfigIfdown(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfdown{NetconfigIfdown: &rumpsp.NetconfigIfdownRequest{Ifname: ifname}}})
	return err
}

// NetconfigIfsetlinkstr: sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC.
func (c Pub) NetconfigIfsetlinkstr(ctx context.Context, ifname string, linkstr string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfsetlinkstr{NetconfigIfsetlinkstr: &rumpsp.NetconfigIfsetlinkstrRequest{Ifname: ifname, Linkstr: linkstr}}})
	return err
}

// NetconfigBradd: adds a member to a bridge. ENXIO, EEXIST, EBUSY.
func (c Pub) NetconfigBradd(ctx context.Context, bridge string, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigBradd{NetconfigBradd: &rumpsp.NetconfigBraddRequest{Bridge: bridge, Ifname: ifname}}})
	return err
}

// NetconfigBrdel: removes a member of a bridge. ENXIO, ENOENT.
func (c Pub) NetconfigBrdel(ctx context.Context, bridge string, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigBrdel{NetconfigBrdel: &rumpsp.NetconfigBrdelRequest{Bridge: bridge, Ifname: ifname}}})
	return err
}

// NetconfigIpv4Ifaddr: adds an IPv4 address. ENXIO, EINVAL, EEXIST.
func (c Pub) NetconfigIpv4Ifaddr(ctx context.Context, ifname string, addr string, mask string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIpv4Ifaddr{NetconfigIpv4Ifaddr: &rumpsp.NetconfigIpv4IfaddrRequest{Ifname: ifname, Addr: addr, Mask: mask}}})
	return err
}

// NetconfigIpv4IfaddrCidr: adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST.
func (c Pub) NetconfigIpv4IfaddrCidr(ctx context.Context, ifname string, addr string, prefixlen uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIpv4IfaddrCidr{NetconfigIpv4IfaddrCidr: &rumpsp.NetconfigIpv4IfaddrCidrRequest{Ifname: ifname, Addr: addr, Prefixlen: prefixlen}}})
	return err
}

// NetconfigIpv6Ifaddr: adds an IPv6 address. ENXIO, EINVAL, EEXIST.
func (c Pub) NetconfigIpv6Ifaddr(ctx context.Context, ifname string, addr string, prefixlen uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIpv6Ifaddr{NetconfigIpv6Ifaddr: &rumpsp.NetconfigIpv6IfaddrRequest{Ifname: ifname, Addr: addr, Prefixlen: prefixlen}}})
	return err
}

// NetconfigIpv4Gw: sets the default route. EINVAL, ENETUNREACH, EEXIST.
func (c Pub) NetconfigIpv4Gw(ctx context.Context, addr string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIpv4Gw{NetconfigIpv4Gw: &rumpsp.NetconfigIpv4GwRequest{Addr: addr}}})
	return err
}

// NetconfigIpv6Gw: sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST.
func (c Pub) NetconfigIpv6Gw(ctx context.Context, addr string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIpv6Gw{NetconfigIpv6Gw: &rumpsp.NetconfigIpv6GwRequest{Addr: addr}}})
	return err
}

// NetconfigDhcpIpv4Oneshot: gets one lease by DHCP. ENXIO, ETIMEDOUT.
func (c Pub) NetconfigDhcpIpv4Oneshot(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigDhcpIpv4Oneshot{NetconfigDhcpIpv4Oneshot: &rumpsp.NetconfigDhcpIpv4OneshotRequest{Ifname: ifname}}})
	return err
}

// NetconfigAutoIpv6: accepts router advertisements. ENXIO.
func (c Pub) NetconfigAutoIpv6(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigAutoIpv6{NetconfigAutoIpv6: &rumpsp.NetconfigAutoIpv6Request{Ifname: ifname}}})
	return err
}

// NetconfigIfaddrs: interfaces with their flags and addresses. ENXIO.
func (c Pub) NetconfigIfaddrs(ctx context.Context, ifname *string) ([]*rumpsp.Interface, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfaddrs{NetconfigIfaddrs: &rumpsp.NetconfigIfaddrsRequest{Ifname: ifname}}})
	r := result.GetNetconfigIfaddrs()
	return r.GetInterfaces(), err
}

// NpfLoad: replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG.
func (c Pub) NpfLoad(ctx context.Context, config *rumpsp.NpfConfig) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfLoad{NpfLoad: &rumpsp.NpfLoadRequest{Config: config}}})
	return err
}

// NpfConfigGet: the configuration with the counters of its rules, and whether the filter is active. Results:
// config, active.
func (c Pub) NpfConfigGet(ctx context.Context) (*rumpsp.NpfConfig, bool, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfConfigGet{NpfConfigGet: &rumpsp.NpfConfigGetRequest{}}})
	r := result.GetNpfConfigGet()
	return r.GetConfig(), r.GetActive(), err
}

// NpfSwitch: begins or ends filtering. Ending forgets all connections.
func (c Pub) NpfSwitch(ctx context.Context, active bool) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfSwitch{NpfSwitch: &rumpsp.NpfSwitchRequest{Active: active}}})
	return err
}

// NpfFlush: forgets the configuration and all connections.
func (c Pub) NpfFlush(ctx context.Context) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfFlush{NpfFlush: &rumpsp.NpfFlushRequest{}}})
	return err
}

// NpfConnections: the connections that the filter knows.
func (c Pub) NpfConnections(ctx context.Context) ([]*rumpsp.NpfConnection, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfConnections{NpfConnections: &rumpsp.NpfConnectionsRequest{}}})
	r := result.GetNpfConnections()
	return r.GetConnections(), err
}

// NpfStats: what the filter has counted.
func (c Pub) NpfStats(ctx context.Context) ([]*rumpsp.NpfCounter, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfStats{NpfStats: &rumpsp.NpfStatsRequest{}}})
	r := result.GetNpfStats()
	return r.GetCounters(), err
}

// NpfTable: commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST,
// ENOENT, EINVAL, EPERM for const.
func (c Pub) NpfTable(ctx context.Context, table string, command string, entry *rumpsp.NpfAddress) ([]*rumpsp.NpfAddress, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfTable{NpfTable: &rumpsp.NpfTableRequest{Table: table, Command: command, Entry: entry}}})
	r := result.GetNpfTable()
	return r.GetEntries(), err
}

// NpfRuleAdd: adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC.
func (c Pub) NpfRuleAdd(ctx context.Context, group string, rule *rumpsp.NpfRule) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfRuleAdd{NpfRuleAdd: &rumpsp.NpfRuleAddRequest{Group: group, Rule: rule}}})
	r := result.GetNpfRuleAdd()
	return r.GetId(), err
}

// NpfRuleRemove: removes a rule from a dynamic group. ESRCH, ENOENT.
func (c Pub) NpfRuleRemove(ctx context.Context, group string, id uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NpfRuleRemove{NpfRuleRemove: &rumpsp.NpfRuleRemoveRequest{Group: group, Id: id}}})
	return err
}

// DhcpStart: gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one,
// EINVAL for interfaces other than Ethernets.
func (c Pub) DhcpStart(ctx context.Context, ifname string, hostname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpStart{DhcpStart: &rumpsp.DhcpStartRequest{Ifname: ifname, Hostname: hostname}}})
	return err
}

// DhcpRenew: asks for more time for a lease at once. ENXIO, ENOENT when there is none.
func (c Pub) DhcpRenew(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpRenew{DhcpRenew: &rumpsp.DhcpRenewRequest{Ifname: ifname}}})
	return err
}

// DhcpStop: stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT.
func (c Pub) DhcpStop(ctx context.Context, ifname string, release bool) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpStop{DhcpStop: &rumpsp.DhcpStopRequest{Ifname: ifname, Release: release}}})
	return err
}

// DhcpLeases: the leases of all interfaces.
func (c Pub) DhcpLeases(ctx context.Context) ([]*rumpsp.DhcpLease, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpLeases{DhcpLeases: &rumpsp.DhcpLeasesRequest{}}})
	r := result.GetDhcpLeases()
	return r.GetLeases(), err
}

// DhcpdStart: leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL.
func (c Pub) DhcpdStart(ctx context.Context, ifname string, pool *rumpsp.DhcpPool) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpdStart{DhcpdStart: &rumpsp.DhcpdStartRequest{Ifname: ifname, Pool: pool}}})
	return err
}

// DhcpdStop: ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT.
func (c Pub) DhcpdStop(ctx context.Context, ifname string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpdStop{DhcpdStop: &rumpsp.DhcpdStopRequest{Ifname: ifname}}})
	return err
}

// DhcpdBindings: what the server of an interface has leased. ENXIO, ENOENT.
func (c Pub) DhcpdBindings(ctx context.Context, ifname string) ([]*rumpsp.DhcpBinding, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DhcpdBindings{DhcpdBindings: &rumpsp.DhcpdBindingsRequest{Ifname: ifname}}})
	r := result.GetDhcpdBindings()
	return r.GetBindings(), err
}

// DnsForward: answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it.
// EADDRINUSE, EINVAL.
func (c Pub) DnsForward(ctx context.Context, servers [][]byte) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DnsForward{DnsForward: &rumpsp.DnsForwardRequest{Servers: servers}}})
	return err
}

// NetconfigIfaddrdel: takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL.
func (c Pub) NetconfigIfaddrdel(ctx context.Context, ifname string, addr string) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfaddrdel{NetconfigIfaddrdel: &rumpsp.NetconfigIfaddrdelRequest{Ifname: ifname, Addr: addr}}})
	return err
}

// RouteSend: writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH,
// EINVAL, EACCES.
func (c Pub) RouteSend(ctx context.Context, s int32, msg *rumpsp.Rtmsg) (*rumpsp.Rtmsg, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_RouteSend{RouteSend: &rumpsp.RouteSendRequest{S: s, Msg: msg}}})
	r := result.GetRouteSend()
	return r.GetMsg(), err
}

// RouteRecv: reads the next message of a routing socket. EAGAIN.
func (c Pub) RouteRecv(ctx context.Context, s int32, flags int32) (*rumpsp.Rtmsg, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_RouteRecv{RouteRecv: &rumpsp.RouteRecvRequest{S: s, Flags: flags}}})
	r := result.GetRouteRecv()
	return r.GetMsg(), err
}

// RouteDump: the tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those
// with the flags in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index
// or 0). EINVAL.
func (c Pub) RouteDump(ctx context.Context, family uint32, op uint32, arg uint32) ([]*rumpsp.Rtmsg, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_RouteDump{RouteDump: &rumpsp.RouteDumpRequest{Family: family, Op: op, Arg: arg}}})
	r := result.GetRouteDump()
	return r.GetMsgs(), err
}

// NetPcblist: sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail.
func (c Pub) NetPcblist(ctx context.Context) ([]*rumpsp.Inpcb, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetPcblist{NetPcblist: &rumpsp.NetPcblistRequest{}}})
	r := result.GetNetPcblist()
	return r.GetPcbs(), err
}

// NetCounters: what the protocols have counted (sysctl net.*.stats). Cannot fail.
func (c Pub) NetCounters(ctx context.Context) ([]*rumpsp.NetCounter, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetCounters{NetCounters: &rumpsp.NetCountersRequest{}}})
	r := result.GetNetCounters()
	return r.GetCounters(), err
}

// NdList: routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT. Results:
// routers, prefixes.
func (c Pub) NdList(ctx context.Context) ([]*rumpsp.NdRouter, []*rumpsp.NdPrefix, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NdList{NdList: &rumpsp.NdListRequest{}}})
	r := result.GetNdList()
	return r.GetRouters(), r.GetPrefixes(), err
}

// NetconfigIfimpair: makes the link of an interface worse, for what it sends; without settings, as good as
// before. ENXIO, EINVAL, EOPNOTSUPP.
func (c Pub) NetconfigIfimpair(ctx context.Context, ifname string, settings *rumpsp.Impairment) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfimpair{NetconfigIfimpair: &rumpsp.NetconfigIfimpairRequest{Ifname: ifname, Settings: settings}}})
	return err
}

// NetconfigIfimpairstat: what became of the frames since then. ENXIO, ENOENT when it is not impaired.
func (c Pub) NetconfigIfimpairstat(ctx context.Context, ifname string) (*rumpsp.ImpairmentStat, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfimpairstat{NetconfigIfimpairstat: &rumpsp.NetconfigIfimpairstatRequest{Ifname: ifname}}})
	r := result.GetNetconfigIfimpairstat()
	return r.GetStat(), err
}

// NetconfigIfcapture: writes what an interface sends and receives to a new file of the host (pcapng), or ends
// that when the path is empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST,
// EBUSY, errors of the host.
func (c Pub) NetconfigIfcapture(ctx context.Context, ifname string, hostpath string, snaplen *uint32) (uint64, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_NetconfigIfcapture{NetconfigIfcapture: &rumpsp.NetconfigIfcaptureRequest{Ifname: ifname, Hostpath: []byte(hostpath), Snaplen: snaplen}}})
	r := result.GetNetconfigIfcapture()
	return r.GetPackets(), err
}

// BpfOpen: opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE.
func (c Pub) BpfOpen(ctx context.Context) (int32, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_BpfOpen{BpfOpen: &rumpsp.BpfOpenRequest{}}})
	r := result.GetBpfOpen()
	return r.GetFd(), err
}

// DevList: device drivers with their major numbers and units.
func (c Pub) DevList(ctx context.Context) ([]*rumpsp.Driver, error) {
	result, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_DevList{DevList: &rumpsp.DevListRequest{}}})
	r := result.GetDevList()
	return r.GetDrivers(), err
}

// MdCreate: gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM.
func (c Pub) MdCreate(ctx context.Context, unit uint32, size uint64) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_MdCreate{MdCreate: &rumpsp.MdCreateRequest{Unit: unit, Size: size}}})
	return err
}

// MdDestroy: takes the storage of a memory disk back. ENXIO, EBUSY.
func (c Pub) MdDestroy(ctx context.Context, unit uint32) error {
	_, err := c.k.do(ctx, &rumpsp.Call{Call: &rumpsp.Call_MdDestroy{MdDestroy: &rumpsp.MdDestroyRequest{Unit: unit}}})
	return err
}
