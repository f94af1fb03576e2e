"""ktrace: the calls of a process, written down."""

from __future__ import annotations

import os
import struct
import threading
from typing import Any

import pytest

import rump
from rump import ktrace
from tests.conformance.test_descriptors import code

SET, CLEAR, CLEARFILE = rump.KTROP_SET | rump.KTRFACV2, rump.KTROP_CLEAR, rump.KTROP_CLEARFILE
CALLS = rump.KTRFAC_SYSCALL | rump.KTRFAC_SYSRET
LIVE = rump.KTRFAC_CALL | rump.KTRFAC_RESULT


@pytest.fixture
def file(k: Any, folder: str) -> str:
    path = f"{folder}/trace"
    k.sys.close(k.sys.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    return path


def contents(k: Any, path: str) -> bytes:
    with k.open(path, "rb") as f:
        return bytes(f.read())


def read_back(k: Any, path: str) -> list[Any]:
    return list(ktrace.records([contents(k, path)]))


def kinds(records: list[Any]) -> list[str]:
    return [ktrace.NAMES[r.type] for r in records]


def test_what_a_file_tells(k: Any, connect: Any, folder: str, file: str) -> None:
    traced = connect()
    k.sys.ktrace(file, SET, ktrace.FILE, traced.pid)
    fd = traced.sys.open(f"{folder}/new", os.O_CREAT | os.O_RDWR, 0o600)
    traced.sys.write(fd, b"hello\n")
    assert traced.sys.pread(fd, 100, 1) == b"ello\n"
    assert code(traced.sys.open, f"{folder}/none", os.O_RDONLY) == "ENOENT"
    traced.sys.utrace("here", b"1234")
    k.sys.ktrace("", CLEAR, rump.KTRFAC_MASK, traced.pid)
    traced.sys.getpid()
    found = read_back(k, file)
    assert {r.pid for r in found} == {traced.pid}
    assert [r.time_ns for r in found] == sorted(r.time_ns for r in found)
    assert kinds(found) == [
        "EMUL",
        *("CALL", "NAMI", "RET"),
        *("CALL", "GIO", "RET"),
        *("CALL", "GIO", "RET"),
        *("CALL", "NAMI", "RET"),
        *("CALL", "USER", "RET"),
    ]
    opened, name, result = found[1:4]
    assert opened.fields["call"] == "open"
    assert opened.fields["registers"] == [0, 0x202, 0o600]
    assert name.fields == {"text": f"{folder}/new"}
    assert result.fields["registers"] == [fd, 0]
    assert found[4].fields["registers"] == [fd, 0, 6]
    assert found[5].fields == {"fd": fd, "write": True, "data": b"hello\n"}
    assert found[8].fields == {"fd": fd, "write": False, "data": b"ello\n"}
    assert found[9].fields["registers"] == [5, 0]
    assert found[12].fields == {"call": "open", "code": 5, "errno": 2, "error": "ENOENT"}
    assert found[14].fields == {"label": "here", "data": b"1234"}


def test_the_bytes_are_those_of_ktrace_h(k: Any, connect: Any, file: str) -> None:
    """Offsets by hand: ktr_header is 56 bytes on amd64, ktr_syscall 8 and its registers, ktr_sysret 24."""
    traced = connect()
    k.sys.ktrace(file, SET, CALLS, traced.pid)
    traced.sys.dup2(2, 40)
    k.sys.ktrace("", CLEAR, CALLS, traced.pid)
    data = contents(k, file)
    assert len(data) == 56 + 8 + 16 + 56 + 24
    assert struct.unpack_from("<ihhi", data) == (24, 1, 2, traced.pid)
    assert data[12:29].rstrip(b"\0").decode() == ktrace.records([data]).__next__().comm[:16]
    seconds, nanoseconds, lid = struct.unpack_from("<qqi", data, 32)
    assert seconds > 1_600_000_000
    assert 0 <= nanoseconds < 10**9
    assert lid == 1
    assert struct.unpack_from("<iiqq", data, 56) == (90, 16, 2, 40)
    assert struct.unpack_from("<ihhi", data, 80) == (24, 2, 2, traced.pid)
    assert struct.unpack_from("<hhiqq", data, 136) == (90, 0, 0, 40, 0)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_all_versions_of_headers(k: Any, connect: Any, file: str, version: int) -> None:
    traced = connect()
    k.sys.ktrace(file, rump.KTROP_SET | version << rump.KTRFAC_VER_SHIFT, CALLS, traced.pid)
    traced.sys.getppid()
    k.sys.ktrace(file, CLEARFILE, 0)
    found = read_back(k, file)
    assert [r.fields["call"] for r in found] == ["getppid", "getppid"]
    assert struct.unpack_from("<h", contents(k, file), 6) == (version,)
    assert abs(found[1].time_ns - found[0].time_ns) < 60 * 10**9


def test_batches_show_their_calls_one_by_one(k: Any, connect: Any, folder: str, file: str) -> None:
    traced = connect()
    k.sys.ktrace(file, SET, CALLS, traced.pid)
    with traced.batch() as b:
        fd = b.open(f"{folder}/in-batch", os.O_CREAT | os.O_RDWR, 0o600)
        b.write(fd, b"12345")
        b.close(fd)
    assert fd.result() >= 3
    k.sys.ktrace("", CLEAR, CALLS, traced.pid)
    assert [r.fields["call"] for r in read_back(k, file)] == ["open"] * 2 + ["write"] * 2 + ["close"] * 2


def test_children_are_traced_when_asked_for(k: Any, connect: Any, file: str) -> None:
    for facilities, expected in ((CALLS, False), (CALLS | rump.KTRFAC_INHERIT, True)):
        parent = connect()
        k.sys.ktrace(file, SET, facilities, parent.pid)
        child = parent.fork()
        child.sys.getgid()
        pid = child.pid
        child.close()
        k.sys.ktrace(file, CLEARFILE, 0)
        assert (pid in {r.pid for r in read_back(k, file)}) is expected


def test_descend_and_groups(k: Any, connect: Any, file: str) -> None:
    parent = connect()
    parent.sys.setpgid(0, 0)
    child = parent.fork()
    k.sys.ktrace(file, SET | rump.KTRFLAG_DESCEND, CALLS, parent.pid)
    child.sys.getgid()
    k.sys.ktrace("", CLEAR | rump.KTRFLAG_DESCEND, CALLS, parent.pid)
    child.sys.getgid()
    k.sys.ktrace(file, SET, CALLS, -parent.pid)
    child.sys.getuid()
    k.sys.ktrace("", CLEAR, CALLS, -parent.pid)
    child.close()
    assert [(r.pid, r.fields["call"]) for r in read_back(k, file)] == [
        (child.pid, call) for call in ("getgid", "getgid", "getuid", "getuid")
    ]


def test_facilities_are_cleared_one_by_one(k: Any, connect: Any, file: str) -> None:
    traced = connect()
    k.sys.ktrace(file, SET, CALLS, traced.pid)
    k.sys.ktrace("", CLEAR, rump.KTRFAC_SYSRET, traced.pid)
    traced.sys.getgid()
    k.sys.ktrace(file, CLEARFILE, 0)
    assert kinds(read_back(k, file)) == ["CALL"]


def test_a_process_that_ends_lets_go_of_its_file(k: Any, connect: Any, folder: str) -> None:
    k.sys.mkdir(f"{folder}/mnt", 0o755)
    k.sys.mount("tmpfs", f"{folder}/mnt")
    path = f"{folder}/mnt/trace"
    k.sys.close(k.sys.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    traced = connect()
    k.sys.ktrace(path, SET, CALLS, traced.pid)
    assert code(k.sys.unmount, f"{folder}/mnt", 0) == "EBUSY"
    traced.sys.getgid()
    traced.close()
    assert len(read_back(k, path)) == 2
    k.sys.unmount(f"{folder}/mnt", 0)


def test_who_may_trace_whom(k: Any, connect: Any, file: str) -> None:
    k.sys.chmod(file, 0o666)
    root, user, same, other = connect(), connect(), connect(), connect()
    for client, uid in ((user, 500), (same, 500), (other, 501)):
        client.sys.setgid(100)
        client.sys.setuid(uid)
    assert code(user.sys.ktrace, file, SET, CALLS, root.pid) == "EPERM"
    assert code(user.sys.ktrace, file, SET, CALLS, other.pid) == "EPERM"
    user.sys.ktrace(file, SET, CALLS, same.pid)
    user.sys.ktrace("", CLEAR, CALLS, same.pid)
    k.sys.ktrace(file, SET, CALLS, same.pid)
    assert code(user.sys.ktrace, "", CLEAR, CALLS, same.pid) == "EPERM"
    assert code(user.sys.ktrace, file, CLEARFILE, 0) == "EPERM"
    k.sys.ktrace(file, CLEARFILE, 0)


def test_errors(k: Any, connect: Any, folder: str, file: str) -> None:
    traced = connect()
    assert code(k.sys.ktrace, f"{folder}/none", SET, CALLS, traced.pid) == "ENOENT"
    assert code(k.sys.ktrace, folder, SET, CALLS, traced.pid) == "EISDIR"
    assert code(k.sys.ktrace, "/dev/null", SET, CALLS, traced.pid) == "EACCES"
    assert code(k.sys.ktrace, file, SET, 0, traced.pid) == "EINVAL"
    assert code(k.sys.ktrace, file, 3, CALLS, traced.pid) == "EINVAL"
    assert code(k.sys.ktrace, file, 3 << rump.KTRFAC_VER_SHIFT, CALLS, traced.pid) == "EINVAL"
    assert code(k.sys.ktrace, file, SET, CALLS, 29999) == "ESRCH"
    assert code(k.sys.ktrace, file, SET, CALLS, -29999) == "ESRCH"
    assert code(k.sys.fktrace, 55, SET, CALLS, traced.pid) == "EBADF"
    assert code(k.sys.fktrace, k.sys.open(file, os.O_RDONLY), SET, CALLS, traced.pid) == "EBADF"
    assert code(k.sys.fktrace, k.sys.kqueue(), SET, CALLS, traced.pid) == "EBADF"
    assert code(k.sys.utrace, "x", bytes(2049)) == "EINVAL"
    k.sys.utrace("nobody traces", bytes(2048))


def test_reading_along(k: Any, connect: Any, folder: str) -> None:
    traced = connect()
    reading, writing = k.sys.pipe()
    k.sys.fktrace(writing, SET, LIVE, traced.pid)
    k.sys.close(writing)
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.extend(ktrace.follow(k, reading)))
    reader.start()
    fd = traced.sys.open(f'{folder}/a\udcff"b', os.O_CREAT | os.O_WRONLY, 0o640)
    assert code(traced.sys.rmdir, f"{folder}/none") == "ENOENT"
    traced.sys.write(fd, bytes(1000))
    traced.close()
    reader.join(30)
    assert not reader.is_alive()
    lines = [ktrace.line(r).split("  ")[-1].strip() for r in found]
    assert lines[0] == f'open("{folder}/a\\377\\"b",O_WRONLY|O_CREAT,0o640)'
    assert lines[1] == f"open {fd}"
    assert lines[2] == f'rmdir("{folder}/none")'
    assert lines[3].startswith("rmdir -1 errno 2 No such file or directory")
    assert found[4].fields["args"]["data"] == {"start": "\0" * 256, "length": 1000}
    assert lines[5] == "write 1000/0x3e8"


def test_signals(k: Any, connect: Any, file: str) -> None:
    traced = connect()
    raised = threading.Event()
    traced.on_signal(lambda signo: raised.set(), rump.SIGPIPE)
    k.sys.ktrace(file, SET, rump.KTRFAC_PSIG, traced.pid)
    reading, writing = traced.sys.pipe()
    traced.sys.close(reading)
    assert code(traced.sys.write, writing, b"x") == "EPIPE"
    assert raised.wait(30)
    k.sys.ktrace(file, CLEARFILE, 0)
    found = read_back(k, file)
    assert [ktrace.line(r).split()[-2:] for r in found] == [["PSIG", "SIGPIPE"]]
    assert len(found[0].data) == 40


def test_who_does_not_read_loses_records_and_is_told(k: Any, connect: Any) -> None:
    traced = connect()
    reading, writing = k.sys.pipe()
    k.sys.fktrace(writing, SET, rump.KTRFAC_CALL | rump.KTRFAC_GENIO, traced.pid)
    k.sys.close(writing)
    null = traced.sys.open("/dev/null", os.O_WRONLY)
    for _ in range(80):  # not held up by a reader that sleeps
        traced.sys.write(null, bytes(4088 * 8))
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.extend(ktrace.follow(k, reading)))
    reader.start()
    traced.close()
    reader.join(30)
    kept = sum(r.type != rump.KTR_USER for r in found)
    dropped = sum(r.fields["dropped"] for r in found if r.type == rump.KTR_USER)
    assert dropped > 100
    assert kept + dropped == 1 + 80 * (1 + 8)


def test_a_reader_that_goes_away_ends_the_trace(k: Any, connect: Any) -> None:
    traced, tracer = connect(), connect()
    reading, writing = tracer.sys.pipe()
    tracer.sys.fktrace(writing, SET, LIVE, traced.pid)
    tracer.sys.close(writing)
    tracer.sys.close(reading)
    for _ in range(10):
        traced.sys.getgid()
    assert traced.sys.getpid() == traced.pid


def test_bytes_that_are_no_trace() -> None:
    with pytest.raises(ValueError, match="no trace"):
        list(ktrace.records([b"\xff" * 100]))
    assert list(ktrace.records([b"short"])) == []
