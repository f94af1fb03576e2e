"""``python -m rumpgateway``: a kernel behind a gateway. ``rump up`` and ``rump_server`` start it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import secrets
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from rumpgateway.keeper import HEIR, MANY, TAKEN, keep
from rumpgateway.kernel import MAX_BUS_MESSAGE, Kernel, KernelConfig
from rumpgateway.registry import FACTIONS
from rumpgateway.replacement import Successor
from rumpgateway.supervisor import Care
from rumpuser import audit, config, log
from rumpuser.authority import Authority
from rumpuser.component import Parameters
from rumpuser.prctl import end_with_parent
from rumpuser.transport.looking import new_loop
from rumpuser.transport.names import Tls
from rumpuser.tune import tune
from rumpuser.url import Url, parse
from rumpwire import const
from rumpwire.errno import Errno, KernelError

TOKEN = "RUMP_HEIR_TOKEN"  # noqa: S105  the name of a variable
"""Gives a successor the token of the kernel."""

logger = logging.getLogger("rump.main")


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="rumpgateway", description="A kernel behind a gateway.")
    p.add_argument("--url", action="append", default=[], metavar="URL", help="where to serve clients; repeatable")
    p.add_argument("--bus", metavar="URL", help="where components join (default: a socket in --dir)")
    p.add_argument("--dir", required=True, metavar="DIR", help="folder for sockets; made with mode 0700")
    p.add_argument("--factions", default="vfs,net,dev", metavar="LIST", help="factions to run beside kern")
    p.add_argument(
        "--placement", choices=("split", "server"), default="split", help="a process per faction, or one for all"
    )
    p.add_argument("--no-spawn", action="store_true", help="start no components: they run elsewhere and join by --bus")
    p.add_argument(
        "--token-file", metavar="FILE", help="secret that components show (default: RUMP_BUS_TOKEN, or random)"
    )
    p.add_argument("--policy", metavar="FILE", help="who may do what, TOML (default: whoever connects is root)")
    p.add_argument("--audit-log", metavar="FILE", help="who was granted and refused what, a line each")
    p.add_argument(
        "--socket-mode", default="0600", metavar="MODE", help="of unix sockets; beyond the owner by a policy"
    )
    p.add_argument("--plain-ok", action="store_true", help="allow tcp+plain URLs that are not on a loopback address")
    p.add_argument("--tls-cert", metavar="FILE")
    p.add_argument("--tls-key", metavar="FILE")
    p.add_argument("--tls-client-ca", metavar="FILE", help="clients must show a certificate of this authority")
    p.add_argument(
        "--module-key", action="append", default=[], metavar="FILE", help="public key trusted for modules; repeatable"
    )
    p.add_argument("--max-message", default="16m", metavar="BYTES", help="largest message taken from clients")
    p.add_argument("--metrics", metavar="HOST:PORT", help="answer Prometheus there (port 0: any)")
    p.add_argument("--slow-calls", type=float, default=1000, metavar="MS", help="log calls that take longer; 0: never")
    p.add_argument("--channelz", action="store_true", help="serve grpc.channelz.v1 as well, which shows connections")
    p.add_argument("--trace", metavar="otlp|FILE", help="traces of calls: to the collector of OTEL_*, or as JSON lines")
    p.add_argument("--health", type=float, default=5.0, metavar="S", help="kill a component that answers no sooner")
    p.add_argument("--steady", type=float, default=10.0, metavar="S", help="service after which an end is no failure")
    p.add_argument("--give-up", type=int, default=8, metavar="N", help="so many failures in a row are too many")
    p.add_argument("--config", metavar="FILE", help="TOML file with the same names")
    p.add_argument("--heir", metavar="KEEPER,N", help=argparse.SUPPRESS)
    p.add_argument("--log-level", default="warning", choices=log.LEVELS)
    p.add_argument("--log-json", action="store_true")
    return p


def configuration(arguments: argparse.Namespace) -> KernelConfig:
    """What was asked for. Raises KernelError where it cannot be."""
    factions = tuple(name for name in arguments.factions.split(",") if name and name != "kern")
    unknown = [name for name in factions if name not in FACTIONS]
    if unknown:
        raise ValueError(f"--factions: no faction {', '.join(unknown)}; there are vfs, net and dev")
    folder = os.path.abspath(arguments.dir)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    urls = [parse(text, server=True) for text in arguments.url] or [Url("unix", path=f"{folder}/kernel.sock")]
    flags = ["--log-level", arguments.log_level, "--die-with-parent", "--max-message", str(MAX_BUS_MESSAGE)]
    flags += ["--log-json"] * arguments.log_json
    flags += ["--keep"] * (arguments.placement == "split")
    flags += ["--config", os.path.abspath(arguments.config)] if arguments.config else []
    parameters = _parameters(arguments, factions)
    bus = parse(arguments.bus, server=True) if arguments.bus else None
    bus_tls = _bus_keys(folder, arguments)
    if bus is not None and bus.secure:
        flags += ["--tls-cert", bus_tls.cert, "--tls-key", bus_tls.key, "--tls-ca", bus_tls.ca]
    for url in urls:
        _check_plain(url, plain_ok=arguments.plain_ok)
        if url.secure and not (arguments.tls_cert and arguments.tls_key):
            raise ValueError(f"{url}: TLS needs --tls-cert and --tls-key")
        if url.secure and not (arguments.tls_client_ca or arguments.policy):
            _check_anonymous(url, allowed=arguments.plain_ok)
    return KernelConfig(
        urls=tuple(urls),
        folder=folder,
        factions=factions,
        placement=arguments.placement,
        bus=bus,
        bus_tls=bus_tls,
        token=config.read_token(arguments.token_file, os.environ),
        spawn=not arguments.no_spawn,
        outlived=arguments.placement == "split",
        max_message=config.size("--max-message", arguments.max_message),
        parameters=parameters,
        environment=(
            ("RUMP_MODULE_KEYS", ",".join(key.hex() for key in parameters.module_keys)),
            ("RUMP_HOSTNAME", parameters.hostname),
            (audit.VARIABLE, os.path.abspath(arguments.audit_log) if arguments.audit_log else ""),
        ),
        component_flags=tuple(flags),
        metrics=_metrics(arguments.metrics),
        slow_ns=int(arguments.slow_calls * 1e6),
        channelz=arguments.channelz,
        trace=arguments.trace or "",
        policy=os.path.abspath(arguments.policy) if arguments.policy else "",
        socket_mode=_socket_mode(arguments),
        care=Care(arguments.health, arguments.steady, arguments.give_up),
        tls=Tls(arguments.tls_cert or "", arguments.tls_key or "", arguments.tls_client_ca or ""),
    )


def _parameters(arguments: argparse.Namespace, factions: tuple[str, ...]) -> Parameters:
    """Boot parameters: RUMP_* of the environment and the file's, the factions and keys of the flags."""
    table = config.read_file(arguments.config or "").get("parameters", {})
    parameters = config.parameters(os.environ, table)
    parameters.factions = factions
    parameters.hostname = parameters.hostname or config.default_hostname(os.getpid())
    parameters.module_keys += tuple(_key(name) for name in arguments.module_key)
    return parameters


