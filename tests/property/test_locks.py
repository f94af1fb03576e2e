"""Ranges of locks against a naive model: for each byte, what each owner has there."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from rumpvfs.core.locks import END, Lock, LockTable
from rumpvfs.core.vnode import Vnode

SIZE = 12
FILE = cast("Vnode", object())
OWNERS = (1, 2, "flock")

steps = st.lists(
    st.tuples(
        st.sampled_from(OWNERS),
        st.sampled_from(["shared", "exclusive", "clear"]),
        st.integers(0, SIZE - 1),
        st.one_of(st.integers(0, SIZE - 1), st.just(END)),
    ),
    max_size=40,
)


class Model:
    """Bytes 0 to SIZE - 1, and one more that stands for all that come after."""

    def __init__(self) -> None:
        self.held: dict[Any, list[str | None]] = {owner: [None] * (SIZE + 1) for owner in OWNERS}

    def span(self, start: int, end: int) -> range:
        return range(start, SIZE + 1 if end == END else end + 1)

    def conflict(self, owner: Any, kind: str, start: int, end: int) -> bool:
        return any(
            held[at] is not None and "exclusive" in (kind, held[at])
            for other, held in self.held.items()
            if other != owner
            for at in self.span(start, end)
        )

    def put(self, owner: Any, kind: str | None, start: int, end: int) -> None:
        for at in self.span(start, end):
            self.held[owner][at] = kind

    def runs(self) -> set[tuple[Any, int, int, bool]]:
        out = set()
        for owner, held in self.held.items():
            start = 0
            for at in range(1, SIZE + 2):
                if at == SIZE + 1 or held[at] != held[start]:
                    if held[start] is not None:
                        last = END if at == SIZE + 1 else at - 1
                        out.add((owner, start, last, held[start] == "exclusive"))
                    start = at
        return out


@settings(deadline=None)
@given(steps)
def test_ranges(todo: list[tuple[Any, str, int, int]]) -> None:
    table, model = LockTable(), Model()
    for owner, kind, start, end in todo:
        if end < start:
            start, end = end, start
        if kind == "clear":
            table.clear(FILE, owner, start, end)
            model.put(owner, None, start, end)
        else:
            wanted = Lock(owner, start, end, kind == "exclusive", -1, 100)
            refused = table.conflict(FILE, wanted) is not None
            assert refused == model.conflict(owner, kind, start, end)
            if not refused:
                table.set(FILE, wanted)
                model.put(owner, kind, start, end)
        assert {(lock.owner, lock.start, lock.end, lock.exclusive) for lock in table.of(FILE)} == model.runs()
        assert table.total == len(table.of(FILE))
    for owner in OWNERS:
        assert (FILE in table.files_of(owner)) == any(model.held[owner])
        table.clear(FILE, owner)
    assert table.total == 0
    assert table.of(FILE) == []
