"""NetBSD's constants, by their names in the headers. The wire carries these; SDKs translate to the host's."""

from __future__ import annotations

from typing import Final

# fcntl.h
O_RDONLY: Final = 0x0
O_WRONLY: Final = 0x1
O_RDWR: Final = 0x2
O_ACCMODE: Final = 0x3
O_NONBLOCK: Final = 0x4
O_APPEND: Final = 0x8
O_SHLOCK: Final = 0x10
O_EXLOCK: Final = 0x20
O_ASYNC: Final = 0x40
O_SYNC: Final = 0x80
O_NOFOLLOW: Final = 0x100
O_CREAT: Final = 0x200
O_TRUNC: Final = 0x400
O_EXCL: Final = 0x800
O_NOCTTY: Final = 0x8000
O_DSYNC: Final = 0x10000
O_RSYNC: Final = 0x20000
O_ALT_IO: Final = 0x40000
O_DIRECT: Final = 0x80000
O_DIRECTORY: Final = 0x200000
O_CLOEXEC: Final = 0x400000
O_SEARCH: Final = 0x800000
O_NOSIGPIPE: Final = 0x1000000
FDATASYNC: Final = 0x10
FFILESYNC: Final = 0x20
FDISKSYNC: Final = 0x40

AT_FDCWD: Final = -100
AT_EACCESS: Final = 0x100
AT_SYMLINK_NOFOLLOW: Final = 0x200
AT_SYMLINK_FOLLOW: Final = 0x400
AT_REMOVEDIR: Final = 0x800

F_DUPFD: Final = 0
F_GETFD: Final = 1
F_SETFD: Final = 2
F_GETFL: Final = 3
F_SETFL: Final = 4
F_GETOWN: Final = 5
F_SETOWN: Final = 6
F_GETLK: Final = 7
F_SETLK: Final = 8
F_SETLKW: Final = 9
F_CLOSEM: Final = 10
F_MAXFD: Final = 11
F_DUPFD_CLOEXEC: Final = 12
F_GETNOSIGPIPE: Final = 13
F_SETNOSIGPIPE: Final = 14
FD_CLOEXEC: Final = 1
F_RDLCK: Final = 1
F_UNLCK: Final = 2
F_WRLCK: Final = 3
LOCK_SH: Final = 1
LOCK_EX: Final = 2
LOCK_NB: Final = 4
LOCK_UN: Final = 8

# unistd.h
SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2
SEEK_DATA: Final = 3
SEEK_HOLE: Final = 4
F_OK: Final = 0
X_OK: Final = 1
W_OK: Final = 2
R_OK: Final = 4
PC_LINK_MAX: Final = 1
PC_MAX_CANON: Final = 2
PC_MAX_INPUT: Final = 3
PC_NAME_MAX: Final = 4
PC_PATH_MAX: Final = 5
PC_PIPE_BUF: Final = 6
PC_CHOWN_RESTRICTED: Final = 7
PC_NO_TRUNC: Final = 8
PC_VDISABLE: Final = 9
PC_SYNC_IO: Final = 10
PC_FILESIZEBITS: Final = 11
PC_SYMLINK_MAX: Final = 12
PC_2_SYMLINKS: Final = 13

# sys/stat.h
S_IFMT: Final = 0o170000
S_IFIFO: Final = 0o010000
S_IFCHR: Final = 0o020000
S_IFDIR: Final = 0o040000
S_IFBLK: Final = 0o060000
S_IFREG: Final = 0o100000
S_IFLNK: Final = 0o120000
S_IFSOCK: Final = 0o140000
S_IFWHT: Final = 0o160000
S_ISUID: Final = 0o4000
S_ISGID: Final = 0o2000
S_ISVTX: Final = 0o1000
UF_NODUMP: Final = 0x1
UF_IMMUTABLE: Final = 0x2
UF_APPEND: Final = 0x4
UF_OPAQUE: Final = 0x8
SF_ARCHIVED: Final = 0x10000
SF_IMMUTABLE: Final = 0x20000
SF_APPEND: Final = 0x40000
UTIME_NOW: Final = (1 << 30) - 1
UTIME_OMIT: Final = (1 << 30) - 2

