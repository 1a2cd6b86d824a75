"""What `poseflow.steps.evaluate.evaluate_release` measured, as tables and pictures of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poseflow.core.files import read_json
from poseflow.core.wording import count_of
from poseflow.evaluation import find_concerns, is_of_one_animal
from poseflow.report.grid import Grid, count, number, percent
from poseflow.report.style import Picture, image_uri, read_image, svg_uri

Metrics = Mapping[str, Any]
LEVELS = ("p50", "p75", "p90", "p95", "p99")
RANKS = {"best": "Among the best", "median": "Typical", "worst": "Among the worst"}


@dataclass(frozen=True)
class AccuracyStory:
    """Accuracy on the test set, for the report."""

    lead: str
    tables: Sequence[Grid] = ()
    nodes: Grid | None = None
    figures: Sequence[Picture] = ()
    examples: Mapping[str, Sequence[Picture]] = field(default_factory=dict)
    """By rank, in words."""
    tiles: Sequence[tuple[str, str, str]] = ()
    """Name, value and note of the figures for the top of the page."""
    speed: Grid | None = None
    frames_per_s: float | None = None
    concerns: Sequence[str] = ()


def read_accuracy_story(folder: Path) -> AccuracyStory:
    """Read a folder that `evaluate_release` wrote."""
    metrics = read_json(folder / "metrics.json")
    if metrics.get("incomparable"):
        sentence = f"How accurate the networks are is not known: {metrics['incomparable']}."
        return AccuracyStory(sentence, concerns=[sentence])
    if not metrics["animals"]:
        sentence = "The test set has no labeled animals, so it is not known how accurate the networks are."
        return AccuracyStory(
            f"{sentence} `split.test_fraction` or `split.hold_out` keep labeled frames back.", concerns=[sentence]
        )
    speed = metrics.get("speed")
    return AccuracyStory(
        lead=_lead(metrics),
        tables=[_tabulate_poses(metrics), _tabulate_errors(metrics), *_tabulate_identities(metrics["identities"])],
        nodes=_tabulate_nodes(metrics),
        figures=[_read_figure(folder / "figures", figure) for figure in metrics["figures"]],
        examples=_read_examples(folder / "examples", metrics["examples"]),
        tiles=_list_tiles(metrics),
        speed=_tabulate_speed(speed) if speed else None,
        frames_per_s=speed["frames_per_s"] if speed else None,
        concerns=find_concerns(metrics),
    )


def _lead(metrics: Metrics) -> str:
    videos = sorted(metrics["videos"])
    names = " and ".join(videos) if len(videos) <= 2 else f"{len(videos)} videos"
    return (
        f"Measured on {count_of(metrics['frames'], 'labeled frame')} ({count_of(metrics['animals'], 'animal')}) of "
        f"{names}, which the networks did not learn from. {percent(metrics['false_negative_share'])} of the animals "
        f"were not detected. Of the body parts that were predicted, half lie within {_length(metrics, 'p50')} of their "
        f"label, 95 % within {_length(metrics, 'p95')}."
    )


def _length(metrics: Metrics, level: str) -> str:
    """An error in px, and in mm where the scale is known."""
    mm = metrics["errors_mm"]["all"][level] if metrics["errors_mm"] else None
    said = f"{number(metrics['errors_px']['all'][level], 1)} px"
    return f"{said} ({number(mm, 2)} mm)" if mm is not None else said


def _list_tiles(metrics: Metrics) -> list[tuple[str, str, str]]:
    errors = metrics["errors_px"]["all"]
    near = f"median; 90 % within {_length(metrics, 'p90')}"
    tests = f"on {count_of(metrics['frames'], 'test frame')}"
    named = metrics["identities"]
    tiles = []
    if not is_of_one_animal(metrics):
        tiles += [("mAP", number(metrics["map_coco"], 3), f"accuracy {tests}; 1 is perfect")]
    tiles += [("error", f"{number(errors['p50'], 1)} px", near)]
    if is_of_one_animal(metrics):
        shares = [(px, share) for px, share in metrics["pck"].items() if share is not None]
        tiles += [("PCK", percent(share), f"of the body parts within {px} px, {tests}") for px, share in shares[-1:]]
    if named:
        tiles += [("right names", percent(named["accuracy"]), f"of {count_of(named['animals'], 'labeled animal')}")]
    return tiles


def _with_videos(metrics: Metrics) -> list[tuple[str, Metrics]]:
    """Each test video's figures, then those of all."""
    videos = metrics["videos"]
    return [*sorted(videos.items()), ("all", metrics)] if len(videos) > 1 else [(next(iter(videos)), metrics)]


