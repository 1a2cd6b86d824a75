"""Predictions of another program as what a run is about: which file is of which recording."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

from poseflow.core.errors import AmbiguousVideoError, ConfigError, PredictionsError
from poseflow.core.wording import list_some
from poseflow.exchange.predictions import PredictedVideo, PredictionsFile, describe_predictions_file, find_video
from poseflow.runs.facts import FileFacts
from poseflow.runs.fingerprints import hash_file
from poseflow.runs.names import give_names
from poseflow.runs.recording_facts import RecordingFacts
from poseflow.runs.recordings import UNREADABLE, Recordings, name_shards

SUFFIXES = {".slp", ".h5", ".hdf5", ".csv", ".nwb", ".nc"}
"""Files that are looked into. What they are, their content tells."""
MAX_LISTED = 3


@dataclass(frozen=True)
class PredictionsSource:
    """Where a video's predictions come from."""

    file: Path
    number: int
    """Of the video in the file."""
    has_video: bool
    digest: str
    """SHA-256 of the file, found out once and not by each shard."""


def plan_predictions(
    folder: Path, found: Recordings, facts: FileFacts
) -> tuple[Recordings, dict[str, PredictionsSource]]:
    """The recordings that there are predictions of, and where these are, by the videos' names.

    A file whose recording is not among those found is a recording itself. One that cannot be read is left out, with a
    warning, and so is a recording without predictions. While there is such a file, as one that is just being saved, no
    recording is called gone: it may be of any.

    Raises:
        ConfigError: There is no such folder.
        AmbiguousVideoError: A file may be of several recordings, or several files are of one.
    """
    if not folder.is_dir():
        raise ConfigError(f"predictions.from must be a folder of files of predictions, got {folder}")
    warnings: list[str] = []
    sources: dict[str, list[PredictionsSource]] = defaultdict(list)
    alone: dict[Path, PredictionsSource] = {}
    lengths: dict[Path, int] = {}
    names = {path: name for name, path in found.videos.items()}
    for file, described in _read_files(folder, facts, warnings):
        digest = str(facts.find(file, "sha256", hash_file))
        paths = [video.recorded for video in described.videos if video.recorded]
        for video in described.videos:
            path = find_video(file, video, list(names), paths)
            if path is not None:
                sources[names[path]].append(PredictionsSource(file, video.number, True, digest))
                continue
            place = _place_alone(file.relative_to(folder), video, described)
            alone[folder / place] = PredictionsSource(file, video.number, False, digest)
            lengths[folder / place] = video.frames
    unread = [Path()] if warnings else []
    _check_single(sources)
    given = give_names([path.relative_to(folder) for path in alone], found.names, set())
    alone_names = {given[path.relative_to(folder).as_posix()]: path for path in alone}
    warnings += _describe_gaps([name for name in found.videos if name not in sources], alone)
    videos = {name: path for name, path in found.videos.items() if name in sources} | alone_names
    recordings = {
        name: [video for video in videos_of if video in sources] for name, videos_of in found.recordings.items()
    }
    return replace(
        found,
        videos=videos,
        shards={name: found.shards[name] if name in sources else name_shards(1, 1) for name in videos},
        fingerprints={name: found.fingerprints.get(name, UNREADABLE) for name in videos},
        recordings={name: kept for name, kept in recordings.items() if kept} | {name: [name] for name in alone_names},
        names=given,
        unlisted=[*found.unlisted, *unread],
        facts={name: found.facts.get(name, RecordingFacts()) for name in videos},
        warnings=[*found.warnings, *warnings],
    ), {name: only for name, (only,) in sources.items()} | {name: alone[path] for name, path in alone_names.items()}


def _read_files(folder: Path, facts: FileFacts, warnings: list[str]) -> Iterator[tuple[Path, PredictionsFile]]:
    """The folder's files of predictions, of DeepLabCut's pairs of tables the HDF5."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    tables = {path.with_suffix("") for path in files if path.suffix.lower() in {".h5", ".hdf5"}}
    for path in files:
        if path.name.startswith(".") or (path.suffix.lower() == ".csv" and path.with_suffix("") in tables):
            continue
        try:
            yield path, PredictionsFile.model_validate(facts.find(path, "predictions", _describe))
        except PredictionsError as error:
            warnings.append(f"{error}; it is left out")


def _describe(path: Path) -> object:
    return describe_predictions_file(path).model_dump(mode="json")


def _place_alone(file: Path, video: PredictedVideo, described: PredictionsFile) -> Path:
    """A path below the folder for a video that is not there: the file's, where it holds one."""
    if len(described.videos) == 1:
        return file
    name = PureWindowsPath(video.recorded or "video").stem
    return file.with_name(f"{file.stem}.{video.number}.{name}{file.suffix}")


def _check_single(sources: Mapping[str, Sequence[PredictionsSource]]) -> None:
    for name, several in sources.items():
        if len(several) > 1:
            listed = ", ".join(str(source.file) for source in several)
            raise AmbiguousVideoError(
                f"predictions of {name} must be in one file, got several: {listed}; take all but one away"
            )


def _describe_gaps(without: Sequence[str], alone: Mapping[Path, PredictionsSource]) -> Iterator[str]:
    if without:
        yield f"recordings without predictions are left out: {list_some(without, MAX_LISTED)}"
    if alone:
        files = list_some(list(map(str, alone)), MAX_LISTED)
        yield (
            f"no recording below videos.root for {files}: their points are not shifted by flow, "
            "so that tracking.candidates flow is window there, and nothing is drawn over them"
        )
