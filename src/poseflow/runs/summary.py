"""What a run did and what it did not, short enough for a telephone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

from poseflow.core.files import read_json, replacing
from poseflow.core.wording import count_of
from poseflow.runs.names import show_path
from poseflow.runs.places import ANY, Places
from poseflow.runs.promotion import describe_decision, read_history

MAX_LISTED = 20
LOG_LINES = 40
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:1em auto;max-width:40em;padding:0 1em;overflow-wrap:anywhere}"
    "h1{font-size:1.2em}li{margin:.3em 0}"
)


_ERROR = re.compile(r"(rror|Exception|Interrupt|Exit)(: |$)")
_ORDER = ("index", "predict", "track", "assemble")
"""Steps on the way to a pose table."""


@dataclass(frozen=True)
class FailedStep:
    """A job that failed for good."""

    rule: str
    videos: Sequence[str] = ()
    """Whose it is; none: it is one for all."""
    log: Path | None = None

    @property
    def reason(self) -> str:
        """What its log says, and which that is, to be added to a sentence."""
        error = read_reason(self.log) if self.log else None
        return f"{f': {error}' if error else ''}{f' ({self.log})' if self.log else ''}"


@dataclass(frozen=True)
class RunInputs:
    """Where to look."""

    results: Path
    logs: Path
    began: datetime
    poses: Mapping[str, Path]
    """Pose table of each recording, there or not."""
    shards: Mapping[str, Sequence[str]]
    """Names of each recording's shards."""
    suggestions: Mapping[str, Path] = field(default_factory=dict)
    """Frames of each recording that were proposed for labeling, there or not."""
    warnings: Sequence[str] = ()
    """What the plan left out or set aside, a line each."""
    failed: Sequence[FailedStep] = ()

    @property
    def places(self) -> Places:
        """Where everything lies."""
        return Places(self.results, self.logs)


@dataclass(frozen=True)
class RunSummary:
    """A heading and what to know, each a sentence."""

    heading: str
    lines: Sequence[str]


def find_missing(inputs: RunInputs) -> dict[str, list[str]]:
    """Recordings without a pose table, and the shards that they lack."""
    lacking = [video for video, path in inputs.poses.items() if not path.exists()]
    return {
        video: [shard for shard in inputs.shards[video] if not inputs.places.shard(video, shard).exists()]
        for video in lacking
    }


def tell_failures(inputs: RunInputs) -> list[str]:
    """What failed and what is missing for it, a sentence each, with the reason and the log.

    A step that failed for all, `train` say, is told once, with the recordings that wait for it.
    """
    missing = find_missing(inputs)
    causes: dict[str, FailedStep] = {}
    for step in sorted(inputs.failed, key=lambda step: step.rule not in _ORDER):
        for video in step.videos:
            causes.setdefault(video, step)
    told = [step for step in inputs.failed if not missing.keys() & set(step.videos)]
    is_shared = any(not step.videos for step in inputs.failed)
    waiting = [video for video in missing if video not in causes] if is_shared else []
    lines = [_say_failed(step) for step in told]
    if waiting:
        lines.append(f"{count_of(len(waiting), 'recording')} waiting for that: {', '.join(_shorten(waiting))}")
    left = {video: shards for video, shards in missing.items() if video not in waiting}
    return lines + [say_missing(video, shards, inputs.places, causes.get(video)) for video, shards in left.items()]


def say_missing(video: str, shards: Sequence[str], places: Places, cause: FailedStep | None = None) -> str:
    """What is missing of a recording, and why: as the step says that failed, or as far as a log says."""
    is_shard = bool(shards) and (cause is None or cause.rule == "predict")
    if not is_shard:
        return f"{video}: the pose table is missing{cause.reason if cause else ''}"
    first = places.log("predict", video, shards[0])
    what = f"shard {shards[0]}" if len(shards) == 1 else f"{len(shards)} shards, from {shards[0]} on,"
    return f"{video}: {what} missing{cause.reason if cause else FailedStep('predict', log=first).reason}"


