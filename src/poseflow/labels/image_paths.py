"""From the images that a table or a COCO file names to images on disk, a folder at a time."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

import sleap_io as sio

from poseflow.core.errors import LabelsError
from poseflow.media.lookup import count_equal_at_end

# Where, below a label file's folder, images lie that it names without one.
IMAGE_FOLDERS = (".", "images", "imgs", "data/images")
LOCAL_FILE = "/data/local-files/?d="
"""What stands, in a URL of Label Studio, before the path of an image on its machine."""
UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
"""What Label Studio makes of the name of an image that is uploaded."""


def parse_image_path(recorded: str) -> PurePosixPath:
    """Path of an image as any system, or a URL, writes it; with slashes and without `.`."""
    if LOCAL_FILE in recorded:
        recorded = unquote(recorded.partition(LOCAL_FILE)[2])
    elif "://" in recorded:
        recorded = unquote(urlsplit(recorded).path).lstrip("/")
    return PurePosixPath(PureWindowsPath(recorded).as_posix())


def place_images(recorded: Sequence[PurePosixPath], label_file: Path) -> list[Path]:
    """Where each image lies, or would lie.

    Images that are recorded in one folder are looked for in one folder: the recorded path, from the label file or its
    usual neighbors; else the folder below the label file's that shares the longest end with it and holds any of the
    images. If all images are recorded in one folder, its name may be another. Where none is found that way, they are
    looked for by the names that they had before they were uploaded. A name alone decides nothing: an image that is
    missing keeps its recorded path, and whoever opens it says so.

    Raises:
        LabelsError: Several folders fit equally.
    """
    names: dict[PurePosixPath, set[str]] = defaultdict(set)
    for path in recorded:
        names[path.parent].add(path.name)
    base = label_file.absolute().parent
    places: dict[PurePosixPath, Path] = {}
    for folder, held in names.items():
        called = {name: name for name in held}
        found = _find_folder(folder, held, base, len(names) == 1, label_file)
        if found is None and (before := _names_before_upload(held)):
            found = _find_folder(folder, set(before.values()), base, len(names) == 1, label_file)
            called = before if found else called
        places |= {folder / name: (found or base / folder) / called[name] for name in held}
    return [places[path] for path in recorded]


def _names_before_upload(names: set[str]) -> dict[str, str]:
    """What images were called, none where some were not uploaded, or two had one name."""
    found = {name: was[1] for name in names if (was := UPLOADED.fullmatch(name))}
    return found if len(set(found.values())) == len(names) else {}


def image_videos(paths: Iterable[Path]) -> dict[Path, tuple[sio.Video, int]]:
    """Image sequences, one a folder: of each path its sequence and its place in it."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        folders[path.parent].append(path)
    places = {}
    for files in folders.values():
        names = sorted(map(str, files))
        video = sio.Video(
            filename=names,
            open_backend=False,
            backend_metadata={"type": "ImageVideo", "filename": names[0], "filenames": names},
        )
        places.update({Path(name): (video, index) for index, name in enumerate(names)})
    return places


def _find_folder(folder: PurePosixPath, names: set[str], base: Path, is_only: bool, label_file: Path) -> Path | None:
    if _holds(base / folder, names):
        return base / folder
    parts = [part for part in PureWindowsPath(folder).parts if part not in (".", "..", "/") and ":" not in part]
    for length in range(len(parts), 0, -1):
        tail = PurePosixPath(*parts[-length:])
        if found := _one_of([root / tail for root in _roots(base)], names, label_file):
            return found
    if is_only and (found := _one_of([base / beside for beside in IMAGE_FOLDERS], names, label_file)):
        return found
    return _find_below(parts, names, base, is_only, label_file)


def _roots(base: Path) -> list[Path]:
    """Folders from which a label file in `base` may count its paths (DeepLabCut: project/labeled-data/video) does."""
    return [*(base / beside for beside in IMAGE_FOLDERS), base.parent, base.parent / "images", base.parent.parent]


def _find_below(parts: list[str], names: set[str], base: Path, is_only: bool, label_file: Path) -> Path | None:
    holding = [Path(parent) for parent, _, files in os.walk(base) if names & set(files)]
    shared = {path: count_equal_at_end(parts, path.parts) for path in holding}
    best = max(shared.values(), default=0)
    if best == 0 and not (is_only and holding):
        return None
    return _one_of([path for path in holding if shared[path] == best], names, label_file)


def _one_of(candidates: Sequence[Path], names: set[str], label_file: Path) -> Path | None:
    found = {candidate.resolve(): candidate for candidate in candidates if _holds(candidate, names)}
    if len(found) > 1:
        raise LabelsError(
            f"{label_file}: its images must lie in one folder, got several that have {min(names)}: "
            f"{', '.join(map(str, sorted(found)))}"
        )
    return next(iter(found.values()), None)


def _holds(folder: Path, names: set[str]) -> bool:
    return any((folder / name).is_file() for name in names)
