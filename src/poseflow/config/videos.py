"""Config section `videos`: which recordings there are."""

from pydantic import Field

from poseflow.config.section import Section


class VideosConfig(Section):
    """Where the recordings lie and what is known about all of them."""

    root: str = Field("videos", description="Folder that is searched, with all its subfolders but `results/`.")
    patterns: tuple[str, ...] = Field(
        ("*.mp4", "*.avi", "*.mkv", "*.mov", "*.m4v", "*.webm", "*.mpg", "*.mpeg", "*.ts", "*.wmv", "*.h264", "*.ufmf"),
        description="File names that are recordings. HDF5 datasets: '*.h5'; image folders and imgstores: a folder "
        "that matches ('*.imgstore', 'frames_*').",
    )
    h5_dataset: str = Field(
        "images", description="Dataset inside HDF5 recordings, (frames, height, width[, channels])."
    )
    pixels_per_mm: float | None = Field(
        None, gt=0, description="Scale of the image, of recordings to which their table gives none; null: unknown."
    )