def _tell_accuracy(inputs: RunInputs) -> list[str]:
    """How accurate the releases are that were measured in the run, and what of it needs a look."""
    from poseflow.evaluation import find_concerns, say_accuracy

    lines = []
    for path in inputs.places.find(inputs.places.metrics(ANY, ANY)):
        metrics = read_json(path) if _is_new(path, inputs.began) else {}
        if metrics.get("animals"):
            lines.append(f"release {path.parent.name}: {say_accuracy(metrics)}")
            lines += [concern.removesuffix(".") for concern in find_concerns(metrics)]
    return _shorten(lines)


def _say_failed(step: FailedStep) -> str:
    of = f"{', '.join(_shorten(list(step.videos)))}: " if step.videos else ""
    return f"{of}{step.rule} failed{step.reason}"


def read_reason(log: Path) -> str | None:
    """The last error that a log tells of; None where it breaks off without one, as when the job was killed."""
    if not log.exists():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    errors = [line.strip() for line in lines if _ERROR.search(line)]
    return errors[-1] if errors else None


def summarize_run(inputs: RunInputs, now: datetime) -> RunSummary:
    """Tell of a run that began at `inputs.began` and has ended."""
    from poseflow.media import read_index
    from poseflow.tables import read_pose_metadata  # Arrow is not needed to plan

    missing = find_missing(inputs)
    new = [path for path in inputs.poses.values() if _is_new(path, inputs.began)]
    done = [count for count in (read_pose_metadata(path)["frames"] for path in new) if count]  # none: unreadable
    indexes = [inputs.places.index(video) for video in inputs.poses]
    indexed = [path for path in indexes if _is_new(path, inputs.began)]
    unreadable = {path.stem: index for path in indexed if not (index := read_index(path)).is_ok}
    broken = [f"{show_path(Path(index.path).name)} cannot be read: {index.reason}" for index in unreadable.values()]
    faulty = [
        f"{path.stem}: {'; '.join(index.problems)}"
        for path in indexed
        if path.stem not in unreadable and (index := read_index(path)).problems
    ]
    readable = [path for video, path in inputs.suggestions.items() if video not in unreadable]
    proposed = [path for path in readable if _is_new(path, inputs.began)]
    decided = [one for one in read_history(inputs.places.history) if one.time >= inputs.began]
    hours, minutes = divmod(int((now - inputs.began).total_seconds()) // 60, 60)
    lines = [
        f"{count_of(len(done), 'recording')} done, {count_of(sum(done), 'frame')}, in {hours} h {minutes:02d} min",
        *(describe_decision(decision) for decision in decided),
        *_tell_accuracy(inputs),
        *_shorten(tell_failures(inputs)),
        *_shorten(broken),
        *_shorten(faulty),
        *_shorten(list(inputs.warnings)),
        *([f"frames to label: {count_of(len(proposed), 'file')} in {proposed[0].parent}"] if proposed else []),
        f"more: {inputs.places.report}",
    ]
    failed = f"{count_of(len(inputs.failed), 'step')} failed" if inputs.failed else "all done"
    state = f"{count_of(len(missing), 'recording')} missing" if missing else failed
    return RunSummary(f"poseflow, {now:%a %d %b %H:%M}: {state}", lines)


def write_summary(summary: RunSummary, places: Places) -> None:
    """Write the summary as text and as a page."""
    text = "\n".join([summary.heading, *(f"- {line}" for line in summary.lines)]) + "\n"
    items = "".join(f"<li>{escape(line)}</li>" for line in summary.lines)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(summary.heading)}</title><style>{STYLE}</style>"
        f"<h1>{escape(summary.heading)}</h1><ul>{items}</ul></html>\n"
    )
    for path, content in ((places.summary, text), (places.summary_page, page)):
        with replacing(path) as temporary:
            temporary.write_text(content, encoding="utf-8")


def _is_new(path: Path, began: datetime) -> bool:
    return path.exists() and path.stat().st_mtime >= began.timestamp()


def _shorten(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MAX_LISTED else [*lines[:MAX_LISTED], f"and {len(lines) - MAX_LISTED} more"]
