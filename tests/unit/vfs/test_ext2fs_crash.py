"""Power failures while ext4 is written: some of what ``python -m tests.crash.ext4`` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.ext4 import VARIANTS, crash
from tests.crash.reuse import reuse


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", [0, 1, 3, 6])
def test_what_is_left_is_whole_and_has_what_was_fsynced(variant: str, seed: int, tmp_path: Path) -> None:
    assert crash(variant, tmp_path, seed=seed, operations=130, cuts=60, every_fsck=30) == 60


@pytest.mark.parametrize("variant", VARIANTS)
def test_blocks_are_not_used_again_before_they_are_free_for_good(variant: str, tmp_path: Path) -> None:
    assert reuse(variant, tmp_path, seed=0, cuts=12, every_fsck=6) == 48
