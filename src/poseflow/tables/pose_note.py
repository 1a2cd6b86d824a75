"""What the metadata of a pose table must hold, whoever wrote the file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from poseflow.core.errors import TableError
from poseflow.tables.ranges import check_ranges

MOST_FRAMES = 10**12
"""Of a recording: thirty years of a thousand frames a second."""

Frame = Annotated[int, Field(strict=True, ge=0, le=MOST_FRAMES)]
Scale = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


def _check_start(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"a recording's start must have a time zone, got {text}")
    return text


Start = Annotated[str, AfterValidator(_check_start)]


class _ImageSize(BaseModel):
    width: int | None
    height: int | None


class _PoseNote(BaseModel):
    recording: str
    video: str
    frames: Frame
    frames_read: list[tuple[Frame, Frame]]
    failed_frames: list[Frame]
    doubtful_frames: list[tuple[Frame, Frame]]
    fps: Scale | None
    pixels_per_mm: Scale | None
    start: Start | None
    image_size: _ImageSize
    columns: list[str]
    tells_hidden: bool = False


def check_pose_note(note: dict[str, Any], path: Path) -> None:
    """Raise TableError, naming what is missing or faulty, unless metadata are those of a pose table."""
    try:
        _PoseNote.model_validate(note)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:3])
        raise TableError(f"{path}: metadata must be that of a pose table, got a faulty one: {faults}") from None
    check_ranges(note["frames_read"], f"{path}: frames_read")
