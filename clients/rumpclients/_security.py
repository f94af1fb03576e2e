"""``rump ca`` and ``rump policy``: identities to try out, and what a policy makes of them."""

from __future__ import annotations

import argparse
import sys

from rumpuser import kauth
from rumpuser.authority import Authority
from rumpuser.kauth import ANYBODY, Action, permitted
from rumpuser.policy import Identity, lint


def ca_flags(sub: argparse.ArgumentParser) -> None:
    actions = sub.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (("init", "a new authority, with keys for tokens"), ("server", "a certificate for a server"),
                       ("client", "a certificate for a client"), ("token", "a signed token")):  # fmt: skip
        one = actions.add_parser(name, help=text)
        if name == "init":
            one.add_argument("dir", metavar="DIR")
            continue
        one.add_argument("name", metavar="NAME" if name != "token" else "SUBJECT")
        one.add_argument("--dir", default=".", metavar="DIR", help="folder of the authority (default: this one)")
        if name == "server":
            one.add_argument("--host", action="append", default=[], metavar="HOST", help="name or address; repeatable")
        elif name == "client":
            one.add_argument("--spiffe", action="append", default=[], metavar="URI", help="spiffe://DOMAIN/PATH")
        else:
            one.add_argument("--issuer", default="rump ca", metavar="TEXT")
            one.add_argument("--audience", default="rump", metavar="TEXT")
            one.add_argument("--seconds", type=float, default=3600, metavar="N", help="how long it is good")


def ca(options: argparse.Namespace) -> None:
    if options.action == "init":
        print(Authority.create(options.dir).folder / "ca.pem")
        return
    authority = Authority(options.dir)
    if options.action == "server":
        print(authority.server(options.name, options.host))
    elif options.action == "client":
        print(authority.client(options.name, options.spiffe))
    else:
        print(authority.token(options.name, options.issuer, options.audience, options.seconds))


def policy_flags(sub: argparse.ArgumentParser) -> None:
    actions = sub.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="what is wrong with a policy, and what it gives")
    check.add_argument("file", metavar="FILE")
    check.add_argument("--as", dest="subjects", action="append", default=[], metavar="SUBJECT", help="repeatable")
    actions.add_parser("actions", help="the names of all actions")


def policy(options: argparse.Namespace) -> int:
    """1 when somebody of ``--as`` gets nothing, or there are warnings; what is wrong ends it with an error."""
    if options.action == "actions":
        for action in sorted(Action, key=lambda a: a.label):
            print(action.label + (" (everybody)" if action in ANYBODY else ""))
        return 0
    found, faults = lint(options.file)
    for fault in faults:
        print(fault if found is None else f"warning: {fault}", file=sys.stderr)
    if found is None:
        return 1
    if options.subjects:
        identity = found.identify(options.subjects)
        print("nothing" if identity is None else _shown(identity))
        return int(identity is None)
    ways = ", tokens are taken" if found.jwt else ""
    print(f"{len(found.rules)} rules{ways}" + (", unix sockets by user" if found.by_user else ""))
    return int(bool(found.warnings))


def _shown(identity: Identity) -> str:
    cred, limits = identity.cred, identity.limits
    allowed = [action.label for action in kauth.Action if permitted(cred, action)]
    lines = [
        f"{identity.subject}: uid {cred.uid}, gid {cred.gid}, groups {' '.join(map(str, cred.groups)) or 'none'}",
        f"may: {'everything' if not cred.limited else ' '.join(allowed) or 'nothing that is asked for'}",
    ]
    given = {name: getattr(limits, name) for name in ("processes", "descriptors", "calls", "rate", "memory")}
    lines += ["limits: " + (" ".join(f"{name}={value}" for name, value in given.items() if value) or "none")]
    return "\n".join(lines)
