"""Whether this machine and this folder are fit for a run: one line for each thing, and which of them are not."""

import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from poseflow.cluster.executor import list_unknown_versions
from poseflow.core.processors import list_gpus
from poseflow.core.programs import ask_program

PACKAGES = ("poseflow", "snakemake", "keras", "av")
LEAST_FREE_BYTES = 20e9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    said: str
    is_well: bool = True


def examine(folder: Path) -> Iterator[Finding]:
    """Look at environment, GPU, file system and SLURM.

    Args:
        folder: in which results are, or will be.
    """
    yield from _examine_environment()
    yield _examine_gpu()
    yield from _examine_disk(folder)
    yield from _examine_slurm()


def _examine_environment() -> Iterator[Finding]:
    is_known = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Finding("Python", f"{sys.version.split()[0]}, {sys.executable}", is_known)
    for name in PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "is not installed", is_well=False)
    backends = [name for name in ("tensorflow", "jax") if find_spec(name)]
    said = " or ".join(backends) or "nothing: neither tensorflow nor jax is installed"
    yield Finding("networks run on", said, bool(backends))
    for sentence in list_unknown_versions():
        yield Finding("versions", sentence, is_well=False)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("processor", f"{cores} cores for this process")


def _examine_gpu() -> Finding:
    seen = "; ".join(list_gpus())
    return Finding("GPU", seen or "none is seen here; networks run on the processor, many times slower")


def _examine_disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    yield Finding("space", f"{free / 1e9:.0f} GB free in {there}", free >= LEAST_FREE_BYTES)
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=".doctor-") as name:
            yield from _try_files(Path(name))
    except OSError as error:
        yield Finding("folder", f"{there} must be writable, got {error.strerror}", is_well=False)


def _try_files(folder: Path) -> Iterator[Finding]:
    file = folder / "file"
    file.touch()
    try:
        os.link(file, folder / "link")
        yield Finding("hard links", "work")
    except OSError as error:
        yield Finding("hard links", f"do not work ({error.strerror}): copies take their place, and more disk", False)
    try:
        (folder / "symlink").symlink_to(file)
        yield Finding("links", "work")
    except OSError as error:
        yield Finding("links", f"do not work ({error.strerror})", is_well=False)
    try:
        with file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Finding("locks", "work")
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, str(error))
        yield Finding("locks", f"do not work ({why}): see that only one run works on these results", is_well=False)


def _examine_slurm() -> Iterator[Finding]:
    partitions = ask_program("sinfo", "--noheader", "--format=%P|%a|%l|%D|%c|%m|%G")
    if partitions is None:
        yield Finding("SLURM", "is not reached from here")
        return
    for line in partitions.splitlines():
        name, state, limit, nodes, cores, memory, gpus = (part.strip() for part in line.split("|", 6))
        said = f"{state}, {nodes} nodes of {cores} cores and {memory} MB, GPUs: {gpus}, at most {limit}"
        yield Finding(f"partition {name}", said, state == "up")
    is_kept = ask_program("sacct", "--noheader", "--parsable2", "--format=JobID", "--starttime=now-1hour") is not None
    told = "is on" if is_kept else "is off: set slurm-status-command: squeue in the profile"
    yield Finding("accounting", told, is_kept)
    arrays = ask_program("scontrol", "show", "config") or ""
    for line in arrays.splitlines():
        if line.startswith(("MaxArraySize", "MaxJobCount", "PreemptMode")):
            key, _, value = line.partition("=")
            yield Finding(key.strip(), value.strip())
