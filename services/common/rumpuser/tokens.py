"""Tokens of clients: JSON Web Tokens (RFC 7519), checked against a file of keys (JWKS, RFC 7517)."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt

from rumpuser.policy import JwtRules
from rumpuser.records import NoRecords, Records
from rumpwire.errno import Errno, KernelError, from_host

MAX_TOKEN = 16 << 10
MAX_USED = 1 << 16
"""One-use tokens that are remembered; above it new ones are refused until old ones expire."""
MAX_ONCE_S = 3600
"""One-use tokens must not live longer: they are remembered that long."""
FORGET_S = 60
"""How often those that have expired are forgotten."""


class Verifier:
    """Checks tokens by the rules of a policy. Raises EINVAL, ENOENT, EACCES for its keys.

    ``records``: where tokens that were used are remembered for a successor of this process.
    """

    def __init__(self, rules: JwtRules, records: Records | None = None) -> None:
        self._rules = rules
        self._keys = _keys(rules.keys)
        self._records = records if records is not None else NoRecords()
        self._used: dict[str, tuple[float, bytes]] = {k: v for k, v, _ in self._records.items("token")}
        self._forgotten = time.time()

    def inherit(self, older: Verifier | None) -> None:
        """Tokens that were used stay used when the policy is read again."""
        if older is not None:
            self._used = older._used

    def subject(self, token: str, nonce: bytes = b"") -> str:
        """Whose token it is. EAUTH for one that proves nothing; the text says why, and nothing of its contents.

        With ``once`` a second use is refused, but for the repetition of the Attach that had this nonce.
        """
        if len(token) > MAX_TOKEN:
            raise KernelError(Errno.EAUTH, f"a token of {len(token)} bytes; {MAX_TOKEN} are taken")
        claims = self._claims(token)
        if self._rules.once:
            self._use(claims, nonce)
        return str(claims["sub"])

    def _claims(self, token: str) -> dict[str, Any]:
        rules = self._rules
        try:
            header = jwt.get_unverified_header(token)
            key = self._key(header)
            required = ["exp", "sub", "iss", "aud", *(["jti"] if rules.once else [])]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=rules.audience,
                issuer=rules.issuer,
                leeway=rules.leeway,
                options={"require": required},
            )
        except (jwt.InvalidTokenError, jwt.PyJWKError, ValueError, KeyError, TypeError) as error:
            raise KernelError(Errno.EAUTH, f"the token is not taken: {error}") from None
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise KernelError(Errno.EAUTH, "the token names no subject")
        return claims

    def _key(self, header: dict[str, Any]) -> Any:
        """The key that a token names, or the only one; its own kind decides the algorithm, not the token."""
        kid, algorithm = header.get("kid"), header.get("alg")
        found = self._keys if kid is None and len(self._keys) == 1 else [k for k in self._keys if k.key_id == kid]
        if algorithm not in self._rules.algorithms or not any(k.algorithm_name == algorithm for k in found):
            raise KernelError(Errno.EAUTH, "the token is signed by no key that is trusted for its algorithm")
        return next(k.key for k in found if k.algorithm_name == algorithm)

    def _use(self, claims: dict[str, Any], nonce: bytes) -> None:
        now, expires, number = time.time(), float(claims["exp"]), str(claims["jti"])
        if expires > now + MAX_ONCE_S:
            raise KernelError(Errno.EAUTH, f"a token for one use lives for {MAX_ONCE_S} s at most")
        if len(self._used) >= MAX_USED or now > self._forgotten + FORGET_S:
            self._forget(now)
        before = self._used.get(number)
        if before is not None and not (nonce and before[1] == nonce):
            raise KernelError(Errno.EAUTH, "the token has been used")
        if len(self._used) >= MAX_USED:
            raise KernelError(Errno.EAGAIN, f"{MAX_USED} tokens are remembered as used")
        self._used[number] = (expires + self._rules.leeway, nonce)
        self._records.put("token", number, self._used[number])

    def _forget(self, now: float) -> None:
        """Those that nobody can use any more."""
        self._forgotten = now
        for number in [number for number, (expires, _) in self._used.items() if expires <= now]:
            del self._used[number]
            self._records.delete("token", number)


def _keys(path: str) -> list[jwt.PyJWK]:
    try:
        with open(path, "rb") as file:
            found = jwt.PyJWKSet.from_dict(json.loads(file.read(1 << 20))).keys
    except OSError as error:
        raise KernelError(from_host(error.errno or 0), f"keys {path}: {error.strerror}") from None
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise KernelError(Errno.EINVAL, f"keys {path}: {error}") from None
    return list(found)
