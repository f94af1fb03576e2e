from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rumpuser import config
from rumpuser.component import Parameters
from rumpwire.errno import Errno, KernelError


def test_defaults() -> None:
    c = config.load([], {})
    assert (c.listen, c.gateway, c.token, c.log_level, c.keep) == ("", "", "", "info", False)
    assert c.parameters == Parameters()
    assert c.max_message == 16 << 20


def test_precedence(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    top = 'listen = "unix:///file"\ngateway = "unix:///file"\nlog_level = "error"\n'
    file.write_text(top + "[parameters]\nncpu = 3\nnvnodes = 7\n")
    environ = {"RUMP_LISTEN": "unix:///env", "RUMP_GATEWAY": "unix:///env", "RUMP_NCPU": "4"}
    c = config.load(["--listen", "unix:///flag", "--config", str(file)], environ)
    assert (c.listen, c.gateway, c.log_level) == ("unix:///flag", "unix:///env", "error")
    assert (c.parameters.ncpu, c.parameters.nvnodes) == (4, 7)
    assert config.load([], {**environ, "RUMP_CONFIG": str(file)}).log_level == "error"


def test_the_environment_of_the_original() -> None:
    p = config.parameters(
        {
            "RUMP_NCPU": "host",
            "RUMP_VERBOSE": "1",
            "RUMP_THREADS": "0",
            "RUMP_MEMLIMIT": "16m",
            "RUMP_NVNODES": "2048",
            "RUMP_HOSTNAME": "rump-00007.x",
            "RUMP_FACTIONS": "vfs,net",
            "RUMP_MODULE_KEYS": "00" * 32 + "," + "ff" * 32,
            "RUMP_BLKFAIL": "100",
            "RUMP_BLKFAIL_SEED": "5",
            "PATH": "/bin",
        }
    )
    assert p == Parameters(
        ncpu=os.cpu_count() or 1,
        verbose=True,
        threads=False,
        memlimit=16 << 20,
        nvnodes=2048,
        hostname="rump-00007.x",
        factions=("vfs", "net"),
        module_keys=(bytes(32), b"\xff" * 32),
        extra={"blkfail": "100", "blkfail_seed": "5"},
    )


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("4k", 4096), ("2M", 2 << 20), ("1g", 1 << 30), ("1tb", 1 << 40), (4096, 4096)]
)
def test_sizes(text: Any, value: int) -> None:
    assert config.size("x", text) == value


@pytest.mark.parametrize(
    ("name", "value", "errno"),
    [
        ("RUMP_NCPU", "", Errno.EINVAL),
        ("RUMP_NCPU", "two", Errno.EINVAL),
        ("RUMP_NCPU", "0", Errno.ERANGE),
        ("RUMP_NCPU", "-1", Errno.ERANGE),
        ("RUMP_NCPU", "9" * 5000, Errno.EINVAL),
        ("RUMP_VERBOSE", "loud", Errno.EINVAL),
        ("RUMP_MEMLIMIT", "12q", Errno.EINVAL),
        ("RUMP_MEMLIMIT", "0", Errno.ERANGE),
        ("RUMP_MEMLIMIT", "9" * 19 + "t", Errno.ERANGE),
        ("RUMP_NVNODES", "1.5", Errno.EINVAL),
        ("RUMP_HOSTNAME", "a b", Errno.EINVAL),
        ("RUMP_HOSTNAME", "a" * 256, Errno.EINVAL),
        ("RUMP_FACTIONS", "vfs,usb", Errno.EINVAL),
        ("RUMP_MODULE_KEYS", "xyz", Errno.EINVAL),
        ("RUMP_MODULE_KEYS", "00", Errno.EINVAL),
    ],
)
def test_bad_parameters_name_their_source(name: str, value: str, errno: Errno) -> None:
    with pytest.raises(KernelError, match=name) as caught:
        config.parameters({name: value})
    assert caught.value.errno == errno


@pytest.mark.parametrize(
    "text",
    [
        "ncpu = ",
        "ncpu = 2",
        "parameters = 5",
        "[parameters]\nspeed = 1",
        "[parameters]\nncpu = true",
        "listen = 5",
        "\udcff",
    ],
)
def test_bad_files(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(KernelError) as caught:
        config.load(["--config", str(file)], {})
    assert caught.value.errno == Errno.EINVAL


@pytest.mark.parametrize(
    ("flags", "errno"),
    [
        (["--max-message", "1"], Errno.ERANGE),
        (["--max-message", "x"], Errno.EINVAL),
        (["--log-level", "x"], Errno.EINVAL),
        (["--config", "/no/such"], Errno.ENOENT),
        (["--token-file", "/no/such"], Errno.ENOENT),
    ],
)
def test_bad_flags(flags: list[str], errno: Errno) -> None:
    with pytest.raises(KernelError) as caught:
        config.load(flags, {})
    assert caught.value.errno == errno


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" secret\n")
    assert config.load(["--token-file", str(file)], {"RUMP_BUS_TOKEN": "other"}).token == "secret"
    c = config.load([], {"RUMP_BUS_TOKEN": "other"})
    assert c.token == "other"
    assert "other" not in repr(c)
    with pytest.raises(KernelError):
        config.load([], {"RUMP_BUS_TOKEN": "not\nascii \N{SNOWMAN}"})


def test_unknown_flags_end_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        config.load(["--frob"], {})
    assert caught.value.code == 2
    assert "--frob" in capsys.readouterr().err


def test_hostname() -> None:
    assert config.default_hostname(42).startswith("rump-00042.")
