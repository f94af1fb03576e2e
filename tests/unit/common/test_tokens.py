"""Tokens: what is taken, and all that is not."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from rumpuser.authority import Authority
from rumpuser.policy import JwtRules
from rumpuser.records import RecordFile
from rumpuser.tokens import MAX_TOKEN, Verifier
from rumpwire.errno import Errno, KernelError


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def rules(authority: Authority) -> JwtRules:
    return JwtRules(str(authority.folder / "keys.json"), "issuer", "rump", ("EdDSA", "HS256"), leeway=0)


def refused(rules: JwtRules, token: str) -> str:
    with pytest.raises(KernelError) as caught:
        Verifier(rules).subject(token)
    assert caught.value.errno == Errno.EAUTH
    return caught.value.text


def test_a_token_of_the_authority_names_its_subject(authority: Authority, rules: JwtRules) -> None:
    token = authority.token("web", "issuer", "rump", 60)
    verifier = Verifier(rules)
    assert verifier.subject(token) == verifier.subject(token) == "web"


@pytest.mark.parametrize(
    ("issuer", "audience", "seconds", "claims"),
    [
        ("other", "rump", 60, {}),
        ("issuer", "other", 60, {}),
        ("issuer", "rump", -1, {}),
        ("issuer", "rump", 60, {"nbf": time.time() + 3600}),
        ("issuer", "rump", 60, {"sub": ""}),
    ],
    ids=["foreign issuer", "foreign audience", "expired", "not yet", "nobody"],
)
def test_what_is_not_for_us_or_not_now_is_refused(
    authority: Authority, rules: JwtRules, issuer: str, audience: str, seconds: float, claims: dict[str, object]
) -> None:
    refused(rules, authority.token(str(claims.pop("sub", "web")), issuer, audience, seconds, **claims))


def test_tokens_without_an_end_or_an_audience_are_refused(authority: Authority, rules: JwtRules) -> None:
    key = (authority.folder / "jwt.key").read_bytes()
    kid = json.loads((authority.folder / "keys.json").read_text())["keys"][0]["kid"]
    for missing in ("exp", "sub", "iss", "aud"):
        body = {"sub": "web", "iss": "issuer", "aud": "rump", "exp": time.time() + 60}
        del body[missing]
        refused(rules, jwt.encode(body, key, "EdDSA", {"kid": kid}))


def test_unsigned_and_foreign_signatures_are_refused(authority: Authority, rules: JwtRules, tmp_path: Path) -> None:
    good = authority.token("web", "issuer", "rump", 60)
    head, body, signature = good.split(".")
    kid = jwt.get_unverified_header(good)["kid"]
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).rstrip(b"=").decode()
    stranger = Authority.create(tmp_path / "other").token("web", "issuer", "rump", 60)
    changed = (
        base64.urlsafe_b64encode(base64.urlsafe_b64decode(body + "==").replace(b'"web"', b'"adm"'))
        .rstrip(b"=")
        .decode()
    )
    for bad in (f"{none}.{body}.", f"{none}.{body}.{signature}", f"{head}.{body}.", stranger,
                f"{head}.{changed}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA"):  # fmt: skip
        refused(rules, bad)


def test_a_public_key_is_no_secret_for_hmac(authority: Authority, rules: JwtRules) -> None:
    """The confusion of algorithms: the verifier's public key, taken as the secret of HS256."""
    keys = json.loads((authority.folder / "keys.json").read_text())["keys"][0]
    body = {"sub": "web", "iss": "issuer", "aud": "rump", "exp": time.time() + 60}
    secret = base64.urlsafe_b64decode(keys["x"] + "==")
    refused(rules, jwt.encode(body, secret, "HS256", {"kid": keys["kid"]}))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "\0", "x" * (MAX_TOKEN + 1), "é.é.é", "e30.e30.e30", "bnVsbA.bnVsbA.", "W10.W10."],
)
def test_what_is_no_token_is_refused(rules: JwtRules, token: str) -> None:
    refused(rules, token)


def test_an_algorithm_that_is_not_listed_is_refused(authority: Authority, rules: JwtRules) -> None:
    refused(replace(rules, algorithms=("ES256",)), authority.token("web", "issuer", "rump", 60))


def test_a_token_for_one_use_is_used_once_but_by_the_same_attach(authority: Authority, rules: JwtRules) -> None:
    verifier = Verifier(replace(rules, once=True))
    token = authority.token("web", "issuer", "rump", 60)
    assert verifier.subject(token, b"nonce") == "web"
    assert verifier.subject(token, b"nonce") == "web"  # the answer was lost, and the client tries again
    for nonce in (b"", b"other"):
        with pytest.raises(KernelError, match="has been used"):
            verifier.subject(token, nonce)
    again = Verifier(replace(rules, once=True))
    again.inherit(verifier)
    with pytest.raises(KernelError, match="has been used"):
        again.subject(token)
    without_nonce = authority.token("web", "issuer", "rump", 60)
    verifier.subject(without_nonce)
    with pytest.raises(KernelError, match="has been used"):
        verifier.subject(without_nonce)
    with pytest.raises(KernelError, match="at most"):
        verifier.subject(authority.token("web", "issuer", "rump", 1e6))


def test_used_tokens_are_there_after_a_crash_until_they_expire(
    authority: Authority, rules: JwtRules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = replace(rules, once=True)
    records = RecordFile(str(tmp_path / "records"))
    used, short = (authority.token("web", "issuer", "rump", seconds) for seconds in (3000, 30))
    for token in (used, short):
        Verifier(once, records).subject(token, b"nonce")
    records.close()
    records = RecordFile(str(tmp_path / "records"))
    successor = Verifier(once, records)
    for token in (used, short):
        with pytest.raises(KernelError, match="has been used"):
            successor.subject(token)
        successor.subject(token, b"nonce")
    later = time.time() + 1000
    monkeypatch.setattr(time, "time", lambda: later)
    successor.subject(authority.token("web", "issuer", "rump", 3000))
    assert len(records.items("token")) == 2
    with pytest.raises(KernelError, match="has been used"):
        Verifier(once, records).subject(used)
    records.remove()


def test_keys_that_are_none_are_told_of(rules: JwtRules, tmp_path: Path) -> None:
    for text in (None, "{", "[]", '{"keys": []}', '{"keys": [{"kty": "OKP"}]}'):
        path = tmp_path / "keys.json"
        if text is not None:
            path.write_text(text)
        with pytest.raises(KernelError) as caught:
            Verifier(replace(rules, keys=str(path)))
        assert caught.value.errno == (Errno.ENOENT if text is None else Errno.EINVAL)
