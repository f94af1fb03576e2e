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


class DirentStat(NamedTuple):
    """An entry of a directory with the attributes of its file; without them where fstatat fails, or cannot answer at once."""

    entry: Dirent | None = None
    st: Stat | None = None


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


class MemoryHeld(NamedTuple):
    """What an identity of a policy holds of a kind: pipes, sockets, aio, replies."""

    subject: str = ""
    kind: str = ""
    bytes: int = 0


class Siginfo(NamedTuple):
    """What comes with a signal (siginfo(2))."""

    si_signo: int = 0
    si_code: int = 0
    si_pid: int = 0
    si_uid: int = 0
    si_value: int = 0
    si_band: int = 0


class Aiocb(NamedTuple):
    """A request of asynchronous I/O. What is written is in it; what was read is in the answer of aio_return."""

    aiocbp: int = 0
    aio_fildes: int = 0
    aio_offset: int = 0
    aio_buf: bytes = b""
    aio_nbytes: int = 0
    aio_reqprio: int = 0
    aio_lio_opcode: int = 0
    aio_sigevent: Sigevent | None = None


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
    tcpi_delivered: int = 0


class Mreq(NamedTuple):
    """IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP and their opposites: a group (4 or 16 bytes), and the interface by address or index; neither for the one that the route says. A raw ip_mreq or ipv6_mreq will do as well."""

    multiaddr: bytes = b""
    interface: bytes = b""
    ifindex: int = 0


class Unpcbid(NamedTuple):
    """LOCAL_PEEREID: who connected, or listens, at the other end of a local socket."""

    unp_pid: int = 0
    unp_euid: int = 0
    unp_egid: int = 0


class SockoptInteger(NamedTuple):
    """A Sockopt that is integer."""

    integer: int = 0


class SockoptRaw(NamedTuple):
    """A Sockopt that is raw."""

    raw: bytes = b""


Sockopt: TypeAlias = SockoptInteger | Linger | Timespec | SockoptRaw | Mreq | Unpcbid | TcpInfo


class Sockcred(NamedTuple):
    """SCM_CREDS: who sent a message."""

    sc_pid: int = 0
    sc_uid: int = 0
    sc_euid: int = 0
    sc_gid: int = 0
    sc_egid: int = 0
    sc_groups: list[int] = []


CmsgValue: TypeAlias = Sockcred | Timespec


class Cmsg(NamedTuple):
    """One piece of control data: descriptors (SCM_RIGHTS), a typed value, or else bytes."""

    cmsg_level: int = 0
    cmsg_type: int = 0
    data: bytes = b""
    rights: list[int] = []
    value: CmsgValue | None = None


class Msghdr(NamedTuple):
    msg_name: Sockaddr | None = None
    data: bytes = b""
    control: list[Cmsg] = []
    msg_flags: int = 0


class KinfoProc(NamedTuple):
    """A process (kinfo_proc2 of sysctl kern.proc2). Effective, real and saved ids; the login name of its session."""

    p_pid: int = 0
    p_ppid: int = 0
    p_pgid: int = 0
    p_sid: int = 0
    p_comm: str = ""
    p_uid: int = 0
    p_gid: int = 0
    p_ruid: int = 0
    p_rgid: int = 0
    p_svuid: int = 0
    p_svgid: int = 0
    p_groups: list[int] = []
    p_login: bytes = b""
    p_siglist: int = 0


class SysctlProcs(NamedTuple):
    """kern.proc, kern.proc2."""

    procs: list[KinfoProc] = []


class KinfoFile(NamedTuple):
    """A descriptor of a process (kinfo_file of sysctl kern.file2), and whose object it is: that of a component, by its handle."""

    ki_pid: int = 0
    comm: str = ""
    ki_uid: int = 0
    ki_fd: int = 0
    component: str = ""
    handle: int = 0


class SysctlFiles(NamedTuple):
    """kern.file, kern.file2."""

    files: list[KinfoFile] = []


class Inpcb(NamedTuple):
    """A socket of the Internet domains, as netstat shows it. state is the TCP state's name, empty for others."""

    protocol: str = ""
    local: Sockaddr | None = None
    foreign: Sockaddr | None = None
    recvq: int = 0
    sendq: int = 0
    state: str = ""
    handle: int = 0


class SysctlPcbs(NamedTuple):
    """net.*.pcblist. Written to net.inet.tcp.ident and drop: one that has the two ends of a connection."""

    pcbs: list[Inpcb] = []


