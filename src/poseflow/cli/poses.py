"""Verbs from frames to poses: run, predict, track, assemble."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import (
    ConfigFile,
    Models,
    Out,
    Settings,
    change_section,
    find_index,
    read_config,
    read_section,
    shows,
)
from poseflow.config import Config, PredictConfig, TrackingConfig
from poseflow.core.errors import ConfigError, VideoError
from poseflow.core.wording import count_of


def run(
    source: Annotated[Path, typer.Argument(help="A recording, or a folder that is searched with its subfolders.")],
    models: Models,
    animals: Annotated[int | None, typer.Option(help="Their number, where it is known.")] = None,
    overlay: Annotated[bool, typer.Option("--overlay", help="Draw the poses over each video, too.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for all that is made; by default SOURCE.poses, here."),
    ] = None,
    config: ConfigFile = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="KEY=VALUE", help="Change one setting, as tracking.max_tracks=2; may be repeated."
        ),
    ] = None,
) -> None:
    """Find and follow the animals of a recording, or of all in a folder, by one command.

    It does what index, predict, track and assemble do. The pose tables are in the folder `poses` of --out; the files of
    a subfolder are one recording. The same command goes on where it was interrupted, and predicts nothing twice. What
    cannot be read is told and left out.

    Example:

        poseflow run flies.mp4 --model centroid --model centered_instance --animals 2 --overlay
    """
    settings = change_section(read_config(config), changes, Config)
    from poseflow.steps.run import run_steps

    where = out or Path(f"{source.resolve().stem if source.is_file() else source.resolve().name}.poses")
    made = run_steps(source, models, where, settings, animals, overlay)
    for path in (*made.poses, *made.overlays):
        typer.echo(path)
    if made.left_out:
        typer.echo(f"left out, see above: {', '.join(made.left_out)}", err=True)


@shows(PredictConfig)
def predict(
    recording: Annotated[Path, typer.Argument(help="The recording, or its index, of `poseflow index`.")],
    models: Models,
    out: Out,
    start: Annotated[int, typer.Option(help="First frame.")] = 0,
    stop: Annotated[int | None, typer.Option(help="The frame after the last; all by default.")] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Say how long each step took, per frame.")] = False,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Find the animals in a recording's frames, and write the predictions table.

    Rows do not depend on where the frames are cut: tables of 0–999 and 1000–1999 are the two halves of that of 0–1999.

    Example:

        poseflow predict cage1.mp4 -m centroid -m centered_instance --out cage1.predictions.parquet
    """
    settings = read_section(PredictConfig, "predict", config, changes)
    found = find_index(recording, read_config(config))
    from poseflow.steps.predict import predict_frames
    from poseflow.steps.release import describe_release, name_models

    if not found.is_ok:
        raise VideoError(f"{found.path}: must be readable, got quarantined: {found.reason}")
    release = describe_release(name_models(models))
    from poseflow.inference.profile import Profile

    measured = Profile(times_networks=True) if profile else None
    frames = start, found.frames if stop is None else stop
    predict_frames(found, release, frames, out, settings, found.path, profile=measured)
    if measured is not None:
        typer.echo(measured.describe(), err=True)


@shows(TrackingConfig)
def track(
    predictions: Annotated[
        list[Path],
        typer.Argument(help="Predictions tables of one video, or a folder of them for each video of a recording."),
    ],
    out: Out,
    index: Annotated[
        list[Path] | None, typer.Option(help="Index of each video: for gaps between them, and for --review.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="List of the links to review, a .csv; beside it a .slp for SLEAP's GUI.")
    ] = None,
    corrections: Annotated[
        list[Path] | None,
        typer.Option(help="Logs of claims (.jsonl), and such .slp files as a person corrected and saved them."),
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Link a recording's instances into tracks, and name them. Reads tables only, no video.

    Examples:

        poseflow track cage1.predictions.parquet --out cage1.tracks.parquet --set animals=4

        poseflow track day1 day2 --index day1.json --index day2.json --out cage.parquet --review cage.csv
    """
    configs = read_section(TrackingConfig, "tracking", config, changes), read_config(config).review
    from poseflow.media import read_index
    from poseflow.steps.track import TrackedFiles, track_videos

    folders = [path for path in predictions if path.is_dir()]
    tables = {path.name: sorted(path.glob("*.parquet")) for path in folders} or {"": predictions}
    if index is None and (review or corrections or len(tables) > 1):
        raise ConfigError("--index must be given for each video of a recording, for --review and --corrections")
    indexes = None
    if index is not None:
        names = list(tables) if folders else [index[0].stem]
        indexes = dict(zip(names, map(read_index, index), strict=True))
        tables = dict(zip(names, tables.values(), strict=True))
    lists = review or out.with_suffix(".csv")
    written = TrackedFiles(out, lists, lists.with_suffix(".slp"))
    links = track_videos(tables, written, configs, indexes, corrections=corrections or ())
    typer.echo(f"{out}: {count_of(links, 'link')} to review")


def assemble(
    predictions: Annotated[list[Path], typer.Argument(help="Predictions tables of one recording, in any order.")],
    tracks: Annotated[Path, typer.Option(help="Its tracks, of `poseflow track`.")],
    index: Annotated[Path, typer.Option(help="Its index, of `poseflow index`.")],
    out: Out,
    recording: Annotated[str | None, typer.Option(help="Name of the recording; by default the index file's.")] = None,
    pixels_per_mm: Annotated[float | None, typer.Option(help="Scale of the image.")] = None,
    start_time: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="When the recording began, as 2026-03-01T18:00:00+0100."),
    ] = None,
    corrections: Annotated[
        list[Path] | None, typer.Option(help="Logs and .slp files of corrections that the tracks were made with.")
    ] = None,
) -> None:
    """Put predictions, tracks and times together: the pose table.

    Example:

        poseflow assemble cage1.predictions.parquet --tracks cage1.tracks.parquet --index cage1.json --out cage1.parquet
    """
    from poseflow.media import read_index
    from poseflow.runs.recording_facts import RecordingFacts
    from poseflow.steps.assemble import assemble_poses

    names = recording or index.stem, index.stem
    assemble_poses(
        predictions,
        tracks,
        read_index(index),
        out,
        names,
        RecordingFacts(start_time, pixels_per_mm),
        (),
        corrections or (),
    )
