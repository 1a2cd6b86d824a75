"""Verbs about labels and models: split, train, evaluate, release, export-model, rollback, promote, backbones."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from poseflow.cli.options import ConfigFile, Out, Settings, read_config, read_section, shows
from poseflow.config import EvaluationConfig, PredictConfig, SplitConfig
from poseflow.core.errors import ConfigError, IncomparableError
from poseflow.core.wording import count_of
from poseflow.runs.places import PLACES, Places

if TYPE_CHECKING:
    from poseflow.runs.promotion import Decision


@shows(SplitConfig)
def split(
    labels: Annotated[list[Path], typer.Argument(help="Label files: .slp, CollectedData_*.csv or .h5, COCO .json.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for train.pkg.slp, val.pkg.slp and test.pkg.slp.")],
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Divide labeled frames into training, validation and test set, for good.

    A frame's side is drawn by its name and number: labels that are added later move none of the old ones, but for those
    that a side without any of its own has borrowed.

    Example:

        poseflow split labels/*.slp --out dataset --set by=block --set seed=1
    """
    settings = read_section(SplitConfig, "split", config, changes)
    from poseflow.steps.label_files import LabelFiles
    from poseflow.steps.split import split_dataset

    files = {side: out / f"{side}.pkg.slp" for side in ("train", "val", "test")}
    frames = split_dataset(LabelFiles(labels, read_config(config).labels), files, settings)
    for side, count in frames.items():
        typer.echo(f"{side}: {count_of(count, 'frame')}")


def train(
    profile: Annotated[Path | None, typer.Argument(help="The model's profile, as config/models/centroid.yaml.")] = None,
    train: Annotated[Path | None, typer.Option(help="Training set, a .pkg.slp.")] = None,
    val: Annotated[Path | None, typer.Option(help="Validation set, a .pkg.slp.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Model folder; while it is not there, training resumes.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Only show what the workflow's trainings log, until they end.")
    ] = False,
    stop: Annotated[
        str | None, typer.Option(metavar="MODEL", help="End that model's training early; its best weights are kept.")
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="SLEAP's GUI listens there for progress, as at tcp://127.0.0.1:9001."),
    ] = None,
    obey: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="From there SLEAP's GUI may stop it, as from tcp://127.0.0.1:9000."),
    ] = None,
    cancel: Annotated[
        str | None, typer.Option(metavar="MODEL", help="End that model's training, and drop what it has learned.")
    ] = None,
) -> None:
    """Train a model, here and now; or follow the trainings of a workflow, or end one early.

    Interrupt it as you like: the same command goes on from the last epoch.

    Example:

        poseflow train config/models/centroid.yaml --train train.pkg.slp --val val.pkg.slp --out centroid

        poseflow train --follow

        poseflow train --stop centered_instance
    """
    if follow:
        _follow_trainings()
        return
    if stop or cancel:
        _stop_trainings(stop or cancel or "", keep=bool(stop))
        return
    given = {"PROFILE": profile, "--train": train, "--val": val, "--out": out}
    missing = [name for name, value in given.items() if value is None]
    if missing or profile is None or train is None or val is None or out is None:
        raise typer.BadParameter(f"must be given: {', '.join(missing)}; or one of --follow, --stop and --cancel alone")
    from poseflow.config import read_model_config

    settings = read_model_config(profile)
    from poseflow.runs.trainings import forget_stop_request, work_folder
    from poseflow.steps.train import train_profile

    monitor = None
    if publish or obey:
        from poseflow.training.monitor import MonitorAddresses

        given_addresses = {name: value for name, value in (("progress", publish), ("control", obey)) if value}
        monitor = MonitorAddresses(**given_addresses)
    forget_stop_request(work_folder(out))
    train_profile(settings, (train, val), out, monitor=monitor)
    typer.echo(f"{out}: trained")


def _stop_trainings(model: str, keep: bool) -> None:
    from poseflow.runs.trainings import find_work_folders, request_stop

    for work in find_work_folders(model, PLACES):
        request_stop(work, keep)
        typer.echo(f"{work}: {'stops after its next batch' if keep else 'is cancelled'}")


def _follow_trainings() -> None:
    from poseflow.cluster import find_logs, follow_logs

    def find() -> dict[str, Path]:
        return find_logs(PLACES)

    if not find():
        typer.echo("no training is in progress here; followed are those of the workflow in this folder")
    for name, line in follow_logs(find):
        typer.echo(f"{name}: {line}")


