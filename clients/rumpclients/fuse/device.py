"""/dev/fuse: mounting, unmounting, requests and replies.

The superuser mounts with mount(2); others have fusermount3(1) do it, which hands the descriptor over a socket.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import mmap
import os
import re
import select
import shutil
import socket
import subprocess
from collections.abc import Sequence
from typing import Self

from rumpclients._command import CommandError
from rumpclients.fuse.protocol import HEADER, MAX_WRITE, REPLY, Request, parse_request

DEVICE = "/dev/fuse"
_MS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024}
_MNT_DETACH = 2
_ROOM = MAX_WRITE + 4096
_PASSING = {errno.EINTR, errno.ENOENT}
"""A request that was taken back while it was read."""


class Device:
    """A mount, by the descriptor at which its requests arrive."""

    def __init__(self, mountpoint: str, fd: int) -> None:
        self.mountpoint = mountpoint
        self._fd = fd
        self._buffer = mmap.mmap(-1, _ROOM)
        self._view = memoryview(self._buffer)
        os.set_blocking(fd, False)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    @classmethod
    def mount(cls, mountpoint: str, source: str, fstype: str, options: Sequence[str]) -> Self:
        """Mounts. ``options``: those of fuse(4), such as ``allow_other``, and flags of mounts. CommandError."""
        place = os.path.realpath(mountpoint)
        if not os.path.exists(DEVICE):
            raise CommandError(f"{DEVICE}: not there: the host has no FUSE")
        mount = _mount if os.geteuid() == 0 else _fusermount
        return cls(place, mount(place, source, fstype, options))

    def fileno(self) -> int:
        return self._fd

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether there was something to receive in time."""
        return bool(self._poll.poll(None if timeout_s is None else timeout_s * 1000))

    def receive(self) -> Request | None:
        """The next request, whose body is good until the next call. None when there is none.

        EOFError when nothing is mounted any more.
        """
        while True:
            try:
                length = os.readv(self._fd, [self._view])
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno in _PASSING:
                    continue
                if error.errno == errno.ENODEV:
                    raise EOFError from None
                raise
            if length >= HEADER.size:
                return parse_request(self._view[:length])

    def read_ahead(self, kib: int) -> None:
        """How far the host reads ahead; root alone may say, others have 128 KiB."""
        for number in _numbers(self.mountpoint):
            with contextlib.suppress(OSError), open(f"/sys/class/bdi/{number}/read_ahead_kb", "w") as file:
                file.write(str(kib))

    def reply(self, unique: int, parts: Sequence[bytes | memoryview]) -> None:
        self._send([REPLY.pack(REPLY.size + sum(map(len, parts)), 0, unique), *parts])

    def fail(self, unique: int, number: int) -> None:
        self._send([REPLY.pack(REPLY.size, -number if 0 < number < 512 else -errno.EIO, unique)])

    def _send(self, parts: Sequence[bytes | memoryview]) -> None:
        # ENOENT: whoever asked has been interrupted; ENODEV: it is unmounted, which the next read tells.
        with contextlib.suppress(FileNotFoundError):
            try:
                os.writev(self._fd, parts)
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise

    def unmount(self, *, lazy: bool = False) -> None:
        """Takes the mount away; ``lazy`` even if it is in use, as soon as it is not any more. EBUSY."""
        unmount(self.mountpoint, lazy=lazy)

    def close(self) -> None:
        """Ends the connection: what is still asked fails with ENOTCONN."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def _numbers(mountpoint: str) -> list[str]:
    """``major:minor`` of what is mounted there; asking the file system itself would wait for us."""
    with open("/proc/self/mountinfo") as mounts:
        fields = [line.split(" ") for line in mounts]
    return [words[2] for words in fields if plain(words[4]) == mountpoint][-1:]


def plain(text: str) -> str:
    """A path of mountinfo, where blanks and their kin are in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def unmount(mountpoint: str, *, lazy: bool = False) -> None:
    """EBUSY unless ``lazy``, EINVAL when nothing is mounted there."""
    if os.geteuid() == 0:
        _check(_libc().umount2(os.fsencode(mountpoint), _MNT_DETACH if lazy else 0), mountpoint)
        return
    words = [helper(), "-u", *(["-z"] if lazy else []), "--", mountpoint]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise OSError(errno.EBUSY, done.stderr.strip() or "fusermount3 failed", mountpoint)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, name: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def _mount(mountpoint: str, source: str, fstype: str, options: Sequence[str]) -> int:
    fd = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    flags = _MS["nosuid"] | _MS["nodev"]
    for option in options:
        flags |= _MS.get(option, 0)
        if option in ("suid", "dev"):
            flags &= ~_MS[f"no{option}"]
    rest = [option for option in options if option not in _MS and option not in ("suid", "dev", "rw")]
    data = ",".join([f"fd={fd}", "rootmode=40000", "user_id=0", "group_id=0", f"max_read={MAX_WRITE}", *rest])
    try:
        done = _libc().mount(
            os.fsencode(source), os.fsencode(mountpoint), b"fuse." + os.fsencode(fstype), flags, os.fsencode(data)
        )
        _check(done, mountpoint)
    except BaseException:
        os.close(fd)
        raise
    return fd


def helper() -> str:
    found = shutil.which("fusermount3") or shutil.which("fusermount")
    if found is None:
        raise CommandError("fusermount3: not installed, which only root does without")
    return found


def _fusermount(mountpoint: str, source: str, fstype: str, options: Sequence[str]) -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        name = source.replace("\\", "\\\\").replace(",", "\\,")
        words = ",".join([f"fsname={name}", f"subtype={fstype}", f"max_read={MAX_WRITE}", *options])
        done = subprocess.run(
            [helper(), "-o", words, "--", mountpoint],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "fusermount3 failed")
        _, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        fds = array.array("i")
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[:4])
        if not fds:
            raise CommandError("fusermount3 handed over no descriptor")
        os.set_inheritable(fds[0], False)
        return fds[0]
