"""``python -m rumpuser.probe URL``: asks the health service at a URL; exit status 0 when it is serving.

For probes of deployers. ``tcp://`` URLs need ``RUMP_TLS_CA`` and, where clients must show one, a certificate in
``RUMP_TLS_CERT`` and ``RUMP_TLS_KEY``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rumpuser.url import Url, parse
from rumpwire.errno import KernelError

TIMEOUT_S = 3.0


def probe(url: Url, service: str = "", timeout: float = TIMEOUT_S) -> str:
    """What the health service says: ``SERVING`` or why not."""
    with _channel(url) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            answer: Any = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
        except grpc.RpcError as error:
            call: Any = error
            return f"{call.code().name}: {call.details()}"
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def _channel(url: Url) -> grpc.Channel:
    if not url.secure:
        return grpc.insecure_channel(url.target)
    pieces = [_pem(name) for name in ("RUMP_TLS_CA", "RUMP_TLS_KEY", "RUMP_TLS_CERT")]
    return grpc.secure_channel(url.target, grpc.ssl_channel_credentials(*pieces))


def _pem(variable: str) -> bytes | None:
    name = os.environ.get(variable)
    if not name:
        return None
    with open(name, "rb") as file:
        return file.read()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m rumpuser.probe", description="Asks a health service.")
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--service", default="", help="name of a service (default: the server as a whole)")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS")
    options = parser.parse_args(argv)
    try:
        answer = probe(parse(options.url), options.service, options.timeout)
    except (KernelError, OSError) as error:
        print(f"probe: {options.url}: {error}", file=sys.stderr)
        return 2
    if answer != "SERVING":
        print(f"probe: {options.url}: {answer}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
