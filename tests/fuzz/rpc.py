"""Random requests to every method of a kernel, made from the descriptors alone: ``python -m tests.fuzz rpc --calls N``.

Messages are valid to the wire, their values are not: borders of numbers, names that are and are not there, long and
empty bytes, structures within structures. They come one by one, in batches with references, over streams and as unary
calls, among garbage. Every request must be answered, those that wait when they are cancelled; nothing may be an
internal error, no component may end, and when the clients are gone their processes are as well.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import random
import threading
import time
from collections import Counter
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

import rump
from rumpwire import rump_sp_pb2 as sp
from rumpwire.calls import OPS
from rumpwire.errno import Errno
from rumpwire.status import error_of
from tests.live import live_kernel

WARM_UP = 2000
GROWTH = 48 << 20
"""Bytes by which all components together may grow: what was left in their file systems, tables and caches."""
ANSWER_S = 30.0
"""A request that has no answer by then will have none."""
PATIENCE_S = 0.05
"""What waits longer is cancelled."""
AT_ONCE = 24
ROUNDS = 4
"""Of requests, until another client comes: many a call gives its rights away."""
LEFT_OUT = {
    "reboot": "ends the kernel, as it should",
    "etfs_register": "gives files of the host away",
    "etfs_register_withsize": "likewise",
    "netconfig_ifsetlinkstr": "makes files of the host",
    "netconfig_ifcapture": "likewise",
}
BORDERS = [0, 1, 2, 3, 4, 5, 7, 8, 10, 16, 64, 100, 127, 128, 255, 256, 4096, 65535, 65536, 1 << 20]
WORDS = [
    b"", b"/", b".", b"..", b"/dev/null", b"/dev/zero", b"/tmp", b"/tmp/a", b"/tmp/a/b", b"a", b"b", b"/none", b"/dev",
    b"lo0", b"bridge0", b"vether0", b"gif0", b"tmpfs", b"kernfs", b"procfs", b"kern.hostname", b"user.x", b"\0",
    b"a\0b", b"\xff\xfe", b"a" * 255, b"a" * 256, b"/" + b"a/" * 600, b"a" * 5000,
]  # fmt: skip


class Maker:
    """Messages out of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def message(self, descriptor: Descriptor, depth: int = 0) -> Any:
        message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if field.containing_oneof is None and self.random.random() < (0.85 if depth < 2 else 0.4):
                self._set(message, field, depth)
        for oneof in descriptor.oneofs:
            if oneof.fields and self.random.random() < 0.9 and depth < 4:
                self._set(message, self.random.choice(oneof.fields), depth)
        return message

    def call(self, names: list[str]) -> Any:
        """A Call of one of the names."""
        call = sp.Call()
        field = sp.Call.DESCRIPTOR.fields_by_name[self.random.choice(names)]
        getattr(call, field.name).CopyFrom(self.message(field.message_type))
        return call

    def calls(self, names: list[str]) -> list[Any]:
        calls = [self.call(names) for _ in range(self.random.choice((1, 1, 1, 2, 3, 8)))]
        for call in calls:
            if self.random.random() < 0.1:
                call.references.append(self.message(sp.Reference.DESCRIPTOR))
        return calls

    def _set(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return
        if field.is_repeated:
            values = [
                self._value(field, depth) for _ in range(self.random.choice((0, 1, 2, 3, 3, 20 if depth < 2 else 1)))
            ]
            getattr(message, field.name).extend(v for v in values if v is not None)
        elif field.message_type is not None:
            value = self._value(field, depth)
            if value is not None:
                getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, self._value(field, depth))

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        chosen, kind = self.random, field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_MESSAGE:
            return self.message(field.message_type, depth + 1) if depth < 4 else None
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return chosen.random() < 0.5
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return chosen.choice(field.enum_type.values).number
        if kind == FieldDescriptor.CPPTYPE_STRING:
            data = chosen.choice(WORDS)
            if field.type == FieldDescriptor.TYPE_STRING:
                return data.decode(errors="replace")
            return data if chosen.random() < 0.7 else chosen.randbytes(chosen.choice((1, 4, 16, 100, 3000)))
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return chosen.choice((0.0, -1.0, 1e300, float("inf"), float("nan")))
        bits = 64 if kind in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64) else 32
        number = chosen.choice(BORDERS) if chosen.random() < 0.8 else chosen.getrandbits(bits)
        if kind in (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64):
            return (number if chosen.random() < 0.9 else -1 - number) % (1 << bits)
        if chosen.random() < 0.2:
            number = -1 - number
        return (number + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


class Client:
    """One session with its stream."""

    def __init__(self, channel: grpc.Channel) -> None:
        attach: Any = channel.unary_unary(
            "/rump.sp.v1.Session/Attach", response_deserializer=sp.AttachResponse.FromString
        )
        self.metadata = (("rump-session", attach(b"", timeout=ANSWER_S).session),)
        self._ids = itertools.count(1)
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        stream: Any = channel.stream_stream(
            "/rump.sp.v1.Session/Stream", response_deserializer=sp.StreamResponse.FromString
        )
        self._call = stream(iter(self._out.get, None), metadata=self.metadata)
        self._changed = threading.Condition()
        self._replies: dict[int, Any] = {}
        self.ended = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for reply in self._call:
                with self._changed:
                    self._replies[reply.id] = reply
                    self._changed.notify_all()
            why = "the kernel has ended the stream"
        except grpc.RpcError as error:
            why = str(error)
        with self._changed:
            self.ended = why
            self._changed.notify_all()

    def exchange(self, requests: list[list[Any]], *, keep_going: bool) -> list[Any]:
        """The replies to some requests; those that wait are cancelled. Raises FindingError."""
        numbers = [next(self._ids) for _ in requests]
        for number, calls in zip(numbers, requests, strict=True):
            self._out.put(sp.StreamRequest(id=number, calls=calls, keep_going=keep_going).SerializeToString())
        if not self._wait(numbers, PATIENCE_S):
            for number in numbers:
                if number not in self._replies:
                    self._out.put(sp.StreamRequest(id=number, cancel=True).SerializeToString())
            if not self._wait(numbers, ANSWER_S):
                late = [r for number, r in zip(numbers, requests, strict=True) if number not in self._replies]
                raise FindingError(f"no answer ({self.ended or 'it waits'}) to {late}")
        return [self._replies.pop(number) for number in numbers]

    def _wait(self, numbers: list[int], seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self.ended or self._all(numbers), seconds)
            return self._all(numbers)

    def _all(self, numbers: list[int]) -> bool:
        return all(number in self._replies for number in numbers)

    def close(self) -> None:
        self._out.put(None)
        self._call.cancel()
        self._reader.join()


class FindingError(Exception):
    """What must not be."""


class Campaign:
    """Requests to the kernel at a URL, from a seed on."""

    def __init__(self, url: str, seed: int) -> None:
        self.seed = seed
        self.maker = Maker(seed)
        self.url = url
        self.outcomes: Counter[str] = Counter()
        self.called: Counter[str] = Counter()
        self._channel = grpc.insecure_channel(
            url.replace("unix://", "unix:"), [("grpc.max_receive_message_length", -1)]
        )
        self._names = [op.name for op in OPS.values() if not op.internal and op.name not in LEFT_OUT]
        self._quick = [name for name in self._names if not OPS[name].blocking]
        left_out = {OPS[name].method for name in LEFT_OUT} | {
            "Prefork",
            "Handover",
        }  # they leave heirs
        self._methods = [
            (method.containing_service.full_name, method)
            for service in sp.DESCRIPTOR.services_by_name.values()
            for method in service.methods
            if not method.client_streaming and method.name not in left_out
        ]

    def run(self, calls: int) -> None:
        """Raises FindingError."""
        until = self.called.total() + calls
        while self.called.total() < until:
            with contextlib.closing(Client(self._channel)) as client:
                for _ in range(ROUNDS):
                    self._some(client)

    def _some(self, client: Client) -> None:
        chosen = self.maker.random
        names = self._quick if chosen.random() < 0.7 else self._names
        requests = [self.maker.calls(names) for _ in range(AT_ONCE)]
        keep_going = chosen.random() < 0.7
        for request, reply in zip(requests, client.exchange(requests, keep_going=keep_going), strict=True):
            self.called.update(call.WhichOneof("call") for call in request)
            for call, result in zip(request, reply.results, strict=False):
                self._check(call, result.error)
        for _ in range(4):
            self._unary(client)

    def _unary(self, client: Client) -> None:
        chosen = self.maker.random
        service, method = chosen.choice(self._methods)
        data = self.maker.message(method.input_type).SerializeToString()
        if chosen.random() < 0.2:
            data = chosen.randbytes(chosen.choice((1, 5, 50))) + data
        metadata = (
            client.metadata if chosen.random() < 0.9 and method.name != "Detach" else (("rump-session", "f" * 32),)
        )
        call: Any = self._channel.unary_unary(f"/{service}/{method.name}")
        waits = method.name == "Signals" or any(op.method == method.name and op.blocking for op in OPS.values())
        self.called[method.name] += 1
        try:
            reply = call(data, metadata=metadata, timeout=PATIENCE_S if waits else ANSWER_S)
            if method.name in ("Attach", "Fork"):
                self._detach(GetMessageClass(method.output_type).FromString(reply).session)
        except grpc.RpcError as error:
            self._status(method.name, data, error, waits=waits)

    def _detach(self, session: str) -> None:
        detach: Any = self._channel.unary_unary("/rump.sp.v1.Session/Detach")
        detach(b"", metadata=(("rump-session", session),), timeout=ANSWER_S)

    def _status(self, name: str, data: bytes, error: Any, *, waits: bool) -> None:
        code = error.code()
        self.outcomes[code.name] += 1
        found = error_of(error)
        if found is not None:
            if "internal error" in found.text:
                raise FindingError(f"{name} {data!r}: {found}")
        elif code is grpc.StatusCode.DEADLINE_EXCEEDED and not waits:
            raise FindingError(f"{name} {data!r}: no answer")
        elif code is grpc.StatusCode.UNKNOWN or (
            code is grpc.StatusCode.INTERNAL and "deserializ" not in error.details()
        ):
            raise FindingError(f"{name} {data!r}: {code.name} {error.details()}")

    def _check(self, call: Any, error: Any) -> None:
        self.outcomes[Errno(error.errno).name if error.errno else "ok"] += 1
        if "internal error" in error.text:
            raise FindingError(f"{call}: {error.text}")

    def close(self) -> None:
        self._channel.close()


def components(url: str) -> dict[str, tuple[int, str, int]]:
    """What must not change: process, state and restarts of each."""
    with rump.connect(url) as k:
        return {c["name"]: (c["pid"], c["state"], c["restarts"]) for c in k.status()["components"]}


def memory(url: str) -> int:
    """Resident bytes of all components."""
    with rump.connect(url) as k:
        return sum(u["resident_bytes"] for u in k.statistics()["usage"])


def alone(url: str) -> None:
    """Waits until all processes are gone. Raises FindingError."""
    deadline = time.monotonic() + ANSWER_S
    with rump.connect(url) as k:
        while (found := k.statistics())["processes"] > 1 or found["in_flight"]:
            if time.monotonic() > deadline:
                raise FindingError(f"left behind: {k.processes()}, {found['in_flight']} requests")
            time.sleep(0.05)


def campaign(placement: str, seed: int, calls: int) -> str:
    """One on a kernel of its own; what to tell of it. Raises FindingError."""
    with live_kernel("--placement", placement, "--slow-calls", "0") as kernel:
        before, begun = components(kernel.url), time.monotonic()
        with contextlib.closing(Campaign(kernel.url, seed)) as found:
            found.run(WARM_UP)
            level = memory(kernel.url)
            found.run(calls)
        alone(kernel.url)
        if components(kernel.url) != before:
            raise FindingError(f"seed {seed}: {before} became {components(kernel.url)}")
        grown = memory(kernel.url) - level
        if grown > GROWTH:
            raise FindingError(f"seed {seed}: {grown >> 20} MiB more than after the first {WARM_UP} calls")
        if "internal error" in kernel.log:
            raise FindingError(f"seed {seed}: {kernel.log}")
    rate = found.called.total() / (time.monotonic() - begun)
    worst = ", ".join(f"{name} {count}" for name, count in found.outcomes.most_common(8))
    return (
        f"rpc: {found.called.total()} calls of {len(found.called)} kinds in {placement}, seed {seed}, {rate:.0f}/s, "
        f"{grown / 2**20:+.1f} MiB: {worst}"
    )
