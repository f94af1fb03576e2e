"""Nobody waits for ever: what a component, or a part of the gateway, owes and cannot give is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rumpgateway import supervisor
from rumpgateway.core.process import Process
from rumpgateway.kernel import Kernel, KernelConfig
from rumpgateway.replies import Room
from rumpgateway.session import Session
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


def test_a_gateway_that_was_stopped_itself_blames_no_component() -> None:
    """It finds the answer and the end of its patience at once, as after SIGSTOP and SIGCONT."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        answer: Pending[None] = Pending()

        async def ping() -> None:
            await answer

        def stopped() -> None:
            time.sleep(0.4)
            loop.call_soon(lambda: loop.call_soon(answer.resolve, None))

        member = SimpleNamespace(connection=SimpleNamespace(call=lambda ctx, op, args: ping()))
        loop.call_later(0.01, stopped)
        assert await supervisor._answers(member, 0.2)
        answer = Pending()
        assert not await supervisor._answers(member, 0.2)

    within(20, body())


@pytest.mark.parametrize(
    ("does", "said", "errno"),
    [
        ("nothing", "not replaced within", Errno.ETIMEDOUT),
        ("ends", "its log says why", Errno.EIO),
        ("refuses", "cannot be handed over", Errno.EOPNOTSUPP),
        ("takes long", "not replaced within", Errno.ETIMEDOUT),
        ("predecessor ends", "ended while it was replaced", Errno.EIO),
    ],
)
def test_a_replacement_that_fails(
    does: str, said: str, errno: Errno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The component stays the one that serves, and its successor is ended."""
    monkeypatch.setattr(supervisor, "START_S", 0.3)

    async def body() -> None:
        ended = asyncio.Event()
        heir: Any = SimpleNamespace(pid=8, ended=does == "ends", kill=ended.set, wait=ended.wait)
        child = Child("vfs", SimpleNamespace(pid=7), state="serving")  # type: ignore[arg-type]

        async def spawn(name: str, arguments: list[str], *, fresh: bool) -> Any:
            if does in ("refuses", "takes long", "predecessor ends"):
                Path(arguments[arguments.index("--heir") + 1]).touch()
            return heir

        async def hand_over(ctx: object, op: Any, args: object) -> None:
            if does == "refuses":
                raise KernelError(Errno.EOPNOTSUPP, "this cannot be handed over: a lock")
            if does == "predecessor ends":
                child.state = "restarting"
            if does == "takes long":
                await Pending()

        member = SimpleNamespace(pid=7, connection=SimpleNamespace(call=hand_over))
        registry: Any = SimpleNamespace(members={"vfs": member}, heirs={}, serving=lambda name: True)
        watched = Supervisor(registry, str(tmp_path), "", (), {}, Care())
        watched.children["vfs"] = child
        watched._spawner = SimpleNamespace(spawn=spawn)  # type: ignore[assignment]
        before = child.process
        with pytest.raises(KernelError, match=said) as refused:
            await watched.restart("vfs")
        assert refused.value.errno == errno
        assert child.process is before
        assert ended.is_set()
        assert not registry.heirs
        assert not list(tmp_path.iterdir())

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
