"""DeepLabCut's tables of labeled images, as it writes them and as spreadsheets and other systems change them."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
import sleap_io as sio
import yaml
from numpy.typing import NDArray

from poseflow.core.errors import LabelsError
from poseflow.labels.formats.content import decode_head, is_hdf5, open_hdf5, read_head
from poseflow.labels.formats.reader import LabelReader
from poseflow.labels.image_paths import image_videos, parse_image_path, place_images

logger = logging.getLogger(__name__)

HEADERS = ("scorer", "individuals", "bodyparts", "coords")
UNIQUE = "single"  # the individual under which DeepLabCut files body parts that no animal has: corners of the arena
CONFIG_LEVELS = 3  # how far above the table config.yaml may lie

# What pandas, by which DeepLabCut reads its tables, takes for no value; spreadsheets write some of it.
MISSING = frozenset(
    {"", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan"}
    | {"<na>", "n/a", "na", "null", "nan", "none"}
)

Row = list[str]


@dataclass(frozen=True)
class Columns:
    """What the columns of a table hold.

    `places` gives column numbers by individual (None: the table names none), body part and coordinate.
    """

    places: dict[tuple[str | None, str, str], int]
    individuals: list[str | None]
    bodyparts: list[str]


def recognize(path: Path) -> bool:
    """Whether a file is a table whose first cell is `scorer`, or an HDF5 file that pandas wrote."""
    if is_hdf5_table(path):
        return True
    lines = [line for line in decode_head(read_head(path)).splitlines() if line.strip(' ,;\t"')]
    return bool(lines) and re.match(r'"?scorer"?\s*[,;\t]', lines[0], re.IGNORECASE) is not None


def is_hdf5_table(path: Path) -> bool:
    """Whether a file is the HDF5 that DeepLabCut writes beside each table."""
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return any("pandas_type" in group.attrs for group in file.values() if isinstance(group, h5py.Group))


def read(path: Path) -> sio.Labels:
    """Read a `CollectedData_*.csv`, or the one beside a `CollectedData_*.h5`; raises LabelsError as `read_table`.

    The columns' names in the HDF5 file are pickles, which could run anything.
    """
    if not is_hdf5_table(path):
        return read_table(path)
    with open_hdf5(path) as file:
        columns = [str(group.attrs.get("non_index_axes")) for group in file.values()]
    if any("likelihood" in names for names in columns):
        raise LabelsError(
            f"{path} must hold labels, got DeepLabCut's predictions (it has columns of likelihood); "
            f"labels are in labeled-data/*/CollectedData_*.csv"
        )
    table = path.with_suffix(".csv")
    if not table.is_file():
        raise LabelsError(f"{path} must have its {table.name} beside it (DeepLabCut writes both), got no such file")
    return read_table(table)


def read_table(path: Path) -> sio.Labels:
    """Read a `CollectedData_*.csv`; body parts keep the table's order, edges are those of the project's `config.yaml`.

    A row without points is no labeled frame. Of rows of one image the last that has points counts. Body parts that
    are unique (of the individual `single`, and of no other) belong to no animal and are left out, with a warning.

    Raises:
        LabelsError: The table holds predictions, is damaged or ambiguous, or its images are in several places.
    """
    rows = _read_rows(path)
    headers, data, width = _split_header(rows, path)
    columns = _leave_out_unique(_read_columns(headers, width, path), path)
    images, points = _read_points(data, columns, width, path)
    skeleton = sio.Skeleton(nodes=list(columns.bodyparts), name="Skeleton")  # it takes the list over
    for edge in _read_edges(path, columns.bodyparts):
        skeleton.add_edge(*edge)
    tracks = {name: sio.Track(name=name) for name in columns.individuals if name is not None}
    paths = place_images(images, path)
    videos = image_videos(paths)
    frames = []
    for image, animals in zip(paths, points, strict=True):
        video, frame_idx = videos[image]
        instances = [
            sio.Instance.from_numpy(animal, skeleton=skeleton, track=tracks.get(name) if name is not None else None)
            for name, animal in zip(columns.individuals, animals, strict=True)
            if np.isfinite(animal).any()
        ]
        frames.append(sio.LabeledFrame(video=video, frame_idx=frame_idx, instances=instances))
    return sio.Labels(
        labeled_frames=frames,
        videos=list(dict.fromkeys(video for video, _ in videos.values())),
        skeletons=[skeleton],
        tracks=list(tracks.values()),
    )


def _read_rows(path: Path) -> list[Row]:
    """Rows that are not blank, of a table in UTF-8 or UTF-16, separated by commas, semicolons or tabs."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path} must be a table in UTF-8, got another encoding: {error}") from error
    if "\0" in text:
        raise LabelsError(f"{path} must be DeepLabCut's CollectedData, got a damaged one (with zeros in it)")
    separator = _separator_of(text)
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=separator, strict=True))
    except csv.Error as error:
        raise LabelsError(f"{path} must be DeepLabCut's CollectedData, got a damaged one: {error}") from error
    if separator != ",":  # what separates by another sign writes 1,5 for 1.5
        rows = [[row[0], *(cell.replace(",", ".") for cell in row[1:])] if row else row for row in rows]
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _separator_of(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip(' ,;\t"')), "")
    return max(",;\t", key=first.count)


