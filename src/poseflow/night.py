"""What a run did and what it did not, short enough for a telephone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

from poseflow.files import replacing
from poseflow.promotion import describe_decision, read_history

MAX_LISTED = 20
LOG_LINES = 40
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:1em auto;max-width:40em;padding:0 1em;overflow-wrap:anywhere}"
    "h1{font-size:1.2em}li{margin:.3em 0}"
)


@dataclass(frozen=True)
class NightInputs:
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


@dataclass(frozen=True)
class Night:
    """A heading and what to know, each a sentence."""

    heading: str
    lines: Sequence[str]


def find_missing(inputs: NightInputs) -> dict[str, list[str]]:
    """Recordings without a pose table, and the shards that they lack."""
    lacking = [video for video, path in inputs.poses.items() if not path.exists()]
    folder = inputs.results / "predictions"
    return {
        video: [shard for shard in inputs.shards[video] if not (folder / video / f"{shard}.parquet").exists()]
        for video in lacking
    }


def say_missing(video: str, shards: Sequence[str], logs: Path) -> str:
    """What is missing of a recording, and why, as far as a log says."""
    if not shards:
        return f"{video}: the pose table is missing"
    first = logs / "predict" / video / f"{shards[0]}.log"
    what = f"shard {shards[0]}" if len(shards) == 1 else f"{len(shards)} shards, from {shards[0]} on,"
    reason = read_reason(first)
    return f"{video}: {what} missing{f': {reason}' if reason else ''} ({first})"


def read_reason(log: Path) -> str | None:
    """The last error that a log tells of; None where it breaks off without one, as when the job was killed."""
    if not log.exists():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    said = [line.strip() for line in lines if "rror: " in line]
    return said[-1] if said else None


def describe_night(inputs: NightInputs, now: datetime) -> Night:
    """Tell of a run that began at `inputs.began` and has ended."""
    from poseflow.media import read_index
    from poseflow.tables import read_pose_metadata  # Arrow is not needed to plan

    missing = find_missing(inputs)
    new = [path for path in inputs.poses.values() if _is_new(path, inputs.began)]
    done = [count for count in (read_pose_metadata(path)["frames"] for path in new) if count]  # none: unreadable
    indexed = [path for path in sorted(inputs.results.glob("index/*.json")) if _is_new(path, inputs.began)]
    unreadable = {path.stem: index for path in indexed if not (index := read_index(path)).is_ok}
    broken = [f"{Path(index.path).name} cannot be read: {index.reason}" for index in unreadable.values()]
    readable = [path for video, path in inputs.suggestions.items() if video not in unreadable]
    proposed = [path for path in readable if _is_new(path, inputs.began)]
    decided = [one for one in read_history(inputs.results / "promotion/history.json") if one.time >= inputs.began]
    hours, minutes = divmod(int((now - inputs.began).total_seconds()) // 60, 60)
    lines = [
        f"{len(done)} recordings done, {sum(done):,} frames, in {hours} h {minutes:02d} min",
        *(describe_decision(decision) for decision in decided),
        *_shorten([say_missing(video, shards, inputs.logs) for video, shards in missing.items()]),
        *_shorten(broken),
        *_shorten(list(inputs.warnings)),
        *([f"frames to label: {len(proposed)} files in {proposed[0].parent}"] if proposed else []),
        f"more: {inputs.results / 'report.html'}",
    ]
    state = f"{len(missing)} recordings are missing" if missing else "all done"
    return Night(f"poseflow, {now:%a %d %b %H:%M}: {state}", lines)


def write_night(night: Night, folder: Path) -> None:
    """Write summary.txt and summary.html into a folder."""
    text = "\n".join([night.heading, *(f"- {line}" for line in night.lines)]) + "\n"
    items = "".join(f"<li>{escape(line)}</li>" for line in night.lines)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(night.heading)}</title><style>{STYLE}</style>"
        f"<h1>{escape(night.heading)}</h1><ul>{items}</ul></html>\n"
    )
    for name, content in (("summary.txt", text), ("summary.html", page)):
        with replacing(folder / name) as beside:
            beside.write_text(content, encoding="utf-8")


def _is_new(path: Path, began: datetime) -> bool:
    return path.exists() and path.stat().st_mtime >= began.timestamp()


def _shorten(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MAX_LISTED else [*lines[:MAX_LISTED], f"and {len(lines) - MAX_LISTED} more"]
