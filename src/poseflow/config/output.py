"""Config sections `review`, `render` and `report`: what a person looks at."""

from pydantic import Field

from poseflow.config.section import Section

CLAIMS_SUFFIX = ".jsonl"
"""What names of logs of people's claims end with."""


class ReviewConfig(Section):
    """Review items: frames from which on animals may be mistaken, for a person to look at."""

    max_items: int = Field(200, ge=0, description="List at most so many of a recording, the worst first.")
    min_expected_errors: float = Field(
        1.0, ge=0, description="Leave out items at which fewer wrong animal-frames are expected."
    )
    corrections: str = Field(
        "corrections",
        description="Folder of what people corrected: {recording}.jsonl, the log, and {recording}.slp or "
        "{recording}.….slp, saved from results/review in SLEAP's GUI.",
    )


class RenderConfig(Section):
    """Overlay videos: recordings with their poses and tracks drawn into them."""

    enabled: bool = Field(False, description="Make an overlay video of each recording.")
    max_frames: int | None = Field(500, ge=1, description="Render at most so many frames of a recording; null: all.")
    trail_frames: int = Field(25, ge=0, description="Length of the trail behind each animal.")
    scale: float = Field(1.0, gt=0, le=4, description="Size of the overlay beside that of the recording.")
    crf: int = Field(23, ge=0, le=51, description="x264 quality; lower is better and larger.")


class ReportConfig(Section):
    """The HTML report, results/report.html."""

    title: str = Field("poseflow report", description="Heading of the page.")
    example_frames: int = Field(3, ge=0, description="Frames shown for each of best, median and worst.")
    max_timelines: int = Field(24, ge=0, description="Recordings whose tracks are drawn over time, the worst first.")
