"""Inode numbers, which FAT does not have: a file's is the place of its short entry on the disk, in slots.

A file that is renamed keeps its number while the mount lasts, so a file that comes to the old place gets one that no
place has. What deviates from the rule is remembered, that is some bytes for each renamed file.
"""

from __future__ import annotations

ROOT = 1
_MADE_UP = 1 << 48


class Numbers:
    __slots__ = ("_next", "_special", "_taken")

    def __init__(self) -> None:
        self._special: dict[int, int] = {}
        self._taken: set[int] = set()
        self._next = _MADE_UP

    def of(self, place: int) -> int:
        return self._special.get(place, place)

    def created(self, place: int) -> int:
        """The number of a new file."""
        if place in self._taken:
            self._special[place] = self._next
            self._next += 1
        return self.of(place)

    def moved(self, old: int, new: int) -> None:
        number = self._special.pop(old, old)
        if number == new:
            self._taken.discard(number)
        else:
            self._special[new] = number
            self._taken.add(number)

    def unlinked(self, place: int) -> None:
        """The file is there still, without a place."""
        self._taken.add(self._special.pop(place, place))

    def freed(self, number: int) -> None:
        self._taken.discard(number)
