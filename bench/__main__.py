"""``rump bench [NAME]...``: runs the benchmarks and prints each figure beside its yardstick and bound."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench import measure
from bench.measure import Row

NAMES = (
    "latency", "grpcalone", "bulk", "far", "authorisation", "readiness", "startup", "images", "ext4write", "p2k",
    "fat", "inet", "tcp", "links", "hijack", "recovery",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="rump bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too; - for the standard output")
    parser.add_argument("--unpinned", action="store_true", help="nothing is put on one cpu")
    parser.add_argument("--curves", metavar="FOLDER", help="draw curves as SVG files there, and measure nothing else")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    measure.one_cpu = not arguments.unpinned
    os.environ["RUMP_LEASES"] = "0"  # rows are about calls that are made
    if arguments.curves:
        importlib.import_module("bench.curves").draw(Path(arguments.curves))
        return 0
    rows: list[Row] = []
    for name in arguments.names or NAMES:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.{name}").run()
    if arguments.json != "-":
        _table(rows)
    if arguments.json:
        _write(arguments.json, rows, pinned=measure.one_cpu)
    return 0 if all(row.good for row in rows) else 1


def _table(rows: list[Row]) -> None:
    print(f"{'what':38} {'ours':>12} {'yardstick':>28} {'ratio':>7} {'bound':>7}  {'cpu us of ours, of it':>22}")
    for row in rows:
        base = f"{row.yardstick} {row.base:.4g} {row.unit}"
        bound = f"{'<=' if row.best == 'low' else '>='}{row.bound:5.4g}"
        spent = " / ".join(f"{each:.0f}" for each in (row.cost, row.base_cost) if each is not None)
        missed = "" if row.good else "  MISSED"
        print(f"{row.name:38} {row.value:9.4g} {row.unit:>4} {base:>28} {row.ratio:7.2f} {bound} {spent:>22}{missed}")


def _write(where: str, rows: list[Row], *, pinned: bool) -> None:
    """One object: what it was measured on, and the rows."""
    uname = os.uname()
    report = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": sys.version.split()[0],
        "host": {"system": uname.sysname, "release": uname.release, "machine": uname.machine, "cpus": os.cpu_count()},
        "load": os.getloadavg(),
        "pinned": pinned,
        "rows": [{**asdict(row), "good": row.good} for row in rows],
    }
    text = json.dumps(report, indent=2) + "\n"
    if where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
