"""How often animals are called by their right names."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from poseflow.config import EvaluationConfig
from poseflow.core.similarity import score_node_distance
from poseflow.evaluation.matches import FrameMatch

UNNAMED, NOT_DETECTED = "unnamed", "not detected"


def evaluate_identities(
    matches: Sequence[FrameMatch], names: Sequence[str], config: EvaluationConfig | None = None
) -> dict[str, Any] | None:
    """Measure the names that were given against those of the labels.

    Every labeled animal with a name counts; one that was not detected, or is matched with a pose that is farther away
    than `config.match_px` (mean over the nodes that both have), counts as wrong, and so does one that was left unnamed.

    Args:
        matches: labels and predictions of all labeled frames, in COCO's form.
        names: that could be given.

    Returns: what JSON can hold: `accuracy` (the share of `animals` whose name is right), `correct`, `animals` (counts);
        `confusion`: `labels` (rows), `predicted` (columns: the names, `unnamed`, `not detected`) and `counts`;
        `videos`: `accuracy`, `correct` and `animals` of each. None where no name could be given, or no label has one.
    Source: Pereira et al. 2022, Fig. 5e: "the fraction of animals identified correctly in each video".
    """
    config = config or EvaluationConfig()
    given = [row for match in matches for row in _list_names(match, config.match_px)]
    if not names or not given:
        return None
    rows = sorted({label for _, label, _ in given})
    columns = [*names, UNNAMED, NOT_DETECTED]
    counts = np.zeros((len(rows), len(columns)), int)
    for _, label, name in given:
        counts[rows.index(label), columns.index(name)] += 1
    by_video = groupby(sorted(given), key=lambda row: row[0])
    return {
        **_share_right(given),
        "confusion": {"labels": rows, "predicted": columns, "counts": counts.tolist()},
        "videos": {video: _share_right(list(names)) for video, names in by_video},
    }


def _list_names(match: FrameMatch, match_px: float) -> list[tuple[str, str, str]]:
    """Video, true name and the name that was given, of each labeled animal with a name."""
    distance = score_node_distance(match.truth, match.predicted)
    predicted = {i: match.predicted_names[j] or UNNAMED for i, j in match.pairs if distance[i, j] <= match_px}
    return [
        (match.video, name, predicted.get(i, NOT_DETECTED))
        for i, name in enumerate(match.true_names)
        if name is not None
    ]


def _share_right(rows: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    correct = sum(label == name for _, label, name in rows)
    return {"accuracy": correct / len(rows), "correct": correct, "animals": len(rows)}
