"""How things stand: which recordings are done, at work, waiting or failed; when all is done; what it takes of disk."""

import fcntl
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poseflow.core.files import read_json
from poseflow.runs.disk import measure_files, scan_folder
from poseflow.runs.places import ANY, Places
from poseflow.runs.plan import Plan
from poseflow.runs.summary import read_reason

DAY_S = 86400
SAMPLED = 100
"""So many recordings, spread over all, tell how long the recordings that are done are."""
PER_RECORDING = ("index", "predictions", "tracks", "poses", "review", "overlays", "suggestions")
"""What grows with the recordings."""


@dataclass(frozen=True)
class Failure:
    """What keeps a video from being done."""

    video: str
    rule: str
    reason: str
    log: Path


@dataclass(frozen=True)
class Status:
    """Videos by how far they are, and what the results take."""

    is_running: bool
    """A run is at work."""
    done: Sequence[str]
    running: Sequence[str]
    waiting: Sequence[str]
    failed: Sequence[Failure]
    seconds_left: float | None
    """Until all is predicted, by the speed since the run began; None where that is not known."""
    sizes: Mapping[str, int]
    """Bytes by folder of the results."""
    day_bytes: float | None
    """What a day of recording with one camera comes to, by those that are done."""


def find_status(plan: Plan, places: Places, now: float) -> Status:
    """Look what there is. Opens no table and no video.

    Args:
        now: seconds since 1970.
    """
    made = _Made.list(plan, places)
    began = _find_begin(places.lock)
    groups: dict[str, list[str]] = {name: [] for name in ("done", "running", "waiting")}
    failed = []
    for video in plan.videos:
        failure, is_started = _look_at(video, plan, places, made, began)
        if failure is not None:
            failed.append(failure)
        elif video in made.poses:
            groups["done"].append(video)
        else:
            groups["running" if is_started else "waiting"].append(video)
    left = None if began is None else _predict_end(plan, made, began, now)
    sizes = _measure(places.results)
    day = _measure_day(groups["done"], places, sizes)
    done, running, waiting = groups["done"], groups["running"], groups["waiting"]
    return Status(began is not None, done, running, waiting, failed, left, sizes, day)


@dataclass(frozen=True)
class _Made:
    """What there is: when each video's pose table was made, and each shard."""

    poses: Mapping[str, float]
    shards: Mapping[str, Mapping[str, float]]

    @classmethod
    def list(cls, plan: Plan, places: Places) -> "_Made":
        tables = {video: _time_of(places.pose_table(of, video)) for video, of in plan.recording_of.items()}
        poses = {video: time for video, time in tables.items() if time is not None}
        shards: dict[str, dict[str, float]] = defaultdict(dict)
        for video in plan.videos:
            suffix = places.shard(video, ANY).suffix
            for entry in scan_folder(places.predictions(video)):
                if entry.name.endswith(suffix):
                    shards[video][entry.name.removesuffix(suffix)] = entry.stat().st_mtime
        return cls(poses, shards)


def _time_of(path: Path) -> float | None:
    """When a file was written; None where there is none."""
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - thousands
    except OSError:
        return None


def _find_begin(lock: Path) -> float | None:
    """When the run began that is at work; None where none is."""
    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return lock.stat().st_mtime
    except OSError:  # no lock, or a file system without
        return None


def _look_at(video: str, plan: Plan, places: Places, made: _Made, began: float | None) -> tuple[Failure | None, bool]:
    """Why a video's next step failed, if it did; and whether a job of this run is at it.

    What a video lacks that has its table needs no step, as expired predictions; unless a step was tried since.
    """
    source = plan.sources.get(video)
    index = "index" if source is None or source.has_video else "index_predictions"
    predict = "predict" if source is None else "import_predictions"
    recording = plan.recording_of[video]
    missing = [shard for shard in plan.shards[video] if shard not in made.shards.get(video, {})]
    if not places.index(video).exists():
        logs = [(index, places.log(index, video))]
    elif missing:
        logs = [(predict, places.log(predict, video, shard)) for shard in missing]
    elif not places.tracks(recording).exists():
        logs = [("track", places.log("track", recording))]
    else:
        logs = [("assemble", places.log("assemble", recording, video))]
    is_started = False
    for rule, log in logs:
        time = _time_of(log)
        if time is None or time < made.poses.get(video, 0.0):
            continue
        if reason := read_reason(log):
            return Failure(video, rule, reason, log), False
        is_started |= began is not None and time >= began
    return None, is_started


def _predict_end(plan: Plan, made: _Made, began: float, now: float) -> float | None:
    times = [made.shards.get(video, {}).get(shard, 0.0) for video, names in plan.shards.items() for shard in names]
    fresh = sum(time >= began for time in times)
    return (now - began) / fresh * times.count(0.0) if fresh else None


def _measure(results: Path) -> dict[str, int]:
    """Bytes in each folder of the results; a file with two names counts once."""
    sizes: dict[str, int] = {}
    seen: set[tuple[int, int]] = set()
    for top in scan_folder(results):
        if top.is_dir(follow_symlinks=False):
            sizes[top.name] = measure_files([Path(top.path)], seen)
    return {name: size for name, size in sorted(sizes.items(), key=lambda item: -item[1]) if size}


def _measure_day(done: Sequence[str], places: Places, sizes: Mapping[str, int]) -> float | None:
    chosen = done[:: max(1, len(done) // SAMPLED)]
    seconds = [length for video in chosen if (length := _length_s(places.index(video)))]
    if not seconds:
        return None
    total_s = sum(seconds) / len(chosen) * len(done)
    return sum(sizes.get(name, 0) for name in PER_RECORDING) / total_s * DAY_S


def _length_s(index: Path) -> float:
    """How long a recording is, in seconds; 0 where its index does not say."""
    try:
        known = read_json(index)
        return float(known["frames"] / known["fps"])
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0.0