@shows(EvaluationConfig)
def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Folders of models that work together.")],
    test: Annotated[Path, typer.Option(help="Test set, a .pkg.slp.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for metrics.json, figures/ and examples/.")],
    pixels_per_mm: Annotated[float | None, typer.Option(help="Scale of the images, for errors in mm.")] = None,
    examples: Annotated[int, typer.Option(help="Frames shown for each of best, median and worst.")] = 3,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Measure how well models predict the labeled animals of a test set.

    mAP and mAR by OKS, in the paper's and in COCO's form; median and 90th percentile of the error, of all and per node,
    and PCK; false negatives and false positives; right names; and what needs a look.

    Example:

        poseflow evaluate centroid centered_instance --test dataset/test.pkg.slp --out accuracy
    """
    settings = read_section(EvaluationConfig, "evaluation", config, changes)
    from poseflow.evaluation import find_concerns, say_accuracy
    from poseflow.steps.evaluate import evaluate_release

    whole = read_config(config)
    metrics = evaluate_release(models, test, out, whole.predict, settings, whole.tracking, pixels_per_mm, examples)
    if reason := metrics.get("incomparable"):
        raise IncomparableError(reason)
    for name in ("frames", "animals", "false_negatives", "false_positives", "map_paper", "map_coco"):
        typer.echo(f"{name}: {metrics[name]}")
    if metrics["animals"]:
        typer.echo(f"errors: {say_accuracy(metrics)}")
        for node, errors in metrics["errors_px"]["nodes"].items():
            typer.echo(f"{node}: {_say_errors(errors)}")
        for concern in find_concerns(metrics):
            typer.echo(f"look: {concern}")
    if metrics["identities"]:
        typer.echo(f"right names: {metrics['identities']['accuracy']}")


def _say_errors(errors: Mapping[str, Any]) -> str:
    if not errors["count"]:
        return "never found"
    return f"median {errors['p50']:.1f} px, 90 % within {errors['p90']:.1f} px, {errors['count']} found"


@shows(EvaluationConfig)
def evaluate_tracking(
    labels: Annotated[list[Path], typer.Argument(help="Label files whose tracks name the animals.")],
    index: Annotated[Path, typer.Option(help="The recording's index, of `poseflow index`.")],
    predictions: Annotated[list[Path], typer.Option(help="Its predictions tables; may be repeated.")],
    tracks: Annotated[Path, typer.Option(help="Its tracks, of `poseflow track`.")],
    out: Out,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Measure how well a recording's tracks keep its animals apart.

    ID switches, MOTA and IDF1, in the frames that are labeled.

    Example:

        poseflow evaluate-tracking a.slp --index a.json --predictions a.parquet --tracks t.parquet --out mot.json
    """
    settings = read_section(EvaluationConfig, "evaluation", config, changes)
    from poseflow.media import read_index
    from poseflow.steps.evaluate_tracking import evaluate_tracks_of
    from poseflow.steps.label_files import LabelFiles

    recording = index.stem, Path(read_index(index).path)
    files = LabelFiles(labels, read_config(config).labels)
    metrics = evaluate_tracks_of(files, recording, predictions, tracks, out, settings)
    for name in ("frames", "animals", "tracks", "switches", "mota", "idf1"):
        typer.echo(f"{name}: {metrics[name]}")


