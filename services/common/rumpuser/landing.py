"""Where the result of a read is to be put, for those who have to put it together anyhow.

A transport that has memory for the result says so in the length that it asks a handler for (`Landing`, an int). Most
handlers answer with a view of what they have, and take no notice. What is put there may change under the eyes of who
reads it again: it is only written.
"""

from __future__ import annotations


class Landing(int):
    """How many bytes are wanted, and memory for them."""

    def filled(self, length: int) -> memoryview:
        """The first so many bytes of the memory, which are the result."""
        raise NotImplementedError


def buffer_for(wanted: int, length: int) -> bytearray | memoryview:
    """Memory for a result of so many bytes: where the caller wants it, or new. What is in it is not zero."""
    return wanted.filled(length) if isinstance(wanted, Landing) and length <= wanted else bytearray(length)
