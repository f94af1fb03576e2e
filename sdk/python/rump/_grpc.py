"""What the remote connections, with and without asyncio, share: URLs, credentials, channels, errors."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import grpc

from rump._errors import CONNECTION
from rumpuser.transport.framing import SUFFIX
from rumpuser.transport.offer import wanted
from rumpuser.url import Url, parse
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.status import error_of

OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
]
PROBE_S = 2.0


@dataclass(frozen=True)
class Credentials:
    """Who the client is: RUMP_TLS_CA, RUMP_TLS_CERT, RUMP_TLS_KEY (files) and RUMP_TOKEN."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    token: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Credentials:
        names = ("RUMP_TLS_CA", "RUMP_TLS_CERT", "RUMP_TLS_KEY", "RUMP_TOKEN")
        return cls(*(environ.get(name, "") for name in names))


class Attached(NamedTuple):
    """A session: its token, its process, the longest request, and the suffix of the socket where frames are spoken."""

    token: str
    pid: int
    limit: int
    frames: str = ""

    def path(self, url: Url) -> str:
        """The socket where frames are spoken, beside the one that was connected to; empty where gRPC alone is."""
        alone = not self.frames or url.scheme != "unix" or wanted() == "grpc"
        return "" if alone else url.path + self.frames


def frames_of(url: Url) -> str:
    """Where to attach with frames, if anybody listens there; empty where gRPC alone is."""
    return url.path + SUFFIX if url.scheme == "unix" and wanted() != "grpc" else ""


def server_url(url: str | None) -> Url:
    """The URL given, else that of RUMP_SERVER. ENOENT when there is neither; EINVAL and its kin as `parse`."""
    text = url or os.environ.get("RUMP_SERVER")
    if not text:
        raise KernelError(Errno.ENOENT, "no kernel is named: RUMP_SERVER is not set", CONNECTION)
    return parse(text)


def channel_credentials(credentials: Credentials) -> grpc.ChannelCredentials:
    """TLS credentials. EINVAL for a certificate without key, ENOENT, EACCES for the files."""
    if bool(credentials.cert) != bool(credentials.key):
        raise KernelError(Errno.EINVAL, "RUMP_TLS_CERT and RUMP_TLS_KEY need each other", CONNECTION)
    return grpc.ssl_channel_credentials(_pem(credentials.ca), _pem(credentials.key), _pem(credentials.cert))


def open_channel(url: Url, credentials: Credentials) -> grpc.Channel:
    if url.secure:
        return grpc.secure_channel(url.target, channel_credentials(credentials), OPTIONS)
    return grpc.insecure_channel(url.target, OPTIONS)


def _pem(name: str) -> bytes | None:
    if not name:
        return None
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"{name}: {error.strerror}", CONNECTION) from error


class Method:
    """A unary method of Session, of a channel of either kind."""

    def __init__(self, channel: Any, name: str) -> None:
        self._call = channel.unary_unary(
            f"/rump.sp.v1.Session/{name}",
            request_serializer=getattr(sp, f"{name}Request").SerializeToString,
            response_deserializer=getattr(sp, f"{name}Response").FromString,
        )

    def __call__(self, request: Any, **options: Any) -> Any:
        return self._call(request, **options)


def kernel_error(error: grpc.RpcError) -> KernelError:
    """The error of a gRPC status: the kernel's own where it sent one, else that of the connection."""
    found = error_of(error)
    if not found.origin:
        found.origin = CONNECTION
    return found


def unreachable(url: Url, error: KernelError) -> KernelError:
    """Why a kernel cannot be reached: what connect(2) says, which gRPC does not tell."""
    try:
        if url.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(PROBE_S)
                probe.connect(url.path)
        else:
            socket.create_connection((url.host, url.port), PROBE_S).close()
    except socket.gaierror as failure:
        return KernelError(Errno.EHOSTUNREACH, f"{url}: {failure.strerror}", CONNECTION)
    except TimeoutError:
        return KernelError(Errno.ETIMEDOUT, f"{url} does not answer", CONNECTION)
    except OSError as failure:
        return KernelError(from_host(failure.errno or 0), f"no kernel at {url}", CONNECTION)
    return KernelError(Errno.ENOTCONN, f"{url}: {error.text}", CONNECTION)
