"""``rump bench [NAME]...``: runs the benchmarks and prints each figure beside its yardstick and bound."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict

NAMES = ("latency", "authorisation", "readiness", "startup", "images", "ext4write", "fat", "inet", "tcp", "links")


def main() -> int:
    parser = argparse.ArgumentParser(prog="rump bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON array")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    rows = []
    for name in arguments.names or NAMES:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.{name}").run()
    if arguments.json:
        print(json.dumps([{**asdict(row), "good": row.good} for row in rows], indent=2))
    else:
        print(f"{'what':38} {'ours':>12} {'yardstick':>28} {'ratio':>7} {'bound':>7}")
        for row in rows:
            base = f"{row.yardstick} {row.base:.4g} {row.unit}"
            sign = "<=" if row.best == "low" else ">="
            bound = f"{sign}{row.bound:5.4g}{'' if row.good else '  MISSED'}"
            print(f"{row.name:38} {row.value:9.4g} {row.unit:>2} {base:>28} {row.ratio:7.2f} {bound}")
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
