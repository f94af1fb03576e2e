"""Who a client is: what its connection and its token prove, mapped to an identity by the policy.

A connection proves a *peer*: that of a unix socket, or a verified certificate. A token given to Attach proves a subject
besides. The policy makes an identity of the subjects; who has none gets nothing, not even a listing. A session belongs
to the peer that made it, and is refused on the connection of another.

gRPC for Python does not tell the uid of the other end of a unix socket (no SO_PEERCRED), so all who attach over it are
the subject ``unix``. Who attaches through the socket of frames beside it (`rumpgateway.door`) is ``uid:N`` and
``gid:N`` as well. Where the policy names those, gRPC on a unix socket proves nothing: it would be the way around them.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

import grpc

from rumpgateway.replies import MAX_TOTAL_BYTES, Room
from rumpuser import audit
from rumpuser.kauth import Action, met, permitted
from rumpuser.policy import EVERYBODY_IS_ROOT, Identity, Limits, Policy, load
from rumpuser.records import Records
from rumpuser.tokens import Verifier
from rumpwire.errno import Errno, KernelError
from rumpwire.status import abort
from rumpwire.values import Credentials

log = logging.getLogger("rump.admission")

SLICE = 64
"""Parts of a second's worth of calls, each of which is taken from the bucket at once."""
MAX_RATES = 4096
"""Subjects whose rate is remembered; the one that called longest ago is forgotten."""
_PEERCRED = struct.Struct("=iII")
_SO_PEERGROUPS = 59
_GROUPS_BYTES = 1024
"""The most that Python asks the host for: 256 groups."""


@dataclass(frozen=True, slots=True)
class PeerId:
    """What a connection proves. ``subjects`` are those that a policy may name."""

    subjects: tuple[str, ...]
    where: str

    @property
    def local(self) -> bool:
        """Whether it came by a unix socket."""
        return "unix" in self.subjects

    @property
    def uid(self) -> str:
        """The subject that names its user on this host; empty where that is not known."""
        return next((subject for subject in self.subjects if subject.startswith("uid:")), "")

    def same(self, other: PeerId) -> bool:
        """Whether a session of one may be used by the other. Over gRPC a unix socket tells no user."""
        if self.local and other.local:
            return self.uid == other.uid or not (self.uid and other.uid)
        return self.subjects == other.subjects

    def __str__(self) -> str:
        return f"{', '.join(self.subjects) or 'nobody'} at {self.where}"


def plain(identity: Identity | None, peer: PeerId | None) -> tuple[Any, Any]:
    """For the record of a session."""
    who = None if identity is None else (identity.subject, tuple(identity.cred), astuple(identity.limits))
    return who, None if peer is None else (peer.subjects, peer.where)


def from_plain(value: tuple[Any, Any]) -> tuple[Identity | None, PeerId | None]:
    who, peer = value
    identity = None if who is None else Identity(who[0], Credentials(*who[1]), Limits(*who[2]))
    return identity, None if peer is None else PeerId(tuple(peer[0]), peer[1])


def peer_of(context: Any) -> PeerId:
    """The peer of a gRPC call."""
    carried: PeerId | None = getattr(context, "carried", None)  # by a gateway before this one (`rumpgateway.relay`)
    if carried is not None:
        return carried
    where: str = context.peer()
    if where.startswith("unix"):
        return PeerId(("unix",), where)
    facts = context.auth_context()
    if facts.get("transport_security_type", [b"insecure"]) == [b"insecure"]:
        return PeerId(("plain",), where)
    return PeerId(tuple(_subjects(facts)), where)


def unix_peer(connection: Any, path: str) -> PeerId:
    """The peer of a unix socket: its user and its groups on this host. One with too many groups to tell is nobody's."""
    pid, uid, gid = _PEERCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEERCRED.size))
    where = f"{path} pid {pid} uid {uid} gid {gid}"
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:
        return PeerId(("unix",), where)
    gids = dict.fromkeys((gid, *(number for (number,) in struct.iter_unpack("=I", groups))))
    return PeerId((f"uid:{uid}", *(f"gid:{number}" for number in gids), "unix"), where)


