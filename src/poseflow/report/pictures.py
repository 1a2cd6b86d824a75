"""Pictures of a model's accuracy, as files: figures, and example frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poseflow.core.skeleton import Skeleton
from poseflow.core.wording import count_of
from poseflow.evaluation import FrameMatch, score_frames
from poseflow.report.examples import draw_example
from poseflow.report.localization import (
    LEVELS,
    cut_portrait,
    find_typical,
    plot_by_node,
    plot_distribution,
    plot_on_animal,
    plot_similarity,
)
from poseflow.report.ranking import choose_examples
from poseflow.report.style import draw_figure, draw_png

MAX_PORTRAITS = 4
WIDTH_IN = 4.6


@dataclass(frozen=True)
class MeasuredFrames:
    """Labeled frames that were predicted.

    matches: labels and predictions (COCO form). image_of: image (height, width, channels) of frame number i.
    """

    matches: Sequence[FrameMatch]
    image_of: Callable[[int], NDArray[np.uint8]]
    skeleton: Skeleton

    def by_video(self) -> dict[str, list[int]]:
        """Numbers of each video's frames."""
        videos: dict[str, list[int]] = {}
        for number, match in enumerate(self.matches):
            videos.setdefault(match.video, []).append(number)
        return videos


def write_figures(frames: MeasuredFrames, folder: Path, pixels_per_mm: float | None = None) -> list[dict[str, str]]:
    """Draw the accuracy of a test set; gives file name, title and caption of each figure.

    Args:
        frames: those without a labeled animal add nothing; where none has one, there are no figures.
        folder: is made where it is not there.
        pixels_per_mm: adds an axis in mm.
    """
    if not any(len(match.truth) for match in frames.matches):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figures = [*_write_portraits(frames, folder), _write_distribution(frames, folder)]
    if len(frames.skeleton.nodes) > 1:
        figures.append(_write_similarity(frames, folder))
    return [*figures, _write_nodes(frames, folder, pixels_per_mm)]


def write_examples(frames: MeasuredFrames, folder: Path, each: int) -> list[dict[str, Any]]:
    """Draw the best, the median and the worst frames; gives file name, rank, video, frame and OKS of each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    place_of = {(match.video, match.frame_idx): number for number, match in enumerate(frames.matches)}
    scored = score_frames(frames.matches)
    examples = []
    for rank, chosen in choose_examples(scored, each).items():
        for position, frame in enumerate([scored[i] for i in chosen]):
            number = place_of[frame["video"], frame["frame_idx"]]
            match = frames.matches[number]
            file = f"{rank}_{position + 1}.png"
            picture = draw_example(frames.image_of(number), match.truth, match.predicted, frames.skeleton)
            encoded = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1]
            (folder / file).write_bytes(encoded.tobytes())  # cv2.imwrite is silent on a full disk
            counts = {
                "labeled": len(match.truth),
                "false_negatives": len(match.false_negatives),
                "false_positives": len(match.false_positives),
            }
            examples.append({"file": file, "rank": rank, **frame, **counts})
    return examples


def find_percentiles(matches: Sequence[FrameMatch]) -> dict[int, list[float | None]]:
    """Percentiles (LEVELS) of each node's error in px, over the predicted points; None where there are none."""
    errors = np.concatenate([match.errors_px for match in matches])
    predicted = [column[np.isfinite(column)] for column in errors.T]
    return {level: [float(np.percentile(one, level)) if len(one) else None for one in predicted] for level in LEVELS}


