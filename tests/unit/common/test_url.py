from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpuser.url import Url, parse
from rumpwire.errno import Errno, KernelError


@pytest.mark.parametrize(
    ("text", "url", "target"),
    [
        ("unix:///run/k.sock", Url("unix", path="/run/k.sock"), "unix:/run/k.sock"),
        ("unix://k.sock", Url("unix", path=os.path.abspath("k.sock")), f"unix:{os.path.abspath('k.sock')}"),
        ("tcp://10.1.2.3:80", Url("tcp", host="10.1.2.3", port=80), "10.1.2.3:80"),
        ("tcp://10.1.2.3:80/", Url("tcp", host="10.1.2.3", port=80), "10.1.2.3:80"),
        ("tcp+plain://kern-0.rump_x:65535/", Url("tcp+plain", host="kern-0.rump_x", port=65535), "kern-0.rump_x:65535"),
        ("tcp://[2001:DB8::1]:7", Url("tcp", host="2001:db8::1", port=7), "[2001:db8::1]:7"),
    ],
)
def test_good(text: str, url: Url, target: str) -> None:
    assert parse(text) == url == parse(str(url)) == parse(text, server=True)
    assert url.target == target
    assert url.secure == text.startswith("tcp:")


@pytest.mark.parametrize("host", ["*", "0"])
def test_wildcards_are_for_servers(host: str) -> None:
    assert parse(f"tcp://{host}:9", server=True).target == "0.0.0.0:9"
    with pytest.raises(KernelError, match="EINVAL"):
        parse(f"tcp://{host}:9")


@pytest.mark.parametrize(
    ("text", "errno"),
    [
        ("", Errno.EINVAL),
        ("/run/k.sock", Errno.EINVAL),
        ("unix:/run/k.sock", Errno.EINVAL),
        ("unix://", Errno.EINVAL),
        ("unix://a\0b", Errno.EINVAL),
        ("http://x:1", Errno.EINVAL),
        ("aschemethatislong://x:1", Errno.EINVAL),
        ("tcp6://[::1]:80", Errno.EOPNOTSUPP),
        ("tcp://x", Errno.EINVAL),
        ("tcp://x:", Errno.EINVAL),
        ("tcp://x:/", Errno.EINVAL),
        ("tcp://:80", Errno.EINVAL),
        ("tcp://x:80//", Errno.EINVAL),
        ("tcp://x:80/y", Errno.EINVAL),
        ("tcp://x:80 ", Errno.EINVAL),
        ("tcp://x:+80", Errno.EINVAL),
        ("tcp://x:\u0661", Errno.EINVAL),
        ("tcp://x:65536", Errno.ERANGE),
        ("tcp://x:" + "9" * 5000, Errno.ERANGE),
        ("tcp://x:0", Errno.EINVAL),
        ("tcp://1.2.3:80", Errno.EINVAL),
        ("tcp://1.2.3.400:80", Errno.EINVAL),
        ("tcp://::1:80", Errno.EINVAL),
        ("tcp://[::1:80", Errno.EINVAL),
        ("tcp://[1.2.3.4]:80", Errno.EINVAL),
        ("tcp://a b:80", Errno.EINVAL),
        ("tcp://-a:80", Errno.EINVAL),
        ("tcp://a..b:80", Errno.EINVAL),
        ("tcp://" + "a" * 64 + ":80", Errno.EINVAL),
        ("tcp://" + "a." * 127 + ":80", Errno.ENAMETOOLONG),
        ("unix:///" + "a" * 107, Errno.ENAMETOOLONG),
    ],
)
def test_bad(text: str, errno: Errno) -> None:
    for server in (False, True):
        if (text, server) == ("tcp://x:0", True):
            continue
        with pytest.raises(KernelError) as caught:
            parse(text, server=server)
        assert caught.value.errno == errno


def test_longest_path() -> None:
    assert len(parse("unix:///" + "a" * 106).path) == 107


@given(st.sampled_from(["", "unix://", "tcp://", "tcp+plain://"]), st.text(max_size=40))
def test_anything(scheme: str, text: str) -> None:
    try:
        url = parse(scheme + text, server=True)
    except KernelError:
        return
    assert parse(str(url), server=True) == url
