"""Which processors there are."""

import os

from poseflow.core.programs import ask_program


def count_processors() -> int:
    """Those that this process may use, which a job of a cluster shares with others."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_gpus() -> list[str]:
    """NVIDIA's, with their memory, as their driver tells; none where it does not."""
    return (ask_program("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader") or "").splitlines()
