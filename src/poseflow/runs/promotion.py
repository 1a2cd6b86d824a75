"""Which release runs over new recordings: the candidate against the one in use, the history of it, and the way back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from poseflow.config import PromotionConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, write_json
from poseflow.core.wording import count_of

FrameScores = Mapping[tuple[str, int], float]
BY_PERSON = ("rolled back", "chosen")
Event = Literal["first", "given", "promoted", "kept", "incomparable", "rolled back", "chosen"]


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
    event: Event
    """incomparable: the one in use stays, since the candidate could not be compared with it; chosen: by a person."""
    candidate: str
    """The release that was compared with the one in use, or gone back to."""
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


def describe_decision(decision: Decision) -> str:
    """Say a decision and its reason in a sentence."""
    words = {
        "first": f"release {decision.candidate} is the first",
        "given": f"release {decision.candidate} was given",
        "promoted": f"release {decision.candidate} takes the place of {decision.incumbent}",
        "kept": f"release {decision.incumbent} stays; {decision.candidate} is not better",
        "incomparable": f"release {decision.incumbent} stays; {decision.candidate} cannot be compared with it",
        "chosen": f"release {decision.candidate} was put in use",
        "rolled back": f"back to release {decision.current}",
    }[decision.event]
    return f"{words}: {decision.reason}"


def find_incumbent(history: Sequence[Decision], candidate: str) -> str | None:
    """The release that `candidate` is to be compared with, or was; None where there is none but itself.

    A candidate is compared once: as long as no other one was, the answer stays what it was then.
    """
    comparisons = [decision for decision in history if decision.event not in BY_PERSON]
    if comparisons and comparisons[-1].candidate == candidate:
        return comparisons[-1].incumbent
    return history[-1].current if history and history[-1].current != candidate else None


def is_decided(history: Sequence[Decision], candidate: str) -> bool:
    """Whether the last decision was about `candidate`, or it is in use anyway."""
    comparisons = [decision for decision in history if decision.event not in BY_PERSON]
    return bool(history) and (comparisons[-1].candidate == candidate or history[-1].current == candidate)


def decide_promotion(
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
        block_frames: neighboring frames of a video that are drawn together, since they are alike.
        config: the section `promotion`.
    """
    if incumbent is None:
        event: Event = "first" if metrics is not None else "given"
        return _decide(event, candidate, None, "no other is in use")
    if metrics is None:
        return _decide("given", candidate, incumbent, "it was named in the configuration")
    obstacle = _find_obstacle(metrics)
    if obstacle:
        words = f"{obstacle}; `poseflow promote {candidate}` puts it in use all the same"
        return _decide("incomparable", candidate, incumbent, words)
    new, old = (frame_scores(one) for one in metrics)
    comparison = compare(new, old, block_frames, config)
    event = "promoted" if comparison is not None and comparison.low > 0 else "kept"
    return _decide(event, candidate, incumbent, _explain(comparison, config), comparison)


def _find_obstacle(metrics: tuple[Mapping[str, Any], Mapping[str, Any]]) -> str | None:
    """Why candidate and release in use cannot be compared, where they cannot."""
    for words, one in zip(("the candidate", "the release in use"), metrics, strict=True):
        if one.get("incomparable"):
            return f"{words} cannot be measured on the test set: {one['incomparable']}"
    labeled = [[one.get(name) for name in ("frames", "animals")] for one in metrics]
    if labeled[0] != labeled[1]:
        sets = " and ".join(f"{frames} frames with {animals} animals" for frames, animals in labeled)
        return f"they were measured on other test sets, of {sets}"
    return None


def _decide(
    event: Event, candidate: str, incumbent: str | None, reason: str, comparison: Comparison | None = None
) -> Decision:
    stays = incumbent is not None and event in ("kept", "incomparable")
    return Decision(
        time=datetime.now(UTC),
        event=event,
        candidate=candidate,
        incumbent=incumbent,
        current=incumbent if stays and incumbent else candidate,
        reason=reason,
        comparison=comparison,
    )


def frame_scores(metrics: Mapping[str, Any]) -> FrameScores:
    """OKS of each test frame with an animal, labeled or predicted, by video and frame."""
    return {(frame["video"], frame["frame_idx"]): frame["oks"] for frame in metrics["frame_scores"]}


def compare(
    candidate: FrameScores, incumbent: FrameScores, block_frames: int, config: PromotionConfig
) -> Comparison | None:
    """Compare two releases on the same frames by a paired bootstrap over blocks of frames; None for too few blocks.

    A frame that one of them does not name has no animal, and that one detected none: it scores 1.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (percentile intervals), with blocks
        of neighboring frames as the units that are drawn.
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
        f"mean OKS {comparison.candidate:.4f} against {comparison.incumbent:.4f} on "
        f"{count_of(comparison.frames, 'test frame')}: better by {comparison.low:+.4f} to {comparison.high:+.4f}"
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
        candidates = ", ".join(dict.fromkeys(earlier)) or "none"
        raise ModelError(f"release must be one that was in use before ({candidates}), got {to}")
    return _decide("rolled back", to or earlier[-1], current, "somebody said so")


def choose_release(history: Sequence[Decision], wanted: str) -> Decision:
    """The decision to put a former candidate in use, whatever was decided then.

    Raises ModelError for a release that never was a candidate, or is in use.
    """
    current = history[-1].current if history else None
    candidates = list(dict.fromkeys(decision.candidate for decision in history if decision.candidate != current))
    if wanted not in candidates:
        raise ModelError(f"release must be a former candidate ({', '.join(candidates) or 'none'}), got {wanted}")
    return _decide("chosen", wanted, current, "somebody said so")
