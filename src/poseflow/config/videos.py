"""Config section `videos`: which recordings there are."""

from datetime import datetime

from pydantic import Field

from poseflow.config.section import Section


class VideosConfig(Section):
    """Where the recordings lie and what is known about them."""

    root: str = Field("videos", description="Folder that is searched, with all its subfolders.")
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
    )
    pixels_per_mm: float | dict[str, float] | None = Field(
        None, description="Scale of the image, for all recordings or by path below `root`; null: unknown."
    )
