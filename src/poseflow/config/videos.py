"""Config section `videos`: which recordings there are."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from poseflow.config.section import Section

OF_SINGLE_RECORDINGS = {
    "start_times": "start, with its time zone",
    "animals": "animals",
    "pixels_per_mm": "pixels_per_mm",
}
"""What one might say here of recordings by their paths, and the column of the table in which it stands."""


class VideosConfig(Section):
    """Where the recordings lie and what is known about all of them."""

    root: str = Field("videos", description="Folder that is searched, with all its subfolders but `results/`.")
    patterns: tuple[str, ...] = Field(
        (
            *("*.mp4", "*.avi", "*.mkv", "*.mov", "*.m4v", "*.webm", "*.mpg", "*.mpeg", "*.ts", "*.mts", "*.m2ts"),
            *("*.wmv", "*.asf", "*.flv", "*.vob", "*.3gp", "*.ogv", "*.mxf", "*.cine", "*.h264", "*.h265", "*.ufmf"),
        ),
        description="File names that are recordings. HDF5 datasets: '*.h5'; image folders and imgstores: a folder "
        "that matches ('*.imgstore', 'frames_*').",
    )
    h5_dataset: str = Field(
        "images", description="Dataset inside HDF5 recordings, (frames, height, width[, channels])."
    )
    pixels_per_mm: float | None = Field(
        None, gt=0, description="Scale of the image, of recordings to which their table gives none; null: unknown."
    )

    @model_validator(mode="before")
    @classmethod
    def _point_to_the_table(cls, values: Any) -> Any:
        for key, column in OF_SINGLE_RECORDINGS.items():
            if isinstance(values, Mapping) and isinstance(values.get(key), Mapping):
                said = ", ".join(f"{path}: {value}" for path, value in values[key].items())
                table = "config/recordings.tsv, a row for each recording"
                raise ValueError(f"what videos.{key} says must stand in {table} (column {column}), got {said}")
        return values
