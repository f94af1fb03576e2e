"""Rings under an event loop: for how long they are looked at, and that nothing else waits for them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from rumpuser.transport import linger, looking
from rumpuser.transport.linger import CROWDED_NS, LINGER_NS, Crowd, Linger
from rumpuser.transport.looking import LookingSelector, LoopLooker, looker, new_loop

LONG_NS = 10**9


class FakeRing:
    """Something comes as often as is said, and then nothing."""

    def __init__(self, comes: int = 0) -> None:
        self.linger = Linger()
        self.linger.sent(time.monotonic_ns())
        self.comes = comes
        self.looks = 0
        self.armed = False

    def look(self) -> bool:
        self.looks += 1
        self.comes -= 1
        return self.comes >= 0

    def arm(self) -> bool:
        self.armed = True
        return True


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linger, "runnable", lambda: 1)
    monkeypatch.setattr(linger, "processors", lambda: 2)
    monkeypatch.setattr(looking, "CROWDED_NS", 1 << 60)  # however long others of this host take


def test_who_is_silent_is_looked_at_for_less() -> None:
    ring = Linger()
    ring.sent(0)
    ring.came(10)
    assert ring.until == 10 + LINGER_NS
    now = 10
    for half in (2, 4, 8, 8):
        now += LONG_NS
        ring.came(now)
        assert ring.until == now + LINGER_NS // half
    ring.came(now + 1)
    assert ring.until == now + 1 + LINGER_NS, "it is busy again"


def test_crowds_are_given_way_for_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    now, calms = LONG_NS, []
    for _ in range(6):
        assert not crowd.there(now)
        crowd.met(now)
        begun = now
        while crowd.there(now):
            now += CROWDED_NS
        calms.append(now - begun)
    assert calms == sorted(calms)
    assert calms[-1] > 8 * calms[0]
    now += 10 * LONG_NS
    crowd.met(now)
    assert not crowd.there(now + 2 * calms[0]), "others come and go"
    monkeypatch.setattr(linger, "runnable", lambda: 1000)
    assert crowd.there(now + LONG_NS)


def test_nobody_looks_where_there_is_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    assert not crowd.there(LONG_NS)
    monkeypatch.setattr(linger, "processors", lambda: 1)
    assert crowd.there(2 * LONG_NS)


class Bell(FakeRing):
    """A ring whose bell is the writing end of a pipe."""

    def __init__(self) -> None:
        super().__init__()
        self.rings: list[int] = []
        self.then: Callable[[], None] = lambda: None

    def rung(self, ended: int) -> None:
        self.rings.append(ended)
        self.then()


def test_a_timer_that_a_bell_begins_ends_in_time_while_other_rings_are_looked_at() -> None:
    """The bell is heard between two looks, none of which finds anything, and nothing comes afterwards."""

    async def hear() -> None:
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        bell, ring, done = Bell(), FakeRing(), asyncio.Event()
        assert looker().listen(reading, bell)
        bell.then = lambda: loop.call_later(0.01, done.set)
        looked = ring.look

        def look() -> bool:
            if ring.looks == 3:
                os.write(writing, b"x")
            return looked()

        ring.look = look  # type: ignore[method-assign]
        ring.linger.until = time.monotonic_ns() + 10**8
        looker().wake(ring)
        begun = loop.time()
        loop.call_later(60, lambda: None)
        async with asyncio.timeout(30):
            await done.wait()
        assert loop.time() - begun < 20
        looker().ignore(reading)
        for fd in (reading, writing):
            os.close(fd)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(hear())


def test_bells_are_heard_without_a_turn_of_the_loop() -> None:
    async def hear() -> None:
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        bell, done = Bell(), asyncio.Event()
        assert looker().listen(reading, bell)

        def answer() -> None:
            """Rings again, until there is something for the loop, or whoever rings is gone."""
            if len(bell.rings) < 3:
                os.write(writing, b"x")
            elif len(bell.rings) == 3:
                loop.call_later(0, os.close, writing)
            else:
                done.set()

        bell.then = answer
        os.write(writing, b"x")
        async with asyncio.timeout(20):
            await done.wait()
        assert bell.rings[:3] == [0, 0, 0]
        assert bell.rings[3]
        looker().ignore(reading)
        looker().ignore(reading)
        os.close(reading)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(hear())


def test_what_other_threads_say_is_heard_while_bells_are_waited_for() -> None:
    async def wait() -> None:
        loop = asyncio.get_running_loop()
        reading, writing = os.pipe()
        looker().listen(reading, Bell())
        async with asyncio.timeout(20):
            assert await asyncio.to_thread(lambda: 7) == 7
            await asyncio.sleep(0.001)
            done = loop.create_future()
            loop.call_later(0.001, done.set_result, None)
            await done
        looker().ignore(reading)
        os.close(reading)
        os.close(writing)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(wait())


def test_descriptors_are_seen_while_rings_are_looked_at() -> None:
    selector = LookingSelector()
    reading, writing = os.pipe()
    selector.register(reading, 1)
    ring = FakeRing()
    ring.linger.until = 1 << 62
    selector.looker.wake(ring)
    os.write(writing, b"x")
    assert [key.fd for key, _ in selector.select(None)] == [reading]
    os.read(reading, 1)
    assert selector.select(0.001) == [], "time is up"
    assert ring.looks > 1
    assert not ring.armed
    ring.comes = 1
    assert selector.select(None) == [], "what came may have made something ready"
    ring.linger.until = 0
    os.write(writing, b"x")
    assert selector.select(None)
    assert selector.select(0) is not None
    assert ring.armed
    assert not selector.looker.awake
    selector.close()
    os.close(reading)
    os.close(writing)


def test_loops_of_servers_look_by_themselves_and_others_in_turns() -> None:
    async def rest(kind: type) -> None:
        found = looker()
        assert isinstance(found, LoopLooker) == (kind is LoopLooker)
        ring = FakeRing(comes=3)
        found.wake(ring)
        ring.linger.until = 1 << 62
        turns = 0
        while ring.looks < 5:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 1, "other tasks had their turn"
        ring.linger.until = 0
        async with asyncio.timeout(20):
            while found.awake:
                await asyncio.sleep(0)
        assert ring.armed

    asyncio.run(rest(LoopLooker))
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(rest(object))
