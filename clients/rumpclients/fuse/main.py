"""rump_fuse and its kin: mounts an image, or a directory of a running kernel, on the host."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from rump.fs import Tree
from rumpclients import _image
from rumpclients._command import FAILED, CommandError, Parser, UsageError, reason, run, tell
from rumpclients.fuse import unmount
from rumpclients.fuse.device import Device
from rumpclients.fuse.locks import Locks
from rumpclients.fuse.server import EndOfService, Server
from rumpclients.fuse.volume import Policy, Volume

_HOST = {"allow_other", "allow_root", "default_permissions", "suid", "nosuid", "dev", "nodev", "exec", "noexec"}
_RETRY_S = 60.0
_OWN = {"attr_timeout", "entry_timeout", "owner", "fsname", "no_remote_lock"}


def main(argv: Sequence[str] | None = None, fstype: str | None = None, prog: str = "rump_fuse") -> int:
    """``fstype``: the type when the program is named after one."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["-u"]:
        return unmount.main(prog, words[1:])
    what = f"{fstype} image" if fstype else "image, or a directory of a running kernel,"
    p = Parser(prog, f"Mounts an {what} on the host; unmount with -u MOUNTPOINT, umount or fusermount3 -u.")
    p.add_argument("-t", dest="fs_type", metavar="TYPE", default=fstype, help="type; found out when left out")
    p.add_argument("-o", dest="options", metavar="OPTS", action="append", default=[], help=(
        "options of the file system, of mounts (ro, nosuid, ...) and of FUSE (allow_other, default_permissions,"
        " attr_timeout=S, entry_timeout=S, owner=N, fsname=NAME, no_remote_lock)"))  # fmt: skip
    p.add_argument("-f", dest="foreground", action="store_true", help="stay in the foreground")
    p.add_argument("-d", dest="debug", action="store_true", help="stay in the foreground and tell of every operation")
    p.add_argument("image", metavar="IMAGE|URL:PATH", help="image%%PARTITION:1%% and image%%DISKLABEL:a%% name a part")
    p.add_argument("mountpoint", metavar="MOUNTPOINT")
    p.set_defaults(prog=prog)
    options = p.parse_args(words)
    return run(prog, lambda: _main(prog, options))


def _main(prog: str, options: argparse.Namespace) -> int:
    if not os.path.isdir(options.mountpoint):
        raise CommandError(
            f"{options.mountpoint}: {'not a directory' if os.path.exists(options.mountpoint) else 'not there'}"
        )
    debug = options.debug or "P2K_DEBUG" in os.environ
    wishes = _Wishes(options)
    if options.foreground or debug or "P2K_NODETACH" in os.environ:
        _serve(options, wishes, debug=debug)
        return 0
    return _detached(prog, lambda ready: _serve(options, wishes, ready=ready))


class _Wishes:
    """What -o and the environment say, sorted by whom it concerns."""

    def __init__(self, options: argparse.Namespace) -> None:
        words = [word for word in ",".join(options.options).split(",") if word]
        self.readonly = "ro" in words or "rdonly" in words
        own = dict(word.split("=", 1) for word in words if word.split("=", 1)[0] in _OWN and "=" in word)
        self.host = [word for word in words if word in _HOST]
        if self.readonly:
            self.host.append("ro")
        self.name = own.get("fsname") or _image.host_name(options.image)
        self.own_locks = "no_remote_lock" in words
        self.atimes = words.count("atime") > words.count("noatime")
        rest = [w for w in words if w not in _HOST and w.split("=", 1)[0] not in _OWN]
        options.fs_options = [",".join(rest if self.atimes else ["noatime", *rest])]
        self._own = own
        if os.geteuid() == 0 and not {"allow_other", "allow_root"} & set(self.host):
            self.host.append("allow_other")
        if "allow_other" in self.host and "default_permissions" not in self.host and not self._wizard():
            self.host.append("default_permissions")

    def _wizard(self) -> str | None:
        return self._own.get("owner", os.environ.get("P2K_WIZARDUID"))

    def policy(self, *, exclusive: bool) -> Policy:
        """UsageError for what is no number."""
        nothing = "P2K_NOCACHE" in os.environ
        wizard = self._wizard()
        return Policy(
            attributes_s=0 if nothing else self._seconds("attr_timeout", exclusive=exclusive),
            names_s=0 if nothing or "P2K_NOCACHE_NAME" in os.environ else self._names_s(exclusive=exclusive),
            atimes=self.atimes,
            keep_pages=exclusive and not nothing and "P2K_NOCACHE_PAGE" not in os.environ,
            owner=None if wizard is None else int(wizard) if wizard.isdigit() else 0,
        )

    def _names_s(self, *, exclusive: bool) -> float:
        return self._seconds("entry_timeout", exclusive=exclusive)

    def _seconds(self, name: str, *, exclusive: bool) -> float:
        """Where nobody else changes the files, what was told is good for long."""
        text = self._own.get(name, "60" if exclusive else "1")
        try:
            seconds = float(text)
        except ValueError:
            raise UsageError(f"-o {name}={text}: not a number") from None
        if not 0 <= seconds < 1 << 31:
            raise UsageError(f"-o {name}={text}: not a time")
        return seconds


