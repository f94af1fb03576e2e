# ruff: noqa
"""Constants of the kernel; the host's number where the host has one.

Generated from proto/*.proto by tools/codegen; do not edit.
"""

from __future__ import annotations

from typing import Final

from rump._host import constants

_of = constants()
AF_INET: Final[int] = _of["AF_INET"]
AF_INET6: Final[int] = _of["AF_INET6"]
AF_LINK: Final[int] = _of["AF_LINK"]
AF_LOCAL: Final[int] = _of["AF_LOCAL"]
AF_ROUTE: Final[int] = _of["AF_ROUTE"]
AF_UNIX: Final[int] = _of["AF_UNIX"]
AF_UNSPEC: Final[int] = _of["AF_UNSPEC"]
AIO_ALLDONE: Final[int] = _of["AIO_ALLDONE"]
AIO_CANCELED: Final[int] = _of["AIO_CANCELED"]
AIO_LISTIO_MAX: Final[int] = _of["AIO_LISTIO_MAX"]
AIO_MAX: Final[int] = _of["AIO_MAX"]
AIO_NOTCANCELED: Final[int] = _of["AIO_NOTCANCELED"]
ALTWERASE: Final[int] = _of["ALTWERASE"]
AT_EACCESS: Final[int] = _of["AT_EACCESS"]
AT_FDCWD: Final[int] = _of["AT_FDCWD"]
AT_REMOVEDIR: Final[int] = _of["AT_REMOVEDIR"]
AT_SYMLINK_FOLLOW: Final[int] = _of["AT_SYMLINK_FOLLOW"]
AT_SYMLINK_NOFOLLOW: Final[int] = _of["AT_SYMLINK_NOFOLLOW"]
BIOCFLUSH: Final[int] = _of["BIOCFLUSH"]
BIOCGBLEN: Final[int] = _of["BIOCGBLEN"]
BIOCGDLT: Final[int] = _of["BIOCGDLT"]
BIOCGDLTLIST: Final[int] = _of["BIOCGDLTLIST"]
BIOCGETIF: Final[int] = _of["BIOCGETIF"]
BIOCGFEEDBACK: Final[int] = _of["BIOCGFEEDBACK"]
BIOCGHDRCMPLT: Final[int] = _of["BIOCGHDRCMPLT"]
BIOCGRTIMEOUT: Final[int] = _of["BIOCGRTIMEOUT"]
BIOCGSEESENT: Final[int] = _of["BIOCGSEESENT"]
BIOCGSTATS: Final[int] = _of["BIOCGSTATS"]
BIOCIMMEDIATE: Final[int] = _of["BIOCIMMEDIATE"]
BIOCPROMISC: Final[int] = _of["BIOCPROMISC"]
BIOCSBLEN: Final[int] = _of["BIOCSBLEN"]
BIOCSDLT: Final[int] = _of["BIOCSDLT"]
BIOCSETF: Final[int] = _of["BIOCSETF"]
BIOCSETIF: Final[int] = _of["BIOCSETIF"]
BIOCSFEEDBACK: Final[int] = _of["BIOCSFEEDBACK"]
BIOCSHDRCMPLT: Final[int] = _of["BIOCSHDRCMPLT"]
BIOCSRTIMEOUT: Final[int] = _of["BIOCSRTIMEOUT"]
BIOCSSEESENT: Final[int] = _of["BIOCSSEESENT"]
BIOCVERSION: Final[int] = _of["BIOCVERSION"]
BRDGADD: Final[int] = _of["BRDGADD"]
BRDGDADDR: Final[int] = _of["BRDGDADDR"]
BRDGDEL: Final[int] = _of["BRDGDEL"]
BRDGFLUSH: Final[int] = _of["BRDGFLUSH"]
BRDGGCACHE: Final[int] = _of["BRDGGCACHE"]
BRDGGIFFLGS: Final[int] = _of["BRDGGIFFLGS"]
BRDGGIFS: Final[int] = _of["BRDGGIFS"]
BRDGGTO: Final[int] = _of["BRDGGTO"]
BRDGRTS: Final[int] = _of["BRDGRTS"]
BRDGSADDR: Final[int] = _of["BRDGSADDR"]
BRDGSCACHE: Final[int] = _of["BRDGSCACHE"]
BRDGSIFFLGS: Final[int] = _of["BRDGSIFFLGS"]
BRDGSTO: Final[int] = _of["BRDGSTO"]
BRKINT: Final[int] = _of["BRKINT"]
CGDIOCCLR: Final[int] = _of["CGDIOCCLR"]
CGDIOCGET: Final[int] = _of["CGDIOCGET"]
CGDIOCSET: Final[int] = _of["CGDIOCSET"]
CGD_CIPHER_CBC_ENCBLKNO1: Final[int] = _of["CGD_CIPHER_CBC_ENCBLKNO1"]
CGD_CIPHER_CBC_ENCBLKNO8: Final[int] = _of["CGD_CIPHER_CBC_ENCBLKNO8"]
CLOCAL: Final[int] = _of["CLOCAL"]
CLOCK_MONOTONIC: Final[int] = _of["CLOCK_MONOTONIC"]
CLOCK_PROF: Final[int] = _of["CLOCK_PROF"]
CLOCK_REALTIME: Final[int] = _of["CLOCK_REALTIME"]
CLOCK_VIRTUAL: Final[int] = _of["CLOCK_VIRTUAL"]
CREAD: Final[int] = _of["CREAD"]
CS8: Final[int] = _of["CS8"]
CTLFLAG_ANYNUMBER: Final[int] = _of["CTLFLAG_ANYNUMBER"]
CTLFLAG_ANYWRITE: Final[int] = _of["CTLFLAG_ANYWRITE"]
CTLFLAG_HIDDEN: Final[int] = _of["CTLFLAG_HIDDEN"]
CTLFLAG_PERMANENT: Final[int] = _of["CTLFLAG_PERMANENT"]
CTLFLAG_PRIVATE: Final[int] = _of["CTLFLAG_PRIVATE"]
CTLFLAG_READONLY: Final[int] = _of["CTLFLAG_READONLY"]
CTLFLAG_READWRITE: Final[int] = _of["CTLFLAG_READWRITE"]
CTLTYPE_BOOL: Final[int] = _of["CTLTYPE_BOOL"]
CTLTYPE_INT: Final[int] = _of["CTLTYPE_INT"]
CTLTYPE_NODE: Final[int] = _of["CTLTYPE_NODE"]
CTLTYPE_QUAD: Final[int] = _of["CTLTYPE_QUAD"]
CTLTYPE_STRING: Final[int] = _of["CTLTYPE_STRING"]
CTLTYPE_STRUCT: Final[int] = _of["CTLTYPE_STRUCT"]
CTL_CREATE: Final[int] = _of["CTL_CREATE"]
CTL_CREATESYM: Final[int] = _of["CTL_CREATESYM"]
CTL_DEBUG: Final[int] = _of["CTL_DEBUG"]
CTL_DESCRIBE: Final[int] = _of["CTL_DESCRIBE"]
CTL_DESTROY: Final[int] = _of["CTL_DESTROY"]
CTL_HW: Final[int] = _of["CTL_HW"]
CTL_KERN: Final[int] = _of["CTL_KERN"]
CTL_MMAP: Final[int] = _of["CTL_MMAP"]
CTL_NET: Final[int] = _of["CTL_NET"]
CTL_PROC: Final[int] = _of["CTL_PROC"]
CTL_QUERY: Final[int] = _of["CTL_QUERY"]
CTL_SECURITY: Final[int] = _of["CTL_SECURITY"]
CTL_VFS: Final[int] = _of["CTL_VFS"]
CTL_VM: Final[int] = _of["CTL_VM"]
DELIVER_INTERRUPTS: Final[int] = _of["DELIVER_INTERRUPTS"]
DELIVER_PANICS: Final[int] = _of["DELIVER_PANICS"]
DELIVER_RAISED: Final[int] = _of["DELIVER_RAISED"]
DIOCGMEDIASIZE: Final[int] = _of["DIOCGMEDIASIZE"]
DIOCGSECTORSIZE: Final[int] = _of["DIOCGSECTORSIZE"]
DRVCTLCOMMAND: Final[int] = _of["DRVCTLCOMMAND"]
DRVDETACHDEV: Final[int] = _of["DRVDETACHDEV"]
DRVGETEVENT: Final[int] = _of["DRVGETEVENT"]
DRVLISTDEV: Final[int] = _of["DRVLISTDEV"]
DRVRESCANBUS: Final[int] = _of["DRVRESCANBUS"]
DRVRESUMEDEV: Final[int] = _of["DRVRESUMEDEV"]
DRVSUSPENDDEV: Final[int] = _of["DRVSUSPENDDEV"]
DT_BLK: Final[int] = _of["DT_BLK"]
DT_CHR: Final[int] = _of["DT_CHR"]
DT_DIR: Final[int] = _of["DT_DIR"]
DT_FIFO: Final[int] = _of["DT_FIFO"]
DT_LNK: Final[int] = _of["DT_LNK"]
DT_REG: Final[int] = _of["DT_REG"]
DT_SOCK: Final[int] = _of["DT_SOCK"]
DT_UNKNOWN: Final[int] = _of["DT_UNKNOWN"]
DT_WHT: Final[int] = _of["DT_WHT"]
ECHO: Final[int] = _of["ECHO"]
ECHOCTL: Final[int] = _of["ECHOCTL"]
ECHOE: Final[int] = _of["ECHOE"]
ECHOK: Final[int] = _of["ECHOK"]
ECHOKE: Final[int] = _of["ECHOKE"]
ECHONL: Final[int] = _of["ECHONL"]
ECHOPRT: Final[int] = _of["ECHOPRT"]
EVFILT_AIO: Final[int] = _of["EVFILT_AIO"]
EVFILT_EMPTY: Final[int] = _of["EVFILT_EMPTY"]
EVFILT_FS: Final[int] = _of["EVFILT_FS"]
EVFILT_PROC: Final[int] = _of["EVFILT_PROC"]
EVFILT_READ: Final[int] = _of["EVFILT_READ"]
EVFILT_SIGNAL: Final[int] = _of["EVFILT_SIGNAL"]
EVFILT_TIMER: Final[int] = _of["EVFILT_TIMER"]
EVFILT_USER: Final[int] = _of["EVFILT_USER"]
EVFILT_VNODE: Final[int] = _of["EVFILT_VNODE"]
EVFILT_WRITE: Final[int] = _of["EVFILT_WRITE"]
EV_ADD: Final[int] = _of["EV_ADD"]
EV_CLEAR: Final[int] = _of["EV_CLEAR"]
EV_DELETE: Final[int] = _of["EV_DELETE"]
EV_DISABLE: Final[int] = _of["EV_DISABLE"]
EV_DISPATCH: Final[int] = _of["EV_DISPATCH"]
EV_ENABLE: Final[int] = _of["EV_ENABLE"]
EV_EOF: Final[int] = _of["EV_EOF"]
EV_ERROR: Final[int] = _of["EV_ERROR"]
EV_ONESHOT: Final[int] = _of["EV_ONESHOT"]
EV_RECEIPT: Final[int] = _of["EV_RECEIPT"]
EXTATTR_NAMESPACE_SYSTEM: Final[int] = _of["EXTATTR_NAMESPACE_SYSTEM"]
EXTATTR_NAMESPACE_USER: Final[int] = _of["EXTATTR_NAMESPACE_USER"]
FDATASYNC: Final[int] = _of["FDATASYNC"]
FDISKSYNC: Final[int] = _of["FDISKSYNC"]
FD_CLOEXEC: Final[int] = _of["FD_CLOEXEC"]
FFILESYNC: Final[int] = _of["FFILESYNC"]
FIOASYNC: Final[int] = _of["FIOASYNC"]
FIOCLEX: Final[int] = _of["FIOCLEX"]
FIOGETOWN: Final[int] = _of["FIOGETOWN"]
FIONBIO: Final[int] = _of["FIONBIO"]
FIONCLEX: Final[int] = _of["FIONCLEX"]
FIONREAD: Final[int] = _of["FIONREAD"]
FIONSPACE: Final[int] = _of["FIONSPACE"]
FIONWRITE: Final[int] = _of["FIONWRITE"]
FIOSETOWN: Final[int] = _of["FIOSETOWN"]
FLUSHO: Final[int] = _of["FLUSHO"]
FREAD: Final[int] = _of["FREAD"]
FWRITE: Final[int] = _of["FWRITE"]
F_CLOSEM: Final[int] = _of["F_CLOSEM"]
F_DUPFD: Final[int] = _of["F_DUPFD"]
F_DUPFD_CLOEXEC: Final[int] = _of["F_DUPFD_CLOEXEC"]
F_GETFD: Final[int] = _of["F_GETFD"]
F_GETFL: Final[int] = _of["F_GETFL"]
F_GETLK: Final[int] = _of["F_GETLK"]
F_GETNOSIGPIPE: Final[int] = _of["F_GETNOSIGPIPE"]
F_GETOWN: Final[int] = _of["F_GETOWN"]
F_MAXFD: Final[int] = _of["F_MAXFD"]
F_OK: Final[int] = _of["F_OK"]
F_RDLCK: Final[int] = _of["F_RDLCK"]
F_SETFD: Final[int] = _of["F_SETFD"]
F_SETFL: Final[int] = _of["F_SETFL"]
F_SETLK: Final[int] = _of["F_SETLK"]
F_SETLKW: Final[int] = _of["F_SETLKW"]
F_SETNOSIGPIPE: Final[int] = _of["F_SETNOSIGPIPE"]
F_SETOWN: Final[int] = _of["F_SETOWN"]
F_UNLCK: Final[int] = _of["F_UNLCK"]
F_WRLCK: Final[int] = _of["F_WRLCK"]
HUPCL: Final[int] = _of["HUPCL"]
ICANON: Final[int] = _of["ICANON"]
ICMP6_FILTER: Final[int] = _of["ICMP6_FILTER"]
ICRNL: Final[int] = _of["ICRNL"]
IEXTEN: Final[int] = _of["IEXTEN"]
IFAN_ARRIVAL: Final[int] = _of["IFAN_ARRIVAL"]
IFAN_DEPARTURE: Final[int] = _of["IFAN_DEPARTURE"]
IFBAF_DYNAMIC: Final[int] = _of["IFBAF_DYNAMIC"]
IFBAF_STATIC: Final[int] = _of["IFBAF_STATIC"]
IFBF_FLUSHALL: Final[int] = _of["IFBF_FLUSHALL"]
IFBF_FLUSHDYN: Final[int] = _of["IFBF_FLUSHDYN"]
IFBIF_DISCOVER: Final[int] = _of["IFBIF_DISCOVER"]
IFBIF_LEARNING: Final[int] = _of["IFBIF_LEARNING"]
IFBIF_PROTECTED: Final[int] = _of["IFBIF_PROTECTED"]
IFBIF_STP: Final[int] = _of["IFBIF_STP"]
IFF_ALLMULTI: Final[int] = _of["IFF_ALLMULTI"]
IFF_BROADCAST: Final[int] = _of["IFF_BROADCAST"]
IFF_DEBUG: Final[int] = _of["IFF_DEBUG"]
IFF_LINK0: Final[int] = _of["IFF_LINK0"]
IFF_LINK1: Final[int] = _of["IFF_LINK1"]
IFF_LINK2: Final[int] = _of["IFF_LINK2"]
IFF_LOOPBACK: Final[int] = _of["IFF_LOOPBACK"]
IFF_MULTICAST: Final[int] = _of["IFF_MULTICAST"]
IFF_NOARP: Final[int] = _of["IFF_NOARP"]
IFF_OACTIVE: Final[int] = _of["IFF_OACTIVE"]
IFF_POINTOPOINT: Final[int] = _of["IFF_POINTOPOINT"]
IFF_PROMISC: Final[int] = _of["IFF_PROMISC"]
IFF_RUNNING: Final[int] = _of["IFF_RUNNING"]
IFF_SIMPLEX: Final[int] = _of["IFF_SIMPLEX"]
IFF_UP: Final[int] = _of["IFF_UP"]
IFM_ACTIVE: Final[int] = _of["IFM_ACTIVE"]
IFM_AUTO: Final[int] = _of["IFM_AUTO"]
IFM_AVALID: Final[int] = _of["IFM_AVALID"]
IFM_ETHER: Final[int] = _of["IFM_ETHER"]
IFM_NONE: Final[int] = _of["IFM_NONE"]
IGNCR: Final[int] = _of["IGNCR"]
IMAXBEL: Final[int] = _of["IMAXBEL"]
IN6_IFF_ANYCAST: Final[int] = _of["IN6_IFF_ANYCAST"]
IN6_IFF_AUTOCONF: Final[int] = _of["IN6_IFF_AUTOCONF"]
IN6_IFF_DEPRECATED: Final[int] = _of["IN6_IFF_DEPRECATED"]
IN6_IFF_DETACHED: Final[int] = _of["IN6_IFF_DETACHED"]
IN6_IFF_DUPLICATED: Final[int] = _of["IN6_IFF_DUPLICATED"]
IN6_IFF_NODAD: Final[int] = _of["IN6_IFF_NODAD"]
IN6_IFF_TEMPORARY: Final[int] = _of["IN6_IFF_TEMPORARY"]
IN6_IFF_TENTATIVE: Final[int] = _of["IN6_IFF_TENTATIVE"]
INLCR: Final[int] = _of["INLCR"]
IOV_MAX: Final[int] = _of["IOV_MAX"]
IPPROTO_ICMP: Final[int] = _of["IPPROTO_ICMP"]
IPPROTO_ICMPV6: Final[int] = _of["IPPROTO_ICMPV6"]
IPPROTO_IGMP: Final[int] = _of["IPPROTO_IGMP"]
IPPROTO_IP: Final[int] = _of["IPPROTO_IP"]
IPPROTO_IPV6: Final[int] = _of["IPPROTO_IPV6"]
IPPROTO_RAW: Final[int] = _of["IPPROTO_RAW"]
IPPROTO_TCP: Final[int] = _of["IPPROTO_TCP"]
IPPROTO_UDP: Final[int] = _of["IPPROTO_UDP"]
IPV6_CHECKSUM: Final[int] = _of["IPV6_CHECKSUM"]
IPV6_DONTFRAG: Final[int] = _of["IPV6_DONTFRAG"]
IPV6_DSTOPTS: Final[int] = _of["IPV6_DSTOPTS"]
IPV6_HOPLIMIT: Final[int] = _of["IPV6_HOPLIMIT"]
IPV6_HOPOPTS: Final[int] = _of["IPV6_HOPOPTS"]
IPV6_JOIN_GROUP: Final[int] = _of["IPV6_JOIN_GROUP"]
IPV6_LEAVE_GROUP: Final[int] = _of["IPV6_LEAVE_GROUP"]
IPV6_MULTICAST_HOPS: Final[int] = _of["IPV6_MULTICAST_HOPS"]
IPV6_MULTICAST_IF: Final[int] = _of["IPV6_MULTICAST_IF"]
IPV6_MULTICAST_LOOP: Final[int] = _of["IPV6_MULTICAST_LOOP"]
IPV6_NEXTHOP: Final[int] = _of["IPV6_NEXTHOP"]
IPV6_PATHMTU: Final[int] = _of["IPV6_PATHMTU"]
IPV6_PKTINFO: Final[int] = _of["IPV6_PKTINFO"]
IPV6_PORTRANGE: Final[int] = _of["IPV6_PORTRANGE"]
IPV6_RECVDSTOPTS: Final[int] = _of["IPV6_RECVDSTOPTS"]
IPV6_RECVHOPLIMIT: Final[int] = _of["IPV6_RECVHOPLIMIT"]
IPV6_RECVHOPOPTS: Final[int] = _of["IPV6_RECVHOPOPTS"]
IPV6_RECVPATHMTU: Final[int] = _of["IPV6_RECVPATHMTU"]
IPV6_RECVPKTINFO: Final[int] = _of["IPV6_RECVPKTINFO"]
IPV6_RECVRTHDR: Final[int] = _of["IPV6_RECVRTHDR"]
IPV6_RECVTCLASS: Final[int] = _of["IPV6_RECVTCLASS"]
IPV6_RTHDR: Final[int] = _of["IPV6_RTHDR"]
IPV6_RTHDRDSTOPTS: Final[int] = _of["IPV6_RTHDRDSTOPTS"]
IPV6_TCLASS: Final[int] = _of["IPV6_TCLASS"]
IPV6_UNICAST_HOPS: Final[int] = _of["IPV6_UNICAST_HOPS"]
IPV6_USE_MIN_MTU: Final[int] = _of["IPV6_USE_MIN_MTU"]
IPV6_V6ONLY: Final[int] = _of["IPV6_V6ONLY"]
IP_ADD_MEMBERSHIP: Final[int] = _of["IP_ADD_MEMBERSHIP"]
IP_BINDANY: Final[int] = _of["IP_BINDANY"]
IP_DROP_MEMBERSHIP: Final[int] = _of["IP_DROP_MEMBERSHIP"]
IP_ERRORMTU: Final[int] = _of["IP_ERRORMTU"]
IP_HDRINCL: Final[int] = _of["IP_HDRINCL"]
IP_MINTTL: Final[int] = _of["IP_MINTTL"]
IP_MULTICAST_IF: Final[int] = _of["IP_MULTICAST_IF"]
IP_MULTICAST_LOOP: Final[int] = _of["IP_MULTICAST_LOOP"]
IP_MULTICAST_TTL: Final[int] = _of["IP_MULTICAST_TTL"]
IP_OPTIONS: Final[int] = _of["IP_OPTIONS"]
IP_PKTINFO: Final[int] = _of["IP_PKTINFO"]
IP_PORTALGO: Final[int] = _of["IP_PORTALGO"]
IP_PORTRANGE: Final[int] = _of["IP_PORTRANGE"]
IP_PORTRANGE_DEFAULT: Final[int] = _of["IP_PORTRANGE_DEFAULT"]
IP_PORTRANGE_HIGH: Final[int] = _of["IP_PORTRANGE_HIGH"]
IP_PORTRANGE_LOW: Final[int] = _of["IP_PORTRANGE_LOW"]
IP_RECVDSTADDR: Final[int] = _of["IP_RECVDSTADDR"]
IP_RECVIF: Final[int] = _of["IP_RECVIF"]
IP_RECVOPTS: Final[int] = _of["IP_RECVOPTS"]
IP_RECVPKTINFO: Final[int] = _of["IP_RECVPKTINFO"]
IP_RECVRETOPTS: Final[int] = _of["IP_RECVRETOPTS"]
IP_RECVTTL: Final[int] = _of["IP_RECVTTL"]
IP_RETOPTS: Final[int] = _of["IP_RETOPTS"]
IP_TOS: Final[int] = _of["IP_TOS"]
IP_TTL: Final[int] = _of["IP_TTL"]
ISIG: Final[int] = _of["ISIG"]
ISTRIP: Final[int] = _of["ISTRIP"]
ITIMER_MONOTONIC: Final[int] = _of["ITIMER_MONOTONIC"]
ITIMER_PROF: Final[int] = _of["ITIMER_PROF"]
ITIMER_REAL: Final[int] = _of["ITIMER_REAL"]
ITIMER_VIRTUAL: Final[int] = _of["ITIMER_VIRTUAL"]
IXANY: Final[int] = _of["IXANY"]
IXOFF: Final[int] = _of["IXOFF"]
IXON: Final[int] = _of["IXON"]
KERN_FILE_BYFILE: Final[int] = _of["KERN_FILE_BYFILE"]
KERN_FILE_BYPID: Final[int] = _of["KERN_FILE_BYPID"]
KERN_PROC_ALL: Final[int] = _of["KERN_PROC_ALL"]
KERN_PROC_ARGV: Final[int] = _of["KERN_PROC_ARGV"]
KERN_PROC_ENV: Final[int] = _of["KERN_PROC_ENV"]
KERN_PROC_GID: Final[int] = _of["KERN_PROC_GID"]
KERN_PROC_NARGV: Final[int] = _of["KERN_PROC_NARGV"]
KERN_PROC_NENV: Final[int] = _of["KERN_PROC_NENV"]
KERN_PROC_PATHNAME: Final[int] = _of["KERN_PROC_PATHNAME"]
KERN_PROC_PGRP: Final[int] = _of["KERN_PROC_PGRP"]
KERN_PROC_PID: Final[int] = _of["KERN_PROC_PID"]
KERN_PROC_RGID: Final[int] = _of["KERN_PROC_RGID"]
KERN_PROC_RUID: Final[int] = _of["KERN_PROC_RUID"]
KERN_PROC_SESSION: Final[int] = _of["KERN_PROC_SESSION"]
KERN_PROC_TTY: Final[int] = _of["KERN_PROC_TTY"]
KERN_PROC_UID: Final[int] = _of["KERN_PROC_UID"]
KTRFACV0: Final[int] = _of["KTRFACV0"]
KTRFACV1: Final[int] = _of["KTRFACV1"]
KTRFACV2: Final[int] = _of["KTRFACV2"]
KTRFAC_CALL: Final[int] = _of["KTRFAC_CALL"]
KTRFAC_CSW: Final[int] = _of["KTRFAC_CSW"]
KTRFAC_EMUL: Final[int] = _of["KTRFAC_EMUL"]
KTRFAC_EXEC_ARG: Final[int] = _of["KTRFAC_EXEC_ARG"]
KTRFAC_EXEC_ENV: Final[int] = _of["KTRFAC_EXEC_ENV"]
KTRFAC_EXEC_FD: Final[int] = _of["KTRFAC_EXEC_FD"]
KTRFAC_GENIO: Final[int] = _of["KTRFAC_GENIO"]
KTRFAC_INHERIT: Final[int] = _of["KTRFAC_INHERIT"]
KTRFAC_MASK: Final[int] = _of["KTRFAC_MASK"]
KTRFAC_MIB: Final[int] = _of["KTRFAC_MIB"]
KTRFAC_NAMEI: Final[int] = _of["KTRFAC_NAMEI"]
KTRFAC_PERSISTENT: Final[int] = _of["KTRFAC_PERSISTENT"]
KTRFAC_PSIG: Final[int] = _of["KTRFAC_PSIG"]
KTRFAC_RESULT: Final[int] = _of["KTRFAC_RESULT"]
KTRFAC_SYSCALL: Final[int] = _of["KTRFAC_SYSCALL"]
KTRFAC_SYSRET: Final[int] = _of["KTRFAC_SYSRET"]
KTRFAC_USER: Final[int] = _of["KTRFAC_USER"]
KTRFAC_VER_MASK: Final[int] = _of["KTRFAC_VER_MASK"]
KTRFAC_VER_SHIFT: Final[int] = _of["KTRFAC_VER_SHIFT"]
KTRFLAG_DESCEND: Final[int] = _of["KTRFLAG_DESCEND"]
KTROP_CLEAR: Final[int] = _of["KTROP_CLEAR"]
KTROP_CLEARFILE: Final[int] = _of["KTROP_CLEARFILE"]
KTROP_MASK: Final[int] = _of["KTROP_MASK"]
KTROP_SET: Final[int] = _of["KTROP_SET"]
KTR_CALL: Final[int] = _of["KTR_CALL"]
KTR_CSW: Final[int] = _of["KTR_CSW"]
KTR_EMUL: Final[int] = _of["KTR_EMUL"]
KTR_EXEC_ARG: Final[int] = _of["KTR_EXEC_ARG"]
KTR_EXEC_ENV: Final[int] = _of["KTR_EXEC_ENV"]
KTR_EXEC_FD: Final[int] = _of["KTR_EXEC_FD"]
KTR_GENIO: Final[int] = _of["KTR_GENIO"]
KTR_MIB: Final[int] = _of["KTR_MIB"]
KTR_NAMEI: Final[int] = _of["KTR_NAMEI"]
KTR_PSIG: Final[int] = _of["KTR_PSIG"]
KTR_RESULT: Final[int] = _of["KTR_RESULT"]
KTR_SYSCALL: Final[int] = _of["KTR_SYSCALL"]
KTR_SYSRET: Final[int] = _of["KTR_SYSRET"]
KTR_USER: Final[int] = _of["KTR_USER"]
KTR_USER_MAXIDLEN: Final[int] = _of["KTR_USER_MAXIDLEN"]
KTR_USER_MAXLEN: Final[int] = _of["KTR_USER_MAXLEN"]
LAGG_PROTO_FAILOVER: Final[int] = _of["LAGG_PROTO_FAILOVER"]
LAGG_PROTO_LOADBALANCE: Final[int] = _of["LAGG_PROTO_LOADBALANCE"]
LAGG_PROTO_NONE: Final[int] = _of["LAGG_PROTO_NONE"]
LINK_STATE_DOWN: Final[int] = _of["LINK_STATE_DOWN"]
LINK_STATE_UNKNOWN: Final[int] = _of["LINK_STATE_UNKNOWN"]
LINK_STATE_UP: Final[int] = _of["LINK_STATE_UP"]
LIO_NOP: Final[int] = _of["LIO_NOP"]
LIO_NOWAIT: Final[int] = _of["LIO_NOWAIT"]
LIO_READ: Final[int] = _of["LIO_READ"]
LIO_WAIT: Final[int] = _of["LIO_WAIT"]
LIO_WRITE: Final[int] = _of["LIO_WRITE"]
LOCAL_CONNWAIT: Final[int] = _of["LOCAL_CONNWAIT"]
LOCAL_CREDS: Final[int] = _of["LOCAL_CREDS"]
LOCAL_PEEREID: Final[int] = _of["LOCAL_PEEREID"]
LOCK_EX: Final[int] = _of["LOCK_EX"]
LOCK_NB: Final[int] = _of["LOCK_NB"]
LOCK_SH: Final[int] = _of["LOCK_SH"]
LOCK_UN: Final[int] = _of["LOCK_UN"]
MAJOR_BPF: Final[int] = _of["MAJOR_BPF"]
MAJOR_CGD_BLK: Final[int] = _of["MAJOR_CGD_BLK"]
MAJOR_CGD_CHR: Final[int] = _of["MAJOR_CGD_CHR"]
MAJOR_CTTY: Final[int] = _of["MAJOR_CTTY"]
MAJOR_DRVCTL: Final[int] = _of["MAJOR_DRVCTL"]
MAJOR_FILEDESC: Final[int] = _of["MAJOR_FILEDESC"]
MAJOR_MD_BLK: Final[int] = _of["MAJOR_MD_BLK"]
MAJOR_MD_CHR: Final[int] = _of["MAJOR_MD_CHR"]
MAJOR_NULL: Final[int] = _of["MAJOR_NULL"]
MAJOR_PTC: Final[int] = _of["MAJOR_PTC"]
MAJOR_PTM: Final[int] = _of["MAJOR_PTM"]
MAJOR_PTS: Final[int] = _of["MAJOR_PTS"]
MAJOR_RAID_BLK: Final[int] = _of["MAJOR_RAID_BLK"]
MAJOR_RAID_CHR: Final[int] = _of["MAJOR_RAID_CHR"]
MAJOR_RND: Final[int] = _of["MAJOR_RND"]
MAJOR_RUMPBLK: Final[int] = _of["MAJOR_RUMPBLK"]
MAJOR_TAP: Final[int] = _of["MAJOR_TAP"]
MAJOR_TUN: Final[int] = _of["MAJOR_TUN"]
MAJOR_VND_BLK: Final[int] = _of["MAJOR_VND_BLK"]
MAJOR_VND_CHR: Final[int] = _of["MAJOR_VND_CHR"]
MAXHOSTNAMELEN: Final[int] = _of["MAXHOSTNAMELEN"]
MAXMODNAME: Final[int] = _of["MAXMODNAME"]
MNT_ASYNC: Final[int] = _of["MNT_ASYNC"]
MNT_FORCE: Final[int] = _of["MNT_FORCE"]
MNT_GETARGS: Final[int] = _of["MNT_GETARGS"]
MNT_LOCAL: Final[int] = _of["MNT_LOCAL"]
MNT_NOATIME: Final[int] = _of["MNT_NOATIME"]
MNT_NODEV: Final[int] = _of["MNT_NODEV"]
MNT_NOEXEC: Final[int] = _of["MNT_NOEXEC"]
MNT_NOSUID: Final[int] = _of["MNT_NOSUID"]
MNT_QUOTA: Final[int] = _of["MNT_QUOTA"]
MNT_RDONLY: Final[int] = _of["MNT_RDONLY"]
MNT_RELOAD: Final[int] = _of["MNT_RELOAD"]
MNT_ROOTFS: Final[int] = _of["MNT_ROOTFS"]
MNT_SYNCHRONOUS: Final[int] = _of["MNT_SYNCHRONOUS"]
MNT_UNION: Final[int] = _of["MNT_UNION"]
MNT_UPDATE: Final[int] = _of["MNT_UPDATE"]
MODCTL_EXISTS: Final[int] = _of["MODCTL_EXISTS"]
MODCTL_LOAD: Final[int] = _of["MODCTL_LOAD"]
MODCTL_LOAD_FORCE: Final[int] = _of["MODCTL_LOAD_FORCE"]
MODCTL_NO_PROP: Final[int] = _of["MODCTL_NO_PROP"]
MODCTL_STAT: Final[int] = _of["MODCTL_STAT"]
MODCTL_UNLOAD: Final[int] = _of["MODCTL_UNLOAD"]
MODFLG_AUTO_LOADED: Final[int] = _of["MODFLG_AUTO_LOADED"]
MODFLG_MUST_FORCE: Final[int] = _of["MODFLG_MUST_FORCE"]
MSG_CMSG_CLOEXEC: Final[int] = _of["MSG_CMSG_CLOEXEC"]
MSG_CTRUNC: Final[int] = _of["MSG_CTRUNC"]
MSG_DONTROUTE: Final[int] = _of["MSG_DONTROUTE"]
MSG_DONTWAIT: Final[int] = _of["MSG_DONTWAIT"]
MSG_EOR: Final[int] = _of["MSG_EOR"]
MSG_FASTOPEN: Final[int] = _of["MSG_FASTOPEN"]
MSG_MORE: Final[int] = _of["MSG_MORE"]
MSG_NOSIGNAL: Final[int] = _of["MSG_NOSIGNAL"]
MSG_OOB: Final[int] = _of["MSG_OOB"]
MSG_PEEK: Final[int] = _of["MSG_PEEK"]
MSG_TRUNC: Final[int] = _of["MSG_TRUNC"]
MSG_WAITALL: Final[int] = _of["MSG_WAITALL"]
MSG_WAITFORONE: Final[int] = _of["MSG_WAITFORONE"]
NAME_MAX: Final[int] = _of["NAME_MAX"]
NCCS: Final[int] = _of["NCCS"]
ND6_IFF_ACCEPT_RTADV: Final[int] = _of["ND6_IFF_ACCEPT_RTADV"]
ND6_IFF_AUTO_LINKLOCAL: Final[int] = _of["ND6_IFF_AUTO_LINKLOCAL"]
ND6_IFF_IFDISABLED: Final[int] = _of["ND6_IFF_IFDISABLED"]
ND6_IFF_PERFORMNUD: Final[int] = _of["ND6_IFF_PERFORMNUD"]
ND6_INFINITE_LIFETIME: Final[int] = _of["ND6_INFINITE_LIFETIME"]
ND6_LLINFO_DELAY: Final[int] = _of["ND6_LLINFO_DELAY"]
ND6_LLINFO_INCOMPLETE: Final[int] = _of["ND6_LLINFO_INCOMPLETE"]
ND6_LLINFO_NOSTATE: Final[int] = _of["ND6_LLINFO_NOSTATE"]
ND6_LLINFO_PROBE: Final[int] = _of["ND6_LLINFO_PROBE"]
ND6_LLINFO_PURGE: Final[int] = _of["ND6_LLINFO_PURGE"]
ND6_LLINFO_REACHABLE: Final[int] = _of["ND6_LLINFO_REACHABLE"]
ND6_LLINFO_STALE: Final[int] = _of["ND6_LLINFO_STALE"]
ND6_LLINFO_WAITDELETE: Final[int] = _of["ND6_LLINFO_WAITDELETE"]
NET_RT_DUMP: Final[int] = _of["NET_RT_DUMP"]
NET_RT_FLAGS: Final[int] = _of["NET_RT_FLAGS"]
NET_RT_IFLIST: Final[int] = _of["NET_RT_IFLIST"]
NGROUPS_MAX: Final[int] = _of["NGROUPS_MAX"]
NOFLSH: Final[int] = _of["NOFLSH"]
NOTE_ABSTIME: Final[int] = _of["NOTE_ABSTIME"]
NOTE_ATTRIB: Final[int] = _of["NOTE_ATTRIB"]
NOTE_CHILD: Final[int] = _of["NOTE_CHILD"]
NOTE_CLOSE: Final[int] = _of["NOTE_CLOSE"]
NOTE_CLOSE_WRITE: Final[int] = _of["NOTE_CLOSE_WRITE"]
NOTE_DELETE: Final[int] = _of["NOTE_DELETE"]
NOTE_EXEC: Final[int] = _of["NOTE_EXEC"]
NOTE_EXIT: Final[int] = _of["NOTE_EXIT"]
NOTE_EXTEND: Final[int] = _of["NOTE_EXTEND"]
NOTE_FFAND: Final[int] = _of["NOTE_FFAND"]
NOTE_FFCOPY: Final[int] = _of["NOTE_FFCOPY"]
NOTE_FFCTRLMASK: Final[int] = _of["NOTE_FFCTRLMASK"]
NOTE_FFLAGSMASK: Final[int] = _of["NOTE_FFLAGSMASK"]
NOTE_FFNOP: Final[int] = _of["NOTE_FFNOP"]
NOTE_FFOR: Final[int] = _of["NOTE_FFOR"]
NOTE_FORK: Final[int] = _of["NOTE_FORK"]
NOTE_LINK: Final[int] = _of["NOTE_LINK"]
NOTE_LOWAT: Final[int] = _of["NOTE_LOWAT"]
NOTE_MSECONDS: Final[int] = _of["NOTE_MSECONDS"]
NOTE_NSECONDS: Final[int] = _of["NOTE_NSECONDS"]
NOTE_OPEN: Final[int] = _of["NOTE_OPEN"]
NOTE_READ: Final[int] = _of["NOTE_READ"]
NOTE_RENAME: Final[int] = _of["NOTE_RENAME"]
NOTE_REVOKE: Final[int] = _of["NOTE_REVOKE"]
NOTE_SECONDS: Final[int] = _of["NOTE_SECONDS"]
NOTE_TRACK: Final[int] = _of["NOTE_TRACK"]
NOTE_TRACKERR: Final[int] = _of["NOTE_TRACKERR"]
NOTE_TRIGGER: Final[int] = _of["NOTE_TRIGGER"]
NOTE_USECONDS: Final[int] = _of["NOTE_USECONDS"]
NOTE_WRITE: Final[int] = _of["NOTE_WRITE"]
OCRNL: Final[int] = _of["OCRNL"]
ONLCR: Final[int] = _of["ONLCR"]
ONLRET: Final[int] = _of["ONLRET"]
ONOCR: Final[int] = _of["ONOCR"]
ONOEOT: Final[int] = _of["ONOEOT"]
OPEN_MAX: Final[int] = _of["OPEN_MAX"]
OPOST: Final[int] = _of["OPOST"]
OXTABS: Final[int] = _of["OXTABS"]
O_ACCMODE: Final[int] = _of["O_ACCMODE"]
O_ALT_IO: Final[int] = _of["O_ALT_IO"]
O_APPEND: Final[int] = _of["O_APPEND"]
O_ASYNC: Final[int] = _of["O_ASYNC"]
O_CLOEXEC: Final[int] = _of["O_CLOEXEC"]
O_CREAT: Final[int] = _of["O_CREAT"]
O_DIRECT: Final[int] = _of["O_DIRECT"]
O_DIRECTORY: Final[int] = _of["O_DIRECTORY"]
O_DSYNC: Final[int] = _of["O_DSYNC"]
O_EXCL: Final[int] = _of["O_EXCL"]
O_EXLOCK: Final[int] = _of["O_EXLOCK"]
O_NOCTTY: Final[int] = _of["O_NOCTTY"]
O_NOFOLLOW: Final[int] = _of["O_NOFOLLOW"]
O_NONBLOCK: Final[int] = _of["O_NONBLOCK"]
O_NOSIGPIPE: Final[int] = _of["O_NOSIGPIPE"]
O_RDONLY: Final[int] = _of["O_RDONLY"]
O_RDWR: Final[int] = _of["O_RDWR"]
O_REGULAR: Final[int] = _of["O_REGULAR"]
O_RSYNC: Final[int] = _of["O_RSYNC"]
O_SEARCH: Final[int] = _of["O_SEARCH"]
O_SHLOCK: Final[int] = _of["O_SHLOCK"]
O_SYNC: Final[int] = _of["O_SYNC"]
O_TRUNC: Final[int] = _of["O_TRUNC"]
O_WRONLY: Final[int] = _of["O_WRONLY"]
PATH_MAX: Final[int] = _of["PATH_MAX"]
PC_2_SYMLINKS: Final[int] = _of["PC_2_SYMLINKS"]
PC_CHOWN_RESTRICTED: Final[int] = _of["PC_CHOWN_RESTRICTED"]
PC_FILESIZEBITS: Final[int] = _of["PC_FILESIZEBITS"]
PC_LINK_MAX: Final[int] = _of["PC_LINK_MAX"]
PC_MAX_CANON: Final[int] = _of["PC_MAX_CANON"]
PC_MAX_INPUT: Final[int] = _of["PC_MAX_INPUT"]
PC_NAME_MAX: Final[int] = _of["PC_NAME_MAX"]
PC_NO_TRUNC: Final[int] = _of["PC_NO_TRUNC"]
PC_PATH_MAX: Final[int] = _of["PC_PATH_MAX"]
PC_PIPE_BUF: Final[int] = _of["PC_PIPE_BUF"]
PC_SYMLINK_MAX: Final[int] = _of["PC_SYMLINK_MAX"]
PC_SYNC_IO: Final[int] = _of["PC_SYNC_IO"]
PC_VDISABLE: Final[int] = _of["PC_VDISABLE"]
PENDIN: Final[int] = _of["PENDIN"]
PIPE_BUF: Final[int] = _of["PIPE_BUF"]
POLLERR: Final[int] = _of["POLLERR"]
POLLHUP: Final[int] = _of["POLLHUP"]
POLLIN: Final[int] = _of["POLLIN"]
POLLNVAL: Final[int] = _of["POLLNVAL"]
POLLOUT: Final[int] = _of["POLLOUT"]
POLLPRI: Final[int] = _of["POLLPRI"]
POLLRDBAND: Final[int] = _of["POLLRDBAND"]
POLLRDNORM: Final[int] = _of["POLLRDNORM"]
POLLWRBAND: Final[int] = _of["POLLWRBAND"]
POLLWRNORM: Final[int] = _of["POLLWRNORM"]
POLL_ERR: Final[int] = _of["POLL_ERR"]
POLL_HUP: Final[int] = _of["POLL_HUP"]
POLL_IN: Final[int] = _of["POLL_IN"]
POLL_MSG: Final[int] = _of["POLL_MSG"]
POLL_OUT: Final[int] = _of["POLL_OUT"]
POLL_PRI: Final[int] = _of["POLL_PRI"]
POSIX_VDISABLE: Final[int] = _of["POSIX_VDISABLE"]
QUOTACTL_CURSORATEND: Final[int] = _of["QUOTACTL_CURSORATEND"]
QUOTACTL_CURSORCLOSE: Final[int] = _of["QUOTACTL_CURSORCLOSE"]
QUOTACTL_CURSORGET: Final[int] = _of["QUOTACTL_CURSORGET"]
QUOTACTL_CURSOROPEN: Final[int] = _of["QUOTACTL_CURSOROPEN"]
QUOTACTL_CURSORREWIND: Final[int] = _of["QUOTACTL_CURSORREWIND"]
QUOTACTL_CURSORSKIPIDTYPE: Final[int] = _of["QUOTACTL_CURSORSKIPIDTYPE"]
QUOTACTL_DEL: Final[int] = _of["QUOTACTL_DEL"]
QUOTACTL_GET: Final[int] = _of["QUOTACTL_GET"]
QUOTACTL_IDTYPESTAT: Final[int] = _of["QUOTACTL_IDTYPESTAT"]
QUOTACTL_OBJTYPESTAT: Final[int] = _of["QUOTACTL_OBJTYPESTAT"]
QUOTACTL_PUT: Final[int] = _of["QUOTACTL_PUT"]
QUOTACTL_QUOTAOFF: Final[int] = _of["QUOTACTL_QUOTAOFF"]
QUOTACTL_QUOTAON: Final[int] = _of["QUOTACTL_QUOTAON"]
QUOTACTL_STAT: Final[int] = _of["QUOTACTL_STAT"]
QUOTA_DEFAULTID: Final[int] = _of["QUOTA_DEFAULTID"]
QUOTA_IDTYPE_GROUP: Final[int] = _of["QUOTA_IDTYPE_GROUP"]
QUOTA_IDTYPE_USER: Final[int] = _of["QUOTA_IDTYPE_USER"]
QUOTA_NOLIMIT: Final[int] = _of["QUOTA_NOLIMIT"]
QUOTA_NOTIME: Final[int] = _of["QUOTA_NOTIME"]
QUOTA_OBJTYPE_BLOCKS: Final[int] = _of["QUOTA_OBJTYPE_BLOCKS"]
QUOTA_OBJTYPE_FILES: Final[int] = _of["QUOTA_OBJTYPE_FILES"]
QUOTA_RESTRICT_32BIT: Final[int] = _of["QUOTA_RESTRICT_32BIT"]
QUOTA_RESTRICT_NEEDSQUOTACHECK: Final[int] = _of["QUOTA_RESTRICT_NEEDSQUOTACHECK"]
QUOTA_RESTRICT_READONLY: Final[int] = _of["QUOTA_RESTRICT_READONLY"]
QUOTA_RESTRICT_UNIFORMGRACE: Final[int] = _of["QUOTA_RESTRICT_UNIFORMGRACE"]
RAIDFRAME_ADD_HOT_SPARE: Final[int] = _of["RAIDFRAME_ADD_HOT_SPARE"]
RAIDFRAME_CHECK_PARITY: Final[int] = _of["RAIDFRAME_CHECK_PARITY"]
RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT: Final[int] = _of["RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT"]
RAIDFRAME_CHECK_RECON_STATUS_EXT: Final[int] = _of["RAIDFRAME_CHECK_RECON_STATUS_EXT"]
RAIDFRAME_CONFIGURE: Final[int] = _of["RAIDFRAME_CONFIGURE"]
RAIDFRAME_FAIL_DISK: Final[int] = _of["RAIDFRAME_FAIL_DISK"]
RAIDFRAME_GET_INFO: Final[int] = _of["RAIDFRAME_GET_INFO"]
RAIDFRAME_REBUILD_IN_PLACE: Final[int] = _of["RAIDFRAME_REBUILD_IN_PLACE"]
RAIDFRAME_REMOVE_COMPONENT: Final[int] = _of["RAIDFRAME_REMOVE_COMPONENT"]
RAIDFRAME_REWRITEPARITY: Final[int] = _of["RAIDFRAME_REWRITEPARITY"]
RAIDFRAME_SHUTDOWN: Final[int] = _of["RAIDFRAME_SHUTDOWN"]
RB_AUTOBOOT: Final[int] = _of["RB_AUTOBOOT"]
RB_DUMP: Final[int] = _of["RB_DUMP"]
RB_HALT: Final[int] = _of["RB_HALT"]
RB_NOSYNC: Final[int] = _of["RB_NOSYNC"]
RFCFDG: Final[int] = _of["RFCFDG"]
RFFDG: Final[int] = _of["RFFDG"]
RFSHARE: Final[int] = _of["RFSHARE"]
RF_FDFLAGS_NONE: Final[int] = _of["RF_FDFLAGS_NONE"]
RF_FDFLAGS_RECON: Final[int] = _of["RF_FDFLAGS_RECON"]
RLIMIT_AS: Final[int] = _of["RLIMIT_AS"]
RLIMIT_CORE: Final[int] = _of["RLIMIT_CORE"]
RLIMIT_CPU: Final[int] = _of["RLIMIT_CPU"]
RLIMIT_DATA: Final[int] = _of["RLIMIT_DATA"]
RLIMIT_FSIZE: Final[int] = _of["RLIMIT_FSIZE"]
RLIMIT_MEMLOCK: Final[int] = _of["RLIMIT_MEMLOCK"]
RLIMIT_NOFILE: Final[int] = _of["RLIMIT_NOFILE"]
RLIMIT_NPROC: Final[int] = _of["RLIMIT_NPROC"]
RLIMIT_NTHR: Final[int] = _of["RLIMIT_NTHR"]
RLIMIT_RSS: Final[int] = _of["RLIMIT_RSS"]
RLIMIT_SBSIZE: Final[int] = _of["RLIMIT_SBSIZE"]
RLIMIT_STACK: Final[int] = _of["RLIMIT_STACK"]
RLIM_INFINITY: Final[int] = _of["RLIM_INFINITY"]
RTF_ANNOUNCE: Final[int] = _of["RTF_ANNOUNCE"]
RTF_BLACKHOLE: Final[int] = _of["RTF_BLACKHOLE"]
RTF_BROADCAST: Final[int] = _of["RTF_BROADCAST"]
RTF_CONNECTED: Final[int] = _of["RTF_CONNECTED"]
RTF_DONE: Final[int] = _of["RTF_DONE"]
RTF_DYNAMIC: Final[int] = _of["RTF_DYNAMIC"]
RTF_GATEWAY: Final[int] = _of["RTF_GATEWAY"]
RTF_HOST: Final[int] = _of["RTF_HOST"]
RTF_LLDATA: Final[int] = _of["RTF_LLDATA"]
RTF_LOCAL: Final[int] = _of["RTF_LOCAL"]
RTF_MASK: Final[int] = _of["RTF_MASK"]
RTF_MODIFIED: Final[int] = _of["RTF_MODIFIED"]
RTF_PROTO1: Final[int] = _of["RTF_PROTO1"]
RTF_PROTO2: Final[int] = _of["RTF_PROTO2"]
RTF_REJECT: Final[int] = _of["RTF_REJECT"]
RTF_SRC: Final[int] = _of["RTF_SRC"]
RTF_STATIC: Final[int] = _of["RTF_STATIC"]
RTF_UP: Final[int] = _of["RTF_UP"]
RTM_ADD: Final[int] = _of["RTM_ADD"]
RTM_CHANGE: Final[int] = _of["RTM_CHANGE"]
RTM_CHGADDR: Final[int] = _of["RTM_CHGADDR"]
RTM_DELADDR: Final[int] = _of["RTM_DELADDR"]
RTM_DELETE: Final[int] = _of["RTM_DELETE"]
RTM_GET: Final[int] = _of["RTM_GET"]
RTM_IFANNOUNCE: Final[int] = _of["RTM_IFANNOUNCE"]
RTM_IFINFO: Final[int] = _of["RTM_IFINFO"]
RTM_LLINFO_UPD: Final[int] = _of["RTM_LLINFO_UPD"]
RTM_LOCK: Final[int] = _of["RTM_LOCK"]
RTM_LOSING: Final[int] = _of["RTM_LOSING"]
RTM_MISS: Final[int] = _of["RTM_MISS"]
RTM_NEWADDR: Final[int] = _of["RTM_NEWADDR"]
RTM_REDIRECT: Final[int] = _of["RTM_REDIRECT"]
RTM_SETGATE: Final[int] = _of["RTM_SETGATE"]
RTM_VERSION: Final[int] = _of["RTM_VERSION"]
RUMP_ETFS_BLK: Final[int] = _of["RUMP_ETFS_BLK"]
RUMP_ETFS_CHR: Final[int] = _of["RUMP_ETFS_CHR"]
RUMP_ETFS_DIR: Final[int] = _of["RUMP_ETFS_DIR"]
RUMP_ETFS_DIR_SUBDIRS: Final[int] = _of["RUMP_ETFS_DIR_SUBDIRS"]
RUMP_ETFS_REG: Final[int] = _of["RUMP_ETFS_REG"]
R_OK: Final[int] = _of["R_OK"]
SCM_CREDS: Final[int] = _of["SCM_CREDS"]
SCM_RIGHTS: Final[int] = _of["SCM_RIGHTS"]
SCM_TIMESTAMP: Final[int] = _of["SCM_TIMESTAMP"]
SEEK_CUR: Final[int] = _of["SEEK_CUR"]
SEEK_DATA: Final[int] = _of["SEEK_DATA"]
SEEK_END: Final[int] = _of["SEEK_END"]
SEEK_HOLE: Final[int] = _of["SEEK_HOLE"]
SEEK_SET: Final[int] = _of["SEEK_SET"]
SF_APPEND: Final[int] = _of["SF_APPEND"]
SF_ARCHIVED: Final[int] = _of["SF_ARCHIVED"]
SF_IMMUTABLE: Final[int] = _of["SF_IMMUTABLE"]
SHUT_RD: Final[int] = _of["SHUT_RD"]
SHUT_RDWR: Final[int] = _of["SHUT_RDWR"]
SHUT_WR: Final[int] = _of["SHUT_WR"]
SIGABRT: Final[int] = _of["SIGABRT"]
SIGALRM: Final[int] = _of["SIGALRM"]
SIGBUS: Final[int] = _of["SIGBUS"]
SIGCHLD: Final[int] = _of["SIGCHLD"]
SIGCONT: Final[int] = _of["SIGCONT"]
SIGEMT: Final[int] = _of["SIGEMT"]
SIGEV_NONE: Final[int] = _of["SIGEV_NONE"]
SIGEV_SIGNAL: Final[int] = _of["SIGEV_SIGNAL"]
SIGFPE: Final[int] = _of["SIGFPE"]
SIGHUP: Final[int] = _of["SIGHUP"]
SIGILL: Final[int] = _of["SIGILL"]
SIGINFO: Final[int] = _of["SIGINFO"]
SIGINT: Final[int] = _of["SIGINT"]
SIGIO: Final[int] = _of["SIGIO"]
SIGKILL: Final[int] = _of["SIGKILL"]
SIGPIPE: Final[int] = _of["SIGPIPE"]
SIGPROF: Final[int] = _of["SIGPROF"]
SIGPWR: Final[int] = _of["SIGPWR"]
SIGQUIT: Final[int] = _of["SIGQUIT"]
SIGRTMAX: Final[int] = _of["SIGRTMAX"]
SIGRTMIN: Final[int] = _of["SIGRTMIN"]
SIGSEGV: Final[int] = _of["SIGSEGV"]
SIGSTOP: Final[int] = _of["SIGSTOP"]
SIGSYS: Final[int] = _of["SIGSYS"]
SIGTERM: Final[int] = _of["SIGTERM"]
SIGTRAP: Final[int] = _of["SIGTRAP"]
SIGTSTP: Final[int] = _of["SIGTSTP"]
SIGTTIN: Final[int] = _of["SIGTTIN"]
SIGTTOU: Final[int] = _of["SIGTTOU"]
SIGURG: Final[int] = _of["SIGURG"]
SIGUSR1: Final[int] = _of["SIGUSR1"]
SIGUSR2: Final[int] = _of["SIGUSR2"]
SIGVTALRM: Final[int] = _of["SIGVTALRM"]
SIGWINCH: Final[int] = _of["SIGWINCH"]
SIGXCPU: Final[int] = _of["SIGXCPU"]
SIGXFSZ: Final[int] = _of["SIGXFSZ"]
SIOCADDMULTI: Final[int] = _of["SIOCADDMULTI"]
SIOCAIFADDR: Final[int] = _of["SIOCAIFADDR"]
SIOCAIFADDR_IN6: Final[int] = _of["SIOCAIFADDR_IN6"]
SIOCALIFADDR: Final[int] = _of["SIOCALIFADDR"]
SIOCATMARK: Final[int] = _of["SIOCATMARK"]
SIOCDELMULTI: Final[int] = _of["SIOCDELMULTI"]
SIOCDIFADDR: Final[int] = _of["SIOCDIFADDR"]
SIOCDIFADDR_IN6: Final[int] = _of["SIOCDIFADDR_IN6"]
SIOCDIFPHYADDR: Final[int] = _of["SIOCDIFPHYADDR"]
SIOCDLIFADDR: Final[int] = _of["SIOCDLIFADDR"]
SIOCGDRVSPEC: Final[int] = _of["SIOCGDRVSPEC"]
SIOCGETVLAN: Final[int] = _of["SIOCGETVLAN"]
SIOCGIFADDR: Final[int] = _of["SIOCGIFADDR"]
SIOCGIFAFLAG_IN: Final[int] = _of["SIOCGIFAFLAG_IN"]
SIOCGIFAFLAG_IN6: Final[int] = _of["SIOCGIFAFLAG_IN6"]
SIOCGIFALIAS: Final[int] = _of["SIOCGIFALIAS"]
SIOCGIFALIFETIME_IN6: Final[int] = _of["SIOCGIFALIFETIME_IN6"]
SIOCGIFBRDADDR: Final[int] = _of["SIOCGIFBRDADDR"]
SIOCGIFCAP: Final[int] = _of["SIOCGIFCAP"]
SIOCGIFCONF: Final[int] = _of["SIOCGIFCONF"]
SIOCGIFDATA: Final[int] = _of["SIOCGIFDATA"]
SIOCGIFDLT: Final[int] = _of["SIOCGIFDLT"]
SIOCGIFDSTADDR: Final[int] = _of["SIOCGIFDSTADDR"]
SIOCGIFFLAGS: Final[int] = _of["SIOCGIFFLAGS"]
SIOCGIFINDEX: Final[int] = _of["SIOCGIFINDEX"]
SIOCGIFINFO_IN6: Final[int] = _of["SIOCGIFINFO_IN6"]
SIOCGIFMEDIA: Final[int] = _of["SIOCGIFMEDIA"]
SIOCGIFMETRIC: Final[int] = _of["SIOCGIFMETRIC"]
SIOCGIFMTU: Final[int] = _of["SIOCGIFMTU"]
SIOCGIFNETMASK: Final[int] = _of["SIOCGIFNETMASK"]
SIOCGLAGG: Final[int] = _of["SIOCGLAGG"]
SIOCGLIFADDR: Final[int] = _of["SIOCGLIFADDR"]
SIOCGLIFPHYADDR: Final[int] = _of["SIOCGLIFPHYADDR"]
SIOCGLINKSTR: Final[int] = _of["SIOCGLINKSTR"]
SIOCGNBRINFO_IN6: Final[int] = _of["SIOCGNBRINFO_IN6"]
SIOCGPGRP: Final[int] = _of["SIOCGPGRP"]
SIOCIFCREATE: Final[int] = _of["SIOCIFCREATE"]
SIOCIFDESTROY: Final[int] = _of["SIOCIFDESTROY"]
SIOCIFGCLONERS: Final[int] = _of["SIOCIFGCLONERS"]
SIOCSDRVSPEC: Final[int] = _of["SIOCSDRVSPEC"]
SIOCSETVLAN: Final[int] = _of["SIOCSETVLAN"]
SIOCSIFADDR: Final[int] = _of["SIOCSIFADDR"]
SIOCSIFBRDADDR: Final[int] = _of["SIOCSIFBRDADDR"]
SIOCSIFCAP: Final[int] = _of["SIOCSIFCAP"]
SIOCSIFDSTADDR: Final[int] = _of["SIOCSIFDSTADDR"]
SIOCSIFFLAGS: Final[int] = _of["SIOCSIFFLAGS"]
SIOCSIFINFO_FLAGS: Final[int] = _of["SIOCSIFINFO_FLAGS"]
SIOCSIFINFO_IN6: Final[int] = _of["SIOCSIFINFO_IN6"]
SIOCSIFMEDIA: Final[int] = _of["SIOCSIFMEDIA"]
SIOCSIFMETRIC: Final[int] = _of["SIOCSIFMETRIC"]
SIOCSIFMTU: Final[int] = _of["SIOCSIFMTU"]
SIOCSIFNETMASK: Final[int] = _of["SIOCSIFNETMASK"]
SIOCSLAGG: Final[int] = _of["SIOCSLAGG"]
SIOCSLIFPHYADDR: Final[int] = _of["SIOCSLIFPHYADDR"]
SIOCSLINKSTR: Final[int] = _of["SIOCSLINKSTR"]
SIOCSNDFLUSH_IN6: Final[int] = _of["SIOCSNDFLUSH_IN6"]
SIOCSPGRP: Final[int] = _of["SIOCSPGRP"]
SIOCZIFDATA: Final[int] = _of["SIOCZIFDATA"]
SI_ASYNCIO: Final[int] = _of["SI_ASYNCIO"]
SI_LWP: Final[int] = _of["SI_LWP"]
SI_MESGQ: Final[int] = _of["SI_MESGQ"]
SI_NOINFO: Final[int] = _of["SI_NOINFO"]
SI_QUEUE: Final[int] = _of["SI_QUEUE"]
SI_TIMER: Final[int] = _of["SI_TIMER"]
SI_USER: Final[int] = _of["SI_USER"]
SOCK_CLOEXEC: Final[int] = _of["SOCK_CLOEXEC"]
SOCK_DGRAM: Final[int] = _of["SOCK_DGRAM"]
SOCK_NONBLOCK: Final[int] = _of["SOCK_NONBLOCK"]
SOCK_NOSIGPIPE: Final[int] = _of["SOCK_NOSIGPIPE"]
SOCK_RAW: Final[int] = _of["SOCK_RAW"]
SOCK_RDM: Final[int] = _of["SOCK_RDM"]
SOCK_SEQPACKET: Final[int] = _of["SOCK_SEQPACKET"]
SOCK_STREAM: Final[int] = _of["SOCK_STREAM"]
SOCK_TYPE_MASK: Final[int] = _of["SOCK_TYPE_MASK"]
SOL_LOCAL: Final[int] = _of["SOL_LOCAL"]
SOL_SOCKET: Final[int] = _of["SOL_SOCKET"]
SOMAXCONN: Final[int] = _of["SOMAXCONN"]
SO_ACCEPTCONN: Final[int] = _of["SO_ACCEPTCONN"]
SO_ACCEPTFILTER: Final[int] = _of["SO_ACCEPTFILTER"]
SO_BROADCAST: Final[int] = _of["SO_BROADCAST"]
SO_DEBUG: Final[int] = _of["SO_DEBUG"]
SO_DONTROUTE: Final[int] = _of["SO_DONTROUTE"]
SO_ERROR: Final[int] = _of["SO_ERROR"]
SO_KEEPALIVE: Final[int] = _of["SO_KEEPALIVE"]
SO_LINGER: Final[int] = _of["SO_LINGER"]
SO_NOSIGPIPE: Final[int] = _of["SO_NOSIGPIPE"]
SO_OOBINLINE: Final[int] = _of["SO_OOBINLINE"]
SO_OVERFLOWED: Final[int] = _of["SO_OVERFLOWED"]
SO_RCVBUF: Final[int] = _of["SO_RCVBUF"]
SO_RCVLOWAT: Final[int] = _of["SO_RCVLOWAT"]
SO_RCVTIMEO: Final[int] = _of["SO_RCVTIMEO"]
SO_REUSEADDR: Final[int] = _of["SO_REUSEADDR"]
SO_REUSEPORT: Final[int] = _of["SO_REUSEPORT"]
SO_SNDBUF: Final[int] = _of["SO_SNDBUF"]
SO_SNDLOWAT: Final[int] = _of["SO_SNDLOWAT"]
SO_SNDTIMEO: Final[int] = _of["SO_SNDTIMEO"]
SO_TIMESTAMP: Final[int] = _of["SO_TIMESTAMP"]
SO_TYPE: Final[int] = _of["SO_TYPE"]
SO_USELOOPBACK: Final[int] = _of["SO_USELOOPBACK"]
ST_NOWAIT: Final[int] = _of["ST_NOWAIT"]
ST_WAIT: Final[int] = _of["ST_WAIT"]
SYMLOOP_MAX: Final[int] = _of["SYMLOOP_MAX"]
S_IFBLK: Final[int] = _of["S_IFBLK"]
S_IFCHR: Final[int] = _of["S_IFCHR"]
S_IFDIR: Final[int] = _of["S_IFDIR"]
S_IFIFO: Final[int] = _of["S_IFIFO"]
S_IFLNK: Final[int] = _of["S_IFLNK"]
S_IFMT: Final[int] = _of["S_IFMT"]
S_IFREG: Final[int] = _of["S_IFREG"]
S_IFSOCK: Final[int] = _of["S_IFSOCK"]
S_IFWHT: Final[int] = _of["S_IFWHT"]
S_ISGID: Final[int] = _of["S_ISGID"]
S_ISUID: Final[int] = _of["S_ISUID"]
S_ISVTX: Final[int] = _of["S_ISVTX"]
TAPGIFNAME: Final[int] = _of["TAPGIFNAME"]
TCPI_OPT_ECN: Final[int] = _of["TCPI_OPT_ECN"]
TCPI_OPT_SACK: Final[int] = _of["TCPI_OPT_SACK"]
TCPI_OPT_SYN_DATA: Final[int] = _of["TCPI_OPT_SYN_DATA"]
TCPI_OPT_TIMESTAMPS: Final[int] = _of["TCPI_OPT_TIMESTAMPS"]
TCPI_OPT_WSCALE: Final[int] = _of["TCPI_OPT_WSCALE"]
TCP_CONGCTL: Final[int] = _of["TCP_CONGCTL"]
TCP_FASTOPEN: Final[int] = _of["TCP_FASTOPEN"]
TCP_FASTOPEN_CONNECT: Final[int] = _of["TCP_FASTOPEN_CONNECT"]
TCP_FASTOPEN_NO_COOKIE: Final[int] = _of["TCP_FASTOPEN_NO_COOKIE"]
TCP_INFO: Final[int] = _of["TCP_INFO"]
TCP_INQ: Final[int] = _of["TCP_INQ"]
TCP_KEEPCNT: Final[int] = _of["TCP_KEEPCNT"]
TCP_KEEPIDLE: Final[int] = _of["TCP_KEEPIDLE"]
TCP_KEEPINIT: Final[int] = _of["TCP_KEEPINIT"]
TCP_KEEPINTVL: Final[int] = _of["TCP_KEEPINTVL"]
TCP_MAXSEG: Final[int] = _of["TCP_MAXSEG"]
TCP_NODELAY: Final[int] = _of["TCP_NODELAY"]
TCP_NOPUSH: Final[int] = _of["TCP_NOPUSH"]
TCP_NOTSENT_LOWAT: Final[int] = _of["TCP_NOTSENT_LOWAT"]
TCP_QUICKACK: Final[int] = _of["TCP_QUICKACK"]
TCP_USER_TIMEOUT: Final[int] = _of["TCP_USER_TIMEOUT"]
TIMER_ABSTIME: Final[int] = _of["TIMER_ABSTIME"]
TIOCDRAIN: Final[int] = _of["TIOCDRAIN"]
TIOCEXCL: Final[int] = _of["TIOCEXCL"]
TIOCFLUSH: Final[int] = _of["TIOCFLUSH"]
TIOCGETA: Final[int] = _of["TIOCGETA"]
TIOCGETD: Final[int] = _of["TIOCGETD"]
TIOCGLINED: Final[int] = _of["TIOCGLINED"]
TIOCGPGRP: Final[int] = _of["TIOCGPGRP"]
TIOCGRANTPT: Final[int] = _of["TIOCGRANTPT"]
TIOCGSID: Final[int] = _of["TIOCGSID"]
TIOCGWINSZ: Final[int] = _of["TIOCGWINSZ"]
TIOCNOTTY: Final[int] = _of["TIOCNOTTY"]
TIOCNXCL: Final[int] = _of["TIOCNXCL"]
TIOCOUTQ: Final[int] = _of["TIOCOUTQ"]
TIOCPKT: Final[int] = _of["TIOCPKT"]
TIOCPKT_DATA: Final[int] = _of["TIOCPKT_DATA"]
TIOCPKT_DOSTOP: Final[int] = _of["TIOCPKT_DOSTOP"]
TIOCPKT_FLUSHREAD: Final[int] = _of["TIOCPKT_FLUSHREAD"]
TIOCPKT_FLUSHWRITE: Final[int] = _of["TIOCPKT_FLUSHWRITE"]
TIOCPKT_NOSTOP: Final[int] = _of["TIOCPKT_NOSTOP"]
TIOCPKT_START: Final[int] = _of["TIOCPKT_START"]
TIOCPKT_STOP: Final[int] = _of["TIOCPKT_STOP"]
TIOCPTMGET: Final[int] = _of["TIOCPTMGET"]
TIOCPTSNAME: Final[int] = _of["TIOCPTSNAME"]
TIOCSCTTY: Final[int] = _of["TIOCSCTTY"]
TIOCSETA: Final[int] = _of["TIOCSETA"]
TIOCSETAF: Final[int] = _of["TIOCSETAF"]
TIOCSETAW: Final[int] = _of["TIOCSETAW"]
TIOCSETD: Final[int] = _of["TIOCSETD"]
TIOCSPGRP: Final[int] = _of["TIOCSPGRP"]
TIOCSTART: Final[int] = _of["TIOCSTART"]
TIOCSTI: Final[int] = _of["TIOCSTI"]
TIOCSTOP: Final[int] = _of["TIOCSTOP"]
TIOCSWINSZ: Final[int] = _of["TIOCSWINSZ"]
TOSTOP: Final[int] = _of["TOSTOP"]
TUNGIFHEAD: Final[int] = _of["TUNGIFHEAD"]
TUNSIFHEAD: Final[int] = _of["TUNSIFHEAD"]
TUNSIFMODE: Final[int] = _of["TUNSIFMODE"]
UFS_EXTATTR_CMD_DISABLE: Final[int] = _of["UFS_EXTATTR_CMD_DISABLE"]
UFS_EXTATTR_CMD_ENABLE: Final[int] = _of["UFS_EXTATTR_CMD_ENABLE"]
UFS_EXTATTR_CMD_START: Final[int] = _of["UFS_EXTATTR_CMD_START"]
UFS_EXTATTR_CMD_STOP: Final[int] = _of["UFS_EXTATTR_CMD_STOP"]
UF_APPEND: Final[int] = _of["UF_APPEND"]
UF_IMMUTABLE: Final[int] = _of["UF_IMMUTABLE"]
UF_NODUMP: Final[int] = _of["UF_NODUMP"]
UF_OPAQUE: Final[int] = _of["UF_OPAQUE"]
UTIME_NOW: Final[int] = _of["UTIME_NOW"]
UTIME_OMIT: Final[int] = _of["UTIME_OMIT"]
VDISCARD: Final[int] = _of["VDISCARD"]
VDSUSP: Final[int] = _of["VDSUSP"]
VEOF: Final[int] = _of["VEOF"]
VEOL: Final[int] = _of["VEOL"]
VEOL2: Final[int] = _of["VEOL2"]
VERASE: Final[int] = _of["VERASE"]
VINTR: Final[int] = _of["VINTR"]
VKILL: Final[int] = _of["VKILL"]
VLNEXT: Final[int] = _of["VLNEXT"]
VMIN: Final[int] = _of["VMIN"]
VNDIOCCLR: Final[int] = _of["VNDIOCCLR"]
VNDIOCGET: Final[int] = _of["VNDIOCGET"]
VNDIOCSET: Final[int] = _of["VNDIOCSET"]
VNDIOF_FORCE: Final[int] = _of["VNDIOF_FORCE"]
VNDIOF_READONLY: Final[int] = _of["VNDIOF_READONLY"]
VQUIT: Final[int] = _of["VQUIT"]
VQ_MOUNT: Final[int] = _of["VQ_MOUNT"]
VQ_UNMOUNT: Final[int] = _of["VQ_UNMOUNT"]
VREPRINT: Final[int] = _of["VREPRINT"]
VSTART: Final[int] = _of["VSTART"]
VSTATUS: Final[int] = _of["VSTATUS"]
VSTOP: Final[int] = _of["VSTOP"]
VSUSP: Final[int] = _of["VSUSP"]
VTIME: Final[int] = _of["VTIME"]
VWERASE: Final[int] = _of["VWERASE"]
WG_IOCTL_ADD_PEER: Final[int] = _of["WG_IOCTL_ADD_PEER"]
WG_IOCTL_DELETE_PEER: Final[int] = _of["WG_IOCTL_DELETE_PEER"]
WG_IOCTL_GET: Final[int] = _of["WG_IOCTL_GET"]
WG_IOCTL_SET_LISTEN_PORT: Final[int] = _of["WG_IOCTL_SET_LISTEN_PORT"]
WG_IOCTL_SET_PRIVATE_KEY: Final[int] = _of["WG_IOCTL_SET_PRIVATE_KEY"]
W_OK: Final[int] = _of["W_OK"]
X_OK: Final[int] = _of["X_OK"]

