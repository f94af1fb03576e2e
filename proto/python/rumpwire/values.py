"""Structures of the contract as plain Python values.

Generated from proto/*.proto by tools/codegen; do not edit.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from rumpwire._mixins import StatTimes


class Timespec(NamedTuple):
    """A time or an interval."""

    tv_sec: int = 0
    tv_nsec: int = 0


class Itimerspec(NamedTuple):
    it_interval: Timespec | None = None
    it_value: Timespec | None = None


class _Stat(NamedTuple):
    """Attributes of a file. Times are nanoseconds since 1970, rdev and dev NetBSD device numbers."""

    st_dev: int = 0
    st_mode: int = 0
    st_ino: int = 0
    st_nlink: int = 0
    st_uid: int = 0
    st_gid: int = 0
    st_rdev: int = 0
    st_atime_ns: int = 0
    st_mtime_ns: int = 0
    st_ctime_ns: int = 0
    st_birthtime_ns: int = 0
    st_size: int = 0
    st_blocks: int = 0
    st_blksize: int = 0
    st_flags: int = 0
    st_gen: int = 0


class Stat(StatTimes, _Stat):
    """Attributes of a file, with the times in seconds too."""

    __slots__ = ()


class Statvfs(NamedTuple):
    """Statistics of a mounted file system; block counts are in units of f_frsize."""

    f_flag: int = 0
    f_bsize: int = 0
    f_frsize: int = 0
    f_iosize: int = 0
    f_blocks: int = 0
    f_bfree: int = 0
    f_bavail: int = 0
    f_bresvd: int = 0
    f_files: int = 0
    f_ffree: int = 0
    f_favail: int = 0
    f_fresvd: int = 0
    f_fsid: int = 0
    f_namemax: int = 0
    f_owner: int = 0
    f_fstypename: str = ""
    f_mntonname: bytes = b""
    f_mntfromname: bytes = b""


class Dirent(NamedTuple):
    """One entry of a directory. d_off is the place to go on behind it."""

    d_fileno: int = 0
    d_type: int = 0
    d_name: bytes = b""
    d_off: int = 0


class Rlimit(NamedTuple):
    rlim_cur: int = 0
    rlim_max: int = 0


class Flock(NamedTuple):
    """A byte range lock of fcntl."""

    l_start: int = 0
    l_len: int = 0
    l_pid: int = 0
    l_type: int = 0
    l_whence: int = 0


class Pollfd(NamedTuple):
    fd: int = 0
    events: int = 0
    revents: int = 0


class Kevent(NamedTuple):
    ident: int = 0
    filter: int = 0
    flags: int = 0
    fflags: int = 0
    data: int = 0
    udata: int = 0


class Sigevent(NamedTuple):
    sigev_notify: int = 0
    sigev_signo: int = 0
    sigev_value: int = 0


class SockaddrUn(NamedTuple):
    """A local-domain address: a path in the kernel's name space; empty when the socket has none."""

    sun_path: bytes = b""


class SockaddrIn(NamedTuple):
    """An IPv4 address (4 bytes, network order) and port."""

    sin_addr: bytes = b""
    sin_port: int = 0


class SockaddrIn6(NamedTuple):
    """An IPv6 address (16 bytes, network order), port, flow and scope."""

    sin6_addr: bytes = b""
    sin6_port: int = 0
    sin6_flowinfo: int = 0
    sin6_scope_id: int = 0


class SockaddrDl(NamedTuple):
    """A link-level address."""

    sdl_index: int = 0
    sdl_type: int = 0
    sdl_name: str = ""
    sdl_addr: bytes = b""


Sockaddr: TypeAlias = SockaddrUn | SockaddrIn | SockaddrIn6 | SockaddrDl


class Linger(NamedTuple):
    l_onoff: int = 0
    l_linger: int = 0


