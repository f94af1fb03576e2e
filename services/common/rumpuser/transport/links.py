"""Which calls a component had begun when it ended, so that its callers may repeat the others.

A caller gives each of its connections a name. Ids of runs grow, and runs are begun in the order in which they come, so
the last id of each connection tells of all. It is recorded before a run is begun: a successor never takes a call that
had an effect for one that had none.
"""

from __future__ import annotations

from rumpuser.records import Records

ANY = (1 << 64) - 1
"""Where nothing is known of a connection: each of its runs may have been begun."""
MOST = 256
"""Connections that are remembered; those of callers that are gone among them."""


class Links:
    """The connections to a component, and to those before it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._last: dict[str, int] = {name: last for name, _, last in records.items("links")}

    def begin(self, name: str) -> None:
        """A new connection; the oldest is forgotten."""
        self._last[name] = 0
        self._records.put("links", name, None)
        if len(self._last) > MOST:
            oldest = next(iter(self._last))
            del self._last[oldest]
            self._records.delete("links", oldest)

    def saw(self, name: str, run: int) -> None:
        """A run is about to be begun."""
        if run > self._last.get(name, ANY):
            self._last[name] = run
            self._records.count("links", name, run)

    def last(self, name: str) -> int:
        return self._last.get(name, ANY)
