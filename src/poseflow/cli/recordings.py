"""Verbs about recordings: synth, index, extract."""

from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import (
    ConfigFile,
    Out,
    Settings,
    change_section,
    find_index,
    read_config,
    read_section,
    shows,
)
from poseflow.config import ExtractConfig
from poseflow.config.synth import SynthConfig
from poseflow.core.wording import count_of


@shows(SynthConfig)
def synth(
    out: Annotated[Path, typer.Argument(help="The video; labels (.slp) and the truth (.truth.parquet) lie beside it.")],
    changes: Settings = None,
) -> None:
    """Render a recording of a home cage, seen from above, whose every pose is known.

    One to six animals with fur of their own, bedding of like color, a hide, huddling, motion blur, day and infrared
    light. The same settings give the same recording; memory does not grow with its length.

    Example:

        poseflow synth cage.mp4 --set animals=2 --set frames=1000 --set seed=7
    """
    from poseflow.synth import render_cage

    recording = render_cage(out, change_section(SynthConfig(), changes, SynthConfig))
    for path in (recording.video, recording.labels, recording.truth):
        typer.echo(path)


def index(
    video: Annotated[Path, typer.Argument(help="A video file, a folder of images, an HDF5 file or an imgstore.")],
    out: Out,
    h5_dataset: Annotated[str, typer.Option(help="Dataset inside an HDF5 recording.")] = "images",
) -> None:
    """Find out what a recording holds, from its packets.

    Exact number of frames, their times, keyframes, size, codec, and whether it is damaged. No image is decoded, so this
    takes seconds at most. A recording that cannot be read gets an index, which says why.

    Example:

        poseflow index videos/cage1.mp4 --out cage1.json
    """
    from poseflow.config import VideosConfig
    from poseflow.steps.index import index_recording

    found = index_recording(video, out, VideosConfig(h5_dataset=h5_dataset))
    if found.status == "ok":
        for problem in found.problems:
            typer.echo(f"{video}: {problem}")
        rate = f"{found.fps:g} frames/s" if found.fps else "no frame rate"
        typer.echo(f"{video}: {count_of(found.frames, 'frame')}, {found.width} x {found.height}, {rate}")
    else:
        typer.echo(f"{video}: quarantined: {found.reason}")


@shows(ExtractConfig)
def extract(
    recording: Annotated[Path, typer.Argument(help="The recording, or its index, of `poseflow index`.")],
    out: Out,
    labels: Annotated[list[Path] | None, typer.Option(help="Label files; their frames are not proposed again.")] = None,
    predictions: Annotated[
        list[Path] | None, typer.Option(help="The recording's predictions tables, as starting points.")
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Choose frames that are worth labeling, and write them with images for SLEAP's GUI.

    Example:

        poseflow extract cage1.mp4 --out cage1.pkg.slp --set method=diverse --set frames_per_video=40
    """
    settings = read_section(ExtractConfig, "extract", config, changes)
    from poseflow.steps.extract import extract_frames
    from poseflow.steps.label_files import LabelFiles

    whole = read_config(config)
    files = LabelFiles(labels or (), whole.labels)
    frames = extract_frames(find_index(recording, whole), out, settings, files, predictions or ())
    typer.echo(f"{out}: {count_of(len(frames), 'frame')}")
