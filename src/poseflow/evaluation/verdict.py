"""What accuracy on a test set means: in a sentence, and what of it needs a person's look."""

from collections.abc import Mapping
from typing import Any

from poseflow.core.wording import count_of

Metrics = Mapping[str, Any]

MUCH_SHARE = 0.05
"""A larger share of false negatives or of false positives is worth a word."""

LOW_MAP = 0.5
"""Of several animals in a frame; of one alone, mAP says little that its error in px does not say better."""

FAR_PX = 3.0
"""Where half of the body parts are farther from their labels than this, and than half of what is near, all are far."""

LEAST_NEAR = 0.9
"""A smaller share of a body part's labels with a prediction near them is worth a word."""


def say_accuracy(metrics: Metrics) -> str:
    """Errors of a test set in a sentence: median, 90th percentile and PCK; mAP too, of several animals in a frame."""
    errors, pck = metrics["errors_px"]["all"], metrics["pck"]
    if not errors["count"]:
        return f"none of {count_of(metrics['animals'], 'labeled animal')} was detected"
    shares = ", ".join(f"{_percent(share)} within {px} px" for px, share in pck.items() if share is not None)
    sentence = (
        f"half of the body parts that were predicted lie within {errors['p50']:.1f} px of their labels, 90 % within "
        f"{errors['p90']:.1f} px; of all labeled ones {shares} (PCK)"
    )
    return sentence if is_of_one_animal(metrics) else f"{sentence}; mAP {metrics['map_coco']:.3f}"


def find_concerns(metrics: Metrics) -> list[str]:
    """What is wrong or doubtful about accuracy on a test set with labeled animals, a sentence each."""
    concerns = []
    half, size = metrics["errors_px"]["all"]["p50"], metrics["size_px"]
    if not is_of_one_animal(metrics):
        if metrics["map_coco"] < LOW_MAP:
            concerns.append(
                f"Predictions are far from the labels of the test frames: mAP is {metrics['map_coco']:.3f}."
            )
    elif half is not None and half > max(FAR_PX, metrics["near_px"] / 2):
        length = f" The animal is {size:.0f} px long." if size else ""
        concerns.append(
            f"Predictions are far from the labels of the test frames: half are more than {half:.1f} px away.{length}"
        )
    far = [_say_node(node, metrics) for node, share in metrics["near"]["nodes"].items() if (share or 0) < LEAST_NEAR]
    sentences = [sentence for sentence in far if sentence]
    if sentences:
        concerns.append(
            f"Body parts that are often farther than {metrics['near_px']:.1f} px from their labels, or not predicted: "
            f"{'; '.join(sentences)}."
        )
    negatives, positives = metrics["false_negative_share"], metrics["false_positives"] / metrics["animals"]
    if negatives > MUCH_SHARE:
        concerns.append(f"{_percent(negatives)} of the labeled animals in the test frames were not detected.")
    if positives > MUCH_SHARE:
        found = count_of(metrics["false_positives"], "animal")
        concerns.append(
            f"False positives: {found} detected in the test frames where none is labeled "
            f"({_percent(positives)} of the number of labeled ones)."
        )
    return concerns


def is_of_one_animal(metrics: Metrics) -> bool:
    """Whether no frame has more than one labeled animal, or animals have no size by which mAP could measure."""
    return metrics["most_animals"] <= 1 or metrics["map_coco"] is None


def _say_node(node: str, metrics: Metrics) -> str:
    """How far a body part is off; nothing for one without labels."""
    share, errors = metrics["near"]["nodes"][node], metrics["errors_px"]["nodes"][node]
    if share is None:
        return ""
    within = f", 90 % of those predicted within {errors['p90']:.1f} px" if errors["count"] else ", never predicted"
    return f"{node} ({_percent(share)} near{within})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