# dirent.h
DT_UNKNOWN: Final = 0
DT_FIFO: Final = 1
DT_CHR: Final = 2
DT_DIR: Final = 4
DT_BLK: Final = 6
DT_REG: Final = 8
DT_LNK: Final = 10
DT_SOCK: Final = 12
DT_WHT: Final = 14

# limits
NAME_MAX: Final = 511
PATH_MAX: Final = 1024
SYMLOOP_MAX: Final = 32
PIPE_BUF: Final = 512
OPEN_MAX: Final = 1024
IOV_MAX: Final = 1024
NGROUPS_MAX: Final = 16
MAXHOSTNAMELEN: Final = 256

# sys/mount.h
MNT_RDONLY: Final = 0x1
MNT_SYNCHRONOUS: Final = 0x2
MNT_NOEXEC: Final = 0x4
MNT_NOSUID: Final = 0x8
MNT_NODEV: Final = 0x10
MNT_UNION: Final = 0x20
MNT_ASYNC: Final = 0x40
MNT_LOCAL: Final = 0x1000
MNT_QUOTA: Final = 0x2000
MNT_ROOTFS: Final = 0x4000
MNT_UPDATE: Final = 0x10000
MNT_RELOAD: Final = 0x40000
MNT_FORCE: Final = 0x80000
MNT_GETARGS: Final = 0x400000
MNT_NOATIME: Final = 0x4000000
ST_WAIT: Final = 1
ST_NOWAIT: Final = 2

# time.h
CLOCK_REALTIME: Final = 0
CLOCK_VIRTUAL: Final = 1
CLOCK_PROF: Final = 2
CLOCK_MONOTONIC: Final = 3
TIMER_ABSTIME: Final = 1

# sys/resource.h
RLIMIT_CPU: Final = 0
RLIMIT_FSIZE: Final = 1
RLIMIT_DATA: Final = 2
RLIMIT_STACK: Final = 3
RLIMIT_CORE: Final = 4
RLIMIT_RSS: Final = 5
RLIMIT_MEMLOCK: Final = 6
RLIMIT_NPROC: Final = 7
RLIMIT_NOFILE: Final = 8
RLIMIT_SBSIZE: Final = 9
RLIMIT_AS: Final = 10
RLIMIT_NTHR: Final = 11
RLIM_INFINITY: Final = (1 << 63) - 1

