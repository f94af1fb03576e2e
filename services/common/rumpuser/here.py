"""What belongs to the code that a thread runs now. (No context variables: the callbacks of a loop inherit those.)"""

from __future__ import annotations

import threading
from typing import Any


class Here(threading.local):
    """``waiter``: who waits for this code (`rumpuser.workers`). ``visit``: for a component, the call that is done."""

    waiter: Any = None
    visit: Any = None


here = Here()