__all__ = [
    "AF_INET",
    "AF_INET6",
    "AF_LINK",
    "AF_LOCAL",
    "AF_ROUTE",
    "AF_UNIX",
    "AF_UNSPEC",
    "AIO_ALLDONE",
    "AIO_CANCELED",
    "AIO_LISTIO_MAX",
    "AIO_MAX",
    "AIO_NOTCANCELED",
    "ALTWERASE",
    "AT_EACCESS",
    "AT_FDCWD",
    "AT_REMOVEDIR",
    "AT_SYMLINK_FOLLOW",
    "AT_SYMLINK_NOFOLLOW",
    "BIOCFLUSH",
    "BIOCGBLEN",
    "BIOCGDLT",
    "BIOCGDLTLIST",
    "BIOCGETIF",
    "BIOCGFEEDBACK",
    "BIOCGHDRCMPLT",
    "BIOCGRTIMEOUT",
    "BIOCGSEESENT",
    "BIOCGSTATS",
    "BIOCIMMEDIATE",
    "BIOCPROMISC",
    "BIOCSBLEN",
    "BIOCSDLT",
    "BIOCSETF",
    "BIOCSETIF",
    "BIOCSFEEDBACK",
    "BIOCSHDRCMPLT",
    "BIOCSRTIMEOUT",
    "BIOCSSEESENT",
    "BIOCVERSION",
    "BRDGADD",
    "BRDGDADDR",
    "BRDGDEL",
    "BRDGFLUSH",
    "BRDGGCACHE",
    "BRDGGIFFLGS",
    "BRDGGIFS",
    "BRDGGTO",
    "BRDGRTS",
    "BRDGSADDR",
    "BRDGSCACHE",
    "BRDGSIFFLGS",
    "BRDGSTO",
    "BRKINT",
    "CGDIOCCLR",
    "CGDIOCGET",
    "CGDIOCSET",
    "CGD_CIPHER_CBC_ENCBLKNO1",
    "CGD_CIPHER_CBC_ENCBLKNO8",
    "CLOCAL",
    "CLOCK_MONOTONIC",
    "CLOCK_PROF",
    "CLOCK_REALTIME",
    "CLOCK_VIRTUAL",
    "CREAD",
    "CS8",
    "CTLFLAG_ANYNUMBER",
    "CTLFLAG_ANYWRITE",
    "CTLFLAG_HIDDEN",
    "CTLFLAG_PERMANENT",
    "CTLFLAG_PRIVATE",
    "CTLFLAG_READONLY",
    "CTLFLAG_READWRITE",
    "CTLTYPE_BOOL",
    "CTLTYPE_INT",
    "CTLTYPE_NODE",
    "CTLTYPE_QUAD",
    "CTLTYPE_STRING",
    "CTLTYPE_STRUCT",
    "CTL_CREATE",
    "CTL_CREATESYM",
    "CTL_DEBUG",
    "CTL_DESCRIBE",
    "CTL_DESTROY",
    "CTL_HW",
    "CTL_KERN",
    "CTL_MMAP",
    "CTL_NET",
    "CTL_PROC",
    "CTL_QUERY",
    "CTL_SECURITY",
    "CTL_VFS",
    "CTL_VM",
    "DELIVER_INTERRUPTS",
    "DELIVER_PANICS",
    "DELIVER_RAISED",
    "DIOCGMEDIASIZE",
    "DIOCGSECTORSIZE",
    "DRVCTLCOMMAND",
    "DRVDETACHDEV",
    "DRVGETEVENT",
    "DRVLISTDEV",
    "DRVRESCANBUS",
    "DRVRESUMEDEV",
    "DRVSUSPENDDEV",
    "DT_BLK",
    "DT_CHR",
    "DT_DIR",
    "DT_FIFO",
    "DT_LNK",
    "DT_REG",
    "DT_SOCK",
    "DT_UNKNOWN",
    "DT_WHT",
    "ECHO",
    "ECHOCTL",
    "ECHOE",
    "ECHOK",
    "ECHOKE",
    "ECHONL",
    "ECHOPRT",
    "EVFILT_AIO",
    "EVFILT_EMPTY",
    "EVFILT_FS",
    "EVFILT_PROC",
    "EVFILT_READ",
    "EVFILT_SIGNAL",
    "EVFILT_TIMER",
    "EVFILT_USER",
    "EVFILT_VNODE",
    "EVFILT_WRITE",
    "EV_ADD",
    "EV_CLEAR",
    "EV_DELETE",
    "EV_DISABLE",
    "EV_DISPATCH",
    "EV_ENABLE",
    "EV_EOF",
    "EV_ERROR",
    "EV_ONESHOT",
    "EV_RECEIPT",
    "EXTATTR_NAMESPACE_SYSTEM",
    "EXTATTR_NAMESPACE_USER",
    "FDATASYNC",
    "FDISKSYNC",
    "FD_CLOEXEC",
    "FFILESYNC",
    "FIOASYNC",
    "FIOCLEX",
    "FIOGETOWN",
    "FIONBIO",
    "FIONCLEX",
    "FIONREAD",
    "FIONSPACE",
    "FIONWRITE",
    "FIOSETOWN",
    "FLUSHO",
    "FREAD",
    "FWRITE",
    "F_CLOSEM",
    "F_DUPFD",
    "F_DUPFD_CLOEXEC",
    "F_GETFD",
    "F_GETFL",
    "F_GETLK",
    "F_GETNOSIGPIPE",
    "F_GETOWN",
    "F_MAXFD",
    "F_OK",
    "F_RDLCK",
    "F_SETFD",
    "F_SETFL",
    "F_SETLK",
    "F_SETLKW",
    "F_SETNOSIGPIPE",
    "F_SETOWN",
    "F_UNLCK",
    "F_WRLCK",
    "HUPCL",
    "ICANON",
    "ICMP6_FILTER",
    "ICRNL",
    "IEXTEN",
    "IFAN_ARRIVAL",
    "IFAN_DEPARTURE",
    "IFBAF_DYNAMIC",
    "IFBAF_STATIC",
    "IFBF_FLUSHALL",
    "IFBF_FLUSHDYN",
    "IFBIF_DISCOVER",
    "IFBIF_LEARNING",
    "IFBIF_PROTECTED",
    "IFBIF_STP",
    "IFF_ALLMULTI",
    "IFF_BROADCAST",
    "IFF_DEBUG",
    "IFF_LINK0",
    "IFF_LINK1",
    "IFF_LINK2",
    "IFF_LOOPBACK",
    "IFF_MULTICAST",
    "IFF_NOARP",
    "IFF_OACTIVE",
    "IFF_POINTOPOINT",
    "IFF_PROMISC",
    "IFF_RUNNING",
    "IFF_SIMPLEX",
    "IFF_UP",
    "IFM_ACTIVE",
    "IFM_AUTO",
    "IFM_AVALID",
    "IFM_ETHER",
    "IFM_NONE",
    "IGNCR",
    "IMAXBEL",
    "IN6_IFF_ANYCAST",
    "IN6_IFF_AUTOCONF",
    "IN6_IFF_DEPRECATED",
    "IN6_IFF_DETACHED",
    "IN6_IFF_DUPLICATED",
    "IN6_IFF_NODAD",
    "IN6_IFF_TEMPORARY",
    "IN6_IFF_TENTATIVE",
    "INLCR",
    "IOV_MAX",
    "IPPROTO_ICMP",
    "IPPROTO_ICMPV6",
    "IPPROTO_IGMP",
    "IPPROTO_IP",
    "IPPROTO_IPV6",
    "IPPROTO_RAW",
    "IPPROTO_TCP",
    "IPPROTO_UDP",
    "IPV6_CHECKSUM",
    "IPV6_DONTFRAG",
    "IPV6_DSTOPTS",
    "IPV6_HOPLIMIT",
    "IPV6_HOPOPTS",
    "IPV6_JOIN_GROUP",
    "IPV6_LEAVE_GROUP",
    "IPV6_MULTICAST_HOPS",
    "IPV6_MULTICAST_IF",
    "IPV6_MULTICAST_LOOP",
    "IPV6_NEXTHOP",
    "IPV6_PATHMTU",
    "IPV6_PKTINFO",
    "IPV6_PORTRANGE",
    "IPV6_RECVDSTOPTS",
    "IPV6_RECVHOPLIMIT",
    "IPV6_RECVHOPOPTS",
    "IPV6_RECVPATHMTU",
    "IPV6_RECVPKTINFO",
    "IPV6_RECVRTHDR",
    "IPV6_RECVTCLASS",
    "IPV6_RTHDR",
    "IPV6_RTHDRDSTOPTS",
    "IPV6_TCLASS",
    "IPV6_UNICAST_HOPS",
    "IPV6_USE_MIN_MTU",
    "IPV6_V6ONLY",
    "IP_ADD_MEMBERSHIP",
    "IP_BINDANY",
    "IP_DROP_MEMBERSHIP",
    "IP_ERRORMTU",
    "IP_HDRINCL",
    "IP_MINTTL",
    "IP_MULTICAST_IF",
    "IP_MULTICAST_LOOP",
    "IP_MULTICAST_TTL",
    "IP_OPTIONS",
    "IP_PKTINFO",
    "IP_PORTALGO",
    "IP_PORTRANGE",
    "IP_PORTRANGE_DEFAULT",
    "IP_PORTRANGE_HIGH",
    "IP_PORTRANGE_LOW",
    "IP_RECVDSTADDR",
    "IP_RECVIF",
    "IP_RECVOPTS",
    "IP_RECVPKTINFO",
    "IP_RECVRETOPTS",
    "IP_RECVTTL",
    "IP_RETOPTS",
    "IP_TOS",
    "IP_TTL",
    "ISIG",
    "ISTRIP",
    "ITIMER_MONOTONIC",
    "ITIMER_PROF",
    "ITIMER_REAL",
    "ITIMER_VIRTUAL",
    "IXANY",
    "IXOFF",
    "IXON",
    "KERN_FILE_BYFILE",
    "KERN_FILE_BYPID",
    "KERN_PROC_ALL",
    "KERN_PROC_ARGV",
    "KERN_PROC_ENV",
    "KERN_PROC_GID",
    "KERN_PROC_NARGV",
    "KERN_PROC_NENV",
    "KERN_PROC_PATHNAME",
    "KERN_PROC_PGRP",
    "KERN_PROC_PID",
    "KERN_PROC_RGID",
    "KERN_PROC_RUID",
    "KERN_PROC_SESSION",
    "KERN_PROC_TTY",
    "KERN_PROC_UID",
    "KTRFACV0",
    "KTRFACV1",
    "KTRFACV2",
    "KTRFAC_CALL",
    "KTRFAC_CSW",
    "KTRFAC_EMUL",
    "KTRFAC_EXEC_ARG",
    "KTRFAC_EXEC_ENV",
    "KTRFAC_EXEC_FD",
    "KTRFAC_GENIO",
    "KTRFAC_INHERIT",
    "KTRFAC_MASK",
    "KTRFAC_MIB",
    "KTRFAC_NAMEI",
    "KTRFAC_PERSISTENT",
    "KTRFAC_PSIG",
    "KTRFAC_RESULT",
    "KTRFAC_SYSCALL",
    "KTRFAC_SYSRET",
    "KTRFAC_USER",
    "KTRFAC_VER_MASK",
    "KTRFAC_VER_SHIFT",
    "KTRFLAG_DESCEND",
    "KTROP_CLEAR",
    "KTROP_CLEARFILE",
    "KTROP_MASK",
    "KTROP_SET",
    "KTR_CALL",
    "KTR_CSW",
    "KTR_EMUL",
    "KTR_EXEC_ARG",
    "KTR_EXEC_ENV",
    "KTR_EXEC_FD",
    "KTR_GENIO",
    "KTR_MIB",
    "KTR_NAMEI",
    "KTR_PSIG",
    "KTR_RESULT",
    "KTR_SYSCALL",
    "KTR_SYSRET",
    "KTR_USER",
    "KTR_USER_MAXIDLEN",
    "KTR_USER_MAXLEN",
    "LAGG_PROTO_FAILOVER",
    "LAGG_PROTO_LOADBALANCE",
    "LAGG_PROTO_NONE",
    "LINK_STATE_DOWN",
    "LINK_STATE_UNKNOWN",
    "LINK_STATE_UP",
    "LIO_NOP",
    "LIO_NOWAIT",
    "LIO_READ",
    "LIO_WAIT",
    "LIO_WRITE",
    "LOCAL_CONNWAIT",
    "LOCAL_CREDS",
    "LOCAL_PEEREID",
    "LOCK_EX",
    "LOCK_NB",
    "LOCK_SH",
    "LOCK_UN",
    "MAJOR_BPF",
    "MAJOR_CGD_BLK",
    "MAJOR_CGD_CHR",
    "MAJOR_CTTY",
    "MAJOR_DRVCTL",
    "MAJOR_FILEDESC",
    "MAJOR_MD_BLK",
    "MAJOR_MD_CHR",
    "MAJOR_NULL",
    "MAJOR_PTC",
    "MAJOR_PTM",
    "MAJOR_PTS",
    "MAJOR_RAID_BLK",
    "MAJOR_RAID_CHR",
    "MAJOR_RND",
    "MAJOR_RUMPBLK",
    "MAJOR_TAP",
    "MAJOR_TUN",
    "MAJOR_VND_BLK",
    "MAJOR_VND_CHR",
    "MAXHOSTNAMELEN",
    "MAXMODNAME",
    "MNT_ASYNC",
    "MNT_FORCE",
    "MNT_GETARGS",
    "MNT_LOCAL",
    "MNT_NOATIME",
    "MNT_NODEV",
    "MNT_NOEXEC",
    "MNT_NOSUID",
    "MNT_QUOTA",
    "MNT_RDONLY",
    "MNT_RELOAD",
    "MNT_ROOTFS",
    "MNT_SYNCHRONOUS",
    "MNT_UNION",
    "MNT_UPDATE",
    "MODCTL_EXISTS",
    "MODCTL_LOAD",
    "MODCTL_LOAD_FORCE",
    "MODCTL_NO_PROP",
    "MODCTL_STAT",
    "MODCTL_UNLOAD",
    "MODFLG_AUTO_LOADED",
    "MODFLG_MUST_FORCE",
    "MSG_CMSG_CLOEXEC",
    "MSG_CTRUNC",
    "MSG_DONTROUTE",
    "MSG_DONTWAIT",
    "MSG_EOR",
    "MSG_FASTOPEN",
    "MSG_MORE",
    "MSG_NOSIGNAL",
    "MSG_OOB",
    "MSG_PEEK",
    "MSG_TRUNC",
    "MSG_WAITALL",
    "MSG_WAITFORONE",
    "NAME_MAX",
    "NCCS",
    "ND6_IFF_ACCEPT_RTADV",
    "ND6_IFF_AUTO_LINKLOCAL",
    "ND6_IFF_IFDISABLED",
    "ND6_IFF_PERFORMNUD",
    "ND6_INFINITE_LIFETIME",
    "ND6_LLINFO_DELAY",
    "ND6_LLINFO_INCOMPLETE",
    "ND6_LLINFO_NOSTATE",
    "ND6_LLINFO_PROBE",
    "ND6_LLINFO_PURGE",
    "ND6_LLINFO_REACHABLE",
    "ND6_LLINFO_STALE",
    "ND6_LLINFO_WAITDELETE",
    "NET_RT_DUMP",
    "NET_RT_FLAGS",
    "NET_RT_IFLIST",
    "NGROUPS_MAX",
    "NOFLSH",
    "NOTE_ABSTIME",
    "NOTE_ATTRIB",
    "NOTE_CHILD",
    "NOTE_CLOSE",
    "NOTE_CLOSE_WRITE",
    "NOTE_DELETE",
    "NOTE_EXEC",
    "NOTE_EXIT",
    "NOTE_EXTEND",
    "NOTE_FFAND",
    "NOTE_FFCOPY",
    "NOTE_FFCTRLMASK",
    "NOTE_FFLAGSMASK",
    "NOTE_FFNOP",
    "NOTE_FFOR",
    "NOTE_FORK",
    "NOTE_LINK",
    "NOTE_LOWAT",
    "NOTE_MSECONDS",
    "NOTE_NSECONDS",
    "NOTE_OPEN",
    "NOTE_READ",
    "NOTE_RENAME",
    "NOTE_REVOKE",
    "NOTE_SECONDS",
    "NOTE_TRACK",
    "NOTE_TRACKERR",
    "NOTE_TRIGGER",
    "NOTE_USECONDS",
    "NOTE_WRITE",
    "OCRNL",
    "ONLCR",
    "ONLRET",
    "ONOCR",
    "ONOEOT",
    "OPEN_MAX",
    "OPOST",
    "OXTABS",
    "O_ACCMODE",
    "O_ALT_IO",
    "O_APPEND",
    "O_ASYNC",
    "O_CLOEXEC",
    "O_CREAT",
    "O_DIRECT",
    "O_DIRECTORY",
    "O_DSYNC",
    "O_EXCL",
    "O_EXLOCK",
    "O_NOCTTY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "O_NOSIGPIPE",
    "O_RDONLY",
    "O_RDWR",
    "O_REGULAR",
    "O_RSYNC",
    "O_SEARCH",
    "O_SHLOCK",
    "O_SYNC",
    "O_TRUNC",
    "O_WRONLY",
    "PATH_MAX",
    "PC_2_SYMLINKS",
    "PC_CHOWN_RESTRICTED",
    "PC_FILESIZEBITS",
    "PC_LINK_MAX",
    "PC_MAX_CANON",
    "PC_MAX_INPUT",
    "PC_NAME_MAX",
    "PC_NO_TRUNC",
    "PC_PATH_MAX",
    "PC_PIPE_BUF",
    "PC_SYMLINK_MAX",
    "PC_SYNC_IO",
    "PC_VDISABLE",
    "PENDIN",
    "PIPE_BUF",
    "POLLERR",
    "POLLHUP",
    "POLLIN",
    "POLLNVAL",
    "POLLOUT",
    "POLLPRI",
    "POLLRDBAND",
    "POLLRDNORM",
    "POLLWRBAND",
    "POLLWRNORM",
    "POLL_ERR",
    "POLL_HUP",
    "POLL_IN",
    "POLL_MSG",
    "POLL_OUT",
    "POLL_PRI",
    "POSIX_VDISABLE",
    "QUOTACTL_CURSORATEND",
    "QUOTACTL_CURSORCLOSE",
    "QUOTACTL_CURSORGET",
    "QUOTACTL_CURSOROPEN",
    "QUOTACTL_CURSORREWIND",
    "QUOTACTL_CURSORSKIPIDTYPE",
    "QUOTACTL_DEL",
    "QUOTACTL_GET",
    "QUOTACTL_IDTYPESTAT",
    "QUOTACTL_OBJTYPESTAT",
    "QUOTACTL_PUT",
    "QUOTACTL_QUOTAOFF",
    "QUOTACTL_QUOTAON",
    "QUOTACTL_STAT",
    "QUOTA_DEFAULTID",
    "QUOTA_IDTYPE_GROUP",
    "QUOTA_IDTYPE_USER",
    "QUOTA_NOLIMIT",
    "QUOTA_NOTIME",
    "QUOTA_OBJTYPE_BLOCKS",
    "QUOTA_OBJTYPE_FILES",
    "QUOTA_RESTRICT_32BIT",
    "QUOTA_RESTRICT_NEEDSQUOTACHECK",
    "QUOTA_RESTRICT_READONLY",
    "QUOTA_RESTRICT_UNIFORMGRACE",
    "RAIDFRAME_ADD_HOT_SPARE",
    "RAIDFRAME_CHECK_PARITY",
    "RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT",
    "RAIDFRAME_CHECK_RECON_STATUS_EXT",
    "RAIDFRAME_CONFIGURE",
    "RAIDFRAME_FAIL_DISK",
    "RAIDFRAME_GET_INFO",
    "RAIDFRAME_REBUILD_IN_PLACE",
    "RAIDFRAME_REMOVE_COMPONENT",
    "RAIDFRAME_REWRITEPARITY",
    "RAIDFRAME_SHUTDOWN",
    "RB_AUTOBOOT",
    "RB_DUMP",
    "RB_HALT",
    "RB_NOSYNC",
    "RFCFDG",
    "RFFDG",
    "RFSHARE",
    "RF_FDFLAGS_NONE",
    "RF_FDFLAGS_RECON",
    "RLIMIT_AS",
    "RLIMIT_CORE",
    "RLIMIT_CPU",
    "RLIMIT_DATA",
    "RLIMIT_FSIZE",
    "RLIMIT_MEMLOCK",
    "RLIMIT_NOFILE",
    "RLIMIT_NPROC",
    "RLIMIT_NTHR",
    "RLIMIT_RSS",
    "RLIMIT_SBSIZE",
    "RLIMIT_STACK",
    "RLIM_INFINITY",
    "RTF_ANNOUNCE",
    "RTF_BLACKHOLE",
    "RTF_BROADCAST",
    "RTF_CONNECTED",
    "RTF_DONE",
    "RTF_DYNAMIC",
    "RTF_GATEWAY",
    "RTF_HOST",
    "RTF_LLDATA",
    "RTF_LOCAL",
    "RTF_MASK",
    "RTF_MODIFIED",
    "RTF_PROTO1",
    "RTF_PROTO2",
    "RTF_REJECT",
    "RTF_SRC",
    "RTF_STATIC",
    "RTF_UP",
    "RTM_ADD",
    "RTM_CHANGE",
    "RTM_CHGADDR",
    "RTM_DELADDR",
    "RTM_DELETE",
    "RTM_GET",
    "RTM_IFANNOUNCE",
    "RTM_IFINFO",
    "RTM_LLINFO_UPD",
    "RTM_LOCK",
    "RTM_LOSING",
    "RTM_MISS",
    "RTM_NEWADDR",
    "RTM_REDIRECT",
    "RTM_SETGATE",
    "RTM_VERSION",
    "RUMP_ETFS_BLK",
    "RUMP_ETFS_CHR",
    "RUMP_ETFS_DIR",
    "RUMP_ETFS_DIR_SUBDIRS",
    "RUMP_ETFS_REG",
    "R_OK",
    "SCM_CREDS",
    "SCM_RIGHTS",
    "SCM_TIMESTAMP",
    "SEEK_CUR",
    "SEEK_DATA",
    "SEEK_END",
    "SEEK_HOLE",
    "SEEK_SET",
    "SF_APPEND",
    "SF_ARCHIVED",
    "SF_IMMUTABLE",
    "SHUT_RD",
    "SHUT_RDWR",
    "SHUT_WR",
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGEMT",
    "SIGEV_NONE",
    "SIGEV_SIGNAL",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINFO",
    "SIGINT",
    "SIGIO",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMIN",
    "SIGSEGV",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
    "SIOCADDMULTI",
    "SIOCAIFADDR",
    "SIOCAIFADDR_IN6",
    "SIOCALIFADDR",
    "SIOCATMARK",
    "SIOCDELMULTI",
    "SIOCDIFADDR",
    "SIOCDIFADDR_IN6",
    "SIOCDIFPHYADDR",
    "SIOCDLIFADDR",
    "SIOCGDRVSPEC",
    "SIOCGETVLAN",
    "SIOCGIFADDR",
    "SIOCGIFAFLAG_IN",
    "SIOCGIFAFLAG_IN6",
    "SIOCGIFALIAS",
    "SIOCGIFALIFETIME_IN6",
    "SIOCGIFBRDADDR",
    "SIOCGIFCAP",
    "SIOCGIFCONF",
    "SIOCGIFDATA",
    "SIOCGIFDLT",
    "SIOCGIFDSTADDR",
    "SIOCGIFFLAGS",
    "SIOCGIFINDEX",
    "SIOCGIFINFO_IN6",
    "SIOCGIFMEDIA",
    "SIOCGIFMETRIC",
    "SIOCGIFMTU",
    "SIOCGIFNETMASK",
    "SIOCGLAGG",
    "SIOCGLIFADDR",
    "SIOCGLIFPHYADDR",
    "SIOCGLINKSTR",
    "SIOCGNBRINFO_IN6",
    "SIOCGPGRP",
    "SIOCIFCREATE",
    "SIOCIFDESTROY",
    "SIOCIFGCLONERS",
    "SIOCSDRVSPEC",
    "SIOCSETVLAN",
    "SIOCSIFADDR",
    "SIOCSIFBRDADDR",
    "SIOCSIFCAP",
    "SIOCSIFDSTADDR",
    "SIOCSIFFLAGS",
    "SIOCSIFINFO_FLAGS",
    "SIOCSIFINFO_IN6",
    "SIOCSIFMEDIA",
    "SIOCSIFMETRIC",
    "SIOCSIFMTU",
    "SIOCSIFNETMASK",
    "SIOCSLAGG",
    "SIOCSLIFPHYADDR",
    "SIOCSLINKSTR",
    "SIOCSNDFLUSH_IN6",
    "SIOCSPGRP",
    "SIOCZIFDATA",
    "SI_ASYNCIO",
    "SI_LWP",
    "SI_MESGQ",
    "SI_NOINFO",
    "SI_QUEUE",
    "SI_TIMER",
    "SI_USER",
    "SOCK_CLOEXEC",
    "SOCK_DGRAM",
    "SOCK_NONBLOCK",
    "SOCK_NOSIGPIPE",
    "SOCK_RAW",
    "SOCK_RDM",
    "SOCK_SEQPACKET",
    "SOCK_STREAM",
    "SOCK_TYPE_MASK",
    "SOL_LOCAL",
    "SOL_SOCKET",
    "SOMAXCONN",
    "SO_ACCEPTCONN",
    "SO_ACCEPTFILTER",
    "SO_BROADCAST",
    "SO_DEBUG",
    "SO_DONTROUTE",
    "SO_ERROR",
    "SO_KEEPALIVE",
    "SO_LINGER",
    "SO_NOSIGPIPE",
    "SO_OOBINLINE",
    "SO_OVERFLOWED",
    "SO_RCVBUF",
    "SO_RCVLOWAT",
    "SO_RCVTIMEO",
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "SO_SNDBUF",
    "SO_SNDLOWAT",
    "SO_SNDTIMEO",
    "SO_TIMESTAMP",
    "SO_TYPE",
    "SO_USELOOPBACK",
    "ST_NOWAIT",
    "ST_WAIT",
    "SYMLOOP_MAX",
    "S_IFBLK",
    "S_IFCHR",
    "S_IFDIR",
    "S_IFIFO",
    "S_IFLNK",
    "S_IFMT",
    "S_IFREG",
    "S_IFSOCK",
    "S_IFWHT",
    "S_ISGID",
    "S_ISUID",
    "S_ISVTX",
    "TAPGIFNAME",
    "TCPI_OPT_ECN",
    "TCPI_OPT_SACK",
    "TCPI_OPT_SYN_DATA",
    "TCPI_OPT_TIMESTAMPS",
    "TCPI_OPT_WSCALE",
    "TCP_CONGCTL",
    "TCP_FASTOPEN",
    "TCP_FASTOPEN_CONNECT",
    "TCP_FASTOPEN_NO_COOKIE",
    "TCP_INFO",
    "TCP_INQ",
    "TCP_KEEPCNT",
    "TCP_KEEPIDLE",
    "TCP_KEEPINIT",
    "TCP_KEEPINTVL",
    "TCP_MAXSEG",
    "TCP_NODELAY",
    "TCP_NOPUSH",
    "TCP_NOTSENT_LOWAT",
    "TCP_QUICKACK",
    "TCP_USER_TIMEOUT",
    "TIMER_ABSTIME",
    "TIOCDRAIN",
    "TIOCEXCL",
    "TIOCFLUSH",
    "TIOCGETA",
    "TIOCGETD",
    "TIOCGLINED",
    "TIOCGPGRP",
    "TIOCGRANTPT",
    "TIOCGSID",
    "TIOCGWINSZ",
    "TIOCNOTTY",
    "TIOCNXCL",
    "TIOCOUTQ",
    "TIOCPKT",
    "TIOCPKT_DATA",
    "TIOCPKT_DOSTOP",
    "TIOCPKT_FLUSHREAD",
    "TIOCPKT_FLUSHWRITE",
    "TIOCPKT_NOSTOP",
    "TIOCPKT_START",
    "TIOCPKT_STOP",
    "TIOCPTMGET",
    "TIOCPTSNAME",
    "TIOCSCTTY",
    "TIOCSETA",
    "TIOCSETAF",
    "TIOCSETAW",
    "TIOCSETD",
    "TIOCSPGRP",
    "TIOCSTART",
    "TIOCSTI",
    "TIOCSTOP",
    "TIOCSWINSZ",
    "TOSTOP",
    "TUNGIFHEAD",
    "TUNSIFHEAD",
    "TUNSIFMODE",
    "UFS_EXTATTR_CMD_DISABLE",
    "UFS_EXTATTR_CMD_ENABLE",
    "UFS_EXTATTR_CMD_START",
    "UFS_EXTATTR_CMD_STOP",
    "UF_APPEND",
    "UF_IMMUTABLE",
    "UF_NODUMP",
    "UF_OPAQUE",
    "UTIME_NOW",
    "UTIME_OMIT",
    "VDISCARD",
    "VDSUSP",
    "VEOF",
    "VEOL",
    "VEOL2",
    "VERASE",
    "VINTR",
    "VKILL",
    "VLNEXT",
    "VMIN",
    "VNDIOCCLR",
    "VNDIOCGET",
    "VNDIOCSET",
    "VNDIOF_FORCE",
    "VNDIOF_READONLY",
    "VQUIT",
    "VQ_MOUNT",
    "VQ_UNMOUNT",
    "VREPRINT",
    "VSTART",
    "VSTATUS",
    "VSTOP",
    "VSUSP",
    "VTIME",
    "VWERASE",
    "WG_IOCTL_ADD_PEER",
    "WG_IOCTL_DELETE_PEER",
    "WG_IOCTL_GET",
    "WG_IOCTL_SET_LISTEN_PORT",
    "WG_IOCTL_SET_PRIVATE_KEY",
    "W_OK",
    "X_OK",
]
