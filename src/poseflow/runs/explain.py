"""How a table, and the rows of one of its frames, came about, in plain sentences."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from poseflow.config import PredictConfig, ReviewConfig, Section, TrackingConfig
from poseflow.core.errors import TableError
from poseflow.runs.places import ANY, Places
from poseflow.tables import Tracks, find_rows, open_table, read_frame, read_instances, read_tracks

SECTIONS: Mapping[str, type[Section]] = {"predict": PredictConfig, "tracking": TrackingConfig, "review": ReviewConfig}
WORDS = {
    "predict": "Points and scores",
    "import_predictions": "Points and scores",
    "track": "Tracks and names",
    "assemble": "The table",
    "live": "All of it, live",
}


@dataclass(frozen=True)
class Sources:
    """Files that a pose table's rows came from; what is not there is left out of the explanation."""

    predictions: Sequence[Path] = ()
    tracks: Path | None = None
    review: Path | None = None

    @classmethod
    def beside(cls, path: Path) -> "Sources":
        """Those of `results/poses/{recording}/{video}.parquet`, where the workflow has them."""
        places, recording, video = Places.around(path), path.absolute().parent.name, path.stem
        tracks, review = places.tracks(recording), places.review_list(recording)
        return cls(
            places.find(places.shard(video, ANY)),
            tracks if tracks.is_file() else None,
            review if review.is_file() else None,
        )


def explain_table(path: str | Path, with_settings: bool = False) -> list[str]:
    """Say what a table of predictions, tracks or poses was made from, by what, and with which settings.

    Args:
        with_settings: print all settings, defaults included.

    Raises: TableError for a file that is none.
    """
    path = Path(path)
    with open_table(path, None) as (file, whole):
        rows = file.metadata.num_rows
    if whole.get("table") not in ("predictions", "tracks", "poses"):
        raise TableError(f"{path} must be a table of predictions, tracks or poses, got one of {whole.get('table')}")
    note = {**whole.get("metadata", {}), **whole}
    return [
        f"{path}: {_kind(note)}, {rows:,} rows.",
        *_explain_frames(note),
        *_explain_steps(note.get("made_by", {}), note),
        *_explain_settings(note.get("config", {}), with_settings),
    ]


def explain_frame(path: str | Path, frame: int, sources: Sources | None = None) -> list[str]:
    """Say how each row of a pose table's frame came about: its prediction, its track and its name.

    Args:
        sources: of the rows; by default the files that lie where the workflow has them.

    Raises: TableError for another table, or a damaged one.
    """
    path = Path(path)
    with open_table(path, "poses") as (_, note):
        rows = read_frame(path, frame).to_pylist()
    sources = sources or Sources.beside(path)
    said = [_explain_what_was_seen(note, frame, rows)]
    if not rows:
        return said
    tracks = read_tracks(sources.tracks, note["video"]) if sources.tracks else None
    places = _find_places(sources.predictions, frame)
    for row in rows:
        said += [f"- {_name(row)}: {_explain_points(row, note['skeleton']['nodes'])}"]
        if tracks is not None:
            added = [one for one in tracks.metadata.get("added", ()) if one["video"] == note["video"]]
            claims = [one["claim"] for one in added if (one["frame"], one["track"]) == (frame, row["track"])]
            said += [f"  A person added this animal: {claim}." for claim in claims]
            own = np.flatnonzero((tracks.frame_idx == frame) & (tracks.track == row["track"]))
            said += [f"  {line}" for place in own for line in _explain_track(tracks, int(place), row, places, note)]
        said += [f"  {line}" for line in _explain_review(sources.review, note["video"], frame, row["track"])]
    missing = [name for name in ("tracks", "predictions") if not getattr(sources, name)]
    if missing:
        said.append(f"More could be said with its {' and '.join(missing)}: name them, or lay them where runs do.")
    return said


def _kind(note: Mapping[str, Any]) -> str:
    if note["table"] == "poses":
        return f"poses of the video {note['video']}, part of the recording {note['recording']}"
    if note["table"] == "tracks":
        return f"tracks of the videos {', '.join(video['video'] or '(unnamed)' for video in note.get('videos', []))}"
    return f"predictions of {note.get('video')}"


