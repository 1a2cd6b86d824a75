"""How a live run is made, checked before it begins."""

from typing import Annotated

from pydantic import Field

from poseflow.config.section import Section
from poseflow.live.sources import SourceSettings

Positive = Annotated[float, Field(gt=0)]


class LiveSettings(Section):
    """Settings of a live run, beside those of `predict` and `tracking`."""

    rate: Positive | None = Field(None, description="Frames a second of the source; a video plays at it.")
    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = Field(
        None, description="Width and height in px that a camera is asked for."
    )
    repeat: bool = Field(False, description="A video begins anew when it is over.")
    max_age_frames: Positive = Field(
        2.0, description="A frame that is older than so many frame times when it is its turn is passed over."
    )
    frames: Annotated[int, Field(ge=1)] | None = Field(None, description="End after so many answers.")
    seconds: Positive | None = Field(None, description="End after so long.")
    patience_s: Positive = Field(5.0, description="A source that gives nothing for so long has failed.")
    triggers: tuple[str, ...] = Field((), description="NAME=CONDITION, or a condition alone.")
    trigger_every_ms: Positive = Field(25.0, description="How often triggers are evaluated.")
    stale_ms: Positive = Field(500.0, description="A trigger is not met by poses of a frame that is older than this.")
    outputs: tuple[str, ...] = Field((), description="KIND:ARGUMENT each.")
    pixels_per_mm: Positive | None = Field(None, description="Scale of the image.")

    @property
    def source(self) -> SourceSettings:
        """What is asked of the source."""
        return SourceSettings(self.rate, self.size, self.repeat)
