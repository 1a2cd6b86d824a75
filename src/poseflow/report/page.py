"""The report: one HTML file that needs no other, for people who were not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from poseflow.config import ReportConfig
from poseflow.core.files import read_json, replacing
from poseflow.core.wording import count_of
from poseflow.report.accuracy import AccuracyStory, read_accuracy_story
from poseflow.report.comparison import ComparisonStory, read_comparison_story
from poseflow.report.concerns import list_concerns
from poseflow.report.experiments import ExperimentStory, read_experiment_story
from poseflow.report.grid import Grid, count, duration, number
from poseflow.report.inputs import ReportInputs
from poseflow.report.labels import SIDES, DatasetStory, read_dataset_story
from poseflow.report.models import ModelStory, read_model_story
from poseflow.report.motion import draw_motion, read_motion
from poseflow.report.recordings import MAX_LISTED, Recording, read_recordings
from poseflow.report.review_items import ListedItem, read_review_items, tabulate_review_items
from poseflow.report.speed import PredictionTimes, draw_prediction_times, read_prediction_times
from poseflow.report.style import Picture
from poseflow.report.timelines import draw_timeline
from poseflow.report.tracks import tabulate_tracking, tabulate_tracks
from poseflow.runs.promotion import describe_decision, read_history
from poseflow.runs.releases import TriedRuntime

HERE = Path(__file__).parent
PACKAGES = ("av", "numpy", "opencv-python-headless", "pyarrow", "sleap-io")
"""Those whose version can change what the tables hold, beside the networks'."""


