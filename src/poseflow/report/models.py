"""What a trained model's folder tells: how it learned, and what its maps look like."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

from poseflow.config import KINDS
from poseflow.core.files import read_json
from poseflow.models import read_model_folder
from poseflow.report.palette import BLUE, GREY, INK, ORANGE, VERMILLION
from poseflow.report.style import Picture, draw_picture, image_uri, read_image


@dataclass(frozen=True)
class ModelStory:
    """One trained model, for the report."""

    name: str
    purpose: str
    facts: dict[str, str]
    curves: Picture | None
    maps: Picture | None
    config: str
    """Its settings, YAML."""
    versions: dict[str, str]
    remarks: list[str]
    """What is doubtful about its training."""


def read_model_story(name: str, folder: Path) -> ModelStory:
    """Read a model folder; one that was given without its history has no curves.

    Raises: ModelError for a folder that is no model.
    """
    described = read_model_folder(folder)
    training = read_json(folder / "training.json") if (folder / "training.json").is_file() else {}
    history = read_curves(folder / "history.csv")
    return ModelStory(
        name=name,
        purpose=KINDS[described.config.kind].purpose,
        facts=_list_facts(training),
        curves=_draw_curves(name, history, training) if len(history.get("epoch", ())) else None,
        maps=_show_maps(name, folder / "pictures", training),
        config=described.text,
        versions=training.get("versions", {}),
        remarks=_find_remarks(training, history),
    )


def read_curves(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of `history.csv`, NaN where a field is empty; none where there is no such file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in (rows[0] if rows else {})}


def _list_facts(training: dict) -> dict[str, str]:
    wording = {
        "train_frames": ("training frames", "{:,}"),
        "val_frames": ("validation frames", "{:,}"),
        "epochs": ("epochs", "{:,}"),
        "best_epoch": ("epoch that was kept", "{:,}"),
        "parameters": ("parameters", "{:,}"),
        "precision": ("precision", "{}"),
        "backend": ("backend", "{}"),
    }
    facts = {words: form.format(training[key]) for key, (words, form) in wording.items() if key in training}
    if "seconds" in training:
        facts["training time"] = f"{training['seconds'] / 60:.1f} min"
    return facts


def _find_remarks(training: dict, history: dict[str, NDArray[np.float64]]) -> list[str]:
    if not training.get("beats_baseline", True):
        return ["It learned next to nothing: its loss is that of empty maps. A lower training.learning_rate may help."]
    if training.get("val_frames") == 0:
        return ["There were no validation frames: the training loss decided which weights were kept."]
    figures = history.get("val_oks", -history["val_loss"] if "val_loss" in history else np.empty(0))
    # Of epochs that are equal but for noise the last one is kept, which says nothing of what more of them would bring.
    if len(figures) > 1 and figures[-1] > figures[:-1].max():
        return ["The last epoch was the best: longer training (training.max_epochs, training.minutes) may do better."]
    return []


def _draw_curves(name: str, history: dict[str, NDArray[np.float64]], training: dict) -> Picture:
    has_validation = "val_loss" in history
    caption = (
        f"Loss of {name} after each epoch of training (the lower the better; logarithmic). "
        + (
            "Blue: on the frames it learns from. Orange: on validation frames, which it never learns from. "
            if has_validation
            else ""
        )
        + "The weights of the marked epoch were kept. Below: the learning rate."
    )
    return draw_picture(lambda figure: _plot_curves(figure, history, training), (4.6, 3.5), caption)


def _plot_curves(figure: Figure, history: dict[str, NDArray[np.float64]], training: dict) -> None:
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    epoch = history["epoch"]
    marker = "o" if len(epoch) <= 12 else None
    for column, label, color in (("loss", "training", BLUE), ("val_loss", "validation", VERMILLION)):
        if column in history:
            above.plot(epoch, history[column], color=color, label=label, marker=marker, markersize=3.5)
    if "baseline_loss" in training:
        above.axhline(training["baseline_loss"], color=GREY, linewidth=1, linestyle="--", label="all-zero prediction")
    best = training.get("best_epoch")
    if best is not None and best in epoch:
        loss = history.get("val_loss", history["loss"])
        value = float(loss[epoch == best][0])
        above.axvline(best, color=GREY, linewidth=1, linestyle=":")
        above.plot([best], [value], "*", color=ORANGE, markeredgecolor=INK, markersize=11, label=f"kept: epoch {best}")
    above.set_yscale("log")
    # Matplotlib writes powers as formulas, which text without formulas shows as their source.
    above.yaxis.set_major_formatter("{x:g}")
    above.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
    above.set_ylabel("loss")
    above.legend(fontsize=8.5)
    if "learning_rate" in history:
        below.plot(epoch, history["learning_rate"], color=INK, marker=marker, markersize=3)
    below.set_ylim(bottom=0)
    below.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    below.set_ylabel("rate")
    below.set_xlabel("epoch")
    if len(epoch) <= 12:
        below.set_xticks(epoch)


def _show_maps(name: str, pictures: Path, training: dict) -> Picture | None:
    """The last picture of validation samples, or of training samples where there is none."""
    files = sorted(pictures.glob("val_epoch*.png")) or sorted(pictures.glob("train_epoch*.png"))
    if not files:
        return None
    side, _, epoch = files[-1].stem.partition("_epoch")
    words = "validation frames" if side == "val" else "training frames"
    caption = (
        f"Confidence maps of {name} after epoch {int(epoch)}, on samples of the {words}. "
        "Red: the maps, bright where a point is likely. Green circles: the labels."
    )
    image = read_image(files[-1])
    height, width = image.shape[:2]
    # Four samples or more fill the row of four that training draws; two rows of two can be seen on half a page.
    if training.get(f"{side}_frames", 0) >= 4 and width > 2 * height and width % 4 == 0:
        image = np.vstack(np.split(image, 2, axis=1))
    return Picture(image_uri(image), caption)
