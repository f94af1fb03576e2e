"""Structured logs: one line per record on stderr, ``key=value`` or JSON."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any, TextIO

from rumpwire.errno import Errno, KernelError

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+\-]+")
_BORING = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """``t=2026-01-02T03:04:05.678Z level=info component=vfs msg="..."``, then what ``extra`` holds and a traceback."""

    def __init__(self, component: str, *, as_json: bool = False) -> None:
        super().__init__()
        self._component = component
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        fields = self._fields(record)
        if self._as_json:
            return json.dumps(fields, default=str)
        return " ".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "t": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "component": self._component,
            "msg": record.getMessage(),
        }
        fields.update((key, value) for key, value in vars(record).items() if key not in _BORING)
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return fields


def setup(component: str, level: str = "info", *, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Sends the logs of this process to stderr. EINVAL for an unknown level."""
    if level not in LEVELS:
        raise KernelError(Errno.EINVAL, f"log level {level!r} is not one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(component, as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(max(logging.INFO, root.level))
    logging.getLogger("grpc").setLevel(max(logging.ERROR, root.level))  # it warns of clients that a halt cuts off


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
