"""Policy files: what they give, and what is told of faulty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumpuser.kauth import ANYBODY, Action, permitted
from rumpuser.policy import Limits, lint, load, parse
from rumpwire.errno import Errno, KernelError

POLICY = """
[[rule]]
match = ["spiffe://example.org/ns/*/web", "jwt:web"]
uid = 1000
gid = 100
groups = [100, 20]
allow = ["network.bind", "system.reboot"]
deny = ["process.fork", "system.reboot"]
limits = { processes = 4, descriptors = 64, calls = 32, rate = 500 }

[[rule]]
match = "cn:admin"
uid = 0

[[rule]]
match = "cn:operator"
uid = 0
deny = ["system.reboot", "system.module"]

[[rule]]
match = "**"
uid = 65534
"""


def test_the_first_rule_that_matches_decides() -> None:
    policy = parse(POLICY)
    web = policy.identify(["cn:admin", "jwt:web"])
    assert web is not None
    assert (web.subject, web.cred.uid, web.cred.egid, web.cred.groups) == ("jwt:web", 1000, 100, [100, 20])
    assert web.limits == Limits(4, 64, 32, 500)
    allowed = {action for action in Action if permitted(web.cred, action)}
    assert allowed == (ANYBODY | {Action.NETWORK_BIND_PRIVPORT}) - {Action.PROCESS_FORK}


def test_root_without_restriction_is_not_limited_and_one_with_is() -> None:
    policy = parse(POLICY)
    admin, operator = policy.identify(["cn:admin"]), policy.identify(["cn:operator"])
    assert admin is not None
    assert operator is not None
    assert not admin.cred.limited
    refused = {action for action in Action if not permitted(operator.cred, action)}
    assert refused == {Action.SYSTEM_REBOOT, Action.SYSTEM_MODULE}


@pytest.mark.parametrize(
    ("subject", "uid"),
    [
        ("spiffe://example.org/ns/prod/web", 1000),
        ("spiffe://example.org/ns/a/b/web", 65534),
        ("spiffe://example.org/ns//web", 1000),
        ("spiffe://example.org/ns/prod/web/", 65534),
        ("spiffe://example.orgX/ns/prod/web", 65534),
        ("spiffe://exampleXorg/ns/prod/web", 65534),
        ("jwt:web\n", 65534),
        ("unix", 65534),
    ],
)
def test_a_star_stands_for_one_part_of_a_path(subject: str, uid: int) -> None:
    found = parse(POLICY).identify([subject])
    assert found is not None
    assert found.cred.uid == uid


def test_who_matches_nothing_gets_nothing() -> None:
    policy = parse('[[rule]]\nmatch = "cn:a"\nuid = 1\n')
    assert policy.identify(["cn:b", "unix", "plain"]) is None
    assert policy.identify([]) is None


def test_users_of_the_host_are_told_apart_where_a_rule_names_them() -> None:
    policy = parse('[[rule]]\nmatch = ["uid:5", "gid:1*"]\nuid = 1\n\n[[rule]]\nmatch = "unix"\nuid = 2\n')
    assert policy.by_user
    found = [
        policy.identify(subjects) for subjects in (["uid:5", "unix"], ["uid:50", "gid:12", "unix"], ["uid:50", "unix"])
    ]
    assert [one and (one.subject, one.cred.uid) for one in found] == [("uid:5", 1), ("gid:12", 1), ("unix", 2)]


@pytest.mark.parametrize(
    ("pattern", "by_user"),
    [("uid:*", True), ("*:10*", True), ("**1", True), ("gid:0", True), ("*", False), ("**", False), ("unix", False),
     ("jwt:*", False), ("*.example.org", False)],
)  # fmt: skip
def test_no_pattern_that_means_users_is_overlooked(pattern: str, by_user: bool) -> None:
    assert parse(f'[[rule]]\nmatch = "{pattern}"\nuid = 1\n').by_user is by_user


JWT = '[jwt]\nissuer = "i"\naudience = "a"\n'
RULE = '[[rule]]\nmatch = "unix"\nuid = 0\n'
FAULTS = [
    ("", 1, "there is no"),
    ("rule = 3", 1, "there is no"),
    ('[[rule]]\nmatch = "cn:a"\n', 1, "uid is a number"),
    ('[[rule]]\nmatch = "cn:a"\nuid = -1\n', 3, "uid is a number"),
    ('[[rule]]\nmatch = "cn:a"\nuid = true\n', 3, "uid is a number"),
    ('\n[[rule]]\nmatch = "alice"\nuid = 1\n', 3, "no subject looks like 'alice'"),
    ('[[rule]]\nmatch = "uid:alice"\nuid = 1\n', 2, "no subject looks like 'uid:alice'"),
    ('[[rule]]\nmatch = "gid:007"\nuid = 1\n', 2, "no subject looks like 'gid:007'"),
    ("[[rule]]\nmatch = []\nuid = 1\n", 1, "matches nothing"),
    ('[[rule]]\nmatch = "cn:a"\nuid = 1\nallow = ["system.rebot"]\n', 4, "no action 'system.rebot'"),
    ('[[rule]]\nmatch = "cn:a"\nuid = 1\nalow = []\n', 4, "unknown key 'alow'"),
    ('[[rule]]\nmatch = "cn:a"\nuid = 1\nlimits = { rate = 0 }\n', 4, "rate is a number in 1"),
    ('[[rule]]\nmatch = "cn:a"\nuid = 1\nlimits = { money = 5 }\n', 4, "unknown key 'money'"),
    ('[[rule]]\nmatch = "cn:a"\nuid = 1\n[[rule]]\nmatch = 5\nuid = 1\n', 5, "text or a list"),
    (JWT + 'algorithms = ["EdDSA"]\n' + RULE, 1, "keys is needed"),
    (
        '[jwt]\nkeys = "k"\nissuer = "i"\naudience = "a"\nalgorithms = ["none"]\n[[rule]]\nmatch = "unix"\nuid = 0\n',
        5,
        "algorithm 'none'",
    ),
    ('[[rule]]\nmatch = "cn:a\n', None, "line 2"),
]


@pytest.mark.parametrize(("text", "line", "what"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_faults_are_told_with_their_lines(text: str, line: int | None, what: str) -> None:
    with pytest.raises(KernelError) as caught:
        parse(text, "p.toml")
    assert caught.value.errno == Errno.EINVAL
    assert what in caught.value.text
    assert line is None or f"p.toml:{line}: " in caught.value.text


def test_all_faults_are_told_at_once_and_rules_that_never_decide_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('[[rule]]\nmatch = "cn:a"\nuid = -1\ngid = -2\nallow = "no"\n')
    assert len(lint(str(path))[1]) == 3
    path.write_text('[[rule]]\nmatch = "**"\nuid = 1\n\n[[rule]]\nmatch = "cn:a"\nuid = 0\n')
    policy, warnings = lint(str(path))
    assert policy is not None
    assert warnings == [f"{path}:5: 'cn:a' is decided by the rule of line 1 already"]
    path.write_text('[[rule]]\nmatch = "unix"\nuid = 1\n\n[[rule]]\nmatch = "uid:5"\nuid = 0\n')
    assert lint(str(path))[1] == [f"{path}:5: 'uid:5' is decided by the rule of line 1 already"]
    with pytest.raises(KernelError) as caught:
        load(str(tmp_path / "none"))
    assert caught.value.errno == Errno.ENOENT
