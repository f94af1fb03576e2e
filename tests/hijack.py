"""Hijacked programs, and peers for them in the kernel's network."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rump

WAIT_S = 60
LOCALHOST = "127.0.0.1"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "rumpclients.hijack.main", *words]


def environment(url: str, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RUMPHIJACK")}
    return {**inherited, "RUMP_SERVER": url, "no_proxy": "*", **more}


def hijack(url: str, *words: str, timeout: float = WAIT_S, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    env = environment(url, **more.pop("env", {}))
    return subprocess.run(
        command(*words), env=env, capture_output=True, text=True, timeout=timeout, check=False, **more
    )


def output(url: str, *words: str, **more: Any) -> str:
    """What a program that has to end well prints."""
    done = hijack(url, *words, **more)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert "rumphijack:" not in done.stderr, done.stderr
    return done.stdout


def python(url: str, code: str, *arguments: str, **more: Any) -> str:
    """What a Python program prints."""
    return output(url, sys.executable, "-c", code, *arguments, **more)


@contextmanager
def serving(url: str, *words: str, ready: str | None = None, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that runs while the block does. ``ready``: what it prints, somewhere in a line, when it serves."""
    env = environment(url, **more.pop("env", {}))
    with subprocess.Popen(
        command(*words), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
    ) as process:
        assert process.stdout is not None
        try:
            if ready is not None:
                late = threading.Timer(WAIT_S, process.kill)
                late.start()
                assert any(ready in line for line in process.stdout), f"{words} did not become ready"
                late.cancel()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


Handler = Callable[[rump.Socket], None]


@contextmanager
def peer(url: str, handler: Handler, port: int = 0, family: int = rump.AF_INET) -> Iterator[int]:
    """A server in the kernel's network that hands each connection to a handler: its port."""
    with rump.connect(url) as k:
        server = k.socket(family, rump.SOCK_STREAM)
        server.setsockopt(rump.SOL_SOCKET, rump.SO_REUSEADDR, 1)
        server.bind((LOCALHOST if family == rump.AF_INET else "::1", port))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(one,), daemon=True).start()

        def handle(one: rump.Socket) -> None:
            try:
                with one:
                    handler(one)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def web(body: bytes) -> Handler:
    """Answers every request of HTTP with the same body."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)

    def handler(s: rump.Socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = s.recv(65536)
            if not piece:
                return
            request += piece
        s.sendall(head)
        s.sendall(body)

    return handler


def echo(s: rump.Socket) -> None:
    """Sends back what comes."""
    while data := s.recv(1 << 18):
        s.sendall(data)
