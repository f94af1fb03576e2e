"""What a caller does when a component ends with its call under way."""

from __future__ import annotations

from collections.abc import Sequence

from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step


class Gone(KernelError):  # noqa: N818  what happened, not whose fault it is
    """The connection to a component is lost, and a call on it unanswered (ENOTCONN).

    ``link`` names the connection; None where the call was never sent, "" where its successor knows nothing of it.
    """

    def __init__(self, name: str, why: str, link: str | None, run: int) -> None:
        super().__init__(Errno.ENOTCONN, f"the {name} component {why}")
        self.component = name
        self.link = link
        self.run = run
        self.interrupt: KernelError | None = None
        """What its caller was interrupted by while the call was under way."""


def unknown(gone: Gone, steps: Sequence[Step]) -> KernelError:
    """ENOLINK, for a call that cannot be repeated without doing it twice."""
    what = steps[0].op.cname if len(steps) == 1 else f"{len(steps)} calls from {steps[0].op.cname} on"
    text = f"{gone.component} ended while the call was under way: it may or may not have been done ({what})"
    return KernelError(Errno.ENOLINK, text, gone.component)


def harmless(steps: Sequence[Step]) -> bool:
    """Whether all of it may be repeated, whatever of it has been done."""
    return all(step.op.idempotent for step in steps)
