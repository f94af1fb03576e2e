"""Plays packetdrill scripts against the stack.

packetdrill (GPL-2.0) is the user's own copy: PACKETDRILL names the folder ``gtests/net`` of it, in which
``packetdrill/packetdrill`` has been built. Nothing of it is part of this repository.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from tests.packetdrill.stack import COOKIE, Server

HERE = Path(__file__).parent
ARGUMENTS = {
    4: "--send_omit_free --ip_version=ipv4 --local_ip=192.168.0.1 --gateway_ip=192.168.0.1 --netmask_ip=255.255.0.0 "
    "--remote_ip=192.0.2.1 -D CODE=host_unreachable -D CMSG_LEVEL_IP=SOL_IP -D CMSG_TYPE_RECVERR=IP_RECVERR",
    6: "--send_omit_free --ip_version=ipv6 --local_ip=fd3d:0a0b:17d6::1 "
    "--gateway_ip=fd3d:0a0b:17d6:8888::1 --remote_ip=fd3d:fa7b:d17d::1 -D CMSG_LEVEL_IP=SOL_IPV6 "
    "-D CMSG_TYPE_RECVERR=IPV6_RECVERR",
}
"""By the version of IP, as the runner of packetdrill has them."""
OF_IPV6 = "-ipv6.pkt"
"""Scripts of IPv6 alone say what fits into 1500 bytes; those of both, what does with 1520 where there is IPv6."""
NOTE = 'for a in "$@"; do case "$a" in -*|*.py) ;; *) echo "$a" | tr / . >> "$RUMP_SYSCTLS";; esac; done'
RESTORE = '; f=/tmp/sysctl_restore_$PACKETDRILL_PID.sh; echo "#!/bin/sh\nrm -f $f" > $f; chmod +x $f'
"""Scripts call this at their end."""
CODE = f'case "$1" in /tmp/code_*) unset LD_PRELOAD; exec {sys.executable} "$@";; esac; '
"""What scripts assert of TCP_INFO, which packetdrill writes into such a file, is really looked at."""
STUBS = {
    "sysctl": NOTE, "python3": CODE + NOTE + RESTORE,
    "ip": 'case "$*" in "tcp_metrics flush all") echo tcp_fastopen_cookies= >> "$RUMP_SYSCTLS";; esac',
    "ethtool": 'case "$*" in *"tso off"*) echo .tso=0 >> "$RUMP_SYSCTLS";; esac',
    "tc": 'case "$*" in *" fq") echo .qdisc=fq;; *"limit 0") echo .qdisc=none;; esac >> "$RUMP_SYSCTLS"',
}  # fmt: skip
"""Instead of the programs by which scripts set a kernel up: they note what they were told, and touch nothing."""


class Verdict(NamedTuple):
    passed: bool
    text: str


def build(packetdrill: Path, folder: Path) -> Path:
    """The shim, made by gcc; and the stubs."""
    shim = folder / "shim.so"
    include = packetdrill / "packetdrill"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", f"-I{include}", "-o", shim, HERE / "shim.c", "-ldl"],
        check=True,
        capture_output=True,
    )
    for name, body in STUBS.items():
        stub = folder / "bin" / name
        stub.parent.mkdir(exist_ok=True)
        stub.write_text(f"#!/bin/sh\n{body}\nexit 0\n")
        stub.chmod(0o755)
    return shim


def play(packetdrill: Path, script: str, shim: Path, folder: Path, version: int = 4) -> Verdict:
    """Runs one script, whose path is relative to ``gtests/net``."""
    path, sysctls = folder / "stack", folder / "sysctls"
    for left in (path, sysctls):
        left.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        mtu = 1520 if version == 6 and not script.endswith(OF_IPV6) else 1500
        server = Server(listener, sysctls, mtu)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        whole = packetdrill / script
        environment = {
            **os.environ, "RUMP_PACKETDRILL": str(path), "RUMP_SYSCTLS": str(sysctls), "LD_PRELOAD": str(shim),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }  # fmt: skip
        binary = packetdrill / "packetdrill" / "packetdrill"
        command = [
            binary,
            *ARGUMENTS[version].split(),
            "-D",
            f"TFO_COOKIE={COOKIE.hex()}",
            f"--mtu={mtu}",
            f"--so_filename={shim}",
        ]
        try:
            done = subprocess.run(
                [*command, whole.name],
                check=False,
                cwd=whole.parent,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
            )
            return Verdict(done.returncode == 0, done.stdout + done.stderr)
        except subprocess.TimeoutExpired:
            return Verdict(False, "it did not end")
        finally:
            server.stop = True
            thread.join(10)
