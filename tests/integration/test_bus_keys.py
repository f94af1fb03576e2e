"""A bus over TLS whose keys are made at start: components show certificates to one another, strangers get nothing."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import pytest

import rump
from rumpwire import rump_bus_pb2 as pb
from tests.live import free_ports, start_kernel


def test_components_show_certificates_and_write_to_the_audit_log(tmp_path: Path) -> None:
    (port,), audit = free_ports(1), tmp_path / "audit.log"
    kernel = start_kernel(tmp_path, "--factions", "vfs", "--bus", f"tcp://localhost:{port}", "--audit-log", str(audit))
    try:
        with rump.connect(kernel.url) as k:
            k.sys.mkdir("/tmp/d", 0o700)
            k.sys.chroot("/tmp/d")
            k.sys.mknod("/null", 0o020666, 0)
        keys = kernel.folder / "run" / "bus-keys"
        assert os.stat(keys).st_mode & 0o777 == 0o700
        assert all(os.stat(key).st_mode & 0o777 == 0o600 for key in keys.glob("*.key"))
        ca = (keys / "ca.pem").read_bytes()
        with grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(ca)) as channel:
            join = channel.stream_stream("/rump.sp.v1.Registry/Join", pb.JoinRequest.SerializeToString)
            with pytest.raises(grpc.RpcError) as caught:
                list(join(iter([pb.JoinRequest(name="net")]), timeout=5))
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE  # the handshake failed
        lines = audit.read_text().splitlines()
        assert any("component=vfs" in line and "action=system.mknod" in line for line in lines)
        assert any("component=gateway" in line and "action=system.chroot.chroot" in line for line in lines)
    finally:
        kernel.stop()
        assert kernel.process.stdout is not None
        kernel.process.stdout.close()
