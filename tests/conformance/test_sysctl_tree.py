"""The sysctl tree of a rump kernel of NetBSD: every name is there with its type, or is listed with the reason."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import rump
from rumpwire import const
from rumpwire.values import Inpcb, SockaddrIn
from tests.conformance.test_descriptors import code

DOCS = Path(__file__).parents[2] / "docs/sysctl.md"
INT, TEXT, QUAD = const.CTLTYPE_INT, const.CTLTYPE_STRING, const.CTLTYPE_QUAD
STRUCT, BOOL = const.CTLTYPE_STRUCT, const.CTLTYPE_BOOL
# Names below a prefix, by type; "#" is an interface, a limit or a process.
TREE = {
    ("kern", TEXT): "ostype osrelease version hostname domainname bufq.strategies timecounter.choice "
    "timecounter.hardware module.path",
    ("kern", INT): "osrevision hardclock_ticks rawpartition sbmax somaxkva msgbufsize pipe.maxbigpipes pipe.nbigpipes "
    "pipe.kvasize urandom arandom timecounter.timestepwarnings module.autotime posix.semmax posix.semcnt posix_aio "
    "aio_max aio_listio_max direct_select detachall",
    ("kern", STRUCT): "clockrate proc proc2 proc_args file file2 mbuf msgbuf buf boottime evcnt pool ntptime",
    ("kern", BOOL): "module.autoload module.verbose",
    ("hw", TEXT): "machine model disknames machine_arch iostatnames firmware.path",
    ("hw", INT): "ncpu byteorder physmem pagesize alignbytes ncpuonline swsensor.cur_value",
    ("hw", QUAD): "physmem64",
    ("hw", STRUCT): "iostats",
    ("vm", INT): "bufcache bufmem_lowater bufmem_hiwater",
    ("vm", QUAD): "bufmem",
    ("vfs", TEXT): "generic.fstypes",
    ("vfs", INT): "generic.magiclinks generic.dirhash sync.delay sync.filedelay sync.dirdelay sync.metadelay wapbl",
    ("vfs", STRUCT): "namecache_stats",
    ("proc.curproc", TEXT): "corename",
    ("proc.curproc", INT): "stopfork stopexec stopexit",
    ("proc.curproc.rlimit.descriptors", QUAD): "soft hard",
    ("security.models", TEXT): "suser.name",
    ("security.models.extensions", INT): "hardlink_check_uid hardlink_check_gid",
    ("net.local", INT): "stream.recvspace stream.sendspace seqpacket.recvspace seqpacket.sendspace dgram.recvspace "
    "dgram.sendspace inflight deferred",
    ("net.local", STRUCT): "stream.pcblist seqpacket.pcblist dgram.pcblist",
    ("net", STRUCT): "route.rtable route.stats sdl ether.multicast bpf.peers",
    ("net", INT): "interfaces.lo0.rcvq.drops interfaces.lo0.sndq bpf.maxbufsize bpf.stats.recv bpf.stats.drop "
    "bpf.stats.capt bpf.jit link.tap mpls",
    ("net.inet.ip", INT): "forwarding redirect ttl mtu forwsrcrt directed-broadcast allowsrcrt mtudisc mtudisctimeout "
    "anonportmin anonportmax lowportmin lowportmax grettl checkinterface random_id do_loopback_cksum dad_count ifq.len "
    "ifq.maxlen ifq.drops",
    ("net.inet.ip", TEXT): "anonportalgo.available anonportalgo.selected",
    ("net.inet.ip", STRUCT): "anonportalgo.reserve stats",
    ("net.inet.icmp", INT): "maskrepl returndatabytes errppslimit rediraccept redirtimeout bmcastecho",
    ("net.inet.icmp", STRUCT): "stats",
    ("net.inet.tcp", INT): "rfc1323 sendspace recvspace sendbuf_auto sendbuf_inc sendbuf_max recvbuf_auto recvbuf_inc "
    "recvbuf_max mssdflt minmss mss_ifmtu msl syn_cache_limit syn_bucket_limit init_win init_win_local win_scale "
    "timestamps cwm cwm_burstsize ack_on_push keepinit keepidle keepintvl keepcnt slowhz delack_ticks log_refused "
    "rstppslimit sack.enable sack.maxholes sack.globalmaxholes sack.globalholes ecn.enable ecn.maxretries abc.enable "
    "abc.aggressive mslt.enable mslt.loopback mslt.local mslt.remote mslt.remote_threshold vtw iss_hash "
    "do_loopback_cksum debug",
    ("net.inet.tcp", TEXT): "congctl.available congctl.selected",
    ("net.inet.tcp", STRUCT): "pcblist ident drop stats",
    ("net.inet6.tcp6", STRUCT): "pcblist stats",
    ("net.inet.udp", INT): "checksum sendspace recvspace do_loopback_cksum",
    ("net.inet.udp", STRUCT): "pcblist stats",
    ("net.inet6.udp6", INT): "sendspace recvspace do_loopback_cksum",
    ("net.inet6.udp6", STRUCT): "pcblist stats",
    ("net.inet.arp", INT): "keep down log_movements log_permanent_modify log_unknown_network log_wrong_iface debug",
    ("net.inet", STRUCT): "arp.stats igmp.stats raw.pcblist",
    ("net.inet6.raw6", STRUCT): "pcblist",
    ("net.inet.carp", INT): "preempt arpbalance allow log",
    ("net.inet6.ip6", INT): "forwarding redirect hlim accept_rtadv dad_count auto_linklocal use_deprecated "
    "use_tempaddr prefer_tempaddr temppltime tempvltime v6only anonportmin anonportmax lowportmin lowportmax "
    "maxfragpackets maxfrags neighborgcthresh maxifprefixes maxifdefrouters maxdynroutes",
    ("net.inet6.ip6", TEXT): "anonportalgo.available anonportalgo.selected",
    ("net.inet6.ip6", STRUCT): "anonportalgo.reserve stats",
    ("net.inet6.icmp6", INT): "rediraccept redirtimeout nd6_prune nd6_delay nd6_umaxtries nd6_mmaxtries nd6_debug",
    ("net.inet6.icmp6", STRUCT): "nd6_drlist nd6_prlist stats",
}  # fmt: skip


def names() -> dict[str, int]:
    return {f"{prefix}.{name}": kind for (prefix, kind), text in TREE.items() for name in text.split()}


def missing() -> list[str]:
    """What docs/sysctl.md says is not there."""
    text = DOCS.read_text().partition("## What the original has")[2]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([a-z0-9_.*]+)`", row)]


def test_every_name_is_there_or_listed(k: Any) -> None:
    kinds = {name: node.type for name, node, _ in k.sysctl_nodes()}
    listed = missing()

    def is_listed(name: str) -> bool:
        return any(name == each or name.startswith(each + ".") for each in listed)

    wanted = names()
    assert {name for name in wanted if name not in kinds and not is_listed(name)} == set()
    assert {name for name in wanted if name in kinds and is_listed(name)} == set()
    assert {n: t for n, t in wanted.items() if n in kinds and kinds[n] != t} == {}


def test_what_is_listed_is_enoent(k: Any) -> None:
    for name in missing():
        assert code(k.sysctl, name) == "ENOENT", name


def test_processes(k: Any) -> None:
    child = k.fork()
    rows = {row.p_pid: row for row in k.sysctl("kern.proc2")}
    assert (rows[child.pid].p_ppid, rows[1].p_comm) == (k.pid, "init")
    assert [row.p_pid for row in k.sysctl(f"kern.proc2.{const.KERN_PROC_PID}.{k.pid}.0.10")] == [k.pid]
    assert len(k.sysctl(f"kern.proc2.{const.KERN_PROC_ALL}.0.0.1")) == 1
    assert k.sysctl(f"kern.proc.{const.KERN_PROC_PGRP}.12345") == []
    assert k.sysctl(f"kern.proc_args.{k.pid}.{const.KERN_PROC_ARGV}") == [rows[k.pid].p_comm.encode()]
    assert k.sysctl(f"kern.proc_args.{k.pid}.{const.KERN_PROC_NARGV}") == 1
    assert code(k.sysctl, f"kern.proc_args.{k.pid}.{const.KERN_PROC_PATHNAME}") == "EINVAL"
    assert code(k.sysctl, "kern.proc_args.29999.1") == "ESRCH"
    assert code(k.sysctl, "kern.proc2.99.0") == "EINVAL"
    assert code(k.sysctl, "kern.proc2.x") == "EINVAL"
    assert code(k.sysctl, "kern.proc2.0.0.0.0.0") == "EINVAL"
    child.close()
    assert child.pid not in {row.p_pid for row in k.sysctl("kern.proc")}


def test_descriptors(k: Any) -> None:
    s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    mine = k.sysctl(f"kern.file2.{const.KERN_FILE_BYPID}.{k.pid}")
    assert next(row for row in mine if row.ki_fd == s).component == "net"
    assert {row.ki_pid for row in mine} == {k.pid}
    assert set(mine) <= set(k.sysctl("kern.file"))
    assert k.sys.sysctl([1, 77, const.KERN_FILE_BYPID, k.pid]).oldv.files == mine
    k.sys.close(s)


def test_pcblists_and_statistics(k: Any) -> None:
    s, local = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0), k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    k.sys.bind(s, SockaddrIn(bytes(4), 7007))
    assert 7007 in {row.local.sin_port for row in k.sysctl("net.inet.udp.pcblist")}
    assert sum(row.state == "CONNECTED" for row in k.sysctl("net.local.stream.pcblist")) >= 2
    before = {row.name: row.value for row in k.sysctl("net.inet.udp.stats")}
    k.sys.sendto(s, b"x", 0, SockaddrIn(socket.inet_aton("127.0.0.1"), 7007))
    after = {row.name: row.value for row in k.sysctl("net.inet.udp.stats")}
    assert after["datagrams output"] == before.get("datagrams output", 0) + 1
    assert code(k.sysctl, "net.inet.udp.stats", b"") == "EPERM"
    for fd in (s, *local):
        k.sys.close(fd)


def test_routes_links_and_events(k: Any) -> None:
    rows = k.sysctl(f"net.route.rtable.{const.AF_INET}.{const.NET_RT_DUMP}.0")
    assert rows == k.pub.route_dump(const.AF_INET, const.NET_RT_DUMP, 0)
    assert k.sys.sysctl([4, 34, 0, const.AF_INET, const.NET_RT_DUMP, 0]).oldv.routes == rows
    assert code(k.sysctl, "net.route.rtable.99.1.0") == "EINVAL"
    assert k.sysctl("net.sdl")[0].gateway.sdl_name == "lo0"
    assert code(k.sysctl, "net.sdl.9999") == "ENXIO"
    forks = {row.name: row.value for row in k.sysctl("kern.evcnt")}["fork"]
    k.fork().close()
    assert {row.name: row.value for row in k.sysctl("kern.evcnt")}["fork"] > forks


def test_a_connection_is_told_of_and_dropped(k: Any) -> None:
    listener, client = (k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0) for _ in range(2))
    k.sys.bind(listener, SockaddrIn(socket.inet_aton("127.0.0.1"), 7117))
    k.sys.listen(listener, 1)
    k.sys.connect(client, SockaddrIn(socket.inet_aton("127.0.0.1"), 7117))
    ends = Inpcb(local=k.sys.getsockname(client), foreign=k.sys.getpeername(client))
    lport = ends.local.sin_port
    local = int.from_bytes(socket.inet_aton("127.0.0.1"), "big")
    assert k.sysctl(f"net.inet.tcp.ident.{local}.7117.{local}.{lport}") == k.sys.geteuid()
    assert k.sysctl("net.inet.tcp.ident", [ends]) == k.sys.geteuid()
    k.sysctl("net.inet.tcp.drop", [ends])
    assert code(k.sys.recvfrom, client, 10) == "ECONNABORTED"
    assert code(k.sysctl, "net.inet.tcp.drop", [ends]) == "ESRCH"
    assert code(k.sysctl, "net.inet.tcp.drop", [Inpcb()]) == "EINVAL"
    for fd in (listener, client):
        k.sys.close(fd)


def test_messages_and_queues(k: Any, folder: str) -> None:
    k.sys.mount("kernfs", folder)
    with k.open(f"{folder}/msgbuf", "rb") as file:
        assert k.sysctl("kern.msgbuf") == file.read()[-k.sysctl("kern.msgbufsize") :]
    k.sys.unmount(folder, 0)
    assert k.sysctl("kern.bufq.strategies") == "fcfs"
