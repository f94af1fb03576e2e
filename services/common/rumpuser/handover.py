"""What a process hands to the one that takes its place: objects as they are, in the middle of what they do.

A component that is replaced in an orderly way is more than its records say (`rumpuser.records`): data in buffers,
connections, files in memory. Its objects are plain Python, so they go over as a pickle. What both processes have, such
as the host, the bus or the records, is not in it: these *anchors* are named, and each process puts its own in the place
of a name. So do whatever stands at the top of a module of ours, which has its module's name and its own. Functions go
by name too, those inside of others with the variables that they hold: a successor with newer code runs that. One that
was generated says what makes it again (``made_by``: a function and its arguments). Descriptors of the host go beside
the bytes (`Descriptor`). Whoever waits is not in it: calls that wait are made again at the successor.

The bytes come from a process of the same kernel. Classes of the kernel and plain ones alone are taken from them.
"""

from __future__ import annotations

import ctypes
import enum
import importlib
import inspect
import io
import operator
import pickle
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

from rumpuser.descriptor import Descriptor, Mapped
from rumpuser.kqueue import Knote
from rumpuser.pending import Channel, Pending
from rumpuser.readiness import SelectChannel, Selinfo
from rumpwire.errno import Errno, KernelError

T = TypeVar("T")

OURS = ("rumpuser", "rumpwire", "rumpkern", "rumpvfs", "rumpnet", "rumpdev", "rumpgateway")
_ours = set(OURS)
"""With the packages of modules that were uploaded."""
PLAIN = {
    "array": {"_array_reconstructor", "array"},
    "builtins": {"bytearray", "bytes", "complex", "frozenset", "object", "range", "set", "slice", "type"},
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor"},
    "functools": {"partial"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    "itertools": {"count", "cycle", "repeat"},
    "logging": {"getLogger"},
    "operator": {"attrgetter", "itemgetter", "methodcaller"},
    "random": {"Random"},
    "re": {"_compile"},
    "_struct": {"Struct"},
    "weakref": {"ReferenceType", "WeakValueDictionary", "WeakValueDictionary.update", "ref"},
    "types": {"CellType", "MappingProxyType", "SimpleNamespace"},
    "_operator": {"attrgetter", "itemgetter", "methodcaller"},
}
"""What is taken besides: values, and functions that make some. Whole builtin types go as themselves."""
STACK = 512 << 20
"""Bytes of stack for objects that hold objects that hold objects. Pages of it take memory when they are used."""
DEPTH = 1_000_000


def dump(
    value: Any, anchors: Mapping[str, object], descriptors: list[int] | None = None, packages: Sequence[str] = ()
) -> bytes:
    """The bytes of a value; descriptors are appended to the list. ``packages`` are taken for ours.

    EOPNOTSUPP, with what it is that cannot go over.
    """
    _ours.update(packages)
    out = io.BytesIO()

    def work() -> None:
        _Pickler(out, anchors, descriptors).dump(value)

    try:
        _deeply(work)
    except (pickle.PickleError, TypeError, AttributeError, RecursionError, ValueError) as error:
        raise KernelError(Errno.EOPNOTSUPP, f"this cannot be handed over: {error}") from error
    return out.getvalue()


def load(
    data: bytes | memoryview,
    anchors: Mapping[str, object],
    descriptors: Sequence[int] = (),
    packages: Sequence[str] = (),
) -> Any:
    """The value again; ``packages`` are taken for ours. EFTYPE for bytes that are no such thing, or are of a version
    with other classes."""
    _ours.update(packages)
    try:
        return _deeply(_Unpickler(io.BytesIO(data), anchors, descriptors).load)
    except (pickle.UnpicklingError, AttributeError, LookupError, TypeError, ValueError, EOFError, ImportError) as error:
        raise KernelError(Errno.EFTYPE, f"what was handed over cannot be read: {error}") from error


def _deeply(work: Callable[[], T]) -> T:
    """Does something with a long stack: pickle goes as deep as objects do."""
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001  whoever waits for the thread raises it
            failed.append(error)

    size, depth = threading.stack_size(STACK), sys.getrecursionlimit()
    sys.setrecursionlimit(DEPTH)
    try:
        thread = threading.Thread(target=run, name="rump-handover")
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(depth)
    if failed:
        raise failed[0]
    return found[0]


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO, anchors: Mapping[str, object], descriptors: list[int] | None) -> None:
        super().__init__(out, protocol=5)
        self._names: dict[int, Any] = dict(_tops())
        self._names.update((id(anchor), name) for name, anchor in anchors.items())
        self._anchors = anchors  # kept alive: their ids are the keys
        self._descriptors = descriptors
        self._numbers: dict[int, int] = {}

    def persistent_id(self, value: Any) -> Any:
        if type(value) is Descriptor:
            return self._number(value.fd)
        return self._names.get(id(value))

    def _number(self, fd: int) -> int:
        if self._descriptors is None:
            raise pickle.PicklingError("descriptors cannot go over here")
        if fd < 0:
            return fd
        if fd not in self._numbers:
            self._numbers[fd] = len(self._descriptors)
            self._descriptors.append(fd)
        return self._numbers[fd]

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, enum.Enum):  # some Pythons name its member with getattr
            return type(value), (value.value,)
        reduce = _REDUCERS.get(type(value))
        return NotImplemented if reduce is None else reduce(value)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: io.BytesIO, anchors: Mapping[str, object], descriptors: Sequence[int]) -> None:
        super().__init__(data)
        self._anchors = anchors
        self._descriptors = descriptors

    def persistent_load(self, name: Any) -> Any:
        if isinstance(name, int):
            return self._descriptors[name] if name >= 0 else name
        if isinstance(name, tuple):
            return getattr(_module(name[0]), name[1])
        if name not in self._anchors:
            raise pickle.UnpicklingError(f"there is no {name} here")
        return self._anchors[name]

    def find_class(self, module: str, name: str) -> Any:
        if _is_ours(module) or name in PLAIN.get(module, ()):
            return super().find_class(module, name)
        if module == "builtins" and isinstance(found := super().find_class(module, name), type):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is none of the kernel's")


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _ours


