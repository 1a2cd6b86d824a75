"""Config section `videos`: which recordings there are."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, field_validator

from poseflow.config.section import Section

FIRST_YEAR, LAST_YEAR = 1900, 2199


class VideosConfig(Section):
    """Where the recordings lie and what is known about them."""

    root: str = Field("videos", description="Folder that is searched, with all its subfolders but `results/`.")
    patterns: tuple[str, ...] = Field(
        ("*.mp4", "*.avi", "*.mkv", "*.mov", "*.m4v", "*.webm", "*.mpg", "*.mpeg", "*.ts", "*.wmv", "*.h264", "*.ufmf"),
        description="File names that are recordings. HDF5 datasets: '*.h5'; image folders and imgstores: a folder "
        "that matches ('*.imgstore', 'frames_*').",
    )
    h5_dataset: str = Field(
        "images", description="Dataset inside HDF5 recordings, (frames, height, width[, channels])."
    )
    start_times: dict[str, datetime] = Field(
        default_factory=dict,
        description="When a recording began, with time zone, by path below `root`; gives the pose table's `timestamp`.",
        examples=[{"cage1/day1.mp4": "2026-03-01T18:00:00+01:00"}],
    )
    pixels_per_mm: float | dict[str, float] | None = Field(
        None,
        description="Scale of the image: one number for all recordings, or by path below `root` (of a recording, or of "
        "a folder and all in it); null: unknown.",
        examples=[{"cage1": 2.4, "cage2/day1.mp4": 2.1}],
    )

    animals: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Known number of animals where it is not that of `tracking.animals`, by path below `root`: of a "
        "recording, or of a folder and all in it.",
        examples=[{"cage1": 4, "cage2/day1.mp4": 3}],
    )

    @field_validator("start_times", mode="before")
    @classmethod
    def _check_texts(cls, starts: Any) -> Any:
        """Pydantic takes 20260301 for seconds since 1970."""
        for path, start in starts.items() if isinstance(starts, dict) else ():
            if isinstance(start, int | float) or (isinstance(start, str) and _is_number(start)):
                raise ValueError(f"a start must be like 2026-03-01T18:00:00+01:00, got {start} for {path}")
        return starts

    @field_validator("start_times")
    @classmethod
    def _check_zones(cls, starts: dict[str, datetime]) -> dict[str, datetime]:
        for path, start in starts.items():
            if start.tzinfo is None:
                said = f"got {start.isoformat()} for {path}"
                raise ValueError(f"a start must have a time zone, as 2026-03-01T18:00:00+01:00 has, {said}")
            if not FIRST_YEAR <= start.year <= LAST_YEAR:
                raise ValueError(f"a start must be in the years {FIRST_YEAR} to {LAST_YEAR}, got {start} for {path}")
        return starts

    @field_validator("pixels_per_mm")
    @classmethod
    def _check_scales(cls, scale: float | dict[str, float] | None) -> float | dict[str, float] | None:
        scales = scale if isinstance(scale, dict) else {"all recordings": scale}
        for path, value in scales.items():
            if value is not None and value <= 0:
                raise ValueError(f"a scale must be a number above 0, got {value:g} for {path}")
        return scale


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