def _explain_frames(note: Mapping[str, Any]) -> Iterator[str]:
    if note.get("status", "ok") != "ok":
        yield f"The recording is quarantined: {note.get('reason')}."
    ranges = note.get("frames_read", note.get("frames"))
    if isinstance(ranges, list):
        read = sum(stop - start for start, stop in ranges)
        yield f"{read:,} frames were read, {len(note.get('failed_frames', [])):,} of them could not be decoded."
    yield from (f"The recording {problem}." for problem in note.get("problems", []))
    if note["table"] == "poses":
        size, fps, scale = note["image_size"], note["fps"], note["pixels_per_mm"]
        yield (
            f"Images of {size['width']} x {size['height']} px; {f'{fps:g} frames per s' if fps else 'no times'}; "
            f"{f'{scale:g} px per mm' if scale else 'no scale'}; "
            f"{'began ' + note['start'] if note['start'] else 'when it began is not known'}."
        )


def _explain_steps(steps: Mapping[str, Any], note: Mapping[str, Any]) -> Iterator[str]:
    for step, made in sorted(steps.items(), key=lambda step: [*WORDS, step[0]].index(step[0])):
        commit = f", commit {_listed(made['commit'])}" if made.get("commit") else ""
        step_version = f", version {_listed(made['step_version'])}" if "step_version" in made else ""
        yield (
            f"{WORDS.get(step, step)}: step {step}{step_version}, of poseflow "
            f"{_listed(made['package_version'])}{commit}."
        )
        inputs = made.get("inputs", {})
        if isinstance(inputs, list):  # shards that were made from different inputs
            yield f"  Shards were made from different inputs: {inputs}."
            continue
        if source := inputs.get("source"):
            yield f"  Source: {source}."
        if recording := inputs.get("recording"):
            yield f"  Recording: {recording['file']}, fingerprint {recording['fingerprint']}."
        if step == "import_predictions":
            version = f" {inputs['tool_version']}" if inputs.get("tool_version") else ""
            yield f"  Predicted by {inputs['tool']}{version}: {inputs['file']}, hash {inputs['hash'][:12]}."
            yield f"  Left out: {', '.join(inputs['left_out']) or 'nothing'}."
        if step == "predict" and note.get("release"):
            yield f"  Release: {note['release']}."
        for name, model in inputs.get("models", {}).items():
            yield f"  Model {name}: {model['folder']}, weights {(model['weights'] or 'unknown')[:12]}."
        if step == "predict":
            yield f"  Labels it was trained on: {inputs.get('labels') or 'not known; the models were given'}."
        for video, key in inputs.get("predictions", {}).items():
            yield f"  Predictions{f' of {video}' if video else ''}: {key or 'given as files'}."
        for name, digest in inputs.get("corrections", {}).items():
            yield f"  Corrections: {name}, {digest[:12]}."
    if not steps:
        yield "It does not say what it was made by."


def _explain_settings(config: Mapping[str, Any], whole: bool) -> Iterator[str]:
    if whole:
        yield yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).rstrip()
        return
    for name, values in config.items():
        try:
            changed = SECTIONS[name].model_validate(values).model_dump(mode="json", exclude_defaults=True)
        except (KeyError, ValidationError):  # of another version, or another program: its defaults are not known here
            yield f"Settings {name}: {yaml.safe_dump(values, default_flow_style=True, width=10_000).strip()}."
            continue
        text = yaml.safe_dump(changed, default_flow_style=True, width=1000, allow_unicode=True).strip()[1:-1]
        yield f"Settings {name}: {text + '; all others' if changed else 'all'} as by default."


