"""Tables of the documentation that say which test shows what: nothing is left out, and the tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
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
CASES = """
basic stress_short stress_long stress_killer fork_simple fork_pipecomm fork_fakeauth sigsafe signal reconnect
makelwp proccreds inherit lwps nolwprelease nolwp nullswitch rfork
cmsg_modcmd
sigraise sigignore sigpanic
noexec exec cloexec vfork threxec
bigenough sigio
cmd_load cmd_load_props cmd_load_recurse cmd_stat cmd_unload disable disabledstat forcereload noauto busydisable
plain bflag iflag sflag
http ssh nfs nfs_autoload
paxcopy cpcopy mv_nox ln_nox mv_x ln_x runonprefix blanket doubleblanket
basic_prefix basic_blanket basic_prefix_symlink
runscript redirect
select_timeout select_allunset invafd
fdoff8
size offset notrunc data type_chr type_reg type_blk type_blk_default
"""
"""t_sp, t_lwproc, t_modcmd, t_signals, t_exec, t_fd, t_modctl, t_builtin, t_modload, t_tcpip, t_vfs, t_cwd, t_sh,
t_asyncio, t_config and t_disk of NetBSD."""
RUMPCTRL = (
    "lo0 in ifconfig", "kern.hostname", "rumpfs in df", "cat of /dev/null", "ping", "ping6", "mkdir", "ls", "rmdir",
    "ktrace", "shmif", "ffs until it is full", "npf", "cgd", "raidframe", "vnd",
)  # fmt: skip
"""What rumpctrl tests."""


def rows(page: str) -> dict[str, str]:
    """What is shown, and the cell that says where."""
    text = (ROOT / "docs" / page).read_text()
    return dict(re.findall(r"^\| ([^|`]+) \| ([^|]*`tests/[^|]+) \|$", text, re.MULTILINE))


def test_every_weakness_of_the_original_is_in_the_list() -> None:
    assert tuple(rows("security.md")) == WEAKNESSES


def test_every_case_of_the_original_is_in_the_list() -> None:
    found = [case for name in rows("reference/rump-tests.md") for case in name.split(", ")]
    assert sorted(found) == sorted((*CASES.split(), *RUMPCTRL))


@pytest.mark.parametrize("page", ["security.md", "reference/rump-tests.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    for name, cell in rows(page).items():
        named = re.findall(r"`(tests/[^:`]+)::(\w+)`", cell)
        assert named, name
        for path, test in named:
            tree = ast.parse((ROOT / path).read_text())
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (name, test)