@shows(PredictConfig)
def release(
    models: Annotated[list[Path], typer.Argument(help="Model folders that work together.")],
    out: Out,
    validation: Annotated[
        Path | None,
        typer.Option(help="Labeled frames (val.pkg.slp) on which the fastest runtime with the same points is chosen."),
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Put trained models together as a release: a file that says what runs over recordings.

    With --validation each runtime and number format that this machine has runs the labeled frames. The fastest whose
    points move by less than 0.1 px in the median and 1 px in 99 % of them, and whose mAP falls by less than 0.005, is
    what `predict.runtime=auto` then means; the settings below say how models predict.

    Examples:

        poseflow release centroid centered_instance --out release.json

        poseflow release centroid centered_instance --validation val.pkg.slp --out release.json
    """
    settings = read_section(PredictConfig, "predict", config, changes)
    from poseflow.steps.release import name_models, put_together

    made = put_together(name_models(models), out, validation=(validation, settings) if validation else None)
    typer.echo(f"{out}: release {made.id}")
    if made.runtime is not None:
        for tried in made.runtime.tried:
            typer.echo(tried.describe())
        typer.echo(f"runs by {made.runtime.runtime} in {made.runtime.precision}")


@shows(PredictConfig)
def export_model(
    models: Annotated[list[Path], typer.Argument(help="Model folders that work together, or one of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder that is written.")],
    to: Annotated[Literal["onnx", "openvino", "savedmodel"], typer.Option(help="Format of what --size adds.")] = "onnx",
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Of the frames, as 1024x768: for a file from frames to points."),
    ] = None,
    precision: Annotated[
        Literal["float32", "float16"], typer.Option(help="Number format of the networks.")
    ] = "float32",
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Write trained models for other programs, and to predict without TensorFlow.

    Each model's network becomes a folder that predict and run take as a model, with runtime onnxruntime or openvino.
    With --size there is, beside them, a file that goes from frames (uint8, any number at once) to points, as sleap-nn
    and Bonsai read it: model.onnx, model.xml, or the folder saved_model. The settings below are part of that.

    Examples:

        poseflow export-model centroid centered_instance --out exported

        poseflow export-model centroid centered_instance --to onnx --size 1024x1024 --out exported
    """
    settings = read_section(PredictConfig, "predict", config, changes)
    sides = re.fullmatch(r"([1-9][0-9]*)x([1-9][0-9]*)", size or "1x1")
    if sides is None:
        raise ConfigError(f"--size must be WIDTHxHEIGHT, as 1024x768, got {size!r}")
    from poseflow.models.exported import ExportSettings
    from poseflow.steps.export_model import export_models
    from poseflow.steps.release import name_models

    width, height = map(int, sides.groups())
    export_models(name_models(models), out, ExportSettings(to, precision, (height, width) if size else None, settings))
    typer.echo(out)


def rollback(
    to: Annotated[str | None, typer.Argument(metavar="RELEASE", help="By default the one before.")] = None,
    results: Annotated[Path, typer.Option(help="The folder that the workflow fills.")] = PLACES.results,
) -> None:
    """Go back to a release that was in use before: from now on it runs over new recordings.

    Recordings keep the release they were predicted with; `promotion.repredict` brings them to the one in use.

    Example:

        poseflow rollback
    """
    from poseflow.runs.promotion import roll_back

    _put_in_use(lambda history: roll_back(history, to), results)


def promote(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="As the summary and the report name it.")],
    results: Annotated[Path, typer.Option(help="The folder that the workflow fills.")] = PLACES.results,
) -> None:
    """Put a release in use that was not promoted: not compared, or no better.

    Example:

        poseflow promote 0a1b2c3d4e
    """
    from poseflow.runs.promotion import choose_release

    _put_in_use(lambda history: choose_release(history, release), results)


def _put_in_use(decide: "Callable[[Sequence[Decision]], Decision]", results: Path) -> None:
    from poseflow.steps.promote import put_in_use

    decision = put_in_use(decide, Places(results))
    typer.echo(f"release {decision.current} is in use, in place of {decision.incumbent}")


def backbones(
    names: Annotated[
        list[str] | None, typer.Argument(help="Those to list; by default all, which takes minutes.")
    ] = None,
    side: Annotated[int, typer.Option(min=32, help="Side of the image, px; a multiple of the maximum strides.")] = 256,
    channels: Annotated[int, typer.Option(min=1, max=3, help="1: grey, 3: RGB.")] = 1,
) -> None:
    """List the backbones: weights, arithmetic, receptive field, strides, and where to start.

    Each with its default settings and the decoder up to stride 4, as a line of a Markdown table.

    Example:

        poseflow backbones unet resnet50 efficientnetlite0 --side 384
    """
    from poseflow.config import BACKBONES
    from poseflow.networks.survey import TABLE_HEAD, survey_backbones, write_row

    typer.echo(TABLE_HEAD)
    kinds = {name: BACKBONES[name].model_validate({"name": name}) for name in names or BACKBONES}
    for name, backbone in kinds.items():
        if side % backbone.max_stride:
            raise ConfigError(f"--side must be a multiple of {backbone.max_stride} for {name}, got {side}")
    for facts in survey_backbones([*kinds.values()], side, channels):
        typer.echo(write_row(facts))
