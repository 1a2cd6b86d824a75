"""How many processors there are."""

import os


def count_processors() -> int:
    """Those that this process may use, which a job of a cluster shares with others."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
