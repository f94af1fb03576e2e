"""Emits the calls and constants of the Python SDK."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from codegen.model import Contract, Field, Syscall
from codegen.values import BANNER, annotation, result_annotation
from rumpwire import const

FOLDER = "sdk/python/rump"
HEAD = f"# ruff: noqa\n{BANNER}"

# Types of arguments as callers see them, and what turns them into values of the contract. First found wins:
# (call, argument), argument, then the kind of the field.
PATHS = {
    "path",
    "fspec",
    "source",
    "link",
    "fname",
    "key",
    "hostpath",
    "filename",
    "name1",
    "name2",
    "path1",
    "path2",
} | {
    "from_path",
    "to_path",
    "fspec",
    "source",
}
CONVERT: dict[str | tuple[str, str], tuple[str, str]] = {
    ("open", "flags"): ("int", "H.OPEN.wire({})"),
    ("fhopen", "flags"): ("int", "H.OPEN.wire({})"),
    ("ksem_open", "oflag"): ("int", "H.OPEN.wire({})"),
    ("pipe2", "flags"): ("int", "H.OPEN.wire({})"),
    ("dup3", "flags"): ("int", "H.OPEN.wire({})"),
    ("kqueue1", "flags"): ("int", "H.OPEN.wire({})"),
    "oflags": ("int", "H.OPEN.wire({})"),
    ("recvfrom", "flags"): ("int | None", "None if {0} is None else H.MESSAGE.wire({0})"),
    ("sendto", "flags"): ("int | None", "None if {0} is None else H.MESSAGE.wire({0})"),
    ("recvmsg", "flags"): ("int", "H.MESSAGE.wire({})"),
    ("sendmsg", "flags"): ("int", "H.MESSAGE.wire({})"),
    ("recvmmsg", "flags"): ("int", "H.MESSAGE.wire({})"),
    ("sendmmsg", "flags"): ("int", "H.MESSAGE.wire({})"),
    ("paccept", "flags"): ("int", "H.socket_type({})"),
    "domain": ("int", "H.FAMILY.wire({})"),
    ("socket", "type"): ("int", "H.socket_type({})"),
    ("socketpair", "type"): ("int", "H.socket_type({})"),
    "level": ("int", "H.option_level({})"),
    ("setsockopt", "name"): ("int", "H.option_name(level, {})"),
    ("getsockopt", "name"): ("int", "H.option_name(level, {})"),
    ("setsockopt", "val"): ("A.OptionArg", "A.option({})"),
    ("fcntl", "cmd"): ("int", "H.FCNTL.wire({})"),
    ("fcntl", "arg"): ("int | None", "A.fcntl_argument(H.FCNTL.wire(cmd), {})"),
    ("fcntl", "lock"): ("V.Flock | None", "A.flock({})"),
    ("ioctl", "com"): ("int", "H.IOCTL.wire({})"),
    ("ioctl", "data"): ("A.IoctlArg", "A.ioctl_argument({})"),
    ("pathconf", "name"): ("int | str", "H.pathconf_name({})"),
    ("fpathconf", "name"): ("int | str", "H.pathconf_name({})"),
    ("kill", "signo"): ("int", "H.SIGNAL.wire(int({}))"),
    ("sigqueue", "signo"): ("int", "H.SIGNAL.wire(int({}))"),
    ("timer_create", "evp"): ("V.Sigevent | None", "A.sigevent({})"),
    ("aio_fsync", "op"): ("int", "H.OPEN.wire({})"),
    ("lio_listio", "aiocbs"): ("Iterable[V.Aiocb]", "A.aiocbs({})"),
    ("lio_listio", "sig"): ("V.Sigevent | None", "A.sigevent({})"),
    "Aiocb": ("V.Aiocb", "A.aiocb({})"),
    ("timer_settime", "value"): ("A.TimerArg | None", "A.itimerspec({})"),
    ("setitimer", "itv"): ("A.TimerArg | None", "A.itimerspec({})"),
    ("pselect", "mask"): ("A.SignalSet", "A.signal_set({})"),
    ("pollts", "mask"): ("A.SignalSet", "A.signal_set({})"),
    ("paccept", "mask"): ("A.SignalSet", "A.signal_set({})"),
    "clock_id": ("int", "H.CLOCK.wire({})"),
    ("route_dump", "family"): ("int", "H.FAMILY.wire({})"),
    ("getrlimit", "which"): ("int", "H.RLIMIT.wire({})"),
    ("setrlimit", "which"): ("int", "H.RLIMIT.wire({})"),
    ("setrlimit", "rlp"): ("V.Rlimit | tuple[int, int]", "A.rlimit({})"),
    ("poll", "fds"): ("Iterable[V.Pollfd | tuple[int, int]]", "A.pollfds({})"),
    ("pollts", "fds"): ("Iterable[V.Pollfd | tuple[int, int]]", "A.pollfds({})"),
    ("sysctl", "newv"): ("A.SysctlArg", "A.sysctl_value({})"),
    ("module_init", "names"): ("str | Iterable[str]", "A.names({})"),
    ("etfs_register", "type"): ("int | str", "A.etfs_type({})"),
    ("etfs_register_withsize", "type"): ("int | str", "A.etfs_type({})"),
    ("newfs", "options"): ("Mapping[str, object] | None", "A.options({})"),
    ("sendmsg", "msg"): ("V.Msghdr", "A.message({})"),
    ("sendmmsg", "msgs"): ("Iterable[V.Msghdr]", "A.messages({})"),
    "attrname": ("A.TextArg", "A.text({})"),
    "namebuf": ("A.TextArg", "A.text({})"),
    "Sockaddr": ("A.AddressArg", "A.address({})"),
    "Timespec": ("A.TimeArg", "A.timespec({})"),
}

# What may be left out. Only where everything behind it may be left out too.
DEFAULTS: dict[str | tuple[str, str], str] = {
    ("open", "flags"): "0", ("openat", "oflags"): "0", ("fhopen", "flags"): "0", ("getcwd", "length"): "1024",
    ("readlink", "count"): "1024", ("readlinkat", "bufsize"): "1024", ("mkdir", "mode"): "0o777",
    ("mkdirat", "mode"): "0o777", ("mkfifo", "mode"): "0o666", ("mkfifoat", "mode"): "0o666", ("mknod", "dev"): "0",
    ("mknodat", "dev"): "0", ("unmount", "flags"): "0", ("mount", "flags"): "0", ("mount", "data"): "None",
    ("statvfs1", "flags"): "1", ("fstatvfs1", "flags"): "1", ("fhstatvfs1", "flags"): "1",
    ("getvfsstat", "flags"): "1", ("socket", "protocol"): "0", ("socketpair", "protocol"): "0",
    ("ksem_open", "oflag"): "0", ("ksem_open", "mode"): "0o600", ("ksem_open", "value"): "0",
    ("listen", "backlog"): "128", ("paccept", "mask"): "None", ("paccept", "flags"): "0", ("recvmsg", "flags"): "0",
    ("recvmsg", "controllen"): "0", ("sendmsg", "flags"): "0", ("sendmmsg", "flags"): "0", ("recvmmsg", "flags"): "0",
    ("pipe2", "flags"): "0", ("kqueue1", "flags"): "0", ("dup3", "flags"): "0", ("getdents", "count"): "65536",
    ("getdents_stat", "count"): "65536",
    ("getdents_packed", "count"): "65536",
    ("getgroups", "gidsetsize"): "16", ("poll", "timeout"): "-1", ("reboot", "opt"): "0", ("reboot", "bootstr"): '""',
    "flag": "0", ("linkat", "flags"): "0", ("lseek", "whence"): "0", ("fsync_range", "start"): "0",
    ("fsync_range", "length"): "0", ("sysctl", "name"): "()", ("sysctl", "path"): '""', ("sysctl", "node"): "None",
    ("kevent", "changelist"): "()", ("kevent", "nevents"): "0", ("setxattr", "flags"): "0",
    ("lsetxattr", "flags"): "0", ("fsetxattr", "flags"): "0", "nbytes": "65536", ("getxattr", "size"): "65536",
    ("lgetxattr", "size"): "65536", ("fgetxattr", "size"): "65536", ("listxattr", "size"): "65536",
    ("llistxattr", "size"): "65536", ("flistxattr", "size"): "65536", ("etfs_register", "type"): '"reg"',
    ("etfs_register_withsize", "begin"): "0", ("timer_create", "evp"): "None", ("aio_cancel", "aiocbp"): "0",
    ("lio_listio", "sig"): "None", ("aio_suspend", "timeout"): "None", ("pselect", "mask"): "None",
    ("component_restart", "crash"): "False", ("component_restart", "fresh"): "False",
    ("pollts", "mask"): "None",    ("sigpending", "take"): "False",
    ("ktrace", "pid"): "0", ("fktrace", "pid"): "0", ("newfs", "options"): "None", ("newfs", "source"): '""',
}  # fmt: skip

FIRST_REGISTER = ("getpid", "getuid", "getgid")
"""Calls that give a number, though there is a second one in the answer."""
NEEDED = ("Sockopt", "Msghdr", "Rlimit", "QuotactlArgs", "Pollfd", "Aiocb")
"""Structures without which a call makes no sense."""


def emit(contract: Contract) -> dict[str, str]:
    public = [call for call in contract.calls if not call.internal]
    return {
        f"{FOLDER}/_constants.py": _constants(),
        f"{FOLDER}/_structures.py": _structures(contract),
        f"{FOLDER}/_tables.py": _tables(public),
        f"{FOLDER}/_calls.py": _calls(public),
        f"{FOLDER}/syscalls.py": _syscalls(public),
    }


def _structures(contract: Contract) -> str:
    """Those that calls take and give, without those between components."""
    found = sorted(m.name for m in contract.structures if m.file == "rump_types.proto" and not m.is_union)
    found.remove("Siginfo")  # the SDK has a number of it, as handlers of signals take one
    found.remove("MemoryHeld")  # of statistics, which are dictionaries
    names = ", ".join(f'"{name}"' for name in found)
    imports = "".join(f"    {name},\n" for name in found)
    return (
        HEAD.format("Structures of the contract, as `rump` shows them.")
        + f"\nfrom rumpwire.values import (\n{imports})\n\n__all__ = [{names}]\n"
    )


def _constants() -> str:
    names = sorted(name for name, value in vars(const).items() if name.isupper() and isinstance(value, int))
    out = [HEAD.format("Constants of the kernel; the host's number where the host has one.")]
    out.append("from __future__ import annotations\n\nfrom typing import Final\n\nfrom rump._host import constants\n")
    out.append("_of = constants()")
    out += [f'{name}: Final[int] = _of["{name}"]' for name in names]
    listed = "\n".join(f'    "{name}",' for name in names)
    out.append(f"\n__all__ = [\n{listed}\n]\n")
    return "\n".join(out)


def _tables(public: list[Syscall]) -> str:
    out = [HEAD.format("What is known of the arguments of the calls.")]
    out.append(
        "from __future__ import annotations\n\n"
        "from collections.abc import Callable\nfrom typing import Any\n\n"
        "from rumpwire import calls as C\nfrom rumpwire.calls import Op\n\n"
        "from rump import _arguments as A, _host as H\n"
    )
    out.append("# What callers pass into what the contract has.")
    out.append("CONVERT: dict[Op, Callable[..., tuple[Any, ...]]] = {")
    out += [line for call in public for line in _conversion(call)]
    out.append("}\n\n# Positions of the arguments that errors name.")
    out.append("PATHS: dict[Op, tuple[int, ...]] = {")
    out += [line for call in public for line in _paths(call)]
    out.append("}\n\n# Something harmless for each argument, where a batch will fill in a result.")
    out.append("ZERO: dict[Op, tuple[Any, ...]] = {")
    out += [f"    C.{c.name.upper()}: {_tuple(_zero(f) for f in c.request.fields)}," for c in public]
    out.append("}\n")
    return "\n".join(out)


def _calls(public: list[Syscall]) -> str:
    system, pub = [c for c in public if not c.pub], [c for c in public if c.pub]
    out = [HEAD.format("The calls of the contract as typed methods.")]
    out.append(
        "from __future__ import annotations\n\n"
        "from collections.abc import Iterable, Mapping\n\n"
        "from rumpwire import calls as C, values as V\n\n"
        "from rump import _arguments as A\nfrom rump._base import AsyncBase, BatchBase, Future, Ref, SyncBase\n"
    )
    for name, calls, text in (("SysCalls", system, "System calls"), ("PubCalls", pub, "Exported kernel functions")):
        out.append(_class(name, "SyncBase", calls, f"{text} of a process.", _method))
        out.append(_class(f"Async{name}", "AsyncBase", calls, f"{text} of a process, for asyncio.", _async_method))
    out.append(_class("BatchCalls", "BatchBase", public, "All calls, to be done later in one message.", _batch_method))
    return "\n".join(out)


def _conversion(call: Syscall) -> Iterator[str]:
    names = [_safe(f.name) for f in call.request.fields]
    values = [_typed(call, f)[1].format(_safe(f.name)) for f in call.request.fields]
    if values != names:
        yield f"    C.{call.name.upper()}: lambda {', '.join(names)}: ({', '.join(values)}{',' * (len(values) == 1)}),"


def _zero(f: Field) -> str:
    """A number is 1 rather than 0, which would be stdin."""
    return (
        "()"
        if f.repeated
        else {"int": "0", "map": "{}", "bytes": 'b""', "str": '""', "bool": "False"}.get(f.kind, "None")
    )


def _paths(call: Syscall) -> Iterator[str]:
    positions = [str(i) for i, f in enumerate(call.request.fields) if f.kind == "bytes" and f.name in PATHS]
    if positions:
        yield f"    C.{call.name.upper()}: ({', '.join(positions)},),"


def _typed(call: Syscall, f: Field) -> tuple[str, str]:
    """Type of an argument and the expression that converts it."""
    for key in ((call.name, f.name), f.name):
        if key in CONVERT:
            return CONVERT[key]
    if f.kind in CONVERT and not f.repeated:
        return CONVERT[f.kind]
    if f.kind == "bytes":
        if f.name in PATHS:
            return "A.PathArg", "A.path({})"
        if f.name == "name":
            return "A.TextArg", "A.text({})"
        return ("Iterable[A.Buffer]", "A.buffers({})") if f.repeated else ("A.Buffer", "A.buffer({})")
    if f.repeated:
        inner = f"V.{f.kind}" if f.is_message else f.kind
        return f"Iterable[{inner}]", "list({})"
    kind = annotation(f)
    return (f"V.{kind}" if f.is_message else kind), "{}"


def _safe(name: str) -> str:
    return f"{name}_" if name in ("from", "in", "is", "not") else name


def _default(call: Syscall, f: Field) -> str | None:
    for key in ((call.name, f.name), f.name):
        if key in DEFAULTS:
            return DEFAULTS[key] or None
    return "None" if f.optional or (f.is_message and f.kind not in NEEDED) else None


def _parameters(call: Syscall, *, references: bool = False) -> list[str]:
    out: list[str] = []
    may = True
    for f in reversed(call.request.fields):
        default = _default(call, f) if may else None
        may = default is not None
        kind = _typed(call, f)[0]
        if references:
            kind += " | Ref"
        out.append(f"{_safe(f.name)}: {kind}" + (f" = {default}" if may else ""))
    return out[::-1]


def _result(call: Syscall) -> str:
    """Type of the result. Structures are always there, but for the rest of a sleep that nothing ended."""
    if call.name in FIRST_REGISTER:
        return "int"
    kind = result_annotation(call)
    if not call.blocking and kind not in ("Sockaddr | None", "Sockopt | None"):
        kind = kind.removesuffix(" | None")
    return re.sub(r"\b([A-Z]\w+)", lambda m: m[1] if m[1] == "None" else f"V.{m[1]}", kind)


def _tuple(names: Iterable[str]) -> str:
    inside = list(names)
    return f"({', '.join(inside)}{',' * (len(inside) == 1)})"


def _documentation(call: Syscall, indent: str) -> list[str]:
    lines = textwrap.wrap(call.comment, 116 - len(indent))
    if len(lines) < 2:
        return [f'{indent}"""{call.comment}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}" for line in lines[1:]), f'{indent}"""']


