"""The policy of docs/security.md is one, and gives what the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from rumpclients.cli import main
from rumpuser.authority import Authority
from rumpuser.kauth import Action, permitted
from rumpuser.policy import Limits, lint

PAGE = Path(__file__).resolve().parents[3] / "docs" / "security.md"


def test_the_example_is_a_policy_without_fault(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    path = tmp_path / "policy.toml"
    path.write_text(found[1])
    Authority.create(tmp_path / "ca")
    policy, faults = lint(str(path))
    assert (policy is None, faults) == (False, [])
    assert policy is not None
    web, operator = policy.identify(["jwt:web"]), policy.identify(["cn:operator"])
    assert web is not None
    assert operator is not None
    assert web.limits == Limits(4, 64, 32, 500, 4 << 20)
    assert permitted(web.cred, Action.NETWORK_BIND_PRIVPORT)
    assert not permitted(web.cred, Action.PROCESS_FORK)
    assert permitted(operator.cred, Action.SYSTEM_MOUNT_NEW)
    assert not permitted(operator.cred, Action.SYSTEM_REBOOT)
    assert main(["policy", "check", str(path)]) == 0
    assert main(["policy", "check", str(path), "--as", "cn:operator"]) == 0
    assert main(["policy", "check", str(path), "--as", "cn:nobody"]) == 1
    path.write_text(found[1].replace("deny", "dney"))
    assert main(["policy", "check", str(path)]) == 1


def test_so_is_that_for_users_of_this_host(tmp_path: Path) -> None:
    found = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    path = tmp_path / "policy.toml"
    path.write_text(found)
    policy, faults = lint(str(path))
    assert faults == []
    assert policy is not None
    assert policy.by_user
    alice = policy.identify(["uid:1000", "gid:27", "unix"])
    assert alice is not None
    assert alice.cred.uid == 1000
    assert policy.identify(["unix"]) is None


WEAKNESSES = (
    "Whoever reaches the URL is root",
    "Certificates prove who a client is, both ways",
    "Tokens are signed, expire and are for one use",
    "Each client has its own privileges",
    "Calls of the administrator are apart",
    "The server reads and writes any address of the client",
    "The cookie of a fork is guessed, used twice or by others",
    "Unclaimed cookies are good for ever",
    "All credentials come from init",
    "Any announced length is allocated",
    "A handshake without body, a name without end",
    "A body shorter than the arguments of its call",
    "A reply shorter or longer than was asked for",
    "A request is replayed",
)
"""What a protocol like rump_sp(7) gets wrong."""


def test_every_weakness_has_tests_that_exist() -> None:
    rows = dict(re.findall(r"^\| ([^|`]+) \| (`tests/[^|]+) \|$", PAGE.read_text(), re.MULTILINE))
    assert tuple(rows) == WEAKNESSES
    for name, cell in rows.items():
        found = re.findall(r"`(tests/[^:`]+)::(\w+)`", cell)
        assert found, name
        for path, test in found:
            tree = ast.parse((PAGE.parents[1] / path).read_text())
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (name, test)
