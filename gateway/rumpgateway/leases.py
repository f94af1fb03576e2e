"""The page in which vfs counts what changes (`rumpuser.leases`), one for each vfs that serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from typing import Any

from rumpuser.leases import WISH, Page, make, read_only
from rumpuser.transport.sharing import SUFFIX, offer
from rumpuser.url import parse

log = logging.getLogger("rump.leases")


class Leases:
    """Hands the page to vfs, and has it for clients. Where there is none clients keep nothing."""

    def __init__(self, token: str) -> None:
        self._token = token.encode() + WISH
        self._page: Page | None = None
        self._fd = -1
        self._link: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    def arrives(self, member: Any) -> None:
        """A vfs is about to serve: what is known of the one before it does not hold any more."""
        self.end()
        if hasattr(member.peer, "component"):  # in this process
            with contextlib.suppress(OSError):
                member.peer.component.count(self._made().pool, on=True)
        else:
            url = parse(member.url)
            if url.scheme == "unix" and os.path.exists(url.path + SUFFIX):
                self._task = asyncio.get_running_loop().create_task(self._offer(url.path + SUFFIX))

    def end(self) -> None:
        """vfs has gone."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._page is not None:
            self._page.void()
            self._page = None
            os.close(self._fd)
        if self._link is not None:
            self._link.close()
            self._link = None

    def shown(self) -> int | None:
        """A descriptor for clients, who may read the page."""
        return None if self._page is None else self._fd

    def _made(self) -> Page:
        page = make()
        self._fd = read_only(page)
        self._page = page
        return page

    async def _offer(self, path: str) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            self._link, _ = await offer(path, self._token, self._made().pool)
