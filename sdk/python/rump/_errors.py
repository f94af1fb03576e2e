"""What calls fail with: `RumpError`, which is at the same time the builtin class that goes with the errno."""

from __future__ import annotations

import os
from typing import Any

from rumpwire.errno import Errno, KernelError, to_host

CONNECTION = "connection"
"""Origin of errors that arose between client and kernel."""


class RumpError(OSError):
    """A failed call. ``errno`` is the host's number.

    ``name`` is NetBSD's name of the error, ``origin`` the component that refused, ``text`` what it said.
    """

    name: str
    origin: str
    text: str

    def __init__(self, errno: int, strerror: str = "", filename: Any = None, filename2: Any = None) -> None:
        super().__init__(errno, strerror, filename, None, filename2)

    def __str__(self) -> str:
        plain = super().__str__()
        return f"{plain} ({self.text})" if getattr(self, "text", "") else plain

    @property
    def why(self) -> str:
        """The error as one phrase, without number and file name."""
        return f"{self.strerror} ({self.text})" if self.text else str(self.strerror)


_BUILTIN = (
    BlockingIOError, ChildProcessError, ConnectionError, BrokenPipeError, ConnectionAbortedError, ConnectionRefusedError,
    ConnectionResetError, FileExistsError, FileNotFoundError, InterruptedError, IsADirectoryError, NotADirectoryError,
    PermissionError, ProcessLookupError, TimeoutError,
)  # fmt: skip
_CLASSES: dict[type[OSError], type[RumpError]] = {
    base: type(
        f"Rump{base.__name__}",
        (RumpError, base),
        {"__module__": __name__, "__doc__": f"A {base.__name__} of a kernel."},
    )
    for base in _BUILTIN
}
# Errors can be pickled, for which their classes must be found here by name.
globals().update({made.__name__: made for made in _CLASSES.values()})


def error_of(error: KernelError, filename: Any = None, filename2: Any = None) -> RumpError:
    """The exception for an error of the kernel."""
    number = to_host(error.errno)
    builtin = type(OSError(number, ""))
    if error.errno == Errno.ENOTCONN and error.origin == CONNECTION:
        builtin = ConnectionError
    out = _CLASSES.get(builtin, RumpError)(number, os.strerror(number), filename, filename2)
    out.name, out.origin, out.text = error.name, error.origin, error.text
    return out
