"""What a client of the kernel's host keeps of answers about paths, for as long as vfs has changed nothing.

vfs counts changes in a page that is mapped here (`rumpuser.leases`). What is kept bears the counts of before it was
asked for; while they are the same, it is what the kernel would say now. It is said for the process as it was, so that
all of it goes when that gets other ids or directories.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from rumpuser.leases import NAMES, OPEN, OTHERS, VOID, attributes_of, contents_of, take
from rumpuser.transport.framing import SUFFIX
from rumpuser.transport.sharing import SUFFIX as MEMORY
from rumpwire import calls, const
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import Stat

VARIABLE = "RUMP_LEASES"
"""0 in the environment: nothing is kept."""
MOST = 32768
"""Answers that are kept."""
HEARD_NS = 100_000_000
"""After so long without a real answer there is one again: so signals, and the end of a session, are noticed."""
ASKED_NS = 1_000_000_000
"""A page that was not there is asked for again after so long."""
FEW = 3
"""Calls on paths before a page is asked for: who makes no more does not need one."""
_AT_LOOKS = frozenset((calls.FSTATAT, calls.FACCESSAT, calls.READLINKAT))
"""Kept at the working directory alone."""
LOOKS = frozenset((calls.STAT, calls.LSTAT, calls.ACCESS, calls.READLINK)) | _AT_LOOKS
IDENTITY = frozenset(
    (
        *(calls.CHDIR, calls.FCHDIR, calls.CHROOT, calls.FCHROOT),
        *(calls.SETUID, calls.SETEUID, calls.SETREUID, calls.SETGID, calls.SETEGID, calls.SETREGID, calls.SETGROUPS),
    )
)
"""Calls after which the same path may lead elsewhere."""
_KEPT = (Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES, Errno.ELOOP, Errno.ENAMETOOLONG)


T = TypeVar("T")


class Counts(NamedTuple):
    """The page as it was. ``identity``: which page that was, and of what process."""

    words: memoryview
    identity: int


class _Kept(NamedTuple):
    value: Any
    identity: int
    words: tuple[tuple[int, int], ...]


class Leases:
    """What one session keeps."""

    def __init__(self, frames: str, token: str) -> None:
        self._path = frames.removesuffix(SUFFIX) + MEMORY
        self._token = token.encode()
        self._page: mmap.mmap | None = None
        self._words: memoryview = memoryview(b"").cast("Q")
        self._kept: dict[Any, _Kept] = {}
        self._identity = 0
        self._changing = 0
        self._lock = threading.Lock()
        self._calls = 0
        self._asked = -ASKED_NS
        self._heard = 0

    # -- what is kept

    def find(self, key: Any) -> Any:
        """What is kept for a call, and holds; None else."""
        kept = self._kept.get(key)
        if kept is None or self._changing or kept.identity != self._identity:
            return None
        words = self._words
        if words[VOID] or time.monotonic_ns() - self._heard > HEARD_NS:
            return None
        for index, count in kept.words:
            if words[index] != count:
                self._kept.pop(key, None)
                return None
        return kept.value

    def counts(self) -> Counts | None:
        """The counts, before something is asked that is to be kept. None where nothing can be kept."""
        if (self._page is None or self._words[VOID]) and not self._mapped():
            return None
        assert self._page is not None
        identity, found = self._identity, memoryview(self._page[:]).cast("Q")
        if self._changing or found[NAMES] & 1 or found[VOID] or not found[OPEN]:
            return None
        return Counts(found, identity)

    def keep(self, key: Any, counts: Counts, value: Any, about: Iterable[int]) -> None:
        """Keeps a value; ``about``: the words that it holds for, besides those of names and identity."""
        self._heard = time.monotonic_ns()
        if len(self._kept) >= MOST:
            self._kept.clear()
        words = counts.words
        self._kept[key] = _Kept(
            value, counts.identity, ((NAMES, words[NAMES]), *((index, words[index]) for index in about))
        )

    def remember(self, key: Any, ask: Callable[[], T], about: Callable[[T], Iterable[int]]) -> T:
        """What is kept under a key, or what ``ask`` gives by any number of calls."""
        found: T | None = self.find(key)
        if found is not None:
            return found
        counts = self.counts()
        value = ask()
        if counts is not None:
            self.keep(key, counts, value, about(value))
        return value

    def same(self, counts: Counts, index: int) -> bool:
        """Whether a word, names, and who asks are what they were."""
        words, before = self._words, counts.words
        return (
            counts.identity == self._identity
            and words[index] == before[index]
            and words[NAMES] == before[NAMES]
            and not words[VOID]
        )

    def _mapped(self) -> bool:
        """Whether there is a page, asked for when it is worth it."""
        self._calls += 1
        now = time.monotonic_ns()
        if self._calls <= FEW or now - self._asked < ASKED_NS:
            return False
        self._asked = now
        with self._lock, contextlib.suppress(OSError):
            page = take(self._path, self._token)
            if page is not None:
                self._identity += 1
                self._words, self._page = memoryview(page).cast("Q"), page
        return self._page is not None and not self._words[VOID]

    # -- calls

    def call(self, op: Op, args: tuple[Any, ...], ask: Callable[[Op, tuple[Any, ...]], Any]) -> Any:
        """The outcome of a call on a path: what is kept, or what ``ask`` gives. Raises KernelError."""
        key = (op.name, args)
        value = self.find(key)
        if value is None:
            counts = self.counts()
            try:
                value = ask(op, args)
            except KernelError as error:
                value = error
            if counts is None:
                pass
            elif type(value) is Stat:
                self.keep(key, counts, value, (attributes_of(value.st_dev, value.st_ino),))
            elif not isinstance(value, KernelError):
                value = _NOTHING if value is None else value
                self.keep(key, counts, value, (OTHERS,))
            elif value.origin == "vfs" and value.errno in _KEPT:
                self.keep(key, counts, value, (OTHERS,))
        if isinstance(value, KernelError):
            raise KernelError(value.errno, value.text, value.origin)
        return None if value is _NOTHING else value

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Something is done that makes the process another one."""
        with self._lock:
            self._changing += 1
        try:
            yield
        finally:
            with self._lock:
                self._identity += 1
                self._changing -= 1
                self._kept.clear()


_NOTHING = object()
"""Stands for None, as the value of a call that gives none."""


def wanted() -> bool:
    return os.environ.get(VARIABLE, "1") != "0"


def is_look(op: Op, args: tuple[Any, ...]) -> bool:
    """Whether the answer of a call may be kept."""
    return op in LOOKS and (op not in _AT_LOOKS or args[0] == const.AT_FDCWD)


def changes(steps: Sequence[Step]) -> bool:
    """Whether calls make the process another one."""
    return any(step.op in IDENTITY for step in steps)


__all__ = ["Counts", "Leases", "changes", "contents_of", "is_look", "wanted"]