def _metrics(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise ValueError(f"--metrics: {text}: HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _key(name: str) -> bytes:
    """A public key: 64 hexadecimal digits in a file. ENOENT, EACCES, EINVAL."""
    with open(name, "rb") as file:
        text = file.read(200).split()
    try:
        key = bytes.fromhex(text[0].decode())
    except (ValueError, IndexError):
        key = b""
    if len(key) != 32:
        raise KernelError(Errno.EINVAL, f"{name}: not a public key: 64 hexadecimal digits are one")
    return key


def _check_plain(url: Url, *, plain_ok: bool) -> None:
    if url.scheme != "tcp+plain" or url.host == "localhost" or url.host.startswith("127.") or url.host == "::1":
        return
    if not plain_ok:
        raise ValueError(f"{url}: plain text is for loopback addresses; use tcp:// (TLS), or allow it with --plain-ok")
    logger.warning("%s: clients are not authenticated and nothing is encrypted", url)


def _socket_mode(arguments: argparse.Namespace) -> int:
    text = arguments.socket_mode
    if not re.fullmatch("0?[0-7]{3}", text):
        raise ValueError(f"--socket-mode: {text}: three octal digits, as in 0660")
    mode = int(text, 8)
    if mode & 0o077 and not (arguments.policy or arguments.plain_ok):
        raise ValueError(f"--socket-mode: {text}: others would be root; --policy says who is who (or --plain-ok)")
    return mode


def _bus_keys(folder: str, arguments: argparse.Namespace) -> Tls:
    """Those of the flags; for a bus over TLS that has none, keys made at start: both sides show a certificate."""
    if arguments.tls_cert or not (arguments.bus or "").startswith("tcp://"):
        return Tls(arguments.tls_cert or "", arguments.tls_key or "", arguments.tls_client_ca or "")
    keys = f"{folder}/bus-keys"
    if arguments.heir:
        return Tls(f"{keys}/component.pem", f"{keys}/component.key", f"{keys}/ca.pem")
    shutil.rmtree(keys, ignore_errors=True)
    cert = Authority.create(keys).peer("component")
    return Tls(str(cert), str(cert.with_suffix(".key")), f"{keys}/ca.pem")


def _check_anonymous(url: Url, *, allowed: bool) -> None:
    if not allowed:
        raise ValueError(f"{url}: everybody would be root; --tls-client-ca or --policy says who is who (or --plain-ok)")
    logger.warning("%s: clients are not authenticated: everybody who reaches it is root", url)


async def serve(wanted: KernelConfig) -> int:
    heir = Successor(f"{wanted.folder}/gateway.heir") if wanted.succeeds else None
    try:
        if heir is not None:
            await heir.receive()
        kernel = Kernel(wanted, heir)
    except KernelError as error:
        print(f"rump up: cannot start: {error.text}", file=sys.stderr)
        if heir is not None:
            heir.fail(error)
        return 2
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def leave() -> None:
        asked.set()
        kernel.halt()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    try:
        await kernel.start()
    except (KernelError, OSError, RuntimeError) as error:
        print(f"rump up: cannot start: {error}", file=sys.stderr)
        if heir is not None:
            heir.fail(error)
            os._exit(1)  # nothing of what it has is its own
        await kernel.stop()
        return 1
    if kernel.metrics:
        logger.info("metrics at http://%s:%d/metrics", *kernel.metrics)
    for url in kernel.urls if not wanted.generation else ():
        print(f"ready {url}", flush=True)
    await kernel.run()
    if kernel.howto & const.RB_DUMP:
        logger.critical("halted, and a core is wanted")
        os.abort()
    if kernel.howto & const.RB_HALT:
        logger.warning("halted; the process stays until SIGTERM or SIGINT")
        await asked.wait()
    return 0


def _run(wanted: KernelConfig) -> int:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(serve(wanted))


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    log.setup("gateway", arguments.log_level, as_json=arguments.log_json)
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # as in components: its own lines are no records of ours
    tune()
    try:
        wanted = configuration(arguments)
        audit.setup("gateway", arguments.audit_log or "", as_json=arguments.log_json)
    except (KernelError, ValueError, OSError) as error:
        print(f"rump up: {error}", file=sys.stderr)
        return 2
    if not (wanted.spawn and wanted.outlived):
        return _run(wanted)
    if arguments.heir:
        return _run(_succeeding(wanted, arguments.heir))
    wanted = replace(wanted, keeper=os.getpid(), token=wanted.token or secrets.token_hex(16))
    many = max(MANY, wanted.care.give_up)

    def succeed(generation: int) -> int:
        command = [sys.executable, "-m", "rumpgateway", *(sys.argv[1:] if argv is None else argv)]
        command += ["--heir", f"{os.getpid()},{generation}"]
        return os.posix_spawn(sys.executable, command, {**os.environ, TOKEN: wanted.token})

    return keep(lambda generation: _run(replace(wanted, generation=generation)), succeed, many)


def _succeeding(wanted: KernelConfig, heir: str) -> KernelConfig:
    """For a process that is to take the place of another one: of whose keeper, and as which."""
    for number in (HEIR, TAKEN):
        signal.signal(number, signal.SIG_IGN)
    keeper, generation = map(int, heir.split(","))
    end_with_parent(keeper)
    return replace(wanted, keeper=keeper, generation=generation, succeeds=True, token=os.environ[TOKEN])


if __name__ == "__main__":
    sys.exit(main())