class TcpInfo(NamedTuple):
    """What is known of a TCP connection (TCP_INFO). Times are microseconds, windows bytes."""

    tcpi_state: int = 0
    tcpi_ca_state: int = 0
    tcpi_retransmits: int = 0
    tcpi_probes: int = 0
    tcpi_backoff: int = 0
    tcpi_options: int = 0
    tcpi_snd_wscale: int = 0
    tcpi_rcv_wscale: int = 0
    tcpi_rto: int = 0
    tcpi_snd_mss: int = 0
    tcpi_rcv_mss: int = 0
    tcpi_unacked: int = 0
    tcpi_sacked: int = 0
    tcpi_lost: int = 0
    tcpi_retrans: int = 0
    tcpi_pmtu: int = 0
    tcpi_last_data_sent: int = 0
    tcpi_last_data_recv: int = 0
    tcpi_rtt: int = 0
    tcpi_rttvar: int = 0
    tcpi_min_rtt: int = 0
    tcpi_snd_ssthresh: int = 0
    tcpi_snd_cwnd: int = 0
    tcpi_advmss: int = 0
    tcpi_reordering: int = 0
    tcpi_rcv_space: int = 0
    tcpi_snd_wnd: int = 0
    tcpi_snd_nxt: int = 0
    tcpi_rcv_nxt: int = 0
    tcpi_total_retrans: int = 0
    tcpi_bytes_acked: int = 0
    tcpi_bytes_received: int = 0
    tcpi_notsent_bytes: int = 0


class SockoptInteger(NamedTuple):
    """A Sockopt that is integer."""

    integer: int = 0


class SockoptRaw(NamedTuple):
    """A Sockopt that is raw."""

    raw: bytes = b""


Sockopt: TypeAlias = SockoptInteger | Linger | Timespec | SockoptRaw | TcpInfo


class Cmsg(NamedTuple):
    """One piece of control data. SCM_RIGHTS carries descriptors, the others bytes."""

    cmsg_level: int = 0
    cmsg_type: int = 0
    data: bytes = b""
    rights: list[int] = []


class Msghdr(NamedTuple):
    msg_name: Sockaddr | None = None
    data: bytes = b""
    control: list[Cmsg] = []
    msg_flags: int = 0


class SysctlValueInteger(NamedTuple):
    """A SysctlValue that is integer."""

    integer: int = 0


class SysctlValueQuad(NamedTuple):
    """A SysctlValue that is quad."""

    quad: int = 0


class SysctlValueText(NamedTuple):
    """A SysctlValue that is text."""

    text: str = ""


class SysctlValueBoolean(NamedTuple):
    """A SysctlValue that is boolean."""

    boolean: bool = False


class SysctlValueRaw(NamedTuple):
    """A SysctlValue that is raw."""

    raw: bytes = b""


SysctlValue: TypeAlias = SysctlValueInteger | SysctlValueQuad | SysctlValueText | SysctlValueBoolean | SysctlValueRaw


class SysctlNode(NamedTuple):
    """One node of the sysctl tree, as CTL_QUERY lists it."""

    number: int = 0
    name: str = ""
    type: int = 0
    flags: int = 0
    size: int = 0
    description: str = ""


class ModctlLoad(NamedTuple):
    """The argument of modctl's MODCTL_LOAD."""

    filename: str = ""
    flags: int = 0
    props: dict[str, str] = {}


class ModuleStat(NamedTuple):
    """One row of the module table. Class and source as text: "vfs", "driver", "misc"; "builtin", "filesys", "upload"."""

    name: str = ""
    class_name: str = ""
    source: str = ""
    flags: int = 0
    refcnt: int = 0
    size: int = 0
    requires: list[str] = []
    faction: str = ""
    version: str = ""


class TmpfsArgs(NamedTuple):
    size_max: int = 0
    nodes_max: int = 0
    root_uid: int = 0
    root_gid: int = 0
    root_mode: int | None = None


class DiskArgs(NamedTuple):
    """A file system on a disk."""

    fspec: bytes = b""


class OptionArgs(NamedTuple):
    """Arguments of file systems that have no record of their own: options by name."""

    fspec: bytes = b""
    options: dict[str, str] = {}


