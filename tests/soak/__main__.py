"""Kills and stops random components of a kernel under load: ``python -m tests.soak --faults 2000 --seed 1``."""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rump
from tests.live import live_kernel
from tests.soak.load import LOAD, PATTERN, RETRY_S, Client

COMPONENTS = ("kern", "vfs", "net", "dev", "gateway")
HEALTH_S = 2.0
"""A component that is stopped is killed after so long: part of the time until it serves again."""
STOPPED = 0.1
"""So many of the faults stop a component, the others kill it. Nobody asks whether the gateway answers: it is killed."""
PAUSE_S = 0.15
TELL = 100
"""Faults between lines that tell how far it is."""
SERVED_S = 30.0


@dataclass
class Report:
    """What a run found. ``served``: seconds from each fault to the first call that is answered."""

    served: dict[str, list[float]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    calls: int = 0
    told: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [f"{'fault':18} {'count':>6} {'median ms':>10} {'95 % ms':>8} {'worst ms':>9}"]
        for name, times in sorted(self.served.items()):
            ms = sorted(time * 1e3 for time in times)
            row = (statistics.median(ms), ms[int(len(ms) * 0.95)], ms[-1])
            lines.append(f"{name:18} {len(ms):6} {row[0]:10.0f} {row[1]:8.0f} {row[2]:9.0f}")
        told = self.told.total()
        lines.append(f"{self.calls} steps of the load in {self.seconds:.0f} s; told of an end {told} times:")
        lines += [f"{count:8} {what}" for what, count in self.told.most_common()]
        lines.append(f"wrong results, doubled effects, lost data: {len(self.findings)}")
        return "\n".join([*lines, *self.findings])


def probes(k: Any) -> dict[str, Callable[[], object]]:
    """A call for each component that only it answers."""
    return {
        "gateway": lambda: k.sys.fcntl(0, rump.F_GETFD),
        "kern": k.sys.getpgrp,
        "vfs": lambda: k.sys.stat("/soak"),
        "net": lambda: k.socket(rump.AF_UNIX, rump.SOCK_STREAM).close(),
        "dev": lambda: k.sys.close(k.sys.open("/dev/zero", os.O_RDONLY)),
    }


def soak(faults: int, seed: int, folder: Path, *, stopped: float = STOPPED, pause_s: float = 0.0) -> Report:
    """``stopped``: the part of the faults that stop a component; ``pause_s``: of each client between its steps."""
    random_, report = random.Random(seed), Report()
    flags = ("--health", str(HEALTH_S), "--steady", "0", "--give-up", "1000000", "--log-level", "warning")
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    with live_kernel(*flags) as live:
        with rump.connect(live.url, retry=RETRY_S) as k:
            k.pub.etfs_register("/dev/soak", str(image), type="blk")
            k.sys.mkdir("/soak", 0o755)
            k.sys.mount("ext2fs", "/soak", device="/dev/soak")
            with k.open("/soak/pattern", "wb") as file:
                file.write(PATTERN)
            k.sys.sync()
            clients = [make(live.url, seed * 100 + number) for number, make in enumerate(LOAD)]
            for client in clients:
                client.pause_s = pause_s
            _run(k, clients, faults, stopped, random_, report)
            try:
                k.sys.unmount("/soak", rump.MNT_FORCE)
            except OSError as error:
                report.findings.append(f"the file system cannot be taken off: {error}")
        (folder / "log").write_text(live.log)
        if "Traceback" in live.log:
            report.findings.append(live.log[live.log.index("Traceback") - 200 :][:2000])
    checked = subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, text=True, check=False)
    if checked.returncode:
        report.findings.append(f"e2fsck: {checked.stdout}")
    return report


def _run(
    k: Any, clients: Sequence[Client], faults: int, stopped: float, random_: random.Random, report: Report
) -> None:
    begun = time.monotonic()
    for client in clients:
        client.start()
    probe = probes(k)
    for count in range(1, faults + 1):
        time.sleep(random_.random() * 2 * PAUSE_S)
        names = random_.sample(COMPONENTS, 2 if random_.random() < 0.1 else 1)
        number = signal.SIGSTOP if random_.random() < stopped and "gateway" not in names else signal.SIGKILL
        _fault(k, names, number, probe, report)
        if count % TELL == 0:
            print(f"{count} of {faults} faults, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        if report.findings or any(client.findings for client in clients):
            break
    for client in clients:
        client.ending.set()
    for client in clients:
        client.join(60)
        if client.is_alive():
            frame = sys._current_frames()[client.ident or 0]
            report.findings.append(f"{client.name} does not end:\n{''.join(traceback.format_stack(frame)[-8:])}")
        report.findings += client.findings
        report.calls += client.done
        report.told.update({f"{client.name} {what}": count for what, count in client.failed.items()})
        if not client.done:
            report.findings.append(f"{client.name} has done nothing")
    report.seconds = time.monotonic() - begun


def _fault(
    k: Any, names: Sequence[str], number: signal.Signals, probe: dict[str, Callable[[], object]], report: Report
) -> None:
    pids = {c["name"]: c["pid"] for c in k.status()["components"] if c["state"] == "serving"}
    hit = [name for name in names if pids.get(name)]
    for name in hit:
        os.kill(pids[name], number)
    begun = time.monotonic()
    for name in hit:
        while True:
            try:
                probe[name]()
            except OSError as error:
                if time.monotonic() > begun + SERVED_S:
                    report.findings.append(f"{name} does not serve again: {error}")
                    return
                continue
            break
        report.served.setdefault(f"{name} {number.name}", []).append(time.monotonic() - begun)


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    p.add_argument("--faults", type=int, default=2000)
    p.add_argument("--seed", type=int, default=1)
    options = p.parse_args(argv)
    logging.getLogger("rump.connection").setLevel(logging.CRITICAL)  # each client tells of each end of the gateway
    folder = Path(tempfile.mkdtemp(prefix="rump-soak-"))
    report = soak(options.faults, options.seed, folder)
    print(report)
    if report.findings:
        print(f"the image and the log are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