@dataclass(frozen=True)
class Tile:
    """One of the figures at the top."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Story:
    """All that the page tells."""

    recordings: list[Recording]
    dataset: DatasetStory | None
    models: list[ModelStory]
    accuracy: AccuracyStory | None
    comparison: ComparisonStory | None
    experiments: list[ExperimentStory]
    tracking: dict[str, dict[str, Any]]
    review_items: dict[str, list[ListedItem]]
    times: PredictionTimes | None
    release: dict[str, Any]


def write_report(inputs: ReportInputs, config: ReportConfig, path: str | Path, now: datetime | None = None) -> None:
    """Write the report as one self-contained HTML file, atomically.

    Pose tables are read column by column: memory grows with some bytes per frame of the longest video.

    Args:
        inputs: files; what is not given is left out.
        now: what the report says it was written at.

    Raises: VideoError, TableError, ModelError or LabelsError naming a file that is damaged.
    """
    story = _read_story(inputs, config)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("report.html").render(
        _context(story, inputs, config, now or datetime.now().astimezone()),
        css=(HERE / "report.css").read_text(encoding="utf-8"),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read_story(inputs: ReportInputs, config: ReportConfig) -> Story:
    release = read_json(inputs.release) if inputs.release else {}
    folders = inputs.models or {name: Path(folder) for name, folder in release.get("models", {}).items()}
    return Story(
        recordings=read_recordings(inputs.indexes, inputs.poses, inputs.benchmarks),
        dataset=read_dataset_story(inputs.dataset) if inputs.dataset else None,
        models=[read_model_story(name, folder) for name, folder in folders.items()],
        accuracy=read_accuracy_story(inputs.evaluation) if inputs.evaluation else None,
        comparison=read_comparison_story(inputs.comparison) if inputs.comparison else None,
        experiments=[read_experiment_story(name, table) for name, table in inputs.experiments.items()],
        tracking={video: read_json(path) for video, path in sorted(inputs.tracking.items())},
        review_items=read_review_items(inputs.reviews),
        times=read_prediction_times(inputs.profiles),
        release=release,
    )


def _context(story: Story, inputs: ReportInputs, config: ReportConfig, now: datetime) -> dict[str, Any]:
    tracked = [recording for recording in story.recordings if recording.timeline]
    with_tracks = [recording for recording in tracked if recording.timeline and recording.timeline.tracks]
    drawn = sorted(with_tracks, key=_tracks_per_animal, reverse=True)[: config.max_timelines]
    drawn = [recording for recording in tracked if recording in drawn]
    speed = _tabulate_speed(story)
    parts = {
        "recordings": ("Recordings", story.recordings),
        "labels": ("Labels", story.dataset),
        "training": ("Training", story.models),
        "accuracy": ("Accuracy", story.accuracy),
        "comparison": ("Comparison", story.comparison),
        "experiments": ("Experiments", story.experiments),
        "tracks": ("Tracks", tracked),
        "speed": ("Speed", speed or story.times),
        "origin": ("How this was made", True),
    }
    return {
        "title": config.title,
        "version": version("poseflow"),
        "lead": _lead(story, now),
        "sections": [(name, words) for name, (words, content) in parts.items() if content],
        "tiles": _list_tiles(story),
        "warnings": [
            *(f"{said}." for said in inputs.missing),
            *_find_undecided(inputs),
            *list_concerns(story.recordings, story.accuracy),
        ],
        "recordings": _tabulate_recordings(story.recordings) if story.recordings else None,
        "dataset": _tabulate_dataset(story.dataset) if story.dataset else None,
        "nodes": story.dataset.skeleton.nodes if story.dataset else (),
        "models": story.models,
        "accuracy": story.accuracy,
        "comparison": story.comparison,
        "experiments": story.experiments,
        "tracks": tabulate_tracks(tracked) if tracked else None,
        "tracking": tabulate_tracking(story.tracking) if story.tracking else None,
        "review_items": tabulate_review_items(story.review_items, {one.video: one.index.frames for one in tracked}),
        "timelines": [picture for one in drawn for picture in _draw_recording(one, story)],
        "timelines_left_out": _say_left_out(len(drawn), len(with_tracks)),
        "speed": speed,
        "times": draw_prediction_times(story.times) if story.times else None,
        "origin": _list_origin(story),
        "config": yaml.safe_dump(dict(inputs.config), sort_keys=False, allow_unicode=True) if inputs.config else "",
        "footer": f"Written by poseflow {version('poseflow')} on {now:%Y-%m-%d at %H:%M %Z}.",
    }


def _find_undecided(inputs: ReportInputs) -> list[str]:
    """The last decision about releases, where it is left to a person."""
    history = read_history(inputs.history) if inputs.history else []
    return [f"{describe_decision(one)}." for one in history[-1:] if one.event == "incomparable"]


def _draw_recording(recording: Recording, story: Story) -> list[Picture]:
    timeline = recording.timeline
    assert timeline is not None
    assert recording.poses is not None
    switches = story.tracking.get(recording.video, {}).get("switch_frames", ())
    items = [(item.frame_idx, item.expected_errors) for item in story.review_items.get(recording.video, ())]
    return [draw_timeline(timeline, switches, items), draw_motion(read_motion(recording.poses, timeline), timeline)]


def _lead(story: Story, now: datetime) -> str:
    what = "How animals were found and followed" if story.recordings else "How well the networks find animals"
    where = f" in {count_of(len(story.recordings), 'video')}" if story.recordings else ""
    return f"{what}{where}, and how far that can be trusted. {now:%d %B %Y}."


def _list_tiles(story: Story) -> list[Tile]:
    tiles = []
    if story.recordings:
        readable = [recording for recording in story.recordings if recording.index.is_ok]
        broken = len(story.recordings) - len(readable)
        tiles += [
            Tile(
                "recordings", count(len(story.recordings)), f"{broken} could not be read" if broken else "all readable"
            ),
            Tile("frames", count(sum(recording.index.frames for recording in readable))),
            Tile("length", duration(sum(recording.seconds for recording in readable))),
        ]
    timelines = [recording.timeline for recording in story.recordings if recording.timeline]
    if timelines:
        least, most = (pick(timeline.usual for timeline in timelines) for pick in (min, max))
        animals = f"{least}" if least == most else f"{least}–{most}"
        tiles.append(Tile("animals per frame", animals, f"in {count_of(sum(t.tracks for t in timelines), 'track')}"))
    if story.accuracy:
        tiles += [Tile(*tile) for tile in story.accuracy.tiles]
    speeds = [recording.speed for recording in story.recordings if recording.speed]
    if speeds:
        rate = sum(speed.frames for speed in speeds) / max(sum(speed.seconds for speed in speeds), 1e-9)
        tiles.append(
            Tile("prediction", f"{number(rate, 0 if rate >= 20 else 1)} frames/s", "per job, start-up included")
        )
    elif story.accuracy and story.accuracy.frames_per_s:
        tiles.append(Tile("networks", f"{number(story.accuracy.frames_per_s, 0)} frames/s", "on the test frames"))
    return tiles


def _tabulate_recordings(recordings: Sequence[Recording]) -> Grid:
    listed = list(recordings)
    caption = ""
    if len(listed) > MAX_LISTED:
        wrong = [recording for recording in listed if recording.problems]
        listed = [*wrong, *(recording for recording in listed if not recording.problems)][:MAX_LISTED]
        caption = f"{len(listed)} of {len(recordings):,} videos, those with problems first."
    rows = []
    for recording in listed:
        index, problems = recording.index, "; ".join(recording.problems)
        if not index.is_ok:
            rows.append([recording.video, "–", "–", "–", "–", "–", problems])
            continue
        rate = number(index.fps, 2).rstrip("0").rstrip(".") + (" (varies)" if index.variable_fps else "")
        size = f"{index.width} × {index.height}"
        rows.append(
            [recording.video, count(index.frames), duration(recording.seconds), rate, size, index.codec or index.kind,
             problems]
        )  # fmt: skip
    return Grid(["video", "#frames", "#length", "#frames/s", "#size (px)", "format", "what is wrong"], rows, caption)


def _tabulate_dataset(dataset: DatasetStory) -> Grid:
    rows = []
    for row in [*dataset.rows, dataset.total]:
        cells = [f"{row.frames[side]:,} ({row.animals[side]:,})" if row.frames[side] else "–" for side in SIDES]
        rows.append([row.video or "all", *cells])
    columns = ["video", *(f"#{words}" for words in SIDES.values())]
    return Grid(columns, rows, "Labeled frames, and in brackets the animals in them.", has_total=True)


def _tabulate_speed(story: Story) -> list[Grid]:
    grids = []
    measured = [recording for recording in story.recordings if recording.speed][:MAX_LISTED]
    if measured:
        rows = []
        for recording in measured:
            speed = recording.speed
            assert speed is not None
            rows.append(
                [recording.video, count(speed.shards), count(speed.frames), duration(speed.seconds),
                 number(speed.frames_per_s, 1), count(speed.peak_mb)]
            )  # fmt: skip
        caption = "Prediction of each recording: reading, networks, flow and writing, with the start-up of each job."
        grids.append(
            Grid(
                ["video", "#jobs", "#frames", "#time", "#frames/s per job", "#most memory of a job (MB)"], rows, caption
            )
        )
    if story.accuracy and story.accuracy.speed:
        grids.append(story.accuracy.speed)
    return grids


def _tracks_per_animal(recording: Recording) -> float:
    timeline = recording.timeline
    return timeline.tracks / max(timeline.usual, 1) if timeline else 0.0


def _say_left_out(drawn: int, tracked: int) -> str:
    if drawn >= tracked:
        return ""
    return (
        f"Drawn are the {drawn} of {tracked:,} videos with most tracks per animal; `report.max_timelines` draws more."
    )


def _say_runtime(chosen: dict[str, Any]) -> str:
    """What runs the networks, and what else was tried when the release was made."""
    tried = [TriedRuntime.model_validate(one).describe() for one in chosen["tried"]]
    return f"{chosen['runtime']} in {chosen['precision']}. Tried were {'; '.join(tried)}"


def _list_origin(story: Story) -> dict[str, str]:
    """The release and the versions of what takes part, at training and now."""
    release = {"release": story.release["id"]} if story.release else {}
    if chosen := story.release.get("runtime"):
        release["runtime"] = _say_runtime(chosen)
    trained = {f"{name} (training)": text for model in story.models for name, text in sorted(model.versions.items())}
    now = {name: version(name) for name in PACKAGES}
    return {**release, "poseflow": version("poseflow"), "Python": python_version(), **now, **trained}
