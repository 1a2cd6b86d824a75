"""Verbs about what other programs write and read: import-predictions, import-config."""

from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import ConfigFile, Out, Settings, read_config, read_section, shows
from poseflow.config import PredictConfig
from poseflow.core.errors import ConfigError, VideoError
from poseflow.core.wording import count_of


@shows(PredictConfig)
def import_predictions(
    files: Annotated[list[Path], typer.Argument(help="Files of predictions of SLEAP, DeepLabCut and others.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The predictions table; or a folder, for those of several videos."),
    ],
    videos: Annotated[
        list[Path] | None,
        typer.Option("--video", help="The recordings, among which each file's is found: for flow and times."),
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Make predictions tables of what another program found.

    Beside each lies the index of its recording. Points come as they are. Where the recording is there, they are shifted
    by flow as our own; where it is not, `poseflow track` needs `--set candidates=window`.

    Examples:

        poseflow import-predictions session.slp --video session.mp4 --out session.parquet

        poseflow import-predictions predictions/*.h5 --video day1.mp4 --video day2.mp4 --out tables
    """
    settings = read_section(PredictConfig, "predict", config, changes)
    h5_dataset = read_config(config).videos.h5_dataset
    from poseflow.exchange.predictions import PredictedVideo, describe_predictions_file, find_video
    from poseflow.media import VideoIndex, index_video, write_index
    from poseflow.runs.fingerprints import hash_file
    from poseflow.steps.import_predictions import import_predictions as import_frames
    from poseflow.steps.index_predictions import describe_absent

    given = [path.absolute() for path in videos or ()]
    described = {file: describe_predictions_file(file).videos for file in files}
    digests = {file: hash_file(file) for file in files}
    sources = [(file, video) for file, found in described.items() for video in found]
    if len(sources) > 1 and out.suffix:
        raise ConfigError(f"--out must be a folder for the {len(sources)} videos of these files, got {out}")
    planned: dict[Path, tuple[Path, PredictedVideo, VideoIndex]] = {}
    for file, video in sources:
        only = given[0] if len(given) == len(sources) == 1 else None
        others = [one.recorded for one in described[file] if one.recorded]
        path = only or find_video(file, video, given, others)
        if given and path is None:
            raise ConfigError(f"--video must name the recording of {file} ({video.recorded or 'by its name'})")
        index = index_video(path, h5_dataset) if path else describe_absent(file, video.number)
        if path and not index.is_ok:
            raise VideoError(f"{path} must be the recording of {file}: {index.reason}")
        name = Path(index.path.replace("\\", "/")).stem if len(described[file]) > 1 else file.stem
        table = out if out.suffix else out / f"{name}.parquet"
        if table in planned and planned[table][0] == file:  # recordings of one name in several folders
            table = out / f"{name}.{video.number}.parquet"
        if table in planned:
            raise ConfigError(f"{planned[table][0]} and {file} must have other names, got {table} for both")
        planned[table] = file, video, index
    for table, (file, video, index) in planned.items():
        table.parent.mkdir(parents=True, exist_ok=True)
        import_frames(file, video.number, index, (0, index.frames), table, settings, index.path, digests[file])
        write_index(index, table.with_suffix(".json"))
        typer.echo(f"{table}: {count_of(index.frames, 'frame')} of {index.path}")


def import_config(
    file: Annotated[Path, typer.Argument(help="training_config.json or .yaml, pose_cfg.yaml, pytorch_config.yaml.")],
    out: Out,
) -> None:
    """Make a model's profile of another program's training settings.

    SLEAP's, sleap-nn's and DeepLabCut's. All that the profile does not have, or has otherwise, is listed, here and at
    the profile's beginning; what the other program has no setting for keeps its default.

    Example:

        poseflow import-config models/230101.centroid/training_config.json --out config/models/centroid.yaml
    """
    from poseflow.models.training_settings import import_training_settings, write_profile

    imported = import_training_settings(file)
    write_profile(imported, file, out)
    typer.echo(f"{out}: {imported.config.kind}, from {imported.source}")
    for line in imported.without_counterpart:
        typer.echo(f"  {line}")
