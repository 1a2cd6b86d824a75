"""Config section `promotion`: which trained models run over recordings."""

from pydantic import Field

from poseflow.config.section import Section


class PromotionConfig(Section):
    """Newly trained models replace those in use only if they are better on the same test frames, beyond noise."""

    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="New models must be better than those in use with this confidence."
    )
    resamples: int = Field(10_000, ge=100, description="Draws of the paired bootstrap over blocks of test frames.")
    min_blocks: int = Field(
        5, ge=2, description="With fewer blocks of test frames nothing can be told, and the models in use stay."
    )
    seed: int = Field(0, description="Of the bootstrap's draws.")
    repredict: tuple[str, ...] = Field(
        (),
        description="Recordings, by their names or glob patterns, that are predicted anew where models have been "
        "promoted since; ['*']: all. Others keep the release they were predicted with.",
    )
