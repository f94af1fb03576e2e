"""Hostile images of all formats: the first ones of the campaign (``python -m tests.fuzz``), and what it has found."""

from __future__ import annotations

import gzip
import itertools
import signal
from pathlib import Path

import pytest

from tests.fuzz.bounds import TooSlow, bounded_memory, bounded_time
from tests.fuzz.targets import TARGETS, image, seeds_of, use

IMAGES = 250
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.gz"))


@pytest.mark.parametrize("target", TARGETS)
def test_sound_images_are_used_without_an_error(target: str) -> None:
    assert all(use(target, seed.name, 1, bytearray(seed.clean)) for seed in seeds_of(target))


@pytest.mark.parametrize("target", TARGETS)
def test_hostile_images_never_do_more_than_fail(target: str) -> None:
    taken = 0
    with bounded_memory():
        for number in range(IMAGES):
            seed, data = image(target, number)
            with bounded_time():
                taken += use(target, seed.name, number, data)
    assert taken > IMAGES // 2, "most images are refused as a whole: nothing behind the first check is tried"


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_found_once(path: Path) -> None:
    target, seed, number = path.stem.split(".")
    with bounded_memory(), bounded_time():
        use(target, seed.replace("_", " "), int(number), bytearray(gzip.decompress(path.read_bytes())))


def test_the_bounds_hold() -> None:
    with pytest.raises(MemoryError), bounded_memory():
        bytearray(1 << 30)
    with pytest.raises(TooSlow), bounded_time(0.01):
        sum(1 for _ in itertools.repeat(1))
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_of_a_number_is_always_the_same(target: str) -> None:
    assert image(target, 7) == image(target, 7) != image(target, 8)
