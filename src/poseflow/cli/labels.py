"""Verbs about label files: labels check, labels convert."""

from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import ConfigFile, Out, read_config
from poseflow.core.errors import ConfigError
from poseflow.core.wording import count_of

Files = Annotated[list[Path], typer.Argument(help="Label files of any format that is read.")]


def check(files: Files, config: ConfigFile = None) -> None:
    """Say what label files hold, and what of it is likely wrong.

    Videos that cannot be found, frames that they do not have, frames listed twice, points outside of the image, names
    that are missing or twice in a frame, sizes far off, sides that seem swapped, animals that leap. Ends with 1 where
    anything is.

    Example:

        poseflow labels check labels/*.slp
    """
    from poseflow.core.errors import LabelsError
    from poseflow.labels.check import check_label_file
    from poseflow.labels.videos import VideoFinder

    finder, faults = VideoFinder(read_config(config).labels.video_folders), 0
    for file in files:
        try:
            lines = check_label_file(file, finder)
        except LabelsError as error:
            lines = ["", f"error: {error}"]
        faults += len(lines) - 1
        typer.echo("\n".join(filter(None, lines)))
    if faults:
        raise typer.Exit(1)


def convert(files: Files, out: Out) -> None:
    """Write label files as one of SLEAP, `.slp`.

    Tracks, predictions and the paths of videos stay as they are.

    Example:

        poseflow labels convert labels.mat --out labels.slp
    """
    from poseflow.labels.convert import convert_label_files

    if out.suffix != ".slp" or out.name.endswith(".pkg.slp"):
        raise ConfigError(f"--out must be a .slp, got {out}")
    frames = convert_label_files(files, out)
    typer.echo(f"{out}: {count_of(frames, 'frame')}")
