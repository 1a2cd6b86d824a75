"""Commands as a user types them."""

import io
import os
import runpy
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from warm_python import FOR_JOBS, warm_python


def bash(command: str, folder: Path, **environment: str) -> str:
    """Run `command` with bash in a folder, this environment's programs first on PATH; gives all that it printed."""
    path = f"{Path(warm_python()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **FOR_JOBS, **environment},
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


def run_script(script: Path, *arguments: str, folder: Path) -> str:
    """Run a case's script in a folder, by this process, which has imported what it needs; gives what it printed."""
    printed, before = io.StringIO(), set(sys.modules)
    given = patch.object(sys, "argv", [str(script), *arguments]), patch.object(sys, "path", [*sys.path])
    with chdir(folder), redirect_stdout(printed), given[0], given[1]:
        runpy.run_path(str(script), run_name="__main__")
    for name in set(sys.modules) - before:  # by which the next case's script may mean another module
        if Path(getattr(sys.modules[name], "__file__", None) or "").resolve().parent in script.resolve().parents:
            del sys.modules[name]
    return printed.getvalue()
