"""Config section `evaluation`: how models and tracks are measured."""

from typing import Annotated

from pydantic import Field

from poseflow.config.section import Section


class EvaluationConfig(Section):
    """How models and tracks are measured against labels."""

    oks_factor: float = Field(
        0.025, gt=0, description="Uncertainty of each node in OKS; 0.025 is that of a human eye in COCO."
    )
    pck_px: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (2.0, 5.0, 10.0), description="Distances at which PCK, the fraction of points that are within, is given."
    )
    match_px: float = Field(
        50.0, gt=0, description="Tracking: an animal and a track whose nodes are farther apart on average are no match."
    )