def _module(name: str) -> ModuleType:
    if not _is_ours(name):
        raise pickle.UnpicklingError(f"{name} is none of the kernel's")
    return importlib.import_module(name)


# -- what stands at the top of modules

_VALUES = (int, float, str, bytes, tuple, frozenset, type(None), bool, type, FunctionType, ModuleType)
"""Values and what pickle knows by name anyway."""


def _tops() -> Iterator[tuple[int, tuple[str, str]]]:
    """The objects at the top of our modules: singletons, tables, marks that are compared with `is`."""
    for module in list(sys.modules.values()):
        if not _is_ours(getattr(module, "__name__", "")):
            continue
        for name, value in vars(module).items():
            if not isinstance(value, _VALUES) and not name.startswith("__"):
                yield id(value), (module.__name__, name)


# -- functions


def _reduce_function(value: FunctionType) -> Any:
    if "made_by" in value.__dict__:
        return value.__dict__["made_by"]
    if "<locals>" not in value.__qualname__ and value.__name__ != "<lambda>":
        return NotImplemented
    where = _place(value)
    state = (value.__defaults__, value.__kwdefaults__, value.__dict__)
    return _function, (*where, value.__code__.co_freevars, value.__closure__ or ()), state, None, None, _set_function


def _place(value: FunctionType) -> tuple[str, str, int]:
    """Module, qualified name, and which of those with that name."""
    codes = list(_codes(value.__module__, value.__qualname__))
    for number, code in enumerate(codes):
        if code is value.__code__:
            return value.__module__, value.__qualname__, number
    for number, code in enumerate(codes):
        if code == value.__code__:
            return value.__module__, value.__qualname__, number
    raise pickle.PicklingError(f"{value.__module__}.{value.__qualname__} is not in the source of its module")


def _codes(module: str, qualname: str) -> list[CodeType]:
    """All code of a module with a qualified name, in the order of the source: what is loaded, not what is on disk."""
    if (module, qualname) not in _CODES:
        root = _root(_module(module), qualname.partition(".<locals>")[0])
        _CODES[module, qualname] = list(_inside(root, qualname))
    return _CODES[module, qualname]


_CODES: dict[tuple[str, str], list[CodeType]] = {}


def _root(module: ModuleType, name: str) -> CodeType:
    """The code of what stands at the top, or in a class; that of the whole module for a lambda there."""
    found: Any = module
    for part in name.split("."):
        found = inspect.getattr_static(found, part, None)
        while not isinstance(found, FunctionType | type) and found is not None:
            inner = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
            found = inner or getattr(found, "fget", None) or getattr(found, "func", None)
    found = inspect.unwrap(found) if callable(found) else found
    if isinstance(found, FunctionType):
        return found.__code__
    source: CodeType = module.__spec__.loader.get_code(module.__name__)  # type: ignore[union-attr]  # ours have one
    return source


