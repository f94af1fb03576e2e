"""What a session has been answered and may not have got: an answer is kept until the client says that it has arrived.

A request that comes again, after a cut, is answered from here and not done again. A client acknowledges with each
request it makes: `acked` is the lowest id that it still waits for, `answered` are ids above it whose answers it has.
Both are needed, since one call that waits for long would otherwise keep the answers to all that come after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

MAX_KEPT = 1024
"""Answers of one session."""
MAX_KEPT_BYTES = 32 << 20
"""Of one session; one answer more may go beyond it for each call that is under way."""
MAX_TOTAL_BYTES = 256 << 20
"""Of all sessions together."""


class Room:
    """Bytes that the answers of all sessions take, or of those of one identity, and how many they may."""

    __slots__ = ("most", "taken")

    def __init__(self, most: int = MAX_TOTAL_BYTES) -> None:
        self.most = most
        self.taken = 0

    @property
    def full(self) -> bool:
        return self.taken >= self.most


class Replies:
    """The answers of one session by the id of the request: encoded messages, and how many bytes each has."""

    __slots__ = ("_closed", "_kept", "_quota", "_room", "floor", "size")

    def __init__(self, room: Room, quota: Room | None = None) -> None:
        self._quota = quota or Room()
        self._kept: dict[int, tuple[Any, int]] = {}
        self._room = room
        self._closed = False
        self.size = 0
        self.floor = 1
        """Lower ids are acknowledged: a request with one of them is out of order."""

    def count_for(self, quota: Room) -> None:
        """They are those of an identity, in a process that has taken over from another."""
        self._quota = quota
        quota.taken += self.size

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, id: int) -> Any:
        """The answer, None when none is kept."""
        found = self._kept.get(id)
        return None if found is None else found[0]

    def fresh(self, id: int) -> bool:
        """Whether a request is neither answered nor acknowledged, and there is room for its answer."""
        kept = self._kept
        if id < self.floor or id in kept:
            return False
        return not kept or not self.full

    def keep(self, id: int, answer: Any, size: int) -> None:
        if self._closed:
            return
        self._kept[id] = answer, size
        self.size += size
        self._room.taken += size
        self._quota.taken += size

    @property
    def full(self) -> bool:
        """Whether the client has to acknowledge first. Never where nothing is kept, so that everybody gets on."""
        if not self._kept:
            return False
        over = self.size >= MAX_KEPT_BYTES or self._room.full or self._quota.full
        return over or len(self._kept) >= MAX_KEPT

    def acknowledge(self, acked: int, answered: Iterable[int]) -> None:
        """All below ``acked`` have arrived, and those of ``answered``."""
        if acked > self.floor:
            kept = self._kept
            if len(kept) == 1 and acked - 1 in kept:  # so it is for who waits for each answer
                self._forget(acked - 1)
            few = acked - self.floor <= len(kept)
            if kept:
                for number in range(self.floor, acked) if few else [n for n in kept if n < acked]:
                    self._forget(number)
            self.floor = acked
        for number in answered:
            self._forget(number)

    def retain(self, waiting: Collection[int]) -> None:
        """Forgets all that the client does not wait for."""
        for number in [n for n in self._kept if n not in waiting]:
            self._forget(number)

    def close(self) -> None:
        """The session has ended: nobody will ask."""
        self._closed = True
        self.retain(())

    def _forget(self, id: int) -> None:
        found = self._kept.pop(id, None)
        if found is not None:
            self.size -= found[1]
            self._room.taken -= found[1]
            self._quota.taken -= found[1]
