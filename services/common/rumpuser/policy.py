"""The policy file: which subject is which user in the kernel, what it may do and how much it may have (TOML).

    [jwt]                                   # how tokens are checked, where they are taken
    keys = "keys.json"                      # a JWKS file, beside the policy unless absolute
    issuer = "https://idp.example"
    audience = "rump"
    algorithms = ["EdDSA", "ES256"]
    once = false                            # each token is good for one Attach (needs jti)

    [[rule]]                                # the first rule that matches a subject of the client decides
    match = ["spiffe://example.org/ns/*/web", "jwt:web"]
    uid = 1000
    gid = 100
    groups = [100, 20]
    allow = ["network.socket", "network.bind"]
    deny = ["process.fork"]
    limits = { processes = 4, descriptors = 64, calls = 32, rate = 500 }

Subjects are ``unix`` (a client of a unix socket), ``uid:NUMBER`` and ``gid:NUMBER`` of its user on this host, ``plain``
(tcp without TLS), ``cn:NAME``, ``dns:NAME`` and the URIs of a verified certificate, and ``jwt:SUBJECT`` of a verified
token. ``*`` stands for anything but a slash, ``**`` for anything. Who matches no rule gets nothing.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rumpuser import kauth
from rumpuser.component import ROOT_CRED
from rumpuser.kauth import ANYBODY, Action
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.values import Credentials

ALGORITHMS = ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA")  # fmt: skip
"""Signatures that are taken at all; never ``none``."""
ID_MAX = (1 << 32) - 2
_NUMBERED = re.compile(r"[ug]id:(0|[1-9*][0-9*]*)")
_PREFIXES = ("cn:", "dns:", "jwt:", "spiffe://", "http://", "https://", "urn:", "*")
_LIMITS = {"processes": 1 << 16, "descriptors": 1 << 16, "calls": 1 << 16, "rate": 1 << 30, "memory": 1 << 40}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one identity may have at a time; 0 is no limit.

    ``rate``: calls a second, with a second's worth at once. ``memory``: bytes of all that it holds together, files in
    memory, the buffers of sockets, pipes, asynchronous I/O, kqueues and memory that clients share; and as many of
    answers that are not acknowledged.
    """

    processes: int = 0
    descriptors: int = 0
    calls: int = 0
    rate: int = 0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a client is in the kernel. ``subject`` is what the rule matched."""

    subject: str
    cred: Credentials
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class JwtRules:
    """How tokens are checked."""

    keys: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    once: bool = False
    leeway: int = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``; ``line`` is where it stands."""

    patterns: tuple[str, ...]
    cred: Credentials
    limits: Limits
    line: int
    matches: re.Pattern[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was read without a fault."""

    rules: tuple[Rule, ...]
    jwt: JwtRules | None = None
    warnings: tuple[str, ...] = ()
    by_user: bool = False
    """Whether a rule tells users of this host apart."""

    def identify(self, subjects: Iterable[str]) -> Identity | None:
        """What the first rule that matches one of them gives; None for who gets nothing."""
        subjects = list(subjects)
        for rule in self.rules:
            for subject in subjects:
                if rule.matches.fullmatch(subject):
                    return Identity(subject, rule.cred._replace(subject=subject), rule.limits)
        return None


EVERYBODY_IS_ROOT = Policy((Rule(("**",), ROOT_CRED, Limits(), 0, re.compile(".*")),))
"""Without a policy file: whom the transport lets in is root, as in the original."""


def load(path: str) -> Policy:
    """ENOENT, EACCES; EINVAL with all that is wrong, a line each, as ``file:line: what``."""
    try:
        with open(path, "rb") as file:
            text = file.read(1 << 20).decode()
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"policy {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise KernelError(Errno.EINVAL, f"{path}: {error}") from None
    return parse(text, path)


def lint(path: str) -> tuple[Policy | None, list[str]]:
    """The policy in a file, if it can be taken, and all that is wrong with it, as `load` says it."""
    try:
        policy = load(path)
        if policy.jwt is not None:
            from rumpuser.tokens import Verifier

            Verifier(policy.jwt)
    except KernelError as error:
        return None, error.text.splitlines()
    return policy, list(policy.warnings)


def parse(text: str, path: str = "policy") -> Policy:
    """The policy in a text. EINVAL as `load`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KernelError(Errno.EINVAL, f"{path}: {error}") from None
    reader = _Reader(text, path)
    policy = reader.policy(table)
    if reader.faults:
        raise KernelError(Errno.EINVAL, "\n".join(reader.faults))
    return policy


class _Reader:
    """Reads the tables of a policy and gathers what is wrong with them."""

    def __init__(self, text: str, path: str) -> None:
        self._lines = text.splitlines()
        self._path = path
        self.faults: list[str] = []
        self._warnings: list[str] = []
        self._rules = [n for n, line in enumerate(self._lines, 1) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)]

    def policy(self, table: Mapping[str, Any]) -> Policy:
        self._known(table, ("jwt", "rule"), 1)
        found = table.get("rule", [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found) or not found:
            self._fault(1, "there is no [[rule]]: nobody would get anything")
            found = []
        rules = [self._rule(one, self._rules[n] if n < len(self._rules) else 1) for n, one in enumerate(found)]
        self._unreachable(rules)
        jwt = self._jwt(table["jwt"]) if "jwt" in table else None
        by_user = any(_numbered(pattern) for rule in rules for pattern in rule.patterns)
        return Policy(tuple(rules), jwt, tuple(self._warnings), by_user)

    # -- where

    def _line(self, start: int, key: str) -> int:
        for number in range(start, len(self._lines)):
            line = self._lines[number]
            if re.match(rf"\s*(\"?{re.escape(key)}\"?\s*=)", line):
                return number + 1
            if re.match(r"\s*\[", line):
                break
        return start

    def _fault(self, line: int, what: str) -> None:
        self.faults.append(f"{self._path}:{line}: {what}")

    def _known(self, table: Mapping[str, Any], names: Sequence[str], line: int) -> None:
        for name in table:
            if name not in names:
                self._fault(self._line(line, name), f"unknown key {name!r}; there are {', '.join(names)}")

    # -- rules

    def _rule(self, table: Mapping[str, Any], line: int) -> Rule:
        self._known(table, ("match", "uid", "gid", "groups", "allow", "deny", "limits"), line)
        patterns = self._words(table, "match", line)
        if not patterns:
            self._fault(line, "the rule matches nothing: match = a subject, or a list of them")
        for pattern in patterns:
            known = pattern in ("unix", "plain") or _NUMBERED.fullmatch(pattern)
            if not known and not pattern.startswith(_PREFIXES):
                what = "unix, uid:NUMBER, gid:NUMBER, plain, cn:, dns:, jwt:, or a URI"
                self._fault(self._line(line, "match"), f"no subject looks like {pattern!r}: {what}")
        matches = re.compile("|".join(_regex(pattern) for pattern in patterns) or "(?!)", re.DOTALL)
        return Rule(tuple(patterns), self._cred(table, line), self._limits(table, line), line, matches)

    def _cred(self, table: Mapping[str, Any], line: int) -> Credentials:
        uid = self._id(table, "uid", line, None)
        gid = self._id(table, "gid", line, uid)
        groups = table.get("groups", [gid])
        if not isinstance(groups, list) or len(groups) > 16 or not all(_is_id(one) for one in groups):
            self._fault(self._line(line, "groups"), "groups are a list of at most 16 ids")
            groups = []
        allowed = self._actions(table, "allow", line)
        denied = self._actions(table, "deny", line)
        if uid == 0 and "allow" not in table:
            allowed = frozenset(Action)
        actions = (allowed | ANYBODY) - denied
        if not denied <= allowed | ANYBODY:
            self._warn(self._line(line, "deny"), "denies what the rule does not allow anyway")
        limited = uid != 0 or actions != frozenset(Action)
        return Credentials(uid, uid, uid, gid, gid, gid, groups, limited, kauth.bits(actions) if limited else b"")

    def _id(self, table: Mapping[str, Any], key: str, line: int, default: int | None) -> int:
        value = table.get(key, default)
        if not _is_id(value):
            self._fault(self._line(line, key), f"{key} is a number in 0..{ID_MAX}, not {value!r}")
            return ID_MAX
        return int(value)

    def _actions(self, table: Mapping[str, Any], key: str, line: int) -> frozenset[Action]:
        found: frozenset[Action] = frozenset()
        for pattern in self._words(table, key, line):
            try:
                found |= kauth.matching(pattern)
            except KernelError as error:
                self._fault(self._line(line, key), error.text)
        return found

    def _limits(self, table: Mapping[str, Any], line: int) -> Limits:
        given = table.get("limits", {})
        where = self._line(line, "limits")
        if not isinstance(given, dict):
            self._fault(where, "limits are a table: limits = { processes = 4 }")
            return Limits()
        self._known(given, tuple(_LIMITS), where)
        for name, most in _LIMITS.items():
            value = given.get(name, 1)
            if type(value) is not int or not 1 <= value <= most:
                self._fault(where, f"{name} is a number in 1..{most}, not {value!r}")
        return Limits(**{name: value for name, value in given.items() if name in _LIMITS and type(value) is int})

    def _words(self, table: Mapping[str, Any], key: str, line: int) -> list[str]:
        value = table.get(key, [])
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            self._fault(self._line(line, key), f"{key} is a text or a list of texts")
            return []
        return words

    def _unreachable(self, rules: Sequence[Rule]) -> None:
        for number, rule in enumerate(rules):
            for pattern in rule.patterns:
                wider = {pattern, "**", *(("unix", "*") if _NUMBERED.fullmatch(pattern) else ())}
                earlier = next((r for r in rules[:number] if wider & set(r.patterns)), None)
                if earlier is not None:
                    self._warn(rule.line, f"{pattern!r} is decided by the rule of line {earlier.line} already")

    def _warn(self, line: int, what: str) -> None:
        self._warnings.append(f"{self._path}:{line}: {what}")

    # -- tokens

    def _jwt(self, table: Any) -> JwtRules | None:
        line = next((n for n, text in enumerate(self._lines, 1) if re.match(r"\s*\[\s*jwt\s*\]", text)), 1)
        if not isinstance(table, dict):
            self._fault(line, "jwt is a table")
            return None
        self._known(table, ("keys", "issuer", "audience", "algorithms", "once", "leeway"), line)
        for key in ("keys", "issuer", "audience"):
            if not isinstance(table.get(key), str) or not table[key]:
                self._fault(self._line(line, key), f"{key} is needed: tokens of others would be taken without it")
        algorithms = self._words(table, "algorithms", line)
        for name in algorithms or [""]:
            if name not in ALGORITHMS:
                self._fault(self._line(line, "algorithms"), f"algorithm {name!r} is not one of {', '.join(ALGORITHMS)}")
        once, leeway = table.get("once", False), table.get("leeway", 5)
        if not isinstance(once, bool) or type(leeway) is not int or not 0 <= leeway <= 300:
            self._fault(line, "once is true or false, leeway a number of seconds in 0..300")
        if self.faults:
            return None
        keys = os.path.join(os.path.dirname(self._path), table["keys"])
        return JwtRules(keys, table["issuer"], table["audience"], tuple(algorithms), once, leeway)


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value <= ID_MAX


def _numbered(pattern: str) -> bool:
    """Whether it may match the number of a user or a group, and not whatever there is."""
    return bool(pattern.strip("*")) and set(pattern) <= set("ugid:*0123456789")


def _regex(pattern: str) -> str:
    """``*`` is anything but a slash, ``**`` anything."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return "".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
