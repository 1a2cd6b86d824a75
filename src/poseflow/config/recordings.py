"""Config section `recordings`, and the rows of the table that it names: what is known of single recordings."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from poseflow.config.section import Section
from poseflow.core.errors import ConfigError

FIRST_YEAR, LAST_YEAR = 1900, 2199
START = "start"
DIRECTIVES = {
    **{
        "Y": r"\d{4}",
        "f": r"\d{1,6}",
        "j": r"\d{3}",
        "z": r"(?:[+-]\d{2}:?\d{2}|Z)",
        "b": r"[^\W\d_]+",
        "B": r"[^\W\d_]+",
    },
    **dict.fromkeys("ymdHIMS", r"\d{2}"),
    "p": "[AaPp][Mm]",
    "%": "%",
}
"""What each directive of `datetime.strptime` stands for in a file's name."""


def check_zone(name: str) -> str:
    """A name that the system's time zones have; raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"a time zone must be like Europe/Berlin or UTC, got {name}") from None
    return name


class RecordingsConfig(Section):
    """How video files make up recordings, and where it stands what is known of each."""

    table: str = Field(
        "config/recordings.tsv",
        description="Table of what is known of single recordings, a row for a recording, folder or glob pattern.",
    )
    file_names: str | None = Field(
        None,
        description="What the names of files say, without their extension: columns in braces, and the start as "
        "`datetime.strptime` reads it; with a '/', the path below `videos.root`. What the table says counts more.",
        examples=["{camera}_{start:%Y-%m-%dT%H-%M-%S}"],
    )
    timezone: str | None = Field(
        None,
        description="Time zone of starts that are given without one; a row of the table may name another.",
        examples=["Europe/Berlin"],
    )
    group_by: Literal["folder", "file", "camera", "day"] = Field(
        "folder",
        description="What one recording is. folder: the files of a folder; at the top, each file. file: each file. "
        "camera: the files of a camera. day: the files of a camera (or of a folder, where no camera is named) that "
        "begin on one day, in the recording's time zone. A new file has its own recording tracked anew, and no other.",
    )
    columns: tuple[str, ...] = Field(
        (),
        description="Columns of the table, or of file names, that pose tables get too, as text; metadata have all.",
        examples=[["camera", "group", "treatment"]],
    )

    @field_validator("timezone")
    @classmethod
    def _check_zone(cls, name: str | None) -> str | None:
        return name if name is None else check_zone(name)

    @field_validator("file_names")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            FileNames(pattern)
        return pattern

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len({name.casefold() for name in columns}) < len(columns):
            raise ValueError(f"columns must differ in more than case, as SQL knows none, got {', '.join(columns)}")
        return columns


@dataclass(frozen=True)
class FileNames:
    """A pattern of file names, such as `{camera}_{start:%Y-%m-%dT%H-%M-%S}`.

    Raises: ValueError for one that cannot be followed.
    """

    pattern: str

    def __post_init__(self) -> None:
        """Check it."""
        _ = self._expression

    def read(self, path: Path) -> dict[str, str] | None:
        """What a path below the root says, as cells of the table; None where it does not fit."""
        name = path.with_suffix("").as_posix()
        found = self._expression.fullmatch(name if "/" in self.pattern else name.rpartition("/")[2])
        if found is None:
            return None
        cells = found.groupdict()
        if START in cells:
            try:
                cells[START] = datetime.strptime(cells[START], self._time_format).isoformat()
            except ValueError:  # a 32nd of a month
                return None
        return cells

    @property
    def has_only_days(self) -> bool:
        """Whether it says on which day a video began, and not when."""
        forms = [form for _, name, form in self._parts if name == START]
        return any("%H" not in form and "%I" not in form for form in forms)

    @cached_property
    def _parts(self) -> list[tuple[str, str | None, str]]:
        try:
            parsed = list(Formatter().parse(self.pattern))
        except ValueError as error:
            raise ValueError(f"a pattern must have its columns in braces, got {self.pattern}: {error}") from None
        return [(text, name, form or "") for text, name, form, _ in parsed]

    @property
    def _time_format(self) -> str:
        return next(form for _, name, form in self._parts if name == START)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        names = [name for _, name, _ in self._parts if name is not None]
        if not names or len(set(names)) < len(names) or not all(map(str.isidentifier, names)):
            raise ValueError(f"a pattern must name its columns, each once, as {{camera}} does, got {self.pattern}")
        if "recording" in names:
            raise ValueError(f"a pattern must name other columns than recording, which is the path, got {self.pattern}")
        text = ""
        for literal, name, form in self._parts:
            text += re.escape(literal)
            if name == START:
                text += f"(?P<{name}>{_time_expression(form)})"
            elif name is not None:
                if form:
                    raise ValueError(f"only start may have a form in a pattern, got {name}:{form}")
                text += f"(?P<{name}>[^/]+?)"
        return re.compile(text)


def _time_expression(form: str) -> str:
    text, rest = "", form
    while rest:
        literal, sign, rest = rest.partition("%")
        text += re.escape(literal)
        if sign:
            if rest[:1] not in DIRECTIVES or not rest:
                raise ValueError(f"a start must be of {', '.join(f'%{one}' for one in DIRECTIVES)}, got %{rest[:1]}")
            text, rest = text + DIRECTIVES[rest[0]], rest[1:]
    _check_time_form(form)
    return text


def _check_time_form(form: str) -> None:
    """Raise ValueError for a form of times that leaves a date open, or of which `strptime` would pass over a part."""
    said = [sign for sign in re.findall("%(.)", form) if sign != "%"]
    if len(set(said)) < len(said):
        raise ValueError(f"a start must say each part of it once, got {{start:{form}}}")
    has_day = "j" in said or ("d" in said and any(month in said for month in "mbB"))
    if not has_day or not ("Y" in said or "y" in said):
        raise ValueError(
            f"a start must say its date and time, as {{start:%Y-%m-%dT%H-%M-%S}} does, got {{start:{form}}}"
        )
    if ("p" in said) != ("I" in said):
        raise ValueError(f"a start must have %p, morning or afternoon, with %I, and %H without, got {{start:{form}}}")


def _read_start(text: Any) -> Any:
    if isinstance(text, str):
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:?\d{2}", text):
            raise ValueError(f"a start must be like 2026-03-01T18:00:00+01:00, got {text}")
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"a start must be like 2026-03-01T18:00:00+01:00, got {text}") from None
        if not FIRST_YEAR <= start.year <= LAST_YEAR:
            raise ValueError(f"a start must be in the years {FIRST_YEAR} to {LAST_YEAR}, got {text}")
        return start
    return text


def _read_names(text: Any) -> Any:
    return tuple(name.strip() for name in text.split(",")) if isinstance(text, str) else text


class RecordingRow(BaseModel):
    """A row of the table; columns that are not known here are carried along as text. An empty cell says nothing."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    recording: str = Field(
        min_length=1,
        description="Path below `videos.root`, of a video or of a folder and all in it; or a glob pattern of these, in "
        "which * stands for part of a name and ** for any folders. The first row that fits counts.",
    )
    start: Annotated[datetime, BeforeValidator(_read_start)] | None = Field(
        None, description="When the video began, as 2026-03-01T18:00:00+01:00; without a zone, in that of `timezone`."
    )
    timezone: str | None = Field(None, description="Time zone, as Europe/Berlin; by default `recordings.timezone`.")
    pixels_per_mm: float | None = Field(
        None, gt=0, description="Scale of the image, instead of `videos.pixels_per_mm`."
    )
    animals: int | None = Field(None, ge=1, description="Number of animals, instead of `tracking.animals`.")
    names: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_read_names)] | None = Field(
        None, description="Names of the animals, with commas between; instead of `tracking.names`."
    )
    camera: str | None = Field(None, description="Camera that the files are of; see `recordings.group_by`.")
    group: str | None = Field(None, description="Group of an experiment.")
    treatment: str | None = Field(None, description="What was done to the animals.")

    @field_validator("timezone")
    @classmethod
    def _check_zone(cls, name: str | None) -> str | None:
        return name if name is None else check_zone(name)

    @model_validator(mode="after")
    def _check_names(self) -> "RecordingRow":
        if self.names and len(set(self.names)) < len(self.names):
            raise ValueError(f"names must be distinct, got {', '.join(self.names)}")
        if self.names and self.animals and len(self.names) > self.animals:
            raise ValueError(f"names must be at most as many as animals ({self.animals}), got {', '.join(self.names)}")
        return self


