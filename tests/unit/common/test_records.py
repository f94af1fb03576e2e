"""Records of a component: kept when their writer is killed at any moment, and read without trust."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.plain import flat, plain, whole
from rumpuser.records import HEADER, INITIAL, MAGIC, RecordFile, read_log
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, Timespec

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 80), 1 << 80) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.records")


def everything(records: RecordFile, table: str = "t") -> dict[Any, tuple[Any, int]]:
    return {key: (value, number) for key, value, number in records.items(table)}


def test_a_successor_finds_what_was_left_in_order(path: str) -> None:
    first = RecordFile(path)
    assert not first.inherited
    for key in (3, 1, 2):
        first.put("t", key, (b"value", key), key)
    first.put("t", 1, "another")
    first.put("other", 1, None)
    first.delete("t", 3)
    first.delete("t", 99)
    first.count("t", 2, -5)
    first.count("t", 99, 1)
    first.close()
    second = RecordFile(path)
    assert second.inherited
    assert second.items("t") == [(2, (b"value", 2), -5), (1, "another", 0)]
    assert second.items("other") == [(1, None, 0)]
    second.close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_the_last_number_is_changed_in_place(path: str) -> None:
    records = RecordFile(path)
    records.last("numbers", 1)
    size = records._end
    for number in (2, 7, 5):
        records.last("numbers", number)
    assert records._end == size
    records.close()
    second = RecordFile(path)
    assert second.items("numbers") == [(0, None, 5)]
    second.last("numbers", 9)
    assert second.items("numbers") == [(0, None, 9)]
    second.close()


def test_it_stays_small_and_keeps_what_counts(path: str) -> None:
    records = RecordFile(path)
    for round_ in range(20_000):
        records.put("t", round_ % 100, (round_, "x" * 50), round_)
    assert os.path.getsize(path) == INITIAL
    assert everything(records) == {n % 100: ((n, "x" * 50), n) for n in range(19_900, 20_000)}
    records.remove()
    assert not os.path.exists(path)


def test_it_grows_to_its_limit_and_forgets_rather_than_lie(path: str) -> None:
    records = RecordFile(path, limit=1 << 18)
    for key in range(1000):
        records.put("t", key, b"y" * 1000, key)
    kept = everything(records)
    assert 200 < len(kept) < 262
    records.put("t", 0, b"z" * 5000)  # what is there would be wrong now
    assert 0 not in everything(records)
    records.delete("t", 1)
    records.delete("t", 2)
    records.put("t", 1000, b"fits again")
    assert everything(records)[1000] == (b"fits again", 0)
    before = everything(records)
    records.close()
    assert everything(RecordFile(path, limit=1 << 18)) == before


def test_two_do_not_write_one_file(path: str) -> None:
    first = RecordFile(path)
    with pytest.raises(KernelError) as caught:
        RecordFile(path)
    assert caught.value.errno == Errno.EBUSY
    first.close()
    RecordFile(path).close()


@pytest.mark.parametrize("content", [b"", b"rump", b"something else entirely", MAGIC[:-1] + b"9" + bytes(100)])
def test_another_file_is_begun_anew(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    records = RecordFile(path)
    assert not records.inherited
    records.put("t", 1, 2)
    assert everything(records) == {1: (2, 0)}


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    os.symlink(victim, path + ".new")
    RecordFile(path).put("t", 1, "one")
    assert victim.read_bytes() == b"precious"
    assert not os.path.islink(path)


def test_a_file_of_somebody_else_is_not_written_to(path: str) -> None:
    """Who has it open would read along."""
    with Path(path + ".new").open("wb") as file:
        os.chmod(file.name, 0o666)
        RecordFile(path).put("t", 1, "secret")
        assert not os.fstat(file.fileno()).st_size
    assert Path(path).stat().st_mode & 0o7777 == 0o600


def test_what_is_of_no_use_any_more_is_wiped(path: str) -> None:
    records = RecordFile(path)
    for value in (b"first secret", b"second secret", b"third secret"):
        records.put("t", 1, value)
    records.put("t", 2, b"fourth secret")
    records.delete("t", 2)
    records.close()
    left = Path(path).read_bytes()
    assert [word in left for word in (b"first", b"second", b"third", b"fourth")] == [False, False, True, False]
    again = RecordFile(path)
    assert again.items("t") == [(1, b"third secret", 0)]
    again.close()


def test_a_torn_record_ends_the_log_wherever_it_is_torn(path: str) -> None:
    records = RecordFile(path)
    records.put("t", 1, "one")
    records.put("t", 2, "old")
    used = records._end
    records.put("t", 2, "new", 7)
    end = records._end
    records.close()
    data = bytearray(Path(path).read_bytes())
    whole_log = read_log(bytes(data))
    assert len(whole_log) == 2
    for cut in range(used, end):
        torn = bytes(data[:cut]) + bytes(len(data) - cut)
        found = read_log(torn)
        assert ("t", 1) in found
        assert found.get(("t", 2)) in (None, whole_log["t", 2])


WRITER = """
import sys
from rumpuser.records import RecordFile
from tests.unit.common.test_records import step
records = RecordFile(sys.argv[1])
for n in range(1, 1_000_000):
    step(records, n)
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