class NetCounter(NamedTuple):
    """A counter of a protocol, as netstat -s shows it."""

    protocol: str = ""
    name: str = ""
    value: int = 0


class SysctlCounters(NamedTuple):
    """What is counted: net.*.stats, kern.evcnt, hw.iostats and their kin."""

    counters: list[NetCounter] = []


class InterfaceAddress(NamedTuple):
    addr: Sockaddr | None = None
    prefixlen: int = 0
    broadaddr: Sockaddr | None = None
    dstaddr: Sockaddr | None = None
    flags: int = 0
    vltime: int = 0
    pltime: int = 0


class Interface(NamedTuple):
    name: str = ""
    ifindex: int = 0
    flags: int = 0
    mtu: int = 0
    lladdr: bytes = b""
    addresses: list[InterfaceAddress] = []


class Ifdata(NamedTuple):
    """SIOCGIFDATA, SIOCZIFDATA: what an interface has counted. link_state: LINK_STATE_*."""

    ifdr_name: str = ""
    type: int = 0
    link_state: int = 0
    mtu: int = 0
    metric: int = 0
    baudrate: int = 0
    ipackets: int = 0
    ierrors: int = 0
    opackets: int = 0
    oerrors: int = 0
    collisions: int = 0
    ibytes: int = 0
    obytes: int = 0
    imcasts: int = 0
    omcasts: int = 0
    iqdrops: int = 0
    noproto: int = 0


class Rtmsg(NamedTuple):
    """A message of the routing socket (route(4)) and of its dumps. Which fields it has, rtm_type (RTM_*) decides: ADD, DELETE, CHANGE, GET, MISS, REDIRECT are about a route; IFINFO, IFANNOUNCE, NEWADDR, DELADDR, CHGADDR about an interface. With RTF_LLDATA it is an entry of ARP or neighbour discovery, whose gateway is a SockaddrDl."""

    rtm_type: int = 0
    rtm_flags: int = 0
    rtm_index: int = 0
    rtm_pid: int = 0
    rtm_seq: int = 0
    rtm_errno: int = 0
    rtm_use: int = 0
    dst: Sockaddr | None = None
    prefixlen: int = 0
    gateway: Sockaddr | None = None
    ifname: str = ""
    ifa: Sockaddr | None = None
    author: Sockaddr | None = None
    rmx_mtu: int = 0
    rmx_expire: int = 0
    interface: Interface | None = None
    address: InterfaceAddress | None = None
    data: Ifdata | None = None
    what: int = 0


class SysctlRoutes(NamedTuple):
    """net.route.rtable, net.sdl."""

    routes: list[Rtmsg] = []


class NdRouter(NamedTuple):
    """A router that neighbour discovery has heard of. expire: seconds that are left; preference: -1, 0, 1."""

    addr: Sockaddr | None = None
    ifname: str = ""
    expire: int = 0
    flags: int = 0
    preference: int = 0


class SysctlRouters(NamedTuple):
    """net.inet6.icmp6.nd6_drlist."""

    routers: list[NdRouter] = []


class NdPrefix(NamedTuple):
    """A prefix that a router has advertised, or that an address of ours has. Lifetimes: seconds that are left, 0 for ever."""

    prefix: Sockaddr | None = None
    prefixlen: int = 0
    ifname: str = ""
    vltime: int = 0
    pltime: int = 0
    onlink: bool = False
    autonomous: bool = False


class SysctlPrefixes(NamedTuple):
    """net.inet6.icmp6.nd6_prlist."""

    prefixes: list[NdPrefix] = []


class SysctlTexts(NamedTuple):
    """kern.proc_args."""

    texts: list[bytes] = []


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


SysctlValue: TypeAlias = SysctlValueInteger | SysctlValueQuad | SysctlValueText | SysctlValueBoolean | SysctlValueRaw | SysctlProcs | SysctlFiles | SysctlPcbs | SysctlCounters | SysctlRoutes | SysctlRouters | SysctlPrefixes | SysctlTexts


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


class Termios(NamedTuple):
    """TIOCGETA, TIOCSETA, TIOCSETAW, TIOCSETAF: what a terminal does with what goes through it (termios(4)), by NetBSD's numbers."""

    c_iflag: int = 0
    c_oflag: int = 0
    c_cflag: int = 0
    c_lflag: int = 0
    c_cc: bytes = b""
    c_ispeed: int = 0
    c_ospeed: int = 0