def _split_header(rows: list[Row], path: Path) -> tuple[dict[str, Row], list[Row], int]:
    """Header rows by name, the other rows, and how many columns of a row name its image (one, or three)."""
    headers: dict[str, Row] = {}
    for row in rows:
        name = row[0].lower()
        if name not in HEADERS or name in headers:
            break
        headers[name] = row
    missing = [name for name in ("scorer", "bodyparts", "coords") if name not in headers]
    if missing:
        raise LabelsError(
            f"{path} must be DeepLabCut's CollectedData with header rows scorer, bodyparts and coords, "
            f"got none of {', '.join(missing)}"
        )
    scorer = headers["scorer"]
    width = next((number for number, cell in enumerate(scorer[1:], 1) if cell), len(scorer))
    length = max(map(len, headers.values()))
    scorer[len(scorer) :] = [""] * (length - len(scorer))
    for row in rows:
        _fit_length(row, length, width, row is rows[-1], path)
    return headers, rows[len(headers) :], width


def _fit_length(row: Row, length: int, width: int, is_last: bool, path: Path) -> None:
    """Fill up a row whose last cells were blank and left away; the last row may have been cut off instead."""
    is_cut_off = is_last and any(row[width:]) and len(row) < length
    if (row[0].lower() in HEADERS and len(row) < length) or is_cut_off or any(row[length:]):
        raise LabelsError(
            f"{path}: each row must have {length} cells, got {len(row)} in that of {'/'.join(row[:width])} "
            f"(cut off, or still being written?)"
        )
    row[length:] = [""] * (length - len(row))


def _read_columns(headers: dict[str, Row], width: int, path: Path) -> Columns:
    names = headers.get("individuals")
    places: dict[tuple[str | None, str, str], int] = {}
    for number in range(width, len(headers["scorer"])):
        individual = names[number] if names else None
        bodypart, coord = headers["bodyparts"][number], headers["coords"][number].lower()
        if coord == "likelihood":
            raise LabelsError(
                f"{path} must hold labels, got DeepLabCut's predictions (it has columns of likelihood); "
                f"labels are in labeled-data/*/CollectedData_*.csv"
            )
        if coord not in ("x", "y") or not bodypart or individual == "":
            raise LabelsError(
                f"{path}: each column must be x or y of a body part, got {coord!r} of {bodypart!r}"
                + (f" of {individual!r}" if names else "")
            )
        if (individual, bodypart, coord) in places:
            scorers = sorted(set(headers["scorer"][width:]))
            raise LabelsError(
                f"{path}: each body part must have one {coord}, got several of {bodypart}"
                + (f", by the scorers {', '.join(scorers)}" if len(scorers) > 1 else "")
            )
        places[individual, bodypart, coord] = number
    lonely = [key for key in places if (*key[:2], "y" if key[2] == "x" else "x") not in places]
    if lonely or not places:
        raise LabelsError(f"{path}: each body part must have x and y, got {lonely[0][1:] if lonely else 'no column'}")
    individuals = list(dict.fromkeys(individual for individual, _, _ in places))
    return Columns(places, individuals, list(dict.fromkeys(bodypart for _, bodypart, _ in places)))


