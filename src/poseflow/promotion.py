"""Which release runs over new recordings: the candidate against the one in use, the history of it, and the way back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from poseflow.config import PromotionConfig
from poseflow.errors import ModelError
from poseflow.files import read_json, write_json

FrameScores = Mapping[tuple[str, int], float]


class Comparison(BaseModel):
    """How much better the candidate is, on the same test frames."""

    model_config = ConfigDict(frozen=True)

    candidate: float
    """Mean OKS of the test frames; see `evaluation.score_frames`."""
    incumbent: float
    low: float
    """The difference is at least this, with the confidence of the settings."""
    high: float
    """And at most this, with the same confidence."""
    frames: int
    blocks: int


class Decision(BaseModel):
    """One entry of the history."""

    model_config = ConfigDict(frozen=True)

    time: datetime
    event: Literal["first", "given", "promoted", "kept", "rolled back"]
    candidate: str
    """The release that was judged, or gone back to."""
    incumbent: str | None
    """The release that was in use."""
    current: str
    """The release in use from then on."""
    reason: str
    comparison: Comparison | None = None


def read_history(path: str | Path) -> list[Decision]:
    """Read the history, the oldest first; none where there is no file. Raises ModelError naming a damaged one."""
    path = Path(path)
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[Decision]).validate_python(read_json(path))
    except (ValueError, ValidationError) as error:
        raise ModelError(f"{path}: must be a history of releases: {error}") from None


def add_to_history(decision: Decision, path: str | Path) -> None:
    """Append a decision, atomically."""
    write_json([one.model_dump(mode="json") for one in [*read_history(path), decision]], path)


def find_incumbent(history: Sequence[Decision], candidate: str) -> str | None:
    """The release that `candidate` is to be compared with, or was; None where there is none but itself.

    A candidate is judged once: as long as no other one was, the answer stays what it was then.
    """
    judged = [decision for decision in history if decision.event != "rolled back"]
    if judged and judged[-1].candidate == candidate:
        return judged[-1].incumbent
    return history[-1].current if history and history[-1].current != candidate else None


def is_judged(history: Sequence[Decision], candidate: str) -> bool:
    """Whether `candidate` was the last one judged, or is in use anyway."""
    judged = [decision for decision in history if decision.event != "rolled back"]
    return bool(history) and (judged[-1].candidate == candidate or history[-1].current == candidate)


def judge(
    candidate: str,
    incumbent: str | None,
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]] | None,
    block_frames: int,
    config: PromotionConfig,
) -> Decision:
    """Decide between the candidate and the release in use.

    Args:
        candidate, incumbent: ids of releases; without an incumbent, the candidate is the first.
        metrics: what `evaluate_poses` gave for candidate and incumbent, on one test set; None where there is none.
        block_frames: neighbouring frames of a video that are drawn together, since they are alike.
        config: the section `promotion`.
    """
    now = datetime.now(UTC)
    if incumbent is None:
        event: Literal["first", "given"] = "first" if metrics is not None else "given"
        return Decision(
            time=now, event=event, candidate=candidate, incumbent=None, current=candidate, reason="no other is in use"
        )
    if metrics is None:
        said = "it was named in the configuration"
        return Decision(
            time=now, event="given", candidate=candidate, incumbent=incumbent, current=candidate, reason=said
        )
    if metrics[1].get("incomparable"):
        said = f"the release in use cannot be compared: {metrics[1]['incomparable']}"
        return Decision(
            time=now, event="promoted", candidate=candidate, incumbent=incumbent, current=candidate, reason=said
        )
    new, old = (frame_scores(one) for one in metrics)
    comparison = compare(new, old, block_frames, config)
    is_better = comparison is not None and comparison.low > 0
    return Decision(
        time=now,
        event="promoted" if is_better else "kept",
        candidate=candidate,
        incumbent=incumbent,
        current=candidate if is_better else incumbent,
        reason=_explain(comparison, config),
        comparison=comparison,
    )


def frame_scores(metrics: Mapping[str, Any]) -> FrameScores:
    """OKS of each test frame with an animal, true or found, by video and frame."""
    return {(frame["video"], frame["frame_idx"]): frame["oks"] for frame in metrics["frame_scores"]}


def compare(
    candidate: FrameScores, incumbent: FrameScores, block_frames: int, config: PromotionConfig
) -> Comparison | None:
    """Compare two releases on the same frames by a paired bootstrap over blocks of frames; None for too few blocks.

    A frame that one of them does not name has no animal, and that one found none: it scores 1.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (percentile intervals), with blocks
        of neighbouring frames as the units that are drawn.
    """
    frames = sorted(candidate.keys() | incumbent.keys())
    blocks: dict[tuple[str, int], list[float]] = {}
    for video, frame in frames:
        difference = candidate.get((video, frame), 1.0) - incumbent.get((video, frame), 1.0)
        blocks.setdefault((video, frame // block_frames), []).append(difference)
    if len(blocks) < config.min_blocks:
        return None
    low, high = np.quantile(_draw_differences(blocks.values(), config), [1 - config.confidence, config.confidence])
    return Comparison(
        candidate=float(np.mean([candidate.get(frame, 1.0) for frame in frames])),
        incumbent=float(np.mean([incumbent.get(frame, 1.0) for frame in frames])),
        low=float(low),
        high=float(high),
        frames=len(frames),
        blocks=len(blocks),
    )


def _draw_differences(blocks: Any, config: PromotionConfig) -> NDArray[np.float64]:
    sums = np.array([sum(block) for block in blocks])
    sizes = np.array([len(block) for block in blocks])
    random = np.random.default_rng(config.seed)
    means = np.empty(config.resamples)
    for number in range(config.resamples):
        drawn = random.integers(0, len(sums), len(sums))
        means[number] = sums[drawn].sum() / sizes[drawn].sum()
    return means


def _explain(comparison: Comparison | None, config: PromotionConfig) -> str:
    if comparison is None:
        return f"fewer than {config.min_blocks} blocks of test frames tell nothing: label more"
    return (
        f"mean OKS {comparison.candidate:.4f} against {comparison.incumbent:.4f} on {comparison.frames} test frames: "
        f"better by {comparison.low:+.4f} to {comparison.high:+.4f}"
    )


def roll_back(history: Sequence[Decision], to: str | None = None) -> Decision:
    """The decision to go back to a release that was in use before, by default the last other one.

    Raises ModelError where there is none such.
    """
    current = history[-1].current if history else None
    earlier = [decision.current for decision in history if decision.current != current]
    if to is None and not earlier:
        raise ModelError("there must be a release that was in use before, got a history without one")
    if to is not None and to not in earlier:
        known = ", ".join(dict.fromkeys(earlier)) or "none"
        raise ModelError(f"release must be one that was in use before ({known}), got {to}")
    wanted = to or earlier[-1]
    return Decision(
        time=datetime.now(UTC),
        event="rolled back",
        candidate=wanted,
        incumbent=current,
        current=wanted,
        reason="somebody said so",
    )