class Winsize(NamedTuple):
    """TIOCGWINSZ, TIOCSWINSZ."""

    ws_row: int = 0
    ws_col: int = 0
    ws_xpixel: int = 0
    ws_ypixel: int = 0


class Ptmget(NamedTuple):
    """TIOCPTMGET: a new pair of terminals, opened (cfd: the controlling side) and by name. TIOCPTSNAME: the names alone, cfd and sfd are -1. unit is the number of the pair."""

    cfd: int = 0
    sfd: int = 0
    cn: bytes = b""
    sn: bytes = b""
    unit: int = 0


class DevListArgs(NamedTuple):
    """DRVLISTDEV: the children of a device, those of the root where devname is empty. childname is an answer."""

    devname: str = ""
    childname: list[str] = []


class DevDetachArgs(NamedTuple):
    """DRVDETACHDEV."""

    devname: str = ""


class DevRescanArgs(NamedTuple):
    """DRVRESCANBUS."""

    busname: str = ""
    ifattr: str = ""


class DevPmArgs(NamedTuple):
    """DRVSUSPENDDEV, DRVRESUMEDEV."""

    devname: str = ""
    flags: int = 0


class DevCommand(NamedTuple):
    """DRVCTLCOMMAND. command: get-properties. properties is an answer, by name."""

    command: str = ""
    device_name: str = ""
    properties: dict[str, str] = {}


class Ifreq(NamedTuple):
    """Interface requests about one thing: an address (ifr_addr, also for masks and link-level ones), a number (flags, metric, mtu, index, media, capabilities) or a text (SIOCSLINKSTR, SIOCGLINKSTR)."""

    ifr_name: str = ""
    ifr_addr: Sockaddr | None = None
    ifr_value: int = 0
    ifr_text: str = ""


class Ifaliasreq(NamedTuple):
    """SIOCAIFADDR, SIOCDIFADDR, SIOCGIFALIAS and their _IN6 forms: an address of an interface. Lifetimes are seconds, 0 for ever (ND6_INFINITE_LIFETIME as well); ifra_flags are IN6_IFF_*."""

    ifra_name: str = ""
    ifra_addr: Sockaddr | None = None
    ifra_prefixlen: int = 0
    ifra_dstaddr: Sockaddr | None = None
    ifra_broadaddr: Sockaddr | None = None
    ifra_flags: int = 0
    ifra_vltime: int = 0
    ifra_pltime: int = 0


class Ifconf(NamedTuple):
    """SIOCGIFCONF: all interfaces with their addresses."""

    interfaces: list[Interface] = []


class Ifclonereq(NamedTuple):
    """SIOCIFGCLONERS: the kinds of interfaces that can be created."""

    cloners: list[str] = []


class Ifmediareq(NamedTuple):
    """SIOCGIFMEDIA: IFM_* words."""

    ifm_name: str = ""
    ifm_current: int = 0
    ifm_mask: int = 0
    ifm_status: int = 0
    ifm_active: int = 0
    ifm_ulist: list[int] = []


class Nbrinfo(NamedTuple):
    """SIOCGNBRINFO_IN6: what is known of a neighbour. state: ND6_LLINFO_*; expire: seconds from now, 0 for never."""

    ifname: str = ""
    addr: Sockaddr | None = None
    asked: int = 0
    isrouter: bool = False
    state: int = 0
    expire: int = 0
    lladdr: SockaddrDl | None = None


class Ndireq(NamedTuple):
    """SIOCGIFINFO_IN6, SIOCSIFINFO_IN6: neighbour discovery on an interface. Times are milliseconds; flags: ND6_IFF_*."""

    ifname: str = ""
    linkmtu: int = 0
    basereachable: int = 0
    reachable: int = 0
    retrans: int = 0
    flags: int = 0
    chlim: int = 0


class BridgeMember(NamedTuple):
    """A member of a bridge. flags: IFBIF_*; blocked: seconds for which it is left out, since it closed a loop."""

    ifname: str = ""
    flags: int = 0
    blocked: int = 0


class BridgeAddr(NamedTuple):
    """An address that a bridge has learned, or was told of (IFBAF_STATIC). expire: seconds that are left."""

    addr: bytes = b""
    ifname: str = ""
    flags: int = 0
    expire: int = 0


