"""How near predicted poses are to labeled ones."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poseflow.config import EvaluationConfig
from poseflow.core.similarity import find_boxes
from poseflow.core.skeleton import Skeleton
from poseflow.evaluation.matches import FrameMatch, LabeledPoses, PredictedPoses, match_poses
from poseflow.evaluation.precision import (
    OKS_THRESHOLDS,
    score_precision_coco,
    score_precision_paper,
    score_precision_sleap,
)

if TYPE_CHECKING:
    import pandas as pd

PERCENTILES = (50, 75, 90, 95, 99)

NEAR_SHARE, LEAST_NEAR_PX = 0.1, 3.0
"""A body part is near its label within a tenth of the animal's length, or within a few px."""

DEFINITIONS = {
    "map_paper": "OKS by the paper's equation, exp(-d² / 2ασ²); predictions sorted by OKS",
    "map_coco": "OKS with 2σ for σ, as in COCO; predictions sorted by score; false positives count as wrong",
    "map_sleap": "as map_coco, but false positives are not counted: what SLEAP 1.x computes",
    "errors": "distance of each visible labeled node from the predicted one, of matched animals",
    "pck": "share of all visible labeled nodes, of false negatives too, whose predicted node is nearer than so many px",
}

PixelsPerMm = float | Mapping[str, float] | None


def evaluate_poses(
    truth: Sequence[LabeledPoses],
    predicted: Mapping[tuple[str, int], PredictedPoses],
    skeleton: Skeleton,
    config: EvaluationConfig | None = None,
    pixels_per_mm: PixelsPerMm = None,
) -> dict[str, Any]:
    """Measure predictions against labels.

    Args:
        truth: labeled frames that networks ran on; in one that is not in `predicted` nothing was detected.
        predicted: instances by video and frame.
        skeleton: of both.
        pixels_per_mm: scale of all videos or by video's name; where it is not known, errors are in px only.

    Returns: what JSON can hold:
        `frames`, `animals`, `false_negatives`, `false_positives` (counts) and `false_negative_share`; `points`,
        `missing_points`, `missing_points_share` and `false_positive_points` of matched animals;
        `map_paper`, `mar_paper`, `map_coco`, `mar_coco`, `map_sleap`, `mar_sleap` with their values at each OKS
        threshold in `precision`; `oks_mean_paper`, `oks_mean_coco` of matched animals;
        `errors_px` and `errors_mm`, each `{"all": {"count", "mean", "p50", …, "p99"}, "nodes": {node: the same}}`;
        `pck` by px; `most_animals` labeled in a frame, `size_px` (median diagonal of their boxes), `near`: the share of
        matched animals' visible nodes, `all` and by `nodes`, that were predicted within `near_px`; `videos`: the main
        figures of each; `frame_scores`: for each frame with an animal, its video, frame_idx and `oks` (COCO form, mean
        over matched animals, false negatives (0) and false positives (0)), the best first;
        `definitions` and `settings`.
        None where there is nothing to average; OKS figures are None for a skeleton of one node, which has no size.
    """
    config = config or EvaluationConfig()
    paper = match_poses(truth, predicted, skeleton, config, coco=False)
    coco = match_poses(truth, predicted, skeleton, config, coco=True)
    return {
        **_summarize(paper, coco, skeleton, config, pixels_per_mm),
        "videos": _by_video(paper, coco, skeleton, config, pixels_per_mm),
        "frame_scores": score_frames(coco),
        "definitions": DEFINITIONS,
        "settings": config.model_dump(mode="json"),
    }


def score_frames(matches: Sequence[FrameMatch]) -> list[dict[str, Any]]:
    """Each frame with an animal, labeled or predicted, and the mean OKS of all of these; the best frame first."""
    scored = [
        {
            "video": match.video,
            "frame_idx": match.frame_idx,
            "oks": float(sum(match.similarity[pair] for pair in match.pairs))
            / (len(match.truth) + len(match.false_positives)),
        }
        for match in matches
        if len(match.truth) + len(match.false_positives)
    ]
    return sorted(scored, key=lambda frame: -frame["oks"])


