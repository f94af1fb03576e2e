"""What the generated calls stand on: conversion, errors, and the handles of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from rump._arguments import RESULTS
from rump._connection import AsyncConnection, Connection
from rump._errors import RumpError, error_of
from rump._tables import CONVERT, PATHS, ZERO
from rumpwire import calls
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step

T = TypeVar("T")
_new: Callable[..., Any] = tuple.__new__
_RESULTS = {calls.OPS[name]: convert for name, convert in RESULTS.items()}


def prepare(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments as the contract has them."""
    convert = CONVERT.get(op)
    return args if convert is None else convert(*args)


def finish(op: Op, args: tuple[Any, ...], value: Any) -> Any:
    """A value as callers see it."""
    convert = _RESULTS.get(op)
    return value if convert is None else convert(args, value)


def failure(op: Op, args: tuple[Any, ...], error: KernelError) -> RumpError:
    """The exception for a failed call, with the names it was about."""
    return error_of(error, *(args[i] for i in PATHS.get(op, ())[:2]))


class SyncBase:
    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _do(self, op: Op, args: tuple[Any, ...]) -> Any:
        try:
            convert = CONVERT.get(op)
            ready = args if convert is None else convert(*args)
            value = self._connection.call(op, ready)
            shape = _RESULTS.get(op)
            return value if shape is None else shape(ready, value)
        except KernelError as error:
            raise failure(op, args, error) from None


class AsyncBase:
    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _do(self, op: Op, args: tuple[Any, ...]) -> Any:
        try:
            ready = prepare(op, args)
            return finish(op, ready, await self._connection.call(op, ready))
        except KernelError as error:
            raise failure(op, args, error) from None


class Ref:
    """A value that a batch will have: of a call, or a part of it."""

    __slots__ = ("_index", "_op", "_path")

    def __init__(self, op: Op, index: int, path: tuple[str, ...] = ()) -> None:
        self._op = op
        self._index = index
        self._path = path

    def __getattr__(self, name: str) -> Ref:
        """A field of the result. A result of one field is that field: its name is not said."""
        if name.startswith("__"):
            raise AttributeError(name)
        if self._path:
            return Ref(self._op, self._index, (*self._path, name))
        results = self._op.results
        if len(results) > 1 and name not in results:
            raise AttributeError(f"{self._op.cname} gives {', '.join(results)}, not {name}")
        return Ref(self._op, self._index, (name,) if len(results) > 1 else (*results, name))

    def __getitem__(self, index: int) -> Ref:
        """A field of a result that has several."""
        if self._path or len(self._op.results) < 2:
            raise TypeError(f"the result of {self._op.cname} cannot be indexed before the batch is done")
        return Ref(self._op, self._index, (self._op.results[index],))

    def __iter__(self) -> Iterator[Ref]:
        """For ``r, w = b.pipe()``."""
        if self._path or len(self._op.results) < 2:
            raise TypeError(f"the result of {self._op.cname} is one value")
        return iter([self[i] for i in range(len(self._op.results))])


class Future(Ref, Generic[T]):
    """A call of a batch. Stands for its result in later calls of the batch; `result` gives it after the batch."""

    __slots__ = ("_done", "_error", "_value")

    _value: Any
    _error: RumpError | None

    def __init__(self, op: Op, index: int) -> None:
        self._op, self._index, self._path = op, index, ()
        self._done, self._error = False, None

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """The value of the call. Raises what the call failed with; ECANCELED when it was left out."""
        if not self._done:
            raise RuntimeError("the batch has not been done yet")
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def exception(self) -> RumpError | None:
        """What the call failed with."""
        return self._error

    def _settle(self, value: Any = None, error: RumpError | None = None) -> None:
        self._done, self._value, self._error = True, value, error


def known(op: Op, value: Any) -> Future[Any]:
    """The result of a call that is there already."""
    future: Future[Any] = Future(op, 0)
    future._settle(value)
    return future


class BatchBase:
    """Collects calls as steps."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._asked: list[tuple[Future[Any], tuple[Any, ...]]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def _add(self, op: Op, args: tuple[Any, ...]) -> Future[Any]:
        """EINVAL and its kin for arguments that no call could have are raised at once."""
        steps = self._steps
        future: Future[Any] = Future(op, len(steps))
        steps.append(self._step(op, args) if args else _new(Step, (op, args, ())))
        self._asked.append((future, args))
        return future

    def _step(self, op: Op, args: tuple[Any, ...]) -> Step:
        references = [Reference(a._index, i, a._path) for i, a in enumerate(args) if isinstance(a, Ref)]
        try:
            if not references:
                convert = CONVERT.get(op)
                return _new(Step, (op, args if convert is None else convert(*args), ()))  # type: ignore[no-any-return]
            self._check(args)
            return Step(op, self._prepare(op, args), references)
        except KernelError as error:
            raise failure(op, args, error) from None

    def _check(self, args: tuple[Any, ...]) -> None:
        for arg in args:
            if isinstance(arg, Ref) and (arg._index >= len(self._steps) or self._steps[arg._index].op is not arg._op):
                raise ValueError("a result of another batch: only earlier calls of the same batch can be referred to")

    def _prepare(self, op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments, with something harmless where references will be filled in."""
        return prepare(op, tuple(ZERO[op][i] if isinstance(a, Ref) else a for i, a in enumerate(args)))

    def _settle(self, outcomes: Sequence[Any]) -> None:
        """Gives every call its outcome."""
        shape = _RESULTS.get
        for (future, args), (op, ready, _), outcome in zip(self._asked, self._steps, outcomes, strict=False):
            if isinstance(outcome, KernelError):
                future._settle(error=failure(op, args, outcome))
            else:
                convert = shape(op)
                future._value = outcome if convert is None else convert(ready, outcome)
                future._done = True
        for future, args in self._asked[len(outcomes) :]:
            future._settle(error=failure(future._op, args, _left_out(future._op)))


def _left_out(op: Op) -> KernelError:
    return KernelError(Errno.ECANCELED, f"{op.cname} was left out after an earlier call failed")
