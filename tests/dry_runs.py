"""Dry runs in forks of a process that has imported Snakemake already, as its imports are two thirds of a dry run.

    python tests/dry_runs.py

reads {"arguments", "folder", "environment"} as a line of JSON, runs `snakemake` so in a fork, and answers with a line:
{"output"}, all that it printed.
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

PRELOADED = (
    *("snakemake.cli", "snakemake.workflow", "snakemake.executors.dryrun", "nbformat", "requests", "smart_open"),
    *("poseflow.cluster", "poseflow.labels", "poseflow.media", "poseflow.models", "poseflow.runs.plan"),
    *("poseflow.runs.checks", "poseflow.runs.orphans", "poseflow.runs.summary"),
)
"""What a dry run imports, nearly."""


def dry_run(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run `snakemake -n` with these arguments; gives all that it printed."""
    server = _start(environment.get("PYTHONPATH", ""))
    server.stdin.write(
        json.dumps({"arguments": ["-n", *arguments], "folder": str(folder.resolve()), "environment": environment})
        + "\n"
    )
    server.stdin.flush()
    return json.loads(server.stdout.readline())["output"]


@cache
def _start(python_path: str) -> subprocess.Popen[str]:
    """One process for each PYTHONPATH, from where Python may be changed as it starts."""
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path},
        text=True,
    )


def serve() -> None:
    """Answer until nobody asks any more; in a fork, become Snakemake."""
    for name in PRELOADED:
        import_module(name)
    from snakemake.cli import main

    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if not child:
                for descriptor in (1, 2):
                    os.dup2(output.fileno(), descriptor)
                os.chdir(asked["folder"])
                os.environ.clear()
                os.environ.update(asked["environment"])
                sys.argv = ["snakemake", *asked["arguments"]]
                sys.exit(main())
            os.waitpid(child, 0)
            output.seek(0)
            print(json.dumps({"output": output.read()}), flush=True)


if __name__ == "__main__":
    serve()
