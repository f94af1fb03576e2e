"""Between protobuf messages and plain values; used by transports alone.

Generated from proto/*.proto by tools/codegen; do not edit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpwire import rump_bus_pb2 as bus, rump_types_pb2 as types
from rumpwire.values import *

Encoder = Callable[[Any, Any], None]
Decoder = Callable[[Any], Any]
_new: Callable[..., Any] = tuple.__new__


def _buffer(value: Any) -> bytes:
    return value if type(value) is bytes else bytes(value)



def _dec_Timespec(m: Any) -> Timespec:
    out: Timespec = _new(Timespec, (m.tv_sec, m.tv_nsec, ))
    return out


def _enc_Timespec(v: Any, m: Any) -> None:
    m.tv_sec = v.tv_sec
    m.tv_nsec = v.tv_nsec


def _dec_Itimerspec(m: Any) -> Itimerspec:
    out: Itimerspec = _new(Itimerspec, (_dec_Timespec(m.it_interval) if m.HasField("it_interval") else None, _dec_Timespec(m.it_value) if m.HasField("it_value") else None, ))
    return out


def _enc_Itimerspec(v: Any, m: Any) -> None:
    if v.it_interval is not None: m.it_interval.SetInParent(); _enc_Timespec(v.it_interval, m.it_interval)
    if v.it_value is not None: m.it_value.SetInParent(); _enc_Timespec(v.it_value, m.it_value)


def _dec_Stat(m: Any) -> Stat:
    out: Stat = _new(Stat, (m.st_dev, m.st_mode, m.st_ino, m.st_nlink, m.st_uid, m.st_gid, m.st_rdev, m.st_atime_ns, m.st_mtime_ns, m.st_ctime_ns, m.st_birthtime_ns, m.st_size, m.st_blocks, m.st_blksize, m.st_flags, m.st_gen, ))
    return out


def _enc_Stat(v: Any, m: Any) -> None:
    m.st_dev = v.st_dev
    m.st_mode = v.st_mode
    m.st_ino = v.st_ino
    m.st_nlink = v.st_nlink
    m.st_uid = v.st_uid
    m.st_gid = v.st_gid
    m.st_rdev = v.st_rdev
    m.st_atime_ns = v.st_atime_ns
    m.st_mtime_ns = v.st_mtime_ns
    m.st_ctime_ns = v.st_ctime_ns
    m.st_birthtime_ns = v.st_birthtime_ns
    m.st_size = v.st_size
    m.st_blocks = v.st_blocks
    m.st_blksize = v.st_blksize
    m.st_flags = v.st_flags
    m.st_gen = v.st_gen


def _dec_Statvfs(m: Any) -> Statvfs:
    out: Statvfs = _new(Statvfs, (m.f_flag, m.f_bsize, m.f_frsize, m.f_iosize, m.f_blocks, m.f_bfree, m.f_bavail, m.f_bresvd, m.f_files, m.f_ffree, m.f_favail, m.f_fresvd, m.f_fsid, m.f_namemax, m.f_owner, m.f_fstypename, m.f_mntonname, m.f_mntfromname, ))
    return out


def _enc_Statvfs(v: Any, m: Any) -> None:
    m.f_flag = v.f_flag
    m.f_bsize = v.f_bsize
    m.f_frsize = v.f_frsize
    m.f_iosize = v.f_iosize
    m.f_blocks = v.f_blocks
    m.f_bfree = v.f_bfree
    m.f_bavail = v.f_bavail
    m.f_bresvd = v.f_bresvd
    m.f_files = v.f_files
    m.f_ffree = v.f_ffree
    m.f_favail = v.f_favail
    m.f_fresvd = v.f_fresvd
    m.f_fsid = v.f_fsid
    m.f_namemax = v.f_namemax
    m.f_owner = v.f_owner
    m.f_fstypename = v.f_fstypename
    m.f_mntonname = _buffer(v.f_mntonname)
    m.f_mntfromname = _buffer(v.f_mntfromname)


def _dec_Dirent(m: Any) -> Dirent:
    out: Dirent = _new(Dirent, (m.d_fileno, m.d_type, m.d_name, m.d_off, ))
    return out


def _enc_Dirent(v: Any, m: Any) -> None:
    m.d_fileno = v.d_fileno
    m.d_type = v.d_type
    m.d_name = _buffer(v.d_name)
    m.d_off = v.d_off


def _dec_DirentStat(m: Any) -> DirentStat:
    out: DirentStat = _new(DirentStat, (_dec_Dirent(m.entry) if m.HasField("entry") else None, _dec_Stat(m.st) if m.HasField("st") else None, ))
    return out


def _enc_DirentStat(v: Any, m: Any) -> None:
    if v.entry is not None: m.entry.SetInParent(); _enc_Dirent(v.entry, m.entry)
    if v.st is not None: m.st.SetInParent(); _enc_Stat(v.st, m.st)


def _dec_Rlimit(m: Any) -> Rlimit:
    out: Rlimit = _new(Rlimit, (m.rlim_cur, m.rlim_max, ))
    return out


def _enc_Rlimit(v: Any, m: Any) -> None:
    m.rlim_cur = v.rlim_cur
    m.rlim_max = v.rlim_max


def _dec_Flock(m: Any) -> Flock:
    out: Flock = _new(Flock, (m.l_start, m.l_len, m.l_pid, m.l_type, m.l_whence, ))
    return out


def _enc_Flock(v: Any, m: Any) -> None:
    m.l_start = v.l_start
    m.l_len = v.l_len
    m.l_pid = v.l_pid
    m.l_type = v.l_type
    m.l_whence = v.l_whence


def _dec_Pollfd(m: Any) -> Pollfd:
    out: Pollfd = _new(Pollfd, (m.fd, m.events, m.revents, ))
    return out


def _enc_Pollfd(v: Any, m: Any) -> None:
    m.fd = v.fd
    m.events = v.events
    m.revents = v.revents


def _dec_Kevent(m: Any) -> Kevent:
    out: Kevent = _new(Kevent, (m.ident, m.filter, m.flags, m.fflags, m.data, m.udata, ))
    return out


def _enc_Kevent(v: Any, m: Any) -> None:
    m.ident = v.ident
    m.filter = v.filter
    m.flags = v.flags
    m.fflags = v.fflags
    m.data = v.data
    m.udata = v.udata


def _dec_Sigevent(m: Any) -> Sigevent:
    out: Sigevent = _new(Sigevent, (m.sigev_notify, m.sigev_signo, m.sigev_value, ))
    return out


def _enc_Sigevent(v: Any, m: Any) -> None:
    m.sigev_notify = v.sigev_notify
    m.sigev_signo = v.sigev_signo
    m.sigev_value = v.sigev_value


def _dec_MemoryHeld(m: Any) -> MemoryHeld:
    out: MemoryHeld = _new(MemoryHeld, (m.subject, m.kind, m.bytes, ))
    return out


def _enc_MemoryHeld(v: Any, m: Any) -> None:
    m.subject = v.subject
    m.kind = v.kind
    m.bytes = v.bytes


def _dec_Siginfo(m: Any) -> Siginfo:
    out: Siginfo = _new(Siginfo, (m.si_signo, m.si_code, m.si_pid, m.si_uid, m.si_value, m.si_band, ))
    return out


def _enc_Siginfo(v: Any, m: Any) -> None:
    m.si_signo = v.si_signo
    m.si_code = v.si_code
    m.si_pid = v.si_pid
    m.si_uid = v.si_uid
    m.si_value = v.si_value
    m.si_band = v.si_band


def _dec_Aiocb(m: Any) -> Aiocb:
    out: Aiocb = _new(Aiocb, (m.aiocbp, m.aio_fildes, m.aio_offset, m.aio_buf, m.aio_nbytes, m.aio_reqprio, m.aio_lio_opcode, _dec_Sigevent(m.aio_sigevent) if m.HasField("aio_sigevent") else None, ))
    return out


def _enc_Aiocb(v: Any, m: Any) -> None:
    m.aiocbp = v.aiocbp
    m.aio_fildes = v.aio_fildes
    m.aio_offset = v.aio_offset
    m.aio_buf = _buffer(v.aio_buf)
    m.aio_nbytes = v.aio_nbytes
    m.aio_reqprio = v.aio_reqprio
    m.aio_lio_opcode = v.aio_lio_opcode
    if v.aio_sigevent is not None: m.aio_sigevent.SetInParent(); _enc_Sigevent(v.aio_sigevent, m.aio_sigevent)


def _dec_SockaddrUn(m: Any) -> SockaddrUn:
    out: SockaddrUn = _new(SockaddrUn, (m.sun_path, ))
    return out


def _enc_SockaddrUn(v: Any, m: Any) -> None:
    m.sun_path = _buffer(v.sun_path)


def _dec_SockaddrIn(m: Any) -> SockaddrIn:
    out: SockaddrIn = _new(SockaddrIn, (m.sin_addr, m.sin_port, ))
    return out


def _enc_SockaddrIn(v: Any, m: Any) -> None:
    m.sin_addr = _buffer(v.sin_addr)
    m.sin_port = v.sin_port


def _dec_SockaddrIn6(m: Any) -> SockaddrIn6:
    out: SockaddrIn6 = _new(SockaddrIn6, (m.sin6_addr, m.sin6_port, m.sin6_flowinfo, m.sin6_scope_id, ))
    return out


def _enc_SockaddrIn6(v: Any, m: Any) -> None:
    m.sin6_addr = _buffer(v.sin6_addr)
    m.sin6_port = v.sin6_port
    m.sin6_flowinfo = v.sin6_flowinfo
    m.sin6_scope_id = v.sin6_scope_id


def _dec_SockaddrDl(m: Any) -> SockaddrDl:
    out: SockaddrDl = _new(SockaddrDl, (m.sdl_index, m.sdl_type, m.sdl_name, m.sdl_addr, ))
    return out


def _enc_SockaddrDl(v: Any, m: Any) -> None:
    m.sdl_index = v.sdl_index
    m.sdl_type = v.sdl_type
    m.sdl_name = v.sdl_name
    m.sdl_addr = _buffer(v.sdl_addr)


def _dec_Sockaddr(m: Any) -> Any:
    which = m.WhichOneof("address")
    if which == "un":
        return _dec_SockaddrUn(m.un)
    if which == "in4":
        return _dec_SockaddrIn(m.in4)
    if which == "in6":
        return _dec_SockaddrIn6(m.in6)
    if which == "dl":
        return _dec_SockaddrDl(m.dl)
    return None


def _enc_Sockaddr(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is SockaddrUn:
        m.un.SetInParent(); _enc_SockaddrUn(v, m.un)
        return
    if kind is SockaddrIn:
        m.in4.SetInParent(); _enc_SockaddrIn(v, m.in4)
        return
    if kind is SockaddrIn6:
        m.in6.SetInParent(); _enc_SockaddrIn6(v, m.in6)
        return
    if kind is SockaddrDl:
        m.dl.SetInParent(); _enc_SockaddrDl(v, m.dl)
        return
    raise TypeError(f"no Sockaddr: {v!r}")


def _dec_Linger(m: Any) -> Linger:
    out: Linger = _new(Linger, (m.l_onoff, m.l_linger, ))
    return out


def _enc_Linger(v: Any, m: Any) -> None:
    m.l_onoff = v.l_onoff
    m.l_linger = v.l_linger


def _dec_TcpInfo(m: Any) -> TcpInfo:
    out: TcpInfo = _new(TcpInfo, (m.tcpi_state, m.tcpi_ca_state, m.tcpi_retransmits, m.tcpi_probes, m.tcpi_backoff, m.tcpi_options, m.tcpi_snd_wscale, m.tcpi_rcv_wscale, m.tcpi_rto, m.tcpi_snd_mss, m.tcpi_rcv_mss, m.tcpi_unacked, m.tcpi_sacked, m.tcpi_lost, m.tcpi_retrans, m.tcpi_pmtu, m.tcpi_last_data_sent, m.tcpi_last_data_recv, m.tcpi_rtt, m.tcpi_rttvar, m.tcpi_min_rtt, m.tcpi_snd_ssthresh, m.tcpi_snd_cwnd, m.tcpi_advmss, m.tcpi_reordering, m.tcpi_rcv_space, m.tcpi_snd_wnd, m.tcpi_snd_nxt, m.tcpi_rcv_nxt, m.tcpi_total_retrans, m.tcpi_bytes_acked, m.tcpi_bytes_received, m.tcpi_notsent_bytes, m.tcpi_delivered, ))
    return out


def _enc_TcpInfo(v: Any, m: Any) -> None:
    m.tcpi_state = v.tcpi_state
    m.tcpi_ca_state = v.tcpi_ca_state
    m.tcpi_retransmits = v.tcpi_retransmits
    m.tcpi_probes = v.tcpi_probes
    m.tcpi_backoff = v.tcpi_backoff
    m.tcpi_options = v.tcpi_options
    m.tcpi_snd_wscale = v.tcpi_snd_wscale
    m.tcpi_rcv_wscale = v.tcpi_rcv_wscale
    m.tcpi_rto = v.tcpi_rto
    m.tcpi_snd_mss = v.tcpi_snd_mss
    m.tcpi_rcv_mss = v.tcpi_rcv_mss
    m.tcpi_unacked = v.tcpi_unacked
    m.tcpi_sacked = v.tcpi_sacked
    m.tcpi_lost = v.tcpi_lost
    m.tcpi_retrans = v.tcpi_retrans
    m.tcpi_pmtu = v.tcpi_pmtu
    m.tcpi_last_data_sent = v.tcpi_last_data_sent
    m.tcpi_last_data_recv = v.tcpi_last_data_recv
    m.tcpi_rtt = v.tcpi_rtt
    m.tcpi_rttvar = v.tcpi_rttvar
    m.tcpi_min_rtt = v.tcpi_min_rtt
    m.tcpi_snd_ssthresh = v.tcpi_snd_ssthresh
    m.tcpi_snd_cwnd = v.tcpi_snd_cwnd
    m.tcpi_advmss = v.tcpi_advmss
    m.tcpi_reordering = v.tcpi_reordering
    m.tcpi_rcv_space = v.tcpi_rcv_space
    m.tcpi_snd_wnd = v.tcpi_snd_wnd
    m.tcpi_snd_nxt = v.tcpi_snd_nxt
    m.tcpi_rcv_nxt = v.tcpi_rcv_nxt
    m.tcpi_total_retrans = v.tcpi_total_retrans
    m.tcpi_bytes_acked = v.tcpi_bytes_acked
    m.tcpi_bytes_received = v.tcpi_bytes_received
    m.tcpi_notsent_bytes = v.tcpi_notsent_bytes
    m.tcpi_delivered = v.tcpi_delivered


def _dec_Mreq(m: Any) -> Mreq:
    out: Mreq = _new(Mreq, (m.multiaddr, m.interface, m.ifindex, ))
    return out


def _enc_Mreq(v: Any, m: Any) -> None:
    m.multiaddr = _buffer(v.multiaddr)
    m.interface = _buffer(v.interface)
    m.ifindex = v.ifindex


def _dec_Unpcbid(m: Any) -> Unpcbid:
    out: Unpcbid = _new(Unpcbid, (m.unp_pid, m.unp_euid, m.unp_egid, ))
    return out


def _enc_Unpcbid(v: Any, m: Any) -> None:
    m.unp_pid = v.unp_pid
    m.unp_euid = v.unp_euid
    m.unp_egid = v.unp_egid


def _dec_Sockopt(m: Any) -> Any:
    which = m.WhichOneof("value")
    if which == "integer":
        return SockoptInteger(m.integer)
    if which == "linger":
        return _dec_Linger(m.linger)
    if which == "timeval":
        return _dec_Timespec(m.timeval)
    if which == "raw":
        return SockoptRaw(m.raw)
    if which == "mreq":
        return _dec_Mreq(m.mreq)
    if which == "peereid":
        return _dec_Unpcbid(m.peereid)
    if which == "tcp_info":
        return _dec_TcpInfo(m.tcp_info)
    return None


def _enc_Sockopt(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is SockoptInteger:
        m.integer = v.integer
        return
    if kind is Linger:
        m.linger.SetInParent(); _enc_Linger(v, m.linger)
        return
    if kind is Timespec:
        m.timeval.SetInParent(); _enc_Timespec(v, m.timeval)
        return
    if kind is SockoptRaw:
        m.raw = _buffer(v.raw)
        return
    if kind is Mreq:
        m.mreq.SetInParent(); _enc_Mreq(v, m.mreq)
        return
    if kind is Unpcbid:
        m.peereid.SetInParent(); _enc_Unpcbid(v, m.peereid)
        return
    if kind is TcpInfo:
        m.tcp_info.SetInParent(); _enc_TcpInfo(v, m.tcp_info)
        return
    raise TypeError(f"no Sockopt: {v!r}")


def _dec_Sockcred(m: Any) -> Sockcred:
    out: Sockcred = _new(Sockcred, (m.sc_pid, m.sc_uid, m.sc_euid, m.sc_gid, m.sc_egid, list(m.sc_groups), ))
    return out


def _enc_Sockcred(v: Any, m: Any) -> None:
    m.sc_pid = v.sc_pid
    m.sc_uid = v.sc_uid
    m.sc_euid = v.sc_euid
    m.sc_gid = v.sc_gid
    m.sc_egid = v.sc_egid
    if v.sc_groups: m.sc_groups.extend(v.sc_groups)


def _dec_CmsgValue(m: Any) -> Any:
    which = m.WhichOneof("value")
    if which == "creds":
        return _dec_Sockcred(m.creds)
    if which == "timestamp":
        return _dec_Timespec(m.timestamp)
    return None


def _enc_CmsgValue(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is Sockcred:
        m.creds.SetInParent(); _enc_Sockcred(v, m.creds)
        return
    if kind is Timespec:
        m.timestamp.SetInParent(); _enc_Timespec(v, m.timestamp)
        return
    raise TypeError(f"no CmsgValue: {v!r}")


def _dec_Cmsg(m: Any) -> Cmsg:
    out: Cmsg = _new(Cmsg, (m.cmsg_level, m.cmsg_type, m.data, list(m.rights), _dec_CmsgValue(m.value) if m.HasField("value") else None, ))
    return out


def _enc_Cmsg(v: Any, m: Any) -> None:
    m.cmsg_level = v.cmsg_level
    m.cmsg_type = v.cmsg_type
    m.data = _buffer(v.data)
    if v.rights: m.rights.extend(v.rights)
    if v.value is not None: m.value.SetInParent(); _enc_CmsgValue(v.value, m.value)


def _dec_Msghdr(m: Any) -> Msghdr:
    out: Msghdr = _new(Msghdr, (_dec_Sockaddr(m.msg_name) if m.HasField("msg_name") else None, m.data, [_dec_Cmsg(x) for x in m.control], m.msg_flags, ))
    return out


def _enc_Msghdr(v: Any, m: Any) -> None:
    if v.msg_name is not None: m.msg_name.SetInParent(); _enc_Sockaddr(v.msg_name, m.msg_name)
    m.data = _buffer(v.data)
    for x in v.control or (): _enc_Cmsg(x, m.control.add())
    m.msg_flags = v.msg_flags


def _dec_KinfoProc(m: Any) -> KinfoProc:
    out: KinfoProc = _new(KinfoProc, (m.p_pid, m.p_ppid, m.p_pgid, m.p_sid, m.p_comm, m.p_uid, m.p_gid, m.p_ruid, m.p_rgid, m.p_svuid, m.p_svgid, list(m.p_groups), m.p_login, m.p_siglist, ))
    return out


def _enc_KinfoProc(v: Any, m: Any) -> None:
    m.p_pid = v.p_pid
    m.p_ppid = v.p_ppid
    m.p_pgid = v.p_pgid
    m.p_sid = v.p_sid
    m.p_comm = v.p_comm
    m.p_uid = v.p_uid
    m.p_gid = v.p_gid
    m.p_ruid = v.p_ruid
    m.p_rgid = v.p_rgid
    m.p_svuid = v.p_svuid
    m.p_svgid = v.p_svgid
    if v.p_groups: m.p_groups.extend(v.p_groups)
    m.p_login = _buffer(v.p_login)
    m.p_siglist = v.p_siglist


def _dec_SysctlProcs(m: Any) -> SysctlProcs:
    out: SysctlProcs = _new(SysctlProcs, ([_dec_KinfoProc(x) for x in m.procs], ))
    return out


def _enc_SysctlProcs(v: Any, m: Any) -> None:
    for x in v.procs or (): _enc_KinfoProc(x, m.procs.add())


def _dec_KinfoFile(m: Any) -> KinfoFile:
    out: KinfoFile = _new(KinfoFile, (m.ki_pid, m.comm, m.ki_uid, m.ki_fd, m.component, m.handle, ))
    return out


def _enc_KinfoFile(v: Any, m: Any) -> None:
    m.ki_pid = v.ki_pid
    m.comm = v.comm
    m.ki_uid = v.ki_uid
    m.ki_fd = v.ki_fd
    m.component = v.component
    m.handle = v.handle


def _dec_SysctlFiles(m: Any) -> SysctlFiles:
    out: SysctlFiles = _new(SysctlFiles, ([_dec_KinfoFile(x) for x in m.files], ))
    return out


def _enc_SysctlFiles(v: Any, m: Any) -> None:
    for x in v.files or (): _enc_KinfoFile(x, m.files.add())


def _dec_Inpcb(m: Any) -> Inpcb:
    out: Inpcb = _new(Inpcb, (m.protocol, _dec_Sockaddr(m.local) if m.HasField("local") else None, _dec_Sockaddr(m.foreign) if m.HasField("foreign") else None, m.recvq, m.sendq, m.state, m.handle, ))
    return out


def _enc_Inpcb(v: Any, m: Any) -> None:
    m.protocol = v.protocol
    if v.local is not None: m.local.SetInParent(); _enc_Sockaddr(v.local, m.local)
    if v.foreign is not None: m.foreign.SetInParent(); _enc_Sockaddr(v.foreign, m.foreign)
    m.recvq = v.recvq
    m.sendq = v.sendq
    m.state = v.state
    m.handle = v.handle


def _dec_SysctlPcbs(m: Any) -> SysctlPcbs:
    out: SysctlPcbs = _new(SysctlPcbs, ([_dec_Inpcb(x) for x in m.pcbs], ))
    return out


def _enc_SysctlPcbs(v: Any, m: Any) -> None:
    for x in v.pcbs or (): _enc_Inpcb(x, m.pcbs.add())


def _dec_NetCounter(m: Any) -> NetCounter:
    out: NetCounter = _new(NetCounter, (m.protocol, m.name, m.value, ))
    return out


def _enc_NetCounter(v: Any, m: Any) -> None:
    m.protocol = v.protocol
    m.name = v.name
    m.value = v.value


def _dec_SysctlCounters(m: Any) -> SysctlCounters:
    out: SysctlCounters = _new(SysctlCounters, ([_dec_NetCounter(x) for x in m.counters], ))
    return out


def _enc_SysctlCounters(v: Any, m: Any) -> None:
    for x in v.counters or (): _enc_NetCounter(x, m.counters.add())


def _dec_InterfaceAddress(m: Any) -> InterfaceAddress:
    out: InterfaceAddress = _new(InterfaceAddress, (_dec_Sockaddr(m.addr) if m.HasField("addr") else None, m.prefixlen, _dec_Sockaddr(m.broadaddr) if m.HasField("broadaddr") else None, _dec_Sockaddr(m.dstaddr) if m.HasField("dstaddr") else None, m.flags, m.vltime, m.pltime, ))
    return out


def _enc_InterfaceAddress(v: Any, m: Any) -> None:
    if v.addr is not None: m.addr.SetInParent(); _enc_Sockaddr(v.addr, m.addr)
    m.prefixlen = v.prefixlen
    if v.broadaddr is not None: m.broadaddr.SetInParent(); _enc_Sockaddr(v.broadaddr, m.broadaddr)
    if v.dstaddr is not None: m.dstaddr.SetInParent(); _enc_Sockaddr(v.dstaddr, m.dstaddr)
    m.flags = v.flags
    m.vltime = v.vltime
    m.pltime = v.pltime


def _dec_Interface(m: Any) -> Interface:
    out: Interface = _new(Interface, (m.name, m.ifindex, m.flags, m.mtu, m.lladdr, [_dec_InterfaceAddress(x) for x in m.addresses], ))
    return out


def _enc_Interface(v: Any, m: Any) -> None:
    m.name = v.name
    m.ifindex = v.ifindex
    m.flags = v.flags
    m.mtu = v.mtu
    m.lladdr = _buffer(v.lladdr)
    for x in v.addresses or (): _enc_InterfaceAddress(x, m.addresses.add())


def _dec_Ifdata(m: Any) -> Ifdata:
    out: Ifdata = _new(Ifdata, (m.ifdr_name, m.type, m.link_state, m.mtu, m.metric, m.baudrate, m.ipackets, m.ierrors, m.opackets, m.oerrors, m.collisions, m.ibytes, m.obytes, m.imcasts, m.omcasts, m.iqdrops, m.noproto, ))
    return out


def _enc_Ifdata(v: Any, m: Any) -> None:
    m.ifdr_name = v.ifdr_name
    m.type = v.type
    m.link_state = v.link_state
    m.mtu = v.mtu
    m.metric = v.metric
    m.baudrate = v.baudrate
    m.ipackets = v.ipackets
    m.ierrors = v.ierrors
    m.opackets = v.opackets
    m.oerrors = v.oerrors
    m.collisions = v.collisions
    m.ibytes = v.ibytes
    m.obytes = v.obytes
    m.imcasts = v.imcasts
    m.omcasts = v.omcasts
    m.iqdrops = v.iqdrops
    m.noproto = v.noproto


def _dec_Rtmsg(m: Any) -> Rtmsg:
    out: Rtmsg = _new(Rtmsg, (m.rtm_type, m.rtm_flags, m.rtm_index, m.rtm_pid, m.rtm_seq, m.rtm_errno, m.rtm_use, _dec_Sockaddr(m.dst) if m.HasField("dst") else None, m.prefixlen, _dec_Sockaddr(m.gateway) if m.HasField("gateway") else None, m.ifname, _dec_Sockaddr(m.ifa) if m.HasField("ifa") else None, _dec_Sockaddr(m.author) if m.HasField("author") else None, m.rmx_mtu, m.rmx_expire, _dec_Interface(m.interface) if m.HasField("interface") else None, _dec_InterfaceAddress(m.address) if m.HasField("address") else None, _dec_Ifdata(m.data) if m.HasField("data") else None, m.what, ))
    return out


def _enc_Rtmsg(v: Any, m: Any) -> None:
    m.rtm_type = v.rtm_type
    m.rtm_flags = v.rtm_flags
    m.rtm_index = v.rtm_index
    m.rtm_pid = v.rtm_pid
    m.rtm_seq = v.rtm_seq
    m.rtm_errno = v.rtm_errno
    m.rtm_use = v.rtm_use
    if v.dst is not None: m.dst.SetInParent(); _enc_Sockaddr(v.dst, m.dst)
    m.prefixlen = v.prefixlen
    if v.gateway is not None: m.gateway.SetInParent(); _enc_Sockaddr(v.gateway, m.gateway)
    m.ifname = v.ifname
    if v.ifa is not None: m.ifa.SetInParent(); _enc_Sockaddr(v.ifa, m.ifa)
    if v.author is not None: m.author.SetInParent(); _enc_Sockaddr(v.author, m.author)
    m.rmx_mtu = v.rmx_mtu
    m.rmx_expire = v.rmx_expire
    if v.interface is not None: m.interface.SetInParent(); _enc_Interface(v.interface, m.interface)
    if v.address is not None: m.address.SetInParent(); _enc_InterfaceAddress(v.address, m.address)
    if v.data is not None: m.data.SetInParent(); _enc_Ifdata(v.data, m.data)
    m.what = v.what


def _dec_SysctlRoutes(m: Any) -> SysctlRoutes:
    out: SysctlRoutes = _new(SysctlRoutes, ([_dec_Rtmsg(x) for x in m.routes], ))
    return out


def _enc_SysctlRoutes(v: Any, m: Any) -> None:
    for x in v.routes or (): _enc_Rtmsg(x, m.routes.add())


def _dec_NdRouter(m: Any) -> NdRouter:
    out: NdRouter = _new(NdRouter, (_dec_Sockaddr(m.addr) if m.HasField("addr") else None, m.ifname, m.expire, m.flags, m.preference, ))
    return out


def _enc_NdRouter(v: Any, m: Any) -> None:
    if v.addr is not None: m.addr.SetInParent(); _enc_Sockaddr(v.addr, m.addr)
    m.ifname = v.ifname
    m.expire = v.expire
    m.flags = v.flags
    m.preference = v.preference


def _dec_SysctlRouters(m: Any) -> SysctlRouters:
    out: SysctlRouters = _new(SysctlRouters, ([_dec_NdRouter(x) for x in m.routers], ))
    return out


def _enc_SysctlRouters(v: Any, m: Any) -> None:
    for x in v.routers or (): _enc_NdRouter(x, m.routers.add())


def _dec_NdPrefix(m: Any) -> NdPrefix:
    out: NdPrefix = _new(NdPrefix, (_dec_Sockaddr(m.prefix) if m.HasField("prefix") else None, m.prefixlen, m.ifname, m.vltime, m.pltime, m.onlink, m.autonomous, ))
    return out


def _enc_NdPrefix(v: Any, m: Any) -> None:
    if v.prefix is not None: m.prefix.SetInParent(); _enc_Sockaddr(v.prefix, m.prefix)
    m.prefixlen = v.prefixlen
    m.ifname = v.ifname
    m.vltime = v.vltime
    m.pltime = v.pltime
    m.onlink = v.onlink
    m.autonomous = v.autonomous


def _dec_SysctlPrefixes(m: Any) -> SysctlPrefixes:
    out: SysctlPrefixes = _new(SysctlPrefixes, ([_dec_NdPrefix(x) for x in m.prefixes], ))
    return out


def _enc_SysctlPrefixes(v: Any, m: Any) -> None:
    for x in v.prefixes or (): _enc_NdPrefix(x, m.prefixes.add())


def _dec_SysctlTexts(m: Any) -> SysctlTexts:
    out: SysctlTexts = _new(SysctlTexts, (list(m.texts), ))
    return out


def _enc_SysctlTexts(v: Any, m: Any) -> None:
    if v.texts: m.texts.extend([_buffer(x) for x in v.texts])


def _dec_SysctlValue(m: Any) -> Any:
    which = m.WhichOneof("value")
    if which == "integer":
        return SysctlValueInteger(m.integer)
    if which == "quad":
        return SysctlValueQuad(m.quad)
    if which == "text":
        return SysctlValueText(m.text)
    if which == "boolean":
        return SysctlValueBoolean(m.boolean)
    if which == "raw":
        return SysctlValueRaw(m.raw)
    if which == "procs":
        return _dec_SysctlProcs(m.procs)
    if which == "files":
        return _dec_SysctlFiles(m.files)
    if which == "pcbs":
        return _dec_SysctlPcbs(m.pcbs)
    if which == "counters":
        return _dec_SysctlCounters(m.counters)
    if which == "routes":
        return _dec_SysctlRoutes(m.routes)
    if which == "routers":
        return _dec_SysctlRouters(m.routers)
    if which == "prefixes":
        return _dec_SysctlPrefixes(m.prefixes)
    if which == "texts":
        return _dec_SysctlTexts(m.texts)
    return None


def _enc_SysctlValue(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is SysctlValueInteger:
        m.integer = v.integer
        return
    if kind is SysctlValueQuad:
        m.quad = v.quad
        return
    if kind is SysctlValueText:
        m.text = v.text
        return
    if kind is SysctlValueBoolean:
        m.boolean = v.boolean
        return
    if kind is SysctlValueRaw:
        m.raw = _buffer(v.raw)
        return
    if kind is SysctlProcs:
        m.procs.SetInParent(); _enc_SysctlProcs(v, m.procs)
        return
    if kind is SysctlFiles:
        m.files.SetInParent(); _enc_SysctlFiles(v, m.files)
        return
    if kind is SysctlPcbs:
        m.pcbs.SetInParent(); _enc_SysctlPcbs(v, m.pcbs)
        return
    if kind is SysctlCounters:
        m.counters.SetInParent(); _enc_SysctlCounters(v, m.counters)
        return
    if kind is SysctlRoutes:
        m.routes.SetInParent(); _enc_SysctlRoutes(v, m.routes)
        return
    if kind is SysctlRouters:
        m.routers.SetInParent(); _enc_SysctlRouters(v, m.routers)
        return
    if kind is SysctlPrefixes:
        m.prefixes.SetInParent(); _enc_SysctlPrefixes(v, m.prefixes)
        return
    if kind is SysctlTexts:
        m.texts.SetInParent(); _enc_SysctlTexts(v, m.texts)
        return
    raise TypeError(f"no SysctlValue: {v!r}")


def _dec_SysctlNode(m: Any) -> SysctlNode:
    out: SysctlNode = _new(SysctlNode, (m.number, m.name, m.type, m.flags, m.size, m.description, ))
    return out


def _enc_SysctlNode(v: Any, m: Any) -> None:
    m.number = v.number
    m.name = v.name
    m.type = v.type
    m.flags = v.flags
    m.size = v.size
    m.description = v.description


def _dec_ModctlLoad(m: Any) -> ModctlLoad:
    out: ModctlLoad = _new(ModctlLoad, (m.filename, m.flags, dict(m.props), ))
    return out


def _enc_ModctlLoad(v: Any, m: Any) -> None:
    m.filename = v.filename
    m.flags = v.flags
    if v.props: m.props.update(v.props)


def _dec_ModuleStat(m: Any) -> ModuleStat:
    out: ModuleStat = _new(ModuleStat, (m.name, m.class_name, m.source, m.flags, m.refcnt, m.size, list(m.requires), m.faction, m.version, ))
    return out


def _enc_ModuleStat(v: Any, m: Any) -> None:
    m.name = v.name
    m.class_name = v.class_name
    m.source = v.source
    m.flags = v.flags
    m.refcnt = v.refcnt
    m.size = v.size
    if v.requires: m.requires.extend(v.requires)
    m.faction = v.faction
    m.version = v.version


def _dec_TmpfsArgs(m: Any) -> TmpfsArgs:
    out: TmpfsArgs = _new(TmpfsArgs, (m.size_max, m.nodes_max, m.root_uid, m.root_gid, m.root_mode if m.HasField("root_mode") else None, ))
    return out


def _enc_TmpfsArgs(v: Any, m: Any) -> None:
    m.size_max = v.size_max
    m.nodes_max = v.nodes_max
    m.root_uid = v.root_uid
    m.root_gid = v.root_gid
    if v.root_mode is not None: m.root_mode = v.root_mode


def _dec_DiskArgs(m: Any) -> DiskArgs:
    out: DiskArgs = _new(DiskArgs, (m.fspec, ))
    return out


def _enc_DiskArgs(v: Any, m: Any) -> None:
    m.fspec = _buffer(v.fspec)


def _dec_OptionArgs(m: Any) -> OptionArgs:
    out: OptionArgs = _new(OptionArgs, (m.fspec, dict(m.options), ))
    return out


def _enc_OptionArgs(v: Any, m: Any) -> None:
    m.fspec = _buffer(v.fspec)
    if v.options: m.options.update(v.options)


def _dec_MountArgs(m: Any) -> Any:
    which = m.WhichOneof("args")
    if which == "tmpfs":
        return _dec_TmpfsArgs(m.tmpfs)
    if which == "disk":
        return _dec_DiskArgs(m.disk)
    if which == "other":
        return _dec_OptionArgs(m.other)
    return None


def _enc_MountArgs(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is TmpfsArgs:
        m.tmpfs.SetInParent(); _enc_TmpfsArgs(v, m.tmpfs)
        return
    if kind is DiskArgs:
        m.disk.SetInParent(); _enc_DiskArgs(v, m.disk)
        return
    if kind is OptionArgs:
        m.other.SetInParent(); _enc_OptionArgs(v, m.other)
        return
    raise TypeError(f"no MountArgs: {v!r}")


def _dec_VndIoctl(m: Any) -> VndIoctl:
    out: VndIoctl = _new(VndIoctl, (m.vnd_file, m.vnd_flags, m.vnd_size, ))
    return out


def _enc_VndIoctl(v: Any, m: Any) -> None:
    m.vnd_file = _buffer(v.vnd_file)
    m.vnd_flags = v.vnd_flags
    m.vnd_size = v.vnd_size


def _dec_VndUser(m: Any) -> VndUser:
    out: VndUser = _new(VndUser, (m.vnu_unit, m.vnu_dev, m.vnu_ino, m.vnu_file, ))
    return out


def _enc_VndUser(v: Any, m: Any) -> None:
    m.vnu_unit = v.vnu_unit
    m.vnu_dev = v.vnu_dev
    m.vnu_ino = v.vnu_ino
    m.vnu_file = _buffer(v.vnu_file)


def _dec_CgdIoctl(m: Any) -> CgdIoctl:
    out: CgdIoctl = _new(CgdIoctl, (m.ci_disk, m.ci_flags, m.ci_size, m.ci_alg, m.ci_ivmethod, m.ci_keylen, m.ci_key, m.ci_blocksize, m.ci_secsize, ))
    return out


def _enc_CgdIoctl(v: Any, m: Any) -> None:
    m.ci_disk = _buffer(v.ci_disk)
    m.ci_flags = v.ci_flags
    m.ci_size = v.ci_size
    m.ci_alg = v.ci_alg
    m.ci_ivmethod = v.ci_ivmethod
    m.ci_keylen = v.ci_keylen
    m.ci_key = _buffer(v.ci_key)
    m.ci_blocksize = v.ci_blocksize
    m.ci_secsize = v.ci_secsize


def _dec_CgdUser(m: Any) -> CgdUser:
    out: CgdUser = _new(CgdUser, (m.cgu_unit, m.cgu_dev, m.cgu_alg, m.cgu_blocksize, m.cgu_mode, m.cgu_keylen, m.cgu_disk, m.cgu_secsize, ))
    return out


def _enc_CgdUser(v: Any, m: Any) -> None:
    m.cgu_unit = v.cgu_unit
    m.cgu_dev = v.cgu_dev
    m.cgu_alg = v.cgu_alg
    m.cgu_blocksize = v.cgu_blocksize
    m.cgu_mode = v.cgu_mode
    m.cgu_keylen = v.cgu_keylen
    m.cgu_disk = _buffer(v.cgu_disk)
    m.cgu_secsize = v.cgu_secsize


def _dec_RaidConfig(m: Any) -> RaidConfig:
    out: RaidConfig = _new(RaidConfig, (m.level, m.sect_per_su, list(m.devnames), list(m.spare_names), m.force, ))
    return out


def _enc_RaidConfig(v: Any, m: Any) -> None:
    m.level = v.level
    m.sect_per_su = v.sect_per_su
    if v.devnames: m.devnames.extend([_buffer(x) for x in v.devnames])
    if v.spare_names: m.spare_names.extend([_buffer(x) for x in v.spare_names])
    m.force = v.force


def _dec_RaidComponent(m: Any) -> RaidComponent:
    out: RaidComponent = _new(RaidComponent, (m.column, m.component_name, ))
    return out


def _enc_RaidComponent(v: Any, m: Any) -> None:
    m.column = v.column
    m.component_name = _buffer(v.component_name)


def _dec_RaidReconReq(m: Any) -> RaidReconReq:
    out: RaidReconReq = _new(RaidReconReq, (m.col, m.flags, ))
    return out


def _enc_RaidReconReq(v: Any, m: Any) -> None:
    m.col = v.col
    m.flags = v.flags


def _dec_RaidProgress(m: Any) -> RaidProgress:
    out: RaidProgress = _new(RaidProgress, (m.remaining, m.completed, m.total, ))
    return out


def _enc_RaidProgress(v: Any, m: Any) -> None:
    m.remaining = v.remaining
    m.completed = v.completed
    m.total = v.total


def _dec_RaidDisk(m: Any) -> RaidDisk:
    out: RaidDisk = _new(RaidDisk, (m.devname, m.status, m.size, ))
    return out


def _enc_RaidDisk(v: Any, m: Any) -> None:
    m.devname = _buffer(v.devname)
    m.status = v.status
    m.size = v.size


def _dec_RaidInfo(m: Any) -> RaidInfo:
    out: RaidInfo = _new(RaidInfo, (m.level, m.sect_per_su, m.cols, m.size, m.serial, m.clean, [_dec_RaidDisk(x) for x in m.devs], [_dec_RaidDisk(x) for x in m.spares], ))
    return out


def _enc_RaidInfo(v: Any, m: Any) -> None:
    m.level = v.level
    m.sect_per_su = v.sect_per_su
    m.cols = v.cols
    m.size = v.size
    m.serial = v.serial
    m.clean = v.clean
    for x in v.devs or (): _enc_RaidDisk(x, m.devs.add())
    for x in v.spares or (): _enc_RaidDisk(x, m.spares.add())


def _dec_Termios(m: Any) -> Termios:
    out: Termios = _new(Termios, (m.c_iflag, m.c_oflag, m.c_cflag, m.c_lflag, m.c_cc, m.c_ispeed, m.c_ospeed, ))
    return out


def _enc_Termios(v: Any, m: Any) -> None:
    m.c_iflag = v.c_iflag
    m.c_oflag = v.c_oflag
    m.c_cflag = v.c_cflag
    m.c_lflag = v.c_lflag
    m.c_cc = _buffer(v.c_cc)
    m.c_ispeed = v.c_ispeed
    m.c_ospeed = v.c_ospeed


def _dec_Winsize(m: Any) -> Winsize:
    out: Winsize = _new(Winsize, (m.ws_row, m.ws_col, m.ws_xpixel, m.ws_ypixel, ))
    return out


def _enc_Winsize(v: Any, m: Any) -> None:
    m.ws_row = v.ws_row
    m.ws_col = v.ws_col
    m.ws_xpixel = v.ws_xpixel
    m.ws_ypixel = v.ws_ypixel


def _dec_Ptmget(m: Any) -> Ptmget:
    out: Ptmget = _new(Ptmget, (m.cfd, m.sfd, m.cn, m.sn, m.unit, ))
    return out


def _enc_Ptmget(v: Any, m: Any) -> None:
    m.cfd = v.cfd
    m.sfd = v.sfd
    m.cn = _buffer(v.cn)
    m.sn = _buffer(v.sn)
    m.unit = v.unit


def _dec_DevListArgs(m: Any) -> DevListArgs:
    out: DevListArgs = _new(DevListArgs, (m.devname, list(m.childname), ))
    return out


def _enc_DevListArgs(v: Any, m: Any) -> None:
    m.devname = v.devname
    if v.childname: m.childname.extend(v.childname)


def _dec_DevDetachArgs(m: Any) -> DevDetachArgs:
    out: DevDetachArgs = _new(DevDetachArgs, (m.devname, ))
    return out


def _enc_DevDetachArgs(v: Any, m: Any) -> None:
    m.devname = v.devname


def _dec_DevRescanArgs(m: Any) -> DevRescanArgs:
    out: DevRescanArgs = _new(DevRescanArgs, (m.busname, m.ifattr, ))
    return out


def _enc_DevRescanArgs(v: Any, m: Any) -> None:
    m.busname = v.busname
    m.ifattr = v.ifattr


def _dec_DevPmArgs(m: Any) -> DevPmArgs:
    out: DevPmArgs = _new(DevPmArgs, (m.devname, m.flags, ))
    return out


def _enc_DevPmArgs(v: Any, m: Any) -> None:
    m.devname = v.devname
    m.flags = v.flags


def _dec_DevCommand(m: Any) -> DevCommand:
    out: DevCommand = _new(DevCommand, (m.command, m.device_name, dict(m.properties), ))
    return out


def _enc_DevCommand(v: Any, m: Any) -> None:
    m.command = v.command
    m.device_name = v.device_name
    if v.properties: m.properties.update(v.properties)


def _dec_Ifreq(m: Any) -> Ifreq:
    out: Ifreq = _new(Ifreq, (m.ifr_name, _dec_Sockaddr(m.ifr_addr) if m.HasField("ifr_addr") else None, m.ifr_value, m.ifr_text, ))
    return out


def _enc_Ifreq(v: Any, m: Any) -> None:
    m.ifr_name = v.ifr_name
    if v.ifr_addr is not None: m.ifr_addr.SetInParent(); _enc_Sockaddr(v.ifr_addr, m.ifr_addr)
    m.ifr_value = v.ifr_value
    m.ifr_text = v.ifr_text


def _dec_Ifaliasreq(m: Any) -> Ifaliasreq:
    out: Ifaliasreq = _new(Ifaliasreq, (m.ifra_name, _dec_Sockaddr(m.ifra_addr) if m.HasField("ifra_addr") else None, m.ifra_prefixlen, _dec_Sockaddr(m.ifra_dstaddr) if m.HasField("ifra_dstaddr") else None, _dec_Sockaddr(m.ifra_broadaddr) if m.HasField("ifra_broadaddr") else None, m.ifra_flags, m.ifra_vltime, m.ifra_pltime, ))
    return out


def _enc_Ifaliasreq(v: Any, m: Any) -> None:
    m.ifra_name = v.ifra_name
    if v.ifra_addr is not None: m.ifra_addr.SetInParent(); _enc_Sockaddr(v.ifra_addr, m.ifra_addr)
    m.ifra_prefixlen = v.ifra_prefixlen
    if v.ifra_dstaddr is not None: m.ifra_dstaddr.SetInParent(); _enc_Sockaddr(v.ifra_dstaddr, m.ifra_dstaddr)
    if v.ifra_broadaddr is not None: m.ifra_broadaddr.SetInParent(); _enc_Sockaddr(v.ifra_broadaddr, m.ifra_broadaddr)
    m.ifra_flags = v.ifra_flags
    m.ifra_vltime = v.ifra_vltime
    m.ifra_pltime = v.ifra_pltime


def _dec_Ifconf(m: Any) -> Ifconf:
    out: Ifconf = _new(Ifconf, ([_dec_Interface(x) for x in m.interfaces], ))
    return out


def _enc_Ifconf(v: Any, m: Any) -> None:
    for x in v.interfaces or (): _enc_Interface(x, m.interfaces.add())


def _dec_Ifclonereq(m: Any) -> Ifclonereq:
    out: Ifclonereq = _new(Ifclonereq, (list(m.cloners), ))
    return out


def _enc_Ifclonereq(v: Any, m: Any) -> None:
    if v.cloners: m.cloners.extend(v.cloners)


def _dec_Ifmediareq(m: Any) -> Ifmediareq:
    out: Ifmediareq = _new(Ifmediareq, (m.ifm_name, m.ifm_current, m.ifm_mask, m.ifm_status, m.ifm_active, list(m.ifm_ulist), ))
    return out


def _enc_Ifmediareq(v: Any, m: Any) -> None:
    m.ifm_name = v.ifm_name
    m.ifm_current = v.ifm_current
    m.ifm_mask = v.ifm_mask
    m.ifm_status = v.ifm_status
    m.ifm_active = v.ifm_active
    if v.ifm_ulist: m.ifm_ulist.extend(v.ifm_ulist)


def _dec_Nbrinfo(m: Any) -> Nbrinfo:
    out: Nbrinfo = _new(Nbrinfo, (m.ifname, _dec_Sockaddr(m.addr) if m.HasField("addr") else None, m.asked, m.isrouter, m.state, m.expire, _dec_SockaddrDl(m.lladdr) if m.HasField("lladdr") else None, ))
    return out


def _enc_Nbrinfo(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    if v.addr is not None: m.addr.SetInParent(); _enc_Sockaddr(v.addr, m.addr)
    m.asked = v.asked
    m.isrouter = v.isrouter
    m.state = v.state
    m.expire = v.expire
    if v.lladdr is not None: m.lladdr.SetInParent(); _enc_SockaddrDl(v.lladdr, m.lladdr)


def _dec_Ndireq(m: Any) -> Ndireq:
    out: Ndireq = _new(Ndireq, (m.ifname, m.linkmtu, m.basereachable, m.reachable, m.retrans, m.flags, m.chlim, ))
    return out


def _enc_Ndireq(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    m.linkmtu = v.linkmtu
    m.basereachable = v.basereachable
    m.reachable = v.reachable
    m.retrans = v.retrans
    m.flags = v.flags
    m.chlim = v.chlim


def _dec_BridgeMember(m: Any) -> BridgeMember:
    out: BridgeMember = _new(BridgeMember, (m.ifname, m.flags, m.blocked, ))
    return out


def _enc_BridgeMember(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    m.flags = v.flags
    m.blocked = v.blocked


def _dec_BridgeAddr(m: Any) -> BridgeAddr:
    out: BridgeAddr = _new(BridgeAddr, (m.addr, m.ifname, m.flags, m.expire, ))
    return out


def _enc_BridgeAddr(v: Any, m: Any) -> None:
    m.addr = _buffer(v.addr)
    m.ifname = v.ifname
    m.flags = v.flags
    m.expire = v.expire


def _dec_BridgeReq(m: Any) -> BridgeReq:
    out: BridgeReq = _new(BridgeReq, (m.ifd_name, m.ifd_cmd, m.member, m.flags, m.addr, m.value, [_dec_BridgeMember(x) for x in m.members], [_dec_BridgeAddr(x) for x in m.addrs], ))
    return out


def _enc_BridgeReq(v: Any, m: Any) -> None:
    m.ifd_name = v.ifd_name
    m.ifd_cmd = v.ifd_cmd
    m.member = v.member
    m.flags = v.flags
    m.addr = _buffer(v.addr)
    m.value = v.value
    for x in v.members or (): _enc_BridgeMember(x, m.members.add())
    for x in v.addrs or (): _enc_BridgeAddr(x, m.addrs.add())


def _dec_VlanReq(m: Any) -> VlanReq:
    out: VlanReq = _new(VlanReq, (m.ifname, m.vlr_tag, m.vlr_parent, ))
    return out


def _enc_VlanReq(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    m.vlr_tag = v.vlr_tag
    m.vlr_parent = v.vlr_parent


def _dec_IfPhyAddr(m: Any) -> IfPhyAddr:
    out: IfPhyAddr = _new(IfPhyAddr, (m.iflr_name, _dec_Sockaddr(m.addr) if m.HasField("addr") else None, _dec_Sockaddr(m.dstaddr) if m.HasField("dstaddr") else None, ))
    return out


def _enc_IfPhyAddr(v: Any, m: Any) -> None:
    m.iflr_name = v.iflr_name
    if v.addr is not None: m.addr.SetInParent(); _enc_Sockaddr(v.addr, m.addr)
    if v.dstaddr is not None: m.dstaddr.SetInParent(); _enc_Sockaddr(v.dstaddr, m.dstaddr)


def _dec_LaggReq(m: Any) -> LaggReq:
    out: LaggReq = _new(LaggReq, (m.ifname, m.proto, list(m.ports), list(m.active), ))
    return out


def _enc_LaggReq(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    m.proto = v.proto
    if v.ports: m.ports.extend(v.ports)
    if v.active: m.active.extend(v.active)


def _dec_BpfInsn(m: Any) -> BpfInsn:
    out: BpfInsn = _new(BpfInsn, (m.code, m.jt, m.jf, m.k, ))
    return out


def _enc_BpfInsn(v: Any, m: Any) -> None:
    m.code = v.code
    m.jt = v.jt
    m.jf = v.jf
    m.k = v.k


def _dec_BpfProgram(m: Any) -> BpfProgram:
    out: BpfProgram = _new(BpfProgram, ([_dec_BpfInsn(x) for x in m.insns], ))
    return out


def _enc_BpfProgram(v: Any, m: Any) -> None:
    for x in v.insns or (): _enc_BpfInsn(x, m.insns.add())


def _dec_BpfStat(m: Any) -> BpfStat:
    out: BpfStat = _new(BpfStat, (m.bs_recv, m.bs_drop, m.bs_capt, ))
    return out


def _enc_BpfStat(v: Any, m: Any) -> None:
    m.bs_recv = v.bs_recv
    m.bs_drop = v.bs_drop
    m.bs_capt = v.bs_capt


def _dec_BpfDltlist(m: Any) -> BpfDltlist:
    out: BpfDltlist = _new(BpfDltlist, (list(m.bfl_list), ))
    return out


def _enc_BpfDltlist(v: Any, m: Any) -> None:
    if v.bfl_list: m.bfl_list.extend(v.bfl_list)


def _dec_WgAllowedIp(m: Any) -> WgAllowedIp:
    out: WgAllowedIp = _new(WgAllowedIp, (m.addr, m.prefixlen, ))
    return out


def _enc_WgAllowedIp(v: Any, m: Any) -> None:
    m.addr = _buffer(v.addr)
    m.prefixlen = v.prefixlen


def _dec_WgPeer(m: Any) -> WgPeer:
    out: WgPeer = _new(WgPeer, (m.name, m.public_key, m.preshared_key, _dec_Sockaddr(m.endpoint) if m.HasField("endpoint") else None, [_dec_WgAllowedIp(x) for x in m.allowed_ips], m.last_handshake_sec, m.rx_bytes, m.tx_bytes, m.persistent_keepalive, ))
    return out


def _enc_WgPeer(v: Any, m: Any) -> None:
    m.name = v.name
    m.public_key = _buffer(v.public_key)
    m.preshared_key = _buffer(v.preshared_key)
    if v.endpoint is not None: m.endpoint.SetInParent(); _enc_Sockaddr(v.endpoint, m.endpoint)
    for x in v.allowed_ips or (): _enc_WgAllowedIp(x, m.allowed_ips.add())
    m.last_handshake_sec = v.last_handshake_sec
    m.rx_bytes = v.rx_bytes
    m.tx_bytes = v.tx_bytes
    m.persistent_keepalive = v.persistent_keepalive


def _dec_WgReq(m: Any) -> WgReq:
    out: WgReq = _new(WgReq, (m.ifd_name, m.ifd_cmd, m.private_key, m.listen_port, [_dec_WgPeer(x) for x in m.peers], ))
    return out


def _enc_WgReq(v: Any, m: Any) -> None:
    m.ifd_name = v.ifd_name
    m.ifd_cmd = v.ifd_cmd
    m.private_key = _buffer(v.private_key)
    m.listen_port = v.listen_port
    for x in v.peers or (): _enc_WgPeer(x, m.peers.add())


def _dec_IoctlArgs(m: Any) -> Any:
    which = m.WhichOneof("args")
    if which == "integer":
        return IoctlArgsInteger(m.integer)
    if which == "raw":
        return IoctlArgsRaw(m.raw)
    if which == "text":
        return IoctlArgsText(m.text)
    if which == "vnd":
        return _dec_VndIoctl(m.vnd)
    if which == "vnd_user":
        return _dec_VndUser(m.vnd_user)
    if which == "cgd":
        return _dec_CgdIoctl(m.cgd)
    if which == "cgd_user":
        return _dec_CgdUser(m.cgd_user)
    if which == "raid_config":
        return _dec_RaidConfig(m.raid_config)
    if which == "raid_component":
        return _dec_RaidComponent(m.raid_component)
    if which == "raid_recon":
        return _dec_RaidReconReq(m.raid_recon)
    if which == "raid_progress":
        return _dec_RaidProgress(m.raid_progress)
    if which == "raid_info":
        return _dec_RaidInfo(m.raid_info)
    if which == "termios":
        return _dec_Termios(m.termios)
    if which == "winsize":
        return _dec_Winsize(m.winsize)
    if which == "ptmget":
        return _dec_Ptmget(m.ptmget)
    if which == "dev_list_args":
        return _dec_DevListArgs(m.dev_list_args)
    if which == "dev_detach":
        return _dec_DevDetachArgs(m.dev_detach)
    if which == "dev_rescan":
        return _dec_DevRescanArgs(m.dev_rescan)
    if which == "dev_pm":
        return _dec_DevPmArgs(m.dev_pm)
    if which == "dev_command":
        return _dec_DevCommand(m.dev_command)
    if which == "ifreq":
        return _dec_Ifreq(m.ifreq)
    if which == "ifalias":
        return _dec_Ifaliasreq(m.ifalias)
    if which == "ifconf":
        return _dec_Ifconf(m.ifconf)
    if which == "ifclone":
        return _dec_Ifclonereq(m.ifclone)
    if which == "ifmedia":
        return _dec_Ifmediareq(m.ifmedia)
    if which == "ifdata":
        return _dec_Ifdata(m.ifdata)
    if which == "nbrinfo":
        return _dec_Nbrinfo(m.nbrinfo)
    if which == "ndi":
        return _dec_Ndireq(m.ndi)
    if which == "bridge":
        return _dec_BridgeReq(m.bridge)
    if which == "vlan":
        return _dec_VlanReq(m.vlan)
    if which == "phyaddr":
        return _dec_IfPhyAddr(m.phyaddr)
    if which == "lagg":
        return _dec_LaggReq(m.lagg)
    if which == "bpf_program":
        return _dec_BpfProgram(m.bpf_program)
    if which == "bpf_stat":
        return _dec_BpfStat(m.bpf_stat)
    if which == "bpf_dltlist":
        return _dec_BpfDltlist(m.bpf_dltlist)
    if which == "wg":
        return _dec_WgReq(m.wg)
    return None


def _enc_IoctlArgs(v: Any, m: Any) -> None:
    kind = type(v)
    if kind is IoctlArgsInteger:
        m.integer = v.integer
        return
    if kind is IoctlArgsRaw:
        m.raw = _buffer(v.raw)
        return
    if kind is IoctlArgsText:
        m.text = v.text
        return
    if kind is VndIoctl:
        m.vnd.SetInParent(); _enc_VndIoctl(v, m.vnd)
        return
    if kind is VndUser:
        m.vnd_user.SetInParent(); _enc_VndUser(v, m.vnd_user)
        return
    if kind is CgdIoctl:
        m.cgd.SetInParent(); _enc_CgdIoctl(v, m.cgd)
        return
    if kind is CgdUser:
        m.cgd_user.SetInParent(); _enc_CgdUser(v, m.cgd_user)
        return
    if kind is RaidConfig:
        m.raid_config.SetInParent(); _enc_RaidConfig(v, m.raid_config)
        return
    if kind is RaidComponent:
        m.raid_component.SetInParent(); _enc_RaidComponent(v, m.raid_component)
        return
    if kind is RaidReconReq:
        m.raid_recon.SetInParent(); _enc_RaidReconReq(v, m.raid_recon)
        return
    if kind is RaidProgress:
        m.raid_progress.SetInParent(); _enc_RaidProgress(v, m.raid_progress)
        return
    if kind is RaidInfo:
        m.raid_info.SetInParent(); _enc_RaidInfo(v, m.raid_info)
        return
    if kind is Termios:
        m.termios.SetInParent(); _enc_Termios(v, m.termios)
        return
    if kind is Winsize:
        m.winsize.SetInParent(); _enc_Winsize(v, m.winsize)
        return
    if kind is Ptmget:
        m.ptmget.SetInParent(); _enc_Ptmget(v, m.ptmget)
        return
    if kind is DevListArgs:
        m.dev_list_args.SetInParent(); _enc_DevListArgs(v, m.dev_list_args)
        return
    if kind is DevDetachArgs:
        m.dev_detach.SetInParent(); _enc_DevDetachArgs(v, m.dev_detach)
        return
    if kind is DevRescanArgs:
        m.dev_rescan.SetInParent(); _enc_DevRescanArgs(v, m.dev_rescan)
        return
    if kind is DevPmArgs:
        m.dev_pm.SetInParent(); _enc_DevPmArgs(v, m.dev_pm)
        return
    if kind is DevCommand:
        m.dev_command.SetInParent(); _enc_DevCommand(v, m.dev_command)
        return
    if kind is Ifreq:
        m.ifreq.SetInParent(); _enc_Ifreq(v, m.ifreq)
        return
    if kind is Ifaliasreq:
        m.ifalias.SetInParent(); _enc_Ifaliasreq(v, m.ifalias)
        return
    if kind is Ifconf:
        m.ifconf.SetInParent(); _enc_Ifconf(v, m.ifconf)
        return
    if kind is Ifclonereq:
        m.ifclone.SetInParent(); _enc_Ifclonereq(v, m.ifclone)
        return
    if kind is Ifmediareq:
        m.ifmedia.SetInParent(); _enc_Ifmediareq(v, m.ifmedia)
        return
    if kind is Ifdata:
        m.ifdata.SetInParent(); _enc_Ifdata(v, m.ifdata)
        return
    if kind is Nbrinfo:
        m.nbrinfo.SetInParent(); _enc_Nbrinfo(v, m.nbrinfo)
        return
    if kind is Ndireq:
        m.ndi.SetInParent(); _enc_Ndireq(v, m.ndi)
        return
    if kind is BridgeReq:
        m.bridge.SetInParent(); _enc_BridgeReq(v, m.bridge)
        return
    if kind is VlanReq:
        m.vlan.SetInParent(); _enc_VlanReq(v, m.vlan)
        return
    if kind is IfPhyAddr:
        m.phyaddr.SetInParent(); _enc_IfPhyAddr(v, m.phyaddr)
        return
    if kind is LaggReq:
        m.lagg.SetInParent(); _enc_LaggReq(v, m.lagg)
        return
    if kind is BpfProgram:
        m.bpf_program.SetInParent(); _enc_BpfProgram(v, m.bpf_program)
        return
    if kind is BpfStat:
        m.bpf_stat.SetInParent(); _enc_BpfStat(v, m.bpf_stat)
        return
    if kind is BpfDltlist:
        m.bpf_dltlist.SetInParent(); _enc_BpfDltlist(v, m.bpf_dltlist)
        return
    if kind is WgReq:
        m.wg.SetInParent(); _enc_WgReq(v, m.wg)
        return
    raise TypeError(f"no IoctlArgs: {v!r}")


def _dec_Impairment(m: Any) -> Impairment:
    out: Impairment = _new(Impairment, (m.delay_ns, m.jitter_ns, m.loss_ppm, m.burst, m.duplicate_ppm, m.corrupt_ppm, m.reorder_ppm, m.rate_bps, m.limit, m.seed, ))
    return out


def _enc_Impairment(v: Any, m: Any) -> None:
    m.delay_ns = v.delay_ns
    m.jitter_ns = v.jitter_ns
    m.loss_ppm = v.loss_ppm
    m.burst = v.burst
    m.duplicate_ppm = v.duplicate_ppm
    m.corrupt_ppm = v.corrupt_ppm
    m.reorder_ppm = v.reorder_ppm
    m.rate_bps = v.rate_bps
    m.limit = v.limit
    m.seed = v.seed


def _dec_ImpairmentStat(m: Any) -> ImpairmentStat:
    out: ImpairmentStat = _new(ImpairmentStat, (_dec_Impairment(m.settings) if m.HasField("settings") else None, m.passed, m.lost, m.dropped, m.duplicated, m.corrupted, m.reordered, ))
    return out


def _enc_ImpairmentStat(v: Any, m: Any) -> None:
    if v.settings is not None: m.settings.SetInParent(); _enc_Impairment(v.settings, m.settings)
    m.passed = v.passed
    m.lost = v.lost
    m.dropped = v.dropped
    m.duplicated = v.duplicated
    m.corrupted = v.corrupted
    m.reordered = v.reordered


def _dec_QuotaKey(m: Any) -> QuotaKey:
    out: QuotaKey = _new(QuotaKey, (m.idtype, m.id, m.objtype, ))
    return out


def _enc_QuotaKey(v: Any, m: Any) -> None:
    m.idtype = v.idtype
    m.id = v.id
    m.objtype = v.objtype


def _dec_QuotaValue(m: Any) -> QuotaValue:
    out: QuotaValue = _new(QuotaValue, (m.hardlimit, m.softlimit, m.usage, m.expiretime, m.grace, ))
    return out


def _enc_QuotaValue(v: Any, m: Any) -> None:
    m.hardlimit = v.hardlimit
    m.softlimit = v.softlimit
    m.usage = v.usage
    m.expiretime = v.expiretime
    m.grace = v.grace


def _dec_QuotaEntry(m: Any) -> QuotaEntry:
    out: QuotaEntry = _new(QuotaEntry, (_dec_QuotaKey(m.key) if m.HasField("key") else None, _dec_QuotaValue(m.value) if m.HasField("value") else None, ))
    return out


def _enc_QuotaEntry(v: Any, m: Any) -> None:
    if v.key is not None: m.key.SetInParent(); _enc_QuotaKey(v.key, m.key)
    if v.value is not None: m.value.SetInParent(); _enc_QuotaValue(v.value, m.value)


def _dec_QuotaCursor(m: Any) -> QuotaCursor:
    out: QuotaCursor = _new(QuotaCursor, (_dec_QuotaKey(m.next) if m.HasField("next") else None, m.skipped, m.at_end, ))
    return out


def _enc_QuotaCursor(v: Any, m: Any) -> None:
    if v.next is not None: m.next.SetInParent(); _enc_QuotaKey(v.next, m.next)
    m.skipped = v.skipped
    m.at_end = v.at_end


def _dec_QuotactlArgs(m: Any) -> QuotactlArgs:
    out: QuotactlArgs = _new(QuotactlArgs, (m.op, m.idtype, m.id, m.objtype, m.hardlimit, m.softlimit, m.usage, m.expiretime, m.grace, m.name, m.numidtypes, m.numobjtypes, m.restrictions, m.isbytes, _dec_QuotaCursor(m.cursor) if m.HasField("cursor") else None, m.maxnum, [_dec_QuotaEntry(x) for x in m.entries], ))
    return out


def _enc_QuotactlArgs(v: Any, m: Any) -> None:
    m.op = v.op
    m.idtype = v.idtype
    m.id = v.id
    m.objtype = v.objtype
    m.hardlimit = v.hardlimit
    m.softlimit = v.softlimit
    m.usage = v.usage
    m.expiretime = v.expiretime
    m.grace = v.grace
    m.name = v.name
    m.numidtypes = v.numidtypes
    m.numobjtypes = v.numobjtypes
    m.restrictions = v.restrictions
    m.isbytes = v.isbytes
    if v.cursor is not None: m.cursor.SetInParent(); _enc_QuotaCursor(v.cursor, m.cursor)
    m.maxnum = v.maxnum
    for x in v.entries or (): _enc_QuotaEntry(x, m.entries.add())


def _dec_NpfPorts(m: Any) -> NpfPorts:
    out: NpfPorts = _new(NpfPorts, (m.first, m.last, ))
    return out


def _enc_NpfPorts(v: Any, m: Any) -> None:
    m.first = v.first
    m.last = v.last


def _dec_NpfAddress(m: Any) -> NpfAddress:
    out: NpfAddress = _new(NpfAddress, (m.addr, m.prefixlen, m.table, m.ifname, m.version, ))
    return out


def _enc_NpfAddress(v: Any, m: Any) -> None:
    m.addr = _buffer(v.addr)
    m.prefixlen = v.prefixlen
    m.table = v.table
    m.ifname = v.ifname
    m.version = v.version


def _dec_NpfEnd(m: Any) -> NpfEnd:
    out: NpfEnd = _new(NpfEnd, ([_dec_NpfAddress(x) for x in m.addresses], m.negate, [_dec_NpfPorts(x) for x in m.ports], ))
    return out


def _enc_NpfEnd(v: Any, m: Any) -> None:
    for x in v.addresses or (): _enc_NpfAddress(x, m.addresses.add())
    m.negate = v.negate
    for x in v.ports or (): _enc_NpfPorts(x, m.ports.add())


def _dec_NpfFilter(m: Any) -> NpfFilter:
    out: NpfFilter = _new(NpfFilter, (m.version, list(m.protocols), _dec_NpfEnd(m.source) if m.HasField("source") else None, _dec_NpfEnd(m.destination) if m.HasField("destination") else None, m.tcp_flags, m.tcp_mask, m.icmp_type if m.HasField("icmp_type") else None, m.icmp_code if m.HasField("icmp_code") else None, ))
    return out


def _enc_NpfFilter(v: Any, m: Any) -> None:
    m.version = v.version
    if v.protocols: m.protocols.extend(v.protocols)
    if v.source is not None: m.source.SetInParent(); _enc_NpfEnd(v.source, m.source)
    if v.destination is not None: m.destination.SetInParent(); _enc_NpfEnd(v.destination, m.destination)
    m.tcp_flags = v.tcp_flags
    m.tcp_mask = v.tcp_mask
    if v.icmp_type is not None: m.icmp_type = v.icmp_type
    if v.icmp_code is not None: m.icmp_code = v.icmp_code


def _dec_NpfRule(m: Any) -> NpfRule:
    out: NpfRule = _new(NpfRule, (m.id, m.permit, m.direction, m.final, m.ifname, m.stateful, m.answer, _dec_NpfFilter(m.filter) if m.HasField("filter") else None, m.procedure, m.packets, m.bytes, ))
    return out


def _enc_NpfRule(v: Any, m: Any) -> None:
    m.id = v.id
    m.permit = v.permit
    m.direction = v.direction
    m.final = v.final
    m.ifname = v.ifname
    m.stateful = v.stateful
    m.answer = v.answer
    if v.filter is not None: m.filter.SetInParent(); _enc_NpfFilter(v.filter, m.filter)
    m.procedure = v.procedure
    m.packets = v.packets
    m.bytes = v.bytes


def _dec_NpfGroup(m: Any) -> NpfGroup:
    out: NpfGroup = _new(NpfGroup, (m.name, m.ifname, m.direction, m.dynamic, [_dec_NpfRule(x) for x in m.rules], ))
    return out


def _enc_NpfGroup(v: Any, m: Any) -> None:
    m.name = v.name
    m.ifname = v.ifname
    m.direction = v.direction
    m.dynamic = v.dynamic
    for x in v.rules or (): _enc_NpfRule(x, m.rules.add())


def _dec_NpfMap(m: Any) -> NpfMap:
    out: NpfMap = _new(NpfMap, (m.id, m.ifname, m.direction, m.static, m.algorithm, _dec_NpfFilter(m.filter) if m.HasField("filter") else None, _dec_NpfAddress(m.translation) if m.HasField("translation") else None, _dec_NpfPorts(m.translation_ports) if m.HasField("translation_ports") else None, ))
    return out


def _enc_NpfMap(v: Any, m: Any) -> None:
    m.id = v.id
    m.ifname = v.ifname
    m.direction = v.direction
    m.static = v.static
    m.algorithm = v.algorithm
    if v.filter is not None: m.filter.SetInParent(); _enc_NpfFilter(v.filter, m.filter)
    if v.translation is not None: m.translation.SetInParent(); _enc_NpfAddress(v.translation, m.translation)
    if v.translation_ports is not None: m.translation_ports.SetInParent(); _enc_NpfPorts(v.translation_ports, m.translation_ports)


def _dec_NpfTable(m: Any) -> NpfTable:
    out: NpfTable = _new(NpfTable, (m.name, m.kind, [_dec_NpfAddress(x) for x in m.entries], ))
    return out


def _enc_NpfTable(v: Any, m: Any) -> None:
    m.name = v.name
    m.kind = v.kind
    for x in v.entries or (): _enc_NpfAddress(x, m.entries.add())


def _dec_NpfProcedure(m: Any) -> NpfProcedure:
    out: NpfProcedure = _new(NpfProcedure, (m.name, m.log_ifname, m.min_ttl, m.max_mss, m.no_df, m.random_id, ))
    return out


def _enc_NpfProcedure(v: Any, m: Any) -> None:
    m.name = v.name
    m.log_ifname = v.log_ifname
    m.min_ttl = v.min_ttl
    m.max_mss = v.max_mss
    m.no_df = v.no_df
    m.random_id = v.random_id


def _dec_NpfConfig(m: Any) -> NpfConfig:
    out: NpfConfig = _new(NpfConfig, ([_dec_NpfTable(x) for x in m.tables], [_dec_NpfProcedure(x) for x in m.procedures], [_dec_NpfMap(x) for x in m.maps], [_dec_NpfGroup(x) for x in m.groups], dict(m.params), ))
    return out


def _enc_NpfConfig(v: Any, m: Any) -> None:
    for x in v.tables or (): _enc_NpfTable(x, m.tables.add())
    for x in v.procedures or (): _enc_NpfProcedure(x, m.procedures.add())
    for x in v.maps or (): _enc_NpfMap(x, m.maps.add())
    for x in v.groups or (): _enc_NpfGroup(x, m.groups.add())
    if v.params: m.params.update(v.params)


def _dec_NpfConnection(m: Any) -> NpfConnection:
    out: NpfConnection = _new(NpfConnection, (m.protocol, _dec_Sockaddr(m.source) if m.HasField("source") else None, _dec_Sockaddr(m.destination) if m.HasField("destination") else None, _dec_Sockaddr(m.translated) if m.HasField("translated") else None, m.ifname, m.state, m.expires, m.packets, ))
    return out


def _enc_NpfConnection(v: Any, m: Any) -> None:
    m.protocol = v.protocol
    if v.source is not None: m.source.SetInParent(); _enc_Sockaddr(v.source, m.source)
    if v.destination is not None: m.destination.SetInParent(); _enc_Sockaddr(v.destination, m.destination)
    if v.translated is not None: m.translated.SetInParent(); _enc_Sockaddr(v.translated, m.translated)
    m.ifname = v.ifname
    m.state = v.state
    m.expires = v.expires
    m.packets = v.packets


def _dec_NpfCounter(m: Any) -> NpfCounter:
    out: NpfCounter = _new(NpfCounter, (m.name, m.value, ))
    return out


def _enc_NpfCounter(v: Any, m: Any) -> None:
    m.name = v.name
    m.value = v.value


def _dec_DhcpLease(m: Any) -> DhcpLease:
    out: DhcpLease = _new(DhcpLease, (m.ifname, m.state, m.addr, m.prefixlen, m.server, list(m.routers), list(m.dns), m.domain, m.expires, ))
    return out


def _enc_DhcpLease(v: Any, m: Any) -> None:
    m.ifname = v.ifname
    m.state = v.state
    m.addr = _buffer(v.addr)
    m.prefixlen = v.prefixlen
    m.server = _buffer(v.server)
    if v.routers: m.routers.extend([_buffer(x) for x in v.routers])
    if v.dns: m.dns.extend([_buffer(x) for x in v.dns])
    m.domain = _buffer(v.domain)
    m.expires = v.expires


def _dec_DhcpHost(m: Any) -> DhcpHost:
    out: DhcpHost = _new(DhcpHost, (m.lladdr, m.addr, ))
    return out


def _enc_DhcpHost(v: Any, m: Any) -> None:
    m.lladdr = _buffer(v.lladdr)
    m.addr = _buffer(v.addr)


def _dec_DhcpPool(m: Any) -> DhcpPool:
    out: DhcpPool = _new(DhcpPool, (m.first, m.last, m.lease, m.router, list(m.dns), m.domain, [_dec_DhcpHost(x) for x in m.hosts], ))
    return out


def _enc_DhcpPool(v: Any, m: Any) -> None:
    m.first = _buffer(v.first)
    m.last = _buffer(v.last)
    m.lease = v.lease
    m.router = _buffer(v.router)
    if v.dns: m.dns.extend([_buffer(x) for x in v.dns])
    m.domain = _buffer(v.domain)
    for x in v.hosts or (): _enc_DhcpHost(x, m.hosts.add())


def _dec_DhcpBinding(m: Any) -> DhcpBinding:
    out: DhcpBinding = _new(DhcpBinding, (m.addr, m.lladdr, m.hostname, m.expires, ))
    return out


def _enc_DhcpBinding(v: Any, m: Any) -> None:
    m.addr = _buffer(v.addr)
    m.lladdr = _buffer(v.lladdr)
    m.hostname = _buffer(v.hostname)
    m.expires = v.expires


def _dec_Driver(m: Any) -> Driver:
    out: Driver = _new(Driver, (m.name, m.bmajor, m.cmajor, list(m.units), ))
    return out


def _enc_Driver(v: Any, m: Any) -> None:
    m.name = v.name
    m.bmajor = v.bmajor
    m.cmajor = v.cmajor
    if v.units: m.units.extend(v.units)


def _dec_Credentials(m: Any) -> Credentials:
    out: Credentials = _new(Credentials, (m.uid, m.euid, m.svuid, m.gid, m.egid, m.svgid, list(m.groups), m.limited, m.actions, m.subject, ))
    return out


def _enc_Credentials(v: Any, m: Any) -> None:
    m.uid = v.uid
    m.euid = v.euid
    m.svuid = v.svuid
    m.gid = v.gid
    m.egid = v.egid
    m.svgid = v.svgid
    if v.groups: m.groups.extend(v.groups)
    m.limited = v.limited
    m.actions = _buffer(v.actions)
    m.subject = v.subject


def _dec_ProcessInfo(m: Any) -> ProcessInfo:
    out: ProcessInfo = _new(ProcessInfo, (m.pid, m.ppid, m.comm, _dec_Credentials(m.cred) if m.HasField("cred") else None, ))
    return out


def _enc_ProcessInfo(v: Any, m: Any) -> None:
    m.pid = v.pid
    m.ppid = v.ppid
    m.comm = v.comm
    if v.cred is not None: m.cred.SetInParent(); _enc_Credentials(v.cred, m.cred)


def _dec_KnoteSpec(m: Any) -> KnoteSpec:
    out: KnoteSpec = _new(KnoteSpec, (m.ident, m.object, m.queue, m.filter, m.flags, m.fflags, m.data, m.udata, ))
    return out


def _enc_KnoteSpec(v: Any, m: Any) -> None:
    m.ident = v.ident
    m.object = v.object
    m.queue = v.queue
    m.filter = v.filter
    m.flags = v.flags
    m.fflags = v.fflags
    m.data = v.data
    m.udata = v.udata


def _dec_SysctlExport(m: Any) -> SysctlExport:
    out: SysctlExport = _new(SysctlExport, (m.path, m.type, m.flags, m.description, list(m.number), ))
    return out


def _enc_SysctlExport(v: Any, m: Any) -> None:
    m.path = v.path
    m.type = v.type
    m.flags = v.flags
    m.description = v.description
    if v.number: m.number.extend(v.number)


def _dec_RightsHolder(m: Any) -> RightsHolder:
    out: RightsHolder = _new(RightsHolder, (m.socket, list(m.tokens), ))
    return out


def _enc_RightsHolder(v: Any, m: Any) -> None:
    m.socket = v.socket
    if v.tokens: m.tokens.extend(v.tokens)


def _enc_q_read(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.nbyte = a[1]

def _dec_q_read(m: Any) -> Any:
    return (m.fd, m.nbyte)

def _enc_r_read(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_read(m: Any) -> Any:
    return m.data


def _enc_q_write(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.data = _buffer(a[1])

def _dec_q_write(m: Any) -> Any:
    return (m.fd, m.data)

def _enc_r_write(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_write(m: Any) -> Any:
    return m.count


def _enc_q_close(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_close(m: Any) -> Any:
    return (m.fd,)

def _enc_r_close(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_close(m: Any) -> Any:
    return None


def _enc_q_kill(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.signo = a[1]

def _dec_q_kill(m: Any) -> Any:
    return (m.pid, m.signo)

def _enc_r_kill(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_kill(m: Any) -> Any:
    return None


def _enc_q_sigqueue(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.signo = a[1]
    m.value = a[2]

def _dec_q_sigqueue(m: Any) -> Any:
    return (m.pid, m.signo, m.value)

def _enc_r_sigqueue(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_sigqueue(m: Any) -> Any:
    return None


def _enc_q_sigpending(a: Any, m: Any) -> None:
    m.take = a[0]

def _dec_q_sigpending(m: Any) -> Any:
    return (m.take,)

def _enc_r_sigpending(v: Any, m: Any) -> None:
    m.set = v

def _dec_r_sigpending(m: Any) -> Any:
    return m.set


def _enc_q_getpid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getpid(m: Any) -> Any:
    return ()

def _enc_r_getpid(v: Any, m: Any) -> None:
    m.pid = v[0]
    m.ppid = v[1]

def _dec_r_getpid(m: Any) -> Any:
    return _new(GetpidResult, (m.pid, m.ppid, ))


def _enc_q_setuid(a: Any, m: Any) -> None:
    m.uid = a[0]

def _dec_q_setuid(m: Any) -> Any:
    return (m.uid,)

def _enc_r_setuid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setuid(m: Any) -> Any:
    return None


def _enc_q_getuid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getuid(m: Any) -> Any:
    return ()

def _enc_r_getuid(v: Any, m: Any) -> None:
    m.uid = v[0]
    m.euid = v[1]

def _dec_r_getuid(m: Any) -> Any:
    return _new(GetuidResult, (m.uid, m.euid, ))


def _enc_q_geteuid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_geteuid(m: Any) -> Any:
    return ()

def _enc_r_geteuid(v: Any, m: Any) -> None:
    m.uid = v

def _dec_r_geteuid(m: Any) -> Any:
    return m.uid


def _enc_q_getppid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getppid(m: Any) -> Any:
    return ()

def _enc_r_getppid(v: Any, m: Any) -> None:
    m.pid = v

def _dec_r_getppid(m: Any) -> Any:
    return m.pid


def _enc_q_file_list(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_file_list(m: Any) -> Any:
    return ()

def _enc_r_file_list(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_KinfoFile(x, m.files.add())

def _dec_r_file_list(m: Any) -> Any:
    return [_dec_KinfoFile(x) for x in m.files]


def _enc_q_dup(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_dup(m: Any) -> Any:
    return (m.fd,)

def _enc_r_dup(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_dup(m: Any) -> Any:
    return m.fd


def _enc_q_pipe(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_pipe(m: Any) -> Any:
    return ()

def _enc_r_pipe(v: Any, m: Any) -> None:
    m.rfd = v[0]
    m.wfd = v[1]

def _dec_r_pipe(m: Any) -> Any:
    return _new(PipeResult, (m.rfd, m.wfd, ))


def _enc_q_getegid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getegid(m: Any) -> Any:
    return ()

def _enc_r_getegid(v: Any, m: Any) -> None:
    m.gid = v

def _dec_r_getegid(m: Any) -> Any:
    return m.gid


def _enc_q_getgid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getgid(m: Any) -> Any:
    return ()

def _enc_r_getgid(v: Any, m: Any) -> None:
    m.gid = v[0]
    m.egid = v[1]

def _dec_r_getgid(m: Any) -> Any:
    return _new(GetgidResult, (m.gid, m.egid, ))


def _enc_q_getlogin(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getlogin(m: Any) -> Any:
    return ()

def _enc_r_getlogin(v: Any, m: Any) -> None:
    m.namebuf = _buffer(v)

def _dec_r_getlogin(m: Any) -> Any:
    return m.namebuf


def _enc_q_setlogin(a: Any, m: Any) -> None:
    m.namebuf = _buffer(a[0])

def _dec_q_setlogin(m: Any) -> Any:
    return (m.namebuf,)

def _enc_r_setlogin(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setlogin(m: Any) -> Any:
    return None


def _enc_q_ioctl(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.com = a[1]
    if a[2] is not None: m.data.SetInParent(); _enc_IoctlArgs(a[2], m.data)

def _dec_q_ioctl(m: Any) -> Any:
    return (m.fd, m.com, _dec_IoctlArgs(m.data) if m.HasField("data") else None)

def _enc_r_ioctl(v: Any, m: Any) -> None:
    m.value = v[0]
    if v[1] is not None: m.data.SetInParent(); _enc_IoctlArgs(v[1], m.data)

def _dec_r_ioctl(m: Any) -> Any:
    return _new(IoctlResult, (m.value, _dec_IoctlArgs(m.data) if m.HasField("data") else None, ))


def _enc_q_getgroups(a: Any, m: Any) -> None:
    m.gidsetsize = a[0]

def _dec_q_getgroups(m: Any) -> Any:
    return (m.gidsetsize,)

def _enc_r_getgroups(v: Any, m: Any) -> None:
    m.ngroups = v[0]
    if v[1]: m.gidset.extend(v[1])

def _dec_r_getgroups(m: Any) -> Any:
    return _new(GetgroupsResult, (m.ngroups, list(m.gidset), ))


def _enc_q_setgroups(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.gidset.extend(a[0])

def _dec_q_setgroups(m: Any) -> Any:
    return (list(m.gidset),)

def _enc_r_setgroups(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setgroups(m: Any) -> Any:
    return None


def _enc_q_getpgrp(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_getpgrp(m: Any) -> Any:
    return ()

def _enc_r_getpgrp(v: Any, m: Any) -> None:
    m.pgid = v

def _dec_r_getpgrp(m: Any) -> Any:
    return m.pgid


def _enc_q_setpgid(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.pgid = a[1]

def _dec_q_setpgid(m: Any) -> Any:
    return (m.pid, m.pgid)

def _enc_r_setpgid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setpgid(m: Any) -> Any:
    return None


def _enc_q_dup2(a: Any, m: Any) -> None:
    m.from_fd = a[0]
    m.to_fd = a[1]

def _dec_q_dup2(m: Any) -> Any:
    return (m.from_fd, m.to_fd)

def _enc_r_dup2(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_dup2(m: Any) -> Any:
    return m.fd


def _enc_q_fcntl(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.cmd = a[1]
    if a[2] is not None: m.arg = a[2]
    if a[3] is not None: m.lock.SetInParent(); _enc_Flock(a[3], m.lock)

def _dec_q_fcntl(m: Any) -> Any:
    return (m.fd, m.cmd, m.arg if m.HasField("arg") else None, _dec_Flock(m.lock) if m.HasField("lock") else None)

def _enc_r_fcntl(v: Any, m: Any) -> None:
    m.value = v[0]
    if v[1] is not None: m.lock.SetInParent(); _enc_Flock(v[1], m.lock)

def _dec_r_fcntl(m: Any) -> Any:
    return _new(FcntlResult, (m.value, _dec_Flock(m.lock) if m.HasField("lock") else None, ))


def _enc_q_readv(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1]: m.iov.extend(a[1])

def _dec_q_readv(m: Any) -> Any:
    return (m.fd, list(m.iov))

def _enc_r_readv(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_readv(m: Any) -> Any:
    return m.data


def _enc_q_writev(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1]: m.iov.extend([_buffer(x) for x in a[1]])

def _dec_q_writev(m: Any) -> Any:
    return (m.fd, list(m.iov))

def _enc_r_writev(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_writev(m: Any) -> Any:
    return m.count


def _enc_q_setreuid(a: Any, m: Any) -> None:
    m.ruid = a[0]
    m.euid = a[1]

def _dec_q_setreuid(m: Any) -> Any:
    return (m.ruid, m.euid)

def _enc_r_setreuid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setreuid(m: Any) -> Any:
    return None


def _enc_q_setregid(a: Any, m: Any) -> None:
    m.rgid = a[0]
    m.egid = a[1]

def _dec_q_setregid(m: Any) -> Any:
    return (m.rgid, m.egid)

def _enc_r_setregid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setregid(m: Any) -> Any:
    return None


def _enc_q_flock(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.how = a[1]

def _dec_q_flock(m: Any) -> Any:
    return (m.fd, m.how)

def _enc_r_flock(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_flock(m: Any) -> Any:
    return None


def _enc_q_setsid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_setsid(m: Any) -> Any:
    return ()

def _enc_r_setsid(v: Any, m: Any) -> None:
    m.sid = v

def _dec_r_setsid(m: Any) -> Any:
    return m.sid


def _enc_q_setgid(a: Any, m: Any) -> None:
    m.gid = a[0]

def _dec_q_setgid(m: Any) -> Any:
    return (m.gid,)

def _enc_r_setgid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setgid(m: Any) -> Any:
    return None


def _enc_q_setegid(a: Any, m: Any) -> None:
    m.egid = a[0]

def _dec_q_setegid(m: Any) -> Any:
    return (m.egid,)

def _enc_r_setegid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setegid(m: Any) -> Any:
    return None


def _enc_q_seteuid(a: Any, m: Any) -> None:
    m.euid = a[0]

def _dec_q_seteuid(m: Any) -> Any:
    return (m.euid,)

def _enc_r_seteuid(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_seteuid(m: Any) -> Any:
    return None


def _enc_q_fpathconf(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.name = a[1]

def _dec_q_fpathconf(m: Any) -> Any:
    return (m.fd, m.name)

def _enc_r_fpathconf(v: Any, m: Any) -> None:
    m.value = v

def _dec_r_fpathconf(m: Any) -> Any:
    return m.value


def _enc_q_getrlimit(a: Any, m: Any) -> None:
    m.which = a[0]

def _dec_q_getrlimit(m: Any) -> Any:
    return (m.which,)

def _enc_r_getrlimit(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.rlp.SetInParent(); _enc_Rlimit(v, m.rlp)

def _dec_r_getrlimit(m: Any) -> Any:
    return _dec_Rlimit(m.rlp) if m.HasField("rlp") else None


def _enc_q_setrlimit(a: Any, m: Any) -> None:
    m.which = a[0]
    if a[1] is not None: m.rlp.SetInParent(); _enc_Rlimit(a[1], m.rlp)

def _dec_q_setrlimit(m: Any) -> Any:
    return (m.which, _dec_Rlimit(m.rlp) if m.HasField("rlp") else None)

def _enc_r_setrlimit(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setrlimit(m: Any) -> Any:
    return None


def _enc_q_sysctl(a: Any, m: Any) -> None:
    if a[0]: m.name.extend(a[0])
    m.path = a[1]
    if a[2] is not None: m.newv.SetInParent(); _enc_SysctlValue(a[2], m.newv)
    if a[3] is not None: m.node.SetInParent(); _enc_SysctlNode(a[3], m.node)

def _dec_q_sysctl(m: Any) -> Any:
    return (list(m.name), m.path, _dec_SysctlValue(m.newv) if m.HasField("newv") else None, _dec_SysctlNode(m.node) if m.HasField("node") else None)

def _enc_r_sysctl(v: Any, m: Any) -> None:
    m.SetInParent()
    if v[0] is not None: m.oldv.SetInParent(); _enc_SysctlValue(v[0], m.oldv)
    for x in v[1] or (): _enc_SysctlNode(x, m.nodes.add())

def _dec_r_sysctl(m: Any) -> Any:
    return _new(SysctlResult, (_dec_SysctlValue(m.oldv) if m.HasField("oldv") else None, [_dec_SysctlNode(x) for x in m.nodes], ))


def _enc_q_getpgid(a: Any, m: Any) -> None:
    m.pid = a[0]

def _dec_q_getpgid(m: Any) -> Any:
    return (m.pid,)

def _enc_r_getpgid(v: Any, m: Any) -> None:
    m.pgid = v

def _dec_r_getpgid(m: Any) -> Any:
    return m.pgid


def _enc_q_reboot(a: Any, m: Any) -> None:
    m.opt = a[0]
    m.bootstr = a[1]

def _dec_q_reboot(m: Any) -> Any:
    return (m.opt, m.bootstr)

def _enc_r_reboot(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_reboot(m: Any) -> Any:
    return None


def _enc_q_poll(a: Any, m: Any) -> None:
    for x in a[0] or (): _enc_Pollfd(x, m.fds.add())
    m.timeout = a[1]

def _dec_q_poll(m: Any) -> Any:
    return ([_dec_Pollfd(x) for x in m.fds], m.timeout)

def _enc_r_poll(v: Any, m: Any) -> None:
    m.nready = v[0]
    for x in v[1] or (): _enc_Pollfd(x, m.fds.add())

def _dec_r_poll(m: Any) -> Any:
    return _new(PollResult, (m.nready, [_dec_Pollfd(x) for x in m.fds], ))


def _enc_q_timer_create(a: Any, m: Any) -> None:
    m.clock_id = a[0]
    if a[1] is not None: m.evp.SetInParent(); _enc_Sigevent(a[1], m.evp)

def _dec_q_timer_create(m: Any) -> Any:
    return (m.clock_id, _dec_Sigevent(m.evp) if m.HasField("evp") else None)

def _enc_r_timer_create(v: Any, m: Any) -> None:
    m.timerid = v

def _dec_r_timer_create(m: Any) -> Any:
    return m.timerid


def _enc_q_timer_delete(a: Any, m: Any) -> None:
    m.timerid = a[0]

def _dec_q_timer_delete(m: Any) -> Any:
    return (m.timerid,)

def _enc_r_timer_delete(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_timer_delete(m: Any) -> Any:
    return None


def _enc_q_timer_getoverrun(a: Any, m: Any) -> None:
    m.timerid = a[0]

def _dec_q_timer_getoverrun(m: Any) -> Any:
    return (m.timerid,)

def _enc_r_timer_getoverrun(v: Any, m: Any) -> None:
    m.overrun = v

def _dec_r_timer_getoverrun(m: Any) -> Any:
    return m.overrun


def _enc_q_modctl(a: Any, m: Any) -> None:
    m.cmd = a[0]
    if a[1] is not None: m.load.SetInParent(); _enc_ModctlLoad(a[1], m.load)
    if a[2] is not None: m.name = a[2]
    if a[3] is not None: m.autoload = a[3]

def _dec_q_modctl(m: Any) -> Any:
    return (m.cmd, _dec_ModctlLoad(m.load) if m.HasField("load") else None, m.name if m.HasField("name") else None, m.autoload if m.HasField("autoload") else None)

def _enc_r_modctl(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_ModuleStat(x, m.modules.add())

def _dec_r_modctl(m: Any) -> Any:
    return [_dec_ModuleStat(x) for x in m.modules]


def _enc_q_getsid(a: Any, m: Any) -> None:
    m.pid = a[0]

def _dec_q_getsid(m: Any) -> Any:
    return (m.pid,)

def _enc_r_getsid(v: Any, m: Any) -> None:
    m.sid = v

def _dec_r_getsid(m: Any) -> Any:
    return m.sid


def _enc_q_fktrace(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.ops = a[1]
    m.facs = a[2]
    m.pid = a[3]

def _dec_q_fktrace(m: Any) -> Any:
    return (m.fd, m.ops, m.facs, m.pid)

def _enc_r_fktrace(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fktrace(m: Any) -> Any:
    return None


def _enc_q_issetugid(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_issetugid(m: Any) -> Any:
    return ()

def _enc_r_issetugid(v: Any, m: Any) -> None:
    m.value = v

def _dec_r_issetugid(m: Any) -> Any:
    return m.value


def _enc_q_utrace(a: Any, m: Any) -> None:
    m.label = a[0]
    m.data = _buffer(a[1])

def _dec_q_utrace(m: Any) -> Any:
    return (m.label, m.data)

def _enc_r_utrace(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_utrace(m: Any) -> Any:
    return None


def _enc_q_kqueue(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_kqueue(m: Any) -> Any:
    return ()

def _enc_r_kqueue(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_kqueue(m: Any) -> Any:
    return m.fd


def _enc_q_posix_fadvise(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.offset = a[1]
    m.len = a[2]
    m.advice = a[3]

def _dec_q_posix_fadvise(m: Any) -> Any:
    return (m.fd, m.offset, m.len, m.advice)

def _enc_r_posix_fadvise(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_fadvise(m: Any) -> Any:
    return None


def _enc_q_select(a: Any, m: Any) -> None:
    m.nd = a[0]
    if a[1]: m.in_fds.extend(a[1])
    if a[2]: m.out_fds.extend(a[2])
    if a[3]: m.ex_fds.extend(a[3])
    if a[4] is not None: m.timeout.SetInParent(); _enc_Timespec(a[4], m.timeout)

def _dec_q_select(m: Any) -> Any:
    return (m.nd, list(m.in_fds), list(m.out_fds), list(m.ex_fds), _dec_Timespec(m.timeout) if m.HasField("timeout") else None)

def _enc_r_select(v: Any, m: Any) -> None:
    m.nready = v[0]
    if v[1]: m.in_fds.extend(v[1])
    if v[2]: m.out_fds.extend(v[2])
    if v[3]: m.ex_fds.extend(v[3])

def _dec_r_select(m: Any) -> Any:
    return _new(SelectResult, (m.nready, list(m.in_fds), list(m.out_fds), list(m.ex_fds), ))


def _enc_q_gettimeofday(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_gettimeofday(m: Any) -> Any:
    return ()

def _enc_r_gettimeofday(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.tp.SetInParent(); _enc_Timespec(v, m.tp)

def _dec_r_gettimeofday(m: Any) -> Any:
    return _dec_Timespec(m.tp) if m.HasField("tp") else None


def _enc_q_settimeofday(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.tp.SetInParent(); _enc_Timespec(a[0], m.tp)

def _dec_q_settimeofday(m: Any) -> Any:
    return (_dec_Timespec(m.tp) if m.HasField("tp") else None,)

def _enc_r_settimeofday(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_settimeofday(m: Any) -> Any:
    return None


def _enc_q_adjtime(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.delta.SetInParent(); _enc_Timespec(a[0], m.delta)

def _dec_q_adjtime(m: Any) -> Any:
    return (_dec_Timespec(m.delta) if m.HasField("delta") else None,)

def _enc_r_adjtime(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.olddelta.SetInParent(); _enc_Timespec(v, m.olddelta)

def _dec_r_adjtime(m: Any) -> Any:
    return _dec_Timespec(m.olddelta) if m.HasField("olddelta") else None


def _enc_q_setitimer(a: Any, m: Any) -> None:
    m.which = a[0]
    if a[1] is not None: m.itv.SetInParent(); _enc_Itimerspec(a[1], m.itv)

def _dec_q_setitimer(m: Any) -> Any:
    return (m.which, _dec_Itimerspec(m.itv) if m.HasField("itv") else None)

def _enc_r_setitimer(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.oitv.SetInParent(); _enc_Itimerspec(v, m.oitv)

def _dec_r_setitimer(m: Any) -> Any:
    return _dec_Itimerspec(m.oitv) if m.HasField("oitv") else None


def _enc_q_getitimer(a: Any, m: Any) -> None:
    m.which = a[0]

def _dec_q_getitimer(m: Any) -> Any:
    return (m.which,)

def _enc_r_getitimer(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.itv.SetInParent(); _enc_Itimerspec(v, m.itv)

def _dec_r_getitimer(m: Any) -> Any:
    return _dec_Itimerspec(m.itv) if m.HasField("itv") else None


def _enc_q_clock_gettime(a: Any, m: Any) -> None:
    m.clock_id = a[0]

def _dec_q_clock_gettime(m: Any) -> Any:
    return (m.clock_id,)

def _enc_r_clock_gettime(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.tp.SetInParent(); _enc_Timespec(v, m.tp)

def _dec_r_clock_gettime(m: Any) -> Any:
    return _dec_Timespec(m.tp) if m.HasField("tp") else None


def _enc_q_clock_settime(a: Any, m: Any) -> None:
    m.clock_id = a[0]
    if a[1] is not None: m.tp.SetInParent(); _enc_Timespec(a[1], m.tp)

def _dec_q_clock_settime(m: Any) -> Any:
    return (m.clock_id, _dec_Timespec(m.tp) if m.HasField("tp") else None)

def _enc_r_clock_settime(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_clock_settime(m: Any) -> Any:
    return None


def _enc_q_clock_getres(a: Any, m: Any) -> None:
    m.clock_id = a[0]

def _dec_q_clock_getres(m: Any) -> Any:
    return (m.clock_id,)

def _enc_r_clock_getres(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.res.SetInParent(); _enc_Timespec(v, m.res)

def _dec_r_clock_getres(m: Any) -> Any:
    return _dec_Timespec(m.res) if m.HasField("res") else None


def _enc_q_nanosleep(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.rqtp.SetInParent(); _enc_Timespec(a[0], m.rqtp)

def _dec_q_nanosleep(m: Any) -> Any:
    return (_dec_Timespec(m.rqtp) if m.HasField("rqtp") else None,)

def _enc_r_nanosleep(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.rmtp.SetInParent(); _enc_Timespec(v, m.rmtp)

def _dec_r_nanosleep(m: Any) -> Any:
    return _dec_Timespec(m.rmtp) if m.HasField("rmtp") else None


def _enc_q_kevent(a: Any, m: Any) -> None:
    m.fd = a[0]
    for x in a[1] or (): _enc_Kevent(x, m.changelist.add())
    m.nevents = a[2]
    if a[3] is not None: m.timeout.SetInParent(); _enc_Timespec(a[3], m.timeout)

def _dec_q_kevent(m: Any) -> Any:
    return (m.fd, [_dec_Kevent(x) for x in m.changelist], m.nevents, _dec_Timespec(m.timeout) if m.HasField("timeout") else None)

def _enc_r_kevent(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Kevent(x, m.eventlist.add())

def _dec_r_kevent(m: Any) -> Any:
    return [_dec_Kevent(x) for x in m.eventlist]


def _enc_q_pselect(a: Any, m: Any) -> None:
    m.nd = a[0]
    if a[1]: m.in_fds.extend(a[1])
    if a[2]: m.out_fds.extend(a[2])
    if a[3]: m.ex_fds.extend(a[3])
    if a[4] is not None: m.ts.SetInParent(); _enc_Timespec(a[4], m.ts)
    if a[5] is not None: m.mask = a[5]

def _dec_q_pselect(m: Any) -> Any:
    return (m.nd, list(m.in_fds), list(m.out_fds), list(m.ex_fds), _dec_Timespec(m.ts) if m.HasField("ts") else None, m.mask if m.HasField("mask") else None)

def _enc_r_pselect(v: Any, m: Any) -> None:
    m.nready = v[0]
    if v[1]: m.in_fds.extend(v[1])
    if v[2]: m.out_fds.extend(v[2])
    if v[3]: m.ex_fds.extend(v[3])

def _dec_r_pselect(m: Any) -> Any:
    return _new(PselectResult, (m.nready, list(m.in_fds), list(m.out_fds), list(m.ex_fds), ))


def _enc_q_pollts(a: Any, m: Any) -> None:
    m.SetInParent()
    for x in a[0] or (): _enc_Pollfd(x, m.fds.add())
    if a[1] is not None: m.ts.SetInParent(); _enc_Timespec(a[1], m.ts)
    if a[2] is not None: m.mask = a[2]

def _dec_q_pollts(m: Any) -> Any:
    return ([_dec_Pollfd(x) for x in m.fds], _dec_Timespec(m.ts) if m.HasField("ts") else None, m.mask if m.HasField("mask") else None)

def _enc_r_pollts(v: Any, m: Any) -> None:
    m.nready = v[0]
    for x in v[1] or (): _enc_Pollfd(x, m.fds.add())

def _dec_r_pollts(m: Any) -> Any:
    return _new(PolltsResult, (m.nready, [_dec_Pollfd(x) for x in m.fds], ))


def _enc_q_fstat(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_fstat(m: Any) -> Any:
    return (m.fd,)

def _enc_r_fstat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.sb.SetInParent(); _enc_Stat(v, m.sb)

def _dec_r_fstat(m: Any) -> Any:
    return _dec_Stat(m.sb) if m.HasField("sb") else None


def _enc_q_timer_settime(a: Any, m: Any) -> None:
    m.timerid = a[0]
    m.flags = a[1]
    if a[2] is not None: m.value.SetInParent(); _enc_Itimerspec(a[2], m.value)

def _dec_q_timer_settime(m: Any) -> Any:
    return (m.timerid, m.flags, _dec_Itimerspec(m.value) if m.HasField("value") else None)

def _enc_r_timer_settime(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.ovalue.SetInParent(); _enc_Itimerspec(v, m.ovalue)

def _dec_r_timer_settime(m: Any) -> Any:
    return _dec_Itimerspec(m.ovalue) if m.HasField("ovalue") else None


def _enc_q_timer_gettime(a: Any, m: Any) -> None:
    m.timerid = a[0]

def _dec_q_timer_gettime(m: Any) -> Any:
    return (m.timerid,)

def _enc_r_timer_gettime(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.value.SetInParent(); _enc_Itimerspec(v, m.value)

def _dec_r_timer_gettime(m: Any) -> Any:
    return _dec_Itimerspec(m.value) if m.HasField("value") else None


def _enc_q_pipe2(a: Any, m: Any) -> None:
    m.flags = a[0]

def _dec_q_pipe2(m: Any) -> Any:
    return (m.flags,)

def _enc_r_pipe2(v: Any, m: Any) -> None:
    m.rfd = v[0]
    m.wfd = v[1]

def _dec_r_pipe2(m: Any) -> Any:
    return _new(Pipe2Result, (m.rfd, m.wfd, ))


def _enc_q_dup3(a: Any, m: Any) -> None:
    m.from_fd = a[0]
    m.to_fd = a[1]
    m.flags = a[2]

def _dec_q_dup3(m: Any) -> Any:
    return (m.from_fd, m.to_fd, m.flags)

def _enc_r_dup3(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_dup3(m: Any) -> Any:
    return m.fd


def _enc_q_kqueue1(a: Any, m: Any) -> None:
    m.flags = a[0]

def _dec_q_kqueue1(m: Any) -> Any:
    return (m.flags,)

def _enc_r_kqueue1(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_kqueue1(m: Any) -> Any:
    return m.fd


def _enc_q_clock_nanosleep(a: Any, m: Any) -> None:
    m.clock_id = a[0]
    m.flags = a[1]
    if a[2] is not None: m.rqtp.SetInParent(); _enc_Timespec(a[2], m.rqtp)

def _dec_q_clock_nanosleep(m: Any) -> Any:
    return (m.clock_id, m.flags, _dec_Timespec(m.rqtp) if m.HasField("rqtp") else None)

def _enc_r_clock_nanosleep(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.rmtp.SetInParent(); _enc_Timespec(v, m.rmtp)

def _dec_r_clock_nanosleep(m: Any) -> Any:
    return _dec_Timespec(m.rmtp) if m.HasField("rmtp") else None


def _enc_q_module_init(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.names.extend(a[0])

def _dec_q_module_init(m: Any) -> Any:
    return (list(m.names),)

def _enc_r_module_init(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_module_init(m: Any) -> Any:
    return None


def _enc_q_module_fini(a: Any, m: Any) -> None:
    m.name = a[0]

def _dec_q_module_fini(m: Any) -> Any:
    return (m.name,)

def _enc_r_module_fini(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_module_fini(m: Any) -> Any:
    return None


def _enc_q_component_restart(a: Any, m: Any) -> None:
    m.name = a[0]
    m.crash = a[1]
    m.fresh = a[2]

def _dec_q_component_restart(m: Any) -> Any:
    return (m.name, m.crash, m.fresh)

def _enc_r_component_restart(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_component_restart(m: Any) -> Any:
    return None


def _enc_q_ksem_init(a: Any, m: Any) -> None:
    m.value = a[0]

def _dec_q_ksem_init(m: Any) -> Any:
    return (m.value,)

def _enc_r_ksem_init(v: Any, m: Any) -> None:
    m.id = v

def _dec_r_ksem_init(m: Any) -> Any:
    return m.id


def _enc_q_ksem_open(a: Any, m: Any) -> None:
    m.name = _buffer(a[0])
    m.oflag = a[1]
    m.mode = a[2]
    m.value = a[3]

def _dec_q_ksem_open(m: Any) -> Any:
    return (m.name, m.oflag, m.mode, m.value)

def _enc_r_ksem_open(v: Any, m: Any) -> None:
    m.id = v

def _dec_r_ksem_open(m: Any) -> Any:
    return m.id


def _enc_q_ksem_unlink(a: Any, m: Any) -> None:
    m.name = _buffer(a[0])

def _dec_q_ksem_unlink(m: Any) -> Any:
    return (m.name,)

def _enc_r_ksem_unlink(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_unlink(m: Any) -> Any:
    return None


def _enc_q_ksem_close(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_close(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_close(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_close(m: Any) -> Any:
    return None


def _enc_q_ksem_post(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_post(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_post(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_post(m: Any) -> Any:
    return None


def _enc_q_ksem_wait(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_wait(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_wait(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_wait(m: Any) -> Any:
    return None


def _enc_q_ksem_trywait(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_trywait(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_trywait(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_trywait(m: Any) -> Any:
    return None


def _enc_q_ksem_getvalue(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_getvalue(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_getvalue(v: Any, m: Any) -> None:
    m.value = v

def _dec_r_ksem_getvalue(m: Any) -> Any:
    return m.value


def _enc_q_ksem_destroy(a: Any, m: Any) -> None:
    m.id = a[0]

def _dec_q_ksem_destroy(m: Any) -> Any:
    return (m.id,)

def _enc_r_ksem_destroy(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_destroy(m: Any) -> Any:
    return None


def _enc_q_ksem_timedwait(a: Any, m: Any) -> None:
    m.id = a[0]
    if a[1] is not None: m.abstime.SetInParent(); _enc_Timespec(a[1], m.abstime)

def _dec_q_ksem_timedwait(m: Any) -> Any:
    return (m.id, _dec_Timespec(m.abstime) if m.HasField("abstime") else None)

def _enc_r_ksem_timedwait(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ksem_timedwait(m: Any) -> Any:
    return None


def _enc_q_aio_cancel(a: Any, m: Any) -> None:
    m.fildes = a[0]
    m.aiocbp = a[1]

def _dec_q_aio_cancel(m: Any) -> Any:
    return (m.fildes, m.aiocbp)

def _enc_r_aio_cancel(v: Any, m: Any) -> None:
    m.result = v

def _dec_r_aio_cancel(m: Any) -> Any:
    return m.result


def _enc_q_aio_error(a: Any, m: Any) -> None:
    m.aiocbp = a[0]

def _dec_q_aio_error(m: Any) -> Any:
    return (m.aiocbp,)

def _enc_r_aio_error(v: Any, m: Any) -> None:
    m.error = v

def _dec_r_aio_error(m: Any) -> Any:
    return m.error


def _enc_q_aio_fsync(a: Any, m: Any) -> None:
    m.op = a[0]
    if a[1] is not None: m.aiocbp.SetInParent(); _enc_Aiocb(a[1], m.aiocbp)

def _dec_q_aio_fsync(m: Any) -> Any:
    return (m.op, _dec_Aiocb(m.aiocbp) if m.HasField("aiocbp") else None)

def _enc_r_aio_fsync(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_aio_fsync(m: Any) -> Any:
    return None


def _enc_q_aio_read(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.aiocbp.SetInParent(); _enc_Aiocb(a[0], m.aiocbp)

def _dec_q_aio_read(m: Any) -> Any:
    return (_dec_Aiocb(m.aiocbp) if m.HasField("aiocbp") else None,)

def _enc_r_aio_read(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_aio_read(m: Any) -> Any:
    return None


def _enc_q_aio_return(a: Any, m: Any) -> None:
    m.aiocbp = a[0]

def _dec_q_aio_return(m: Any) -> Any:
    return (m.aiocbp,)

def _enc_r_aio_return(v: Any, m: Any) -> None:
    m.retval = v[0]
    m.buf = _buffer(v[1])

def _dec_r_aio_return(m: Any) -> Any:
    return _new(AioReturnResult, (m.retval, m.buf, ))


def _enc_q_aio_write(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.aiocbp.SetInParent(); _enc_Aiocb(a[0], m.aiocbp)

def _dec_q_aio_write(m: Any) -> Any:
    return (_dec_Aiocb(m.aiocbp) if m.HasField("aiocbp") else None,)

def _enc_r_aio_write(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_aio_write(m: Any) -> Any:
    return None


def _enc_q_lio_listio(a: Any, m: Any) -> None:
    m.mode = a[0]
    for x in a[1] or (): _enc_Aiocb(x, m.aiocbs.add())
    if a[2] is not None: m.sig.SetInParent(); _enc_Sigevent(a[2], m.sig)

def _dec_q_lio_listio(m: Any) -> Any:
    return (m.mode, [_dec_Aiocb(x) for x in m.aiocbs], _dec_Sigevent(m.sig) if m.HasField("sig") else None)

def _enc_r_lio_listio(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lio_listio(m: Any) -> Any:
    return None


def _enc_q_aio_suspend(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.aiocbs.extend(a[0])
    if a[1] is not None: m.timeout.SetInParent(); _enc_Timespec(a[1], m.timeout)

def _dec_q_aio_suspend(m: Any) -> Any:
    return (list(m.aiocbs), _dec_Timespec(m.timeout) if m.HasField("timeout") else None)

def _enc_r_aio_suspend(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_aio_suspend(m: Any) -> Any:
    return None


def _enc_q_open(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]
    if a[2] is not None: m.mode = a[2]

def _dec_q_open(m: Any) -> Any:
    return (m.path, m.flags, m.mode if m.HasField("mode") else None)

def _enc_r_open(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_open(m: Any) -> Any:
    return m.fd


def _enc_q_link(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.link = _buffer(a[1])

def _dec_q_link(m: Any) -> Any:
    return (m.path, m.link)

def _enc_r_link(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_link(m: Any) -> Any:
    return None


def _enc_q_unlink(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_unlink(m: Any) -> Any:
    return (m.path,)

def _enc_r_unlink(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_unlink(m: Any) -> Any:
    return None


def _enc_q_chdir(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_chdir(m: Any) -> Any:
    return (m.path,)

def _enc_r_chdir(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_chdir(m: Any) -> Any:
    return None


def _enc_q_fchdir(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_fchdir(m: Any) -> Any:
    return (m.fd,)

def _enc_r_fchdir(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchdir(m: Any) -> Any:
    return None


def _enc_q_chmod(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]

def _dec_q_chmod(m: Any) -> Any:
    return (m.path, m.mode)

def _enc_r_chmod(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_chmod(m: Any) -> Any:
    return None


def _enc_q_chown(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_chown(m: Any) -> Any:
    return (m.path, m.uid, m.gid)

def _enc_r_chown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_chown(m: Any) -> Any:
    return None


def _enc_q_unmount(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]

def _dec_q_unmount(m: Any) -> Any:
    return (m.path, m.flags)

def _enc_r_unmount(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_unmount(m: Any) -> Any:
    return None


def _enc_q_access(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]

def _dec_q_access(m: Any) -> Any:
    return (m.path, m.flags)

def _enc_r_access(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_access(m: Any) -> Any:
    return None


def _enc_q_chflags(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]

def _dec_q_chflags(m: Any) -> Any:
    return (m.path, m.flags)

def _enc_r_chflags(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_chflags(m: Any) -> Any:
    return None


def _enc_q_fchflags(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.flags = a[1]

def _dec_q_fchflags(m: Any) -> Any:
    return (m.fd, m.flags)

def _enc_r_fchflags(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchflags(m: Any) -> Any:
    return None


def _enc_q_sync(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_sync(m: Any) -> Any:
    return ()

def _enc_r_sync(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_sync(m: Any) -> Any:
    return None


def _enc_q_ktrace(a: Any, m: Any) -> None:
    m.fname = _buffer(a[0])
    m.ops = a[1]
    m.facs = a[2]
    m.pid = a[3]

def _dec_q_ktrace(m: Any) -> Any:
    return (m.fname, m.ops, m.facs, m.pid)

def _enc_r_ktrace(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ktrace(m: Any) -> Any:
    return None


def _enc_q_revoke(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_revoke(m: Any) -> Any:
    return (m.path,)

def _enc_r_revoke(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_revoke(m: Any) -> Any:
    return None


def _enc_q_symlink(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.link = _buffer(a[1])

def _dec_q_symlink(m: Any) -> Any:
    return (m.path, m.link)

def _enc_r_symlink(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_symlink(m: Any) -> Any:
    return None


def _enc_q_readlink(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.count = a[1]

def _dec_q_readlink(m: Any) -> Any:
    return (m.path, m.count)

def _enc_r_readlink(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_readlink(m: Any) -> Any:
    return m.data


def _enc_q_umask(a: Any, m: Any) -> None:
    m.newmask = a[0]

def _dec_q_umask(m: Any) -> Any:
    return (m.newmask,)

def _enc_r_umask(v: Any, m: Any) -> None:
    m.oldmask = v

def _dec_r_umask(m: Any) -> Any:
    return m.oldmask


def _enc_q_chroot(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_chroot(m: Any) -> Any:
    return (m.path,)

def _enc_r_chroot(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_chroot(m: Any) -> Any:
    return None


def _enc_q_fsync(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_fsync(m: Any) -> Any:
    return (m.fd,)

def _enc_r_fsync(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fsync(m: Any) -> Any:
    return None


def _enc_q_fchown(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_fchown(m: Any) -> Any:
    return (m.fd, m.uid, m.gid)

def _enc_r_fchown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchown(m: Any) -> Any:
    return None


def _enc_q_fchmod(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.mode = a[1]

def _dec_q_fchmod(m: Any) -> Any:
    return (m.fd, m.mode)

def _enc_r_fchmod(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchmod(m: Any) -> Any:
    return None


def _enc_q_rename(a: Any, m: Any) -> None:
    m.from_path = _buffer(a[0])
    m.to_path = _buffer(a[1])

def _dec_q_rename(m: Any) -> Any:
    return (m.from_path, m.to_path)

def _enc_r_rename(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_rename(m: Any) -> Any:
    return None


def _enc_q_mkfifo(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]

def _dec_q_mkfifo(m: Any) -> Any:
    return (m.path, m.mode)

def _enc_r_mkfifo(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mkfifo(m: Any) -> Any:
    return None


def _enc_q_mkdir(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]

def _dec_q_mkdir(m: Any) -> Any:
    return (m.path, m.mode)

def _enc_r_mkdir(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mkdir(m: Any) -> Any:
    return None


def _enc_q_rmdir(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_rmdir(m: Any) -> Any:
    return (m.path,)

def _enc_r_rmdir(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_rmdir(m: Any) -> Any:
    return None


def _enc_q_pread(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.nbyte = a[1]
    m.offset = a[2]

def _dec_q_pread(m: Any) -> Any:
    return (m.fd, m.nbyte, m.offset)

def _enc_r_pread(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_pread(m: Any) -> Any:
    return m.data


def _enc_q_pwrite(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.data = _buffer(a[1])
    m.offset = a[2]

def _dec_q_pwrite(m: Any) -> Any:
    return (m.fd, m.data, m.offset)

def _enc_r_pwrite(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_pwrite(m: Any) -> Any:
    return m.count


def _enc_q_pathconf(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = a[1]

def _dec_q_pathconf(m: Any) -> Any:
    return (m.path, m.name)

def _enc_r_pathconf(v: Any, m: Any) -> None:
    m.value = v

def _dec_r_pathconf(m: Any) -> Any:
    return m.value


def _enc_q_lseek(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.offset = a[1]
    m.whence = a[2]

def _dec_q_lseek(m: Any) -> Any:
    return (m.fd, m.offset, m.whence)

def _enc_r_lseek(v: Any, m: Any) -> None:
    m.offset = v

def _dec_r_lseek(m: Any) -> Any:
    return m.offset


def _enc_q_truncate(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.length = a[1]

def _dec_q_truncate(m: Any) -> Any:
    return (m.path, m.length)

def _enc_r_truncate(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_truncate(m: Any) -> Any:
    return None


def _enc_q_ftruncate(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.length = a[1]

def _dec_q_ftruncate(m: Any) -> Any:
    return (m.fd, m.length)

def _enc_r_ftruncate(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ftruncate(m: Any) -> Any:
    return None


def _enc_q_fdatasync(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_fdatasync(m: Any) -> Any:
    return (m.fd,)

def _enc_r_fdatasync(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fdatasync(m: Any) -> Any:
    return None


def _enc_q_posix_rename(a: Any, m: Any) -> None:
    m.from_path = _buffer(a[0])
    m.to_path = _buffer(a[1])

def _dec_q_posix_rename(m: Any) -> Any:
    return (m.from_path, m.to_path)

def _enc_r_posix_rename(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_rename(m: Any) -> Any:
    return None


def _enc_q_lchmod(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]

def _dec_q_lchmod(m: Any) -> Any:
    return (m.path, m.mode)

def _enc_r_lchmod(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lchmod(m: Any) -> Any:
    return None


def _enc_q_lchown(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_lchown(m: Any) -> Any:
    return (m.path, m.uid, m.gid)

def _enc_r_lchown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lchown(m: Any) -> Any:
    return None


def _enc_q_posix_chown(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_posix_chown(m: Any) -> Any:
    return (m.path, m.uid, m.gid)

def _enc_r_posix_chown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_chown(m: Any) -> Any:
    return None


def _enc_q_posix_fchown(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_posix_fchown(m: Any) -> Any:
    return (m.fd, m.uid, m.gid)

def _enc_r_posix_fchown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_fchown(m: Any) -> Any:
    return None


def _enc_q_posix_lchown(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.uid = a[1]
    m.gid = a[2]

def _dec_q_posix_lchown(m: Any) -> Any:
    return (m.path, m.uid, m.gid)

def _enc_r_posix_lchown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_lchown(m: Any) -> Any:
    return None


def _enc_q_preadv(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1]: m.iov.extend(a[1])
    m.offset = a[2]

def _dec_q_preadv(m: Any) -> Any:
    return (m.fd, list(m.iov), m.offset)

def _enc_r_preadv(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_preadv(m: Any) -> Any:
    return m.data


def _enc_q_pwritev(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1]: m.iov.extend([_buffer(x) for x in a[1]])
    m.offset = a[2]

def _dec_q_pwritev(m: Any) -> Any:
    return (m.fd, list(m.iov), m.offset)

def _enc_r_pwritev(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_pwritev(m: Any) -> Any:
    return m.count


def _enc_q_getcwd(a: Any, m: Any) -> None:
    m.length = a[0]

def _dec_q_getcwd(m: Any) -> Any:
    return (m.length,)

def _enc_r_getcwd(v: Any, m: Any) -> None:
    m.path = _buffer(v)

def _dec_r_getcwd(m: Any) -> Any:
    return m.path


def _enc_q_fchroot(a: Any, m: Any) -> None:
    m.fd = a[0]

def _dec_q_fchroot(m: Any) -> Any:
    return (m.fd,)

def _enc_r_fchroot(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchroot(m: Any) -> Any:
    return None


def _enc_q_lchflags(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]

def _dec_q_lchflags(m: Any) -> Any:
    return (m.path, m.flags)

def _enc_r_lchflags(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lchflags(m: Any) -> Any:
    return None


def _enc_q_fsync_range(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.flags = a[1]
    m.start = a[2]
    m.length = a[3]

def _dec_q_fsync_range(m: Any) -> Any:
    return (m.fd, m.flags, m.start, m.length)

def _enc_r_fsync_range(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fsync_range(m: Any) -> Any:
    return None


def _enc_q_getvfsstat(a: Any, m: Any) -> None:
    m.flags = a[0]

def _dec_q_getvfsstat(m: Any) -> Any:
    return (m.flags,)

def _enc_r_getvfsstat(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Statvfs(x, m.stats.add())

def _dec_r_getvfsstat(m: Any) -> Any:
    return [_dec_Statvfs(x) for x in m.stats]


def _enc_q_statvfs1(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.flags = a[1]

def _dec_q_statvfs1(m: Any) -> Any:
    return (m.path, m.flags)

def _enc_r_statvfs1(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.buf.SetInParent(); _enc_Statvfs(v, m.buf)

def _dec_r_statvfs1(m: Any) -> Any:
    return _dec_Statvfs(m.buf) if m.HasField("buf") else None


def _enc_q_fstatvfs1(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.flags = a[1]

def _dec_q_fstatvfs1(m: Any) -> Any:
    return (m.fd, m.flags)

def _enc_r_fstatvfs1(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.buf.SetInParent(); _enc_Statvfs(v, m.buf)

def _dec_r_fstatvfs1(m: Any) -> Any:
    return _dec_Statvfs(m.buf) if m.HasField("buf") else None


def _enc_q_extattrctl(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.cmd = a[1]
    m.filename = _buffer(a[2])
    m.attrnamespace = a[3]
    m.attrname = _buffer(a[4])

def _dec_q_extattrctl(m: Any) -> Any:
    return (m.path, m.cmd, m.filename, m.attrnamespace, m.attrname)

def _enc_r_extattrctl(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_extattrctl(m: Any) -> Any:
    return None


def _enc_q_extattr_set_file(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.data = _buffer(a[3])

def _dec_q_extattr_set_file(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname, m.data)

def _enc_r_extattr_set_file(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_extattr_set_file(m: Any) -> Any:
    return m.count


def _enc_q_extattr_get_file(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.nbytes = a[3]

def _dec_q_extattr_get_file(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname, m.nbytes)

def _enc_r_extattr_get_file(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_extattr_get_file(m: Any) -> Any:
    return m.data


def _enc_q_extattr_delete_file(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])

def _dec_q_extattr_delete_file(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname)

def _enc_r_extattr_delete_file(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_extattr_delete_file(m: Any) -> Any:
    return None


def _enc_q_extattr_set_fd(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.data = _buffer(a[3])

def _dec_q_extattr_set_fd(m: Any) -> Any:
    return (m.fd, m.attrnamespace, m.attrname, m.data)

def _enc_r_extattr_set_fd(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_extattr_set_fd(m: Any) -> Any:
    return m.count


def _enc_q_extattr_get_fd(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.nbytes = a[3]

def _dec_q_extattr_get_fd(m: Any) -> Any:
    return (m.fd, m.attrnamespace, m.attrname, m.nbytes)

def _enc_r_extattr_get_fd(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_extattr_get_fd(m: Any) -> Any:
    return m.data


def _enc_q_extattr_delete_fd(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])

def _dec_q_extattr_delete_fd(m: Any) -> Any:
    return (m.fd, m.attrnamespace, m.attrname)

def _enc_r_extattr_delete_fd(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_extattr_delete_fd(m: Any) -> Any:
    return None


def _enc_q_extattr_set_link(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.data = _buffer(a[3])

def _dec_q_extattr_set_link(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname, m.data)

def _enc_r_extattr_set_link(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_extattr_set_link(m: Any) -> Any:
    return m.count


def _enc_q_extattr_get_link(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])
    m.nbytes = a[3]

def _dec_q_extattr_get_link(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname, m.nbytes)

def _enc_r_extattr_get_link(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_extattr_get_link(m: Any) -> Any:
    return m.data


def _enc_q_extattr_delete_link(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.attrname = _buffer(a[2])

def _dec_q_extattr_delete_link(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.attrname)

def _enc_r_extattr_delete_link(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_extattr_delete_link(m: Any) -> Any:
    return None


def _enc_q_extattr_list_fd(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.attrnamespace = a[1]
    m.nbytes = a[2]

def _dec_q_extattr_list_fd(m: Any) -> Any:
    return (m.fd, m.attrnamespace, m.nbytes)

def _enc_r_extattr_list_fd(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_extattr_list_fd(m: Any) -> Any:
    return list(m.names)


def _enc_q_extattr_list_file(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.nbytes = a[2]

def _dec_q_extattr_list_file(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.nbytes)

def _enc_r_extattr_list_file(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_extattr_list_file(m: Any) -> Any:
    return list(m.names)


def _enc_q_extattr_list_link(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.attrnamespace = a[1]
    m.nbytes = a[2]

def _dec_q_extattr_list_link(m: Any) -> Any:
    return (m.path, m.attrnamespace, m.nbytes)

def _enc_r_extattr_list_link(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_extattr_list_link(m: Any) -> Any:
    return list(m.names)


def _enc_q_setxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])
    m.value = _buffer(a[2])
    m.flags = a[3]

def _dec_q_setxattr(m: Any) -> Any:
    return (m.path, m.name, m.value, m.flags)

def _enc_r_setxattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setxattr(m: Any) -> Any:
    return None


def _enc_q_lsetxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])
    m.value = _buffer(a[2])
    m.flags = a[3]

def _dec_q_lsetxattr(m: Any) -> Any:
    return (m.path, m.name, m.value, m.flags)

def _enc_r_lsetxattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lsetxattr(m: Any) -> Any:
    return None


def _enc_q_fsetxattr(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.name = _buffer(a[1])
    m.value = _buffer(a[2])
    m.flags = a[3]

def _dec_q_fsetxattr(m: Any) -> Any:
    return (m.fd, m.name, m.value, m.flags)

def _enc_r_fsetxattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fsetxattr(m: Any) -> Any:
    return None


def _enc_q_getxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])
    m.size = a[2]

def _dec_q_getxattr(m: Any) -> Any:
    return (m.path, m.name, m.size)

def _enc_r_getxattr(v: Any, m: Any) -> None:
    m.value = _buffer(v)

def _dec_r_getxattr(m: Any) -> Any:
    return m.value


def _enc_q_lgetxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])
    m.size = a[2]

def _dec_q_lgetxattr(m: Any) -> Any:
    return (m.path, m.name, m.size)

def _enc_r_lgetxattr(v: Any, m: Any) -> None:
    m.value = _buffer(v)

def _dec_r_lgetxattr(m: Any) -> Any:
    return m.value


def _enc_q_fgetxattr(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.name = _buffer(a[1])
    m.size = a[2]

def _dec_q_fgetxattr(m: Any) -> Any:
    return (m.fd, m.name, m.size)

def _enc_r_fgetxattr(v: Any, m: Any) -> None:
    m.value = _buffer(v)

def _dec_r_fgetxattr(m: Any) -> Any:
    return m.value


def _enc_q_listxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.size = a[1]

def _dec_q_listxattr(m: Any) -> Any:
    return (m.path, m.size)

def _enc_r_listxattr(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_listxattr(m: Any) -> Any:
    return list(m.names)


def _enc_q_llistxattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.size = a[1]

def _dec_q_llistxattr(m: Any) -> Any:
    return (m.path, m.size)

def _enc_r_llistxattr(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_llistxattr(m: Any) -> Any:
    return list(m.names)


def _enc_q_flistxattr(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.size = a[1]

def _dec_q_flistxattr(m: Any) -> Any:
    return (m.fd, m.size)

def _enc_r_flistxattr(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.names.extend([_buffer(x) for x in v])

def _dec_r_flistxattr(m: Any) -> Any:
    return list(m.names)


def _enc_q_removexattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])

def _dec_q_removexattr(m: Any) -> Any:
    return (m.path, m.name)

def _enc_r_removexattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_removexattr(m: Any) -> Any:
    return None


def _enc_q_lremovexattr(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.name = _buffer(a[1])

def _dec_q_lremovexattr(m: Any) -> Any:
    return (m.path, m.name)

def _enc_r_lremovexattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lremovexattr(m: Any) -> Any:
    return None


def _enc_q_fremovexattr(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.name = _buffer(a[1])

def _dec_q_fremovexattr(m: Any) -> Any:
    return (m.fd, m.name)

def _enc_r_fremovexattr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fremovexattr(m: Any) -> Any:
    return None


def _enc_q_getdents(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.count = a[1]

def _dec_q_getdents(m: Any) -> Any:
    return (m.fd, m.count)

def _enc_r_getdents(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Dirent(x, m.entries.add())

def _dec_r_getdents(m: Any) -> Any:
    return [_dec_Dirent(x) for x in m.entries]


def _enc_q_getfh(a: Any, m: Any) -> None:
    m.fname = _buffer(a[0])

def _dec_q_getfh(m: Any) -> Any:
    return (m.fname,)

def _enc_r_getfh(v: Any, m: Any) -> None:
    m.fhp = _buffer(v)

def _dec_r_getfh(m: Any) -> Any:
    return m.fhp


def _enc_q_fhopen(a: Any, m: Any) -> None:
    m.fhp = _buffer(a[0])
    m.flags = a[1]

def _dec_q_fhopen(m: Any) -> Any:
    return (m.fhp, m.flags)

def _enc_r_fhopen(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_fhopen(m: Any) -> Any:
    return m.fd


def _enc_q_fhstatvfs1(a: Any, m: Any) -> None:
    m.fhp = _buffer(a[0])
    m.flags = a[1]

def _dec_q_fhstatvfs1(m: Any) -> Any:
    return (m.fhp, m.flags)

def _enc_r_fhstatvfs1(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.buf.SetInParent(); _enc_Statvfs(v, m.buf)

def _dec_r_fhstatvfs1(m: Any) -> Any:
    return _dec_Statvfs(m.buf) if m.HasField("buf") else None


def _enc_q_mount(a: Any, m: Any) -> None:
    m.type = a[0]
    m.path = _buffer(a[1])
    m.flags = a[2]
    if a[3] is not None: m.data.SetInParent(); _enc_MountArgs(a[3], m.data)

def _dec_q_mount(m: Any) -> Any:
    return (m.type, m.path, m.flags, _dec_MountArgs(m.data) if m.HasField("data") else None)

def _enc_r_mount(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.data.SetInParent(); _enc_MountArgs(v, m.data)

def _dec_r_mount(m: Any) -> Any:
    return _dec_MountArgs(m.data) if m.HasField("data") else None


def _enc_q_utimes(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    if a[1] is not None: m.atime.SetInParent(); _enc_Timespec(a[1], m.atime)
    if a[2] is not None: m.mtime.SetInParent(); _enc_Timespec(a[2], m.mtime)

def _dec_q_utimes(m: Any) -> Any:
    return (m.path, _dec_Timespec(m.atime) if m.HasField("atime") else None, _dec_Timespec(m.mtime) if m.HasField("mtime") else None)

def _enc_r_utimes(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_utimes(m: Any) -> Any:
    return None


def _enc_q_futimes(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1] is not None: m.atime.SetInParent(); _enc_Timespec(a[1], m.atime)
    if a[2] is not None: m.mtime.SetInParent(); _enc_Timespec(a[2], m.mtime)

def _dec_q_futimes(m: Any) -> Any:
    return (m.fd, _dec_Timespec(m.atime) if m.HasField("atime") else None, _dec_Timespec(m.mtime) if m.HasField("mtime") else None)

def _enc_r_futimes(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_futimes(m: Any) -> Any:
    return None


def _enc_q_lutimes(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    if a[1] is not None: m.atime.SetInParent(); _enc_Timespec(a[1], m.atime)
    if a[2] is not None: m.mtime.SetInParent(); _enc_Timespec(a[2], m.mtime)

def _dec_q_lutimes(m: Any) -> Any:
    return (m.path, _dec_Timespec(m.atime) if m.HasField("atime") else None, _dec_Timespec(m.mtime) if m.HasField("mtime") else None)

def _enc_r_lutimes(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lutimes(m: Any) -> Any:
    return None


def _enc_q_stat(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_stat(m: Any) -> Any:
    return (m.path,)

def _enc_r_stat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.sb.SetInParent(); _enc_Stat(v, m.sb)

def _dec_r_stat(m: Any) -> Any:
    return _dec_Stat(m.sb) if m.HasField("sb") else None


def _enc_q_lstat(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_lstat(m: Any) -> Any:
    return (m.path,)

def _enc_r_lstat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.sb.SetInParent(); _enc_Stat(v, m.sb)

def _dec_r_lstat(m: Any) -> Any:
    return _dec_Stat(m.sb) if m.HasField("sb") else None


def _enc_q_mknod(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]
    m.dev = a[2]

def _dec_q_mknod(m: Any) -> Any:
    return (m.path, m.mode, m.dev)

def _enc_r_mknod(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mknod(m: Any) -> Any:
    return None


def _enc_q_fhstat(a: Any, m: Any) -> None:
    m.fhp = _buffer(a[0])

def _dec_q_fhstat(m: Any) -> Any:
    return (m.fhp,)

def _enc_r_fhstat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.sb.SetInParent(); _enc_Stat(v, m.sb)

def _dec_r_fhstat(m: Any) -> Any:
    return _dec_Stat(m.sb) if m.HasField("sb") else None


def _enc_q_linkat(a: Any, m: Any) -> None:
    m.fd1 = a[0]
    m.name1 = _buffer(a[1])
    m.fd2 = a[2]
    m.name2 = _buffer(a[3])
    m.flags = a[4]

def _dec_q_linkat(m: Any) -> Any:
    return (m.fd1, m.name1, m.fd2, m.name2, m.flags)

def _enc_r_linkat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_linkat(m: Any) -> Any:
    return None


def _enc_q_renameat(a: Any, m: Any) -> None:
    m.fromfd = a[0]
    m.from_path = _buffer(a[1])
    m.tofd = a[2]
    m.to_path = _buffer(a[3])

def _dec_q_renameat(m: Any) -> Any:
    return (m.fromfd, m.from_path, m.tofd, m.to_path)

def _enc_r_renameat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_renameat(m: Any) -> Any:
    return None


def _enc_q_mkfifoat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.mode = a[2]

def _dec_q_mkfifoat(m: Any) -> Any:
    return (m.fd, m.path, m.mode)

def _enc_r_mkfifoat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mkfifoat(m: Any) -> Any:
    return None


def _enc_q_mknodat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.mode = a[2]
    m.dev = a[3]

def _dec_q_mknodat(m: Any) -> Any:
    return (m.fd, m.path, m.mode, m.dev)

def _enc_r_mknodat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mknodat(m: Any) -> Any:
    return None


def _enc_q_mkdirat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.mode = a[2]

def _dec_q_mkdirat(m: Any) -> Any:
    return (m.fd, m.path, m.mode)

def _enc_r_mkdirat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_mkdirat(m: Any) -> Any:
    return None


def _enc_q_faccessat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.amode = a[2]
    m.flag = a[3]

def _dec_q_faccessat(m: Any) -> Any:
    return (m.fd, m.path, m.amode, m.flag)

def _enc_r_faccessat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_faccessat(m: Any) -> Any:
    return None


def _enc_q_fchmodat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.mode = a[2]
    m.flag = a[3]

def _dec_q_fchmodat(m: Any) -> Any:
    return (m.fd, m.path, m.mode, m.flag)

def _enc_r_fchmodat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchmodat(m: Any) -> Any:
    return None


def _enc_q_fchownat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.owner = a[2]
    m.group = a[3]
    m.flag = a[4]

def _dec_q_fchownat(m: Any) -> Any:
    return (m.fd, m.path, m.owner, m.group, m.flag)

def _enc_r_fchownat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fchownat(m: Any) -> Any:
    return None


def _enc_q_fstatat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.flag = a[2]

def _dec_q_fstatat(m: Any) -> Any:
    return (m.fd, m.path, m.flag)

def _enc_r_fstatat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.buf.SetInParent(); _enc_Stat(v, m.buf)

def _dec_r_fstatat(m: Any) -> Any:
    return _dec_Stat(m.buf) if m.HasField("buf") else None


def _enc_q_utimensat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    if a[2] is not None: m.atime.SetInParent(); _enc_Timespec(a[2], m.atime)
    if a[3] is not None: m.mtime.SetInParent(); _enc_Timespec(a[3], m.mtime)
    m.flag = a[4]

def _dec_q_utimensat(m: Any) -> Any:
    return (m.fd, m.path, _dec_Timespec(m.atime) if m.HasField("atime") else None, _dec_Timespec(m.mtime) if m.HasField("mtime") else None, m.flag)

def _enc_r_utimensat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_utimensat(m: Any) -> Any:
    return None


def _enc_q_openat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.oflags = a[2]
    if a[3] is not None: m.mode = a[3]

def _dec_q_openat(m: Any) -> Any:
    return (m.fd, m.path, m.oflags, m.mode if m.HasField("mode") else None)

def _enc_r_openat(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_openat(m: Any) -> Any:
    return m.fd


def _enc_q_readlinkat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.bufsize = a[2]

def _dec_q_readlinkat(m: Any) -> Any:
    return (m.fd, m.path, m.bufsize)

def _enc_r_readlinkat(v: Any, m: Any) -> None:
    m.data = _buffer(v)

def _dec_r_readlinkat(m: Any) -> Any:
    return m.data


def _enc_q_symlinkat(a: Any, m: Any) -> None:
    m.path1 = _buffer(a[0])
    m.fd = a[1]
    m.path2 = _buffer(a[2])

def _dec_q_symlinkat(m: Any) -> Any:
    return (m.path1, m.fd, m.path2)

def _enc_r_symlinkat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_symlinkat(m: Any) -> Any:
    return None


def _enc_q_unlinkat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])
    m.flag = a[2]

def _dec_q_unlinkat(m: Any) -> Any:
    return (m.fd, m.path, m.flag)

def _enc_r_unlinkat(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_unlinkat(m: Any) -> Any:
    return None


def _enc_q_futimens(a: Any, m: Any) -> None:
    m.fd = a[0]
    if a[1] is not None: m.atime.SetInParent(); _enc_Timespec(a[1], m.atime)
    if a[2] is not None: m.mtime.SetInParent(); _enc_Timespec(a[2], m.mtime)

def _dec_q_futimens(m: Any) -> Any:
    return (m.fd, _dec_Timespec(m.atime) if m.HasField("atime") else None, _dec_Timespec(m.mtime) if m.HasField("mtime") else None)

def _enc_r_futimens(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_futimens(m: Any) -> Any:
    return None


def _enc_q_quotactl(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    if a[1] is not None: m.args.SetInParent(); _enc_QuotactlArgs(a[1], m.args)

def _dec_q_quotactl(m: Any) -> Any:
    return (m.path, _dec_QuotactlArgs(m.args) if m.HasField("args") else None)

def _enc_r_quotactl(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.args.SetInParent(); _enc_QuotactlArgs(v, m.args)

def _dec_r_quotactl(m: Any) -> Any:
    return _dec_QuotactlArgs(m.args) if m.HasField("args") else None


def _enc_q_posix_fallocate(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.pos = a[1]
    m.len = a[2]

def _dec_q_posix_fallocate(m: Any) -> Any:
    return (m.fd, m.pos, m.len)

def _enc_r_posix_fallocate(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_posix_fallocate(m: Any) -> Any:
    return None


def _enc_q_fdiscard(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.pos = a[1]
    m.len = a[2]

def _dec_q_fdiscard(m: Any) -> Any:
    return (m.fd, m.pos, m.len)

def _enc_r_fdiscard(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_fdiscard(m: Any) -> Any:
    return None


def _enc_q_etfs_register(a: Any, m: Any) -> None:
    m.key = _buffer(a[0])
    m.hostpath = _buffer(a[1])
    m.type = a[2]

def _dec_q_etfs_register(m: Any) -> Any:
    return (m.key, m.hostpath, m.type)

def _enc_r_etfs_register(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_etfs_register(m: Any) -> Any:
    return None


def _enc_q_etfs_register_withsize(a: Any, m: Any) -> None:
    m.key = _buffer(a[0])
    m.hostpath = _buffer(a[1])
    m.type = a[2]
    m.begin = a[3]
    if a[4] is not None: m.size = a[4]

def _dec_q_etfs_register_withsize(m: Any) -> Any:
    return (m.key, m.hostpath, m.type, m.begin, m.size if m.HasField("size") else None)

def _enc_r_etfs_register_withsize(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_etfs_register_withsize(m: Any) -> Any:
    return None


def _enc_q_etfs_remove(a: Any, m: Any) -> None:
    m.key = _buffer(a[0])

def _dec_q_etfs_remove(m: Any) -> Any:
    return (m.key,)

def _enc_r_etfs_remove(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_etfs_remove(m: Any) -> Any:
    return None


def _enc_q_newfs(a: Any, m: Any) -> None:
    m.type = a[0]
    m.fspec = _buffer(a[1])
    if a[2]: m.options.update(a[2])
    m.source = _buffer(a[3])

def _dec_q_newfs(m: Any) -> Any:
    return (m.type, m.fspec, dict(m.options), m.source)

def _enc_r_newfs(v: Any, m: Any) -> None:
    m.used = v

def _dec_r_newfs(m: Any) -> Any:
    return m.used


def _enc_q_getdents_stat(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.count = a[1]

def _dec_q_getdents_stat(m: Any) -> Any:
    return (m.fd, m.count)

def _enc_r_getdents_stat(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_DirentStat(x, m.entries.add())

def _dec_r_getdents_stat(m: Any) -> Any:
    return [_dec_DirentStat(x) for x in m.entries]


def _enc_q_getdents_packed(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.count = a[1]

def _dec_q_getdents_packed(m: Any) -> Any:
    return (m.fd, m.count)

def _enc_r_getdents_packed(v: Any, m: Any) -> None:
    m.entries = _buffer(v)

def _dec_r_getdents_packed(m: Any) -> Any:
    return m.entries


def _enc_q_recvmsg(a: Any, m: Any) -> None:
    m.s = a[0]
    m.len = a[1]
    m.controllen = a[2]
    m.flags = a[3]

def _dec_q_recvmsg(m: Any) -> Any:
    return (m.s, m.len, m.controllen, m.flags)

def _enc_r_recvmsg(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.msg.SetInParent(); _enc_Msghdr(v, m.msg)

def _dec_r_recvmsg(m: Any) -> Any:
    return _dec_Msghdr(m.msg) if m.HasField("msg") else None


def _enc_q_sendmsg(a: Any, m: Any) -> None:
    m.s = a[0]
    if a[1] is not None: m.msg.SetInParent(); _enc_Msghdr(a[1], m.msg)
    m.flags = a[2]

def _dec_q_sendmsg(m: Any) -> Any:
    return (m.s, _dec_Msghdr(m.msg) if m.HasField("msg") else None, m.flags)

def _enc_r_sendmsg(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_sendmsg(m: Any) -> Any:
    return m.count


def _enc_q_recvfrom(a: Any, m: Any) -> None:
    m.s = a[0]
    m.len = a[1]
    if a[2] is not None: m.flags = a[2]

def _dec_q_recvfrom(m: Any) -> Any:
    return (m.s, m.len, m.flags if m.HasField("flags") else None)

def _enc_r_recvfrom(v: Any, m: Any) -> None:
    m.data = _buffer(v[0])
    if v[1] is not None: m.from_addr.SetInParent(); _enc_Sockaddr(v[1], m.from_addr)

def _dec_r_recvfrom(m: Any) -> Any:
    return _new(RecvfromResult, (m.data, _dec_Sockaddr(m.from_addr) if m.HasField("from_addr") else None, ))


def _enc_q_accept(a: Any, m: Any) -> None:
    m.s = a[0]

def _dec_q_accept(m: Any) -> Any:
    return (m.s,)

def _enc_r_accept(v: Any, m: Any) -> None:
    m.s = v[0]
    if v[1] is not None: m.name.SetInParent(); _enc_Sockaddr(v[1], m.name)

def _dec_r_accept(m: Any) -> Any:
    return _new(AcceptResult, (m.s, _dec_Sockaddr(m.name) if m.HasField("name") else None, ))


def _enc_q_getpeername(a: Any, m: Any) -> None:
    m.s = a[0]

def _dec_q_getpeername(m: Any) -> Any:
    return (m.s,)

def _enc_r_getpeername(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.name.SetInParent(); _enc_Sockaddr(v, m.name)

def _dec_r_getpeername(m: Any) -> Any:
    return _dec_Sockaddr(m.name) if m.HasField("name") else None


def _enc_q_getsockname(a: Any, m: Any) -> None:
    m.s = a[0]

def _dec_q_getsockname(m: Any) -> Any:
    return (m.s,)

def _enc_r_getsockname(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.name.SetInParent(); _enc_Sockaddr(v, m.name)

def _dec_r_getsockname(m: Any) -> Any:
    return _dec_Sockaddr(m.name) if m.HasField("name") else None


def _enc_q_connect(a: Any, m: Any) -> None:
    m.s = a[0]
    if a[1] is not None: m.name.SetInParent(); _enc_Sockaddr(a[1], m.name)

def _dec_q_connect(m: Any) -> Any:
    return (m.s, _dec_Sockaddr(m.name) if m.HasField("name") else None)

def _enc_r_connect(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_connect(m: Any) -> Any:
    return None


def _enc_q_bind(a: Any, m: Any) -> None:
    m.s = a[0]
    if a[1] is not None: m.name.SetInParent(); _enc_Sockaddr(a[1], m.name)

def _dec_q_bind(m: Any) -> Any:
    return (m.s, _dec_Sockaddr(m.name) if m.HasField("name") else None)

def _enc_r_bind(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_bind(m: Any) -> Any:
    return None


def _enc_q_setsockopt(a: Any, m: Any) -> None:
    m.s = a[0]
    m.level = a[1]
    m.name = a[2]
    if a[3] is not None: m.val.SetInParent(); _enc_Sockopt(a[3], m.val)

def _dec_q_setsockopt(m: Any) -> Any:
    return (m.s, m.level, m.name, _dec_Sockopt(m.val) if m.HasField("val") else None)

def _enc_r_setsockopt(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_setsockopt(m: Any) -> Any:
    return None


def _enc_q_listen(a: Any, m: Any) -> None:
    m.s = a[0]
    m.backlog = a[1]

def _dec_q_listen(m: Any) -> Any:
    return (m.s, m.backlog)

def _enc_r_listen(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_listen(m: Any) -> Any:
    return None


def _enc_q_getsockopt(a: Any, m: Any) -> None:
    m.s = a[0]
    m.level = a[1]
    m.name = a[2]

def _dec_q_getsockopt(m: Any) -> Any:
    return (m.s, m.level, m.name)

def _enc_r_getsockopt(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.val.SetInParent(); _enc_Sockopt(v, m.val)

def _dec_r_getsockopt(m: Any) -> Any:
    return _dec_Sockopt(m.val) if m.HasField("val") else None


def _enc_q_sendto(a: Any, m: Any) -> None:
    m.s = a[0]
    m.data = _buffer(a[1])
    if a[2] is not None: m.flags = a[2]
    if a[3] is not None: m.to.SetInParent(); _enc_Sockaddr(a[3], m.to)

def _dec_q_sendto(m: Any) -> Any:
    return (m.s, m.data, m.flags if m.HasField("flags") else None, _dec_Sockaddr(m.to) if m.HasField("to") else None)

def _enc_r_sendto(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_sendto(m: Any) -> Any:
    return m.count


def _enc_q_shutdown(a: Any, m: Any) -> None:
    m.s = a[0]
    m.how = a[1]

def _dec_q_shutdown(m: Any) -> Any:
    return (m.s, m.how)

def _enc_r_shutdown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_shutdown(m: Any) -> Any:
    return None


def _enc_q_socketpair(a: Any, m: Any) -> None:
    m.domain = a[0]
    m.type = a[1]
    m.protocol = a[2]

def _dec_q_socketpair(m: Any) -> Any:
    return (m.domain, m.type, m.protocol)

def _enc_r_socketpair(v: Any, m: Any) -> None:
    m.s1 = v[0]
    m.s2 = v[1]

def _dec_r_socketpair(m: Any) -> Any:
    return _new(SocketpairResult, (m.s1, m.s2, ))


def _enc_q_socket(a: Any, m: Any) -> None:
    m.domain = a[0]
    m.type = a[1]
    m.protocol = a[2]

def _dec_q_socket(m: Any) -> Any:
    return (m.domain, m.type, m.protocol)

def _enc_r_socket(v: Any, m: Any) -> None:
    m.s = v

def _dec_r_socket(m: Any) -> Any:
    return m.s


def _enc_q_paccept(a: Any, m: Any) -> None:
    m.s = a[0]
    if a[1] is not None: m.mask = a[1]
    m.flags = a[2]

def _dec_q_paccept(m: Any) -> Any:
    return (m.s, m.mask if m.HasField("mask") else None, m.flags)

def _enc_r_paccept(v: Any, m: Any) -> None:
    m.s = v[0]
    if v[1] is not None: m.name.SetInParent(); _enc_Sockaddr(v[1], m.name)

def _dec_r_paccept(m: Any) -> Any:
    return _new(PacceptResult, (m.s, _dec_Sockaddr(m.name) if m.HasField("name") else None, ))


def _enc_q_recvmmsg(a: Any, m: Any) -> None:
    m.s = a[0]
    m.vlen = a[1]
    m.len = a[2]
    m.flags = a[3]
    if a[4] is not None: m.timeout.SetInParent(); _enc_Timespec(a[4], m.timeout)

def _dec_q_recvmmsg(m: Any) -> Any:
    return (m.s, m.vlen, m.len, m.flags, _dec_Timespec(m.timeout) if m.HasField("timeout") else None)

def _enc_r_recvmmsg(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Msghdr(x, m.msgs.add())

def _dec_r_recvmmsg(m: Any) -> Any:
    return [_dec_Msghdr(x) for x in m.msgs]


def _enc_q_sendmmsg(a: Any, m: Any) -> None:
    m.s = a[0]
    for x in a[1] or (): _enc_Msghdr(x, m.msgs.add())
    m.flags = a[2]

def _dec_q_sendmmsg(m: Any) -> Any:
    return (m.s, [_dec_Msghdr(x) for x in m.msgs], m.flags)

def _enc_r_sendmmsg(v: Any, m: Any) -> None:
    m.count = v

def _dec_r_sendmmsg(m: Any) -> Any:
    return m.count


def _enc_q_netconfig_ifcreate(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_ifcreate(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_ifcreate(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifcreate(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifdestroy(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_ifdestroy(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_ifdestroy(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifdestroy(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifup(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_ifup(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_ifup(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifup(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifdown(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_ifdown(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_ifdown(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifdown(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifsetlinkstr(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.linkstr = a[1]

def _dec_q_netconfig_ifsetlinkstr(m: Any) -> Any:
    return (m.ifname, m.linkstr)

def _enc_r_netconfig_ifsetlinkstr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifsetlinkstr(m: Any) -> Any:
    return None


def _enc_q_netconfig_bradd(a: Any, m: Any) -> None:
    m.bridge = a[0]
    m.ifname = a[1]

def _dec_q_netconfig_bradd(m: Any) -> Any:
    return (m.bridge, m.ifname)

def _enc_r_netconfig_bradd(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_bradd(m: Any) -> Any:
    return None


def _enc_q_netconfig_brdel(a: Any, m: Any) -> None:
    m.bridge = a[0]
    m.ifname = a[1]

def _dec_q_netconfig_brdel(m: Any) -> Any:
    return (m.bridge, m.ifname)

def _enc_r_netconfig_brdel(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_brdel(m: Any) -> Any:
    return None


def _enc_q_netconfig_ipv4_ifaddr(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.addr = a[1]
    m.mask = a[2]

def _dec_q_netconfig_ipv4_ifaddr(m: Any) -> Any:
    return (m.ifname, m.addr, m.mask)

def _enc_r_netconfig_ipv4_ifaddr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ipv4_ifaddr(m: Any) -> Any:
    return None


def _enc_q_netconfig_ipv4_ifaddr_cidr(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.addr = a[1]
    m.prefixlen = a[2]

def _dec_q_netconfig_ipv4_ifaddr_cidr(m: Any) -> Any:
    return (m.ifname, m.addr, m.prefixlen)

def _enc_r_netconfig_ipv4_ifaddr_cidr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ipv4_ifaddr_cidr(m: Any) -> Any:
    return None


def _enc_q_netconfig_ipv6_ifaddr(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.addr = a[1]
    m.prefixlen = a[2]

def _dec_q_netconfig_ipv6_ifaddr(m: Any) -> Any:
    return (m.ifname, m.addr, m.prefixlen)

def _enc_r_netconfig_ipv6_ifaddr(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ipv6_ifaddr(m: Any) -> Any:
    return None


def _enc_q_netconfig_ipv4_gw(a: Any, m: Any) -> None:
    m.addr = a[0]

def _dec_q_netconfig_ipv4_gw(m: Any) -> Any:
    return (m.addr,)

def _enc_r_netconfig_ipv4_gw(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ipv4_gw(m: Any) -> Any:
    return None


def _enc_q_netconfig_ipv6_gw(a: Any, m: Any) -> None:
    m.addr = a[0]

def _dec_q_netconfig_ipv6_gw(m: Any) -> Any:
    return (m.addr,)

def _enc_r_netconfig_ipv6_gw(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ipv6_gw(m: Any) -> Any:
    return None


def _enc_q_netconfig_dhcp_ipv4_oneshot(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_dhcp_ipv4_oneshot(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_dhcp_ipv4_oneshot(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_dhcp_ipv4_oneshot(m: Any) -> Any:
    return None


def _enc_q_netconfig_auto_ipv6(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_auto_ipv6(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_auto_ipv6(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_auto_ipv6(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifaddrs(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.ifname = a[0]

def _dec_q_netconfig_ifaddrs(m: Any) -> Any:
    return (m.ifname if m.HasField("ifname") else None,)

def _enc_r_netconfig_ifaddrs(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Interface(x, m.interfaces.add())

def _dec_r_netconfig_ifaddrs(m: Any) -> Any:
    return [_dec_Interface(x) for x in m.interfaces]


def _enc_q_npf_load(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0] is not None: m.config.SetInParent(); _enc_NpfConfig(a[0], m.config)

def _dec_q_npf_load(m: Any) -> Any:
    return (_dec_NpfConfig(m.config) if m.HasField("config") else None,)

def _enc_r_npf_load(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_npf_load(m: Any) -> Any:
    return None


def _enc_q_npf_config_get(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_npf_config_get(m: Any) -> Any:
    return ()

def _enc_r_npf_config_get(v: Any, m: Any) -> None:
    if v[0] is not None: m.config.SetInParent(); _enc_NpfConfig(v[0], m.config)
    m.active = v[1]

def _dec_r_npf_config_get(m: Any) -> Any:
    return _new(NpfConfigGetResult, (_dec_NpfConfig(m.config) if m.HasField("config") else None, m.active, ))


def _enc_q_npf_switch(a: Any, m: Any) -> None:
    m.active = a[0]

def _dec_q_npf_switch(m: Any) -> Any:
    return (m.active,)

def _enc_r_npf_switch(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_npf_switch(m: Any) -> Any:
    return None


def _enc_q_npf_flush(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_npf_flush(m: Any) -> Any:
    return ()

def _enc_r_npf_flush(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_npf_flush(m: Any) -> Any:
    return None


def _enc_q_npf_connections(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_npf_connections(m: Any) -> Any:
    return ()

def _enc_r_npf_connections(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_NpfConnection(x, m.connections.add())

def _dec_r_npf_connections(m: Any) -> Any:
    return [_dec_NpfConnection(x) for x in m.connections]


def _enc_q_npf_stats(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_npf_stats(m: Any) -> Any:
    return ()

def _enc_r_npf_stats(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_NpfCounter(x, m.counters.add())

def _dec_r_npf_stats(m: Any) -> Any:
    return [_dec_NpfCounter(x) for x in m.counters]


def _enc_q_npf_table(a: Any, m: Any) -> None:
    m.table = a[0]
    m.command = a[1]
    if a[2] is not None: m.entry.SetInParent(); _enc_NpfAddress(a[2], m.entry)

def _dec_q_npf_table(m: Any) -> Any:
    return (m.table, m.command, _dec_NpfAddress(m.entry) if m.HasField("entry") else None)

def _enc_r_npf_table(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_NpfAddress(x, m.entries.add())

def _dec_r_npf_table(m: Any) -> Any:
    return [_dec_NpfAddress(x) for x in m.entries]


def _enc_q_npf_rule_add(a: Any, m: Any) -> None:
    m.group = a[0]
    if a[1] is not None: m.rule.SetInParent(); _enc_NpfRule(a[1], m.rule)

def _dec_q_npf_rule_add(m: Any) -> Any:
    return (m.group, _dec_NpfRule(m.rule) if m.HasField("rule") else None)

def _enc_r_npf_rule_add(v: Any, m: Any) -> None:
    m.id = v

def _dec_r_npf_rule_add(m: Any) -> Any:
    return m.id


def _enc_q_npf_rule_remove(a: Any, m: Any) -> None:
    m.group = a[0]
    m.id = a[1]

def _dec_q_npf_rule_remove(m: Any) -> Any:
    return (m.group, m.id)

def _enc_r_npf_rule_remove(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_npf_rule_remove(m: Any) -> Any:
    return None


def _enc_q_dhcp_start(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.hostname = a[1]

def _dec_q_dhcp_start(m: Any) -> Any:
    return (m.ifname, m.hostname)

def _enc_r_dhcp_start(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dhcp_start(m: Any) -> Any:
    return None


def _enc_q_dhcp_renew(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_dhcp_renew(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_dhcp_renew(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dhcp_renew(m: Any) -> Any:
    return None


def _enc_q_dhcp_stop(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.release = a[1]

def _dec_q_dhcp_stop(m: Any) -> Any:
    return (m.ifname, m.release)

def _enc_r_dhcp_stop(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dhcp_stop(m: Any) -> Any:
    return None


def _enc_q_dhcp_leases(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_dhcp_leases(m: Any) -> Any:
    return ()

def _enc_r_dhcp_leases(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_DhcpLease(x, m.leases.add())

def _dec_r_dhcp_leases(m: Any) -> Any:
    return [_dec_DhcpLease(x) for x in m.leases]


def _enc_q_dhcpd_start(a: Any, m: Any) -> None:
    m.ifname = a[0]
    if a[1] is not None: m.pool.SetInParent(); _enc_DhcpPool(a[1], m.pool)

def _dec_q_dhcpd_start(m: Any) -> Any:
    return (m.ifname, _dec_DhcpPool(m.pool) if m.HasField("pool") else None)

def _enc_r_dhcpd_start(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dhcpd_start(m: Any) -> Any:
    return None


def _enc_q_dhcpd_stop(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_dhcpd_stop(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_dhcpd_stop(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dhcpd_stop(m: Any) -> Any:
    return None


def _enc_q_dhcpd_bindings(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_dhcpd_bindings(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_dhcpd_bindings(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_DhcpBinding(x, m.bindings.add())

def _dec_r_dhcpd_bindings(m: Any) -> Any:
    return [_dec_DhcpBinding(x) for x in m.bindings]


def _enc_q_dns_forward(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.servers.extend([_buffer(x) for x in a[0]])

def _dec_q_dns_forward(m: Any) -> Any:
    return (list(m.servers),)

def _enc_r_dns_forward(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dns_forward(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifaddrdel(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.addr = a[1]

def _dec_q_netconfig_ifaddrdel(m: Any) -> Any:
    return (m.ifname, m.addr)

def _enc_r_netconfig_ifaddrdel(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifaddrdel(m: Any) -> Any:
    return None


def _enc_q_route_send(a: Any, m: Any) -> None:
    m.s = a[0]
    if a[1] is not None: m.msg.SetInParent(); _enc_Rtmsg(a[1], m.msg)

def _dec_q_route_send(m: Any) -> Any:
    return (m.s, _dec_Rtmsg(m.msg) if m.HasField("msg") else None)

def _enc_r_route_send(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.msg.SetInParent(); _enc_Rtmsg(v, m.msg)

def _dec_r_route_send(m: Any) -> Any:
    return _dec_Rtmsg(m.msg) if m.HasField("msg") else None


def _enc_q_route_recv(a: Any, m: Any) -> None:
    m.s = a[0]
    m.flags = a[1]

def _dec_q_route_recv(m: Any) -> Any:
    return (m.s, m.flags)

def _enc_r_route_recv(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.msg.SetInParent(); _enc_Rtmsg(v, m.msg)

def _dec_r_route_recv(m: Any) -> Any:
    return _dec_Rtmsg(m.msg) if m.HasField("msg") else None


def _enc_q_route_dump(a: Any, m: Any) -> None:
    m.family = a[0]
    m.op = a[1]
    m.arg = a[2]

def _dec_q_route_dump(m: Any) -> Any:
    return (m.family, m.op, m.arg)

def _enc_r_route_dump(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Rtmsg(x, m.msgs.add())

def _dec_r_route_dump(m: Any) -> Any:
    return [_dec_Rtmsg(x) for x in m.msgs]


def _enc_q_net_pcblist(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_net_pcblist(m: Any) -> Any:
    return ()

def _enc_r_net_pcblist(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Inpcb(x, m.pcbs.add())

def _dec_r_net_pcblist(m: Any) -> Any:
    return [_dec_Inpcb(x) for x in m.pcbs]


def _enc_q_net_counters(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_net_counters(m: Any) -> Any:
    return ()

def _enc_r_net_counters(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_NetCounter(x, m.counters.add())

def _dec_r_net_counters(m: Any) -> Any:
    return [_dec_NetCounter(x) for x in m.counters]


def _enc_q_nd_list(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_nd_list(m: Any) -> Any:
    return ()

def _enc_r_nd_list(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v[0] or (): _enc_NdRouter(x, m.routers.add())
    for x in v[1] or (): _enc_NdPrefix(x, m.prefixes.add())

def _dec_r_nd_list(m: Any) -> Any:
    return _new(NdListResult, ([_dec_NdRouter(x) for x in m.routers], [_dec_NdPrefix(x) for x in m.prefixes], ))


def _enc_q_netconfig_ifimpair(a: Any, m: Any) -> None:
    m.ifname = a[0]
    if a[1] is not None: m.settings.SetInParent(); _enc_Impairment(a[1], m.settings)

def _dec_q_netconfig_ifimpair(m: Any) -> Any:
    return (m.ifname, _dec_Impairment(m.settings) if m.HasField("settings") else None)

def _enc_r_netconfig_ifimpair(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_netconfig_ifimpair(m: Any) -> Any:
    return None


def _enc_q_netconfig_ifimpairstat(a: Any, m: Any) -> None:
    m.ifname = a[0]

def _dec_q_netconfig_ifimpairstat(m: Any) -> Any:
    return (m.ifname,)

def _enc_r_netconfig_ifimpairstat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.stat.SetInParent(); _enc_ImpairmentStat(v, m.stat)

def _dec_r_netconfig_ifimpairstat(m: Any) -> Any:
    return _dec_ImpairmentStat(m.stat) if m.HasField("stat") else None


def _enc_q_netconfig_ifcapture(a: Any, m: Any) -> None:
    m.ifname = a[0]
    m.hostpath = _buffer(a[1])
    if a[2] is not None: m.snaplen = a[2]

def _dec_q_netconfig_ifcapture(m: Any) -> Any:
    return (m.ifname, m.hostpath, m.snaplen if m.HasField("snaplen") else None)

def _enc_r_netconfig_ifcapture(v: Any, m: Any) -> None:
    m.packets = v

def _dec_r_netconfig_ifcapture(m: Any) -> Any:
    return m.packets


def _enc_q_bpf_open(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_bpf_open(m: Any) -> Any:
    return ()

def _enc_r_bpf_open(v: Any, m: Any) -> None:
    m.fd = v

def _dec_r_bpf_open(m: Any) -> Any:
    return m.fd


def _enc_q_dev_list(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_dev_list(m: Any) -> Any:
    return ()

def _enc_r_dev_list(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Driver(x, m.drivers.add())

def _dec_r_dev_list(m: Any) -> Any:
    return [_dec_Driver(x) for x in m.drivers]


def _enc_q_md_create(a: Any, m: Any) -> None:
    m.unit = a[0]
    m.size = a[1]

def _dec_q_md_create(m: Any) -> Any:
    return (m.unit, m.size)

def _enc_r_md_create(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_md_create(m: Any) -> Any:
    return None


def _enc_q_md_destroy(a: Any, m: Any) -> None:
    m.unit = a[0]

def _dec_q_md_destroy(m: Any) -> Any:
    return (m.unit,)

def _enc_r_md_destroy(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_md_destroy(m: Any) -> Any:
    return None


def _enc_q_proc_create(a: Any, m: Any) -> None:
    m.comm = a[0]

def _dec_q_proc_create(m: Any) -> Any:
    return (m.comm,)

def _enc_r_proc_create(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.process.SetInParent(); _enc_ProcessInfo(v, m.process)

def _dec_r_proc_create(m: Any) -> Any:
    return _dec_ProcessInfo(m.process) if m.HasField("process") else None


def _enc_q_proc_admit(a: Any, m: Any) -> None:
    m.comm = a[0]
    if a[1] is not None: m.cred.SetInParent(); _enc_Credentials(a[1], m.cred)
    m.processes = a[2]
    m.descriptors = a[3]

def _dec_q_proc_admit(m: Any) -> Any:
    return (m.comm, _dec_Credentials(m.cred) if m.HasField("cred") else None, m.processes, m.descriptors)

def _enc_r_proc_admit(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.process.SetInParent(); _enc_ProcessInfo(v, m.process)

def _dec_r_proc_admit(m: Any) -> Any:
    return _dec_ProcessInfo(m.process) if m.HasField("process") else None


def _enc_q_proc_fork(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_proc_fork(m: Any) -> Any:
    return ()

def _enc_r_proc_fork(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.process.SetInParent(); _enc_ProcessInfo(v, m.process)

def _dec_r_proc_fork(m: Any) -> Any:
    return _dec_ProcessInfo(m.process) if m.HasField("process") else None


def _enc_q_proc_exit(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.status = a[1]

def _dec_q_proc_exit(m: Any) -> Any:
    return (m.pid, m.status)

def _enc_r_proc_exit(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_proc_exit(m: Any) -> Any:
    return None


def _enc_q_proc_exec(a: Any, m: Any) -> None:
    m.comm = a[0]

def _dec_q_proc_exec(m: Any) -> Any:
    return (m.comm,)

def _enc_r_proc_exec(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.process.SetInParent(); _enc_ProcessInfo(v, m.process)

def _dec_r_proc_exec(m: Any) -> Any:
    return _dec_ProcessInfo(m.process) if m.HasField("process") else None


def _enc_q_signal_post(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.signo = a[1]
    if a[2] is not None: m.info.SetInParent(); _enc_Siginfo(a[2], m.info)

def _dec_q_signal_post(m: Any) -> Any:
    return (m.pid, m.signo, _dec_Siginfo(m.info) if m.HasField("info") else None)

def _enc_r_signal_post(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_signal_post(m: Any) -> Any:
    return None


def _enc_q_proc_list(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_proc_list(m: Any) -> Any:
    return ()

def _enc_r_proc_list(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_ProcessInfo(x, m.processes.add())

def _dec_r_proc_list(m: Any) -> Any:
    return [_dec_ProcessInfo(x) for x in m.processes]


def _enc_q_cred_get(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_cred_get(m: Any) -> Any:
    return ()

def _enc_r_cred_get(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.cred.SetInParent(); _enc_Credentials(v, m.cred)

def _dec_r_cred_get(m: Any) -> Any:
    return _dec_Credentials(m.cred) if m.HasField("cred") else None


def _enc_q_module_upload(a: Any, m: Any) -> None:
    m.filename = a[0]
    m.sha256 = _buffer(a[1])
    m.public_key = _buffer(a[2])
    m.signature = _buffer(a[3])
    m.wheel = _buffer(a[4])

def _dec_q_module_upload(m: Any) -> Any:
    return (m.filename, m.sha256, m.public_key, m.signature, m.wheel)

def _enc_r_module_upload(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.module.SetInParent(); _enc_ModuleStat(v, m.module)

def _dec_r_module_upload(m: Any) -> Any:
    return _dec_ModuleStat(m.module) if m.HasField("module") else None


def _enc_q_module_list(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_module_list(m: Any) -> Any:
    return ()

def _enc_r_module_list(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_ModuleStat(x, m.modules.add())

def _dec_r_module_list(m: Any) -> Any:
    return [_dec_ModuleStat(x) for x in m.modules]


def _enc_q_halt(a: Any, m: Any) -> None:
    m.opt = a[0]

def _dec_q_halt(m: Any) -> Any:
    return (m.opt,)

def _enc_r_halt(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_halt(m: Any) -> Any:
    return None


def _enc_q_dir_hold(a: Any, m: Any) -> None:
    m.fd = a[0]
    m.path = _buffer(a[1])

def _dec_q_dir_hold(m: Any) -> Any:
    return (m.fd, m.path)

def _enc_r_dir_hold(v: Any, m: Any) -> None:
    m.handle = v

def _dec_r_dir_hold(m: Any) -> Any:
    return m.handle


def _enc_q_dir_release(a: Any, m: Any) -> None:
    m.handle = a[0]

def _dec_q_dir_release(m: Any) -> Any:
    return (m.handle,)

def _enc_r_dir_release(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dir_release(m: Any) -> Any:
    return None


def _enc_q_dir_dup(a: Any, m: Any) -> None:
    m.handle = a[0]

def _dec_q_dir_dup(m: Any) -> Any:
    return (m.handle,)

def _enc_r_dir_dup(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_dir_dup(m: Any) -> Any:
    return None


def _enc_q_socket_bind(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.mode = a[1]
    m.socket = a[2]

def _dec_q_socket_bind(m: Any) -> Any:
    return (m.path, m.mode, m.socket)

def _enc_r_socket_bind(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_socket_bind(m: Any) -> Any:
    return None


def _enc_q_socket_lookup(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])

def _dec_q_socket_lookup(m: Any) -> Any:
    return (m.path,)

def _enc_r_socket_lookup(v: Any, m: Any) -> None:
    m.socket = v

def _dec_r_socket_lookup(m: Any) -> Any:
    return m.socket


def _enc_q_file_read(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.offset = a[1]
    m.length = a[2]

def _dec_q_file_read(m: Any) -> Any:
    return (m.path, m.offset, m.length)

def _enc_r_file_read(v: Any, m: Any) -> None:
    m.data = _buffer(v[0])
    m.size = v[1]

def _dec_r_file_read(m: Any) -> Any:
    return _new(FileReadResult, (m.data, m.size, ))


def _enc_q_lock_release(a: Any, m: Any) -> None:
    m.handle = a[0]

def _dec_q_lock_release(m: Any) -> Any:
    return (m.handle,)

def _enc_r_lock_release(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_lock_release(m: Any) -> Any:
    return None


def _enc_q_disk_take(a: Any, m: Any) -> None:
    m.path = _buffer(a[0])
    m.readonly = a[1]
    m.files = a[2]

def _dec_q_disk_take(m: Any) -> Any:
    return (m.path, m.readonly, m.files)

def _enc_r_disk_take(v: Any, m: Any) -> None:
    m.handle = v[0]
    m.hostpath = _buffer(v[1])
    m.begin = v[2]
    m.size = v[3]
    m.rdev = v[4]
    m.readonly = v[5]
    m.dev = v[6]
    m.ino = v[7]

def _dec_r_disk_take(m: Any) -> Any:
    return _new(DiskTakeResult, (m.handle, m.hostpath, m.begin, m.size, m.rdev, m.readonly, m.dev, m.ino, ))


def _enc_q_disk_give(a: Any, m: Any) -> None:
    m.handle = a[0]

def _dec_q_disk_give(m: Any) -> Any:
    return (m.handle,)

def _enc_r_disk_give(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_disk_give(m: Any) -> Any:
    return None


def _enc_q_device_of(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.handles.extend(a[0])

def _dec_q_device_of(m: Any) -> Any:
    return (list(m.handles),)

def _enc_r_device_of(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.devices.extend(v)

def _dec_r_device_of(m: Any) -> Any:
    return list(m.devices)


def _enc_q_dev_open(a: Any, m: Any) -> None:
    m.block = a[0]
    m.rdev = a[1]
    m.flags = a[2]

def _dec_q_dev_open(m: Any) -> Any:
    return (m.block, m.rdev, m.flags)

def _enc_r_dev_open(v: Any, m: Any) -> None:
    m.handle = v

def _dec_r_dev_open(m: Any) -> Any:
    return m.handle


def _enc_q_session_end(a: Any, m: Any) -> None:
    m.sid = a[0]

def _dec_q_session_end(m: Any) -> Any:
    return (m.sid,)

def _enc_r_session_end(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_session_end(m: Any) -> Any:
    return None


def _enc_q_dev_map(a: Any, m: Any) -> None:
    m.rdev = a[0]

def _dec_q_dev_map(m: Any) -> Any:
    return (m.rdev,)

def _enc_r_dev_map(v: Any, m: Any) -> None:
    m.hostpath = _buffer(v[0])
    m.size = v[1]
    m.begin = v[2]
    m.file = v[3]

def _dec_r_dev_map(m: Any) -> Any:
    return _new(DevMapResult, (m.hostpath, m.size, m.begin, m.file, ))


def _enc_q_module_describe(a: Any, m: Any) -> None:
    m.name = a[0]
    m.wheel = _buffer(a[1])

def _dec_q_module_describe(m: Any) -> Any:
    return (m.name, m.wheel)

def _enc_r_module_describe(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.module.SetInParent(); _enc_ModuleStat(v, m.module)

def _dec_r_module_describe(m: Any) -> Any:
    return _dec_ModuleStat(m.module) if m.HasField("module") else None


def _enc_q_module_load(a: Any, m: Any) -> None:
    m.name = a[0]
    if a[1]: m.props.update(a[1])

def _dec_q_module_load(m: Any) -> Any:
    return (m.name, dict(m.props))

def _enc_r_module_load(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.module.SetInParent(); _enc_ModuleStat(v, m.module)

def _dec_r_module_load(m: Any) -> Any:
    return _dec_ModuleStat(m.module) if m.HasField("module") else None


def _enc_q_module_unload(a: Any, m: Any) -> None:
    m.name = a[0]
    m.auto = a[1]

def _dec_q_module_unload(m: Any) -> Any:
    return (m.name, m.auto)

def _enc_r_module_unload(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_module_unload(m: Any) -> Any:
    return None


def _enc_q_sysctl_export(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_sysctl_export(m: Any) -> Any:
    return ()

def _enc_r_sysctl_export(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_SysctlExport(x, m.nodes.add())

def _dec_r_sysctl_export(m: Any) -> Any:
    return [_dec_SysctlExport(x) for x in m.nodes]


def _enc_q_sysctl_value(a: Any, m: Any) -> None:
    m.path = a[0]
    if a[1] is not None: m.newv.SetInParent(); _enc_SysctlValue(a[1], m.newv)

def _dec_q_sysctl_value(m: Any) -> Any:
    return (m.path, _dec_SysctlValue(m.newv) if m.HasField("newv") else None)

def _enc_r_sysctl_value(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.oldv.SetInParent(); _enc_SysctlValue(v, m.oldv)

def _dec_r_sysctl_value(m: Any) -> Any:
    return _dec_SysctlValue(m.oldv) if m.HasField("oldv") else None


def _enc_q_poll_objects(a: Any, m: Any) -> None:
    if a[0]: m.handles.extend(a[0])
    if a[1]: m.events.extend(a[1])
    if a[2]: m.queues.extend(a[2])
    m.wait = a[3]

def _dec_q_poll_objects(m: Any) -> Any:
    return (list(m.handles), list(m.events), list(m.queues), m.wait)

def _enc_r_poll_objects(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.revents.extend(v)

def _dec_r_poll_objects(m: Any) -> Any:
    return list(m.revents)


def _enc_q_knote_change(a: Any, m: Any) -> None:
    m.queue = a[0]
    for x in a[1] or (): _enc_KnoteSpec(x, m.changes.add())
    m.room = a[2]

def _dec_q_knote_change(m: Any) -> Any:
    return (m.queue, [_dec_KnoteSpec(x) for x in m.changes], m.room)

def _enc_r_knote_change(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Kevent(x, m.outcomes.add())

def _dec_r_knote_change(m: Any) -> Any:
    return [_dec_Kevent(x) for x in m.outcomes]


def _enc_q_knote_collect(a: Any, m: Any) -> None:
    m.queue = a[0]
    m.nevents = a[1]
    m.wait = a[2]

def _dec_q_knote_collect(m: Any) -> Any:
    return (m.queue, m.nevents, m.wait)

def _enc_r_knote_collect(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_Kevent(x, m.events.add())

def _dec_r_knote_collect(m: Any) -> Any:
    return [_dec_Kevent(x) for x in m.events]


def _enc_q_knote_detach(a: Any, m: Any) -> None:
    m.queue = a[0]
    m.ident = a[1]

def _dec_q_knote_detach(m: Any) -> Any:
    return (m.queue, m.ident)

def _enc_r_knote_detach(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_knote_detach(m: Any) -> Any:
    return None


def _enc_q_memory_held(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_memory_held(m: Any) -> Any:
    return ()

def _enc_r_memory_held(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_MemoryHeld(x, m.held.add())

def _dec_r_memory_held(m: Any) -> Any:
    return [_dec_MemoryHeld(x) for x in m.held]


def _enc_q_ping(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_ping(m: Any) -> Any:
    return ()

def _enc_r_ping(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_ping(m: Any) -> Any:
    return None


def _enc_q_run_seen(a: Any, m: Any) -> None:
    m.link = a[0]

def _dec_q_run_seen(m: Any) -> Any:
    return (m.link,)

def _enc_r_run_seen(v: Any, m: Any) -> None:
    m.last = v

def _dec_r_run_seen(m: Any) -> Any:
    return m.last


def _enc_q_handles_kept(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.handles.extend(a[0])
    if a[1]: m.directories.extend(a[1])

def _dec_q_handles_kept(m: Any) -> Any:
    return (list(m.handles), list(m.directories))

def _enc_r_handles_kept(v: Any, m: Any) -> None:
    m.SetInParent()
    if v[0]: m.handles.extend(v[0])
    if v[1]: m.directories.extend(v[1])

def _dec_r_handles_kept(m: Any) -> Any:
    return _new(HandlesKeptResult, (list(m.handles), list(m.directories), ))


def _enc_q_hand_over(a: Any, m: Any) -> None:
    m.path = a[0]

def _dec_q_hand_over(m: Any) -> Any:
    return (m.path,)

def _enc_r_hand_over(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_hand_over(m: Any) -> Any:
    return None


def _enc_q_fd_list(a: Any, m: Any) -> None:
    m.pid = a[0]

def _dec_q_fd_list(m: Any) -> Any:
    return (m.pid,)

def _enc_r_fd_list(v: Any, m: Any) -> None:
    m.SetInParent()
    if v: m.fds.extend(v)

def _dec_r_fd_list(m: Any) -> Any:
    return list(m.fds)


def _enc_q_fd_table(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_fd_table(m: Any) -> Any:
    return ()

def _enc_r_fd_table(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_KinfoFile(x, m.files.add())

def _dec_r_fd_table(m: Any) -> Any:
    return [_dec_KinfoFile(x) for x in m.files]


def _enc_q_fd_stat(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.number = a[1]

def _dec_q_fd_stat(m: Any) -> Any:
    return (m.pid, m.number)

def _enc_r_fd_stat(v: Any, m: Any) -> None:
    m.SetInParent()
    if v is not None: m.st.SetInParent(); _enc_Stat(v, m.st)

def _dec_r_fd_stat(m: Any) -> Any:
    return _dec_Stat(m.st) if m.HasField("st") else None


def _enc_q_faction_start(a: Any, m: Any) -> None:
    m.faction = a[0]

def _dec_q_faction_start(m: Any) -> Any:
    return (m.faction,)

def _enc_r_faction_start(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_faction_start(m: Any) -> Any:
    return None


def _enc_q_signal_deliver(a: Any, m: Any) -> None:
    if a[0]: m.pids.extend(a[0])
    m.signo = a[1]
    m.how = a[2]
    if a[3] is not None: m.info.SetInParent(); _enc_Siginfo(a[3], m.info)

def _dec_q_signal_deliver(m: Any) -> Any:
    return (list(m.pids), m.signo, m.how, _dec_Siginfo(m.info) if m.HasField("info") else None)

def _enc_r_signal_deliver(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_signal_deliver(m: Any) -> Any:
    return None


def _enc_q_limits_set(a: Any, m: Any) -> None:
    m.pid = a[0]
    m.nofile = a[1]
    m.fsize = a[2]
    m.nthr = a[3]
    m.sbsize = a[4]

def _dec_q_limits_set(m: Any) -> Any:
    return (m.pid, m.nofile, m.fsize, m.nthr, m.sbsize)

def _enc_r_limits_set(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_limits_set(m: Any) -> Any:
    return None


def _enc_q_aio_limits_set(a: Any, m: Any) -> None:
    m.listio_max = a[0]
    m.max = a[1]

def _dec_q_aio_limits_set(m: Any) -> Any:
    return (m.listio_max, m.max)

def _enc_r_aio_limits_set(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_aio_limits_set(m: Any) -> Any:
    return None


def _enc_q_socket_urgent(a: Any, m: Any) -> None:
    m.handle = a[0]

def _dec_q_socket_urgent(m: Any) -> Any:
    return (m.handle,)

def _enc_r_socket_urgent(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_socket_urgent(m: Any) -> Any:
    return None


def _enc_q_memory_room(a: Any, m: Any) -> None:
    m.subject = a[0]
    m.component = a[1]
    m.kind = a[2]

def _dec_q_memory_room(m: Any) -> Any:
    return (m.subject, m.component, m.kind)

def _enc_r_memory_room(v: Any, m: Any) -> None:
    m.bytes = v

def _dec_r_memory_room(m: Any) -> Any:
    return m.bytes


def _enc_q_rights_drop(a: Any, m: Any) -> None:
    m.SetInParent()
    if a[0]: m.tokens.extend(a[0])

def _dec_q_rights_drop(m: Any) -> Any:
    return (list(m.tokens),)

def _enc_r_rights_drop(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_rights_drop(m: Any) -> Any:
    return None


def _enc_q_rights_held(a: Any, m: Any) -> None:
    m.SetInParent()

def _dec_q_rights_held(m: Any) -> Any:
    return ()

def _enc_r_rights_held(v: Any, m: Any) -> None:
    m.SetInParent()
    for x in v or (): _enc_RightsHolder(x, m.holders.add())

def _dec_r_rights_held(m: Any) -> Any:
    return [_dec_RightsHolder(x) for x in m.holders]


def _enc_q_connect_wait(a: Any, m: Any) -> None:
    m.s = a[0]

def _dec_q_connect_wait(m: Any) -> Any:
    return (m.s,)

def _enc_r_connect_wait(v: Any, m: Any) -> None:
    m.SetInParent()

def _dec_r_connect_wait(m: Any) -> Any:
    return None

# name: (arguments into a message, message into arguments)
REQUEST: dict[str, tuple[Encoder, Decoder]] = {
    "read": (_enc_q_read, _dec_q_read),
    "write": (_enc_q_write, _dec_q_write),
    "close": (_enc_q_close, _dec_q_close),
    "kill": (_enc_q_kill, _dec_q_kill),
    "sigqueue": (_enc_q_sigqueue, _dec_q_sigqueue),
    "sigpending": (_enc_q_sigpending, _dec_q_sigpending),
    "getpid": (_enc_q_getpid, _dec_q_getpid),
    "setuid": (_enc_q_setuid, _dec_q_setuid),
    "getuid": (_enc_q_getuid, _dec_q_getuid),
    "geteuid": (_enc_q_geteuid, _dec_q_geteuid),
    "getppid": (_enc_q_getppid, _dec_q_getppid),
    "file_list": (_enc_q_file_list, _dec_q_file_list),
    "dup": (_enc_q_dup, _dec_q_dup),
    "pipe": (_enc_q_pipe, _dec_q_pipe),
    "getegid": (_enc_q_getegid, _dec_q_getegid),
    "getgid": (_enc_q_getgid, _dec_q_getgid),
    "getlogin": (_enc_q_getlogin, _dec_q_getlogin),
    "setlogin": (_enc_q_setlogin, _dec_q_setlogin),
    "ioctl": (_enc_q_ioctl, _dec_q_ioctl),
    "getgroups": (_enc_q_getgroups, _dec_q_getgroups),
    "setgroups": (_enc_q_setgroups, _dec_q_setgroups),
    "getpgrp": (_enc_q_getpgrp, _dec_q_getpgrp),
    "setpgid": (_enc_q_setpgid, _dec_q_setpgid),
    "dup2": (_enc_q_dup2, _dec_q_dup2),
    "fcntl": (_enc_q_fcntl, _dec_q_fcntl),
    "readv": (_enc_q_readv, _dec_q_readv),
    "writev": (_enc_q_writev, _dec_q_writev),
    "setreuid": (_enc_q_setreuid, _dec_q_setreuid),
    "setregid": (_enc_q_setregid, _dec_q_setregid),
    "flock": (_enc_q_flock, _dec_q_flock),
    "setsid": (_enc_q_setsid, _dec_q_setsid),
    "setgid": (_enc_q_setgid, _dec_q_setgid),
    "setegid": (_enc_q_setegid, _dec_q_setegid),
    "seteuid": (_enc_q_seteuid, _dec_q_seteuid),
    "fpathconf": (_enc_q_fpathconf, _dec_q_fpathconf),
    "getrlimit": (_enc_q_getrlimit, _dec_q_getrlimit),
    "setrlimit": (_enc_q_setrlimit, _dec_q_setrlimit),
    "sysctl": (_enc_q_sysctl, _dec_q_sysctl),
    "getpgid": (_enc_q_getpgid, _dec_q_getpgid),
    "reboot": (_enc_q_reboot, _dec_q_reboot),
    "poll": (_enc_q_poll, _dec_q_poll),
    "timer_create": (_enc_q_timer_create, _dec_q_timer_create),
    "timer_delete": (_enc_q_timer_delete, _dec_q_timer_delete),
    "timer_getoverrun": (_enc_q_timer_getoverrun, _dec_q_timer_getoverrun),
    "modctl": (_enc_q_modctl, _dec_q_modctl),
    "getsid": (_enc_q_getsid, _dec_q_getsid),
    "fktrace": (_enc_q_fktrace, _dec_q_fktrace),
    "issetugid": (_enc_q_issetugid, _dec_q_issetugid),
    "utrace": (_enc_q_utrace, _dec_q_utrace),
    "kqueue": (_enc_q_kqueue, _dec_q_kqueue),
    "posix_fadvise": (_enc_q_posix_fadvise, _dec_q_posix_fadvise),
    "select": (_enc_q_select, _dec_q_select),
    "gettimeofday": (_enc_q_gettimeofday, _dec_q_gettimeofday),
    "settimeofday": (_enc_q_settimeofday, _dec_q_settimeofday),
    "adjtime": (_enc_q_adjtime, _dec_q_adjtime),
    "setitimer": (_enc_q_setitimer, _dec_q_setitimer),
    "getitimer": (_enc_q_getitimer, _dec_q_getitimer),
    "clock_gettime": (_enc_q_clock_gettime, _dec_q_clock_gettime),
    "clock_settime": (_enc_q_clock_settime, _dec_q_clock_settime),
    "clock_getres": (_enc_q_clock_getres, _dec_q_clock_getres),
    "nanosleep": (_enc_q_nanosleep, _dec_q_nanosleep),
    "kevent": (_enc_q_kevent, _dec_q_kevent),
    "pselect": (_enc_q_pselect, _dec_q_pselect),
    "pollts": (_enc_q_pollts, _dec_q_pollts),
    "fstat": (_enc_q_fstat, _dec_q_fstat),
    "timer_settime": (_enc_q_timer_settime, _dec_q_timer_settime),
    "timer_gettime": (_enc_q_timer_gettime, _dec_q_timer_gettime),
    "pipe2": (_enc_q_pipe2, _dec_q_pipe2),
    "dup3": (_enc_q_dup3, _dec_q_dup3),
    "kqueue1": (_enc_q_kqueue1, _dec_q_kqueue1),
    "clock_nanosleep": (_enc_q_clock_nanosleep, _dec_q_clock_nanosleep),
    "module_init": (_enc_q_module_init, _dec_q_module_init),
    "module_fini": (_enc_q_module_fini, _dec_q_module_fini),
    "component_restart": (_enc_q_component_restart, _dec_q_component_restart),
    "ksem_init": (_enc_q_ksem_init, _dec_q_ksem_init),
    "ksem_open": (_enc_q_ksem_open, _dec_q_ksem_open),
    "ksem_unlink": (_enc_q_ksem_unlink, _dec_q_ksem_unlink),
    "ksem_close": (_enc_q_ksem_close, _dec_q_ksem_close),
    "ksem_post": (_enc_q_ksem_post, _dec_q_ksem_post),
    "ksem_wait": (_enc_q_ksem_wait, _dec_q_ksem_wait),
    "ksem_trywait": (_enc_q_ksem_trywait, _dec_q_ksem_trywait),
    "ksem_getvalue": (_enc_q_ksem_getvalue, _dec_q_ksem_getvalue),
    "ksem_destroy": (_enc_q_ksem_destroy, _dec_q_ksem_destroy),
    "ksem_timedwait": (_enc_q_ksem_timedwait, _dec_q_ksem_timedwait),
    "aio_cancel": (_enc_q_aio_cancel, _dec_q_aio_cancel),
    "aio_error": (_enc_q_aio_error, _dec_q_aio_error),
    "aio_fsync": (_enc_q_aio_fsync, _dec_q_aio_fsync),
    "aio_read": (_enc_q_aio_read, _dec_q_aio_read),
    "aio_return": (_enc_q_aio_return, _dec_q_aio_return),
    "aio_write": (_enc_q_aio_write, _dec_q_aio_write),
    "lio_listio": (_enc_q_lio_listio, _dec_q_lio_listio),
    "aio_suspend": (_enc_q_aio_suspend, _dec_q_aio_suspend),
    "open": (_enc_q_open, _dec_q_open),
    "link": (_enc_q_link, _dec_q_link),
    "unlink": (_enc_q_unlink, _dec_q_unlink),
    "chdir": (_enc_q_chdir, _dec_q_chdir),
    "fchdir": (_enc_q_fchdir, _dec_q_fchdir),
    "chmod": (_enc_q_chmod, _dec_q_chmod),
    "chown": (_enc_q_chown, _dec_q_chown),
    "unmount": (_enc_q_unmount, _dec_q_unmount),
    "access": (_enc_q_access, _dec_q_access),
    "chflags": (_enc_q_chflags, _dec_q_chflags),
    "fchflags": (_enc_q_fchflags, _dec_q_fchflags),
    "sync": (_enc_q_sync, _dec_q_sync),
    "ktrace": (_enc_q_ktrace, _dec_q_ktrace),
    "revoke": (_enc_q_revoke, _dec_q_revoke),
    "symlink": (_enc_q_symlink, _dec_q_symlink),
    "readlink": (_enc_q_readlink, _dec_q_readlink),
    "umask": (_enc_q_umask, _dec_q_umask),
    "chroot": (_enc_q_chroot, _dec_q_chroot),
    "fsync": (_enc_q_fsync, _dec_q_fsync),
    "fchown": (_enc_q_fchown, _dec_q_fchown),
    "fchmod": (_enc_q_fchmod, _dec_q_fchmod),
    "rename": (_enc_q_rename, _dec_q_rename),
    "mkfifo": (_enc_q_mkfifo, _dec_q_mkfifo),
    "mkdir": (_enc_q_mkdir, _dec_q_mkdir),
    "rmdir": (_enc_q_rmdir, _dec_q_rmdir),
    "pread": (_enc_q_pread, _dec_q_pread),
    "pwrite": (_enc_q_pwrite, _dec_q_pwrite),
    "pathconf": (_enc_q_pathconf, _dec_q_pathconf),
    "lseek": (_enc_q_lseek, _dec_q_lseek),
    "truncate": (_enc_q_truncate, _dec_q_truncate),
    "ftruncate": (_enc_q_ftruncate, _dec_q_ftruncate),
    "fdatasync": (_enc_q_fdatasync, _dec_q_fdatasync),
    "posix_rename": (_enc_q_posix_rename, _dec_q_posix_rename),
    "lchmod": (_enc_q_lchmod, _dec_q_lchmod),
    "lchown": (_enc_q_lchown, _dec_q_lchown),
    "posix_chown": (_enc_q_posix_chown, _dec_q_posix_chown),
    "posix_fchown": (_enc_q_posix_fchown, _dec_q_posix_fchown),
    "posix_lchown": (_enc_q_posix_lchown, _dec_q_posix_lchown),
    "preadv": (_enc_q_preadv, _dec_q_preadv),
    "pwritev": (_enc_q_pwritev, _dec_q_pwritev),
    "getcwd": (_enc_q_getcwd, _dec_q_getcwd),
    "fchroot": (_enc_q_fchroot, _dec_q_fchroot),
    "lchflags": (_enc_q_lchflags, _dec_q_lchflags),
    "fsync_range": (_enc_q_fsync_range, _dec_q_fsync_range),
    "getvfsstat": (_enc_q_getvfsstat, _dec_q_getvfsstat),
    "statvfs1": (_enc_q_statvfs1, _dec_q_statvfs1),
    "fstatvfs1": (_enc_q_fstatvfs1, _dec_q_fstatvfs1),
    "extattrctl": (_enc_q_extattrctl, _dec_q_extattrctl),
    "extattr_set_file": (_enc_q_extattr_set_file, _dec_q_extattr_set_file),
    "extattr_get_file": (_enc_q_extattr_get_file, _dec_q_extattr_get_file),
    "extattr_delete_file": (_enc_q_extattr_delete_file, _dec_q_extattr_delete_file),
    "extattr_set_fd": (_enc_q_extattr_set_fd, _dec_q_extattr_set_fd),
    "extattr_get_fd": (_enc_q_extattr_get_fd, _dec_q_extattr_get_fd),
    "extattr_delete_fd": (_enc_q_extattr_delete_fd, _dec_q_extattr_delete_fd),
    "extattr_set_link": (_enc_q_extattr_set_link, _dec_q_extattr_set_link),
    "extattr_get_link": (_enc_q_extattr_get_link, _dec_q_extattr_get_link),
    "extattr_delete_link": (_enc_q_extattr_delete_link, _dec_q_extattr_delete_link),
    "extattr_list_fd": (_enc_q_extattr_list_fd, _dec_q_extattr_list_fd),
    "extattr_list_file": (_enc_q_extattr_list_file, _dec_q_extattr_list_file),
    "extattr_list_link": (_enc_q_extattr_list_link, _dec_q_extattr_list_link),
    "setxattr": (_enc_q_setxattr, _dec_q_setxattr),
    "lsetxattr": (_enc_q_lsetxattr, _dec_q_lsetxattr),
    "fsetxattr": (_enc_q_fsetxattr, _dec_q_fsetxattr),
    "getxattr": (_enc_q_getxattr, _dec_q_getxattr),
    "lgetxattr": (_enc_q_lgetxattr, _dec_q_lgetxattr),
    "fgetxattr": (_enc_q_fgetxattr, _dec_q_fgetxattr),
    "listxattr": (_enc_q_listxattr, _dec_q_listxattr),
    "llistxattr": (_enc_q_llistxattr, _dec_q_llistxattr),
    "flistxattr": (_enc_q_flistxattr, _dec_q_flistxattr),
    "removexattr": (_enc_q_removexattr, _dec_q_removexattr),
    "lremovexattr": (_enc_q_lremovexattr, _dec_q_lremovexattr),
    "fremovexattr": (_enc_q_fremovexattr, _dec_q_fremovexattr),
    "getdents": (_enc_q_getdents, _dec_q_getdents),
    "getfh": (_enc_q_getfh, _dec_q_getfh),
    "fhopen": (_enc_q_fhopen, _dec_q_fhopen),
    "fhstatvfs1": (_enc_q_fhstatvfs1, _dec_q_fhstatvfs1),
    "mount": (_enc_q_mount, _dec_q_mount),
    "utimes": (_enc_q_utimes, _dec_q_utimes),
    "futimes": (_enc_q_futimes, _dec_q_futimes),
    "lutimes": (_enc_q_lutimes, _dec_q_lutimes),
    "stat": (_enc_q_stat, _dec_q_stat),
    "lstat": (_enc_q_lstat, _dec_q_lstat),
    "mknod": (_enc_q_mknod, _dec_q_mknod),
    "fhstat": (_enc_q_fhstat, _dec_q_fhstat),
    "linkat": (_enc_q_linkat, _dec_q_linkat),
    "renameat": (_enc_q_renameat, _dec_q_renameat),
    "mkfifoat": (_enc_q_mkfifoat, _dec_q_mkfifoat),
    "mknodat": (_enc_q_mknodat, _dec_q_mknodat),
    "mkdirat": (_enc_q_mkdirat, _dec_q_mkdirat),
    "faccessat": (_enc_q_faccessat, _dec_q_faccessat),
    "fchmodat": (_enc_q_fchmodat, _dec_q_fchmodat),
    "fchownat": (_enc_q_fchownat, _dec_q_fchownat),
    "fstatat": (_enc_q_fstatat, _dec_q_fstatat),
    "utimensat": (_enc_q_utimensat, _dec_q_utimensat),
    "openat": (_enc_q_openat, _dec_q_openat),
    "readlinkat": (_enc_q_readlinkat, _dec_q_readlinkat),
    "symlinkat": (_enc_q_symlinkat, _dec_q_symlinkat),
    "unlinkat": (_enc_q_unlinkat, _dec_q_unlinkat),
    "futimens": (_enc_q_futimens, _dec_q_futimens),
    "quotactl": (_enc_q_quotactl, _dec_q_quotactl),
    "posix_fallocate": (_enc_q_posix_fallocate, _dec_q_posix_fallocate),
    "fdiscard": (_enc_q_fdiscard, _dec_q_fdiscard),
    "etfs_register": (_enc_q_etfs_register, _dec_q_etfs_register),
    "etfs_register_withsize": (_enc_q_etfs_register_withsize, _dec_q_etfs_register_withsize),
    "etfs_remove": (_enc_q_etfs_remove, _dec_q_etfs_remove),
    "newfs": (_enc_q_newfs, _dec_q_newfs),
    "getdents_stat": (_enc_q_getdents_stat, _dec_q_getdents_stat),
    "getdents_packed": (_enc_q_getdents_packed, _dec_q_getdents_packed),
    "recvmsg": (_enc_q_recvmsg, _dec_q_recvmsg),
    "sendmsg": (_enc_q_sendmsg, _dec_q_sendmsg),
    "recvfrom": (_enc_q_recvfrom, _dec_q_recvfrom),
    "accept": (_enc_q_accept, _dec_q_accept),
    "getpeername": (_enc_q_getpeername, _dec_q_getpeername),
    "getsockname": (_enc_q_getsockname, _dec_q_getsockname),
    "connect": (_enc_q_connect, _dec_q_connect),
    "bind": (_enc_q_bind, _dec_q_bind),
    "setsockopt": (_enc_q_setsockopt, _dec_q_setsockopt),
    "listen": (_enc_q_listen, _dec_q_listen),
    "getsockopt": (_enc_q_getsockopt, _dec_q_getsockopt),
    "sendto": (_enc_q_sendto, _dec_q_sendto),
    "shutdown": (_enc_q_shutdown, _dec_q_shutdown),
    "socketpair": (_enc_q_socketpair, _dec_q_socketpair),
    "socket": (_enc_q_socket, _dec_q_socket),
    "paccept": (_enc_q_paccept, _dec_q_paccept),
    "recvmmsg": (_enc_q_recvmmsg, _dec_q_recvmmsg),
    "sendmmsg": (_enc_q_sendmmsg, _dec_q_sendmmsg),
    "netconfig_ifcreate": (_enc_q_netconfig_ifcreate, _dec_q_netconfig_ifcreate),
    "netconfig_ifdestroy": (_enc_q_netconfig_ifdestroy, _dec_q_netconfig_ifdestroy),
    "netconfig_ifup": (_enc_q_netconfig_ifup, _dec_q_netconfig_ifup),
    "netconfig_ifdown": (_enc_q_netconfig_ifdown, _dec_q_netconfig_ifdown),
    "netconfig_ifsetlinkstr": (_enc_q_netconfig_ifsetlinkstr, _dec_q_netconfig_ifsetlinkstr),
    "netconfig_bradd": (_enc_q_netconfig_bradd, _dec_q_netconfig_bradd),
    "netconfig_brdel": (_enc_q_netconfig_brdel, _dec_q_netconfig_brdel),
    "netconfig_ipv4_ifaddr": (_enc_q_netconfig_ipv4_ifaddr, _dec_q_netconfig_ipv4_ifaddr),
    "netconfig_ipv4_ifaddr_cidr": (_enc_q_netconfig_ipv4_ifaddr_cidr, _dec_q_netconfig_ipv4_ifaddr_cidr),
    "netconfig_ipv6_ifaddr": (_enc_q_netconfig_ipv6_ifaddr, _dec_q_netconfig_ipv6_ifaddr),
    "netconfig_ipv4_gw": (_enc_q_netconfig_ipv4_gw, _dec_q_netconfig_ipv4_gw),
    "netconfig_ipv6_gw": (_enc_q_netconfig_ipv6_gw, _dec_q_netconfig_ipv6_gw),
    "netconfig_dhcp_ipv4_oneshot": (_enc_q_netconfig_dhcp_ipv4_oneshot, _dec_q_netconfig_dhcp_ipv4_oneshot),
    "netconfig_auto_ipv6": (_enc_q_netconfig_auto_ipv6, _dec_q_netconfig_auto_ipv6),
    "netconfig_ifaddrs": (_enc_q_netconfig_ifaddrs, _dec_q_netconfig_ifaddrs),
    "npf_load": (_enc_q_npf_load, _dec_q_npf_load),
    "npf_config_get": (_enc_q_npf_config_get, _dec_q_npf_config_get),
    "npf_switch": (_enc_q_npf_switch, _dec_q_npf_switch),
    "npf_flush": (_enc_q_npf_flush, _dec_q_npf_flush),
    "npf_connections": (_enc_q_npf_connections, _dec_q_npf_connections),
    "npf_stats": (_enc_q_npf_stats, _dec_q_npf_stats),
    "npf_table": (_enc_q_npf_table, _dec_q_npf_table),
    "npf_rule_add": (_enc_q_npf_rule_add, _dec_q_npf_rule_add),
    "npf_rule_remove": (_enc_q_npf_rule_remove, _dec_q_npf_rule_remove),
    "dhcp_start": (_enc_q_dhcp_start, _dec_q_dhcp_start),
    "dhcp_renew": (_enc_q_dhcp_renew, _dec_q_dhcp_renew),
    "dhcp_stop": (_enc_q_dhcp_stop, _dec_q_dhcp_stop),
    "dhcp_leases": (_enc_q_dhcp_leases, _dec_q_dhcp_leases),
    "dhcpd_start": (_enc_q_dhcpd_start, _dec_q_dhcpd_start),
    "dhcpd_stop": (_enc_q_dhcpd_stop, _dec_q_dhcpd_stop),
    "dhcpd_bindings": (_enc_q_dhcpd_bindings, _dec_q_dhcpd_bindings),
    "dns_forward": (_enc_q_dns_forward, _dec_q_dns_forward),
    "netconfig_ifaddrdel": (_enc_q_netconfig_ifaddrdel, _dec_q_netconfig_ifaddrdel),
    "route_send": (_enc_q_route_send, _dec_q_route_send),
    "route_recv": (_enc_q_route_recv, _dec_q_route_recv),
    "route_dump": (_enc_q_route_dump, _dec_q_route_dump),
    "net_pcblist": (_enc_q_net_pcblist, _dec_q_net_pcblist),
    "net_counters": (_enc_q_net_counters, _dec_q_net_counters),
    "nd_list": (_enc_q_nd_list, _dec_q_nd_list),
    "netconfig_ifimpair": (_enc_q_netconfig_ifimpair, _dec_q_netconfig_ifimpair),
    "netconfig_ifimpairstat": (_enc_q_netconfig_ifimpairstat, _dec_q_netconfig_ifimpairstat),
    "netconfig_ifcapture": (_enc_q_netconfig_ifcapture, _dec_q_netconfig_ifcapture),
    "bpf_open": (_enc_q_bpf_open, _dec_q_bpf_open),
    "dev_list": (_enc_q_dev_list, _dec_q_dev_list),
    "md_create": (_enc_q_md_create, _dec_q_md_create),
    "md_destroy": (_enc_q_md_destroy, _dec_q_md_destroy),
    "proc_create": (_enc_q_proc_create, _dec_q_proc_create),
    "proc_admit": (_enc_q_proc_admit, _dec_q_proc_admit),
    "proc_fork": (_enc_q_proc_fork, _dec_q_proc_fork),
    "proc_exit": (_enc_q_proc_exit, _dec_q_proc_exit),
    "proc_exec": (_enc_q_proc_exec, _dec_q_proc_exec),
    "signal_post": (_enc_q_signal_post, _dec_q_signal_post),
    "proc_list": (_enc_q_proc_list, _dec_q_proc_list),
    "cred_get": (_enc_q_cred_get, _dec_q_cred_get),
    "module_upload": (_enc_q_module_upload, _dec_q_module_upload),
    "module_list": (_enc_q_module_list, _dec_q_module_list),
    "halt": (_enc_q_halt, _dec_q_halt),
    "dir_hold": (_enc_q_dir_hold, _dec_q_dir_hold),
    "dir_release": (_enc_q_dir_release, _dec_q_dir_release),
    "dir_dup": (_enc_q_dir_dup, _dec_q_dir_dup),
    "socket_bind": (_enc_q_socket_bind, _dec_q_socket_bind),
    "socket_lookup": (_enc_q_socket_lookup, _dec_q_socket_lookup),
    "file_read": (_enc_q_file_read, _dec_q_file_read),
    "lock_release": (_enc_q_lock_release, _dec_q_lock_release),
    "disk_take": (_enc_q_disk_take, _dec_q_disk_take),
    "disk_give": (_enc_q_disk_give, _dec_q_disk_give),
    "device_of": (_enc_q_device_of, _dec_q_device_of),
    "dev_open": (_enc_q_dev_open, _dec_q_dev_open),
    "session_end": (_enc_q_session_end, _dec_q_session_end),
    "dev_map": (_enc_q_dev_map, _dec_q_dev_map),
    "module_describe": (_enc_q_module_describe, _dec_q_module_describe),
    "module_load": (_enc_q_module_load, _dec_q_module_load),
    "module_unload": (_enc_q_module_unload, _dec_q_module_unload),
    "sysctl_export": (_enc_q_sysctl_export, _dec_q_sysctl_export),
    "sysctl_value": (_enc_q_sysctl_value, _dec_q_sysctl_value),
    "poll_objects": (_enc_q_poll_objects, _dec_q_poll_objects),
    "knote_change": (_enc_q_knote_change, _dec_q_knote_change),
    "knote_collect": (_enc_q_knote_collect, _dec_q_knote_collect),
    "knote_detach": (_enc_q_knote_detach, _dec_q_knote_detach),
    "memory_held": (_enc_q_memory_held, _dec_q_memory_held),
    "ping": (_enc_q_ping, _dec_q_ping),
    "run_seen": (_enc_q_run_seen, _dec_q_run_seen),
    "handles_kept": (_enc_q_handles_kept, _dec_q_handles_kept),
    "hand_over": (_enc_q_hand_over, _dec_q_hand_over),
    "fd_list": (_enc_q_fd_list, _dec_q_fd_list),
    "fd_table": (_enc_q_fd_table, _dec_q_fd_table),
    "fd_stat": (_enc_q_fd_stat, _dec_q_fd_stat),
    "faction_start": (_enc_q_faction_start, _dec_q_faction_start),
    "signal_deliver": (_enc_q_signal_deliver, _dec_q_signal_deliver),
    "limits_set": (_enc_q_limits_set, _dec_q_limits_set),
    "aio_limits_set": (_enc_q_aio_limits_set, _dec_q_aio_limits_set),
    "socket_urgent": (_enc_q_socket_urgent, _dec_q_socket_urgent),
    "memory_room": (_enc_q_memory_room, _dec_q_memory_room),
    "rights_drop": (_enc_q_rights_drop, _dec_q_rights_drop),
    "rights_held": (_enc_q_rights_held, _dec_q_rights_held),
    "connect_wait": (_enc_q_connect_wait, _dec_q_connect_wait),
}
# name: (value into a message, message into value)
RESPONSE: dict[str, tuple[Encoder, Decoder]] = {
    "read": (_enc_r_read, _dec_r_read),
    "write": (_enc_r_write, _dec_r_write),
    "close": (_enc_r_close, _dec_r_close),
    "kill": (_enc_r_kill, _dec_r_kill),
    "sigqueue": (_enc_r_sigqueue, _dec_r_sigqueue),
    "sigpending": (_enc_r_sigpending, _dec_r_sigpending),
    "getpid": (_enc_r_getpid, _dec_r_getpid),
    "setuid": (_enc_r_setuid, _dec_r_setuid),
    "getuid": (_enc_r_getuid, _dec_r_getuid),
    "geteuid": (_enc_r_geteuid, _dec_r_geteuid),
    "getppid": (_enc_r_getppid, _dec_r_getppid),
    "file_list": (_enc_r_file_list, _dec_r_file_list),
    "dup": (_enc_r_dup, _dec_r_dup),
    "pipe": (_enc_r_pipe, _dec_r_pipe),
    "getegid": (_enc_r_getegid, _dec_r_getegid),
    "getgid": (_enc_r_getgid, _dec_r_getgid),
    "getlogin": (_enc_r_getlogin, _dec_r_getlogin),
    "setlogin": (_enc_r_setlogin, _dec_r_setlogin),
    "ioctl": (_enc_r_ioctl, _dec_r_ioctl),
    "getgroups": (_enc_r_getgroups, _dec_r_getgroups),
    "setgroups": (_enc_r_setgroups, _dec_r_setgroups),
    "getpgrp": (_enc_r_getpgrp, _dec_r_getpgrp),
    "setpgid": (_enc_r_setpgid, _dec_r_setpgid),
    "dup2": (_enc_r_dup2, _dec_r_dup2),
    "fcntl": (_enc_r_fcntl, _dec_r_fcntl),
    "readv": (_enc_r_readv, _dec_r_readv),
    "writev": (_enc_r_writev, _dec_r_writev),
    "setreuid": (_enc_r_setreuid, _dec_r_setreuid),
    "setregid": (_enc_r_setregid, _dec_r_setregid),
    "flock": (_enc_r_flock, _dec_r_flock),
    "setsid": (_enc_r_setsid, _dec_r_setsid),
    "setgid": (_enc_r_setgid, _dec_r_setgid),
    "setegid": (_enc_r_setegid, _dec_r_setegid),
    "seteuid": (_enc_r_seteuid, _dec_r_seteuid),
    "fpathconf": (_enc_r_fpathconf, _dec_r_fpathconf),
    "getrlimit": (_enc_r_getrlimit, _dec_r_getrlimit),
    "setrlimit": (_enc_r_setrlimit, _dec_r_setrlimit),
    "sysctl": (_enc_r_sysctl, _dec_r_sysctl),
    "getpgid": (_enc_r_getpgid, _dec_r_getpgid),
    "reboot": (_enc_r_reboot, _dec_r_reboot),
    "poll": (_enc_r_poll, _dec_r_poll),
    "timer_create": (_enc_r_timer_create, _dec_r_timer_create),
    "timer_delete": (_enc_r_timer_delete, _dec_r_timer_delete),
    "timer_getoverrun": (_enc_r_timer_getoverrun, _dec_r_timer_getoverrun),
    "modctl": (_enc_r_modctl, _dec_r_modctl),
    "getsid": (_enc_r_getsid, _dec_r_getsid),
    "fktrace": (_enc_r_fktrace, _dec_r_fktrace),
    "issetugid": (_enc_r_issetugid, _dec_r_issetugid),
    "utrace": (_enc_r_utrace, _dec_r_utrace),
    "kqueue": (_enc_r_kqueue, _dec_r_kqueue),
    "posix_fadvise": (_enc_r_posix_fadvise, _dec_r_posix_fadvise),
    "select": (_enc_r_select, _dec_r_select),
    "gettimeofday": (_enc_r_gettimeofday, _dec_r_gettimeofday),
    "settimeofday": (_enc_r_settimeofday, _dec_r_settimeofday),
    "adjtime": (_enc_r_adjtime, _dec_r_adjtime),
    "setitimer": (_enc_r_setitimer, _dec_r_setitimer),
    "getitimer": (_enc_r_getitimer, _dec_r_getitimer),
    "clock_gettime": (_enc_r_clock_gettime, _dec_r_clock_gettime),
    "clock_settime": (_enc_r_clock_settime, _dec_r_clock_settime),
    "clock_getres": (_enc_r_clock_getres, _dec_r_clock_getres),
    "nanosleep": (_enc_r_nanosleep, _dec_r_nanosleep),
    "kevent": (_enc_r_kevent, _dec_r_kevent),
    "pselect": (_enc_r_pselect, _dec_r_pselect),
    "pollts": (_enc_r_pollts, _dec_r_pollts),
    "fstat": (_enc_r_fstat, _dec_r_fstat),
    "timer_settime": (_enc_r_timer_settime, _dec_r_timer_settime),
    "timer_gettime": (_enc_r_timer_gettime, _dec_r_timer_gettime),
    "pipe2": (_enc_r_pipe2, _dec_r_pipe2),
    "dup3": (_enc_r_dup3, _dec_r_dup3),
    "kqueue1": (_enc_r_kqueue1, _dec_r_kqueue1),
    "clock_nanosleep": (_enc_r_clock_nanosleep, _dec_r_clock_nanosleep),
    "module_init": (_enc_r_module_init, _dec_r_module_init),
    "module_fini": (_enc_r_module_fini, _dec_r_module_fini),
    "component_restart": (_enc_r_component_restart, _dec_r_component_restart),
    "ksem_init": (_enc_r_ksem_init, _dec_r_ksem_init),
    "ksem_open": (_enc_r_ksem_open, _dec_r_ksem_open),
    "ksem_unlink": (_enc_r_ksem_unlink, _dec_r_ksem_unlink),
    "ksem_close": (_enc_r_ksem_close, _dec_r_ksem_close),
    "ksem_post": (_enc_r_ksem_post, _dec_r_ksem_post),
    "ksem_wait": (_enc_r_ksem_wait, _dec_r_ksem_wait),
    "ksem_trywait": (_enc_r_ksem_trywait, _dec_r_ksem_trywait),
    "ksem_getvalue": (_enc_r_ksem_getvalue, _dec_r_ksem_getvalue),
    "ksem_destroy": (_enc_r_ksem_destroy, _dec_r_ksem_destroy),
    "ksem_timedwait": (_enc_r_ksem_timedwait, _dec_r_ksem_timedwait),
    "aio_cancel": (_enc_r_aio_cancel, _dec_r_aio_cancel),
    "aio_error": (_enc_r_aio_error, _dec_r_aio_error),
    "aio_fsync": (_enc_r_aio_fsync, _dec_r_aio_fsync),
    "aio_read": (_enc_r_aio_read, _dec_r_aio_read),
    "aio_return": (_enc_r_aio_return, _dec_r_aio_return),
    "aio_write": (_enc_r_aio_write, _dec_r_aio_write),
    "lio_listio": (_enc_r_lio_listio, _dec_r_lio_listio),
    "aio_suspend": (_enc_r_aio_suspend, _dec_r_aio_suspend),
    "open": (_enc_r_open, _dec_r_open),
    "link": (_enc_r_link, _dec_r_link),
    "unlink": (_enc_r_unlink, _dec_r_unlink),
    "chdir": (_enc_r_chdir, _dec_r_chdir),
    "fchdir": (_enc_r_fchdir, _dec_r_fchdir),
    "chmod": (_enc_r_chmod, _dec_r_chmod),
    "chown": (_enc_r_chown, _dec_r_chown),
    "unmount": (_enc_r_unmount, _dec_r_unmount),
    "access": (_enc_r_access, _dec_r_access),
    "chflags": (_enc_r_chflags, _dec_r_chflags),
    "fchflags": (_enc_r_fchflags, _dec_r_fchflags),
    "sync": (_enc_r_sync, _dec_r_sync),
    "ktrace": (_enc_r_ktrace, _dec_r_ktrace),
    "revoke": (_enc_r_revoke, _dec_r_revoke),
    "symlink": (_enc_r_symlink, _dec_r_symlink),
    "readlink": (_enc_r_readlink, _dec_r_readlink),
    "umask": (_enc_r_umask, _dec_r_umask),
    "chroot": (_enc_r_chroot, _dec_r_chroot),
    "fsync": (_enc_r_fsync, _dec_r_fsync),
    "fchown": (_enc_r_fchown, _dec_r_fchown),
    "fchmod": (_enc_r_fchmod, _dec_r_fchmod),
    "rename": (_enc_r_rename, _dec_r_rename),
    "mkfifo": (_enc_r_mkfifo, _dec_r_mkfifo),
    "mkdir": (_enc_r_mkdir, _dec_r_mkdir),
    "rmdir": (_enc_r_rmdir, _dec_r_rmdir),
    "pread": (_enc_r_pread, _dec_r_pread),
    "pwrite": (_enc_r_pwrite, _dec_r_pwrite),
    "pathconf": (_enc_r_pathconf, _dec_r_pathconf),
    "lseek": (_enc_r_lseek, _dec_r_lseek),
    "truncate": (_enc_r_truncate, _dec_r_truncate),
    "ftruncate": (_enc_r_ftruncate, _dec_r_ftruncate),
    "fdatasync": (_enc_r_fdatasync, _dec_r_fdatasync),
    "posix_rename": (_enc_r_posix_rename, _dec_r_posix_rename),
    "lchmod": (_enc_r_lchmod, _dec_r_lchmod),
    "lchown": (_enc_r_lchown, _dec_r_lchown),
    "posix_chown": (_enc_r_posix_chown, _dec_r_posix_chown),
    "posix_fchown": (_enc_r_posix_fchown, _dec_r_posix_fchown),
    "posix_lchown": (_enc_r_posix_lchown, _dec_r_posix_lchown),
    "preadv": (_enc_r_preadv, _dec_r_preadv),
    "pwritev": (_enc_r_pwritev, _dec_r_pwritev),
    "getcwd": (_enc_r_getcwd, _dec_r_getcwd),
    "fchroot": (_enc_r_fchroot, _dec_r_fchroot),
    "lchflags": (_enc_r_lchflags, _dec_r_lchflags),
    "fsync_range": (_enc_r_fsync_range, _dec_r_fsync_range),
    "getvfsstat": (_enc_r_getvfsstat, _dec_r_getvfsstat),
    "statvfs1": (_enc_r_statvfs1, _dec_r_statvfs1),
    "fstatvfs1": (_enc_r_fstatvfs1, _dec_r_fstatvfs1),
    "extattrctl": (_enc_r_extattrctl, _dec_r_extattrctl),
    "extattr_set_file": (_enc_r_extattr_set_file, _dec_r_extattr_set_file),
    "extattr_get_file": (_enc_r_extattr_get_file, _dec_r_extattr_get_file),
    "extattr_delete_file": (_enc_r_extattr_delete_file, _dec_r_extattr_delete_file),
    "extattr_set_fd": (_enc_r_extattr_set_fd, _dec_r_extattr_set_fd),
    "extattr_get_fd": (_enc_r_extattr_get_fd, _dec_r_extattr_get_fd),
    "extattr_delete_fd": (_enc_r_extattr_delete_fd, _dec_r_extattr_delete_fd),
    "extattr_set_link": (_enc_r_extattr_set_link, _dec_r_extattr_set_link),
    "extattr_get_link": (_enc_r_extattr_get_link, _dec_r_extattr_get_link),
    "extattr_delete_link": (_enc_r_extattr_delete_link, _dec_r_extattr_delete_link),
    "extattr_list_fd": (_enc_r_extattr_list_fd, _dec_r_extattr_list_fd),
    "extattr_list_file": (_enc_r_extattr_list_file, _dec_r_extattr_list_file),
    "extattr_list_link": (_enc_r_extattr_list_link, _dec_r_extattr_list_link),
    "setxattr": (_enc_r_setxattr, _dec_r_setxattr),
    "lsetxattr": (_enc_r_lsetxattr, _dec_r_lsetxattr),
    "fsetxattr": (_enc_r_fsetxattr, _dec_r_fsetxattr),
    "getxattr": (_enc_r_getxattr, _dec_r_getxattr),
    "lgetxattr": (_enc_r_lgetxattr, _dec_r_lgetxattr),
    "fgetxattr": (_enc_r_fgetxattr, _dec_r_fgetxattr),
    "listxattr": (_enc_r_listxattr, _dec_r_listxattr),
    "llistxattr": (_enc_r_llistxattr, _dec_r_llistxattr),
    "flistxattr": (_enc_r_flistxattr, _dec_r_flistxattr),
    "removexattr": (_enc_r_removexattr, _dec_r_removexattr),
    "lremovexattr": (_enc_r_lremovexattr, _dec_r_lremovexattr),
    "fremovexattr": (_enc_r_fremovexattr, _dec_r_fremovexattr),
    "getdents": (_enc_r_getdents, _dec_r_getdents),
    "getfh": (_enc_r_getfh, _dec_r_getfh),
    "fhopen": (_enc_r_fhopen, _dec_r_fhopen),
    "fhstatvfs1": (_enc_r_fhstatvfs1, _dec_r_fhstatvfs1),
    "mount": (_enc_r_mount, _dec_r_mount),
    "utimes": (_enc_r_utimes, _dec_r_utimes),
    "futimes": (_enc_r_futimes, _dec_r_futimes),
    "lutimes": (_enc_r_lutimes, _dec_r_lutimes),
    "stat": (_enc_r_stat, _dec_r_stat),
    "lstat": (_enc_r_lstat, _dec_r_lstat),
    "mknod": (_enc_r_mknod, _dec_r_mknod),
    "fhstat": (_enc_r_fhstat, _dec_r_fhstat),
    "linkat": (_enc_r_linkat, _dec_r_linkat),
    "renameat": (_enc_r_renameat, _dec_r_renameat),
    "mkfifoat": (_enc_r_mkfifoat, _dec_r_mkfifoat),
    "mknodat": (_enc_r_mknodat, _dec_r_mknodat),
    "mkdirat": (_enc_r_mkdirat, _dec_r_mkdirat),
    "faccessat": (_enc_r_faccessat, _dec_r_faccessat),
    "fchmodat": (_enc_r_fchmodat, _dec_r_fchmodat),
    "fchownat": (_enc_r_fchownat, _dec_r_fchownat),
    "fstatat": (_enc_r_fstatat, _dec_r_fstatat),
    "utimensat": (_enc_r_utimensat, _dec_r_utimensat),
    "openat": (_enc_r_openat, _dec_r_openat),
    "readlinkat": (_enc_r_readlinkat, _dec_r_readlinkat),
    "symlinkat": (_enc_r_symlinkat, _dec_r_symlinkat),
    "unlinkat": (_enc_r_unlinkat, _dec_r_unlinkat),
    "futimens": (_enc_r_futimens, _dec_r_futimens),
    "quotactl": (_enc_r_quotactl, _dec_r_quotactl),
    "posix_fallocate": (_enc_r_posix_fallocate, _dec_r_posix_fallocate),
    "fdiscard": (_enc_r_fdiscard, _dec_r_fdiscard),
    "etfs_register": (_enc_r_etfs_register, _dec_r_etfs_register),
    "etfs_register_withsize": (_enc_r_etfs_register_withsize, _dec_r_etfs_register_withsize),
    "etfs_remove": (_enc_r_etfs_remove, _dec_r_etfs_remove),
    "newfs": (_enc_r_newfs, _dec_r_newfs),
    "getdents_stat": (_enc_r_getdents_stat, _dec_r_getdents_stat),
    "getdents_packed": (_enc_r_getdents_packed, _dec_r_getdents_packed),
    "recvmsg": (_enc_r_recvmsg, _dec_r_recvmsg),
    "sendmsg": (_enc_r_sendmsg, _dec_r_sendmsg),
    "recvfrom": (_enc_r_recvfrom, _dec_r_recvfrom),
    "accept": (_enc_r_accept, _dec_r_accept),
    "getpeername": (_enc_r_getpeername, _dec_r_getpeername),
    "getsockname": (_enc_r_getsockname, _dec_r_getsockname),
    "connect": (_enc_r_connect, _dec_r_connect),
    "bind": (_enc_r_bind, _dec_r_bind),
    "setsockopt": (_enc_r_setsockopt, _dec_r_setsockopt),
    "listen": (_enc_r_listen, _dec_r_listen),
    "getsockopt": (_enc_r_getsockopt, _dec_r_getsockopt),
    "sendto": (_enc_r_sendto, _dec_r_sendto),
    "shutdown": (_enc_r_shutdown, _dec_r_shutdown),
    "socketpair": (_enc_r_socketpair, _dec_r_socketpair),
    "socket": (_enc_r_socket, _dec_r_socket),
    "paccept": (_enc_r_paccept, _dec_r_paccept),
    "recvmmsg": (_enc_r_recvmmsg, _dec_r_recvmmsg),
    "sendmmsg": (_enc_r_sendmmsg, _dec_r_sendmmsg),
    "netconfig_ifcreate": (_enc_r_netconfig_ifcreate, _dec_r_netconfig_ifcreate),
    "netconfig_ifdestroy": (_enc_r_netconfig_ifdestroy, _dec_r_netconfig_ifdestroy),
    "netconfig_ifup": (_enc_r_netconfig_ifup, _dec_r_netconfig_ifup),
    "netconfig_ifdown": (_enc_r_netconfig_ifdown, _dec_r_netconfig_ifdown),
    "netconfig_ifsetlinkstr": (_enc_r_netconfig_ifsetlinkstr, _dec_r_netconfig_ifsetlinkstr),
    "netconfig_bradd": (_enc_r_netconfig_bradd, _dec_r_netconfig_bradd),
    "netconfig_brdel": (_enc_r_netconfig_brdel, _dec_r_netconfig_brdel),
    "netconfig_ipv4_ifaddr": (_enc_r_netconfig_ipv4_ifaddr, _dec_r_netconfig_ipv4_ifaddr),
    "netconfig_ipv4_ifaddr_cidr": (_enc_r_netconfig_ipv4_ifaddr_cidr, _dec_r_netconfig_ipv4_ifaddr_cidr),
    "netconfig_ipv6_ifaddr": (_enc_r_netconfig_ipv6_ifaddr, _dec_r_netconfig_ipv6_ifaddr),
    "netconfig_ipv4_gw": (_enc_r_netconfig_ipv4_gw, _dec_r_netconfig_ipv4_gw),
    "netconfig_ipv6_gw": (_enc_r_netconfig_ipv6_gw, _dec_r_netconfig_ipv6_gw),
    "netconfig_dhcp_ipv4_oneshot": (_enc_r_netconfig_dhcp_ipv4_oneshot, _dec_r_netconfig_dhcp_ipv4_oneshot),
    "netconfig_auto_ipv6": (_enc_r_netconfig_auto_ipv6, _dec_r_netconfig_auto_ipv6),
    "netconfig_ifaddrs": (_enc_r_netconfig_ifaddrs, _dec_r_netconfig_ifaddrs),
    "npf_load": (_enc_r_npf_load, _dec_r_npf_load),
    "npf_config_get": (_enc_r_npf_config_get, _dec_r_npf_config_get),
    "npf_switch": (_enc_r_npf_switch, _dec_r_npf_switch),
    "npf_flush": (_enc_r_npf_flush, _dec_r_npf_flush),
    "npf_connections": (_enc_r_npf_connections, _dec_r_npf_connections),
    "npf_stats": (_enc_r_npf_stats, _dec_r_npf_stats),
    "npf_table": (_enc_r_npf_table, _dec_r_npf_table),
    "npf_rule_add": (_enc_r_npf_rule_add, _dec_r_npf_rule_add),
    "npf_rule_remove": (_enc_r_npf_rule_remove, _dec_r_npf_rule_remove),
    "dhcp_start": (_enc_r_dhcp_start, _dec_r_dhcp_start),
    "dhcp_renew": (_enc_r_dhcp_renew, _dec_r_dhcp_renew),
    "dhcp_stop": (_enc_r_dhcp_stop, _dec_r_dhcp_stop),
    "dhcp_leases": (_enc_r_dhcp_leases, _dec_r_dhcp_leases),
    "dhcpd_start": (_enc_r_dhcpd_start, _dec_r_dhcpd_start),
    "dhcpd_stop": (_enc_r_dhcpd_stop, _dec_r_dhcpd_stop),
    "dhcpd_bindings": (_enc_r_dhcpd_bindings, _dec_r_dhcpd_bindings),
    "dns_forward": (_enc_r_dns_forward, _dec_r_dns_forward),
    "netconfig_ifaddrdel": (_enc_r_netconfig_ifaddrdel, _dec_r_netconfig_ifaddrdel),
    "route_send": (_enc_r_route_send, _dec_r_route_send),
    "route_recv": (_enc_r_route_recv, _dec_r_route_recv),
    "route_dump": (_enc_r_route_dump, _dec_r_route_dump),
    "net_pcblist": (_enc_r_net_pcblist, _dec_r_net_pcblist),
    "net_counters": (_enc_r_net_counters, _dec_r_net_counters),
    "nd_list": (_enc_r_nd_list, _dec_r_nd_list),
    "netconfig_ifimpair": (_enc_r_netconfig_ifimpair, _dec_r_netconfig_ifimpair),
    "netconfig_ifimpairstat": (_enc_r_netconfig_ifimpairstat, _dec_r_netconfig_ifimpairstat),
    "netconfig_ifcapture": (_enc_r_netconfig_ifcapture, _dec_r_netconfig_ifcapture),
    "bpf_open": (_enc_r_bpf_open, _dec_r_bpf_open),
    "dev_list": (_enc_r_dev_list, _dec_r_dev_list),
    "md_create": (_enc_r_md_create, _dec_r_md_create),
    "md_destroy": (_enc_r_md_destroy, _dec_r_md_destroy),
    "proc_create": (_enc_r_proc_create, _dec_r_proc_create),
    "proc_admit": (_enc_r_proc_admit, _dec_r_proc_admit),
    "proc_fork": (_enc_r_proc_fork, _dec_r_proc_fork),
    "proc_exit": (_enc_r_proc_exit, _dec_r_proc_exit),
    "proc_exec": (_enc_r_proc_exec, _dec_r_proc_exec),
    "signal_post": (_enc_r_signal_post, _dec_r_signal_post),
    "proc_list": (_enc_r_proc_list, _dec_r_proc_list),
    "cred_get": (_enc_r_cred_get, _dec_r_cred_get),
    "module_upload": (_enc_r_module_upload, _dec_r_module_upload),
    "module_list": (_enc_r_module_list, _dec_r_module_list),
    "halt": (_enc_r_halt, _dec_r_halt),
    "dir_hold": (_enc_r_dir_hold, _dec_r_dir_hold),
    "dir_release": (_enc_r_dir_release, _dec_r_dir_release),
    "dir_dup": (_enc_r_dir_dup, _dec_r_dir_dup),
    "socket_bind": (_enc_r_socket_bind, _dec_r_socket_bind),
    "socket_lookup": (_enc_r_socket_lookup, _dec_r_socket_lookup),
    "file_read": (_enc_r_file_read, _dec_r_file_read),
    "lock_release": (_enc_r_lock_release, _dec_r_lock_release),
    "disk_take": (_enc_r_disk_take, _dec_r_disk_take),
    "disk_give": (_enc_r_disk_give, _dec_r_disk_give),
    "device_of": (_enc_r_device_of, _dec_r_device_of),
    "dev_open": (_enc_r_dev_open, _dec_r_dev_open),
    "session_end": (_enc_r_session_end, _dec_r_session_end),
    "dev_map": (_enc_r_dev_map, _dec_r_dev_map),
    "module_describe": (_enc_r_module_describe, _dec_r_module_describe),
    "module_load": (_enc_r_module_load, _dec_r_module_load),
    "module_unload": (_enc_r_module_unload, _dec_r_module_unload),
    "sysctl_export": (_enc_r_sysctl_export, _dec_r_sysctl_export),
    "sysctl_value": (_enc_r_sysctl_value, _dec_r_sysctl_value),
    "poll_objects": (_enc_r_poll_objects, _dec_r_poll_objects),
    "knote_change": (_enc_r_knote_change, _dec_r_knote_change),
    "knote_collect": (_enc_r_knote_collect, _dec_r_knote_collect),
    "knote_detach": (_enc_r_knote_detach, _dec_r_knote_detach),
    "memory_held": (_enc_r_memory_held, _dec_r_memory_held),
    "ping": (_enc_r_ping, _dec_r_ping),
    "run_seen": (_enc_r_run_seen, _dec_r_run_seen),
    "handles_kept": (_enc_r_handles_kept, _dec_r_handles_kept),
    "hand_over": (_enc_r_hand_over, _dec_r_hand_over),
    "fd_list": (_enc_r_fd_list, _dec_r_fd_list),
    "fd_table": (_enc_r_fd_table, _dec_r_fd_table),
    "fd_stat": (_enc_r_fd_stat, _dec_r_fd_stat),
    "faction_start": (_enc_r_faction_start, _dec_r_faction_start),
    "signal_deliver": (_enc_r_signal_deliver, _dec_r_signal_deliver),
    "limits_set": (_enc_r_limits_set, _dec_r_limits_set),
    "aio_limits_set": (_enc_r_aio_limits_set, _dec_r_aio_limits_set),
    "socket_urgent": (_enc_r_socket_urgent, _dec_r_socket_urgent),
    "memory_room": (_enc_r_memory_room, _dec_r_memory_room),
    "rights_drop": (_enc_r_rights_drop, _dec_r_rights_drop),
    "rights_held": (_enc_r_rights_held, _dec_r_rights_held),
    "connect_wait": (_enc_r_connect_wait, _dec_r_connect_wait),
}