# sys/socket.h
AF_UNSPEC: Final = 0
AF_LOCAL: Final = 1
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_LINK: Final = 18
AF_INET6: Final = 24
AF_ROUTE: Final = 34
SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_RAW: Final = 3
SOCK_RDM: Final = 4
SOCK_SEQPACKET: Final = 5
SOCK_TYPE_MASK: Final = 0xF
SOCK_CLOEXEC: Final = 0x10000000
SOCK_NONBLOCK: Final = 0x20000000
SOCK_NOSIGPIPE: Final = 0x40000000
SOL_SOCKET: Final = 0xFFFF
SO_DEBUG: Final = 0x1
SO_ACCEPTCONN: Final = 0x2
SO_REUSEADDR: Final = 0x4
SO_KEEPALIVE: Final = 0x8
SO_DONTROUTE: Final = 0x10
SO_BROADCAST: Final = 0x20
SO_USELOOPBACK: Final = 0x40
SO_LINGER: Final = 0x80
SO_OOBINLINE: Final = 0x100
SO_REUSEPORT: Final = 0x200
SO_NOSIGPIPE: Final = 0x800
SO_TIMESTAMP: Final = 0x2000
SO_SNDBUF: Final = 0x1001
SO_RCVBUF: Final = 0x1002
SO_SNDLOWAT: Final = 0x1003
SO_RCVLOWAT: Final = 0x1004
SO_ERROR: Final = 0x1007
SO_TYPE: Final = 0x1008
SO_SNDTIMEO: Final = 0x100B
SO_RCVTIMEO: Final = 0x100C
MSG_OOB: Final = 0x1
MSG_PEEK: Final = 0x2
MSG_DONTROUTE: Final = 0x4
MSG_EOR: Final = 0x8
MSG_TRUNC: Final = 0x10
MSG_CTRUNC: Final = 0x20
MSG_WAITALL: Final = 0x40
MSG_DONTWAIT: Final = 0x80
MSG_NOSIGNAL: Final = 0x400
TCP_NODELAY: Final = 1
TCP_MAXSEG: Final = 2
TCP_KEEPIDLE: Final = 3
TCP_NOPUSH: Final = 4  # FreeBSD's number; NetBSD has none
TCP_KEEPINTVL: Final = 5
TCP_KEEPCNT: Final = 6
TCP_KEEPINIT: Final = 7
TCP_INFO: Final = 9
TCP_QUICKACK: Final = 12  # Linux's number, as the next
TCP_USER_TIMEOUT: Final = 18
TCP_CONGCTL: Final = 0x20
TCP_FASTOPEN: Final = 1025  # FreeBSD's number
TCPI_OPT_TIMESTAMPS: Final = 0x01
TCPI_OPT_SACK: Final = 0x02
TCPI_OPT_WSCALE: Final = 0x04
TCPI_OPT_ECN: Final = 0x08
SCM_RIGHTS: Final = 0x1
SCM_CREDS: Final = 0x4
SHUT_RD: Final = 0
SHUT_WR: Final = 1
SHUT_RDWR: Final = 2
SOMAXCONN: Final = 128
IPPROTO_IP: Final = 0
IPPROTO_ICMP: Final = 1
IPPROTO_TCP: Final = 6
IPPROTO_UDP: Final = 17
IPPROTO_IPV6: Final = 41
IPPROTO_IGMP: Final = 2
IPPROTO_ICMPV6: Final = 58
IPPROTO_RAW: Final = 255
IP_OPTIONS: Final = 1
IP_HDRINCL: Final = 2
IP_TOS: Final = 3
IP_TTL: Final = 4
IP_RECVOPTS: Final = 5
IP_RECVRETOPTS: Final = 6
IP_RECVDSTADDR: Final = 7
IP_RETOPTS: Final = 8
IP_MULTICAST_IF: Final = 9
IP_MULTICAST_TTL: Final = 10
IP_MULTICAST_LOOP: Final = 11
IP_ADD_MEMBERSHIP: Final = 12
IP_DROP_MEMBERSHIP: Final = 13
IP_PORTALGO: Final = 18
IP_PORTRANGE: Final = 19
IP_RECVIF: Final = 20
IP_ERRORMTU: Final = 21
IP_RECVTTL: Final = 23
IP_MINTTL: Final = 24
IP_PKTINFO: Final = 25
IP_RECVPKTINFO: Final = 26
IP_BINDANY: Final = 27
IP_PORTRANGE_DEFAULT: Final = 0
IP_PORTRANGE_HIGH: Final = 1
IP_PORTRANGE_LOW: Final = 2
IPV6_UNICAST_HOPS: Final = 4
IPV6_MULTICAST_IF: Final = 9
IPV6_MULTICAST_HOPS: Final = 10
IPV6_MULTICAST_LOOP: Final = 11
IPV6_JOIN_GROUP: Final = 12
IPV6_LEAVE_GROUP: Final = 13
IPV6_PORTRANGE: Final = 14
ICMP6_FILTER: Final = 18
IPV6_CHECKSUM: Final = 26
IPV6_V6ONLY: Final = 27
IPV6_RTHDRDSTOPTS: Final = 35
IPV6_RECVPKTINFO: Final = 36
IPV6_RECVHOPLIMIT: Final = 37
IPV6_RECVRTHDR: Final = 38
IPV6_RECVHOPOPTS: Final = 39
IPV6_RECVDSTOPTS: Final = 40
IPV6_USE_MIN_MTU: Final = 42
IPV6_RECVPATHMTU: Final = 43
IPV6_PATHMTU: Final = 44
IPV6_PKTINFO: Final = 46
IPV6_HOPLIMIT: Final = 47
IPV6_NEXTHOP: Final = 48
IPV6_HOPOPTS: Final = 49
IPV6_DSTOPTS: Final = 50
IPV6_RTHDR: Final = 51
IPV6_RECVTCLASS: Final = 57
IPV6_TCLASS: Final = 61
IPV6_DONTFRAG: Final = 62
IFF_UP: Final = 0x1
IFF_BROADCAST: Final = 0x2
IFF_DEBUG: Final = 0x4
IFF_LOOPBACK: Final = 0x8
IFF_POINTOPOINT: Final = 0x10
IFF_RUNNING: Final = 0x40
IFF_NOARP: Final = 0x80
IFF_PROMISC: Final = 0x100
IFF_ALLMULTI: Final = 0x200
IFF_OACTIVE: Final = 0x400
IFF_SIMPLEX: Final = 0x800
IFF_LINK0: Final = 0x1000
IFF_LINK1: Final = 0x2000
IFF_LINK2: Final = 0x4000
IFF_MULTICAST: Final = 0x8000

