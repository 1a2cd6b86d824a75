"""What is known of each recording beyond its file: from `config/recordings.tsv` and from the names of files."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from unicodedata import normalize
from zoneinfo import ZoneInfo

from poseflow.config import Config, RecordingRow, RecordingsConfig
from poseflow.config.recordings import (
    KNOWN_COLUMNS,
    FileNames,
    NumberedRow,
    check_rows,
    parse_cells,
    read_recordings_table,
)
from poseflow.core.errors import ConfigError
from poseflow.core.wording import list_some
from poseflow.runs.facts import FileFacts

RECORDING, START, CAMERA, ANIMALS, NAMES = "recording", "start", "camera", "animals", "names"
MAX_LISTED = 5


@dataclass(frozen=True)
class RecordingFacts:
    """What is known of a video, of which one or several are a recording."""

    start: datetime | None = None
    """When it began, with time zone."""
    pixels_per_mm: float | None = None
    animals: int | None = None
    names: tuple[str, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """All that was said, known columns too, as text."""
    said_in: str = ""
    """Where that stands, for messages."""

    def configure(self, config: Config) -> Config:
        """The configuration for this recording, with its own settings in place of those of all."""
        own = {name: value for name in ("animals", "names") if (value := getattr(self, name)) is not None}
        tracking = config.tracking
        if "animals" in own and tracking.max_tracks is not None and tracking.max_tracks == tracking.animals:
            own["max_tracks"] = own["animals"]  # animals that never leave
        return config.model_copy(update={"tracking": tracking.model_copy(update=own)}) if own else config


def read_table(config: RecordingsConfig, facts: FileFacts) -> list[NumberedRow]:
    """Cells of the table's rows, as they were when the run was planned; none where there is no such file.

    Raises: ConfigError for a damaged table, and for one that is missing though settings name it.
    """

    def read(path: Path) -> list[NumberedRow]:
        if path.exists():
            return read_recordings_table(path)
        if config.table != RecordingsConfig().table:
            raise ConfigError(f"recordings.table must be a readable file, got {path}, which is not there")
        return []

    found: list[NumberedRow] = facts.find(Path(config.table), "recordings table", read)
    return found


def describe_recordings(
    paths: Sequence[Path], config: RecordingsConfig, numbered: Sequence[NumberedRow]
) -> tuple[dict[Path, RecordingFacts], list[str]]:
    """What is known of each video.

    Args:
        paths: of all videos, below the root. numbered: what `read_table` gives.

    Returns: facts by path; and a line for each doubt.
    Raises: ConfigError that lists the table's faults, or the rows that fit no recording.
    """
    table = Path(config.table)
    check_rows(numbered, table)
    rows = _Rows([cells[RECORDING] for _, cells in numbered])
    fitting = {path: rows.find(path) for path in paths}
    if paths:
        _check_used(numbered, fitting, rows, table)
    pattern = FileNames(config.file_names) if config.file_names else None
    unread, twice, facts = [], [], {}
    for path in paths:
        said = pattern.read(path) if pattern else {}
        if said is None:
            unread.append(path.as_posix())
        place = fitting[path]
        number, cells = numbered[place] if place is not None else (None, {})
        where = f"{table}, line {number}" if number else f"recordings.file_names, {path.as_posix()}"
        facts[path] = _combine(path, said or {}, cells, config, where)
        if _is_ambiguous({**(said or {}), **cells}.get(START), facts[path].start):
            twice.append(path.as_posix())
    doubts = [*_doubtful_columns(numbered, table), *_tell_unread(unread, config), *_tell_twice(twice, table)]
    if pattern and pattern.has_only_days:
        doubts.append(
            f"recordings.file_names says no time of day ({config.file_names}): videos begin at midnight, unless "
            f"{table} says when"
        )
    return facts, doubts


def group_recordings(
    paths: Iterable[Path], facts: Mapping[Path, RecordingFacts], by: str
) -> tuple[dict[Path, str], list[str]]:
    """Of each video the recording that it is part of: its own path, or that of a folder or group, which ends in '/'.

    Returns: recordings by video's path; and a line for the videos of which camera or day is not known.
    """
    found, alone = {}, []
    for path in paths:
        found[path] = _group_of(path, facts[path], by) or path.as_posix()
        if by in ("camera", "day") and found[path] == path.as_posix():
            alone.append(path.as_posix())
    what = {"camera": "a camera", "day": "a start"}.get(by)
    told = (
        f"recordings.group_by: {by} must know {what} of each video, got none for {list_some(alone, MAX_LISTED)}; "
        "each is a recording"
    )
    return found, [told] if alone else []


def _group_of(path: Path, facts: RecordingFacts, by: str) -> str | None:
    camera, start = facts.columns.get(CAMERA), facts.start
    if by == "folder" and path.parent != Path():
        return f"{path.parent.as_posix()}/"
    if by == "camera" and camera:
        return f"{Path(camera).as_posix()}/"
    if by == "day" and start:
        return f"{((Path(camera) if camera else path.parent) / f'{start:%Y-%m-%d}').as_posix()}/"
    return None


def find_disagreements(recordings: Mapping[str, Sequence[str]], facts: Mapping[str, RecordingFacts]) -> Iterator[str]:
    """Recordings whose videos have different animals."""
    for recording, videos in recordings.items():
        for name in ("animals", "names"):
            given = {getattr(facts[video], name): video for video in videos}
            if len(given) > 1:
                (one, video), (other, second), *_ = given.items()
                yield (
                    f"the videos of a recording must have the same {name}, got {one} for {video} and {other} for "
                    f"{second} of {recording}"
                )


class _Rows:
    """Paths and patterns of the rows, and which of them fits a video first; an ä may be written in two ways (macOS)."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._plain = [normalize("NFC", pattern).strip("/").removeprefix("./") for pattern in patterns]
        self._exact: dict[str, int] = {}
        self._globs: dict[int, re.Pattern[str]] = {}
        for place, pattern in enumerate(self._plain):
            self._exact.setdefault(pattern, place)
            if set("*?[") & set(pattern):
                self._globs[place] = re.compile(_translate(pattern))

    def find(self, path: Path) -> int | None:
        """Number of the first row that fits a video, or a folder that it lies in."""
        names = _path_and_folders(path)
        first = min((self._exact[name] for name in names if name in self._exact), default=len(self._plain))
        globs = (place for place, pattern in self._globs.items() if any(map(pattern.fullmatch, names)))
        first = min(first, next(globs, first))
        return first if first < len(self._plain) else None

    def fits(self, place: int, path: Path) -> bool:
        """Whether a row fits a video, whatever others do."""
        names, pattern = _path_and_folders(path), self._globs.get(place)
        return self._plain[place] in names or (pattern is not None and any(map(pattern.fullmatch, names)))

    def first_of(self, place: int) -> int:
        """The first row that says the same of where it belongs: this one, or an earlier one."""
        return self._exact[self._plain[place]]


