"""What is kept for sessions, and on whose account."""

from __future__ import annotations

from rumpgateway.replies import Replies, Room


def test_an_identity_has_one_account_for_all_its_sessions() -> None:
    room, quota = Room(), Room(100)
    one, two, other = Replies(room, quota), Replies(room, quota), Replies(room)
    one.keep(1, b"", 60)
    assert not one.full
    two.keep(1, b"", 40)
    other.keep(1, b"", 1 << 20)
    assert (one.full, two.full, other.full) == (True, True, False)
    assert not Replies(room, quota).full, "who has nothing kept gets on"
    two.acknowledge(2, ())
    assert (one.full, quota.taken) == (False, 60)
    one.close()
    assert (quota.taken, room.taken) == (0, 1 << 20)