def _tabulate_poses(metrics: Metrics) -> Grid:
    forms = ("coco", "sleap", "paper")
    rows = [
        [
            video,
            count(figures["frames"]),
            count(figures["animals"]),
            count(figures["false_negatives"]),
            count(figures["false_positives"]),
            *(" / ".join(number(figures[f"{figure}_{form}"], 3) for figure in ("map", "mar")) for form in forms),
        ]
        for video, figures in _with_videos(metrics)
    ]
    caption = (
        "Whole poses. mAP and mAR, mean average precision and recall: is each animal detected, and how alike are "
        "prediction and label (OKS, object keypoint similarity, at thresholds 0.50 to 0.95)? 1 is perfect. Three "
        "forms: COCO, to compare with most publications (false positives count as wrong); SLEAP 1.x, as its code has "
        "it (the same, but false positives do not count); paper, the equation of the SLEAP paper by its letter "
        "(stricter: half the tolerance)."
    )
    columns = ["test frames of", "#frames", "#animals", "#false negatives", "#false positives"]
    columns += ["#mAP / mAR: COCO", "#SLEAP 1.x", "#paper"]
    return Grid(columns, rows, caption, has_total=len(rows) > 1)


def _tabulate_errors(metrics: Metrics) -> Grid:
    rows = []
    for video, figures in _with_videos(metrics):
        whole = figures is metrics
        px, mm = (
            figures[unit]["all"] if whole and figures[unit] else figures[unit] for unit in ("errors_px", "errors_mm")
        )
        rows.append(
            [
                video,
                *(_px_and_mm(px, mm, level) for level in LEVELS),
                percent(figures["missing_points_share"]),
                *(percent(share) for share in figures["pck"].values()),
            ]
        )
    caption = (
        "Body parts. Distance between prediction and label: 50, 75, 90, 95 and 99 % of the predicted body parts are "
        "nearer than this"
        + (" (px, and mm where the scale is known)" if metrics["errors_mm"] else " (px)")
        + ". Missing: share of "
        "the visible body parts of detected animals that have no prediction. Last: share of all visible body parts, "
        "those of false negatives too, that were predicted within so many px (PCK)."
    )
    columns = ["test frames of", *(f"#{level[1:]} %" for level in LEVELS), "#missing"]
    columns += [f"#≤ {px} px" for px in metrics["pck"]]
    return Grid(columns, rows, caption, has_total=len(rows) > 1)


def _tabulate_identities(identities: Metrics | None) -> list[Grid]:
    """Who was taken for whom."""
    if identities is None:
        return []
    confusion = identities["confusion"]
    shares = [f"{video}: {percent(figures['accuracy'])}" for video, figures in sorted(identities["videos"].items())]
    caption = (
        f"Names. {percent(identities['accuracy'])} of {count(identities['animals'])} labeled animals have their right "
        f"name; those that were not detected count as wrong ({'; '.join(shares)}). Rows: the labels; columns: the name "
        "that was predicted, none, or no animal detected."
    )
    rows = [
        [label, *map(count, counts)] for label, counts in zip(confusion["labels"], confusion["counts"], strict=True)
    ]
    return [Grid(["label", *(f"#{name}" for name in confusion["predicted"])], rows, caption)]


def _tabulate_nodes(metrics: Metrics) -> Grid:
    in_mm = metrics["errors_mm"]["nodes"] if metrics["errors_mm"] else {}
    rows = [
        [node, count(px["count"]), *(_px_and_mm(px, in_mm.get(node), level) for level in LEVELS)]
        for node, px in metrics["errors_px"]["nodes"].items()
    ]
    caption = "Body part by body part: 50, 75, 90, 95 and 99 % of its predictions are nearer to the label than this" + (
        ", px (mm)." if in_mm else ", px."
    )
    return Grid(["body part", "#predicted", *(f"#{level[1:]} %" for level in LEVELS)], rows, caption)


def _px_and_mm(px: Metrics, mm: Metrics | None, level: str) -> str:
    has_mm = mm is not None and mm[level] is not None
    return number(px[level], 1) + (f" ({number(mm[level], 3)})" if mm is not None and has_mm else "")


def _tabulate_speed(speed: Metrics) -> Grid:
    row = [
        "networks alone",
        count(speed["frames"]),
        f"{speed['width']} × {speed['height']}",
        count(speed["batch_size"]),
        number(speed["frames_per_s"], 1),
    ]
    caption = "The networks on test frames that are in memory already, from image to points, after a warm-up."
    return Grid(["", "#frames", "#size (px)", "#at a time", "#frames/s"], [row], caption)


def _read_figure(folder: Path, figure: Mapping[str, str]) -> Picture:
    path = folder / figure["file"]
    uri = svg_uri(path.read_text(encoding="utf-8")) if path.suffix == ".svg" else image_uri(read_image(path))
    return Picture(uri, figure["caption"], figure["title"])


def _read_examples(folder: Path, examples: Sequence[Metrics]) -> dict[str, list[Picture]]:
    pictures: dict[str, list[Picture]] = {}
    for example in examples:
        words = [f"{example['video']}, frame {example['frame_idx']:,}: similarity {number(example['oks'], 2)}"]
        words += [
            count_of(example[f"false_{kind}s"], f"false {kind}")
            for kind in ("negative", "positive")
            if example[f"false_{kind}s"]
        ]
        image = read_image(folder / example["file"])
        aspect = round(image.shape[1] / image.shape[0], 3)
        picture = Picture(image_uri(image, 900), ", ".join(words) + ".", aspect=aspect)
        pictures.setdefault(RANKS[example["rank"]], []).append(picture)
    return pictures