class BridgeReq(NamedTuple):
    """SIOCSDRVSPEC, SIOCGDRVSPEC for a bridge: what is asked, or to be done, is ifd_cmd (BRDG*). value: entries (BRDGSCACHE), seconds (BRDGSTO), or the seconds that an address stays (BRDGSADDR; 0 for ever)."""

    ifd_name: str = ""
    ifd_cmd: int = 0
    member: str = ""
    flags: int = 0
    addr: bytes = b""
    value: int = 0
    members: list[BridgeMember] = []
    addrs: list[BridgeAddr] = []


class VlanReq(NamedTuple):
    """SIOCSETVLAN, SIOCGETVLAN: an empty parent detaches."""

    ifname: str = ""
    vlr_tag: int = 0
    vlr_parent: str = ""


class IfPhyAddr(NamedTuple):
    """SIOCSLIFPHYADDR, SIOCGLIFPHYADDR, SIOCDIFPHYADDR: the ends of a tunnel."""

    iflr_name: str = ""
    addr: Sockaddr | None = None
    dstaddr: Sockaddr | None = None


class LaggReq(NamedTuple):
    """SIOCSLAGG, SIOCGLAGG: ports in the order in which they are preferred, and LAGG_PROTO_*. The active ones are an answer."""

    ifname: str = ""
    proto: int = 0
    ports: list[str] = []
    active: list[str] = []


class BpfInsn(NamedTuple):
    code: int = 0
    jt: int = 0
    jf: int = 0
    k: int = 0


class BpfProgram(NamedTuple):
    """BIOCSETF: a program of the packet filter's machine (bpf(4))."""

    insns: list[BpfInsn] = []


class BpfStat(NamedTuple):
    """BIOCGSTATS: packets that came, that did not fit, that the filter took."""

    bs_recv: int = 0
    bs_drop: int = 0
    bs_capt: int = 0


class BpfDltlist(NamedTuple):
    """BIOCGDLTLIST: DLT_*."""

    bfl_list: list[int] = []


class WgAllowedIp(NamedTuple):
    addr: bytes = b""
    prefixlen: int = 0


class WgPeer(NamedTuple):
    """A peer. Its preshared key may be empty, its endpoint is where it was heard of last. persistent_keepalive: after so many seconds in which nothing came or went it is told that we are there, 0 for never."""

    name: str = ""
    public_key: bytes = b""
    preshared_key: bytes = b""
    endpoint: Sockaddr | None = None
    allowed_ips: list[WgAllowedIp] = []
    last_handshake_sec: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    persistent_keepalive: int = 0


class WgReq(NamedTuple):
    """SIOCSDRVSPEC and SIOCGDRVSPEC of a tunnel of WireGuard (wg(4)). ifd_cmd: WG_IOCTL_*; peers: all that there are for WG_IOCTL_GET, the one that is meant for others."""

    ifd_name: str = ""
    ifd_cmd: int = 0
    private_key: bytes = b""
    listen_port: int = 0
    peers: list[WgPeer] = []


class IoctlArgsInteger(NamedTuple):
    """A IoctlArgs that is integer."""

    integer: int = 0


class IoctlArgsRaw(NamedTuple):
    """A IoctlArgs that is raw."""

    raw: bytes = b""


class IoctlArgsText(NamedTuple):
    """A IoctlArgs that is text."""

    text: str = ""


IoctlArgs: TypeAlias = IoctlArgsInteger | IoctlArgsRaw | IoctlArgsText | VndIoctl | VndUser | CgdIoctl | CgdUser | RaidConfig | RaidComponent | RaidReconReq | RaidProgress | RaidInfo | Termios | Winsize | Ptmget | DevListArgs | DevDetachArgs | DevRescanArgs | DevPmArgs | DevCommand | Ifreq | Ifaliasreq | Ifconf | Ifclonereq | Ifmediareq | Ifdata | Nbrinfo | Ndireq | BridgeReq | VlanReq | IfPhyAddr | LaggReq | BpfProgram | BpfStat | BpfDltlist | WgReq


class Impairment(NamedTuple):
    """How a link is impaired. Times are nanoseconds, chances parts of a million. burst: frames that are lost in a row on average, 0 or 1 for single ones. limit: frames under way at most, 0 for 1000. rate_bps: 0 for no bound."""

    delay_ns: int = 0
    jitter_ns: int = 0
    loss_ppm: int = 0
    burst: int = 0
    duplicate_ppm: int = 0
    corrupt_ppm: int = 0
    reorder_ppm: int = 0
    rate_bps: int = 0
    limit: int = 0
    seed: int = 0


