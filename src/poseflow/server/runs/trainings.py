"""Trainings that are not at their end, models that are, and releases, from the files that they leave."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from poseflow.config import TrainingConfig, read_model_config
from poseflow.core.errors import PoseflowError
from poseflow.core.files import read_json
from poseflow.runs.places import ANY, Places
from poseflow.runs.promotion import BY_PERSON, Decision, describe_decision, read_history
from poseflow.runs.releases import Release, read_release
from poseflow.runs.trainings import judge_epoch, read_stop_request, seconds_left, work_folder
from poseflow.server.messages.run import (
    ComparisonFacts,
    Curves,
    DecisionFacts,
    Model,
    Networks,
    ReleasedModel,
    ReleaseFacts,
    Training,
)
from poseflow.server.runs.control import read_tail

LOG_LINES = 8
MOST_DECISIONS = 200
FIGURES = ("map_coco", "map_paper", "false_negative_share", "precision")


def find_work(places: Places, model: str, version: str) -> Path:
    """Where the training of a model keeps what it has."""
    return work_folder(places.training(model, version) / "model")


def list_trainings(places: Places, is_running: bool) -> list[Training]:
    """Trainings that are not at their end.

    Args:
        is_running: whether a run is at work.
    """
    return [_describe_training(places, *one, is_running) for one in places.find_trainings()]


def _describe_training(places: Places, model: str, version: str, is_running: bool) -> Training:
    work = find_work(places, model, version)
    columns = read_columns(work / "history.csv")
    request = read_stop_request(work)
    limits = _read_limits(work)
    epoch = int(columns["epoch"][-1] or 0) if columns.get("epoch") else None
    losses = columns.get("val_loss") or columns.get("loss") or []
    state: Literal["running", "waiting", "stopped"] = "stopped"
    if is_running:
        state = "running" if work.is_dir() else "waiting"
    can_stop = state == "running" and request is None
    log = places.log("train", model, version)
    return Training(
        name=model,
        version=version,
        state=state,
        job=_find_job(places.training(model, version)),
        epoch=epoch,
        epochs=limits and limits.max_epochs,
        best_epoch=_find_best(columns, limits),
        loss=losses[-1] if losses else None,
        seconds_left=_predict_end(columns, epoch, limits) if state == "running" else None,
        can_stop=can_stop,
        stopping=request is not None,
        log=read_tail(log, LOG_LINES),
    )


def _find_job(folder: Path) -> str | None:
    """SLURM's number of the job that trains."""
    try:
        noted = read_json(folder / "submitit" / "job.json")
    except (OSError, ValueError):
        return None
    return str(noted["job"]) if isinstance(noted, dict) and noted.get("scheduler") == "slurm" else None


def _read_limits(folder: Path) -> TrainingConfig | None:
    try:
        return read_model_config(folder / "config.yaml").training
    except (OSError, PoseflowError):
        return None


def _find_best(columns: dict[str, list[float | None]], limits: TrainingConfig | None) -> int | None:
    """The epoch whose weights would be kept now."""
    losses = columns.get("val_loss") or columns.get("loss") or []
    all_oks = columns.get("val_oks") or [0.0] * len(losses)
    schedule = (limits or TrainingConfig()).schedule
    kept, best_loss, best_oks = None, math.inf, 0.0
    for oks, loss, epoch in zip(all_oks, losses, columns.get("epoch", []), strict=False):
        if loss is None or epoch is None:
            continue
        is_better, is_kept = judge_epoch(loss, oks or 0.0, best_loss, best_oks, schedule)
        if is_kept:
            kept, best_loss = int(epoch), loss
        if is_better:
            best_oks = oks or 0.0
    return kept


def _predict_end(
    columns: dict[str, list[float | None]], epoch: int | None, limits: TrainingConfig | None
) -> float | None:
    seconds = columns.get("seconds") or [None]
    if seconds[-1] is None or not epoch or limits is None:
        return None
    return seconds_left(seconds[-1], epoch, limits.max_epochs, limits.minutes)