def tabulate_nodes(metrics: Mapping[str, Any]) -> "pd.DataFrame":
    """The localization errors of `evaluate_poses` as a table: a row per unit (px, mm) and node, `all` for all nodes."""
    import pandas as pd

    rows = [
        {"unit": unit, "node": node, **errors}
        for unit in ("px", "mm")
        for node, errors in (
            [("all", metrics[f"errors_{unit}"]["all"]), *metrics[f"errors_{unit}"]["nodes"].items()]
            if metrics[f"errors_{unit}"]
            else []
        )
    ]
    return pd.DataFrame(rows, columns=["unit", "node", "count", "mean", *(f"p{p}" for p in PERCENTILES)])


def tabulate_points(
    matches: Sequence[FrameMatch], skeleton: Skeleton, pixels_per_mm: PixelsPerMm = None
) -> "pd.DataFrame":
    """Every labeled node of every labeled animal, one per row.

    Columns: video, frame_idx, animal (position in the frame's labels), matched, node, x, y, error_px, error_mm (NaN
    where the node was not predicted, or the scale is not known). Nodes that are not visible have no row.
    """
    import pandas as pd

    parts = []
    for match in matches:
        animal, node = np.nonzero(~np.isnan(match.truth).any(axis=2))
        errors = match.errors_px[animal, node]
        parts.append(
            pd.DataFrame(
                {
                    "video": match.video,
                    "frame_idx": match.frame_idx,
                    "animal": animal,
                    "matched": ~np.isin(animal, match.false_negatives),
                    "node": np.array(skeleton.nodes, dtype=object)[node],
                    "x": match.truth[animal, node, 0],
                    "y": match.truth[animal, node, 1],
                    "error_px": errors,
                    "error_mm": errors / (_scale_of(match.video, pixels_per_mm) or np.nan),
                }
            )
        )
    columns = ["video", "frame_idx", "animal", "matched", "node", "x", "y", "error_px", "error_mm"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _by_video(
    paper: Sequence[FrameMatch],
    coco: Sequence[FrameMatch],
    skeleton: Skeleton,
    config: EvaluationConfig,
    pixels_per_mm: PixelsPerMm,
) -> dict[str, dict[str, Any]]:
    videos = {}
    for name, group in groupby(sorted(zip(paper, coco, strict=True), key=_video_of), key=_video_of):
        pairs = list(group)
        summary = _summarize([a for a, _ in pairs], [b for _, b in pairs], skeleton, config, pixels_per_mm)
        summary.pop("precision")
        for unit in ("errors_px", "errors_mm"):
            summary[unit] = summary[unit] and summary[unit]["all"]
        videos[name] = summary
    return videos


def _video_of(pair: tuple[FrameMatch, FrameMatch]) -> str:
    return pair[0].video


def _summarize(
    paper: Sequence[FrameMatch],
    coco: Sequence[FrameMatch],
    skeleton: Skeleton,
    config: EvaluationConfig,
    pixels_per_mm: PixelsPerMm,
) -> dict[str, Any]:
    animals, undetected = sum(len(m.truth) for m in coco), sum(len(m.false_negatives) for m in coco)
    errors_px = np.concatenate([m.errors_px for m in coco]) if coco else np.empty((0, len(skeleton.nodes)))
    scale = [_scale_of(m.video, pixels_per_mm) or np.nan for m in coco for _ in m.truth]
    errors_mm = errors_px / np.array(scale).reshape(-1, 1)
    has_scale = not np.isnan(np.array(scale, np.float64)).all() if scale else False
    return {
        "frames": len(coco),
        "animals": animals,
        "false_negatives": undetected,
        "false_negative_share": _share(undetected, animals),
        "false_positives": sum(len(m.false_positives) for m in coco),
        **_count_points(coco),
        **(_summarize_oks(paper, coco) if len(skeleton.nodes) > 1 else dict.fromkeys(OKS_FIGURES)),
        "errors_px": _summarize_errors(errors_px, skeleton),
        "errors_mm": _summarize_errors(errors_mm, skeleton) if has_scale else None,
        **_count_near(coco, skeleton, config),
        "pck": {f"{px:g}": _share(int((errors_px < px).sum()), _visible_nodes(coco)) for px in config.pck_px},
    }


OKS_FIGURES = (
    *(f"{figure}_{form}" for form in ("paper", "coco", "sleap") for figure in ("map", "mar")),
    *("oks_mean_paper", "oks_mean_coco", "precision"),
)


def _summarize_oks(paper: Sequence[FrameMatch], coco: Sequence[FrameMatch]) -> dict[str, Any]:
    forms = {
        "paper": score_precision_paper(paper),
        "coco": score_precision_coco(coco),
        "sleap": score_precision_sleap(coco),
    }
    figures: dict[str, Any] = {}
    curves: dict[str, Any] = {"oks_thresholds": np.round(OKS_THRESHOLDS, 2).tolist()}
    for form, (precision, recall) in forms.items():
        figures[f"map_{form}"], figures[f"mar_{form}"] = _mean(precision), _mean(recall)
        curves[form] = {"average_precision": _plain(precision), "recall": _plain(recall)}
    for form, matches in (("paper", paper), ("coco", coco)):
        figures[f"oks_mean_{form}"] = _mean(np.array([m.similarity[pair] for m in matches for pair in m.pairs]))
    return {**figures, "precision": curves}


def _summarize_errors(errors: NDArray[np.float64], skeleton: Skeleton) -> dict[str, Any]:
    return {
        "all": _percentiles(errors),
        "nodes": {node: _percentiles(errors[:, column]) for column, node in enumerate(skeleton.nodes)},
    }


def _percentiles(errors: NDArray[np.float64]) -> dict[str, Any]:
    present = errors[~np.isnan(errors)]
    values = np.percentile(present, PERCENTILES).tolist() if len(present) else [None] * len(PERCENTILES)
    named = {f"p{percent}": value for percent, value in zip(PERCENTILES, values, strict=True)}
    return {"count": len(present), "mean": _mean(present), **named}


def _count_points(matches: Sequence[FrameMatch]) -> dict[str, Any]:
    """Nodes of matched animals: visible, of these without a prediction, and predicted though not visible."""
    points = missing = false_positive = 0
    for match in matches:
        for i, j in match.pairs:
            visible, predicted = (~np.isnan(pose).any(axis=1) for pose in (match.truth[i], match.predicted[j]))
            points += int(visible.sum())
            missing += int((visible & ~predicted).sum())
            false_positive += int((~visible & predicted).sum())
    return {
        "points": points,
        "missing_points": missing,
        "missing_points_share": _share(missing, points),
        "false_positive_points": false_positive,
    }


def _count_near(matches: Sequence[FrameMatch], skeleton: Skeleton, config: EvaluationConfig) -> dict[str, Any]:
    """Body parts of matched animals that were predicted near their labels, near being measured by the animals' size."""
    poses = np.concatenate([np.empty((0, len(skeleton.nodes), 2)), *(match.truth for match in matches)])
    boxes = find_boxes(poses[(~np.isnan(poses).any(axis=2)).sum(axis=1) > 1])
    size = float(np.median(np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T))) if len(boxes) else None
    near_px = max(NEAR_SHARE * size, LEAST_NEAR_PX) if size is not None else max(config.pck_px, default=LEAST_NEAR_PX)
    matched = [match.truth[[i for i, _ in match.pairs]] for match in matches]
    visible = sum(((~np.isnan(part).any(axis=2)).sum(axis=0) for part in matched), np.zeros(len(skeleton.nodes), int))
    near = sum(((match.errors_px <= near_px).sum(axis=0) for match in matches), np.zeros(len(skeleton.nodes), int))
    shares = [_share(int(part), int(whole)) for part, whole in zip(near, visible, strict=True)]
    return {
        "most_animals": max((len(match.truth) for match in matches), default=0),
        "size_px": size,
        "near_px": near_px,
        "near": {
            "all": _share(int(near.sum()), int(visible.sum())),
            "nodes": dict(zip(skeleton.nodes, shares, strict=True)),
        },
    }


def _visible_nodes(matches: Sequence[FrameMatch]) -> int:
    return sum(int((~np.isnan(m.truth).any(axis=2)).sum()) for m in matches)


def _scale_of(video: str, pixels_per_mm: PixelsPerMm) -> float | None:
    return pixels_per_mm.get(video) if isinstance(pixels_per_mm, Mapping) else pixels_per_mm


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) and not np.isnan(values).any() else None


def _plain(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
