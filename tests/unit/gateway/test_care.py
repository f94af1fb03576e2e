"""Nobody waits for ever: what a component, or a part of the gateway, owes and cannot give is told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rumpgateway import supervisor
from rumpgateway.core.process import Process
from rumpgateway.kernel import Kernel, KernelConfig
from rumpgateway.replies import Room
from rumpgateway.sessions import Session
from rumpgateway.supervisor import Care, Child, Supervisor
from rumpgateway.unary import once
from rumpuser.aio import settle
from rumpuser.component import KERNEL, ROOT_CRED
from rumpuser.pending import Pending, start
from rumpuser.records import NoRecords
from rumpwire import calls
from rumpwire.errno import Errno, KernelError
from rumpwire.values import ProcessInfo


def within(seconds: float, body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(body, seconds))


class Context:
    """That of a unary call: keeps what it was ended with."""

    ended = ""

    def invocation_metadata(self) -> tuple[Any, ...]:
        return ()

    def time_remaining(self) -> None:
        return None

    async def abort(self, code: Any, details: str, trailer: Any) -> None:
        self.ended = details
        raise RuntimeError("ended")


@pytest.mark.parametrize("waits", [False, True])
def test_an_answer_that_cannot_be_made(waits: bool) -> None:
    """A component gave something that does not fit the response, at once or later."""

    async def body() -> None:
        process = Process(ProcessInfo(2, 1, "test", ROOT_CRED))
        sessions: Any = SimpleNamespace(room=Room(), records=NoRecords())
        session = Session("token", process, sessions)
        value: Pending[int] = Pending()

        async def call() -> int:
            return await value

        def finish(outcome: Any) -> Any:
            raise TypeError(f"{outcome} is no response")

        context = Context()
        answer = asyncio.ensure_future(once(context, session, lambda: start(call()) if waits else 5, finish))
        await asyncio.sleep(0)
        value.resolve(5)
        with pytest.raises(RuntimeError, match="ended"):
            await answer
        assert "TypeError" in context.ended
        assert not session.calls

    within(5, body())


def test_a_component_that_answers_and_cannot_take_over_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_S", 0.2)

    async def body() -> None:
        ended = asyncio.Event()
        connection = SimpleNamespace(call=lambda ctx, op, args: None)
        member = SimpleNamespace(pid=7, connection=connection)
        registry: Any = SimpleNamespace(members={"vfs": member})
        process: Any = SimpleNamespace(pid=7, kill=ended.set)
        watched = Supervisor(registry, "", "", (), {}, Care(answer_s=0.03))
        child = Child("vfs", process, state="restarting")
        await watched._ask(child, process)
        assert ended.is_set()
        assert "could not take over" in child.why
        child.state = "serving"  # one that serves is left alone, however long that is
        asking = asyncio.ensure_future(watched._ask(child, process))
        await asyncio.wait((asking,), timeout=0.4)
        assert not asking.done()
        asking.cancel()

    within(10, body())


def test_kern_is_told_why_a_faction_cannot_be_started(tmp_path: Path) -> None:
    async def body() -> None:
        kernel = Kernel(KernelConfig((), str(tmp_path)))

        async def cannot(name: str) -> None:
            await asyncio.sleep(0)
            raise KernelError(Errno.EIO, f"{name} ended while it started")

        kernel.supervisor.start_faction = cannot  # type: ignore[method-assign]
        with pytest.raises(KernelError, match="net ended"):
            await settle(kernel.gateway.call(KERNEL, calls.FACTION_START, ("net",)))

    within(5, body())
