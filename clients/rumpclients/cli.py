"""rump: starts kernels and looks at them."""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rump
from rumpclients import _security, _start, completion, top, wmd
from rumpclients._command import FAILED, Parser, print_json, print_table, run, tell

PROG = "rump"


def parser() -> Parser:
    p = Parser(PROG, "Kernels as services: starts them and looks at them.")
    commands = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _up_flags(commands.add_parser("up", help="start a kernel"))
    for name, text in (("status", "components of the kernel"), ("ps", "processes of the kernel")):
        sub = commands.add_parser(name, help=text)
        _where(sub)
        sub.add_argument("--json", action="store_true", help="as JSON")
        if name == "status":
            sub.add_argument("--calls", action="store_true", help="what calls have cost, and what components use")
    sub = commands.add_parser("restart", help="put another process in the place of a component's, with all it had")
    _where(sub)
    sub.add_argument("name", metavar="NAME", help="kern, vfs, net, dev or gateway")
    sub.add_argument("--crash", action="store_true", help="end it at once: the next one has what was recorded")
    sub = commands.add_parser("upgrade", help="the same for all and the gateway, with the code that is installed now")
    _where(sub)
    sub.add_argument("names", metavar="NAME", nargs="*", help="kern, vfs, net, dev, gateway (default: all that run)")
    sub = commands.add_parser("env", help="shell lines that set RUMP_SERVER and the prompt: eval $(rump env)")
    sub.add_argument("url", nargs="?", help="the kernel (default: that of RUMP_SERVER, or of `rump up`)")
    _module_commands(commands.add_parser("module", help="keys and signatures of modules"))
    _security.ca_flags(commands.add_parser("ca", help="certificates and tokens to try out"))
    _security.policy_flags(commands.add_parser("policy", help="checks of policy files"))
    sub = commands.add_parser("top", help="what the kernel does, again and again")
    _where(sub)
    top.flags(sub)
    sub = commands.add_parser("completion", help='completion for a shell: eval "$(rump completion bash)"')
    completion.flags(sub)
    completion.complete_flags(commands.add_parser("complete", help="what completion asks the kernel"))
    commands.add_parser("wmd", help="which components something needs", add_help=False)
    commands.add_parser("demo", help="the main job, shown", add_help=False)
    commands.add_parser("bench", help="the benchmarks", add_help=False)
    return p