def _leave_out_unique(columns: Columns, path: Path) -> Columns:
    of_animals = {bodypart for individual, bodypart, _ in columns.places if individual != UNIQUE}
    own = list(dict.fromkeys(bodypart for individual, bodypart, _ in columns.places if individual == UNIQUE))
    unique = [bodypart for bodypart in own if bodypart not in of_animals]
    if not of_animals or not unique:
        return columns
    logger.warning("%s: unique body parts belong to no animal and are left out: %s", path, ", ".join(unique))
    return Columns(
        {key: number for key, number in columns.places.items() if key[0] != UNIQUE},
        [individual for individual in columns.individuals if individual != UNIQUE],
        [bodypart for bodypart in columns.bodyparts if bodypart in of_animals],
    )


def _read_points(
    data: list[Row], columns: Columns, width: int, path: Path
) -> tuple[list[PurePosixPath], list[NDArray[np.float64]]]:
    """Image and points (individuals, nodes, 2) of each labeled row, each image once."""
    found: dict[PurePosixPath, NDArray[np.float64]] = {}
    repeated, halves = [], 0
    for row in data:
        image = _image_of(row, width, path)
        points = np.full((len(columns.individuals), len(columns.bodyparts), 2), np.nan)
        for (individual, bodypart, coord), number in columns.places.items():
            place = columns.individuals.index(individual), columns.bodyparts.index(bodypart), int(coord == "y")
            points[place] = _number(row[number], image, bodypart, path)
        half = np.isnan(points).sum(-1) == 1
        halves += int(half.sum())
        points[half] = np.nan
        if np.isnan(points).all():
            continue
        if image in found:
            repeated.append(image)
        found[image] = points
    if repeated:
        logger.warning(
            "%s: %s must have one row each; the last that has points counts",
            path,
            _some([image.as_posix() for image in dict.fromkeys(repeated)]),
        )
    if halves:
        logger.warning("%s: %d points with x or y only are left out", path, halves)
    return list(found), list(found.values())


def _image_of(row: Row, width: int, path: Path) -> PurePosixPath:
    """A row's image: in one cell (folder/folder/image) or, in newer versions, in three."""
    image = parse_image_path("/".join(cell for cell in row[:width] if cell))
    if not image.suffix:
        raise LabelsError(
            f"{path}: each row must name a labeled image, got {image.as_posix()!r} "
            f"(a table of predictions, or of another kind?)"
        )
    return image


def _number(cell: str, image: PurePosixPath, bodypart: str, path: Path) -> float:
    try:
        if cell.lower() in MISSING:
            return np.nan
        if cell.isascii() and "_" not in cell:  # Python takes 1_0 for 10
            return float(cell)
    except ValueError:
        pass
    raise LabelsError(f"{path}: coordinates must be numbers, got {cell!r} for {bodypart} of {image.as_posix()}")


def _read_edges(table: Path, bodyparts: list[str]) -> list[tuple[str, str]]:
    """Edges that the project's `config.yaml` draws between body parts; what joins no two of them is left out."""
    config, path = _find_config(table)
    edges: list[tuple[str, str]] = []
    left_out = []
    skeleton = config.get("skeleton") or []
    for pair in skeleton if isinstance(skeleton, list) else [skeleton]:
        names = tuple(map(str, pair)) if isinstance(pair, list) else (str(pair),)
        if len(names) == 2 and names[0] != names[1] and set(names) <= set(bodyparts):
            if names not in edges:
                edges.append((names[0], names[1]))
        else:
            left_out.append(" - ".join(names))
    if left_out:
        logger.warning("%s: edges that join no two body parts of %s are left out: %s", path, table, _some(left_out))
    return edges


def _find_config(table: Path) -> tuple[dict[str, Any], Path]:
    """The project's settings, empty where there are none, and their path."""
    folder = table.absolute().parent
    for parent in [folder, *folder.parents][: CONFIG_LEVELS + 1]:
        path = parent / "config.yaml"
        if not path.is_file():
            continue
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
        except yaml.YAMLError as error:
            logger.warning("%s is damaged and tells no edges: %s", path, str(error).splitlines()[0])
            continue
        if (
            isinstance(content, dict)
            and len({"Task", "bodyparts", "scorer", "skeleton", "individuals"} & set(content)) > 1
        ):
            return content, path
    return {}, folder


def _some(names: Sequence[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


DEEPLABCUT = LabelReader("DeepLabCut CollectedData_*.csv or .h5", recognize, read)
