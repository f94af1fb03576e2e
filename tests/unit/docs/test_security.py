"""The policy of docs/security.md is one, and gives what the page says."""

from __future__ import annotations

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