def _listed(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _explain_what_was_seen(note: Mapping[str, Any], frame: int, rows: Sequence[Mapping[str, Any]]) -> str:
    file = note.get("made_by", {}).get("predict", {}).get("inputs", {})
    where = f" of {file['recording']['file']}" if isinstance(file, dict) and "recording" in file else ""
    if not any(start <= frame < stop for start, stop in note["frames_read"]):
        return f"Frame {frame}{where} was not read; read were {note['frames_read']}."
    if frame in note["failed_frames"]:
        return f"Frame {frame}{where} could not be decoded."
    if not rows:
        return f"Frame {frame}{where}: no animal was found, or none that belongs to a track."
    first = rows[0]
    is_doubtful = any(start <= frame < stop for start, stop in note["doubtful_frames"])
    doubt = " It may show what was never there: data before it is lost." if is_doubtful else ""
    time = f", {first['time_s']:.3f} s from the start" if first["time_s"] is not None else ""
    stamp = f" ({first['timestamp'].isoformat()})" if first["timestamp"] is not None else ""
    return f"Frame {frame}{where}{time}{stamp}: {len(rows)} animal{'s' * (len(rows) > 1)}.{doubt}"


def _name(row: Mapping[str, Any]) -> str:
    if row["identity"] is None:
        return f"track {row['track']}, without a name"
    return f"track {row['track']}, named {row['identity']} (probability {row['identity_score']:.3f})"


def _explain_points(row: Mapping[str, Any], nodes: Sequence[str]) -> str:
    seen = [node for node in nodes if row[f"{node}.x"] is not None]
    points = [f"{node} ({row[f'{node}.x']:.1f}, {row[f'{node}.y']:.1f}) {row[f'{node}.score']:.2f}" for node in seen]
    missing = [node for node in nodes if node not in seen]
    edited = [node for node in nodes if row.get(f"{node}.edited")]
    return (
        f"score {row['instance_score']:.3f}; "
        + ", ".join(points)
        + (f"; not found: {', '.join(missing)}" if missing else "")
        + (f"; set by a person: {', '.join(edited)}" if edited else "")
    )


def _explain_track(
    tracks: Tracks, place: int, row: Mapping[str, Any], shards: Mapping[int, str], note: Mapping[str, Any]
) -> Iterator[str]:
    number, tracklet, frame = int(tracks.row[place]), int(tracks.tracklet[place]), int(tracks.frame_idx[place])
    yield f"Row {number} of the video's predictions{shards.get(number, '')}."
    before = tracks.frame_idx[(tracks.track == tracks.track[place]) & (tracks.frame_idx < frame)]
    linked = tracks.frame_idx[(tracks.tracklet == tracklet) & (tracks.frame_idx < frame)]
    if len(linked):
        yield f"Linked to the animal of frame {linked[-1]}, in tracklet {tracklet} since frame {linked[0]}."
    elif len(before):
        yield f"Tracklet {tracklet} begins here, and goes on where the track was last seen, in frame {before[-1]}."
    else:
        yield f"The track begins here, with tracklet {tracklet}."
    said = [one for one in tracks.metadata.get("corrected", []) if one[0] == note["video"] and one[1] <= frame]
    own = [one for one in said if one[2] in tracks.row[tracks.track == tracks.track[place]]]
    if own:
        yield f"A correction says that it is {own[-1][3]}, from frame {own[-1][1]} on."
    elif row["identity"] is not None:
        how = note.get("config", {}).get("tracking", {}).get("identity")
        yield f"Its name comes from what the models say of its appearance (tracking.identity: {how})."


def _find_places(predictions: Sequence[Path], frame: int) -> dict[int, str]:
    """Of each row of a frame in the whole predictions table, in which shard it stands, and its score there."""
    if not predictions:
        return {}
    numbers = find_rows(list(predictions), np.array([frame]))
    found = read_instances(list(predictions), numbers)
    for path in predictions:
        with open_table(path, "predictions") as (_, note):
            if any(start <= frame < stop for start, stop in note["frames"]):
                rows = read_frame(path, frame, ["frame_idx"]).column("row").to_pylist()
                scores = found.score.tolist()
                return {
                    int(number): f", row {row} of {path}, where its score is {score:.3f}"
                    for number, row, score in zip(numbers, rows, scores, strict=True)
                }
    return {}


def _explain_review(path: Path | None, video: str, frame: int, track: int) -> Iterator[str]:
    """The last item of the review list at which this track may have been mistaken."""
    if path is None:
        return
    with path.open(newline="", encoding="utf-8") as file:
        items = [
            item
            for item in csv.DictReader(file)
            if item["video"] == video and int(item["frame_idx"]) <= frame and str(track) in item["tracks"].split()
        ]
    if not items:
        yield f"{path} lists no ambiguous link of the track up to here."
        return
    last = max(items, key=lambda item: int(item["frame_idx"]))
    yield (
        f"The last ambiguous link of the track is in frame {last['frame_idx']} ({last['kind']}), with a confidence of "
        f"{last['confidence']}: number {last['rank']} of {path}."
    )