# net/route.h
RTF_UP: Final = 0x1
RTF_GATEWAY: Final = 0x2
RTF_HOST: Final = 0x4
RTF_REJECT: Final = 0x8
RTF_DYNAMIC: Final = 0x10
RTF_MODIFIED: Final = 0x20
RTF_DONE: Final = 0x40
RTF_MASK: Final = 0x80
RTF_CONNECTED: Final = 0x100
RTF_LLDATA: Final = 0x400
RTF_STATIC: Final = 0x800
RTF_BLACKHOLE: Final = 0x1000
RTF_PROTO2: Final = 0x4000
RTF_PROTO1: Final = 0x8000
RTF_SRC: Final = 0x10000
RTF_ANNOUNCE: Final = 0x20000
RTF_LOCAL: Final = 0x40000
RTF_BROADCAST: Final = 0x80000
RTM_VERSION: Final = 4
RTM_ADD: Final = 1
RTM_DELETE: Final = 2
RTM_CHANGE: Final = 3
RTM_GET: Final = 4
RTM_LOSING: Final = 5
RTM_REDIRECT: Final = 6
RTM_MISS: Final = 7
RTM_LOCK: Final = 8
RTM_NEWADDR: Final = 12
RTM_DELADDR: Final = 13
RTM_IFANNOUNCE: Final = 16
RTM_SETGATE: Final = 18
RTM_LLINFO_UPD: Final = 19
RTM_IFINFO: Final = 20
RTM_CHGADDR: Final = 21
IFAN_ARRIVAL: Final = 0
IFAN_DEPARTURE: Final = 1
NET_RT_DUMP: Final = 1
NET_RT_FLAGS: Final = 2
NET_RT_IFLIST: Final = 6

# sys/poll.h
POLLIN: Final = 0x1
POLLPRI: Final = 0x2
POLLOUT: Final = 0x4
POLLERR: Final = 0x8
POLLHUP: Final = 0x10
POLLNVAL: Final = 0x20
POLLRDNORM: Final = 0x40
POLLWRNORM: Final = 0x4
POLLRDBAND: Final = 0x80
POLLWRBAND: Final = 0x100

# sys/ioctl.h: group letter, number, size and direction are coded as in NetBSD
FIOCLEX: Final = 0x20006601
FIONCLEX: Final = 0x20006602
FIONREAD: Final = 0x4004667F
FIONBIO: Final = 0x8004667E
FIOASYNC: Final = 0x8004667D
SIOCATMARK: Final = 0x40047307
DIOCGMEDIASIZE: Final = 0x40086484
DIOCGSECTORSIZE: Final = 0x40046485

