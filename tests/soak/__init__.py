"""Faults by the hundred under a mixed load whose results are checked; ``python -m tests.soak``."""
