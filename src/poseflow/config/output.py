"""Config sections `review`, `render` and `report`: what a person looks at."""

from typing import Literal

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
    color_by: Literal["animal", "node"] = Field(
        "animal",
        description="animal: each animal has a color. node: each node has one, the same in all animals, and edges are "
        "grey; names and trails keep the animal's.",
    )
    names: bool = Field(True, description="Write its name, or its track's number, beside each animal.")
    legend: bool = Field(
        False, description="Say in a corner whose each color is: of nodes with `color_by: node`, else of animals."
    )
    trail_frames: int = Field(25, ge=0, description="Length of the trail behind each animal; 0: none.")
    trail_node: str | None = Field(
        None, description="The node whose way the trail is; null: the one that is in the animals' middle as a rule."
    )
    scale: float = Field(1.0, gt=0, le=4, description="Size of the overlay beside that of the recording.")
    crf: int = Field(23, ge=0, le=51, description="x264 quality; lower is better and larger.")


class ReportConfig(Section):
    """The HTML report, results/report.html."""

    title: str = Field("poseflow report", description="Heading of the page.")
    example_frames: int = Field(3, ge=0, description="Frames shown for each of best, median and worst.")
    max_timelines: int = Field(24, ge=0, description="Recordings whose tracks are drawn over time, the worst first.")


class KeptPredictions(Section):
    """How long predictions tables stay."""

    days: float = Field(
        gt=0,
        description="Remove a recording's predictions so many days after its last one was made, once its pose tables "
        "are there.",
    )


class KeepConfig(Section):
    """What of the steps' results goes by itself; pose tables, tracks and models never do."""

    predictions: KeptPredictions | None = Field(
        None,
        description="Without its predictions a recording is predicted anew when settings of tracking or corrections "
        "change, by the same models, and needs its video for that; null: they stay.",
        examples=[{"days": 30}],
    )
