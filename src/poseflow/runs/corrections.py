"""Where what people corrected in a project lies, and what of it counts as labels."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from poseflow.config import CLAIMS_SUFFIX
from poseflow.core.files import replacing
from poseflow.runs.facts import FileFacts
from poseflow.runs.fingerprints import hash_file, key_of

SUFFIXES = (CLAIMS_SUFFIX, ".slp")
"""Of logs of claims, and of label files that SLEAP's GUI saved."""

WRITTEN_TOGETHER_S = 30.0
"""A list and a label file of review items that are less apart in time were written by one job."""

Videos = Mapping[str, Mapping[str, Path]]
"""Path of each video of each recording, by names."""


@dataclass(frozen=True)
class CorrectedRecording:
    """What people corrected in a recording, of which frames count as labels."""

    files: Sequence[Path]
    """Logs of claims and label files, those that say anything of these frames."""
    videos: Mapping[str, Path]
    """Path of each video that has such frames, by name, and of those whose files have the same names."""

    @property
    def paths(self) -> dict[str, str]:
        """Paths of the videos as text."""
        return {video: str(path) for video, path in self.videos.items()}


@dataclass(frozen=True)
class PlannedCorrections:
    """What people corrected, as a run was planned with it."""

    recordings: Mapping[str, CorrectedRecording] = field(default_factory=dict)
    """Those of which frames count as labels."""
    key: str | None = None
    """Fingerprint of what those frames say; None where there are none."""
    faults: Sequence[str] = ()
    """Lines and files that count for nothing, a line each."""


def group_corrections(folder: Path, recordings: Collection[str]) -> dict[str, list[Path]]:
    """Files of each recording in the folder of corrections: `{recording}.jsonl`, `{recording}.….jsonl`, and as `.slp`.

    `clip.avi.slp` is of `clip.avi`, where there is such a recording, and else of `clip`; a file of no recording is left
    out (`poseflow.runs.checks` tells of it).
    """
    found: dict[str, list[Path]] = {}
    names = set(recordings)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix not in SUFFIXES or path.name.startswith("."):
            continue
        parts = path.name.split(".")
        begins = (".".join(parts[:stop]) for stop in range(len(parts), 0, -1))
        if name := next((begin for begin in begins if begin in names), None):
            found.setdefault(name, []).append(path)
    return found


def log_of(folder: Path, recording: str) -> Path:
    """The log that claims of a recording are appended to."""
    return folder / f"{recording}{CLAIMS_SUFFIX}"


def plan_corrections(files: Mapping[str, Sequence[Path]], videos: Videos, facts: FileFacts) -> PlannedCorrections:
    """Look into what people corrected; what was looked at before, and is the same, is not read again.

    Args:
        files: of each recording, as `group_corrections` gives them. videos: paths of its videos, by name.
    """
    recordings, keys, faults = {}, {}, []
    for recording, paths in files.items():
        own = {video: str(path) for video, path in videos[recording].items()}
        name = f"corrections {key_of([[facts.find(path, 'sha256', hash_file) for path in paths], own])}"
        found = facts.find(paths[0], name, partial(_describe, paths, own))
        faults += found["faults"]
        if found["frames"]:
            keys[recording] = found["frames"]
            recordings[recording] = CorrectedRecording(
                [paths[place] for place in found["files"]],
                {video: videos[recording][video] for video in found["videos"]},
            )
    return PlannedCorrections(recordings, key_of(keys) if keys else None, faults)


def _describe(paths: Sequence[Path], videos: Mapping[str, str], _: Path) -> dict[str, Any]:
    return describe_corrections(paths, videos)


def hash_corrections(recordings: Mapping[str, CorrectedRecording]) -> str | None:
    """Fingerprint of what corrected frames say now; None where there are none."""
    found = {name: describe_corrections(own.files, own.paths)["frames"] for name, own in recordings.items()}
    return key_of(found) if any(found.values()) else None


def describe_corrections(paths: Sequence[Path], videos: Mapping[str, str]) -> dict[str, Any]:
    """What a recording's corrections hold, as JSON.

    Args:
        paths: its logs and label files. videos: path of each of its videos, by name.

    Returns: `faults`, a line each; `frames`, a fingerprint of what the corrected ones say, None without any; `files`,
        places of those that say something of these that no earlier one does; `videos`, those that have such frames, or
        whose files are called like theirs.
    """
    from poseflow.corrections import describe_frames, find_corrected_frames, find_sources, read_claims

    contents = [read_claims([path], videos) for path in paths]
    frames = find_corrected_frames([claim for content in contents for claim in content.claims])
    frames = [one for one in frames if one.video in videos]
    names = {Path(videos[one.video]).name for one in frames}
    return {
        "faults": [fault for content in contents for fault in content.faults],
        "frames": key_of(describe_frames(frames)) if frames else None,
        "files": find_sources([content.claims for content in contents], frames),
        "videos": [video for video, path in videos.items() if Path(path).name in names],
    }


def keep_saved_over(lists: Mapping[str, tuple[Path, Path]], videos: Videos, folder: Path) -> list[Path]:
    """Copy review files that SLEAP's GUI saved over, in the results, to the corrections: `track` would replace them.

    Args:
        lists: list (`.csv`) and label file (`.slp`) of review items of each recording, which `track` writes one after
            the other; a label file that is much younger was saved by somebody. One that says nothing is left alone.
        videos: paths of each recording's videos, by name. folder: of corrections.

    Returns: the copies, as `{recording}.{time}.slp`.
    """
    copies = []
    for recording, (table, labels) in lists.items():
        try:
            saved = labels.stat().st_mtime
            is_own = saved - table.stat().st_mtime < WRITTEN_TOGETHER_S
        except FileNotFoundError:
            continue
        copy = folder / f"{recording}.{datetime.fromtimestamp(saved, UTC):%Y%m%dT%H%M%SZ}.slp"
        if is_own or copy.exists():
            continue
        from poseflow.corrections import read_claims

        if read_claims([labels], {video: str(path) for video, path in videos[recording].items()}).claims:
            with replacing(copy) as temporary:
                shutil.copy2(labels, temporary)
            copies.append(copy)
    return copies
