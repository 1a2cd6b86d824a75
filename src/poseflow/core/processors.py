"""Which processors there are."""

import os
import subprocess

GPU_TIMEOUT_S = 20.0


def count_processors() -> int:
    """Those that this process may use, which a job of a cluster shares with others."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_gpus() -> list[str]:
    """NVIDIA's, with their memory, as their driver tells; none where it does not."""
    command = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GPU_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