def _class(name: str, base: str, calls: list[Syscall], text: str, method: object) -> str:
    assert callable(method)
    lines = ["", f"class {name}({base}):", f'    """{text}"""', ""]
    lines.append("    __slots__ = ()\n" if base != "BatchBase" else "")
    for call in calls:
        lines += [*method(call), ""]
    return "\n".join(lines)


def _arguments(call: Syscall) -> str:
    return f"C.{call.name.upper()}, {_tuple(_safe(f.name) for f in call.request.fields)}"


def _method(call: Syscall, prefix: str = "", wait: str = "") -> list[str]:
    result = _result(call)
    head = f"    {prefix}def {call.name}({', '.join(['self', *_parameters(call)])}) -> {result}:"
    do = f"{wait}self._do({_arguments(call)})"
    body = [f"        {do}"] if result == "None" else [f"        out: {result} = {do}", "        return out"]
    return [head, *_documentation(call, " " * 8), *body]


def _async_method(call: Syscall) -> list[str]:
    return _method(call, "async ", "await ")


def _batch_method(call: Syscall) -> list[str]:
    parameters = ", ".join(["self", *_parameters(call, references=True)])
    head = f"    def {call.name}({parameters}) -> Future[{_result(call)}]:"
    return [head, *_documentation(call, " " * 8), f"        return self._add({_arguments(call)})"]


def _syscalls(public: list[Syscall]) -> str:
    out = [HEAD.format("The calls under their names in C, on the default kernel of this process (`rump.default`).")]
    out.append(
        "from __future__ import annotations\n\n"
        "from collections.abc import Iterable, Mapping\n\n"
        "from rumpwire import values as V\n\n"
        "from rump import _arguments as A\nfrom rump._default import default\n"
    )
    names = []
    for call in public:
        prefix, group = ("rump_pub_", "pub") if call.pub else ("rump_sys_", "sys")
        result = _result(call)
        arguments = ", ".join(_safe(f.name) for f in call.request.fields)
        name = f"{prefix}{call.cname}"
        out.append(f"\ndef {name}({', '.join(_parameters(call))}) -> {result}:")
        out += _documentation(call, "    ")
        out.append(f"    {'' if result == 'None' else 'return '}default().{group}.{call.name}({arguments})\n")
        names.append(name)
        if call.cname != call.name:
            out.append(f"\n{prefix}{call.name} = {name}\n")
            names.append(f"{prefix}{call.name}")
    listed = "\n".join(f'    "{name}",' for name in names)
    out.append(f"\n__all__ = [\n{listed}\n]\n")
    return "\n".join(out)
