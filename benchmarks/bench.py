"""`make bench`: every benchmark, one after the other, on this machine.

    python benchmarks/bench.py

What it prints belongs, with the command, into docs/benchmarks.md.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

BENCHMARKS = (
    ("decode.py",),
    ("predict.py", "--memory", "1000", "20000"),
    ("kinds.py",),
    ("cost.py",),
    ("training.py",),
    ("tracking.py",),
    ("tracking.py", "--frames", "50000", "--files", "100"),
    ("identity.py",),
    ("hidden.py",),
    ("plan.py",),
    ("page.py",),
    ("pose_tables.py",),
)


def main() -> None:
    """Run them."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    for script, *options in BENCHMARKS:
        print(f"\n{' '.join(['benchmarks/' + script, *options])}", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(script), *options], check=True)


if __name__ == "__main__":
    main()
