"""The kernel's files at paths that only the program sees: by FUSE, whose server starts when the program first looks.

``python -m rumpclients.hijack.files FD DIRECTORY``: that server, for a mount that was greeted already.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import rump
from rump.fs import Tree
from rumpclients._command import CommandError, run
from rumpclients.fuse.device import Device
from rumpclients.fuse.locks import Locks
from rumpclients.fuse.protocol import Op
from rumpclients.fuse.server import EndOfService, Server, greeting
from rumpclients.fuse.volume import Policy, Volume


class Mount:
    """A mount until it is first looked at, with the supervisor."""

    def __init__(self, fd: int, directory: str, url: str | None) -> None:
        self.fd = fd
        self._device = Device("", fd)
        self._directory = directory
        self._url = url
        self._greeted = False

    def ready(self) -> bool:
        """A request has come: whether that is all that we are to do with the mount."""
        if self._greeted:
            self._serve()
            return True
        try:
            request = self._device.receive()
        except EOFError:
            return True
        if request is not None and request.op == Op.INIT:
            self._device.reply(request.unique, greeting(request))
            self._greeted = True
        return False

    def _serve(self) -> None:
        """Another process is its server from now on."""
        words = [sys.executable, "-m", __name__, str(self.fd), self._directory]
        env = {**os.environ, **({"RUMP_SERVER": self._url} if self._url else {})}
        subprocess.Popen(words, pass_fds=[self.fd], env=env, start_new_session=True)
        self._device.close()


def main() -> int:
    return run("rumphijack", lambda: _main(int(sys.argv[1]), sys.argv[2]))


def _main(fd: int, directory: str) -> None:
    os.chdir("/")
    with rump.connect(comm="rumphijack") as k:
        k.sys.chroot(directory)
        k.sys.chdir("/")
        with contextlib.suppress(EndOfService):
            device = Device("", fd)
            Server(device, Volume(Tree(k), policy()), locks=Locks(k, device)).run()


def policy() -> Policy:
    """In a name space of users without root all files are the user's: it knows no others."""
    if os.geteuid() == 0:
        return Policy()
    return Policy(owner=os.geteuid(), group=os.getegid())


async def check(k: rump.aio.Client, paths: tuple[tuple[str, str], ...]) -> None:
    """Each path has to be a directory of the kernel. CommandError."""
    for path, directory in paths:
        try:
            st = await k.sys.stat(directory)
        except OSError as error:
            why = "it has no files (vfs does not run)" if error.errno == 38 else str(error.strerror)
            raise CommandError(f"{path}: {directory} of the kernel: {why}") from None
        if st.st_mode & 0o170000 != 0o040000:
            raise CommandError(f"{path}: {directory} of the kernel is no directory")


if __name__ == "__main__":
    sys.exit(main())
