"""Commands as a user types them."""

import os
import subprocess
import sys
from pathlib import Path


def bash(command: str, folder: Path, **environment: str) -> str:
    """Run `command` with bash in a folder, this environment's programs first on PATH; gives all that it printed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        timeout=1500,
    )
    return done.stdout


def run_case(folder: Path, **environment: str) -> str:
    """Run the command that a regression case's `case.md` gives, in its folder; gives all that it printed."""
    _, _, rest = (folder / "case.md").read_text().partition("**Command**\n```\n")
    return bash(rest.partition("\n```")[0], folder, **environment)
