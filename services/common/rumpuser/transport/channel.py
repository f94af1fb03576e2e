"""Ends of gRPC connections: what a URL means for a client and for a server."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

import grpc
import grpc.aio

from rumpuser.transport.names import MAX_MESSAGE, Tls
from rumpuser.url import MAX_PATH, Url
from rumpwire.errno import Errno, KernelError, from_host

CONNECT_MS = 10_000
"""How long one attempt to connect may take. gRPC's name for it is another; it is no pause between attempts."""


def options(max_message: int) -> list[tuple[str, int]]:
    """Settings of both ends."""
    return [
        ("grpc.max_receive_message_length", max_message),
        ("grpc.max_send_message_length", max_message),
        ("grpc.http2.max_ping_strikes", 0),
    ]


def connect(url: Url, tls: Tls, max_message: int = MAX_MESSAGE) -> grpc.aio.Channel:
    """A channel, which connects when it is used. EINVAL, ENOENT, EACCES for the files of ``tls``."""
    settings = _client_options(max_message)
    if not url.secure:
        return grpc.aio.insecure_channel(url.target, settings)
    return grpc.aio.secure_channel(url.target, _client_credentials(tls), settings)


def connect_blocking(url: Url, tls: Tls, max_message: int = MAX_MESSAGE) -> grpc.Channel:
    """The same for callers that hold their thread until the answer is there."""
    settings = _client_options(max_message)
    if not url.secure:
        return grpc.insecure_channel(url.target, settings)
    return grpc.secure_channel(url.target, _client_credentials(tls), settings)


def _client_options(max_message: int) -> list[tuple[str, int]]:
    return [
        *options(max_message),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", 2000),
        ("grpc.enable_http_proxy", 0),
    ]


def _client_credentials(tls: Tls) -> grpc.ChannelCredentials:
    if bool(tls.cert) != bool(tls.key):
        raise KernelError(Errno.EINVAL, "a certificate needs its key, and a key its certificate")
    return grpc.ssl_channel_credentials(_pem(tls.ca), _pem(tls.key), _pem(tls.cert))


def listen(server: grpc.aio.Server, url: Url, tls: Tls, mode: int = 0o600, *, instead: bool = False) -> Url:
    """Binds a server to a URL; the answer has the port it got. ``mode``: that of a unix socket.

    ``instead``: of a predecessor that serves there and is about to leave. A port can be shared for that moment
    if both servers have the option ``grpc.so_reuseport``. EADDRINUSE, EACCES, ENOENT, EINVAL.
    """
    if url.scheme == "unix":
        _listen_unix(server, url, mode, instead=instead)
        return url
    if not instead:
        _check_free(url)
    try:
        if url.secure:
            port = server.add_secure_port(url.target, _server_credentials(tls))
        else:
            port = server.add_insecure_port(url.target)
    except RuntimeError as error:
        raise KernelError(Errno.EADDRINUSE, f"cannot listen on {url}: {_last_line(error)}") from None
    return Url(url.scheme, host=url.host, port=port)


def unlink(url: Url) -> None:
    """Takes the socket of a server that has ended out of its directory."""
    if url.scheme == "unix":
        with contextlib.suppress(OSError):
            os.unlink(url.path)


def _check_free(url: Url) -> None:
    """EADDRINUSE when somebody listens at a port, also one who would share it."""
    if not url.port:
        return
    family = socket.AF_INET6 if ":" in url.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((url.host.strip("[]"), url.port))
        except socket.gaierror:
            return  # gRPC tells what it thinks of that name
        except OSError as error:
            raise KernelError(from_host(error.errno or 0), f"cannot listen on {url}: {error.strerror}") from None


def bound_at(path: str) -> str:
    """The name under which a server of this process has bound the socket that is found at a path."""
    folder, _, last = path.rpartition("/")
    name = f"{folder}/.{os.getpid()}{last}"
    return name if len(os.fsencode(name)) <= MAX_PATH else path


def _listen_unix(server: grpc.aio.Server, url: Url, mode: int, *, instead: bool) -> None:
    """Under a name of its own first: gRPC removes the socket that it has bound when it ends, and that may be a
    successor's by then."""
    name = bound_at(url.path)
    try:
        os.makedirs(os.path.dirname(url.path), mode=0o700, exist_ok=True)
        if not instead:
            _make_way(url)
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"cannot listen on {url}: {error.strerror}") from error
    before = os.umask(0o777 & ~mode)
    try:
        server.add_insecure_port(Url("unix", path=name).target)
        os.rename(name, url.path)
    except RuntimeError as error:
        raise KernelError(Errno.EACCES, f"cannot listen on {url}: {_last_line(error)}") from None
    finally:
        os.umask(before)


def _make_way(url: Url) -> None:
    """Removes the socket of a server that is gone. EADDRINUSE when one is there, or something that is no socket."""
    try:
        mode = os.lstat(url.path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise KernelError(Errno.EADDRINUSE, f"{url.path} is there and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(url.path)
        except ConnectionRefusedError:
            os.unlink(url.path)
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody is there
    raise KernelError(Errno.EADDRINUSE, f"somebody listens on {url} already")


def _server_credentials(tls: Tls) -> grpc.ServerCredentials:
    key, cert, ca = _pem(tls.key), _pem(tls.cert), _pem(tls.ca)
    if key is None or cert is None:
        raise KernelError(Errno.EINVAL, "tcp:// needs a certificate and a key; tcp+plain:// is without TLS")
    _check_pair(tls)
    return grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=ca is not None)


def _check_pair(tls: Tls) -> None:
    """Of a certificate that is none gRPC only says that it cannot bind."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert, tls.key)
    except ssl.SSLError as error:
        why = error.reason or "no certificate and key in PEM"
        raise KernelError(Errno.EINVAL, f"{tls.cert}, {tls.key}: {why.lower().replace('_', ' ')}") from None


def _pem(name: str) -> bytes | None:
    if not name:
        return None
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"{name}: {error.strerror}") from error


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].split("; set GRPC_")[0][:200]
