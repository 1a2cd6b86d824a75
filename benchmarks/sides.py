"""What benchmarks beside another program share: its environment, runs of commands, and the load of others meanwhile."""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

LEAST_ROUNDS = 3
PEER = "sleap-nn"


@dataclass(frozen=True)
class Run:
    """A command that was run: how long it took, and how many cores others used meanwhile."""

    seconds: float
    foreign_cores: float


def install_peer(folder: Path) -> Path:
    """Make the environment once; gives the folder of its commands."""
    commands = folder / "bin"
    if not (commands / PEER).exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [commands / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "torch"], check=True)
        subprocess.run([*pip, "--no-deps", "torchvision"], check=True)
        frozen = subprocess.run(
            [commands / "python", "-m", "pip", "freeze"], check=True, capture_output=True, text=True
        )
        held = folder / "constraints.txt"
        held.write_text("".join(f"{line}\n" for line in frozen.stdout.splitlines() if line.startswith("torch==")))
        subprocess.run([*pip, "--constraint", held, PEER, "onnx", "onnxruntime"], check=True)
    return commands


def describe_peer(commands: Path) -> str:
    """The versions of what is installed there."""
    code = "from importlib.metadata import version as v; print('sleap-nn', v('sleap-nn') + ', torch', v('torch'))"
    return subprocess.run([commands / "python", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def busy_seconds() -> float:
    """Processor time that all processes have used so far on the cores that this one may use."""
    own = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    ticks = 0
    for _, *fields in (line for line in lines if line[0] in own):
        user, nice, system, _, _, irq, soft, steal = map(int, fields[:8])
        ticks += user + nice + system + irq + soft + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Of that, what this process and those that it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run_side(command: Sequence[str], folder: Path) -> Run:
    """Run a command in a folder, where its log stays; ends the benchmark where it fails."""
    before = busy_seconds(), own_seconds()
    begin = perf_counter()
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, check=False)
    seconds = perf_counter() - begin
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with {done.returncode}:\n{(folder / 'log.txt').read_text()[-3000:]}"
        )
    foreign = (busy_seconds() - before[0]) - (own_seconds() - before[1])
    return Run(seconds, max(foreign, 0.0) / seconds)
