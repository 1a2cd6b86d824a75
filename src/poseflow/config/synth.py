"""Settings of `poseflow synth`: a rendered home-cage recording."""

from typing import Literal

from pydantic import Field, model_validator

from poseflow.config.section import Section


class SynthConfig(Section):
    """One synthetic recording of a cage seen from above."""

    frames: int = Field(1200, ge=1, description="Length of the recording.")
    animals: int = Field(4, ge=1, le=6, description="How many; each has a fur of its own.")
    seed: int = Field(
        0, ge=0, description="The same seed gives the same recording; frame t does not depend on `frames`."
    )
    width: int = Field(640, ge=160, description="Of the image, px.")
    height: int = Field(448, ge=160, description="Of the image, px.")
    fps: float = Field(25.0, gt=0, description="Frames per second.")
    body_px: float | None = Field(
        None, ge=30, description="An adult's length from nose to rump, px; null: 0.155 of the width."
    )
    light: Literal["switch", "day", "infrared"] = Field(
        "switch", description="day: white light, in color. infrared: grey. switch: from one to the other and back."
    )
    light_period_frames: int | None = Field(
        None, ge=1, description="switch: frames of one light before the other comes on; null: half the recording."
    )
    motion_blur: bool = Field(True, description="Blur animals along their way during the exposure.")
    label_every: int | None = Field(
        None, ge=1, description="Frames between labeled ones; null: 10, and more where that were over 5,000 labels."
    )
    crf: int = Field(23, ge=0, le=51, description="x264 quality; lower is better and larger.")
    gop: int = Field(100, ge=1, description="Most frames from one keyframe to the next.")
    bframes: int = Field(2, ge=0, le=16, description="Most B-frames in a row.")

    @model_validator(mode="after")
    def _check_size(self) -> "SynthConfig":
        longest = min(self.width, self.height) / 3
        if self.body_px is not None and self.body_px > longest:
            raise ValueError(f"body_px must be at most a third of the shorter side ({longest:.0f}), got {self.body_px}")
        return self
