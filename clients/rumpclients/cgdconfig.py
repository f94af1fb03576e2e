"""rump.cgdconfig: encrypted disks (cgdconfig(8)). Parameters files are files of this machine."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence

import rump
from rumpclients._cgd_params import DEFAULT_BITS, PBKDF2, VERIFY, Params, new_keygen
from rumpclients._cgd_verify import METHODS
from rumpclients._command import CommandError, Parser, UsageError, connect, run, tell
from rumpclients._disk import block, ioctl, raw, read_host, units

PROG = "rump.cgdconfig"
FOLDER = "/etc/cgd"
TRIES = 3
"""Passphrases that a person may enter."""


def parser() -> Parser:
    p = Parser(PROG, "Configures encrypted disks of the kernel that RUMP_SERVER names.")
    what = p.add_mutually_exclusive_group()
    what.add_argument("-C", action="store_true", help="configure all disks of the configuration file")
    what.add_argument("-U", action="store_true", help="unconfigure all disks of the configuration file")
    what.add_argument("-G", action="store_true", help="a new parameters file with the key of an old one")
    what.add_argument("-g", action="store_true", help="a new parameters file: alg [keylen]")
    what.add_argument("-l", action="store_true", help="list the disks")
    what.add_argument("-s", action="store_true", help="configure with a key from standard input: cgd dev alg [keylen]")
    what.add_argument("-u", action="store_true", help="unconfigure a disk")
    p.add_argument("-e", action="store_true", help="echo the passphrase")
    p.add_argument("-f", default=f"{FOLDER}/cgd.conf", metavar="configfile")
    p.add_argument("-i", default="encblkno1", metavar="ivmeth")
    p.add_argument("-k", default=PBKDF2, metavar="kgmeth")
    p.add_argument("-n", action="store_true", help="do nothing, only check")
    p.add_argument("-o", metavar="outfile", help="where the parameters go, else standard output")
    p.add_argument("-p", action="store_true", help="passphrases from standard input")
    p.add_argument("-v", action="store_true", help="tell what is done")
    p.add_argument("-V", choices=VERIFY, metavar="vmeth", help=", ".join(VERIFY))
    p.add_argument("arguments", nargs="*", metavar="cgd dev [paramsfile]")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    if options.g or options.G:
        _make_file(options)
        return
    with connect(PROG) as k:
        if options.l:
            _list(k, options)
        elif options.u:
            (cgd,) = _counted(options, 1, 1)
            _unconfigure(k, options, cgd)
        elif options.s:
            _configure_stdin(k, options)
        elif options.C or options.U:
            _all(k, options)
        else:
            cgd, dev, *rest = _counted(options, 2, 3)
            _configure(k, options, cgd, dev, rest[0] if rest else f"{FOLDER}/{os.path.basename(dev)}")


def _counted(options: argparse.Namespace, least: int, most: int) -> list[str]:
    arguments: list[str] = options.arguments
    if not least <= len(arguments) <= most:
        raise UsageError(f"{len(arguments)} arguments; --help tells what is needed")
    return arguments


# -- configuring


def _configure(k: rump.Client, options: argparse.Namespace, cgd: str, dev: str, paramsfile: str) -> None:
    params = Params.parse(read_host(paramsfile))
    verify = options.V or params.verify
    tries = 1 if options.p else TRIES
    for left in range(tries - 1, -1, -1):
        key = params.key(lambda: _passphrase(options, twice=verify == "re-enter", what=dev), os.urandom)
        if options.n:
            return
        _set(k, cgd, dev, params, key)
        if verify not in METHODS or _verified(k, cgd, verify):
            break
        ioctl(k, raw(cgd), rump.CGDIOCCLR)
        if not left or not any(keygen.method == PBKDF2 for keygen in params.keygens):
            raise CommandError(f"{dev}: verification failed ({verify})")
        tell(PROG, "verification failed, enter the passphrase again")
    if options.v:
        print(f"{raw(cgd)}: {params.algorithm}, {params.bits} bits, on {dev}")


def _set(k: rump.Client, cgd: str, dev: str, params: Params, key: bytes) -> None:
    args = rump.CgdIoctl(
        ci_disk=os.fsencode(block(dev)),
        ci_alg=params.algorithm,
        ci_ivmethod=params.iv_method,
        ci_keylen=params.bits,
        ci_key=key,
    )
    ioctl(k, raw(cgd), rump.CGDIOCSET, args)


def _verified(k: rump.Client, cgd: str, method: str) -> bool:
    fd = k.sys.open(raw(cgd), os.O_RDONLY)
    try:
        return METHODS[method](lambda offset, length: bytes(k.sys.pread(fd, length, offset)))
    finally:
        k.sys.close(fd)


def _configure_stdin(k: rump.Client, options: argparse.Namespace) -> None:
    cgd, dev, alg, *rest = _counted(options, 3, 4)
    params = Params(alg, options.i, _bits(alg, rest))
    key = sys.stdin.buffer.read(params.bits // 8)
    if len(key) * 8 != params.bits:
        raise CommandError(f"{len(key)} bytes on standard input; the key has {params.bits // 8}")
    if not options.n:
        _set(k, cgd, dev, params, key)


def _unconfigure(k: rump.Client, options: argparse.Namespace, cgd: str) -> None:
    if not options.n:
        ioctl(k, raw(cgd), rump.CGDIOCCLR)
    if options.v:
        print(f"{raw(cgd)}: cleared")


def _all(k: rump.Client, options: argparse.Namespace) -> None:
    for line in read_host(options.f).splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if not 2 <= len(words) <= 3:
            raise CommandError(f"{options.f}: {line}: not of the form cgd dev [paramsfile]")
        if options.U:
            _unconfigure(k, options, words[0])
        else:
            _configure(k, options, words[0], words[1], (*words, f"{FOLDER}/{os.path.basename(words[1])}")[2])


def _list(k: rump.Client, options: argparse.Namespace) -> None:
    for name in options.arguments or units(k, "cgd"):
        user = ioctl(k, raw(name), rump.CGDIOCGET, write=False)
        line = f"{name}: {os.fsdecode(user.cgu_disk)}" if user.cgu_alg else f"{name}: not in use"
        if options.v and user.cgu_alg:
            method = "encblkno8" if user.cgu_mode == rump.CGD_CIPHER_CBC_ENCBLKNO8 else "encblkno1"
            line += f" {user.cgu_alg} {user.cgu_keylen} bits {method} sectors of {user.cgu_secsize}"
        print(line)


# -- parameters files


def _make_file(options: argparse.Namespace) -> None:
    if options.G:
        (path,) = _counted(options, 1, 1)
        old = Params.parse(read_host(path))
        new = Params(old.algorithm, old.iv_method, old.bits, options.V or old.verify)
        key = old.key(lambda: _passphrase(options, what="the old file"), os.urandom)
        new.keygens.append(new_keygen(options.k, new.bits, os.urandom))
        mixed = new.key(lambda: _passphrase(options, twice=True, what="the new file"), os.urandom)
        stored = bytes(a ^ b for a, b in zip(key, mixed, strict=True))
        new.keygens.append(new_keygen("storedkey", new.bits, lambda size: stored))
    else:
        alg, *rest = _counted(options, 1, 2)
        new = Params(alg, options.i, _bits(alg, rest), options.V or "none")
        new.keygens.append(new_keygen(options.k, new.bits, os.urandom))
    if options.o:
        _write_new(options.o, new.emit())
    else:
        print(new.emit(), end="")


def _write_new(path: str, text: str) -> None:
    """A file that its owner alone reads; none is written over."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _bits(alg: str, rest: Sequence[str]) -> int:
    if alg not in DEFAULT_BITS:
        raise CommandError(f"algorithm {alg}; there are {', '.join(DEFAULT_BITS)}")
    text = rest[0] if rest else str(DEFAULT_BITS[alg])
    if not text.isdigit() or int(text) % 8 or not 0 < int(text) <= 512:
        raise UsageError(f"{text}: no length of a key in bits")
    return int(text)


def _passphrase(options: argparse.Namespace, *, what: str, twice: bool = False) -> bytes:
    if options.p:
        line = sys.stdin.buffer.readline()
        if not line:
            raise CommandError("no passphrase on standard input")
        return line.rstrip(b"\n")
    ask: Callable[[str], str] = input if options.e else getpass.getpass
    first = ask(f"{what}: passphrase: ")
    if twice and ask(f"{what}: again, to be sure: ") != first:
        raise CommandError("the passphrases differ")
    return first.encode()


if __name__ == "__main__":
    sys.exit(main())
