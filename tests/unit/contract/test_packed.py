"""Records of entries with attributes: there and back, and what is no such thing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpwire.errno import KernelError
from rumpwire.packed import Record, attributes, identity, pack, records
from rumpwire.values import Stat

wide, short, signed = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1)
stats = st.builds(
    Stat,
    wide,
    short,
    wide,
    short,
    short,
    short,
    wide,
    signed,
    signed,
    signed,
    signed,
    signed,
    signed,
    short,
    short,
    short,
)
entries = st.tuples(wide, st.integers(0, 255), st.binary(max_size=300), signed, st.none() | stats)


@given(st.lists(entries, max_size=5))
def test_there_and_back(listing: list[tuple[int, int, bytes, int, Stat | None]]) -> None:
    data = b"".join(pack(*entry) for entry in listing)
    found = list(records(data))
    assert [(r.fileno, r.dtype, r.name) for r in found] == [(e[0], e[1], e[2]) for e in listing]
    for record, entry in zip(found, listing, strict=True):
        if entry[4] is None:
            assert record.at == -1
        else:
            assert attributes(data, record.at) == entry[4]
            assert identity(data, record.at) == (entry[4].st_dev, entry[4].st_ino)


def test_attributes_that_do_not_fit_are_left_out() -> None:
    (record,) = records(pack(1, 8, b"f", 1, Stat(st_atime_ns=1 << 63)))
    assert record.at == -1


@given(st.binary(max_size=400))
def test_what_is_no_record(data: bytes) -> None:
    found: list[Record] = []
    with contextlib.suppress(KernelError):
        found.extend(records(data))
        assert sum(116 + len(record.name) for record in found) == len(data)


def test_what_is_cut_off() -> None:
    data = pack(1, 8, b"name", 1, Stat())
    for end in range(1, len(data)):
        with pytest.raises(KernelError):
            list(records(data[:end]))