def _path_and_folders(path: Path) -> list[str]:
    return [normalize("NFC", place.as_posix()) for place in (path, *path.parents)]


def _translate(pattern: str) -> str:
    """A glob pattern as a regular expression: * and ? within a name, ** over folders, [..] one of these letters."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^]/]+\]|.", pattern)
    return "".join(parts.get(token) or _translate_one(token) for token in tokens)


def _translate_one(token: str) -> str:
    if len(token) > 1:
        inner = token[1:-1].replace("\\", "\\\\").replace("^", "\\^")
        letters = f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
        return letters if _is_expression(letters) else "(?!)"  # [9-0]: none of these letters
    return re.escape(token)


def _is_expression(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _check_used(numbered: Sequence[NumberedRow], fitting: Mapping[Path, int | None], rows: _Rows, table: Path) -> None:
    """Raise ConfigError for rows that are of no recording, and for a start that several videos would have."""
    used: dict[int, list[Path]] = {}
    for path, place in fitting.items():
        if place is not None:
            used.setdefault(place, []).append(path)
    faults = []
    for place, (number, cells) in enumerate(numbered):
        if (first := rows.first_of(place)) != place:
            one, other = numbered[first][0], cells[RECORDING]
            faults.append(f"line {number}: a recording must have one row, got {other} in line {one} already")
        elif place not in used:
            own = [path for path in fitting if rows.fits(place, path)]
            if fault := _explain_unused(cells[RECORDING], own, fitting, used, numbered):
                faults.append(f"line {number}: {fault}")
        elif START in cells and len(used[place]) > 1:
            several = list_some([path.as_posix() for path in used[place]], MAX_LISTED)
            faults.append(f"line {number}: a start must stand in a row of one video, got one that fits {several}")
    if faults:
        more = [f"and {len(faults) - MAX_LISTED} more"] if len(faults) > MAX_LISTED else []
        raise ConfigError(f"{table}: " + "; ".join([*faults[:MAX_LISTED], *more]))


def _explain_unused(
    pattern: str,
    own: Sequence[Path],
    fitting: Mapping[Path, int | None],
    used: Mapping[int, Sequence[Path]],
    numbered: Sequence[NumberedRow],
) -> str | None:
    """Why a row is of no recording; None where rows for each of its recordings stand before it, as may be."""
    if not own:
        places = sorted({name for path in fitting for name in _path_and_folders(path)} - {"."})
        near = get_close_matches(pattern, places, n=1)
        hint = f"; did you mean {near[0]}?" if near and near[0] != pattern else ""
        return f"a row must fit a recording below videos.root, got {pattern}, which fits none{hint}"
    before = {place for path in own if (place := fitting[path]) is not None}
    broader = next((place for place in sorted(before) if not set(used[place]) <= set(own)), None)
    if broader is None:
        return None
    return f"a row must stand before those that fit more, got {pattern} behind line {numbered[broader][0]}"


def _combine(
    path: Path, said: Mapping[str, str], cells: Mapping[str, str], config: RecordingsConfig, where: str
) -> RecordingFacts:
    columns = {**said, **cells, RECORDING: path.as_posix()}
    row = parse_cells(columns, where)
    start = _zoned(row, row.timezone or config.timezone, where, is_written=START in cells)
    told = {name: value for name, value in columns.items() if name != RECORDING}
    if start:
        told[START] = start.isoformat()
    return RecordingFacts(start, row.pixels_per_mm, row.animals, row.names, told, where)


def _zoned(row: RecordingRow, zone: str | None, where: str, is_written: bool) -> datetime | None:
    """A row's start in its time zone.

    A camera's clock may show a time that never was, in the hour that is left out in spring; and one that was twice, in
    autumn, of which the first is taken.

    Raises: ConfigError where no zone is known, or somebody wrote a time that never was, or was twice.
    """
    start = row.start
    if start is None:
        return None
    if start.tzinfo is not None:
        return start.astimezone(ZoneInfo(zone)) if zone else start
    if zone is None:
        raise ConfigError(
            f"{where}: a start must have a time zone, as 2026-03-01T18:00:00+01:00 has, got {start.isoformat()}; "
            "the column timezone or the setting recordings.timezone may name it for all"
        )
    zoned = start.replace(tzinfo=ZoneInfo(zone))
    if is_written and zoned.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != start:
        raise ConfigError(f"{where}: a start must be a time that there was in {zone}, got {start.isoformat()}")
    if is_written and _comes_twice(zoned):
        raise ConfigError(
            f"{where}: a start in the hour that {zone} has twice in autumn must say which, as {zoned.isoformat()} or "
            f"{zoned.replace(fold=1).isoformat()}, got {start.isoformat()}"
        )
    return zoned


def _doubtful_columns(numbered: Sequence[NumberedRow], table: Path) -> Iterator[str]:
    names = dict.fromkeys(name for _, cells in numbered for name in cells)
    for name in names:
        near = get_close_matches(name.lower(), KNOWN_COLUMNS, n=1, cutoff=0.8)
        words = re.split(r"[^a-z]+", name.lower())
        near = near or [known for known in (START, ANIMALS, NAMES) if known in words and known not in names]
        if name not in KNOWN_COLUMNS and near:
            yield f"{table}: the column {name} is carried along and changes nothing; did you mean {near[0]}?"


def _comes_twice(time: datetime) -> bool:
    """Whether a time lies in the hour that comes twice when clocks are put back in autumn."""
    first, second = (time.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def _is_ambiguous(written: str | None, start: datetime | None) -> bool:
    """Whether what is written of a start leaves open which of two hours is meant."""
    if written is None or start is None or datetime.fromisoformat(written).tzinfo is not None:
        return False
    return _comes_twice(start)


def _tell_twice(paths: Sequence[str], table: Path) -> Iterator[str]:
    if paths:
        yield (
            f"{list_some(paths, MAX_LISTED)} began in an hour that there was twice, as clocks were put back: the first "
            f"of the two is taken; a start with its offset from UTC in {table} says which"
        )


def _tell_unread(unread: Sequence[str], config: RecordingsConfig) -> Iterator[str]:
    if unread:
        got = list_some(unread, MAX_LISTED)
        yield f"recordings.file_names must fit the names of files ({config.file_names}), got {got}"
