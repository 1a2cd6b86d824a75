"""What another version of poseflow would make anew in a project, and why, told before anything runs."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from poseflow.config import BUNDLE
from poseflow.core.errors import ConfigError
from poseflow.runs.places import PLACES
from poseflow.runs.versions import find_raised, read_package_version

STEPS = {
    "index_predictions": (),
    "index": (),
    "extract": ("index", "labels"),
    "split": ("labels",),
    "train": ("split",),
    "release": ("train",),
    "evaluate": ("split", "release"),
    "promote": ("evaluate",),
    "assign": (),
    "predict": ("index",),
    "import_predictions": ("index",),
    "track": ("index", "predict", "import_predictions"),
    "assemble": ("index", "predict", "import_predictions", "track"),
    "evaluate_tracking": ("labels", "predict", "track"),
    "render": ("index", "assemble"),
    "report": ("index", "evaluate", "track", "assemble"),
}
"""The rules, in the order of a run, and those whose results each is made of; `labels` is a step of several rules.

Not `promote`, of `assign`: a recording that is done keeps its release.
"""
KEYED = {"split", "train", "release", "evaluate"}
"""Rules that write to places named after what they are made of: what is made anew is missing at its new place."""


@dataclass(frozen=True)
class PendingFile:
    """A file that a run would make."""

    rule: str
    log: str
    """Of its job, by which files of one job are known."""
    status: str
    """`missing`, or what Snakemake says has changed."""


def describe_upgrade() -> Iterator[str]:
    """Yield lines that say what the installed version would make anew in the project that one is in; nothing runs.

    Raises: ConfigError where this is no project, or its plan cannot be made.
    """
    if not Path("Snakefile").exists():
        raise ConfigError(f"upgrade must be asked in a project's folder, got {Path.cwd()}, which has no Snakefile")
    noted, raised = read_package_version(PLACES.versions), find_raised(PLACES.versions)
    yield f"poseflow {version('poseflow')}; results are of {noted or 'an unknown version'}."
    for step, (before, now) in raised.items():
        yield f"step {step}: version {' and '.join(map(str, before))} -> {now}: see CHANGELOG.md"
    if noted and not raised:
        yield "No step has another version: nothing is made anew because of the upgrade."
    yield from _tell_jobs(list_pending(), raised)
    yield from _tell_profile()


def list_pending() -> list[PendingFile]:
    """Files that a run would make, by Snakemake's own summary; raises ConfigError where that cannot be had."""
    command = [sys.executable, "-m", "snakemake", "--summary"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("Using ")]
        raise ConfigError(f"the project's plan must be sound, got: {' '.join(lines[:5])}")
    return read_summary(done.stdout.splitlines())


def read_summary(lines: Iterable[str]) -> list[PendingFile]:
    """Pending files of the table that `snakemake --summary` prints."""
    rows = [line.split("\t") for line in lines]
    begin = next((number for number, row in enumerate(rows) if row[0] == "output_file"), None)
    if begin is None:
        return []
    names = rows[begin]
    cells = [dict(zip(names, row, strict=True)) for row in rows[begin + 1 :] if len(row) == len(names)]
    pending = [cell for cell in cells if cell["plan"] == "update pending"]
    return [PendingFile(cell["rule"], cell["log-file(s)"], cell["status"]) for cell in pending]


def _tell_jobs(pending: Iterable[PendingFile], raised: Mapping[str, object]) -> Iterator[str]:
    jobs: dict[tuple[str, str], set[str]] = {}
    for file in pending:
        jobs.setdefault((file.rule, file.log), set()).add(file.status)
    counts = Counter((rule, _explain(rule, status, raised)) for (rule, _), status in jobs.items())
    if not counts:
        yield "Nothing is to be done."
        return
    yield "A run would do:"
    order = {rule: place for place, rule in enumerate(STEPS)}
    for (rule, why), number in sorted(counts.items(), key=lambda item: (order.get(item[0][0], -1), item[0][1])):
        yield f"  {rule:18} {number:6,}  {why}"


def _explain(rule: str, status: set[str], raised: Mapping[str, object]) -> str:
    if status == {"missing"} and rule not in KEYED:
        return "not made yet"
    if rule in raised:
        return "another version of the step"
    if causes := sorted(_causes(rule) & raised.keys(), key=[*STEPS, "labels"].index):
        return f"since {', '.join(causes)} {'has' if len(causes) == 1 else 'have'} another version"
    if status == {"missing"}:
        return "not made yet"
    return "; ".join(sorted(status - {"missing", "ok"})) or "inputs are made anew"


def _causes(rule: str) -> set[str]:
    """All steps whose results a rule's are made of, directly or not."""
    return {cause for step in STEPS.get(rule, ()) for cause in {step, *_causes(step)}}


def _tell_profile() -> Iterator[str]:
    own, packaged = Path("profiles/default/config.yaml"), BUNDLE / "profiles/default/config.yaml"
    if own.exists() and own.read_bytes() != packaged.read_bytes():
        yield f"{own} is not that of this version, which says when jobs run again: compare it with {packaged.resolve()}"
