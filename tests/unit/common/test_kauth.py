"""The question that every privileged place asks."""

from __future__ import annotations

import pytest

from rumpuser import kauth
from rumpuser.component import ROOT_CRED, Context
from rumpuser.kauth import ANYBODY, Action, authorize, permitted
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials

USER = Credentials(uid=1000, euid=1000, svuid=1000, gid=100, egid=100, svgid=100)


@pytest.mark.parametrize("action", Action, ids=lambda a: a.label)
def test_the_superuser_may_do_everything_and_others_what_needs_no_privilege(action: Action) -> None:
    assert permitted(ROOT_CRED, action)
    assert permitted(USER, action) == (action in ANYBODY)


@pytest.mark.parametrize("action", Action, ids=lambda a: a.label)
def test_limited_credentials_may_do_what_their_bits_name_whatever_their_uid(action: Action) -> None:
    for uid in (0, 1000):
        limited = Credentials(uid=uid, euid=uid, limited=True)
        assert not permitted(limited, action)
        only = limited._replace(actions=kauth.bits([action]))
        assert [a for a in Action if permitted(only, a)] == [action]


def test_a_refusal_names_the_action_and_who_asked() -> None:
    with pytest.raises(KernelError, match=r"uid 1000 .*system\.mount\.new") as caught:
        authorize(Context(7, USER), Action.SYSTEM_MOUNT_NEW)
    assert caught.value.errno == Errno.EPERM
    with pytest.raises(KernelError) as caught:
        authorize(Context(7, USER), Action.NETWORK_BIND_PRIVPORT, Errno.EACCES)
    assert caught.value.errno == Errno.EACCES


def test_patterns_mean_actions_by_whole_words() -> None:
    assert kauth.matching("*") == frozenset(Action)
    assert kauth.matching("system.reboot") == {Action.SYSTEM_REBOOT}
    mounting = {a for a in Action if a.label.startswith("system.mount.")}
    assert kauth.matching("system.mount") == kauth.matching("system.mount.*") == mounting
    assert len(mounting) == 6


@pytest.mark.parametrize(
    "pattern", ["", ".", ".*", "sys", "system.mo*", "system.mount.new.", "system..mount", "*.mount", "**"]
)
def test_patterns_that_name_nothing_are_told_of(pattern: str) -> None:
    with pytest.raises(KernelError) as caught:
        kauth.matching(pattern)
    assert caught.value.errno == Errno.EINVAL


def test_numbers_and_names_are_unique_and_in_the_order_of_scopes() -> None:
    assert len({a.label for a in Action}) == len(Action) == len({int(a) for a in Action})
    scopes = [a.label.split(".")[0] for a in sorted(Action)]
    assert sorted(set(scopes), key=scopes.index) == ["generic", "system", "process", "network", "device", "vnode"]
    assert kauth.bits(Action)[Action.VNODE_STICKY >> 3] & 1 << (Action.VNODE_STICKY & 7)


def test_what_the_contract_asks_for_are_actions() -> None:
    asked = {label for op in OPS.values() for label in (op.authorisation, *op.conditional) if label}
    assert asked <= set(kauth.BY_LABEL)
