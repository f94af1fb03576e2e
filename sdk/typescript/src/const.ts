// Generated from proto/*.proto by tools/codegen; do not edit.

// NetBSD's constants, as the kernel takes them.
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_ACCMODE = 3;
export const O_NONBLOCK = 4;
export const O_APPEND = 8;
export const O_SHLOCK = 0x10;
export const O_EXLOCK = 0x20;
export const O_ASYNC = 0x40;
export const O_SYNC = 0x80;
export const O_NOFOLLOW = 0x100;
export const O_CREAT = 0x200;
export const O_TRUNC = 0x400;
export const O_EXCL = 0x800;
export const O_NOCTTY = 0x8000;
export const O_DSYNC = 0x10000;
export const O_RSYNC = 0x20000;
export const O_ALT_IO = 0x40000;
export const O_DIRECT = 0x80000;
export const O_DIRECTORY = 0x200000;
export const O_CLOEXEC = 0x400000;
export const O_SEARCH = 0x800000;
export const O_NOSIGPIPE = 0x1000000;
export const O_REGULAR = 0x2000000;
export const FDATASYNC = 0x10;
export const FFILESYNC = 0x20;
export const FDISKSYNC = 0x40;
export const AT_FDCWD = -100;
export const AT_EACCESS = 0x100;
export const AT_SYMLINK_NOFOLLOW = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_REMOVEDIR = 0x800;
export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETOWN = 5;
export const F_SETOWN = 6;
export const F_GETLK = 7;
export const F_SETLK = 8;
export const F_SETLKW = 9;
export const F_CLOSEM = 0xa;
export const F_MAXFD = 0xb;
export const F_DUPFD_CLOEXEC = 0xc;
export const F_GETNOSIGPIPE = 0xd;
export const F_SETNOSIGPIPE = 0xe;
export const FD_CLOEXEC = 1;
export const F_RDLCK = 1;
export const F_UNLCK = 2;
export const F_WRLCK = 3;
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
export const F_OK = 0;
export const X_OK = 1;
export const W_OK = 2;
export const R_OK = 4;
export const PC_LINK_MAX = 1;
export const PC_MAX_CANON = 2;
export const PC_MAX_INPUT = 3;
export const PC_NAME_MAX = 4;
export const PC_PATH_MAX = 5;
export const PC_PIPE_BUF = 6;
export const PC_CHOWN_RESTRICTED = 7;
export const PC_NO_TRUNC = 8;
export const PC_VDISABLE = 9;
export const PC_SYNC_IO = 0xa;
export const PC_FILESIZEBITS = 0xb;
export const PC_SYMLINK_MAX = 0xc;
export const PC_2_SYMLINKS = 0xd;
export const S_IFMT = 0xf000;
export const S_IFIFO = 0x1000;
export const S_IFCHR = 0x2000;
export const S_IFDIR = 0x4000;
export const S_IFBLK = 0x6000;
export const S_IFREG = 0x8000;
export const S_IFLNK = 0xa000;
export const S_IFSOCK = 0xc000;
export const S_IFWHT = 0xe000;
export const S_ISUID = 0x800;
export const S_ISGID = 0x400;
export const S_ISVTX = 0x200;
export const UF_NODUMP = 1;
export const UF_IMMUTABLE = 2;
export const UF_APPEND = 4;
export const UF_OPAQUE = 8;
export const SF_ARCHIVED = 0x10000;
export const SF_IMMUTABLE = 0x20000;
export const SF_APPEND = 0x40000;
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;
export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 0xa;
export const DT_SOCK = 0xc;
export const DT_WHT = 0xe;
export const NAME_MAX = 0x1ff;
export const PATH_MAX = 0x400;
export const SYMLOOP_MAX = 0x20;
export const PIPE_BUF = 0x200;
export const OPEN_MAX = 0x400;
export const IOV_MAX = 0x400;
export const NGROUPS_MAX = 0x10;
export const MAXHOSTNAMELEN = 0x100;
export const MNT_RDONLY = 1;
export const MNT_SYNCHRONOUS = 2;
export const MNT_NOEXEC = 4;
export const MNT_NOSUID = 8;
export const MNT_NODEV = 0x10;
export const MNT_UNION = 0x20;
export const MNT_ASYNC = 0x40;
export const MNT_LOCAL = 0x1000;
export const MNT_QUOTA = 0x2000;
export const MNT_ROOTFS = 0x4000;
export const MNT_UPDATE = 0x10000;
export const MNT_RELOAD = 0x40000;
export const MNT_FORCE = 0x80000;
export const MNT_GETARGS = 0x400000;
export const MNT_NOATIME = 0x4000000;
export const ST_WAIT = 1;
export const ST_NOWAIT = 2;
export const CLOCK_REALTIME = 0;
export const CLOCK_VIRTUAL = 1;
export const CLOCK_PROF = 2;
export const CLOCK_MONOTONIC = 3;
export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;
export const ITIMER_MONOTONIC = 3;
export const TIMER_ABSTIME = 1;
export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_MEMLOCK = 6;
export const RLIMIT_NPROC = 7;
export const RLIMIT_NOFILE = 8;
export const RLIMIT_SBSIZE = 9;
export const RLIMIT_AS = 0xa;
export const RLIMIT_NTHR = 0xb;
export const RLIM_INFINITY = 0x7fffffffffffffffn;
export const AF_UNSPEC = 0;
export const AF_LOCAL = 1;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_LINK = 0x12;
export const AF_INET6 = 0x18;
export const AF_ROUTE = 0x22;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
export const SOCK_TYPE_MASK = 0xf;
export const SOCK_CLOEXEC = 0x10000000;
export const SOCK_NONBLOCK = 0x20000000;
export const SOCK_NOSIGPIPE = 0x40000000;
export const SOL_SOCKET = 0xffff;
export const SO_DEBUG = 1;
export const SO_ACCEPTCONN = 2;
export const SO_REUSEADDR = 4;
export const SO_KEEPALIVE = 8;
export const SO_DONTROUTE = 0x10;
export const SO_BROADCAST = 0x20;
export const SO_USELOOPBACK = 0x40;
export const SO_LINGER = 0x80;
export const SO_OOBINLINE = 0x100;
export const SO_REUSEPORT = 0x200;
export const SO_NOSIGPIPE = 0x800;
export const SO_TIMESTAMP = 0x2000;
export const SO_ACCEPTFILTER = 0x1000;
export const SO_OVERFLOWED = 0x1009;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
export const SO_SNDLOWAT = 0x1003;
export const SO_RCVLOWAT = 0x1004;
export const SO_ERROR = 0x1007;
export const SO_TYPE = 0x1008;
export const SO_SNDTIMEO = 0x100b;
export const SO_RCVTIMEO = 0x100c;
export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_DONTROUTE = 4;
export const MSG_EOR = 8;
export const MSG_TRUNC = 0x10;
export const MSG_CTRUNC = 0x20;
export const MSG_WAITALL = 0x40;
export const MSG_DONTWAIT = 0x80;
export const MSG_NOSIGNAL = 0x400;
export const MSG_CMSG_CLOEXEC = 0x800;
export const MSG_WAITFORONE = 0x2000;
export const MSG_MORE = 0x8000;
export const MSG_FASTOPEN = 0x20000000;
export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_KEEPIDLE = 3;
export const TCP_NOPUSH = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_KEEPINIT = 7;
export const TCP_INFO = 9;
export const TCP_QUICKACK = 0xc;
export const TCP_USER_TIMEOUT = 0x12;
export const TCP_NOTSENT_LOWAT = 0x19;
export const TCP_FASTOPEN_CONNECT = 0x1e;
export const TCP_FASTOPEN_NO_COOKIE = 0x22;
export const TCP_INQ = 0x24;
export const TCP_CONGCTL = 0x20;
export const TCP_FASTOPEN = 0x401;
export const TCPI_OPT_TIMESTAMPS = 1;
export const TCPI_OPT_SACK = 2;
export const TCPI_OPT_WSCALE = 4;
export const TCPI_OPT_ECN = 8;
export const TCPI_OPT_SYN_DATA = 0x20;
export const SCM_RIGHTS = 1;
export const SCM_CREDS = 4;
export const SCM_TIMESTAMP = 8;
export const SOL_LOCAL = 0;
export const LOCAL_CREDS = 1;
export const LOCAL_CONNWAIT = 2;
export const LOCAL_PEEREID = 3;
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const SOMAXCONN = 0x80;
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 0x11;
export const IPPROTO_IPV6 = 0x29;
export const IPPROTO_IGMP = 2;
export const IPPROTO_ICMPV6 = 0x3a;
export const IPPROTO_RAW = 0xff;
export const IP_OPTIONS = 1;
export const IP_HDRINCL = 2;
export const IP_TOS = 3;
export const IP_TTL = 4;
export const IP_RECVOPTS = 5;
export const IP_RECVRETOPTS = 6;
export const IP_RECVDSTADDR = 7;
export const IP_RETOPTS = 8;
export const IP_MULTICAST_IF = 9;
export const IP_MULTICAST_TTL = 0xa;
export const IP_MULTICAST_LOOP = 0xb;
export const IP_ADD_MEMBERSHIP = 0xc;
export const IP_DROP_MEMBERSHIP = 0xd;
export const IP_PORTALGO = 0x12;
export const IP_PORTRANGE = 0x13;
export const IP_RECVIF = 0x14;
export const IP_ERRORMTU = 0x15;
export const IP_RECVTTL = 0x17;
export const IP_MINTTL = 0x18;
export const IP_PKTINFO = 0x19;
export const IP_RECVPKTINFO = 0x1a;
export const IP_BINDANY = 0x1b;
export const IP_PORTRANGE_DEFAULT = 0;
export const IP_PORTRANGE_HIGH = 1;
export const IP_PORTRANGE_LOW = 2;
export const IPV6_UNICAST_HOPS = 4;
export const IPV6_MULTICAST_IF = 9;
export const IPV6_MULTICAST_HOPS = 0xa;
export const IPV6_MULTICAST_LOOP = 0xb;
export const IPV6_JOIN_GROUP = 0xc;
export const IPV6_LEAVE_GROUP = 0xd;
export const IPV6_PORTRANGE = 0xe;
export const ICMP6_FILTER = 0x12;
export const IPV6_CHECKSUM = 0x1a;
export const IPV6_V6ONLY = 0x1b;
export const IPV6_RTHDRDSTOPTS = 0x23;
export const IPV6_RECVPKTINFO = 0x24;
export const IPV6_RECVHOPLIMIT = 0x25;
export const IPV6_RECVRTHDR = 0x26;
export const IPV6_RECVHOPOPTS = 0x27;
export const IPV6_RECVDSTOPTS = 0x28;
export const IPV6_USE_MIN_MTU = 0x2a;
export const IPV6_RECVPATHMTU = 0x2b;
export const IPV6_PATHMTU = 0x2c;
export const IPV6_PKTINFO = 0x2e;
export const IPV6_HOPLIMIT = 0x2f;
export const IPV6_NEXTHOP = 0x30;
export const IPV6_HOPOPTS = 0x31;
export const IPV6_DSTOPTS = 0x32;
export const IPV6_RTHDR = 0x33;
export const IPV6_RECVTCLASS = 0x39;
export const IPV6_TCLASS = 0x3d;
export const IPV6_DONTFRAG = 0x3e;
export const IFF_UP = 1;
export const IFF_BROADCAST = 2;
export const IFF_DEBUG = 4;
export const IFF_LOOPBACK = 8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IFF_OACTIVE = 0x400;
export const IFF_SIMPLEX = 0x800;
export const IFF_LINK0 = 0x1000;
export const IFF_LINK1 = 0x2000;
export const IFF_LINK2 = 0x4000;
export const IFF_MULTICAST = 0x8000;
export const RTF_UP = 1;
export const RTF_GATEWAY = 2;
export const RTF_HOST = 4;
export const RTF_REJECT = 8;
export const RTF_DYNAMIC = 0x10;
export const RTF_MODIFIED = 0x20;
export const RTF_DONE = 0x40;
export const RTF_MASK = 0x80;
export const RTF_CONNECTED = 0x100;
export const RTF_LLDATA = 0x400;
export const RTF_STATIC = 0x800;
export const RTF_BLACKHOLE = 0x1000;
export const RTF_PROTO2 = 0x4000;
export const RTF_PROTO1 = 0x8000;
export const RTF_SRC = 0x10000;
export const RTF_ANNOUNCE = 0x20000;
export const RTF_LOCAL = 0x40000;
export const RTF_BROADCAST = 0x80000;
export const RTM_VERSION = 4;
export const RTM_ADD = 1;
export const RTM_DELETE = 2;
export const RTM_CHANGE = 3;
export const RTM_GET = 4;
export const RTM_LOSING = 5;
export const RTM_REDIRECT = 6;
export const RTM_MISS = 7;
export const RTM_LOCK = 8;
export const RTM_NEWADDR = 0xc;
export const RTM_DELADDR = 0xd;
export const RTM_IFANNOUNCE = 0x10;
export const RTM_SETGATE = 0x12;
export const RTM_LLINFO_UPD = 0x13;
export const RTM_IFINFO = 0x14;
export const RTM_CHGADDR = 0x15;
export const IFAN_ARRIVAL = 0;
export const IFAN_DEPARTURE = 1;
export const NET_RT_DUMP = 1;
export const NET_RT_FLAGS = 2;
export const NET_RT_IFLIST = 6;
export const SIOCSIFADDR = 0x8090690c;
export const SIOCSIFDSTADDR = 0x8090690e;
export const SIOCSIFFLAGS = 0x80906910;
export const SIOCGIFFLAGS = 0xc0906911;
export const SIOCSIFBRDADDR = 0x80906913;
export const SIOCSIFNETMASK = 0x80906916;
export const SIOCGIFMETRIC = 0xc0906917;
export const SIOCSIFMETRIC = 0x80906918;
export const SIOCDIFADDR = 0x80906919;
export const SIOCAIFADDR = 0x8040691a;
export const SIOCGIFALIAS = 0xc040691b;
export const SIOCALIFADDR = 0x8118691c;
export const SIOCGLIFADDR = 0xc118691d;
export const SIOCDLIFADDR = 0x8118691e;
export const SIOCGIFADDR = 0xc0906921;
export const SIOCGIFDSTADDR = 0xc0906922;
export const SIOCGIFBRDADDR = 0xc0906923;
export const SIOCGIFNETMASK = 0xc0906925;
export const SIOCGIFCONF = 0xc0106926;
export const SIOCGIFAFLAG_IN = 0xc0906927;
export const SIOCADDMULTI = 0x80906931;
export const SIOCDELMULTI = 0x80906932;
export const SIOCSIFMEDIA = 0xc0906935;
export const SIOCGIFMEDIA = 0xc0306936;
export const SIOCGIFAFLAG_IN6 = 0xc1206949;
export const SIOCSNDFLUSH_IN6 = 0xc120694d;
export const SIOCGNBRINFO_IN6 = 0xc038694e;
export const SIOCGIFALIFETIME_IN6 = 0xc120696a;
export const SIOCAIFADDR_IN6 = 0x8080696b;
export const SIOCDIFADDR_IN6 = 0x81206919;
export const SIOCGIFINFO_IN6 = 0xc0306971;
export const SIOCSIFINFO_IN6 = 0xc0306972;
export const SIOCSIFINFO_FLAGS = 0xc0306973;
export const SIOCSIFCAP = 0x80206975;
export const SIOCGIFCAP = 0xc0206976;
export const SIOCGIFDLT = 0xc0906977;
export const SIOCIFGCLONERS = 0xc0106978;
export const SIOCIFDESTROY = 0x80906979;
export const SIOCIFCREATE = 0x8090697a;
export const SIOCGIFMTU = 0xc090697e;
export const SIOCSIFMTU = 0x8090697f;
export const SIOCGIFDATA = 0xc0986980;
export const SIOCZIFDATA = 0xc0986981;
export const SIOCGLINKSTR = 0xc0286987;
export const SIOCSLINKSTR = 0x80286988;
export const SIOCGIFINDEX = 0xc090698b;
export const IN6_IFF_ANYCAST = 1;
export const IN6_IFF_TENTATIVE = 2;
export const IN6_IFF_DUPLICATED = 4;
export const IN6_IFF_DETACHED = 8;
export const IN6_IFF_DEPRECATED = 0x10;
export const IN6_IFF_NODAD = 0x20;
export const IN6_IFF_AUTOCONF = 0x40;
export const IN6_IFF_TEMPORARY = 0x80;
export const ND6_IFF_PERFORMNUD = 1;
export const ND6_IFF_ACCEPT_RTADV = 2;
export const ND6_IFF_IFDISABLED = 8;
export const ND6_IFF_AUTO_LINKLOCAL = 0x20;
export const ND6_INFINITE_LIFETIME = 0xffffffff;
export const ND6_LLINFO_PURGE = -3;
export const ND6_LLINFO_NOSTATE = -2;
export const ND6_LLINFO_WAITDELETE = -1;
export const ND6_LLINFO_INCOMPLETE = 0;
export const ND6_LLINFO_REACHABLE = 1;
export const ND6_LLINFO_STALE = 2;
export const ND6_LLINFO_DELAY = 3;
export const ND6_LLINFO_PROBE = 4;
export const LINK_STATE_UNKNOWN = 0;
export const LINK_STATE_DOWN = 1;
export const LINK_STATE_UP = 2;
export const IFM_ETHER = 0x20;
export const IFM_AUTO = 0;
export const IFM_NONE = 2;
export const IFM_AVALID = 1;
export const IFM_ACTIVE = 2;
export const POLLIN = 1;
export const POLLPRI = 2;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDNORM = 0x40;
export const POLLWRNORM = 4;
export const POLLRDBAND = 0x80;
export const POLLWRBAND = 0x100;
export const EVFILT_READ = 0;
export const EVFILT_WRITE = 1;
export const EVFILT_AIO = 2;
export const EVFILT_VNODE = 3;
export const EVFILT_PROC = 4;
export const EVFILT_SIGNAL = 5;
export const EVFILT_TIMER = 6;
export const EVFILT_FS = 7;
export const EVFILT_USER = 8;
export const EVFILT_EMPTY = 9;
export const EV_ADD = 1;
export const EV_DELETE = 2;
export const EV_ENABLE = 4;
export const EV_DISABLE = 8;
export const EV_ONESHOT = 0x10;
export const EV_CLEAR = 0x20;
export const EV_RECEIPT = 0x40;
export const EV_DISPATCH = 0x80;
export const EV_ERROR = 0x4000;
export const EV_EOF = 0x8000;
export const NOTE_LOWAT = 1;
export const NOTE_DELETE = 1;
export const NOTE_WRITE = 2;
export const NOTE_EXTEND = 4;
export const NOTE_ATTRIB = 8;
export const NOTE_LINK = 0x10;
export const NOTE_RENAME = 0x20;
export const NOTE_REVOKE = 0x40;
export const NOTE_OPEN = 0x80;
export const NOTE_CLOSE = 0x100;
export const NOTE_CLOSE_WRITE = 0x200;
export const NOTE_READ = 0x400;
export const NOTE_EXIT = 0x80000000;
export const NOTE_FORK = 0x40000000;
export const NOTE_EXEC = 0x20000000;
export const NOTE_TRACK = 1;
export const NOTE_TRACKERR = 2;
export const NOTE_CHILD = 4;
export const NOTE_MSECONDS = 0;
export const NOTE_SECONDS = 1;
export const NOTE_USECONDS = 2;
export const NOTE_NSECONDS = 3;
export const NOTE_ABSTIME = 0x10;
export const NOTE_FFNOP = 0;
export const NOTE_FFAND = 0x40000000;
export const NOTE_FFOR = 0x80000000;
export const NOTE_FFCOPY = 0xc0000000;
export const NOTE_FFCTRLMASK = 0xc0000000;
export const NOTE_FFLAGSMASK = 0xffffff;
export const NOTE_TRIGGER = 0x1000000;
export const VQ_MOUNT = 8;
export const VQ_UNMOUNT = 0x10;
export const FIOCLEX = 0x20006601;
export const FIONCLEX = 0x20006602;
export const FIONREAD = 0x4004667f;
export const FIONWRITE = 0x40046679;
export const FIONSPACE = 0x40046678;
export const FIONBIO = 0x8004667e;
export const FIOASYNC = 0x8004667d;
export const FIOSETOWN = 0x8004667c;
export const FIOGETOWN = 0x4004667b;
export const SIOCSPGRP = 0x80047308;
export const SIOCGPGRP = 0x40047309;
export const SIOCATMARK = 0x40047307;
export const DIOCGMEDIASIZE = 0x40086484;
export const DIOCGSECTORSIZE = 0x40046485;
export const TIOCEXCL = 0x2000740d;
export const TIOCNXCL = 0x2000740e;
export const TIOCFLUSH = 0x80047410;
export const TIOCGETA = 0x402c7413;
export const TIOCSETA = 0x802c7414;
export const TIOCSETAW = 0x802c7415;
export const TIOCSETAF = 0x802c7416;
export const TIOCGETD = 0x4004741a;
export const TIOCSETD = 0x8004741b;
export const TIOCGLINED = 0x40207442;
export const TIOCPTMGET = 0x48087446;
export const TIOCGRANTPT = 0x20007447;
export const TIOCPTSNAME = 0x48087448;
export const TIOCDRAIN = 0x2000745e;
export const TIOCSCTTY = 0x20007461;
export const TIOCGSID = 0x40047463;
export const TIOCSWINSZ = 0x80087467;
export const TIOCGWINSZ = 0x40087468;
export const TIOCSTART = 0x2000746e;
export const TIOCSTOP = 0x2000746f;
export const TIOCPKT = 0x80047470;
export const TIOCNOTTY = 0x20007471;
export const TIOCSTI = 0x80017472;
export const TIOCOUTQ = 0x40047473;
export const TIOCSPGRP = 0x80047476;
export const TIOCGPGRP = 0x40047477;
export const FREAD = 1;
export const FWRITE = 2;
export const TIOCPKT_DATA = 0;
export const TIOCPKT_FLUSHREAD = 1;
export const TIOCPKT_FLUSHWRITE = 2;
export const TIOCPKT_STOP = 4;
export const TIOCPKT_START = 8;
export const TIOCPKT_NOSTOP = 0x10;
export const TIOCPKT_DOSTOP = 0x20;
export const BRKINT = 2;
export const ISTRIP = 0x20;
export const INLCR = 0x40;
export const IGNCR = 0x80;
export const ICRNL = 0x100;
export const IXON = 0x200;
export const IXOFF = 0x400;
export const IXANY = 0x800;
export const IMAXBEL = 0x2000;
export const OPOST = 1;
export const ONLCR = 2;
export const OXTABS = 4;
export const ONOEOT = 8;
export const OCRNL = 0x10;
export const ONOCR = 0x20;
export const ONLRET = 0x40;
export const CS8 = 0x300;
export const CREAD = 0x800;
export const HUPCL = 0x4000;
export const CLOCAL = 0x8000;
export const ECHOKE = 1;
export const ECHOE = 2;
export const ECHOK = 4;
export const ECHO = 8;
export const ECHONL = 0x10;
export const ECHOPRT = 0x20;
export const ECHOCTL = 0x40;
export const ISIG = 0x80;
export const ICANON = 0x100;
export const ALTWERASE = 0x200;
export const IEXTEN = 0x400;
export const TOSTOP = 0x400000;
export const FLUSHO = 0x800000;
export const PENDIN = 0x20000000;
export const NOFLSH = 0x80000000;
export const VEOF = 0;
export const VEOL = 1;
export const VEOL2 = 2;
export const VERASE = 3;
export const VWERASE = 4;
export const VKILL = 5;
export const VREPRINT = 6;
export const VINTR = 8;
export const VQUIT = 9;
export const VSUSP = 0xa;
export const VDSUSP = 0xb;
export const VSTART = 0xc;
export const VSTOP = 0xd;
export const VLNEXT = 0xe;
export const VDISCARD = 0xf;
export const VMIN = 0x10;
export const VTIME = 0x11;
export const VSTATUS = 0x12;
export const POSIX_VDISABLE = 0xff;
export const NCCS = 0x14;
export const DRVDETACHDEV = 0x8010447b;
export const DRVRESCANBUS = 0x8030447c;
export const DRVCTLCOMMAND = 0xc010447d;
export const DRVRESUMEDEV = 0x8014447e;
export const DRVLISTDEV = 0xc020447f;
export const DRVGETEVENT = 0x40104480;
export const DRVSUSPENDDEV = 0x80144481;
export const VNDIOCSET = 0xc0284600;
export const VNDIOCCLR = 0x80284601;
export const VNDIOCGET = 0xc0184603;
export const VNDIOF_READONLY = 2;
export const VNDIOF_FORCE = 4;
export const CGDIOCSET = 0xc0404612;
export const CGDIOCCLR = 0x80404613;
export const CGDIOCGET = 0xc0404614;
export const CGD_CIPHER_CBC_ENCBLKNO8 = 1;
export const CGD_CIPHER_CBC_ENCBLKNO1 = 2;
export const RAIDFRAME_SHUTDOWN = 0x20007202;
export const RAIDFRAME_FAIL_DISK = 0x80087205;
export const RAIDFRAME_REWRITEPARITY = 0x20007207;
export const RAIDFRAME_ADD_HOT_SPARE = 0x803c7216;
export const RAIDFRAME_REMOVE_COMPONENT = 0x803c7217;
export const RAIDFRAME_REBUILD_IN_PLACE = 0x803c7218;
export const RAIDFRAME_CHECK_PARITY = 0xc0047219;
export const RAIDFRAME_CHECK_RECON_STATUS_EXT = 0xc0187220;
export const RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT = 0xc0187221;
export const RAIDFRAME_GET_INFO = 0xc008722a;
export const RAIDFRAME_CONFIGURE = 0x8008722b;
export const RF_FDFLAGS_NONE = 0;
export const RF_FDFLAGS_RECON = 1;
export const CTL_KERN = 1;
export const CTL_VM = 2;
export const CTL_VFS = 3;
export const CTL_NET = 4;
export const CTL_DEBUG = 5;
export const CTL_HW = 6;
export const CTL_PROC = 0xa;
export const CTL_SECURITY = 0xd;
export const CTL_QUERY = -2;
export const CTL_CREATE = -3;
export const CTL_CREATESYM = -4;
export const CTL_DESTROY = -5;
export const CTL_MMAP = -6;
export const CTL_DESCRIBE = -7;
export const CTLTYPE_NODE = 1;
export const CTLTYPE_INT = 2;
export const CTLTYPE_STRING = 3;
export const CTLTYPE_QUAD = 4;
export const CTLTYPE_STRUCT = 5;
export const CTLTYPE_BOOL = 6;
export const CTLFLAG_READONLY = 0;
export const CTLFLAG_READWRITE = 0x70;
export const CTLFLAG_ANYWRITE = 0x80;
export const CTLFLAG_PRIVATE = 0x100;
export const CTLFLAG_PERMANENT = 0x200;
export const CTLFLAG_ANYNUMBER = 0x800;
export const CTLFLAG_HIDDEN = 0x8000;
export const KERN_PROC_ALL = 0;
export const KERN_PROC_PID = 1;
export const KERN_PROC_PGRP = 2;
export const KERN_PROC_SESSION = 3;
export const KERN_PROC_TTY = 4;
export const KERN_PROC_UID = 5;
export const KERN_PROC_RUID = 6;
export const KERN_PROC_GID = 7;
export const KERN_PROC_RGID = 8;
export const KERN_PROC_ARGV = 1;
export const KERN_PROC_NARGV = 2;
export const KERN_PROC_ENV = 3;
export const KERN_PROC_NENV = 4;
export const KERN_PROC_PATHNAME = 5;
export const KERN_FILE_BYFILE = 1;
export const KERN_FILE_BYPID = 2;
export const MODCTL_LOAD = 0;
export const MODCTL_UNLOAD = 1;
export const MODCTL_STAT = 2;
export const MODCTL_EXISTS = 3;
export const MODCTL_LOAD_FORCE = 1;
export const MODCTL_NO_PROP = 2;
export const MODFLG_MUST_FORCE = 1;
export const MODFLG_AUTO_LOADED = 2;
export const MAXMODNAME = 0x1f;
export const RB_AUTOBOOT = 0;
export const RB_NOSYNC = 4;
export const RB_HALT = 8;
export const RB_DUMP = 0x100;
export const RUMP_ETFS_REG = 0;
export const RUMP_ETFS_BLK = 1;
export const RUMP_ETFS_CHR = 2;
export const RUMP_ETFS_DIR = 3;
export const RUMP_ETFS_DIR_SUBDIRS = 4;
export const MAJOR_NULL = 2;
export const MAJOR_RUMPBLK = 0xc5;
export const MAJOR_MD_BLK = 0x11;
export const MAJOR_MD_CHR = 0x18;
export const MAJOR_RND = 0x2e;
export const MAJOR_VND_BLK = 0xe;
export const MAJOR_VND_CHR = 0x29;
export const MAJOR_RAID_BLK = 0x12;
export const MAJOR_RAID_CHR = 0x36;
export const MAJOR_CTTY = 1;
export const MAJOR_PTS = 5;
export const MAJOR_PTC = 6;
export const MAJOR_FILEDESC = 0x16;
export const MAJOR_PTM = 0xa5;
export const MAJOR_DRVCTL = 0xa7;
export const MAJOR_CGD_BLK = 0x13;
export const MAJOR_CGD_CHR = 0x60;
export const MAJOR_BPF = 0x17;
export const MAJOR_TUN = 0x28;
export const MAJOR_TAP = 0xa9;
export const EXTATTR_NAMESPACE_USER = 1;
export const EXTATTR_NAMESPACE_SYSTEM = 2;
export const UFS_EXTATTR_CMD_START = 1;
export const UFS_EXTATTR_CMD_STOP = 2;
export const UFS_EXTATTR_CMD_ENABLE = 3;
export const UFS_EXTATTR_CMD_DISABLE = 4;
export const QUOTACTL_STAT = 0;
export const QUOTACTL_IDTYPESTAT = 1;
export const QUOTACTL_OBJTYPESTAT = 2;
export const QUOTACTL_GET = 3;
export const QUOTACTL_PUT = 4;
export const QUOTACTL_DEL = 5;
export const QUOTACTL_CURSOROPEN = 6;
export const QUOTACTL_CURSORCLOSE = 7;
export const QUOTACTL_CURSORSKIPIDTYPE = 8;
export const QUOTACTL_CURSORGET = 9;
export const QUOTACTL_CURSORATEND = 0xa;
export const QUOTACTL_CURSORREWIND = 0xb;
export const QUOTACTL_QUOTAON = 0xc;
export const QUOTACTL_QUOTAOFF = 0xd;
export const QUOTA_IDTYPE_USER = 0;
export const QUOTA_IDTYPE_GROUP = 1;
export const QUOTA_OBJTYPE_BLOCKS = 0;
export const QUOTA_OBJTYPE_FILES = 1;
export const QUOTA_DEFAULTID = 0xffffffff;
export const QUOTA_NOLIMIT = 0xffffffffffffffffn;
export const QUOTA_NOTIME = -1;
export const QUOTA_RESTRICT_NEEDSQUOTACHECK = 1;
export const QUOTA_RESTRICT_UNIFORMGRACE = 2;
export const QUOTA_RESTRICT_32BIT = 4;
export const QUOTA_RESTRICT_READONLY = 8;
export const SIOCSDRVSPEC = 0x8028697b;
export const SIOCGDRVSPEC = 0xc028697b;
export const SIOCSETVLAN = 0x80906939;
export const SIOCGETVLAN = 0xc090693a;
export const SIOCSLAGG = 0x80906939;
export const SIOCGLAGG = 0xc090693a;
export const SIOCDIFPHYADDR = 0x80906949;
export const SIOCSLIFPHYADDR = 0x8118694a;
export const SIOCGLIFPHYADDR = 0xc118694b;
export const BRDGADD = 0;
export const BRDGDEL = 1;
export const BRDGGIFFLGS = 2;
export const BRDGSIFFLGS = 3;
export const BRDGSCACHE = 4;
export const BRDGGCACHE = 5;
export const BRDGSADDR = 8;
export const BRDGSTO = 9;
export const BRDGGTO = 0xa;
export const BRDGDADDR = 0xb;
export const BRDGFLUSH = 0xc;
export const BRDGGIFS = 0x19;
export const BRDGRTS = 0x1a;
export const IFBF_FLUSHDYN = 0;
export const IFBF_FLUSHALL = 1;
export const IFBIF_LEARNING = 1;
export const IFBIF_DISCOVER = 2;
export const IFBIF_STP = 4;
export const IFBIF_PROTECTED = 8;
export const IFBAF_DYNAMIC = 0;
export const IFBAF_STATIC = 1;
export const LAGG_PROTO_NONE = 0;
export const LAGG_PROTO_FAILOVER = 2;
export const LAGG_PROTO_LOADBALANCE = 3;
export const BIOCGBLEN = 0x40044266;
export const BIOCSBLEN = 0xc0044266;
export const BIOCSETF = 0x80104267;
export const BIOCFLUSH = 0x20004268;
export const BIOCPROMISC = 0x20004269;
export const BIOCGDLT = 0x4004426a;
export const BIOCGETIF = 0x4090426b;
export const BIOCSETIF = 0x8090426c;
export const BIOCGSTATS = 0x4080426f;
export const BIOCIMMEDIATE = 0x80044270;
export const BIOCVERSION = 0x40044271;
export const BIOCGHDRCMPLT = 0x40044274;
export const BIOCSHDRCMPLT = 0x80044275;
export const BIOCSDLT = 0x80044276;
export const BIOCGDLTLIST = 0xc0104277;
export const BIOCGSEESENT = 0x40044278;
export const BIOCSSEESENT = 0x80044279;
export const BIOCSRTIMEOUT = 0x8010427a;
export const BIOCGRTIMEOUT = 0x4010427b;
export const BIOCGFEEDBACK = 0x4004427c;
export const BIOCSFEEDBACK = 0x8004427d;
export const WG_IOCTL_SET_PRIVATE_KEY = 1;
export const WG_IOCTL_SET_LISTEN_PORT = 2;
export const WG_IOCTL_ADD_PEER = 3;
export const WG_IOCTL_DELETE_PEER = 4;
export const WG_IOCTL_GET = 5;
export const TAPGIFNAME = 0x40906500;
export const TUNSIFMODE = 0x80047458;
export const TUNSIFHEAD = 0x80047442;
export const TUNGIFHEAD = 0x40047441;
export const KTROP_SET = 0;
export const KTROP_CLEAR = 1;
export const KTROP_CLEARFILE = 2;
export const KTROP_MASK = 3;
export const KTRFLAG_DESCEND = 4;
export const KTR_SYSCALL = 1;
export const KTR_SYSRET = 2;
export const KTR_NAMEI = 3;
export const KTR_GENIO = 4;
export const KTR_PSIG = 5;
export const KTR_CSW = 6;
export const KTR_EMUL = 7;
export const KTR_USER = 8;
export const KTR_EXEC_ARG = 0xa;
export const KTR_EXEC_ENV = 0xb;
export const KTR_MIB = 0xe;
export const KTR_EXEC_FD = 0xf;
export const KTR_CALL = 0x14;
export const KTR_RESULT = 0x15;
export const KTR_USER_MAXIDLEN = 0x14;
export const KTR_USER_MAXLEN = 0x800;
export const KTRFAC_SYSCALL = 2;
export const KTRFAC_SYSRET = 4;
export const KTRFAC_NAMEI = 8;
export const KTRFAC_GENIO = 0x10;
export const KTRFAC_PSIG = 0x20;
export const KTRFAC_CSW = 0x40;
export const KTRFAC_EMUL = 0x80;
export const KTRFAC_USER = 0x100;
export const KTRFAC_EXEC_ARG = 0x400;
export const KTRFAC_EXEC_ENV = 0x800;
export const KTRFAC_MIB = 0x4000;
export const KTRFAC_EXEC_FD = 0x8000;
export const KTRFAC_CALL = 0x100000;
export const KTRFAC_RESULT = 0x200000;
export const KTRFAC_MASK = 0xffffff;
export const KTRFAC_PERSISTENT = -2147483648;
export const KTRFAC_INHERIT = 0x40000000;
export const KTRFAC_VER_MASK = 0xf000000;
export const KTRFAC_VER_SHIFT = 0x18;
export const KTRFACV0 = 0;
export const KTRFACV1 = 0x1000000;
export const KTRFACV2 = 0x2000000;
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGEMT = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGBUS = 0xa;
export const SIGSEGV = 0xb;
export const SIGSYS = 0xc;
export const SIGPIPE = 0xd;
export const SIGALRM = 0xe;
export const SIGTERM = 0xf;
export const SIGURG = 0x10;
export const SIGSTOP = 0x11;
export const SIGTSTP = 0x12;
export const SIGCONT = 0x13;
export const SIGCHLD = 0x14;
export const SIGTTIN = 0x15;
export const SIGTTOU = 0x16;
export const SIGIO = 0x17;
export const SIGXCPU = 0x18;
export const SIGXFSZ = 0x19;
export const SIGVTALRM = 0x1a;
export const SIGPROF = 0x1b;
export const SIGWINCH = 0x1c;
export const SIGINFO = 0x1d;
export const SIGUSR1 = 0x1e;
export const SIGUSR2 = 0x1f;
export const SIGPWR = 0x20;
export const SIGRTMIN = 0x21;
export const SIGRTMAX = 0x3f;
export const SIGEV_NONE = 0;
export const SIGEV_SIGNAL = 1;
export const SI_USER = 0;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_ASYNCIO = -3;
export const SI_MESGQ = -4;
export const SI_LWP = -5;
export const SI_NOINFO = 0x7fff;
export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_MSG = 3;
export const POLL_ERR = 4;
export const POLL_PRI = 5;
export const POLL_HUP = 6;
export const DELIVER_RAISED = 0;
export const DELIVER_INTERRUPTS = 1;
export const DELIVER_PANICS = 2;
export const AIO_CANCELED = 1;
export const AIO_NOTCANCELED = 2;
export const AIO_ALLDONE = 3;
export const LIO_NOP = 0;
export const LIO_WRITE = 1;
export const LIO_READ = 2;
export const LIO_NOWAIT = 0;
export const LIO_WAIT = 1;
export const AIO_LISTIO_MAX = 0x200;
export const AIO_MAX = 0x2000;
export const RFCFDG = 1;
export const RFSHARE = 2;
export const RFFDG = 4;