MountArgs: TypeAlias = TmpfsArgs | DiskArgs | OptionArgs


class VndIoctl(NamedTuple):
    """VNDIOCSET, VNDIOCCLR: a file as the disk of a vnd. vnd_size is an answer: bytes."""

    vnd_file: bytes = b""
    vnd_flags: int = 0
    vnd_size: int = 0


class VndUser(NamedTuple):
    """VNDIOCGET: what a unit stands on. vnu_ino is 0 where the unit is free."""

    vnu_unit: int = 0
    vnu_dev: int = 0
    vnu_ino: int = 0
    vnu_file: bytes = b""


class CgdIoctl(NamedTuple):
    """CGDIOCSET, CGDIOCCLR: a disk, cipher and key. ci_keylen and ci_blocksize (of the cipher) are in bits, 0 for what the algorithm has; ci_secsize is what is enciphered at once, in bytes, 0 for 512. ci_size is an answer: bytes."""

    ci_disk: bytes = b""
    ci_flags: int = 0
    ci_size: int = 0
    ci_alg: str = ""
    ci_ivmethod: str = ""
    ci_keylen: int = 0
    ci_key: bytes = b""
    ci_blocksize: int = 0
    ci_secsize: int = 0


class CgdUser(NamedTuple):
    """CGDIOCGET. cgu_alg is empty where the unit is free; cgu_blocksize is in bytes, cgu_keylen in bits."""

    cgu_unit: int = 0
    cgu_dev: int = 0
    cgu_alg: str = ""
    cgu_blocksize: int = 0
    cgu_mode: int = 0
    cgu_keylen: int = 0
    cgu_disk: bytes = b""
    cgu_secsize: int = 0


class RaidConfig(NamedTuple):
    """RAIDFRAME_CONFIGURE. A component that is missing is the name "absent". force takes disks whose labels do not agree."""

    level: int = 0
    sect_per_su: int = 0
    devnames: list[bytes] = []
    spare_names: list[bytes] = []
    force: bool = False


class RaidComponent(NamedTuple):
    """Names a component, by column or by name."""

    column: int = 0
    component_name: bytes = b""


class RaidReconReq(NamedTuple):
    """RAIDFRAME_FAIL_DISK. flags: RF_FDFLAGS_RECON to rebuild to a spare at once."""

    col: int = 0
    flags: int = 0


class RaidProgress(NamedTuple):
    """How far a rebuild or a rewriting of parity is, in stripes. All 0 when none runs."""

    remaining: int = 0
    completed: int = 0
    total: int = 0


class RaidDisk(NamedTuple):
    """One disk of a set. status: optimal, failed, reconstructing, spare, used_spare."""

    devname: bytes = b""
    status: str = ""
    size: int = 0


class RaidInfo(NamedTuple):
    """RAIDFRAME_GET_INFO. cols is 0 where the unit is free."""

    level: int = 0
    sect_per_su: int = 0
    cols: int = 0
    size: int = 0
    serial: int = 0
    clean: bool = False
    devs: list[RaidDisk] = []
    spares: list[RaidDisk] = []


class IoctlArgsInteger(NamedTuple):
    """A IoctlArgs that is integer."""

    integer: int = 0


class IoctlArgsRaw(NamedTuple):
    """A IoctlArgs that is raw."""

    raw: bytes = b""


class IoctlArgsText(NamedTuple):
    """A IoctlArgs that is text."""

    text: str = ""


IoctlArgs: TypeAlias = IoctlArgsInteger | IoctlArgsRaw | IoctlArgsText | VndIoctl | VndUser | CgdIoctl | CgdUser | RaidConfig | RaidComponent | RaidReconReq | RaidProgress | RaidInfo


class QuotactlArgs(NamedTuple):
    """A quota operation."""

    op: int = 0
    idtype: int = 0
    id: int = 0
    objtype: int = 0
    hardlimit: int = 0
    softlimit: int = 0
    usage: int = 0
    expiretime: int = 0
    grace: int = 0