KNOWN_COLUMNS = tuple(RecordingRow.model_fields)
NumberedRow = tuple[int, dict[str, str]]
"""Line of the file, and the cells that are not empty, by column."""


def read_recordings_table(path: Path) -> list[NumberedRow]:
    """Read the table's cells; raises ConfigError naming the file where it is no such table."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} must be a readable file, got: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be a table in UTF-8, got another encoding: {error}") from None
    if "\0" in text:
        raise ConfigError(f"{path} must be a table in UTF-8, got bytes that are no text")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader]
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: quotes must enclose a whole cell, got: {error}") from None
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        return []
    (_, header), *rows = lines
    _check_header(path, header)
    for number, cells in rows:
        if any(cells[len(header) :]) or any(cell for name, cell in zip(header, cells, strict=False) if not name):
            raise ConfigError(f"{path}, line {number}: every cell must have a column in the header, got {cells[-1]!r}")
        if fault := next((cell for cell in cells if not cell.isprintable()), None):
            raise ConfigError(f"{path}, line {number}: a cell must be one line of text, got {fault!r}")
    return [(number, {name: cell for name, cell in zip(header, cells, strict=False) if cell}) for number, cells in rows]


def _check_header(path: Path, header: Sequence[str]) -> None:
    if "recording" not in header:
        hint = "; columns are separated by tabs" if len(header) == 1 and re.search(r"[ ,;]", header[0]) else ""
        raise ConfigError(f"{path}: the first line must be a header with the column recording, got {header}{hint}")
    names = [name for name in header if name]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{path}: each column must be there once, got {', '.join(twice)} twice")


def check_rows(rows: Sequence[NumberedRow], path: Path) -> list[RecordingRow]:
    """Check the cells of each row; raises one ConfigError that lists every fault."""
    checked, faults = [], []
    for number, cells in rows:
        try:
            checked.append(RecordingRow.model_validate(cells))
        except ValidationError as error:
            faults += [f"line {number}, {fault}" for fault in _list_faults(error, cells)]
    if faults:
        raise ConfigError(f"{path}: " + "; ".join(faults))
    return checked


def parse_cells(cells: Mapping[str, str], source: str) -> RecordingRow:
    """Check what is known of one video, wherever it stands; raises ConfigError that begins with `source`."""
    try:
        return RecordingRow.model_validate(cells)
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(_list_faults(error, cells))) from None


def _list_faults(error: ValidationError, cells: Mapping[str, str]) -> Iterator[str]:
    for fault in error.errors():
        column = ".".join(map(str, fault["loc"][:1]))
        got = cells.get(column)
        said = fault["msg"].removeprefix("Value error, ")
        if column and ", got " not in said:
            said += f", got {got!r}" if got else ", got an empty cell"
        yield f"{column}: {said}" if column else said