def _retry() -> float | None:
    """How long a mount waits for a kernel that has gone; RUMP_RETRYCONNECT where that is set."""
    return None if "RUMP_RETRYCONNECT" in os.environ else _RETRY_S


def _serve(options: argparse.Namespace, wishes: _Wishes, *, debug: bool = False, ready: int | None = None) -> None:
    with contextlib.ExitStack() as stack:
        tree: Tree = stack.enter_context(_image.opened(options, readonly=wishes.readonly, retry=_retry()))
        kind = tree.statvfs().f_fstypename
        volume = Volume(tree, wishes.policy(exclusive=_image.is_image(tree)))
        device = Device.mount(options.mountpoint, wishes.name, f"rump_{kind}", wishes.host)
        stack.callback(device.close)
        server = Server(device, volume, locks=_locks(options, tree, device, wishes), debug=debug)
        server.end_on_signals()
        if ready is not None:
            _let_go(ready)
        with contextlib.suppress(EndOfService):
            server.run()


def _locks(options: argparse.Namespace, tree: Tree, device: Device, wishes: _Wishes) -> Locks | None:
    """Those of a kernel's files are the kernel's; an image is locked by nobody else."""
    if _image.is_image(tree) or wishes.own_locks:
        return None
    return Locks(tree.k, device, _image.url_of(str(options.image)), _retry())


# -- into the background


def _detached(prog: str, work: object) -> int:
    """Forks; the parent ends when the child says that it has mounted, or why not."""
    assert callable(work)
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        status = FAILED
        try:
            os.setsid()
            status = _report(prog, work, writer)
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        words = said.read()
    if words == b"mounted":
        return 0
    os.waitpid(child, 0)
    return tell(prog, words.decode(errors="replace") or "it ended before it had mounted")


def _report(prog: str, work: object, writer: int) -> int:
    assert callable(work)
    try:
        work(writer)
    except (CommandError, UsageError) as error:
        return _say(writer, prog, str(error))
    except OSError as error:
        return _say(writer, prog, reason(error))
    return 0


def _say(writer: int, prog: str, text: str) -> int:
    try:
        os.write(writer, text.encode(errors="replace"))
    except OSError:
        tell(prog, text)
    return FAILED


def _let_go(writer: int) -> None:
    """It is mounted: whoever started it goes on, and its terminal is left alone."""
    os.write(writer, b"mounted")
    os.close(writer)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)
    os.chdir("/")


# -- programs named after a type


def ext2fs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "ext2fs", "rump_ext2fs")


def msdos(argv: Sequence[str] | None = None) -> int:
    return main(argv, "msdos", "rump_msdos")


def exfat(argv: Sequence[str] | None = None) -> int:
    return main(argv, "exfat", "rump_exfat")


def cd9660(argv: Sequence[str] | None = None) -> int:
    return main(argv, "cd9660", "rump_cd9660")


def ffs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "ffs", "rump_ffs")


def udf(argv: Sequence[str] | None = None) -> int:
    return main(argv, "udf", "rump_udf")


def tmpfs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "tmpfs", "rump_tmpfs")


if __name__ == "__main__":
    sys.exit(main())