class InterfaceAddress(NamedTuple):
    addr: Sockaddr | None = None
    prefixlen: int = 0
    broadaddr: Sockaddr | None = None


class Interface(NamedTuple):
    name: str = ""
    ifindex: int = 0
    flags: int = 0
    mtu: int = 0
    lladdr: bytes = b""
    addresses: list[InterfaceAddress] = []


class Driver(NamedTuple):
    """A device driver and its units."""

    name: str = ""
    bmajor: int = 0
    cmajor: int = 0
    units: list[str] = []


class Credentials(NamedTuple):
    """Credentials of a process."""

    uid: int = 0
    euid: int = 0
    svuid: int = 0
    gid: int = 0
    egid: int = 0
    svgid: int = 0
    groups: list[int] = []


class ProcessInfo(NamedTuple):
    pid: int = 0
    ppid: int = 0
    comm: str = ""
    cred: Credentials | None = None


class SysctlExport(NamedTuple):
    """A node that a faction offers to the tree. Its value is asked for when somebody reads it."""

    path: str = ""
    type: int = 0
    flags: int = 0
    description: str = ""
    number: list[int] = []


class GetpidResult(NamedTuple):
    """What getpid gives."""

    pid: int = 0
    ppid: int = 0


class GetuidResult(NamedTuple):
    """What getuid gives."""

    uid: int = 0
    euid: int = 0


class PipeResult(NamedTuple):
    """What pipe gives."""

    rfd: int = 0
    wfd: int = 0


class GetgidResult(NamedTuple):
    """What getgid gives."""

    gid: int = 0
    egid: int = 0


class IoctlResult(NamedTuple):
    """What ioctl gives."""

    value: int = 0
    data: IoctlArgs | None = None


class GetgroupsResult(NamedTuple):
    """What getgroups gives."""

    ngroups: int = 0
    gidset: list[int] = []


class FcntlResult(NamedTuple):
    """What fcntl gives."""

    value: int = 0
    lock: Flock | None = None


class SysctlResult(NamedTuple):
    """What __sysctl gives."""

    oldv: SysctlValue | None = None
    nodes: list[SysctlNode] = []


class PollResult(NamedTuple):
    """What poll gives."""

    nready: int = 0
    fds: list[Pollfd] = []


class SelectResult(NamedTuple):
    """What select gives."""

    nready: int = 0
    in_fds: list[int] = []
    out_fds: list[int] = []
    ex_fds: list[int] = []


class PselectResult(NamedTuple):
    """What pselect gives."""

    nready: int = 0
    in_fds: list[int] = []
    out_fds: list[int] = []
    ex_fds: list[int] = []


class PolltsResult(NamedTuple):
    """What pollts gives."""

    nready: int = 0
    fds: list[Pollfd] = []


class Pipe2Result(NamedTuple):
    """What pipe2 gives."""

    rfd: int = 0
    wfd: int = 0


class RecvfromResult(NamedTuple):
    """What recvfrom gives."""

    data: bytes = b""
    from_addr: Sockaddr | None = None


class AcceptResult(NamedTuple):
    """What accept gives."""

    s: int = 0
    name: Sockaddr | None = None


class SocketpairResult(NamedTuple):
    """What socketpair gives."""

    s1: int = 0
    s2: int = 0


class PacceptResult(NamedTuple):
    """What paccept gives."""

    s: int = 0
    name: Sockaddr | None = None


class FileReadResult(NamedTuple):
    """What file_read gives."""

    data: bytes = b""
    size: int = 0


class DiskTakeResult(NamedTuple):
    """What disk_take gives."""

    handle: int = 0
    hostpath: bytes = b""
    begin: int = 0
    size: int = 0
    rdev: int = 0
    readonly: bool = False
    dev: int = 0
    ino: int = 0


class DevMapResult(NamedTuple):
    """What dev_map gives."""

    hostpath: bytes = b""
    size: int = 0
    begin: int = 0
    file: int = 0
