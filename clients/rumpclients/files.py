"""rump.ls, rump.cat, rump.cp, ...: files of the kernel that RUMP_SERVER names.

They are the fsu_ programs without an image. Standard input, output and errors are those of this machine; paths are
those of the kernel, from its root. ``rump.put`` and ``rump.get`` copy between both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rumpclients import fsu, fsu_attr, fsu_copy, fsu_make, fsu_usage

Program: TypeAlias = Callable[..., int]


def _named(program: Program, name: str) -> Callable[..., int]:
    def main(argv: Sequence[str] | None = None) -> int:
        return program(argv, f"rump.{name}")

    return main


cat = _named(fsu.cat, "cat")
chflags = _named(fsu_attr.chflags, "chflags")
chgrp = _named(fsu_attr.chgrp, "chgrp")
chmod = _named(fsu_attr.chmod, "chmod")
chown = _named(fsu_attr.chown, "chown")
cp = _named(fsu_copy.cp, "cp")
diff = _named(fsu_usage.diff, "diff")
du = _named(fsu_usage.du, "du")
ed = _named(fsu_copy.edit, "ed")
find = _named(fsu.find, "find")
get = _named(fsu_copy.get, "get")
ln = _named(fsu_make.ln, "ln")
ls = _named(fsu.ls, "ls")
mkdir = _named(fsu_make.mkdir, "mkdir")
mkfifo = _named(fsu_make.mkfifo, "mkfifo")
mknod = _named(fsu_make.mknod, "mknod")
mv = _named(fsu_copy.mv, "mv")
put = _named(fsu_copy.put, "put")
rm = _named(fsu_make.rm, "rm")
rmdir = _named(fsu_make.rmdir, "rmdir")
stat = _named(fsu.stat, "stat")
touch = _named(fsu_attr.touch, "touch")
write = _named(fsu_make.write, "write")