def metadata_of(context: Any, name: str) -> str:
    """A value of the metadata of a call, or nothing."""
    for key, value in context.invocation_metadata() or ():
        if key == name:
            return str(value)
    return ""


def bearer(context: Any) -> str:
    """The token of a call that names no session (RFC 6750)."""
    scheme, _, token = metadata_of(context, "authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _subjects(facts: Any) -> list[str]:
    """The names in a verified certificate: URIs (SPIFFE), DNS names, the common name."""
    pem = facts.get("x509_pem_cert", [])
    if not pem:
        return []
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(pem[0])
    found: list[str] = []
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found += names.get_values_for_type(x509.UniformResourceIdentifier)
        found += [f"dns:{name}" for name in names.get_values_for_type(x509.DNSName)]
    except (x509.ExtensionNotFound, ValueError):
        pass
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return found + [f"cn:{attribute.value!s}" for attribute in common]


class Quota:
    """What an identity may have in the gateway, over all its sessions: calls a second, and calls that wait.

    It is asked with every call. So calls are taken from the bucket some at a time, and the clock is read as often.
    """

    __slots__ = ("_bucket", "_clock", "_most", "_ready", "_slice", "_subject", "replies", "waiting")

    def __init__(self, identity: Identity, clock: Callable[[], float] = time.monotonic) -> None:
        rate = identity.limits.rate
        self._subject, self._clock = identity.subject, clock
        self._most = identity.limits.calls or math.inf
        self._bucket = audit.Bucket(rate, clock())
        self._slice = rate // SLICE
        self._ready = 0 if rate else math.inf
        self.waiting = 0
        self.replies = Room(identity.limits.memory or MAX_TOTAL_BYTES)

    def check(self, count: int) -> None:
        """EAGAIN when so many calls more are too many. What is refused is not done and may be sent again later."""
        if self.waiting >= self._most:
            self._refuse("calls", f"{self.waiting} calls wait, as many as it may have")
        if count > self._ready:
            self._take(count)
        self._ready -= count

    def _take(self, count: int) -> None:
        now, least = self._clock(), count - self._ready
        for more in (max(least, self._slice), least):
            if self._bucket.take(more, now):
                self._ready += more
                return
        self._refuse("rate", f"more than {self._bucket.rate:g} calls a second")

    def _refuse(self, what: str, text: str) -> None:
        met(self._subject, what)
        raise KernelError(Errno.EAGAIN, f"{self._subject}: {text}", "gateway")


class _Listings(grpc.aio.ServerInterceptor):
    """Admits only those whom the policy knows to what others serve beside us."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or details.method.split("/")[1].startswith(("rump.sp.", "grpc.health.")):
            return handler
        inner = handler.stream_stream or handler.unary_unary

        async def streams(requests: Any, context: Any) -> Any:
            await self._check(context)
            async for reply in inner(requests, context):
                yield reply

        async def unary(request: Any, context: Any) -> Any:
            await self._check(context)
            return await inner(request, context)

        if handler.stream_stream:
            return handler._replace(stream_stream=streams)
        return handler._replace(unary_unary=unary)

    async def _check(self, context: Any) -> None:
        try:
            self._admission.look(context, bearer(context), Action.SYSTEM_STATUS)
        except KernelError as error:
            await abort(context, error)


class Admission:
    """The policy of a kernel, read again when its file changes. ``records``: for the gateway after this one."""

    def __init__(self, path: str = "", records: Records | None = None) -> None:
        self._path = path
        self._records = records
        self.changed: Callable[[], None] = lambda: None
        """Called when there is another policy."""
        self._keys = ""
        self._state: tuple[tuple[int, ...], ...] = ()
        self._policy: Policy = EVERYBODY_IS_ROOT
        self._verifier: Verifier | None = None
        self._quotas: OrderedDict[tuple[str, Limits], Quota] = OrderedDict()
        if path:
            self._read()

    def interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        """What keeps reflection and channelz from those who are nobody; of health only the state is told, to all."""
        return [_Listings(self)] if self._path else []

    def refresh(self) -> None:
        """Reads the policy again when its file or that of its keys has changed. A faulty one is not taken."""
        if not self._path or self._state == (_state(self._path), _state(self._keys)):
            return
        try:
            self._read()
        except KernelError as error:
            log.error("the policy stays as it was: %s", error)
            audit.tell(granted=False, who="policy", action="policy.reload", file=self._path)
            return
        log.warning("the policy was read again: %s", self._path)
        audit.tell(granted=True, who="policy", action="policy.reload", file=self._path)
        self.changed()

    def _read(self) -> None:
        """All or nothing. What the files looked like is noted first, so that a change meanwhile is seen later."""
        self._state = _state(self._path), _state(self._keys)
        policy = load(self._path)
        self._keys = policy.jwt.keys if policy.jwt else ""
        self._state = self._state[0], _state(self._keys)
        verifier = Verifier(policy.jwt, self._records) if policy.jwt else None
        if verifier is not None:
            verifier.inherit(self._verifier)
        self._policy, self._verifier = policy, verifier

    def attach(self, peer: PeerId, token: str, nonce: bytes = b"") -> tuple[Identity | None, PeerId]:
        """Who attaches, None for root where there is no policy.

        EAUTH: nothing is proved, or it is nobody that the policy knows.
        """
        if not self._path:
            audit.tell(granted=True, who=str(peer), action="attach", uid=0)
            return None, peer
        self.refresh()
        try:
            identity = self._identify(peer, token, nonce)
        except KernelError as error:
            audit.tell(granted=False, who=str(peer), action="attach", why=error.text)
            log.warning("refused %s: %s", peer, error.text)
            raise
        audit.tell(granted=True, who=identity.subject, action="attach", uid=identity.cred.uid, where=peer.where)
        return identity, peer

    def _identify(self, peer: PeerId, token: str, nonce: bytes = b"") -> Identity:
        subjects = self._proved(peer)
        if token and self._verifier is not None:
            subjects.insert(0, f"jwt:{self._verifier.subject(token, nonce)}")
        elif token and self._path:
            raise KernelError(Errno.EAUTH, "tokens are not taken here", "gateway")
        identity = self._policy.identify(subjects) if subjects or not self._path else None
        if identity is None and peer.local and not subjects:
            text = "the policy tells the users of this socket apart, which gRPC does not: attach through that of frames"
            raise KernelError(Errno.EAUTH, text, "gateway")
        if identity is None:
            raise KernelError(Errno.EAUTH, "the policy knows none of what the client proves", "gateway")
        return identity

    def _proved(self, peer: PeerId) -> list[str]:
        return [] if peer.local and not peer.uid and self._policy.by_user else list(peer.subjects)

    def look(self, context: Any, token: str, action: Action | None = None) -> None:
        """That a client without a session may see what the kernel shows of itself. EAUTH, EPERM."""
        self.refresh()
        identity = self._identify(peer_of(context), token)
        if action is not None and not permitted(identity.cred, action):
            raise KernelError(Errno.EPERM, f"{identity.subject} is not allowed {action.label}", "gateway")

    def still(self, identity: Identity, peer: PeerId | None) -> bool:
        """Whether the policy, as it is now, gives a client what it has."""
        if not self._path:
            return True
        subjects = [] if peer is None else self._proved(peer)
        if identity.subject.startswith("jwt:"):
            subjects.insert(0, identity.subject)
        return self._policy.identify(subjects) == identity

    def quota(self, identity: Identity) -> Quota | None:
        """The account of an identity, None for one without limits in the gateway."""
        if not (identity.limits.rate or identity.limits.calls or identity.limits.memory):
            return None
        key = identity.subject, identity.limits
        found = self._quotas.get(key)
        if found is None:
            found = self._quotas[key] = Quota(identity)
            while len(self._quotas) > MAX_RATES:
                self._quotas.popitem(last=False)
        self._quotas.move_to_end(key)
        return found


def _state(path: str) -> tuple[int, ...]:
    """What changes when a file does."""
    try:
        stat = os.stat(path)
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
