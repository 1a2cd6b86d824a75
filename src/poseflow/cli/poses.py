"""Verbs from frames to poses: predict, track, assemble."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import ConfigFile, Out, Settings, list_settings, read_section
from poseflow.config import PredictConfig, TrackingConfig


def add_verbs(app: typer.Typer) -> None:
    """Add this module's verbs to the command."""
    app.command(epilog=list_settings(PredictConfig))(predict)
    app.command(epilog=list_settings(TrackingConfig))(track)
    app.command()(assemble)


def predict(
    index: Annotated[Path, typer.Argument(help="The recording's index, of `poseflow index`.")],
    models: Annotated[list[Path], typer.Option("--model", "-m", help="A model folder; may be repeated.")],
    out: Out,
    start: Annotated[int, typer.Option(help="First frame.")] = 0,
    stop: Annotated[int | None, typer.Option(help="The frame after the last; all by default.")] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Find the animals in a recording's frames, and write the predictions table.

    Rows do not depend on where the frames are cut: tables of 0–999 and 1000–1999 are the two halves of that of 0–1999.

    Example:

        poseflow predict cage1.json -m centroid -m centered_instance --out cage1.predictions.parquet
    """
    from poseflow.media import read_index

    settings = read_section(PredictConfig, "predict", config, changes)
    found = read_index(index)
    from poseflow.inference import load_pipeline, predict_shard

    frames = (start, found.frames if stop is None else stop)
    predict_shard(found, load_pipeline(models, settings), frames, out, settings)


def track(
    predictions: Annotated[list[Path], typer.Argument(help="Predictions tables of one recording, in any order.")],
    out: Out,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Link a recording's instances into tracks. Reads tables only, no video.

    Example:

        poseflow track cage1.predictions.parquet --out cage1.tracks.parquet --set animals=4
    """
    settings = read_section(TrackingConfig, "tracking", config, changes)
    from poseflow.tables import read_predictions, write_tracks
    from poseflow.tracking import link_tracks

    tracks = link_tracks(read_predictions(predictions), settings)
    write_tracks(tracks, out)
    typer.echo(f"{out}: {len(set(tracks.track.tolist()))} tracks")


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
) -> None:
    """Put predictions, tracks and times together: the pose table.

    Example:

        poseflow assemble cage1.predictions.parquet --tracks cage1.tracks.parquet --index cage1.json --out cage1.parquet
    """
    from poseflow.media import read_index
    from poseflow.tables import PoseSource, assemble_files, read_tracks

    found = read_index(index)
    source = PoseSource(recording or index.stem, index.stem, pixels_per_mm, start_time)
    assemble_files(predictions, read_tracks(tracks), found, source, out)