class ImpairmentStat(NamedTuple):
    """What became of the frames of an impaired link."""

    settings: Impairment | None = None
    passed: int = 0
    lost: int = 0
    dropped: int = 0
    duplicated: int = 0
    corrupted: int = 0
    reordered: int = 0


class QuotaKey(NamedTuple):
    """What a quota is about: whose (idtype QUOTA_IDTYPE_*; id, QUOTA_DEFAULTID for who has none) and of what (objtype QUOTA_OBJTYPE_*)."""

    idtype: int = 0
    id: int = 0
    objtype: int = 0


class QuotaValue(NamedTuple):
    """Limits and use: blocks of 512 bytes, or files; QUOTA_NOLIMIT where there is no limit. expiretime is when the soft limit becomes a hard one (seconds since 1970, QUOTA_NOTIME while it is not exceeded); grace is for how long it may be (seconds)."""

    hardlimit: int = 0
    softlimit: int = 0
    usage: int = 0
    expiretime: int = 0
    grace: int = 0


class QuotaEntry(NamedTuple):
    key: QuotaKey | None = None
    value: QuotaValue | None = None


class QuotaCursor(NamedTuple):
    """Where a walk over all quotas is: the key that comes next, and the idtypes that are left out, as bits. at_end: there is no next one."""

    next: QuotaKey | None = None
    skipped: int = 0
    at_end: bool = False


class QuotactlArgs(NamedTuple):
    """A quota operation (QUOTACTL_*) and its answer. GET, PUT, DEL: idtype, id, objtype; PUT also hardlimit, softlimit and grace. IDTYPESTAT, OBJTYPESTAT, QUOTAON, QUOTAOFF: idtype or objtype. STAT answers with name, numidtypes, numobjtypes and restrictions, the other STATs with name and isbytes. CURSOR*: cursor, which the answer has as it is afterwards; CURSORGET: maxnum, and the answer has entries; CURSORSKIPIDTYPE: idtype."""

    op: int = 0
    idtype: int = 0
    id: int = 0
    objtype: int = 0
    hardlimit: int = 0
    softlimit: int = 0
    usage: int = 0
    expiretime: int = 0
    grace: int = 0
    name: str = ""
    numidtypes: int = 0
    numobjtypes: int = 0
    restrictions: int = 0
    isbytes: bool = False
    cursor: QuotaCursor | None = None
    maxnum: int = 0
    entries: list[QuotaEntry] = []


class NpfPorts(NamedTuple):
    """Ports, both ends included."""

    first: int = 0
    last: int = 0


class NpfAddress(NamedTuple):
    """One of: a network; the entries of a table; the addresses that an interface has when the packet comes, of one version of IP or of both (0)."""

    addr: bytes = b""
    prefixlen: int = 0
    table: str = ""
    ifname: str = ""
    version: int = 0


class NpfEnd(NamedTuple):
    """One side of a packet. No addresses are any address, no ports any port."""

    addresses: list[NpfAddress] = []
    negate: bool = False
    ports: list[NpfPorts] = []


class NpfFilter(NamedTuple):
    """Which packets are meant. version is that of IP, 0 for both; no protocols are any."""

    version: int = 0
    protocols: list[int] = []
    source: NpfEnd | None = None
    destination: NpfEnd | None = None
    tcp_flags: int = 0
    tcp_mask: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None


class NpfRule(NamedTuple):
    """A rule. direction: in, out, or nothing for both. stateful: nothing, "interface" (connections pass on the interface where they began) or "all". answer, of rules that block: nothing, "rst", "icmp" or "any" (what fits the protocol). packets and bytes are counted by the kernel."""

    id: int = 0
    permit: bool = False
    direction: str = ""
    final: bool = False
    ifname: str = ""
    stateful: str = ""
    answer: str = ""
    filter: NpfFilter | None = None
    procedure: str = ""
    packets: int = 0
    bytes: int = 0


class NpfGroup(NamedTuple):
    """Rules that are looked at for packets of one interface and direction. dynamic: rules are added and removed while it is active."""

    name: str = ""
    ifname: str = ""
    direction: str = ""
    dynamic: bool = False
    rules: list[NpfRule] = []