def _inside(code: CodeType, qualname: str) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == qualname:
                yield constant
            yield from _inside(constant, qualname)


def _function(module: str, qualname: str, number: int, names: tuple[str, ...], cells: tuple[CellType, ...]) -> Any:
    codes = _codes(module, qualname)
    if number >= len(codes) or codes[number].co_freevars != names:
        raise pickle.UnpicklingError(f"{module}.{qualname} is not what it was")
    code = codes[number]
    made = FunctionType(code, vars(_module(module)), code.co_name, None, cells)
    made.__qualname__ = qualname
    made.__module__ = module
    return made


def _set_function(made: FunctionType, state: tuple[Any, Any, dict[str, Any]]) -> None:
    made.__defaults__, made.__kwdefaults__ = state[0], state[1]
    made.__dict__.update(state[2])


def _reduce_cell(value: CellType) -> Any:
    try:
        return _cell, (), (value.cell_contents,), None, None, _set_cell
    except ValueError:  # empty
        return _cell, ()


def _cell() -> CellType:
    return CellType()


def _set_cell(cell: CellType, state: tuple[Any]) -> None:
    cell.cell_contents = state[0]


def _reduce_method(value: Any) -> Any:
    owner = value.__self__
    if owner is None or isinstance(owner, ModuleType):
        return NotImplemented
    name = value.__name__
    if name.startswith("__") and not name.endswith("__"):
        name = next(f"_{kind.__name__.lstrip('_')}{name}" for kind in type(owner).__mro__ if name in vars(kind))
    return _method, (owner, name)


def _method(owner: Any, name: str) -> Any:
    return getattr(owner, name)


# -- values that pickle leaves out


def _reduce_view(value: memoryview) -> Any:
    """Of bytes that do not change, a view is as good as a copy. Other views stay views of what they show."""
    if isinstance(value.obj, bytes) or value.nbytes == 0:
        return bytes, (value.tobytes(),)
    if not isinstance(value.obj, bytearray | Mapped):
        raise pickle.PicklingError(f"a view of {type(value.obj).__name__}")
    start = _address(value) - _address(memoryview(value.obj))
    return _view, (value.obj, start, value.nbytes, value.format, value.readonly)


class _Buffer(ctypes.Structure):
    """The head of Py_buffer, and room for the rest of it."""

    _fields_ = (("buf", ctypes.c_void_p), ("rest", ctypes.c_byte * 128))


def _address(view: memoryview) -> int:
    """Where in memory it begins."""
    found = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(found), 0)
    address = found.buf or 0
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(found))
    return address


def _view(owner: Any, start: int, length: int, format: str, readonly: bool) -> memoryview:
    view: memoryview = memoryview(owner)[start : start + length].cast(format)  # type: ignore[call-overload]  # any
    return view.toreadonly() if readonly else view


def _reduce_weak(value: weakref.WeakValueDictionary[Any, Any]) -> Any:
    return weakref.WeakValueDictionary, (), dict(value), None, None, weakref.WeakValueDictionary.update


def _reduce_pending(value: Pending[Any]) -> Any:
    return value.__reduce_ex__(2) if value.done else (Pending, ())


def _reduce_selinfo(value: Selinfo) -> Any:
    """Kqueues go over, and listen on; calls of poll do not."""
    knotes = {key: hear for key, hear in value._listeners.items() if isinstance(key, Knote)}
    return Selinfo, (), (knotes,), None, None, _set_listeners


def _set_listeners(made: Selinfo, state: tuple[Any]) -> None:
    made._listeners = state[0]


class _Gone:
    """What a weak reference led to."""


def _nothing() -> weakref.ref[Any]:
    return weakref.ref(_Gone())


_REDUCERS: dict[type, Callable[[Any], Any]] = {
    FunctionType: _reduce_function,
    CellType: _reduce_cell,
    MethodType: _reduce_method,
    BuiltinMethodType: _reduce_method,
    type({}.__or__): _reduce_method,
    memoryview: _reduce_view,
    struct.Struct: lambda value: (struct.Struct, (value.format,)),
    operator.attrgetter: lambda value: value.__reduce__(),
    ModuleType: lambda value: (_module, (value.__name__,)),
    weakref.WeakValueDictionary: _reduce_weak,
    weakref.ref: lambda value: (weakref.ref, (value(),)) if value() is not None else (_nothing, ()),
    SelectChannel: lambda value: (SelectChannel, (value._timers, value._selinfo, value._events)),
    Channel: lambda value: (Channel, (value._timers,)),
    Pending: _reduce_pending,
    Selinfo: _reduce_selinfo,
}
