"""The verb `live`."""

from pathlib import Path
from typing import Annotated

import typer

from poseflow.cli.options import ConfigFile, Models, change_section, read_config
from poseflow.core.errors import ConfigError

DEFAULT_PORT = 8890


def live(
    source: Annotated[
        str,
        typer.Argument(
            help="A camera's number or device, an address (rtsp://…), a GStreamer pipeline, or a video that plays at "
            "its own rate."
        ),
    ],
    models: Models,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Pose table that is written on the way.")] = None,
    triggers: Annotated[
        list[str] | None,
        typer.Option("--trigger", "-t", help="NAME=CONDITION on poses, or NAME=module:function; may be repeated."),
    ] = None,
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--output", help="zmq:tcp://…, udp:HOST:PORT, osc:HOST:PORT, serial:DEVICE, file:PATH; may be repeated."
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Frames/s that the camera gives, or the video plays at.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT that the camera gives.")] = None,
    pixels_per_mm: Annotated[float | None, typer.Option(help="Scale of the image: what mm is in conditions.")] = None,
    trigger_every_ms: Annotated[float, typer.Option(help="How often conditions are evaluated.")] = 25.0,
    max_age_frames: Annotated[
        float, typer.Option(help="A frame older than so many frame times when its turn comes is passed over.")
    ] = 2.0,
    frames: Annotated[int | None, typer.Option(help="End after so many answers.")] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="A video begins anew when it is over.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help=f"Show the picture in a browser, at http://127.0.0.1:{DEFAULT_PORT}.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of --show.")] = DEFAULT_PORT,
    config: ConfigFile = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change one setting, as tracking.animals=2."),
    ] = None,
) -> None:
    """Find and follow the animals that a camera sees now, and act on it: closed loops.

    The newest frame is answered, always. Ctrl-C ends it; the pose table is whole then, as it is when the camera is
    unplugged. docs/how_to/live.md tells what conditions and outputs there are.

    Examples:

        poseflow live 0 -m centroid -m centered_instance --out today.parquet --show

        poseflow live flies.mp4 -m models/flies --pixels-per-mm 30.3 --output serial:/dev/ttyACM0
        --trigger "near=distance(male.head, female.abdomen) < 2 * mm"
    """
    from poseflow.config import Config, parse_section

    settings = change_section(read_config(config), changes, Config)
    from poseflow.live import LiveSettings, prepare_run

    values = {
        "rate": rate,
        "size": _parse_size(size),
        "repeat": repeat,
        "max_age_frames": max_age_frames,
        "frames": frames,
        "seconds": seconds,
        "triggers": triggers or (),
        "trigger_every_ms": trigger_every_ms,
        "outputs": outputs or (),
        "pixels_per_mm": pixels_per_mm,
    }
    run = prepare_run(source, models, settings, parse_section(LiveSettings, values, "poseflow live"))
    run.out, run.port = out, port if show else None
    try:
        for _ in run.answers():
            pass
    finally:
        for line in run.summary:
            typer.echo(line, err=True)
    if out is not None:
        typer.echo(out)


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ConfigError(f"--size must be WIDTHxHEIGHT in px, as 1280x1024, got {text!r}")
    return int(width), int(height)