def _where(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--url", metavar="URL", help="the kernel (default: that of RUMP_SERVER, or of `rump up`)")


def _up_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--url", action="append", default=[], metavar="URL", help="where to serve; repeatable")
    sub.add_argument("--factions", metavar="LIST", help="factions to run beside kern (default: vfs,net,dev)")
    sub.add_argument("--placement", choices=("split", "server"), help="a process per faction (default), or one for all")
    sub.add_argument("--dir", metavar="DIR", help="folder for sockets (default: one under the runtime directory)")
    sub.add_argument("--policy", metavar="FILE", help="who may do what (docs/security.md)")
    sub.add_argument("--audit-log", metavar="FILE", help="who was granted and refused what, a line each")
    sub.add_argument("--socket-mode", metavar="MODE", help="of unix sockets (0600); beyond the owner by a policy")
    sub.add_argument("--tls-cert", metavar="FILE", help="certificate for tcp://")
    sub.add_argument("--tls-key", metavar="FILE", help="its key")
    sub.add_argument("--tls-client-ca", metavar="FILE", help="clients must show a certificate of this authority")
    sub.add_argument("--plain-ok", action="store_true", help="allow tcp+plain URLs that are not on a loopback address")
    sub.add_argument("--module-key", action="append", default=[], metavar="FILE", help="public key trusted for modules")
    sub.add_argument("--metrics", metavar="HOST:PORT", help="answer Prometheus there")
    sub.add_argument("--slow-calls", metavar="MS", help="log calls that take longer (default: 1000); 0: never")
    sub.add_argument("--channelz", action="store_true", help="serve grpc.channelz.v1 as well, which shows connections")
    sub.add_argument("--trace", metavar="otlp|FILE", help="traces of calls: to a collector, or as JSON lines")
    sub.add_argument("--config", metavar="FILE", help="TOML file with boot parameters")
    sub.add_argument("--health", metavar="S", help="kill a component that does not answer for so long (5)")
    sub.add_argument("--steady", metavar="S", help="service after which an end is no failure in a row (10)")
    sub.add_argument("--give-up", metavar="N", help="failures in a row after which a component is left alone (8)")
    sub.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning, error")
    sub.add_argument("--log-json", action="store_true", help="log lines as JSON")
    sub.add_argument("--detach", action="store_true", help="return when it is ready")


def _module_commands(sub: argparse.ArgumentParser) -> None:
    actions = sub.add_subparsers(dest="action", metavar="ACTION", required=True)
    keygen = actions.add_parser("keygen", help="make a key: FILE is private, FILE.pub is for --module-key")
    keygen.add_argument("file", metavar="FILE")
    sign = actions.add_parser("sign", help="sign a wheel: writes WHEEL.sig")
    sign.add_argument("--key", required=True, metavar="FILE", help="private key")
    sign.add_argument("wheel", metavar="WHEEL")
    upload = actions.add_parser("upload", help="send a wheel to the kernel and load its module")
    _where(upload)
    upload.add_argument("--key", metavar="FILE", help="private key to sign with (default: WHEEL.sig)")
    upload.add_argument("wheel", metavar="WHEEL")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["wmd"]:
        return wmd.main(arguments[1:], f"{PROG} wmd")
    if arguments[:1] in (["demo"], ["bench"]):
        return _other(arguments[0], arguments[1:])
    options = parser().parse_args(arguments)
    work = {
        "up": up,
        "status": status,
        "ps": ps,
        "env": env,
        "module": module,
        "restart": restart,
        "upgrade": upgrade,
        "top": _top,
        "completion": lambda options: print(completion.script(options.shell), end=""),
        "complete": lambda options: completion.complete(lambda: _connect(None), options.kind, options.prefix),
        "ca": _security.ca,
        "policy": _security.policy,
    }[options.command]
    return run(f"{PROG} {options.command}", lambda: work(options))


def _other(name: str, arguments: list[str]) -> int:
    """A command that is a program of its own."""
    where = {"demo": "rumpclients.demo", "bench": "bench.__main__"}[name]
    if name == "bench":  # not in the wheel: it needs the checkout, which an editable install leads to
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    try:
        work = importlib.import_module(where).main
    except ModuleNotFoundError as error:
        return tell(PROG, f"{name}: needs a checkout of the project ({error.name} is missing)", FAILED)
    sys.argv = [f"{PROG} {name}", *arguments]
    return int(work() or 0)


def _connect(url: str | None) -> rump.Client:
    """The kernel that was named, else that of RUMP_SERVER, else the one that `rump up` starts when nothing is named."""
    if not url and not os.environ.get("RUMP_SERVER") and os.path.exists(_start.default_url().removeprefix("unix://")):
        url = _start.default_url()
    return rump.connect(url, comm=PROG)


# -- up


def gateway_flags(options: argparse.Namespace) -> list[str]:
    """The flags of the kernel's process for those of `rump up`."""
    folder = options.dir or _start.folder_for(options.url)
    flags = ["--dir", folder]
    valued = ("factions", "placement", "policy", "audit_log", "tls_cert", "tls_key", "tls_client_ca", "metrics")
    for name in (*valued, "socket_mode", "slow_calls", "trace", "config", "log_level", "health", "steady", "give_up"):
        value = getattr(options, name)
        if value is not None:
            flags += [f"--{name.replace('_', '-')}", value]
    for url in options.url:
        flags += ["--url", url]
    for key in options.module_key:
        flags += ["--module-key", key]
    switches = ("plain_ok", "channelz", "log_json")
    return [*flags, *(f"--{name.replace('_', '-')}" for name in switches if getattr(options, name))]


def up(options: argparse.Namespace) -> int:
    """Without --detach this process becomes the kernel's."""
    flags = gateway_flags(options)
    if options.detach:
        return _start.start(flags, urls=max(1, len(options.url)), announce=lambda url: print(f"ready {url}"))
    sys.stdout.flush()
    command = _start.command(flags)
    os.execv(command[0], command)  # noqa: S606  no shell is what is wanted
    raise AssertionError("execv returned")


# -- status, ps, env


def status(options: argparse.Namespace) -> None:
    with _connect(options.url) as k:
        found: Any = k.statistics() if options.calls else k.status()
    if options.json:
        print_json(found)
        return
    if options.calls:
        _show_statistics(found)
        return
    rows = [
        [c["name"], c["pid"], c["state"], c["restarts"], c["url"] or "-", ",".join(c["modules"]) or "-"]
        for c in found["components"]
    ]
    print_table(["NAME", "PID", "STATE", "RESTARTS", "URL", "MODULES"], rows, right=(1, 3))
    for c in found["components"]:
        if c["why"]:
            print(f"{c['name']}: {c['why']}")


def restart(options: argparse.Namespace) -> None:
    with _connect(options.url) as k:
        k.pub.component_restart(options.name, options.crash)
        _tell_pause(k, options.name)


def upgrade(options: argparse.Namespace) -> None:
    """One after another; the first that cannot be replaced goes on as it is, and ends it."""
    with _connect(options.url) as k:
        running = sorted((c["name"] for c in k.status()["components"]), key=lambda name: name == "gateway")
        for name in options.names or running:
            k.pub.component_restart(name, fresh=True)
            _tell_pause(k, name)


def _tell_pause(k: rump.Client, name: str) -> None:
    found = next(c for c in k.status()["components"] if c["name"] == name)
    print(f"{name}: process {found['pid']} after a pause of {found['recovery_ms']} ms")


def _show_statistics(found: rump.Statistics) -> None:
    up, waiting = found["uptime_ms"] / 1000, found["in_flight"]
    print(
        f"up {up:.0f} s: {found['sessions']} sessions, {found['processes']} processes,"
        f" {found['descriptors']} descriptors, {waiting} requests wait, {found['slow']} slow calls"
    )
    states = {c["name"]: c for c in found["components"]}
    rows = [
        [u["name"], states[u["name"]]["state"], states[u["name"]]["restarts"], f"{u['resident_bytes'] / 2**20:.1f}",
         f"{u['cpu_nanoseconds'] / 1e9:.2f}"]
        for u in found["usage"] if u["name"] in states
    ]  # fmt: skip
    print_table(["COMPONENT", "STATE", "RESTARTS", "MIB", "CPU S"], rows, right=(2, 3, 4))
    print()
    rows = [
        [c["call"], c["count"], sum(c["errors"].values()), *_times(c, found["bounds"]), _worst(c["errors"])]
        for c in sorted(found["calls"], key=lambda c: -c["count"])
    ]
    print_table(["CALL", "COUNT", "ERRORS", "MEAN US", "P50 <", "P99 <", "MOST ERRORS"], rows, right=(1, 2, 3, 4, 5))


def _times(c: rump.CallStatistics, bounds: list[int]) -> list[str]:
    """Mean and quantiles in microseconds, of the calls that were timed."""
    timed = sum(c["buckets"])
    if not timed:
        return ["-"] * 3
    return [
        f"{c['nanoseconds'] / timed / 1000:.0f}",
        *(_quantile(c["buckets"], bounds, q * timed) for q in (0.5, 0.99)),
    ]


def _quantile(buckets: list[int], bounds: list[int], wanted: float) -> str:
    for number, bound in zip(itertools.accumulate(buckets), bounds, strict=False):
        if number >= wanted:
            return f"{bound / 1000:.0f}"
    return "more"


def _worst(errors: dict[str, int]) -> str:
    return max(errors, key=errors.__getitem__, default="-")


def ps(options: argparse.Namespace) -> None:
    with _connect(options.url) as k:
        found = k.processes()
    if options.json:
        print_json(found)
        return
    rows = [[p["pid"], p["ppid"], p["uid"], p["nfd"], p["comm"]] for p in found]
    print_table(["PID", "PPID", "UID", "NFD", "COMMAND"], rows, right=(0, 1, 2, 3))


def env(options: argparse.Namespace) -> None:
    url = options.url or os.environ.get("RUMP_SERVER") or _start.default_url()
    if url.startswith("unix://") and not url.startswith("unix:///"):
        url = f"unix://{os.path.abspath(url.removeprefix('unix://'))}"
    prompt = f"({url}) "
    print(f"export RUMP_SERVER={shlex.quote(url)}")
    print(f'PS1={shlex.quote(prompt)}"${{PS1-}}"')


def _top(options: argparse.Namespace) -> int:
    with _connect(options.url) as k:
        return top.top(k, options)


# -- module


def module(options: argparse.Namespace) -> None:
    if options.action == "keygen":
        print(rump.generate_key(options.file))
    elif options.action == "sign":
        print(rump.sign_wheel(options.wheel, options.key))
    else:
        with _connect(options.url) as k:
            loaded = k.modules.upload(options.wheel, key=options.key)
        print(f"{loaded.name} {loaded.version} loaded into {loaded.faction}")


if __name__ == "__main__":
    sys.exit(main())