def read_columns(path: Path) -> dict[str, list[float | None]]:
    """Columns of a training's history; none where there is no such file, or no line in it yet."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return {}
    return {name: [_number(row[name]) for row in rows] for name in (rows[0] if rows else {})}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def find_model_folder(places: Places, model: str, version: str) -> Path | None:
    """Folder of a trained model, or of its training; None where there is neither."""
    work = find_work(places, model, version)
    if (model, version) in places.find_trainings() and work.is_dir():
        return work  # before the model's own folder: Snakemake makes that, empty, when the training begins
    trained = {(path.parent.name, path.name): path for path in places.find(places.model(ANY, ANY))}
    folder = trained.get((model, version))
    return folder if folder is not None and folder.is_dir() else None


def read_curves(folder: Path) -> Curves:
    """How a training's losses went."""
    columns = read_columns(folder / "history.csv")
    return Curves(columns=columns, best_epoch=_find_best(columns, _read_limits(folder)))


def list_pictures(folder: Path) -> dict[str, Path]:
    """Pictures of a model's maps, by name."""
    pictures = folder / "pictures"
    return {path.name: path for path in sorted(pictures.glob("*.png"))} if pictures.is_dir() else {}


def describe_networks(places: Places, is_running: bool) -> Networks:
    """All about networks. Raises ModelError for a damaged history of releases."""
    history = read_history(places.history)
    current = history[-1].current if history else None
    compared = [one for one in history if one.event not in BY_PERSON]
    candidate = compared[-1].candidate if compared and compared[-1].candidate != current else None
    trainings = list_trainings(places, is_running)
    return Networks(
        current=current,
        candidate=candidate,
        decisions=[_describe_decision(one) for one in history[::-1][:MOST_DECISIONS]],
        releases=[*_list_releases(places, history, current)],
        models=[*_list_models(places)],
        trainings=trainings,
    )


def _describe_decision(one: Decision) -> DecisionFacts:
    said = one.comparison
    return DecisionFacts(
        time=one.time.isoformat(),
        event=one.event,
        candidate=one.candidate,
        incumbent=one.incumbent,
        current=one.current,
        reason=one.reason,
        sentence=describe_decision(one),
        comparison=ComparisonFacts(**said.model_dump()) if said else None,
    )


def _list_releases(places: Places, history: list[Decision], current: str | None) -> Iterator[ReleaseFacts]:
    candidates = {one.candidate for one in history}
    earlier = {one.current for one in history}
    measured: dict[str, tuple[str, Path]] = {}
    for path in sorted(places.find(places.metrics(ANY, ANY)), key=lambda path: path.stat().st_mtime):
        measured[path.parent.name] = path.parents[1].name, path
    for path in places.find(places.release(ANY)):
        try:
            release = read_release(path)
        except PoseflowError:
            continue
        dataset, metrics = measured.get(release.id, (None, None))
        yield ReleaseFacts(
            id=release.id,
            models=[*_describe_models(release)],
            in_use=release.id == current,
            metrics=_read_metrics(metrics) if metrics else None,
            dataset=dataset,
            can_promote=release.id != current and release.id in candidates,
            can_roll_back=release.id != current and release.id in earlier,
        )


def _describe_models(release: Release) -> Iterator[ReleasedModel]:
    for name, folder in release.models.items():
        is_trained_here = Path(folder).parent.name == name
        yield ReleasedModel(name=name, version=Path(folder).name if is_trained_here else None)


def _read_metrics(path: Path) -> dict[str, float | None]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    figures = {name: found.get(name) for name in FIGURES}
    errors = (found.get("errors_px") or {}).get("all") or {}
    figures |= {"p50_px": errors.get("p50"), "p90_px": errors.get("p90"), "animals": found.get("animals")}
    figures["names"] = (found.get("identities") or {}).get("accuracy")
    return {name: value for name, value in figures.items() if value is None or isinstance(value, int | float)}


def _list_models(places: Places) -> Iterator[Model]:
    for folder in places.find(places.model(ANY, ANY)):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        try:
            facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        figures = ("best_loss", "baseline_loss", "seconds", "train_frames", "val_frames", "parameters")
        yield Model(
            name=folder.parent.name,
            version=folder.name,
            kind=facts.get("kind"),
            state="stopped" if facts.get("stopped_by") else "trained",
            epochs=facts.get("epochs"),
            best_epoch=facts.get("best_epoch"),
            metrics={name: facts.get(name) for name in figures},
            made=None,
            labels=facts.get("train_frames"),
            pictures=[*list_pictures(folder)],
        )