class NpfMap(NamedTuple):
    """Translates addresses. direction: "out" rewrites the sources of packets that leave by the interface, "in" the destinations of packets that come in. dynamic: connections get ports; static: addresses are exchanged one for one, both ways where direction is "both". algorithm, of static ones: nothing or "netmap" for networks of the same size, "npt66" (RFC 6296). translation_ports are those to translate to; without them those of the packet stay where they are free."""

    id: int = 0
    ifname: str = ""
    direction: str = ""
    static: bool = False
    algorithm: str = ""
    filter: NpfFilter | None = None
    translation: NpfAddress | None = None
    translation_ports: NpfPorts | None = None


class NpfTable(NamedTuple):
    """kind: ipset (single addresses), lpm (networks), const (cannot be changed)."""

    name: str = ""
    kind: str = ""
    entries: list[NpfAddress] = []


class NpfProcedure(NamedTuple):
    """What is done to packets that pass by a rule: copied to an interface where bpf sees them, and made normal."""

    name: str = ""
    log_ifname: str = ""
    min_ttl: int = 0
    max_mss: int = 0
    no_df: bool = False
    random_id: bool = False


class NpfConfig(NamedTuple):
    """Groups are looked at in order; the last one, without a name, is the default group."""

    tables: list[NpfTable] = []
    procedures: list[NpfProcedure] = []
    maps: list[NpfMap] = []
    groups: list[NpfGroup] = []
    params: dict[str, str] = {}


class NpfConnection(NamedTuple):
    """A connection that the filter knows. state is that of TCP, or "active"."""

    protocol: int = 0
    source: Sockaddr | None = None
    destination: Sockaddr | None = None
    translated: Sockaddr | None = None
    ifname: str = ""
    state: str = ""
    expires: int = 0
    packets: int = 0


class NpfCounter(NamedTuple):
    name: str = ""
    value: int = 0


class DhcpLease(NamedTuple):
    """A lease that an interface has or asks for. state: init, selecting, requesting, bound, renewing, rebinding. expires is in seconds from now, 0 for a lease that does not end."""

    ifname: str = ""
    state: str = ""
    addr: bytes = b""
    prefixlen: int = 0
    server: bytes = b""
    routers: list[bytes] = []
    dns: list[bytes] = []
    domain: bytes = b""
    expires: int = 0


class DhcpHost(NamedTuple):
    """A client that always gets the same address."""

    lladdr: bytes = b""
    addr: bytes = b""


class DhcpPool(NamedTuple):
    """What a server leases, from first to last, and what it tells besides. The mask is that of the interface's address. lease is in seconds, 0 for one hour; no router is the interface's own address."""

    first: bytes = b""
    last: bytes = b""
    lease: int = 0
    router: bytes = b""
    dns: list[bytes] = []
    domain: bytes = b""
    hosts: list[DhcpHost] = []


class DhcpBinding(NamedTuple):
    """An address that a server has leased. expires is in seconds from now."""

    addr: bytes = b""
    lladdr: bytes = b""
    hostname: bytes = b""
    expires: int = 0


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
    limited: bool = False
    actions: bytes = b""
    subject: str = ""


class ProcessInfo(NamedTuple):
    pid: int = 0
    ppid: int = 0
    comm: str = ""
    cred: Credentials | None = None


class KnoteSpec(NamedTuple):
    """What is to be watched: an object by handle, or a part of another kqueue. ident is what the client calls it by."""

    ident: int = 0
    object: int = 0
    queue: int = 0
    filter: int = 0
    flags: int = 0
    fflags: int = 0
    data: int = 0
    udata: int = 0


class SysctlExport(NamedTuple):
    """A node that a faction offers to the tree. Its value is asked for when somebody reads it."""

    path: str = ""
    type: int = 0
    flags: int = 0
    description: str = ""
    number: list[int] = []


class RightsHolder(NamedTuple):
    """The descriptors in messages that wait in a socket, or in connections that it has not accepted yet."""

    socket: int = 0
    tokens: list[int] = []


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


class AioReturnResult(NamedTuple):
    """What aio_return gives."""

    retval: int = 0
    buf: bytes = b""


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


class NpfConfigGetResult(NamedTuple):
    """What npf_config_get gives."""

    config: NpfConfig | None = None
    active: bool = False


class NdListResult(NamedTuple):
    """What nd_list gives."""

    routers: list[NdRouter] = []
    prefixes: list[NdPrefix] = []


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


class HandlesKeptResult(NamedTuple):
    """What handles_kept gives."""

    handles: list[int] = []
    directories: list[int] = []
