"""rump.kill on a kernel in this process."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator

import pytest

import rump
from rumpclients import kill
from rumpwire import const


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=()) as kernel:
        monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: kernel.attach())
        yield kernel


@pytest.fixture
def got(k: rump.Kernel) -> Iterator[queue.SimpleQueue[int]]:
    found: queue.SimpleQueue[int] = queue.SimpleQueue()
    k.on_signal(lambda number: found.put(int(number)))
    yield found
    k.on_signal(None)


@pytest.mark.parametrize(
    ("words", "signo"),
    [
        ([], signal.SIGTERM), (["-s", "usr1"], signal.SIGUSR1), (["-SIGUSR2"], signal.SIGUSR2),
        (["-30"], signal.SIGUSR1), (["-s", "30"], signal.SIGUSR1), (["-HUP", "--"], signal.SIGHUP),
        (["--"], signal.SIGTERM),
        (["-RTMIN+2"], signal.SIGRTMIN + 2), (["-s", "SIGRTMAX-1"], signal.SIGRTMAX - 1),
        (["-34"], signal.SIGRTMIN + 1),
    ],
)  # fmt: skip
def test_signals(k: rump.Kernel, got: queue.SimpleQueue[int], words: list[str], signo: int) -> None:
    assert kill.main([*words, str(k.pid)]) == 0
    assert got.get(timeout=20) == signo


def test_groups_and_asking(k: rump.Kernel, got: queue.SimpleQueue[int]) -> None:
    k.sys.setpgid(0, 0)
    assert kill.main(["-0", str(k.pid)]) == 0
    assert kill.main(["-INT", f"-{k.pid}"]) == 0
    assert got.get(timeout=20) == signal.SIGINT
    assert kill.main(["-s", "QUIT", "--", f"-{k.pid}"]) == 0
    assert got.get(timeout=20) == signal.SIGQUIT


def test_one_that_is_not_there(k: rump.Kernel, got: queue.SimpleQueue[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert kill.main(["29999", str(k.pid)]) == 1
    assert got.get(timeout=20) == signal.SIGTERM, "the others get it"
    err = capsys.readouterr().err
    assert err.startswith("rump.kill: 29999: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [[], ["-s"], ["-s", "HUP"], ["-NONE", "1"], ["-64", "1"], ["-RTMAX+1", "1"], ["x"], ["-l", "x"], ["-l", "64"]],
)
def test_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert kill.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert kill.main(["-l"]) == 0
    names = capsys.readouterr().out.split()
    assert [getattr(const, f"SIG{name}") for name in names] == list(range(1, 33))
    for words, name in ((["30"], "USR1"), (["143"], "TERM"), (["33"], "RTMIN"), (["63"], "RTMIN+30")):
        assert kill.main(["-l", *words]) == 0
        assert capsys.readouterr().out == f"{name}\n"