# dev/vndvar.h, dev/cgdvar.h, dev/raidframe/raidframeio.h (for 64-bit machines)
VNDIOCSET: Final = 0xC0284600
VNDIOCCLR: Final = 0x80284601
VNDIOCGET: Final = 0xC0184603
VNDIOF_READONLY: Final = 0x2
VNDIOF_FORCE: Final = 0x4
CGDIOCSET: Final = 0xC0404612
CGDIOCCLR: Final = 0x80404613
CGDIOCGET: Final = 0xC0404614
CGD_CIPHER_CBC_ENCBLKNO8: Final = 1
CGD_CIPHER_CBC_ENCBLKNO1: Final = 2
RAIDFRAME_SHUTDOWN: Final = 0x20007202
RAIDFRAME_FAIL_DISK: Final = 0x80087205
RAIDFRAME_REWRITEPARITY: Final = 0x20007207
RAIDFRAME_ADD_HOT_SPARE: Final = 0x803C7216
RAIDFRAME_REMOVE_COMPONENT: Final = 0x803C7217
RAIDFRAME_REBUILD_IN_PLACE: Final = 0x803C7218
RAIDFRAME_CHECK_PARITY: Final = 0xC0047219
RAIDFRAME_CHECK_RECON_STATUS_EXT: Final = 0xC0187220
RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT: Final = 0xC0187221
RAIDFRAME_GET_INFO: Final = 0xC008722A
RAIDFRAME_CONFIGURE: Final = 0x8008722B
RF_FDFLAGS_NONE: Final = 0
RF_FDFLAGS_RECON: Final = 1

# sys/sysctl.h
CTL_KERN: Final = 1
CTL_VM: Final = 2
CTL_VFS: Final = 3
CTL_NET: Final = 4
CTL_DEBUG: Final = 5
CTL_HW: Final = 6
CTL_PROC: Final = 10
CTL_SECURITY: Final = 13
CTL_QUERY: Final = -2
CTL_CREATE: Final = -3
CTL_CREATESYM: Final = -4
CTL_DESTROY: Final = -5
CTL_MMAP: Final = -6
CTL_DESCRIBE: Final = -7
CTLTYPE_NODE: Final = 1
CTLTYPE_INT: Final = 2
CTLTYPE_STRING: Final = 3
CTLTYPE_QUAD: Final = 4
CTLTYPE_STRUCT: Final = 5
CTLTYPE_BOOL: Final = 6
CTLFLAG_READONLY: Final = 0x0
CTLFLAG_READWRITE: Final = 0x70
CTLFLAG_ANYWRITE: Final = 0x80
CTLFLAG_PRIVATE: Final = 0x100
CTLFLAG_PERMANENT: Final = 0x200
CTLFLAG_HIDDEN: Final = 0x8000

# sys/module.h
MODCTL_LOAD: Final = 0
MODCTL_UNLOAD: Final = 1
MODCTL_STAT: Final = 2
MODCTL_EXISTS: Final = 3
MODCTL_LOAD_FORCE: Final = 0x1
MODCTL_NO_PROP: Final = 0x2
MODFLG_MUST_FORCE: Final = 0x1
MODFLG_AUTO_LOADED: Final = 0x2
MAXMODNAME: Final = 31

# sys/reboot.h
RB_AUTOBOOT: Final = 0
RB_NOSYNC: Final = 0x4
RB_HALT: Final = 0x8
RB_DUMP: Final = 0x100

# rump.h: kinds of etfs entries
RUMP_ETFS_REG: Final = 0
RUMP_ETFS_BLK: Final = 1
RUMP_ETFS_CHR: Final = 2
RUMP_ETFS_DIR: Final = 3
RUMP_ETFS_DIR_SUBDIRS: Final = 4

# device majors (character, block) as rump kernels have them
MAJOR_NULL: Final = 2
MAJOR_RUMPBLK: Final = 197
MAJOR_MD_BLK: Final = 17
MAJOR_MD_CHR: Final = 24
MAJOR_RND: Final = 46
MAJOR_VND_BLK: Final = 14
MAJOR_VND_CHR: Final = 41
MAJOR_RAID_BLK: Final = 18
MAJOR_RAID_CHR: Final = 54
MAJOR_CGD_BLK: Final = 19
MAJOR_CGD_CHR: Final = 96


def makedev(major: int, minor: int) -> int:
    """A device number: 12 bits of major, 20 bits of minor, packed as NetBSD does."""
    return ((major << 8) & 0xFFF00) | ((minor << 12) & 0xFFF00000) | (minor & 0xFF)


def major(dev: int) -> int:
    return (dev & 0xFFF00) >> 8


def minor(dev: int) -> int:
    return ((dev & 0xFFF00000) >> 12) | (dev & 0xFF)
