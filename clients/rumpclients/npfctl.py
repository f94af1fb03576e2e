"""rump.npfctl: the packet filter (npfctl(8)). Configuration files are files of this machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import rump
from rumpclients import _npf_conf, _npf_show
from rumpclients._command import Parser, UsageError, connect, print_json, run
from rumpclients._disk import read_host

PROG = "rump.npfctl"
CONF = "/etc/npf.conf"
COMMANDS = {
    "start": "begin to filter", "stop": "end filtering, and forget the connections",
    "reload": f"load a configuration: [FILE], {CONF} if none is given", "load": "the same as reload",
    "flush": "forget the configuration and the connections", "show": "print the active configuration",
    "validate": "check a configuration without a kernel: [FILE]", "list": "list the connections",
    "stats": "print what was counted",
    "table": "NAME add|rem|test ADDRESS, NAME list|flush", "rule": "GROUP add RULE, GROUP rem-id ID, GROUP list",
}  # fmt: skip


def parser() -> Parser:
    lines = "\n".join(f"  {name:9} {text}" for name, text in COMMANDS.items())
    p = Parser(
        PROG, "Configures the packet filter of the kernel that RUMP_SERVER names.", epilog=f"commands:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="list and stats: as JSON")
    p.add_argument("command", choices=COMMANDS, metavar="command")
    p.add_argument("args", nargs="*")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    if options.command == "validate":
        _read(options.args)
        return
    config = _read(options.args) if options.command in ("reload", "load") else None
    with connect(PROG) as k:
        Tool(k, options).work(config)


def _read(args: list[str]) -> rump.NpfConfig:
    if len(args) > 1:
        raise UsageError("one file of configuration")
    path = args[0] if args else CONF
    return _npf_conf.parse(read_host(path), path)


class Tool:
    """One call of the program."""

    def __init__(self, k: rump.Client, options: argparse.Namespace) -> None:
        self.k = k
        self.json = options.json
        self.command = options.command
        self.args: list[str] = options.args

    def work(self, config: rump.NpfConfig | None) -> None:
        if config is not None:
            self.k.pub.npf_load(config)
        elif self.command in ("table", "rule"):
            getattr(self, f"_{self.command}")()
        elif self.args:
            raise UsageError(f"{self.command} takes no arguments")
        else:
            getattr(self, f"_{self.command}")()

    def _start(self) -> None:
        self.k.pub.npf_switch(True)

    def _stop(self) -> None:
        self.k.pub.npf_switch(False)

    def _flush(self) -> None:
        self.k.pub.npf_flush()

    def _show(self) -> None:
        found = self.k.pub.npf_config_get()
        print(f"# filtering: {'active' if found.active else 'inactive'}")
        for line in _npf_show.config(found.config or rump.NpfConfig()):
            print(line)

    def _list(self) -> None:
        rows = [_npf_show.connection(c) for c in self.k.pub.npf_connections()]
        if self.json:
            print_json(rows)
            return
        for row in rows:
            print(" ".join(str(value) for value in row.values()))

    def _stats(self) -> None:
        counters = self.k.pub.npf_stats()
        if self.json:
            print_json({c.name: c.value for c in counters})
            return
        for counter in counters:
            print(f"\t{counter.value} {counter.name}")

    def _table(self) -> None:
        if len(self.args) not in (2, 3):
            raise UsageError(f"table {COMMANDS['table']}")
        name, command, *rest = self.args
        command = {"rem": "remove"}.get(command, command)
        if (command in ("add", "remove", "test")) != bool(rest):
            raise UsageError(f"table {COMMANDS['table']}")
        entry = _npf_conf.address(rest[0]) if rest else None
        found = self.k.pub.npf_table(name, command, entry)
        if command == "list":
            for a in found:
                print(_npf_show.address(a))

    def _rule(self) -> None:
        match self.args:
            case [group, "add", *words] if words:
                print(f"OK {self.k.pub.npf_rule_add(group, _npf_conf.parse_rule(' '.join(words)))}")
            case [group, "rem-id", ident] if ident.isdecimal():
                self.k.pub.npf_rule_remove(group, int(ident))
            case [group, "list"]:
                self._rules(group)
            case _:
                raise UsageError(f"rule {COMMANDS['rule']}")

    def _rules(self, name: str) -> None:
        config = self.k.pub.npf_config_get().config or rump.NpfConfig()
        for group in config.groups:
            for r in group.rules if group.name == name else ():
                print(f"{_npf_show.rule(r)}  # id {r.id}")