def _write_portraits(frames: MeasuredFrames, folder: Path) -> Iterator[dict[str, str]]:
    """One picture of each test video, of those with most labeled animals."""
    animals = {video: sum(len(frames.matches[i].truth) for i in part) for video, part in frames.by_video().items()}
    largest = sorted((video for video in animals if animals[video]), key=lambda video: -animals[video])
    for position, video in enumerate(sorted(largest[:MAX_PORTRAITS])):
        numbers = frames.by_video()[video]
        matches = [frames.matches[i] for i in numbers]
        poses = np.concatenate([match.truth for match in matches])
        typical = find_typical(poses)
        owner = [i for i, match in zip(numbers, matches, strict=True) for _ in match.truth][typical]
        portrait, percentiles = cut_portrait(frames.image_of(owner), poses[typical]), find_percentiles(matches)

        def plot(figure: Figure, portrait: Any = portrait, percentiles: Any = percentiles) -> None:
            plot_on_animal(figure, portrait, frames.skeleton, percentiles)

        file = f"on_animal_{position + 1}.png"
        (folder / file).write_bytes(draw_png(plot, WIDTH_IN, 3.3))
        title = "Error drawn on the animal" + (f": {video}" if len(largest) > 1 else "")
        caption = (
            f"A typical animal of {video}. The circles round a body part hold 50, 75, 90 and 95 % of its "
            f"predictions, in {_say_which(matches)}. Contrast is stretched."
        )
        yield {"file": file, "title": title, "caption": caption}


def _write_nodes(frames: MeasuredFrames, folder: Path, pixels_per_mm: float | None) -> dict[str, str]:
    nodes, percentiles = frames.skeleton.nodes, find_percentiles(frames.matches)
    text = draw_figure(
        lambda figure: plot_by_node(figure, nodes, percentiles, pixels_per_mm),
        WIDTH_IN,
        (1.5 if pixels_per_mm else 1.0) + 0.24 * len(nodes),
    )
    caption = (
        "Distance of predictions from labels: 50, 75, 90 and 95 % of them are nearer than the dots, in "
        f"{_say_which(frames.matches)}. Body parts that were not found are not counted here."
    )
    return _write(folder / "by_node.svg", text, "Error by body part", caption)


def _write_distribution(frames: MeasuredFrames, folder: Path) -> dict[str, str]:
    errors = {}
    for video, numbers in frames.by_video().items():
        matches = [frames.matches[i] for i in numbers]
        distance = np.concatenate([match.errors_px for match in matches])
        labeled = ~np.isnan(np.concatenate([match.truth[..., 0] for match in matches]))
        if labeled.any():
            errors[video] = np.where(np.isnan(distance), np.inf, distance)[labeled]
    caption = (
        "Share of labeled body parts that were predicted within a distance of the label (PCK), in "
        f"{_say_which(frames.matches)}. What a curve lacks to 100 % at its right end is missing or farther off."
    )
    text = draw_figure(lambda figure: plot_distribution(figure, errors), WIDTH_IN, 3.2)
    return _write(folder / "distribution.svg", text, "Error of all body parts", caption)


def _write_similarity(frames: MeasuredFrames, folder: Path) -> dict[str, str]:
    similarity = {
        video: np.concatenate([_similarities(frames.matches[i]) for i in numbers])
        for video, numbers in frames.by_video().items()
    }
    caption = (
        f"How alike prediction and label are, for each animal in {_say_which(frames.matches)}. OKS, object keypoint "
        "similarity (COCO form): 1 is the same pose; 0 is not detected."
    )
    text = draw_figure(lambda figure: plot_similarity(figure, similarity), WIDTH_IN, 3.2)
    return _write(folder / "similarity.svg", text, "Similarity of whole poses", caption)


def _similarities(match: FrameMatch) -> NDArray[np.float64]:
    """OKS of each labeled animal with its prediction, 0 where it has none."""
    values = np.zeros(len(match.truth))
    for pair in match.pairs:
        values[pair[0]] = match.similarity[pair]
    return values


def _say_which(matches: Sequence[FrameMatch]) -> str:
    """The data in words: how many held-out frames of which videos."""
    videos = sorted({match.video for match in matches})
    names = ", ".join(videos) if len(videos) <= 3 else f"{len(videos)} videos"
    animals = sum(len(match.truth) for match in matches)
    return f"{count_of(len(matches), 'held-out frame')} ({count_of(animals, 'animal')}) of {names}"


def _write(path: Path, text: str, title: str, caption: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return {"file": path.name, "title": title, "caption": caption}
