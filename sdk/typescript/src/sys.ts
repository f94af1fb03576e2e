// Generated from proto/*.proto by tools/codegen; do not edit.

import type { Call } from "./gen/rump_sp.js";
import type {
  DevListResponse,
} from "./gen/rump_dev.js";
import type {
  AdjtimeResponse,
  AioCancelResponse,
  AioErrorResponse,
  AioReturnResponse,
  ClockGetresResponse,
  ClockGettimeResponse,
  ClockNanosleepResponse,
  Dup2Response,
  Dup3Response,
  DupResponse,
  FcntlResponse,
  FileListResponse,
  FpathconfResponse,
  FstatResponse,
  GetegidResponse,
  GeteuidResponse,
  GetgidResponse,
  GetgroupsResponse,
  GetitimerResponse,
  GetloginResponse,
  GetpgidResponse,
  GetpgrpResponse,
  GetpidResponse,
  GetppidResponse,
  GetrlimitResponse,
  GetsidResponse,
  GettimeofdayResponse,
  GetuidResponse,
  IoctlResponse,
  IssetugidResponse,
  KeventResponse,
  Kqueue1Response,
  KqueueResponse,
  KsemGetvalueResponse,
  KsemInitResponse,
  KsemOpenResponse,
  ModctlResponse,
  NanosleepResponse,
  Pipe2Response,
  PipeResponse,
  PollResponse,
  PolltsResponse,
  PselectResponse,
  ReadResponse,
  ReadvResponse,
  SelectResponse,
  SetitimerResponse,
  SetsidResponse,
  SigpendingResponse,
  SysctlResponse,
  TimerCreateResponse,
  TimerGetoverrunResponse,
  TimerGettimeResponse,
  TimerSettimeResponse,
  WriteResponse,
  WritevResponse,
} from "./gen/rump_kern.js";
import type {
  AcceptResponse,
  BpfOpenResponse,
  DhcpLeasesResponse,
  DhcpdBindingsResponse,
  GetpeernameResponse,
  GetsocknameResponse,
  GetsockoptResponse,
  NdListResponse,
  NetCountersResponse,
  NetPcblistResponse,
  NetconfigIfaddrsResponse,
  NetconfigIfcaptureResponse,
  NetconfigIfimpairstatResponse,
  NpfConfigGetResponse,
  NpfConnectionsResponse,
  NpfRuleAddResponse,
  NpfStatsResponse,
  NpfTableResponse,
  PacceptResponse,
  RecvfromResponse,
  RecvmmsgResponse,
  RecvmsgResponse,
  RouteDumpResponse,
  RouteRecvResponse,
  RouteSendResponse,
  SendmmsgResponse,
  SendmsgResponse,
  SendtoResponse,
  SocketResponse,
  SocketpairResponse,
} from "./gen/rump_net.js";
import type {
  Aiocb,
  DhcpBinding,
  DhcpLease,
  DhcpPool,
  Dirent,
  DirentStat,
  Driver,
  Flock,
  Impairment,
  ImpairmentStat,
  Inpcb,
  Interface,
  IoctlArgs,
  Itimerspec,
  Kevent,
  KinfoFile,
  ModctlLoad,
  ModuleStat,
  MountArgs,
  Msghdr,
  NetCounter,
  NpfAddress,
  NpfConfig,
  NpfConnection,
  NpfCounter,
  NpfRule,
  Pollfd,
  QuotactlArgs,
  Rlimit,
  Rtmsg,
  Sigevent,
  Sockaddr,
  Sockopt,
  Stat,
  Statvfs,
  SysctlNode,
  SysctlValue,
  Timespec,
} from "./gen/rump_types.js";
import type {
  ExtattrGetFdResponse,
  ExtattrGetFileResponse,
  ExtattrGetLinkResponse,
  ExtattrListFdResponse,
  ExtattrListFileResponse,
  ExtattrListLinkResponse,
  ExtattrSetFdResponse,
  ExtattrSetFileResponse,
  ExtattrSetLinkResponse,
  FgetxattrResponse,
  FhopenResponse,
  FhstatResponse,
  Fhstatvfs1Response,
  FlistxattrResponse,
  FstatatResponse,
  Fstatvfs1Response,
  GetcwdResponse,
  GetdentsPackedResponse,
  GetdentsResponse,
  GetdentsStatResponse,
  GetfhResponse,
  GetvfsstatResponse,
  GetxattrResponse,
  LgetxattrResponse,
  ListxattrResponse,
  LlistxattrResponse,
  LseekResponse,
  LstatResponse,
  MountResponse,
  NewfsResponse,
  OpenResponse,
  OpenatResponse,
  PathconfResponse,
  PreadResponse,
  PreadvResponse,
  PwriteResponse,
  PwritevResponse,
  QuotactlResponse,
  ReadlinkResponse,
  ReadlinkatResponse,
  StatResponse,
  Statvfs1Response,
  UmaskResponse,
} from "./gen/rump_vfs.js";

/** One call: an alternative of Call. */
export type OneCall = NonNullable<Call["call"]>;

/** Does one call and gives its response. */
export type Do = (call: OneCall) => Promise<unknown>;

function text(value: string | Uint8Array): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value);
}

/** System calls of a process. */
export class Sys {
  readonly #do: Do;

  constructor(send: Do) {
    this.#do = send;
  }