// errno(2) of NetBSD.
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EDEADLK: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
  EAGAIN: 35,
  EINPROGRESS: 36,
  EALREADY: 37,
  ENOTSOCK: 38,
  EDESTADDRREQ: 39,
  EMSGSIZE: 40,
  EPROTOTYPE: 41,
  ENOPROTOOPT: 42,
  EPROTONOSUPPORT: 43,
  ESOCKTNOSUPPORT: 44,
  EOPNOTSUPP: 45,
  EPFNOSUPPORT: 46,
  EAFNOSUPPORT: 47,
  EADDRINUSE: 48,
  EADDRNOTAVAIL: 49,
  ENETDOWN: 50,
  ENETUNREACH: 51,
  ENETRESET: 52,
  ECONNABORTED: 53,
  ECONNRESET: 54,
  ENOBUFS: 55,
  EISCONN: 56,
  ENOTCONN: 57,
  ESHUTDOWN: 58,
  ETOOMANYREFS: 59,
  ETIMEDOUT: 60,
  ECONNREFUSED: 61,
  ELOOP: 62,
  ENAMETOOLONG: 63,
  EHOSTDOWN: 64,
  EHOSTUNREACH: 65,
  ENOTEMPTY: 66,
  EPROCLIM: 67,
  EUSERS: 68,
  EDQUOT: 69,
  ESTALE: 70,
  EREMOTE: 71,
  EBADRPC: 72,
  ERPCMISMATCH: 73,
  EPROGUNAVAIL: 74,
  EPROGMISMATCH: 75,
  EPROCUNAVAIL: 76,
  ENOLCK: 77,
  ENOSYS: 78,
  EFTYPE: 79,
  EAUTH: 80,
  ENEEDAUTH: 81,
  EIDRM: 82,
  ENOMSG: 83,
  EOVERFLOW: 84,
  EILSEQ: 85,
  ENOTSUP: 86,
  ECANCELED: 87,
  EBADMSG: 88,
  ENODATA: 89,
  ENOSR: 90,
  ENOSTR: 91,
  ETIME: 92,
  ENOATTR: 93,
  EMULTIHOP: 94,
  ENOLINK: 95,
  EPROTO: 96,
} as const;
