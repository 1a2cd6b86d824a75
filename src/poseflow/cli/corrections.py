"""Verbs about what people corrected: corrections show, corrections undo."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poseflow.cli.options import read_project
from poseflow.core.errors import ConfigError
from poseflow.runs.places import PLACES

if TYPE_CHECKING:
    from poseflow.corrections import AnyClaim, LogContent

Recording = Annotated[str, typer.Argument(metavar="RECORDING", help="By its name, as in the pose tables.")]
ProjectConfig = Annotated[Path, typer.Option("--config", "-c", help="The project's settings.")]
DEFAULT_CONFIG = Path("config/config.yaml")


def show(recording: Recording, config: ProjectConfig = DEFAULT_CONFIG) -> None:
    """List what people said of a recording: who, when, of which frame, and what; and what is damaged.

    What was taken back stands there too. What finds no animal is in results/review/RECORDING.csv.

    Example:

        poseflow corrections show cage1
    """
    _, content = _read(recording, config)
    from poseflow.corrections import find_taken_back

    gone = find_taken_back(content.claims)
    for claim in content.claims:
        state = "  (taken back)" if claim.id in gone else ""
        typer.echo(f"{claim.id}  {claim.time:%Y-%m-%d %H:%M} UTC  {claim.author}  {_say(claim)}{state}")
    for fault in content.faults:
        typer.echo(f"damaged: {fault}")


def undo(
    recording: Recording,
    claims: Annotated[list[str], typer.Argument(metavar="ID", help="Of `show`, or its beginning; may be several.")],
    author: Annotated[str | None, typer.Option(help="Who takes it back; by default your user name.")] = None,
    config: ProjectConfig = DEFAULT_CONFIG,
) -> None:
    """Take back what was said of a recording; of what took something back, that holds again.

    Nothing is deleted: a line is added to the recording's log, which the next run follows.

    Example:

        poseflow corrections undo cage1 019ad33c7a51-1f
    """
    log, content = _read(recording, config)
    from poseflow.corrections import take_back

    known: Sequence[AnyClaim] = content.claims
    for claim in claims:
        retraction = take_back(log, known, claim, author)
        known = [*known, retraction]
        typer.echo(f"{retraction.retracts} is taken back by {retraction.id}")


def _read(recording: str, config: Path) -> "tuple[Path, LogContent]":
    """The log of a recording, and all that is said of it."""
    settings = read_project(config)
    from poseflow.corrections import read_claims
    from poseflow.runs.corrections import group_corrections, log_of
    from poseflow.runs.facts import FileFacts
    from poseflow.runs.plan import plan_videos

    plan = plan_videos(settings, FileFacts(PLACES.facts, check=False))
    if recording not in plan.recordings:
        raise ConfigError(f"RECORDING must be one of {', '.join(sorted(plan.recordings)) or 'none'}, got {recording}")
    folder = Path(settings.review.corrections)
    files = group_corrections(folder, plan.recordings).get(recording, [])
    videos = {video: str(path) for video, path in plan.paths_of(recording).items()}
    return log_of(folder, recording), read_claims(files, videos)


def _say(claim: "AnyClaim") -> str:
    from poseflow.corrections import place_of

    place = place_of(claim)
    where = f" in frame {place[1]} of {place[0]}" if place else ""
    return f"{claim.kind}{where}{': ' if (what := ', '.join(_details(claim))) else ''}{what}"


def _details(claim: "AnyClaim") -> Iterator[str]:
    for node, point in getattr(claim, "points", {}).items():
        yield f"{node} not seen" if point is None else f"{node} at {point[0]:.1f} {point[1]:.1f}"
    if name := getattr(claim, "name", None):
        yield f"it is {name}"
    if before := getattr(claim, "before", None):
        yield f"it is the animal of frame {before.frame}"
    if path := getattr(claim, "path", ()):
        yield f"to frame {path[-1][0]}"
    if retracts := getattr(claim, "retracts", None):
        yield retracts