  /**
   * Reads at most nbyte bytes from the descriptor; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO,
   * EINVAL.
   */
  async read(fd: number, nbyte: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "read", value: { fd, nbyte: BigInt(nbyte) } })) as ReadResponse).data;
  }

  /**
   * Writes data to the descriptor and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC,
   * EDQUOT, EINTR, EIO, EROFS.
   */
  async write(fd: number, data: Uint8Array): Promise<bigint> {
    return ((await this.#do({ $case: "write", value: { fd, data: Buffer.from(data) } })) as WriteResponse).count;
  }

  /**
   * Closes the descriptor. EBADF, EIO.
   */
  async close(fd: number): Promise<void> {
    await this.#do({ $case: "close", value: { fd } });
  }

  /**
   * Process id; the second register has the id of the parent. Cannot fail.
   */
  async getpid(): Promise<GetpidResponse> {
    return (await this.#do({ $case: "getpid", value: {} })) as GetpidResponse;
  }

  /**
   * Sets the user ids. EPERM.
   */
  async setuid(uid: number): Promise<void> {
    await this.#do({ $case: "setuid", value: { uid } });
  }

  /**
   * Real user id; the second register has the effective one. Cannot fail.
   */
  async getuid(): Promise<GetuidResponse> {
    return (await this.#do({ $case: "getuid", value: {} })) as GetuidResponse;
  }

  /**
   * Effective user id. Cannot fail.
   */
  async geteuid(): Promise<number> {
    return ((await this.#do({ $case: "geteuid", value: {} })) as GeteuidResponse).uid;
  }

  /**
   * Id of the parent process. Cannot fail.
   */
  async getppid(): Promise<number> {
    return ((await this.#do({ $case: "getppid", value: {} })) as GetppidResponse).pid;
  }

  /**
   * Second descriptor for the same open object, lowest free number. EBADF, EMFILE.
   */
  async dup(fd: number): Promise<number> {
    return ((await this.#do({ $case: "dup", value: { fd } })) as DupResponse).fd;
  }

  /**
   * Makes a pipe: read end, write end. EMFILE, ENFILE.
   */
  async pipe(): Promise<PipeResponse> {
    return (await this.#do({ $case: "pipe", value: {} })) as PipeResponse;
  }

  /**
   * Effective group id. Cannot fail.
   */
  async getegid(): Promise<number> {
    return ((await this.#do({ $case: "getegid", value: {} })) as GetegidResponse).gid;
  }

  /**
   * Real group id; the second register has the effective one. Cannot fail.
   */
  async getgid(): Promise<GetgidResponse> {
    return (await this.#do({ $case: "getgid", value: {} })) as GetgidResponse;
  }

  /**
   * Login name of the session. Cannot fail.
   */
  async getlogin(): Promise<Buffer> {
    return ((await this.#do({ $case: "getlogin", value: {} })) as GetloginResponse).namebuf;
  }

  /**
   * Sets the login name of the session. EPERM, EINVAL, ENAMETOOLONG.
   */
  async setlogin(namebuf: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "setlogin", value: { namebuf: text(namebuf) } });
  }

  /**
   * Device control; the argument is typed by the command. EBADF, ENOTTY, EINVAL.
   */
  async ioctl(fd: number, com: number | bigint, data?: IoctlArgs): Promise<IoctlResponse> {
    return (await this.#do({ $case: "ioctl", value: { fd, com: BigInt(com), data } })) as IoctlResponse;
  }

  /**
   * Supplementary groups; a size of 0 asks for their number only. EINVAL.
   */
  async getgroups(gidsetsize: number): Promise<GetgroupsResponse> {
    return (await this.#do({ $case: "getgroups", value: { gidsetsize } })) as GetgroupsResponse;
  }

  /**
   * Sets the supplementary groups. EPERM, EINVAL.
   */
  async setgroups(gidset: number[]): Promise<void> {
    await this.#do({ $case: "setgroups", value: { gidset } });
  }

  /**
   * Process group of the caller. Cannot fail.
   */
  async getpgrp(): Promise<number> {
    return ((await this.#do({ $case: "getpgrp", value: {} })) as GetpgrpResponse).pgid;
  }

  /**
   * Sets a process group. EINVAL, EPERM, ESRCH.
   */
  async setpgid(pid: number, pgid: number): Promise<void> {
    await this.#do({ $case: "setpgid", value: { pid, pgid } });
  }

  /**
   * Makes to_fd name the object of from_fd, closing it first. EBADF, EMFILE.
   */
  async dup2(from_fd: number, to_fd: number): Promise<number> {
    return ((await this.#do({ $case: "dup2", value: { from_fd, to_fd } })) as Dup2Response).fd;
  }

  /**
   * Descriptor control, F_*. EBADF, EINVAL, EMFILE, EAGAIN, EDEADLK.
   */
  async fcntl(fd: number, cmd: number, arg?: number | bigint, lock?: Flock): Promise<FcntlResponse> {
    return (await this.#do({ $case: "fcntl", value: { fd, cmd, arg: arg === undefined ? undefined : BigInt(arg), lock } })) as FcntlResponse;
  }

  /**
   * Scatter read; the lengths of the vectors are sent, their bytes come in one piece. As read.
   */
  async readv(fd: number, iov: (number | bigint)[]): Promise<Buffer> {
    return ((await this.#do({ $case: "readv", value: { fd, iov: iov.map(BigInt) } })) as ReadvResponse).data;
  }

  /**
   * Gather write. As write; EINVAL.
   */
  async writev(fd: number, iov: Uint8Array[]): Promise<bigint> {
    return ((await this.#do({ $case: "writev", value: { fd, iov: iov.map((piece) => Buffer.from(piece)) } })) as WritevResponse).count;
  }

  /**
   * Sets real and effective user id; -1 leaves one alone. EPERM.
   */
  async setreuid(ruid: number | bigint, euid: number | bigint): Promise<void> {
    await this.#do({ $case: "setreuid", value: { ruid: BigInt(ruid), euid: BigInt(euid) } });
  }

  /**
   * Sets real and effective group id; -1 leaves one alone. EPERM.
   */
  async setregid(rgid: number | bigint, egid: number | bigint): Promise<void> {
    await this.#do({ $case: "setregid", value: { rgid: BigInt(rgid), egid: BigInt(egid) } });
  }

  /**
   * Whole-file advisory lock, LOCK_*. EBADF, EWOULDBLOCK, EINVAL, EOPNOTSUPP.
   */
  async flock(fd: number, how: number): Promise<void> {
    await this.#do({ $case: "flock", value: { fd, how } });
  }

  /**
   * Makes a session. EPERM.
   */
  async setsid(): Promise<number> {
    return ((await this.#do({ $case: "setsid", value: {} })) as SetsidResponse).sid;
  }

  /**
   * Sets the group ids. EPERM.
   */
  async setgid(gid: number): Promise<void> {
    await this.#do({ $case: "setgid", value: { gid } });
  }

  /**
   * Sets the effective group id. EPERM.
   */
  async setegid(egid: number): Promise<void> {
    await this.#do({ $case: "setegid", value: { egid } });
  }

  /**
   * Sets the effective user id. EPERM.
   */
  async seteuid(euid: number): Promise<void> {
    await this.#do({ $case: "seteuid", value: { euid } });
  }

  /**
   * Configurable limit of an open object, _PC_*. EBADF, EINVAL.
   */
  async fpathconf(fd: number, name: number): Promise<bigint> {
    return ((await this.#do({ $case: "fpathconf", value: { fd, name } })) as FpathconfResponse).value;
  }

  /**
   * Resource limit, RLIMIT_*. EINVAL.
   */
  async getrlimit(which: number): Promise<Rlimit | undefined> {
    return ((await this.#do({ $case: "getrlimit", value: { which } })) as GetrlimitResponse).rlp;
  }

  /**
   * Sets a resource limit. EINVAL, EPERM.
   */
  async setrlimit(which: number, rlp?: Rlimit): Promise<void> {
    await this.#do({ $case: "setrlimit", value: { which, rlp } });
  }

  /**
   * Reads, and with newv sets, a node named by numbers or by path; the last number may be CTL_QUERY, CTL_DESCRIBE,
   * CTL_CREATE or CTL_DESTROY. ENOENT, EPERM, EINVAL, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EOPNOTSUPP.
   */
  async sysctl(name: number[], path: string, newv?: SysctlValue, node?: SysctlNode): Promise<SysctlResponse> {
    return (await this.#do({ $case: "sysctl", value: { name, path, newv, node } })) as SysctlResponse;
  }

  /**
   * Process group of a process. ESRCH.
   */
  async getpgid(pid: number): Promise<number> {
    return ((await this.#do({ $case: "getpgid", value: { pid } })) as GetpgidResponse).pgid;
  }

  /**
   * Halts the kernel, RB_*; answered before it leaves. EPERM.
   */
  async reboot(opt: number, bootstr: string): Promise<void> {
    await this.#do({ $case: "reboot", value: { opt, bootstr } });
  }

  /**
   * Waits until a descriptor is ready, timeout in milliseconds, negative for ever. EINVAL, EINTR.
   */
  async poll(fds: Pollfd[], timeout: number): Promise<PollResponse> {
    return (await this.#do({ $case: "poll", value: { fds, timeout } })) as PollResponse;
  }

  /**
   * Makes a timer. EAGAIN, EINVAL.
   */
  async timer_create(clock_id: number, evp?: Sigevent): Promise<number> {
    return ((await this.#do({ $case: "timer_create", value: { clock_id, evp } })) as TimerCreateResponse).timerid;
  }

  /**
   * Removes a timer. EINVAL.
   */
  async timer_delete(timerid: number): Promise<void> {
    await this.#do({ $case: "timer_delete", value: { timerid } });
  }

  /**
   * Missed expirations of a timer. EINVAL.
   */
  async timer_getoverrun(timerid: number): Promise<number> {
    return ((await this.#do({ $case: "timer_getoverrun", value: { timerid } })) as TimerGetoverrunResponse).overrun;
  }

  /**
   * Module control, MODCTL_*. EPERM, EEXIST, ENOENT, EBUSY, EDEADLK, EMLINK, EINVAL, ENOEXEC, EPROGMISMATCH,
   * EOPNOTSUPP.
   */
  async modctl(cmd: number, load?: ModctlLoad, name?: string, autoload?: boolean): Promise<ModuleStat[]> {
    return ((await this.#do({ $case: "modctl", value: { cmd, load, name, autoload } })) as ModctlResponse).modules;
  }

  /**
   * Session of a process. ESRCH.
   */
  async getsid(pid: number): Promise<number> {
    return ((await this.#do({ $case: "getsid", value: { pid } })) as GetsidResponse).sid;
  }

  /**
   * Traces calls to a descriptor. EBADF, EPERM, ESRCH.
   */
  async fktrace(fd: number, ops: number, facs: number, pid: number): Promise<void> {
    await this.#do({ $case: "fktrace", value: { fd, ops, facs, pid } });
  }

  /**
   * Whether the ids were changed at exec. Cannot fail.
   */
  async issetugid(): Promise<number> {
    return ((await this.#do({ $case: "issetugid", value: {} })) as IssetugidResponse).value;
  }

  /**
   * Writes a record to the trace. EINVAL.
   */
  async utrace(label: string, data: Uint8Array): Promise<void> {
    await this.#do({ $case: "utrace", value: { label, data: Buffer.from(data) } });
  }

  /**
   * Makes an event queue. EMFILE.
   */
  async kqueue(): Promise<number> {
    return ((await this.#do({ $case: "kqueue", value: {} })) as KqueueResponse).fd;
  }

  /**
   * Advice on future use. EBADF, EINVAL, ESPIPE.
   */
  async posix_fadvise(fd: number, offset: number | bigint, len: number | bigint, advice: number): Promise<void> {
    await this.#do({ $case: "posix_fadvise", value: { fd, offset: BigInt(offset), len: BigInt(len), advice } });
  }

  /**
   * Waits until a descriptor of the sets is ready. EBADF, EINVAL, EINTR.
   */
  async select(nd: number, in_fds: number[], out_fds: number[], ex_fds: number[], timeout?: Timespec): Promise<SelectResponse> {
    return (await this.#do({ $case: "select", value: { nd, in_fds, out_fds, ex_fds, timeout } })) as SelectResponse;
  }

  /**
   * Wall clock. Cannot fail.
   */
  async gettimeofday(): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "gettimeofday", value: {} })) as GettimeofdayResponse).tp;
  }

  /**
   * Sets the wall clock of the kernel. EPERM, EINVAL.
   */
  async settimeofday(tp?: Timespec): Promise<void> {
    await this.#do({ $case: "settimeofday", value: { tp } });
  }

  /**
   * Slews the clock. EPERM.
   */
  async adjtime(delta?: Timespec): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "adjtime", value: { delta } })) as AdjtimeResponse).olddelta;
  }

  /**
   * Sets an interval timer. EINVAL.
   */
  async setitimer(which: number, itv?: Itimerspec): Promise<Itimerspec | undefined> {
    return ((await this.#do({ $case: "setitimer", value: { which, itv } })) as SetitimerResponse).oitv;
  }

  /**
   * Reads an interval timer. EINVAL.
   */
  async getitimer(which: number): Promise<Itimerspec | undefined> {
    return ((await this.#do({ $case: "getitimer", value: { which } })) as GetitimerResponse).itv;
  }

  /**
   * Reads a clock, CLOCK_*. EINVAL.
   */
  async clock_gettime(clock_id: number): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "clock_gettime", value: { clock_id } })) as ClockGettimeResponse).tp;
  }

  /**
   * Sets a clock of the kernel. EPERM, EINVAL.
   */
  async clock_settime(clock_id: number, tp?: Timespec): Promise<void> {
    await this.#do({ $case: "clock_settime", value: { clock_id, tp } });
  }

  /**
   * Resolution of a clock. EINVAL.
   */
  async clock_getres(clock_id: number): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "clock_getres", value: { clock_id } })) as ClockGetresResponse).res;
  }

  /**
   * Sleeps for an interval. EINVAL, EINTR.
   */
  async nanosleep(rqtp?: Timespec): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "nanosleep", value: { rqtp } })) as NanosleepResponse).rmtp;
  }

  /**
   * Registers and waits for events. EBADF, EINVAL, ENOENT, EINTR.
   */
  async kevent(fd: number, changelist: Kevent[], nevents: number, timeout?: Timespec): Promise<Kevent[]> {
    return ((await this.#do({ $case: "kevent", value: { fd, changelist, nevents, timeout } })) as KeventResponse).eventlist;
  }

  /**
   * select with a signal mask. EBADF, EINVAL, EINTR.
   */
  async pselect(nd: number, in_fds: number[], out_fds: number[], ex_fds: number[], ts?: Timespec, mask?: number | bigint): Promise<PselectResponse> {
    return (await this.#do({ $case: "pselect", value: { nd, in_fds, out_fds, ex_fds, ts, mask: mask === undefined ? undefined : BigInt(mask) } })) as PselectResponse;
  }

  /**
   * poll with a time and a signal mask. EINVAL, EINTR.
   */
  async pollts(fds: Pollfd[], ts?: Timespec, mask?: number | bigint): Promise<PolltsResponse> {
    return (await this.#do({ $case: "pollts", value: { fds, ts, mask: mask === undefined ? undefined : BigInt(mask) } })) as PolltsResponse;
  }

  /**
   * Attributes of an open object. EBADF, EIO.
   */
  async fstat(fd: number): Promise<Stat | undefined> {
    return ((await this.#do({ $case: "fstat", value: { fd } })) as FstatResponse).sb;
  }

  /**
   * Arms a timer. EINVAL.
   */
  async timer_settime(timerid: number, flags: number, value?: Itimerspec): Promise<Itimerspec | undefined> {
    return ((await this.#do({ $case: "timer_settime", value: { timerid, flags, value } })) as TimerSettimeResponse).ovalue;
  }

  /**
   * Time left of a timer. EINVAL.
   */
  async timer_gettime(timerid: number): Promise<Itimerspec | undefined> {
    return ((await this.#do({ $case: "timer_gettime", value: { timerid } })) as TimerGettimeResponse).value;
  }

  /**
   * pipe with O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE. EINVAL, EMFILE, ENFILE.
   */
  async pipe2(flags: number): Promise<Pipe2Response> {
    return (await this.#do({ $case: "pipe2", value: { flags } })) as Pipe2Response;
  }

  /**
   * dup2 with O_CLOEXEC, O_NONBLOCK. EBADF, EINVAL.
   */
  async dup3(from_fd: number, to_fd: number, flags: number): Promise<number> {
    return ((await this.#do({ $case: "dup3", value: { from_fd, to_fd, flags } })) as Dup3Response).fd;
  }

  /**
   * kqueue with flags. EINVAL, EMFILE.
   */
  async kqueue1(flags: number): Promise<number> {
    return ((await this.#do({ $case: "kqueue1", value: { flags } })) as Kqueue1Response).fd;
  }

  /**
   * Sleeps on a clock, TIMER_ABSTIME. EINVAL, EINTR, EOPNOTSUPP.
   */
  async clock_nanosleep(clock_id: number, flags: number, rqtp?: Timespec): Promise<Timespec | undefined> {
    return ((await this.#do({ $case: "clock_nanosleep", value: { clock_id, flags, rqtp } })) as ClockNanosleepResponse).rmtp;
  }

  /**
   * A semaphore without a name, a descriptor like any other. EINVAL, ENFILE, EMFILE.
   */
  async ksem_init(value: number): Promise<number> {
    return ((await this.#do({ $case: "ksem_init", value: { value } })) as KsemInitResponse).id;
  }

  /**
   * A semaphore with a name, made with O_CREAT, only new with O_EXCL. EINVAL, ENAMETOOLONG, EEXIST, ENOENT,
   * EACCES, ENFILE.
   */
  async ksem_open(name: Uint8Array, oflag: number, mode: number, value: number): Promise<number> {
    return ((await this.#do({ $case: "ksem_open", value: { name: Buffer.from(name), oflag, mode, value } })) as KsemOpenResponse).id;
  }

  /**
   * Frees the name; who has the semaphore open goes on. EINVAL, ENAMETOOLONG, ENOENT, EACCES.
   */
  async ksem_unlink(name: Uint8Array): Promise<void> {
    await this.#do({ $case: "ksem_unlink", value: { name: Buffer.from(name) } });
  }

  /**
   * Closes a semaphore that has a name. EBADF, EINVAL.
   */
  async ksem_close(id: number): Promise<void> {
    await this.#do({ $case: "ksem_close", value: { id } });
  }

  /**
   * Puts the semaphore up by one. EINVAL, EOVERFLOW.
   */
  async ksem_post(id: number): Promise<void> {
    await this.#do({ $case: "ksem_post", value: { id } });
  }

  /**
   * Takes the semaphore down by one, when it is not 0. EINVAL, EINTR.
   */
  async ksem_wait(id: number): Promise<void> {
    await this.#do({ $case: "ksem_wait", value: { id } });
  }

  /**
   * Takes the semaphore down by one. EINVAL, EAGAIN.
   */
  async ksem_trywait(id: number): Promise<void> {
    await this.#do({ $case: "ksem_trywait", value: { id } });
  }

  /**
   * The count of the semaphore. EINVAL.
   */
  async ksem_getvalue(id: number): Promise<number> {
    return ((await this.#do({ $case: "ksem_getvalue", value: { id } })) as KsemGetvalueResponse).value;
  }

  /**
   * Ends a semaphore without a name. EBADF, EINVAL, EBUSY.
   */
  async ksem_destroy(id: number): Promise<void> {
    await this.#do({ $case: "ksem_destroy", value: { id } });
  }

  /**
   * Takes the semaphore down by one, until a moment of CLOCK_REALTIME. EINVAL, EINTR, ETIMEDOUT.
   */
  async ksem_timedwait(id: number, abstime?: Timespec): Promise<void> {
    await this.#do({ $case: "ksem_timedwait", value: { id, abstime } });
  }

  /**
   * Ends requests of a descriptor; what was ended has the error ECANCELED. EBADF.
   */
  async aio_cancel(fildes: number, aiocbp: number | bigint): Promise<number> {
    return ((await this.#do({ $case: "aio_cancel", value: { fildes, aiocbp: BigInt(aiocbp) } })) as AioCancelResponse).result;
  }

  /**
   * How a request is: EINPROGRESS while it is under way, else its error. EINVAL.
   */
  async aio_error(aiocbp: number | bigint): Promise<number> {
    return ((await this.#do({ $case: "aio_error", value: { aiocbp: BigInt(aiocbp) } })) as AioErrorResponse).error;
  }

  /**
   * Begins to write to the disk what the requests so far have written to a file. EAGAIN, EBADF, EINVAL.
   */
  async aio_fsync(op: number, aiocbp?: Aiocb): Promise<void> {
    await this.#do({ $case: "aio_fsync", value: { op, aiocbp } });
  }

  /**
   * Begins to read. EAGAIN, EBADF, EINVAL.
   */
  async aio_read(aiocbp?: Aiocb): Promise<void> {
    await this.#do({ $case: "aio_read", value: { aiocbp } });
  }

  /**
   * The result of a request that is over, once; then the kernel forgets it. EINVAL.
   */
  async aio_return(aiocbp: number | bigint): Promise<AioReturnResponse> {
    return (await this.#do({ $case: "aio_return", value: { aiocbp: BigInt(aiocbp) } })) as AioReturnResponse;
  }

  /**
   * Begins to write. EAGAIN, EBADF, EINVAL.
   */
  async aio_write(aiocbp?: Aiocb): Promise<void> {
    await this.#do({ $case: "aio_write", value: { aiocbp } });
  }

  /**
   * Begins a list of requests, and with LIO_WAIT waits for all of them. EAGAIN, EINVAL, EINTR, EIO for one that
   * failed.
   */
  async lio_listio(mode: number, aiocbs: Aiocb[], sig?: Sigevent): Promise<void> {
    await this.#do({ $case: "lio_listio", value: { mode, aiocbs, sig } });
  }

  /**
   * Waits until one of the requests is over. EAGAIN when the time has passed, EINTR, EINVAL.
   */
  async aio_suspend(aiocbs: (number | bigint)[], timeout?: Timespec): Promise<void> {
    await this.#do({ $case: "aio_suspend", value: { aiocbs: aiocbs.map(BigInt), timeout } });
  }

  /**
   * Opens, and with O_CREAT makes, a file. ENOENT, EEXIST, EACCES, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EMFILE,
   * ENFILE, EROFS, ENXIO, EINVAL, EOPNOTSUPP.
   */
  async open(path: string | Uint8Array, flags: number, mode?: number): Promise<number> {
    return ((await this.#do({ $case: "open", value: { path: text(path), flags, mode } })) as OpenResponse).fd;
  }

  /**
   * Makes a hard link. EEXIST, EXDEV, EPERM, EMLINK, ENOSPC, EROFS.
   */
  async link(path: string | Uint8Array, link: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "link", value: { path: text(path), link: text(link) } });
  }

  /**
   * Removes a name. ENOENT, EPERM, EACCES, EBUSY, EROFS.
   */
  async unlink(path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "unlink", value: { path: text(path) } });
  }

  /**
   * Changes the working directory. ENOENT, ENOTDIR, EACCES.
   */
  async chdir(path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "chdir", value: { path: text(path) } });
  }

  /**
   * Changes the working directory to an open one. EBADF, ENOTDIR, EACCES.
   */
  async fchdir(fd: number): Promise<void> {
    await this.#do({ $case: "fchdir", value: { fd } });
  }

  /**
   * Changes permissions. EPERM, EROFS, EFTYPE.
   */
  async chmod(path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "chmod", value: { path: text(path), mode } });
  }

  /**
   * Changes owner and group; -1 leaves one alone. EPERM, EROFS.
   */
  async chown(path: string | Uint8Array, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "chown", value: { path: text(path), uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * Unmounts a file system, MNT_FORCE. EINVAL, EBUSY, EPERM, EIO.
   */
  async unmount(path: string | Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "unmount", value: { path: text(path), flags } });
  }

  /**
   * Checks accessibility with the real ids. EACCES, ENOENT, EROFS, EINVAL.
   */
  async access(path: string | Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "access", value: { path: text(path), flags } });
  }

  /**
   * Sets file flags. EPERM, EOPNOTSUPP.
   */
  async chflags(path: string | Uint8Array, flags: number | bigint): Promise<void> {
    await this.#do({ $case: "chflags", value: { path: text(path), flags: BigInt(flags) } });
  }

  /**
   * Sets file flags of an open file. EBADF, EPERM, EOPNOTSUPP.
   */
  async fchflags(fd: number, flags: number | bigint): Promise<void> {
    await this.#do({ $case: "fchflags", value: { fd, flags: BigInt(flags) } });
  }

  /**
   * Writes out all file systems. Cannot fail.
   */
  async sync(): Promise<void> {
    await this.#do({ $case: "sync", value: {} });
  }

  /**
   * Traces calls to a file. EPERM, ESRCH, ENOENT.
   */
  async ktrace(fname: string | Uint8Array, ops: number, facs: number, pid: number): Promise<void> {
    await this.#do({ $case: "ktrace", value: { fname: text(fname), ops, facs, pid } });
  }

  /**
   * Takes a device away from its users. EPERM, EINVAL.
   */
  async revoke(path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "revoke", value: { path: text(path) } });
  }

  /**
   * Makes the symbolic link "link" with the text "path". EEXIST, ENAMETOOLONG, ENOSPC, EROFS.
   */
  async symlink(path: string | Uint8Array, link: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "symlink", value: { path: text(path), link: text(link) } });
  }

  /**
   * Text of a symbolic link. EINVAL, ENOENT.
   */
  async readlink(path: string | Uint8Array, count: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "readlink", value: { path: text(path), count: BigInt(count) } })) as ReadlinkResponse).data;
  }

  /**
   * Sets the file creation mask. Cannot fail.
   */
  async umask(newmask: number): Promise<number> {
    return ((await this.#do({ $case: "umask", value: { newmask } })) as UmaskResponse).oldmask;
  }

  /**
   * Changes the root directory. EPERM, ENOENT, ENOTDIR.
   */
  async chroot(path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "chroot", value: { path: text(path) } });
  }

  /**
   * Brings a file to stable storage. EBADF, EIO, ENOSPC.
   */
  async fsync(fd: number): Promise<void> {
    await this.#do({ $case: "fsync", value: { fd } });
  }

  /**
   * chown of an open file. EBADF, EPERM, EROFS.
   */
  async fchown(fd: number, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "fchown", value: { fd, uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * chmod of an open file. EBADF, EPERM, EROFS.
   */
  async fchmod(fd: number, mode: number): Promise<void> {
    await this.#do({ $case: "fchmod", value: { fd, mode } });
  }

  /**
   * Renames. ENOENT, EXDEV, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EBUSY, EROFS.
   */
  async rename(from_path: string | Uint8Array, to_path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "rename", value: { from_path: text(from_path), to_path: text(to_path) } });
  }

  /**
   * Makes a fifo. EEXIST, ENOSPC, EROFS.
   */
  async mkfifo(path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "mkfifo", value: { path: text(path), mode } });
  }

  /**
   * Makes a directory. EEXIST, ENOSPC, EMLINK, EROFS.
   */
  async mkdir(path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "mkdir", value: { path: text(path), mode } });
  }

  /**
   * Removes an empty directory. ENOTEMPTY, EBUSY, EINVAL, EROFS.
   */
  async rmdir(path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "rmdir", value: { path: text(path) } });
  }

  /**
   * read at an offset. As read; ESPIPE, EINVAL.
   */
  async pread(fd: number, nbyte: number | bigint, offset: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "pread", value: { fd, nbyte: BigInt(nbyte), offset: BigInt(offset) } })) as PreadResponse).data;
  }

  /**
   * write at an offset. As write; ESPIPE, EINVAL.
   */
  async pwrite(fd: number, data: Uint8Array, offset: number | bigint): Promise<bigint> {
    return ((await this.#do({ $case: "pwrite", value: { fd, data: Buffer.from(data), offset: BigInt(offset) } })) as PwriteResponse).count;
  }

  /**
   * Configurable limit of a file, _PC_*. EINVAL, ENOENT.
   */
  async pathconf(path: string | Uint8Array, name: number): Promise<bigint> {
    return ((await this.#do({ $case: "pathconf", value: { path: text(path), name } })) as PathconfResponse).value;
  }

  /**
   * Moves the shared offset; SEEK_DATA and SEEK_HOLE too. EBADF, ESPIPE, EINVAL, ENXIO.
   */
  async lseek(fd: number, offset: number | bigint, whence: number): Promise<bigint> {
    return ((await this.#do({ $case: "lseek", value: { fd, offset: BigInt(offset), whence } })) as LseekResponse).offset;
  }

  /**
   * Sets the length of a file. EISDIR, EINVAL, EFBIG, ETXTBSY, EROFS.
   */
  async truncate(path: string | Uint8Array, length: number | bigint): Promise<void> {
    await this.#do({ $case: "truncate", value: { path: text(path), length: BigInt(length) } });
  }

  /**
   * Sets the length of an open file. EBADF, EINVAL, EFBIG.
   */
  async ftruncate(fd: number, length: number | bigint): Promise<void> {
    await this.#do({ $case: "ftruncate", value: { fd, length: BigInt(length) } });
  }

  /**
   * Brings the data of a file to stable storage. EBADF, EIO.
   */
  async fdatasync(fd: number): Promise<void> {
    await this.#do({ $case: "fdatasync", value: { fd } });
  }

  /**
   * rename that does nothing for two links of one file. As rename.
   */
  async posix_rename(from_path: string | Uint8Array, to_path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "posix_rename", value: { from_path: text(from_path), to_path: text(to_path) } });
  }

  /**
   * chmod that does not follow a link. As chmod.
   */
  async lchmod(path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "lchmod", value: { path: text(path), mode } });
  }

  /**
   * chown that does not follow a link. As chown.
   */
  async lchown(path: string | Uint8Array, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "lchown", value: { path: text(path), uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * chown that clears the set-id bits always. As chown.
   */
  async posix_chown(path: string | Uint8Array, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "posix_chown", value: { path: text(path), uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * fchown that clears the set-id bits always. As fchown.
   */
  async posix_fchown(fd: number, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "posix_fchown", value: { fd, uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * lchown that clears the set-id bits always. As lchown.
   */
  async posix_lchown(path: string | Uint8Array, uid: number | bigint, gid: number | bigint): Promise<void> {
    await this.#do({ $case: "posix_lchown", value: { path: text(path), uid: BigInt(uid), gid: BigInt(gid) } });
  }

  /**
   * Scatter read at an offset. As pread.
   */
  async preadv(fd: number, iov: (number | bigint)[], offset: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "preadv", value: { fd, iov: iov.map(BigInt), offset: BigInt(offset) } })) as PreadvResponse).data;
  }

  /**
   * Gather write at an offset. As pwrite.
   */
  async pwritev(fd: number, iov: Uint8Array[], offset: number | bigint): Promise<bigint> {
    return ((await this.#do({ $case: "pwritev", value: { fd, iov: iov.map((piece) => Buffer.from(piece)), offset: BigInt(offset) } })) as PwritevResponse).count;
  }

  /**
   * Path of the working directory. ERANGE, ENOENT, EINVAL.
   */
  async getcwd(length: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "getcwd", value: { length: BigInt(length) } })) as GetcwdResponse).path;
  }

  /**
   * Changes the root directory to an open one. EBADF, EPERM, ENOTDIR.
   */
  async fchroot(fd: number): Promise<void> {
    await this.#do({ $case: "fchroot", value: { fd } });
  }

  /**
   * chflags that does not follow a link. As chflags.
   */
  async lchflags(path: string | Uint8Array, flags: number | bigint): Promise<void> {
    await this.#do({ $case: "lchflags", value: { path: text(path), flags: BigInt(flags) } });
  }

  /**
   * Brings a range of a file to stable storage. EBADF, EINVAL, EIO.
   */
  async fsync_range(fd: number, flags: number, start: number | bigint, length: number | bigint): Promise<void> {
    await this.#do({ $case: "fsync_range", value: { fd, flags, start: BigInt(start), length: BigInt(length) } });
  }

  /**
   * Statistics of all mounts. EINVAL.
   */
  async getvfsstat(flags: number): Promise<Statvfs[]> {
    return ((await this.#do({ $case: "getvfsstat", value: { flags } })) as GetvfsstatResponse).stats;
  }

  /**
   * Statistics of the file system of a path. ENOENT, EACCES.
   */
  async statvfs1(path: string | Uint8Array, flags: number): Promise<Statvfs | undefined> {
    return ((await this.#do({ $case: "statvfs1", value: { path: text(path), flags } })) as Statvfs1Response).buf;
  }

  /**
   * Statistics of the file system of an open file. EBADF.
   */
  async fstatvfs1(fd: number, flags: number): Promise<Statvfs | undefined> {
    return ((await this.#do({ $case: "fstatvfs1", value: { fd, flags } })) as Fstatvfs1Response).buf;
  }

  /**
   * Starts, stops, enables and disables extended attributes that are in files of their own (UFS1). Errors of
   * namei, EPERM, EOPNOTSUPP, EINVAL, EXDEV (the file is elsewhere), ENOENT, EBUSY, EEXIST, ENOATTR.
   */
  async extattrctl(path: string | Uint8Array, cmd: number, filename: string | Uint8Array, attrnamespace: number, attrname: Uint8Array): Promise<void> {
    await this.#do({ $case: "extattrctl", value: { path: text(path), cmd, filename: text(filename), attrnamespace, attrname: Buffer.from(attrname) } });
  }

  /**
   * Sets an extended attribute. EOPNOTSUPP, EPERM, ENOSPC.
   */
  async extattr_set_file(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array, data: Uint8Array): Promise<bigint> {
    return ((await this.#do({ $case: "extattr_set_file", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname), data: Buffer.from(data) } })) as ExtattrSetFileResponse).count;
  }

  /**
   * Reads an extended attribute. ENOATTR, ERANGE.
   */
  async extattr_get_file(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array, nbytes: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "extattr_get_file", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname), nbytes: BigInt(nbytes) } })) as ExtattrGetFileResponse).data;
  }

  /**
   * Removes an extended attribute. ENOATTR.
   */
  async extattr_delete_file(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array): Promise<void> {
    await this.#do({ $case: "extattr_delete_file", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname) } });
  }

  /**
   * extattr_set_file of an open file. EBADF.
   */
  async extattr_set_fd(fd: number, attrnamespace: number, attrname: Uint8Array, data: Uint8Array): Promise<bigint> {
    return ((await this.#do({ $case: "extattr_set_fd", value: { fd, attrnamespace, attrname: Buffer.from(attrname), data: Buffer.from(data) } })) as ExtattrSetFdResponse).count;
  }

  /**
   * extattr_get_file of an open file. EBADF.
   */
  async extattr_get_fd(fd: number, attrnamespace: number, attrname: Uint8Array, nbytes: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "extattr_get_fd", value: { fd, attrnamespace, attrname: Buffer.from(attrname), nbytes: BigInt(nbytes) } })) as ExtattrGetFdResponse).data;
  }

  /**
   * extattr_delete_file of an open file. EBADF.
   */
  async extattr_delete_fd(fd: number, attrnamespace: number, attrname: Uint8Array): Promise<void> {
    await this.#do({ $case: "extattr_delete_fd", value: { fd, attrnamespace, attrname: Buffer.from(attrname) } });
  }

  /**
   * extattr_set_file that does not follow a link.
   */
  async extattr_set_link(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array, data: Uint8Array): Promise<bigint> {
    return ((await this.#do({ $case: "extattr_set_link", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname), data: Buffer.from(data) } })) as ExtattrSetLinkResponse).count;
  }

  /**
   * extattr_get_file that does not follow a link.
   */
  async extattr_get_link(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array, nbytes: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "extattr_get_link", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname), nbytes: BigInt(nbytes) } })) as ExtattrGetLinkResponse).data;
  }

  /**
   * extattr_delete_file that does not follow a link.
   */
  async extattr_delete_link(path: string | Uint8Array, attrnamespace: number, attrname: Uint8Array): Promise<void> {
    await this.#do({ $case: "extattr_delete_link", value: { path: text(path), attrnamespace, attrname: Buffer.from(attrname) } });
  }

  /**
   * Lists extended attributes of an open file. EBADF.
   */
  async extattr_list_fd(fd: number, attrnamespace: number, nbytes: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "extattr_list_fd", value: { fd, attrnamespace, nbytes: BigInt(nbytes) } })) as ExtattrListFdResponse).names;
  }

  /**
   * Lists extended attributes. EOPNOTSUPP.
   */
  async extattr_list_file(path: string | Uint8Array, attrnamespace: number, nbytes: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "extattr_list_file", value: { path: text(path), attrnamespace, nbytes: BigInt(nbytes) } })) as ExtattrListFileResponse).names;
  }

  /**
   * extattr_list_file that does not follow a link.
   */
  async extattr_list_link(path: string | Uint8Array, attrnamespace: number, nbytes: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "extattr_list_link", value: { path: text(path), attrnamespace, nbytes: BigInt(nbytes) } })) as ExtattrListLinkResponse).names;
  }

  /**
   * Sets an attribute, Linux style, XATTR_*. EEXIST, ENOATTR, EOPNOTSUPP.
   */
  async setxattr(path: string | Uint8Array, name: Uint8Array, value: Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "setxattr", value: { path: text(path), name: Buffer.from(name), value: Buffer.from(value), flags } });
  }

  /**
   * setxattr that does not follow a link.
   */
  async lsetxattr(path: string | Uint8Array, name: Uint8Array, value: Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "lsetxattr", value: { path: text(path), name: Buffer.from(name), value: Buffer.from(value), flags } });
  }

  /**
   * setxattr of an open file. EBADF.
   */
  async fsetxattr(fd: number, name: Uint8Array, value: Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "fsetxattr", value: { fd, name: Buffer.from(name), value: Buffer.from(value), flags } });
  }

  /**
   * Reads an attribute, Linux style. ENOATTR, ERANGE.
   */
  async getxattr(path: string | Uint8Array, name: Uint8Array, size: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "getxattr", value: { path: text(path), name: Buffer.from(name), size: BigInt(size) } })) as GetxattrResponse).value;
  }

  /**
   * getxattr that does not follow a link.
   */
  async lgetxattr(path: string | Uint8Array, name: Uint8Array, size: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "lgetxattr", value: { path: text(path), name: Buffer.from(name), size: BigInt(size) } })) as LgetxattrResponse).value;
  }

  /**
   * getxattr of an open file. EBADF.
   */
  async fgetxattr(fd: number, name: Uint8Array, size: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "fgetxattr", value: { fd, name: Buffer.from(name), size: BigInt(size) } })) as FgetxattrResponse).value;
  }

  /**
   * Lists attributes, Linux style. EOPNOTSUPP.
   */
  async listxattr(path: string | Uint8Array, size: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "listxattr", value: { path: text(path), size: BigInt(size) } })) as ListxattrResponse).names;
  }

  /**
   * listxattr that does not follow a link.
   */
  async llistxattr(path: string | Uint8Array, size: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "llistxattr", value: { path: text(path), size: BigInt(size) } })) as LlistxattrResponse).names;
  }

  /**
   * listxattr of an open file. EBADF.
   */
  async flistxattr(fd: number, size: number | bigint): Promise<Buffer[]> {
    return ((await this.#do({ $case: "flistxattr", value: { fd, size: BigInt(size) } })) as FlistxattrResponse).names;
  }

  /**
   * Removes an attribute, Linux style. ENOATTR.
   */
  async removexattr(path: string | Uint8Array, name: Uint8Array): Promise<void> {
    await this.#do({ $case: "removexattr", value: { path: text(path), name: Buffer.from(name) } });
  }

  /**
   * removexattr that does not follow a link.
   */
  async lremovexattr(path: string | Uint8Array, name: Uint8Array): Promise<void> {
    await this.#do({ $case: "lremovexattr", value: { path: text(path), name: Buffer.from(name) } });
  }

  /**
   * removexattr of an open file. EBADF.
   */
  async fremovexattr(fd: number, name: Uint8Array): Promise<void> {
    await this.#do({ $case: "fremovexattr", value: { fd, name: Buffer.from(name) } });
  }

  /**
   * Next entries of an open directory, about count bytes of them; none at its end. EBADF, ENOTDIR, EINVAL.
   */
  async getdents(fd: number, count: number | bigint): Promise<Dirent[]> {
    return ((await this.#do({ $case: "getdents", value: { fd, count: BigInt(count) } })) as GetdentsResponse).entries;
  }

  /**
   * File handle of a file. EPERM, EOPNOTSUPP.
   */
  async getfh(fname: string | Uint8Array): Promise<Buffer> {
    return ((await this.#do({ $case: "getfh", value: { fname: text(fname) } })) as GetfhResponse).fhp;
  }

  /**
   * Opens by file handle. ESTALE, EPERM, EINVAL.
   */
  async fhopen(fhp: Uint8Array, flags: number): Promise<number> {
    return ((await this.#do({ $case: "fhopen", value: { fhp: Buffer.from(fhp), flags } })) as FhopenResponse).fd;
  }

  /**
   * statvfs1 by file handle. ESTALE, EPERM.
   */
  async fhstatvfs1(fhp: Uint8Array, flags: number): Promise<Statvfs | undefined> {
    return ((await this.#do({ $case: "fhstatvfs1", value: { fhp: Buffer.from(fhp), flags } })) as Fhstatvfs1Response).buf;
  }

  /**
   * Mounts a file system; with MNT_GETARGS the arguments of the one that is mounted there. ENODEV, ENOENT,
   * ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
   */
  async mount(type: string, path: string | Uint8Array, flags: number, data?: MountArgs): Promise<MountArgs | undefined> {
    return ((await this.#do({ $case: "mount", value: { type, path: text(path), flags, data } })) as MountResponse).data;
  }

  /**
   * Sets access and modification time; left out: now. EPERM, EACCES, EROFS.
   */
  async utimes(path: string | Uint8Array, atime?: Timespec, mtime?: Timespec): Promise<void> {
    await this.#do({ $case: "utimes", value: { path: text(path), atime, mtime } });
  }

  /**
   * utimes of an open file. EBADF.
   */
  async futimes(fd: number, atime?: Timespec, mtime?: Timespec): Promise<void> {
    await this.#do({ $case: "futimes", value: { fd, atime, mtime } });
  }

  /**
   * utimes that does not follow a link.
   */
  async lutimes(path: string | Uint8Array, atime?: Timespec, mtime?: Timespec): Promise<void> {
    await this.#do({ $case: "lutimes", value: { path: text(path), atime, mtime } });
  }

  /**
   * Attributes of a file. ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
   */
  async stat(path: string | Uint8Array): Promise<Stat | undefined> {
    return ((await this.#do({ $case: "stat", value: { path: text(path) } })) as StatResponse).sb;
  }

  /**
   * stat that does not follow a link.
   */
  async lstat(path: string | Uint8Array): Promise<Stat | undefined> {
    return ((await this.#do({ $case: "lstat", value: { path: text(path) } })) as LstatResponse).sb;
  }

  /**
   * Makes a device node or fifo. EEXIST, EPERM, EINVAL, EROFS.
   */
  async mknod(path: string | Uint8Array, mode: number, dev: number | bigint): Promise<void> {
    await this.#do({ $case: "mknod", value: { path: text(path), mode, dev: BigInt(dev) } });
  }

  /**
   * stat by file handle. ESTALE, EPERM.
   */
  async fhstat(fhp: Uint8Array): Promise<Stat | undefined> {
    return ((await this.#do({ $case: "fhstat", value: { fhp: Buffer.from(fhp) } })) as FhstatResponse).sb;
  }

  /**
   * link relative to directories, AT_SYMLINK_FOLLOW.
   */
  async linkat(fd1: number, name1: string | Uint8Array, fd2: number, name2: string | Uint8Array, flags: number): Promise<void> {
    await this.#do({ $case: "linkat", value: { fd1, name1: text(name1), fd2, name2: text(name2), flags } });
  }

  /**
   * rename relative to directories.
   */
  async renameat(fromfd: number, from_path: string | Uint8Array, tofd: number, to_path: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "renameat", value: { fromfd, from_path: text(from_path), tofd, to_path: text(to_path) } });
  }

  /**
   * mkfifo relative to a directory.
   */
  async mkfifoat(fd: number, path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "mkfifoat", value: { fd, path: text(path), mode } });
  }

  /**
   * mknod relative to a directory.
   */
  async mknodat(fd: number, path: string | Uint8Array, mode: number, dev: number | bigint): Promise<void> {
    await this.#do({ $case: "mknodat", value: { fd, path: text(path), mode, dev: BigInt(dev) } });
  }

  /**
   * mkdir relative to a directory.
   */
  async mkdirat(fd: number, path: string | Uint8Array, mode: number): Promise<void> {
    await this.#do({ $case: "mkdirat", value: { fd, path: text(path), mode } });
  }

  /**
   * access relative to a directory, AT_EACCESS.
   */
  async faccessat(fd: number, path: string | Uint8Array, amode: number, flag: number): Promise<void> {
    await this.#do({ $case: "faccessat", value: { fd, path: text(path), amode, flag } });
  }

  /**
   * chmod relative to a directory, AT_SYMLINK_NOFOLLOW.
   */
  async fchmodat(fd: number, path: string | Uint8Array, mode: number, flag: number): Promise<void> {
    await this.#do({ $case: "fchmodat", value: { fd, path: text(path), mode, flag } });
  }

  /**
   * chown relative to a directory, AT_SYMLINK_NOFOLLOW.
   */
  async fchownat(fd: number, path: string | Uint8Array, owner: number | bigint, group: number | bigint, flag: number): Promise<void> {
    await this.#do({ $case: "fchownat", value: { fd, path: text(path), owner: BigInt(owner), group: BigInt(group), flag } });
  }

  /**
   * stat relative to a directory, AT_SYMLINK_NOFOLLOW.
   */
  async fstatat(fd: number, path: string | Uint8Array, flag: number): Promise<Stat | undefined> {
    return ((await this.#do({ $case: "fstatat", value: { fd, path: text(path), flag } })) as FstatatResponse).buf;
  }

  /**
   * utimes relative to a directory; tv_nsec may be UTIME_NOW or UTIME_OMIT.
   */
  async utimensat(fd: number, path: string | Uint8Array, atime: Timespec | undefined, mtime: Timespec | undefined, flag: number): Promise<void> {
    await this.#do({ $case: "utimensat", value: { fd, path: text(path), atime, mtime, flag } });
  }

  /**
   * open relative to a directory.
   */
  async openat(fd: number, path: string | Uint8Array, oflags: number, mode?: number): Promise<number> {
    return ((await this.#do({ $case: "openat", value: { fd, path: text(path), oflags, mode } })) as OpenatResponse).fd;
  }

  /**
   * readlink relative to a directory.
   */
  async readlinkat(fd: number, path: string | Uint8Array, bufsize: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "readlinkat", value: { fd, path: text(path), bufsize: BigInt(bufsize) } })) as ReadlinkatResponse).data;
  }

  /**
   * symlink relative to a directory.
   */
  async symlinkat(path1: string | Uint8Array, fd: number, path2: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "symlinkat", value: { path1: text(path1), fd, path2: text(path2) } });
  }

  /**
   * unlink or, with AT_REMOVEDIR, rmdir relative to a directory.
   */
  async unlinkat(fd: number, path: string | Uint8Array, flag: number): Promise<void> {
    await this.#do({ $case: "unlinkat", value: { fd, path: text(path), flag } });
  }

  /**
   * futimes with UTIME_NOW and UTIME_OMIT. EBADF.
   */
  async futimens(fd: number, atime?: Timespec, mtime?: Timespec): Promise<void> {
    await this.#do({ $case: "futimens", value: { fd, atime, mtime } });
  }

  /**
   * Quota operations (quotactl(2)), by any path of the file system. Errors of namei, EOPNOTSUPP (no quotas there),
   * ENODEV (none for this idtype), EINVAL, EPERM, ENOENT (nothing is known of the id), EBUSY, ENOSPC, EIO.
   */
  async quotactl(path: string | Uint8Array, args?: QuotactlArgs): Promise<QuotactlArgs | undefined> {
    return ((await this.#do({ $case: "quotactl", value: { path: text(path), args } })) as QuotactlResponse).args;
  }

  /**
   * Makes sure that a range has storage. EBADF, EINVAL, ENOSPC, EOPNOTSUPP.
   */
  async posix_fallocate(fd: number, pos: number | bigint, len: number | bigint): Promise<void> {
    await this.#do({ $case: "posix_fallocate", value: { fd, pos: BigInt(pos), len: BigInt(len) } });
  }

  /**
   * Gives the storage of a range back. EBADF, EINVAL, EOPNOTSUPP.
   */
  async fdiscard(fd: number, pos: number | bigint, len: number | bigint): Promise<void> {
    await this.#do({ $case: "fdiscard", value: { fd, pos: BigInt(pos), len: BigInt(len) } });
  }

  /**
   * Receives a message with its control data. EBADF, ENOTSOCK, EAGAIN, ENOTCONN, EINTR.
   */
  async recvmsg(s: number, len: number | bigint, controllen: number | bigint, flags: number): Promise<Msghdr | undefined> {
    return ((await this.#do({ $case: "recvmsg", value: { s, len: BigInt(len), controllen: BigInt(controllen), flags } })) as RecvmsgResponse).msg;
  }

  /**
   * Sends a message with control data. EBADF, ENOTSOCK, EMSGSIZE, EPIPE, ENOTCONN, EAGAIN.
   */
  async sendmsg(s: number, msg: Msghdr | undefined, flags: number): Promise<bigint> {
    return ((await this.#do({ $case: "sendmsg", value: { s, msg, flags } })) as SendmsgResponse).count;
  }

  /**
   * Receives a message and the address of its sender. As recvmsg.
   */
  async recvfrom(s: number, len: number | bigint, flags?: number): Promise<RecvfromResponse> {
    return (await this.#do({ $case: "recvfrom", value: { s, len: BigInt(len), flags } })) as RecvfromResponse;
  }

  /**
   * Takes a connection from the queue. EBADF, ENOTSOCK, EINVAL, EAGAIN, ECONNABORTED, EMFILE, EOPNOTSUPP.
   */
  async accept(s: number): Promise<AcceptResponse> {
    return (await this.#do({ $case: "accept", value: { s } })) as AcceptResponse;
  }

  /**
   * Address of the peer. EBADF, ENOTSOCK, ENOTCONN.
   */
  async getpeername(s: number): Promise<Sockaddr | undefined> {
    return ((await this.#do({ $case: "getpeername", value: { s } })) as GetpeernameResponse).name;
  }

  /**
   * Address of the socket. EBADF, ENOTSOCK.
   */
  async getsockname(s: number): Promise<Sockaddr | undefined> {
    return ((await this.#do({ $case: "getsockname", value: { s } })) as GetsocknameResponse).name;
  }

  /**
   * Connects a socket. ECONNREFUSED, EISCONN, EINPROGRESS, EALREADY, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT,
   * ENOENT, EPROTOTYPE.
   */
  async connect(s: number, name?: Sockaddr): Promise<void> {
    await this.#do({ $case: "connect", value: { s, name } });
  }

  /**
   * Gives the socket an address. EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EACCES, ENOENT.
   */
  async bind(s: number, name?: Sockaddr): Promise<void> {
    await this.#do({ $case: "bind", value: { s, name } });
  }

  /**
   * Sets an option, SO_* and others. ENOPROTOOPT, EINVAL, EDOM.
   */
  async setsockopt(s: number, level: number, name: number, val?: Sockopt): Promise<void> {
    await this.#do({ $case: "setsockopt", value: { s, level, name, val } });
  }

  /**
   * Makes the socket accept connections. EOPNOTSUPP, EINVAL, EDESTADDRREQ.
   */
  async listen(s: number, backlog: number): Promise<void> {
    await this.#do({ $case: "listen", value: { s, backlog } });
  }

  /**
   * Reads an option. ENOPROTOOPT, EINVAL.
   */
  async getsockopt(s: number, level: number, name: number): Promise<Sockopt | undefined> {
    return ((await this.#do({ $case: "getsockopt", value: { s, level, name } })) as GetsockoptResponse).val;
  }

  /**
   * Sends a message. As sendmsg; EDESTADDRREQ, EISCONN.
   */
  async sendto(s: number, data: Uint8Array, flags?: number, to?: Sockaddr): Promise<bigint> {
    return ((await this.#do({ $case: "sendto", value: { s, data: Buffer.from(data), flags, to } })) as SendtoResponse).count;
  }

  /**
   * Ends one or both directions, SHUT_*. EBADF, ENOTSOCK, ENOTCONN, EINVAL.
   */
  async shutdown(s: number, how: number): Promise<void> {
    await this.#do({ $case: "shutdown", value: { s, how } });
  }

  /**
   * Makes two connected sockets. EAFNOSUPPORT, EOPNOTSUPP, EPROTONOSUPPORT, EMFILE.
   */
  async socketpair(domain: number, type: number, protocol: number): Promise<SocketpairResponse> {
    return (await this.#do({ $case: "socketpair", value: { domain, type, protocol } })) as SocketpairResponse;
  }

  /**
   * Makes a socket. EAFNOSUPPORT, EPROTONOSUPPORT, EPROTOTYPE, EMFILE, EACCES.
   */
  async socket(domain: number, type: number, protocol: number): Promise<number> {
    return ((await this.#do({ $case: "socket", value: { domain, type, protocol } })) as SocketResponse).s;
  }

  /**
   * accept with SOCK_CLOEXEC, SOCK_NONBLOCK and a signal mask.
   */
  async paccept(s: number, mask: number | bigint | undefined, flags: number): Promise<PacceptResponse> {
    return (await this.#do({ $case: "paccept", value: { s, mask: mask === undefined ? undefined : BigInt(mask), flags } })) as PacceptResponse;
  }

  /**
   * Receives several messages. As recvmsg.
   */
  async recvmmsg(s: number, vlen: number, len: number | bigint, flags: number, timeout?: Timespec): Promise<Msghdr[]> {
    return ((await this.#do({ $case: "recvmmsg", value: { s, vlen, len: BigInt(len), flags, timeout } })) as RecvmmsgResponse).msgs;
  }

  /**
   * Sends several messages. As sendmsg.
   */
  async sendmmsg(s: number, msgs: Msghdr[], flags: number): Promise<number> {
    return ((await this.#do({ $case: "sendmmsg", value: { s, msgs, flags } })) as SendmmsgResponse).count;
  }
}

/** Exported kernel functions of a process. */
export class Pub {
  readonly #do: Do;

  constructor(send: Do) {
    this.#do = send;
  }

  /**
   * Sends a signal to a process, to a process group (below -1, 0: the caller's), or to all (-1); 0 only asks.
   * EINVAL, ESRCH, EPERM.
   */
  async kill(pid: number, signo: number): Promise<void> {
    await this.#do({ $case: "kill", value: { pid, signo } });
  }

  /**
   * Sends a signal with a value to one process, as sigqueue(3); 0 only asks. EINVAL, ESRCH, EPERM.
   */
  async sigqueue(pid: number, signo: number, value: number | bigint): Promise<void> {
    await this.#do({ $case: "sigqueue", value: { pid, signo, value: BigInt(value) } });
  }

  /**
   * The signals that the kernel has recorded for the caller (model RECORD), bit signo - 1 each; with take they are
   * forgotten.
   */
  async sigpending(take: boolean): Promise<bigint> {
    return ((await this.#do({ $case: "sigpending", value: { take } })) as SigpendingResponse).set;
  }

  /**
   * Descriptors of all processes (sysctl kern.file2). Cannot fail.
   */
  async file_list(): Promise<KinfoFile[]> {
    return ((await this.#do({ $case: "file_list", value: {} })) as FileListResponse).files;
  }

  /**
   * Initialises installed modules by name (rump_pub_module_init). EEXIST, ENOENT, EDEADLK, EPERM.
   */
  async module_init(names: string[]): Promise<void> {
    await this.#do({ $case: "module_init", value: { names } });
  }

  /**
   * Finishes a module (rump_pub_module_fini). ENOENT, EBUSY, EPERM.
   */
  async module_fini(name: string): Promise<void> {
    await this.#do({ $case: "module_fini", value: { name } });
  }

  /**
   * Ends the process of a component and starts it again, with all it had. ENOENT, EOPNOTSUPP, EPERM, EIO,
   * ETIMEDOUT.
   */
  async component_restart(name: string, crash: boolean, fresh: boolean): Promise<void> {
    await this.#do({ $case: "component_restart", value: { name, crash, fresh } });
  }

  /**
   * Shows a host file in the kernel's name space (rump_pub_etfs_register). EINVAL, EEXIST, ENOENT, ENOTDIR, EBUSY.
   */
  async etfs_register(key: string | Uint8Array, hostpath: string | Uint8Array, type: number): Promise<void> {
    await this.#do({ $case: "etfs_register", value: { key: text(key), hostpath: text(hostpath), type } });
  }

  /**
   * etfs_register of a range; no size: to the end. EINVAL, EEXIST, EISDIR.
   */
  async etfs_register_withsize(key: string | Uint8Array, hostpath: string | Uint8Array, type: number, begin: number | bigint, size?: number | bigint): Promise<void> {
    await this.#do({ $case: "etfs_register_withsize", value: { key: text(key), hostpath: text(hostpath), type, begin: BigInt(begin), size: size === undefined ? undefined : BigInt(size) } });
  }

  /**
   * Takes a host file back (rump_pub_etfs_remove). ENOENT, EBUSY.
   */
  async etfs_remove(key: string | Uint8Array): Promise<void> {
    await this.#do({ $case: "etfs_remove", value: { key: text(key) } });
  }

  /**
   * Makes a new file system on a block device, filled with the tree of a directory if there is a source; how many
   * bytes of the device that takes. EPERM, ENODEV, EOPNOTSUPP, ENOTBLK, EBUSY, EINVAL, ENOTDIR, ENOSPC, EROFS,
   * EIO.
   */
  async newfs(type: string, fspec: string | Uint8Array, options: { [key: string]: string }, source: string | Uint8Array): Promise<bigint> {
    return ((await this.#do({ $case: "newfs", value: { type, fspec: text(fspec), options, source: text(source) } })) as NewfsResponse).used;
  }

  /**
   * Next entries of an open directory, about count bytes of them and at most 1,024, with what fstatat gives for
   * each of them, links not being followed (as READDIRPLUS of RFC 1813); none at its end. EBADF, ENOTDIR, EINVAL.
   */
  async getdents_stat(fd: number, count: number | bigint): Promise<DirentStat[]> {
    return ((await this.#do({ $case: "getdents_stat", value: { fd, count: BigInt(count) } })) as GetdentsStatResponse).entries;
  }

  /**
   * The same as records one behind another, for those who read some of them only. Little endian, without gaps:
   * length of the name (16 bits), d_type (8), whether there are attributes (8), d_fileno, d_off (64 each); the
   * attributes in the order of Stat, with st_mode, st_nlink, st_uid, st_gid, st_blksize, st_flags and st_gen in 32
   * bits, the others in 64; the name. EBADF, ENOTDIR, EINVAL.
   */
  async getdents_packed(fd: number, count: number | bigint): Promise<Buffer> {
    return ((await this.#do({ $case: "getdents_packed", value: { fd, count: BigInt(count) } })) as GetdentsPackedResponse).entries;
  }

  /**
   * Makes an interface by cloning. EEXIST, EINVAL, ENXIO.
   */
  async netconfig_ifcreate(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifcreate", value: { ifname } });
  }

  /**
   * Removes a cloned interface. ENXIO, EINVAL.
   */
  async netconfig_ifdestroy(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifdestroy", value: { ifname } });
  }

  /**
   * Brings an interface up. ENXIO.
   */
  async netconfig_ifup(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifup", value: { ifname } });
  }

  /**
   * Takes an interface down. ENXIO.
   */
  async netconfig_ifdown(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifdown", value: { ifname } });
  }

  /**
   * Sets the bus of an shmif interface. ENXIO, EBUSY, EINVAL, ENOEXEC.
   */
  async netconfig_ifsetlinkstr(ifname: string, linkstr: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifsetlinkstr", value: { ifname, linkstr } });
  }

  /**
   * Adds a member to a bridge. ENXIO, EEXIST, EBUSY.
   */
  async netconfig_bradd(bridge: string, ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_bradd", value: { bridge, ifname } });
  }

  /**
   * Removes a member of a bridge. ENXIO, ENOENT.
   */
  async netconfig_brdel(bridge: string, ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_brdel", value: { bridge, ifname } });
  }

  /**
   * Adds an IPv4 address. ENXIO, EINVAL, EEXIST.
   */
  async netconfig_ipv4_ifaddr(ifname: string, addr: string, mask: string): Promise<void> {
    await this.#do({ $case: "netconfig_ipv4_ifaddr", value: { ifname, addr, mask } });
  }

  /**
   * Adds an IPv4 address with a prefix length. ENXIO, EINVAL, EEXIST.
   */
  async netconfig_ipv4_ifaddr_cidr(ifname: string, addr: string, prefixlen: number): Promise<void> {
    await this.#do({ $case: "netconfig_ipv4_ifaddr_cidr", value: { ifname, addr, prefixlen } });
  }

  /**
   * Adds an IPv6 address. ENXIO, EINVAL, EEXIST.
   */
  async netconfig_ipv6_ifaddr(ifname: string, addr: string, prefixlen: number): Promise<void> {
    await this.#do({ $case: "netconfig_ipv6_ifaddr", value: { ifname, addr, prefixlen } });
  }

  /**
   * Sets the default route. EINVAL, ENETUNREACH, EEXIST.
   */
  async netconfig_ipv4_gw(addr: string): Promise<void> {
    await this.#do({ $case: "netconfig_ipv4_gw", value: { addr } });
  }

  /**
   * Sets the IPv6 default route. EINVAL, ENETUNREACH, EEXIST.
   */
  async netconfig_ipv6_gw(addr: string): Promise<void> {
    await this.#do({ $case: "netconfig_ipv6_gw", value: { addr } });
  }

  /**
   * Gets one lease by DHCP. ENXIO, ETIMEDOUT.
   */
  async netconfig_dhcp_ipv4_oneshot(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_dhcp_ipv4_oneshot", value: { ifname } });
  }

  /**
   * Accepts router advertisements. ENXIO.
   */
  async netconfig_auto_ipv6(ifname: string): Promise<void> {
    await this.#do({ $case: "netconfig_auto_ipv6", value: { ifname } });
  }

  /**
   * Interfaces with their flags and addresses. ENXIO.
   */
  async netconfig_ifaddrs(ifname?: string): Promise<Interface[]> {
    return ((await this.#do({ $case: "netconfig_ifaddrs", value: { ifname } })) as NetconfigIfaddrsResponse).interfaces;
  }

  /**
   * Replaces the packet filter's configuration; connections stay. EINVAL says which rule is wrong; E2BIG.
   */
  async npf_load(config?: NpfConfig): Promise<void> {
    await this.#do({ $case: "npf_load", value: { config } });
  }

  /**
   * The configuration with the counters of its rules, and whether the filter is active.
   */
  async npf_config_get(): Promise<NpfConfigGetResponse> {
    return (await this.#do({ $case: "npf_config_get", value: {} })) as NpfConfigGetResponse;
  }

  /**
   * Begins or ends filtering. Ending forgets all connections.
   */
  async npf_switch(active: boolean): Promise<void> {
    await this.#do({ $case: "npf_switch", value: { active } });
  }

  /**
   * Forgets the configuration and all connections.
   */
  async npf_flush(): Promise<void> {
    await this.#do({ $case: "npf_flush", value: {} });
  }

  /**
   * The connections that the filter knows.
   */
  async npf_connections(): Promise<NpfConnection[]> {
    return ((await this.#do({ $case: "npf_connections", value: {} })) as NpfConnectionsResponse).connections;
  }

  /**
   * What the filter has counted.
   */
  async npf_stats(): Promise<NpfCounter[]> {
    return ((await this.#do({ $case: "npf_stats", value: {} })) as NpfStatsResponse).counters;
  }

  /**
   * Commands on a table: add, remove, test (ENOENT when there is no match), list, flush. ESRCH, EEXIST, ENOENT,
   * EINVAL, EPERM for const.
   */
  async npf_table(table: string, command: string, entry?: NpfAddress): Promise<NpfAddress[]> {
    return ((await this.#do({ $case: "npf_table", value: { table, command, entry } })) as NpfTableResponse).entries;
  }

  /**
   * Adds a rule to a dynamic group and gives its number. ESRCH, EINVAL, ENOSPC.
   */
  async npf_rule_add(group: string, rule?: NpfRule): Promise<bigint> {
    return ((await this.#do({ $case: "npf_rule_add", value: { group, rule } })) as NpfRuleAddResponse).id;
  }

  /**
   * Removes a rule from a dynamic group. ESRCH, ENOENT.
   */
  async npf_rule_remove(group: string, id: number | bigint): Promise<void> {
    await this.#do({ $case: "npf_rule_remove", value: { group, id: BigInt(id) } });
  }

  /**
   * Gets a lease for an interface by DHCP, and keeps it. ENXIO, EBUSY when it has one or asks for one, EINVAL for
   * interfaces other than Ethernets.
   */
  async dhcp_start(ifname: string, hostname: string): Promise<void> {
    await this.#do({ $case: "dhcp_start", value: { ifname, hostname } });
  }

  /**
   * Asks for more time for a lease at once. ENXIO, ENOENT when there is none.
   */
  async dhcp_renew(ifname: string): Promise<void> {
    await this.#do({ $case: "dhcp_renew", value: { ifname } });
  }

  /**
   * Stops keeping a lease; release gives it back, and takes the address away. ENXIO, ENOENT.
   */
  async dhcp_stop(ifname: string, release: boolean): Promise<void> {
    await this.#do({ $case: "dhcp_stop", value: { ifname, release } });
  }

  /**
   * The leases of all interfaces.
   */
  async dhcp_leases(): Promise<DhcpLease[]> {
    return ((await this.#do({ $case: "dhcp_leases", value: {} })) as DhcpLeasesResponse).leases;
  }

  /**
   * Leases addresses on an interface. ENXIO, EBUSY, EADDRNOTAVAIL when it has no address, EINVAL.
   */
  async dhcpd_start(ifname: string, pool?: DhcpPool): Promise<void> {
    await this.#do({ $case: "dhcpd_start", value: { ifname, pool } });
  }

  /**
   * Ends leasing on an interface, and forgets the bindings. ENXIO, ENOENT.
   */
  async dhcpd_stop(ifname: string): Promise<void> {
    await this.#do({ $case: "dhcpd_stop", value: { ifname } });
  }

  /**
   * What the server of an interface has leased. ENXIO, ENOENT.
   */
  async dhcpd_bindings(ifname: string): Promise<DhcpBinding[]> {
    return ((await this.#do({ $case: "dhcpd_bindings", value: { ifname } })) as DhcpdBindingsResponse).bindings;
  }

  /**
   * Answers questions to port 53 with what these servers say (IPv4 or IPv6 addresses); none ends it. EADDRINUSE,
   * EINVAL.
   */
  async dns_forward(servers: Uint8Array[]): Promise<void> {
    await this.#do({ $case: "dns_forward", value: { servers: servers.map((piece) => Buffer.from(piece)) } });
  }

  /**
   * Takes an address of either family away. ENXIO, EINVAL, EADDRNOTAVAIL.
   */
  async netconfig_ifaddrdel(ifname: string, addr: string): Promise<void> {
    await this.#do({ $case: "netconfig_ifaddrdel", value: { ifname, addr } });
  }

  /**
   * Writes to a routing socket: changes the table, or asks it (RTM_GET). EEXIST, ESRCH, ENETUNREACH, EINVAL,
   * EACCES.
   */
  async route_send(s: number, msg?: Rtmsg): Promise<Rtmsg | undefined> {
    return ((await this.#do({ $case: "route_send", value: { s, msg } })) as RouteSendResponse).msg;
  }

  /**
   * Reads the next message of a routing socket. EAGAIN.
   */
  async route_recv(s: number, flags: number): Promise<Rtmsg | undefined> {
    return ((await this.#do({ $case: "route_recv", value: { s, flags } })) as RouteRecvResponse).msg;
  }

  /**
   * The tables, as sysctl net.route gives them: op is NET_RT_DUMP (all routes), NET_RT_FLAGS (those with the flags
   * in arg; RTF_LLDATA for ARP and neighbour discovery), NET_RT_IFLIST (interfaces, arg is an index or 0). EINVAL.
   */
  async route_dump(family: number, op: number, arg: number): Promise<Rtmsg[]> {
    return ((await this.#do({ $case: "route_dump", value: { family, op, arg } })) as RouteDumpResponse).msgs;
  }

  /**
   * Sockets of the Internet domains (sysctl net.inet.*.pcblist). Cannot fail.
   */
  async net_pcblist(): Promise<Inpcb[]> {
    return ((await this.#do({ $case: "net_pcblist", value: {} })) as NetPcblistResponse).pcbs;
  }

  /**
   * What the protocols have counted (sysctl net.*.stats). Cannot fail.
   */
  async net_counters(): Promise<NetCounter[]> {
    return ((await this.#do({ $case: "net_counters", value: {} })) as NetCountersResponse).counters;
  }

  /**
   * Routers and prefixes of IPv6 (sysctl net.inet6.icmp6.nd6_drlist, nd6_prlist). EAFNOSUPPORT.
   */
  async nd_list(): Promise<NdListResponse> {
    return (await this.#do({ $case: "nd_list", value: {} })) as NdListResponse;
  }

  /**
   * Makes the link of an interface worse, for what it sends; without settings, as good as before. ENXIO, EINVAL,
   * EOPNOTSUPP.
   */
  async netconfig_ifimpair(ifname: string, settings?: Impairment): Promise<void> {
    await this.#do({ $case: "netconfig_ifimpair", value: { ifname, settings } });
  }

  /**
   * What became of the frames since then. ENXIO, ENOENT when it is not impaired.
   */
  async netconfig_ifimpairstat(ifname: string): Promise<ImpairmentStat | undefined> {
    return ((await this.#do({ $case: "netconfig_ifimpairstat", value: { ifname } })) as NetconfigIfimpairstatResponse).stat;
  }

  /**
   * Writes what an interface sends and receives to a new file of the host (pcapng), or ends that when the path is
   * empty; gives the number of packets written by the capture that ended. ENXIO, EEXIST, EBUSY, errors of the
   * host.
   */
  async netconfig_ifcapture(ifname: string, hostpath: string | Uint8Array, snaplen?: number): Promise<bigint> {
    return ((await this.#do({ $case: "netconfig_ifcapture", value: { ifname, hostpath: text(hostpath), snaplen } })) as NetconfigIfcaptureResponse).packets;
  }

  /**
   * Opens the packet filter (/dev/bpf): BIOC* ioctls, read, write, close. EPERM, ENFILE.
   */
  async bpf_open(): Promise<number> {
    return ((await this.#do({ $case: "bpf_open", value: {} })) as BpfOpenResponse).fd;
  }

  /**
   * Device drivers with their major numbers and units.
   */
  async dev_list(): Promise<Driver[]> {
    return ((await this.#do({ $case: "dev_list", value: {} })) as DevListResponse).drivers;
  }

  /**
   * Gives a memory disk its storage (ioctl MD_SETCONF). EBUSY, EINVAL, ENOMEM.
   */
  async md_create(unit: number, size: number | bigint): Promise<void> {
    await this.#do({ $case: "md_create", value: { unit, size: BigInt(size) } });
  }

  /**
   * Takes the storage of a memory disk back. ENXIO, EBUSY.
   */
  async md_destroy(unit: number): Promise<void> {
    await this.#do({ $case: "md_destroy", value: { unit } });
  }
}