def step(records: Any, n: int) -> None:
    """The n-th change of a writer; works on a `RecordFile` and on the `Model` of one."""
    key = n * 7919 % 31
    if n % 3 == 0:
        records.count("t", key, n)
    elif n % 7 == 0:
        records.delete("t", key)
    else:
        records.put("t", key, (n, "x" * (n * 37 % 3000)), n)


class Model(dict[int, tuple[Any, int]]):
    def put(self, table: str, key: int, value: Any, number: int) -> None:
        self[key] = (value, number)

    def count(self, table: str, key: int, number: int) -> None:
        if key in self:
            self[key] = (self[key][0], number)

    def delete(self, table: str, key: int) -> None:
        self.pop(key, None)


def test_killed_at_any_moment_nothing_that_was_said_is_lost(tmp_path: Path) -> None:
    """After so many changes that the writer has reported, or one more, and nothing else."""
    random_ = random.Random(3)
    for number in range(12):
        path = str(tmp_path / f"{number}.records")
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(random_.random() * 0.04)
            writer.send_signal(signal.SIGKILL)
            lines = (first + writer.stdout.read()).split(b"\n")
        reported = int(lines[-2])  # the last may be cut
        records = RecordFile(path)
        model = Model()
        for n in range(1, reported + 1):
            step(model, n)
        then = Model(model)
        step(then, reported + 1)
        assert everything(records) in (model, then)


@given(PLAIN)
def test_plain_data_come_back(value: Any) -> None:
    import marshal

    assert plain(marshal.dumps(value, 2)) == value


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_plain_data_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        plain(data)


@settings(max_examples=200)
@given(st.data())
def test_a_file_that_somebody_changed_is_read_without_harm(data: st.DataObject) -> None:
    import marshal
    from zlib import crc32

    log = bytearray(MAGIC)
    for key in range(6):
        payload = marshal.dumps(("t", key, (b"abc", {"k": [1, None]})), 2)
        if data.draw(st.booleans()):  # wrong inside, and yet with the right checksum
            changed = bytearray(payload)
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
            payload = bytes(changed)
        log += HEADER.pack(len(payload), crc32(payload, len(payload)), key) + payload
        log += bytes(-len(log) % 8)
    for _ in range(data.draw(st.integers(0, 3))):
        log[data.draw(st.integers(0, len(log) - 1))] = data.draw(st.integers(0, 255))
    read_log(bytes(log[: data.draw(st.integers(0, len(log)))]))


def test_values_of_the_contract_become_plain_and_whole_again() -> None:
    value = (1, [Timespec(3, 4)], {"cred": Credentials(uid=5, groups=[1, 2])}, Errno.EIO, memoryview(b"abc"))
    back = whole(flat(value))
    assert back == (1, [Timespec(3, 4)], {"cred": Credentials(uid=5, groups=[1, 2])}, 5, b"abc")
    assert type(back[1][0]) is Timespec
    for bad in (
        ("\0value",),
        ("\0value", "Errno"),
        ("\0value", "Timespec", 1),
        ("\0value", 7),
        ("\0value", "NamedTuple"),
    ):
        with pytest.raises(ValueError, match=r"value|fields"):
            whole(bad)
