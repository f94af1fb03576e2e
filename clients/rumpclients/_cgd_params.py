"""Parameters files of cgdconfig(8), and the keys that come of them.

A file is statements that end with a semicolon; ``#`` begins a comment. The keys of all ``keygen`` blocks are combined
by exclusive or. Keys and salts are base64 of their length in bits (u32, big endian) and the bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from rumpclients._command import CommandError

PBKDF2 = "pkcs5_pbkdf2/sha1"
KEYGENS = (PBKDF2, "storedkey", "randomkey", "urandomkey", "shell_cmd")
VERIFY = ("none", "disklabel", "ffs", "mbr", "gpt", "re-enter")
DEFAULT_BITS = {"aes-cbc": 128, "aes-xts": 256}
ITERATIONS = 200_000
"""Of new files: some tenths of a second on machines of today."""
ITERATIONS_MAX = 1 << 28
SALT = 16
BITS_MAX = 1024
_TOKEN = re.compile(r'\s*(?:#[^\n]*\n?\s*)*("(?:[^"\\]|\\.)*"|[{};]|[^\s{};"#]+)')


@dataclass(slots=True)
class KeyGen:
    """One block; ``values`` are what is in it."""

    method: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Params:
    """What a file says."""

    algorithm: str = ""
    iv_method: str = "encblkno1"
    bits: int = 0
    verify: str = "none"
    keygens: list[KeyGen] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> Params:
        """A file. CommandError says what is wrong with it."""
        params = cls()
        words = _words(text)
        while words:
            params._statement(words)
        if not params.algorithm or not params.keygens:
            raise CommandError("a parameters file names an algorithm and a keygen")
        params.bits = params.bits or DEFAULT_BITS.get(params.algorithm, 0)
        return params

    def emit(self) -> str:
        lines = [
            f"algorithm {self.algorithm};",
            f"iv-method {self.iv_method};",
            f"keylength {self.bits};",
            f"verify_method {self.verify};",
        ]
        for keygen in self.keygens:
            inside = [f"        {name} {_quoted(value)};" for name, value in keygen.values.items()]
            lines += [f"keygen {keygen.method} {{", *inside, "};"] if inside else [f"keygen {keygen.method};"]
        return "\n".join(lines) + "\n"

    def key(self, passphrase: Callable[[], bytes], entropy: Callable[[int], bytes]) -> bytes:
        """The key. ``passphrase`` is asked once for each block that needs one."""
        mixed = 0
        for keygen in self.keygens:
            mixed ^= int.from_bytes(_generate(keygen, self.bits, passphrase, entropy), "big")
        return mixed.to_bytes(self.bits // 8, "big")

    def _statement(self, words: list[str]) -> None:
        name = words.pop(0)
        if name == "keygen":
            self.keygens.append(_keygen(words))
            return
        value = _next(words)
        if name == "algorithm":
            self.algorithm = value
        elif name == "iv-method":
            self.iv_method = value
        elif name == "keylength":
            self.bits = _number(name, value, BITS_MAX)
            if self.bits % 8:
                raise CommandError(f"keylength {value}: whole bytes are needed")
        elif name == "verify_method":
            self.verify = value
        else:
            raise CommandError(f"{name}: no such statement in a parameters file")
        if name == "verify_method" and value not in VERIFY:
            raise CommandError(f"verify_method {value}; there are {', '.join(VERIFY)}")
        _end(words)


def new_keygen(method: str, bits: int, entropy: Callable[[int], bytes]) -> KeyGen:
    """A block for a new file."""
    if method == PBKDF2:
        return KeyGen(method, {"iterations": str(ITERATIONS), "salt": encode_bits(entropy(SALT))})
    if method == "storedkey":
        return KeyGen(method, {"key": encode_bits(entropy(bits // 8))})
    if method in ("randomkey", "urandomkey"):
        return KeyGen(method)
    raise CommandError(f"key generation {method}; there are {', '.join(KEYGENS[:4])}")


def encode_bits(data: bytes) -> str:
    return base64.b64encode((len(data) * 8).to_bytes(4, "big") + data).decode()


def decode_bits(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CommandError(f"{text}: not base64") from None
    if len(data) < 4 or int.from_bytes(data[:4], "big") != (len(data) - 4) * 8:
        raise CommandError(f"{text}: the length in it is another one")
    return data[4:]


def _generate(keygen: KeyGen, bits: int, passphrase: Callable[[], bytes], entropy: Callable[[int], bytes]) -> bytes:
    size = bits // 8
    if keygen.method == PBKDF2:
        rounds = _number("iterations", keygen.values.get("iterations", ""), ITERATIONS_MAX)
        return hashlib.pbkdf2_hmac("sha1", passphrase(), decode_bits(keygen.values.get("salt", "")), rounds, size)
    if keygen.method == "storedkey":
        key = decode_bits(keygen.values.get("key", ""))
    elif keygen.method == "shell_cmd":
        done = subprocess.run(keygen.values.get("cmd", ""), shell=True, stdout=subprocess.PIPE, check=False)  # noqa: S602
        if done.returncode:
            raise CommandError(f"the command for the key ended with status {done.returncode}")
        key = done.stdout[:size]
    else:
        key = entropy(size)
    if len(key) != size:
        raise CommandError(f"{keygen.method}: {len(key) * 8} bits; the key has {bits}")
    return key


# -- reading


def _words(text: str) -> list[str]:
    words, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if re.fullmatch(r"\s*(?:#[^\n]*\n?\s*)*", text[at:]):
                break
            raise CommandError(f"a parameters file cannot have {text[at : at + 20]!r}")
        words.append(match[1])
        at = match.end()
    return words


def _keygen(words: list[str]) -> KeyGen:
    """``method;``, ``method name value;``, or ``method { name value; ... };``."""
    keygen = KeyGen(_next(words))
    if keygen.method not in KEYGENS:
        raise CommandError(f"keygen {keygen.method}; there are {', '.join(KEYGENS)}")
    if words[:1] == ["{"]:
        words.pop(0)
        while words[:1] != ["}"]:
            _value(keygen, words)
        words.pop(0)
        if words[:1] == [";"]:
            words.pop(0)
    elif words[:1] == [";"]:
        words.pop(0)
    else:
        _value(keygen, words)
    return keygen


def _value(keygen: KeyGen, words: list[str]) -> None:
    name, value = _next(words), _next(words)
    keygen.values[name] = value
    _end(words)


def _next(words: list[str]) -> str:
    if not words or words[0] in "{};":
        raise CommandError("a parameters file ends in the middle of a statement, or one is not complete")
    word = words.pop(0)
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


def _end(words: list[str]) -> None:
    if words[:1] != [";"]:
        raise CommandError(f"a semicolon is missing before {words[0] if words else 'the end'}")
    words.pop(0)


def _number(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= most:
        raise CommandError(f"{name} {text}: not in 1..{most}")
    return int(text)


def _quoted(text: str) -> str:
    if re.fullmatch(r'[^\s{};"#]+', text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
