"""Verbs about a lab's project: init, upgrade."""

import shutil
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from poseflow.core.errors import ConfigError
from poseflow.core.processors import list_gpus
from poseflow.runs.places import find_folder_fault

MINUTES_WITHOUT_GPU = 60


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder; it need not be there yet.")],
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recordings; by default FOLDER/videos.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A label file, or a folder of them; by default FOLDER/labels.")
    ] = None,
    animals: Annotated[
        int | None, typer.Option(min=1, help="Animals in a recording; by default the most labeled.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="local: this machine. slurm: a SLURM cluster.")] = None,
    names: Annotated[
        bool | None, typer.Option("--names/--no-names", help="Tell animals that the labels name apart by their looks.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="That all trainings may take together; 0: as long as the labels ask for. By default 60 on this "
            "machine where no GPU is seen, else 0.",
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of the times in files' names; by default this machine's.")
    ] = None,
) -> None:
    """Make a project: a folder with settings for your recordings, which imports the workflow.

    Looks at labels and recordings, asks what it cannot know (where there is a terminal), and writes no file that is
    there already. Nothing is copied or moved.

    Example:

        poseflow init lab --recordings /data/cages --labels /data/labels --animals 4 --on slurm
    """
    from poseflow.project import MACHINES, Answers, find_local_zone, look_at_labels, look_at_recordings, make_project

    if on is not None and on not in MACHINES:
        raise ConfigError(f"--on must be one of {', '.join(MACHINES)}, got {on}")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"FOLDER must be a folder, got the file {folder}")
    if fault := find_folder_fault(folder):
        raise ConfigError(fault)
    place = recordings or _ask_place("Where do the recordings lie?", folder / "videos")
    if not place.is_dir() and place != folder / "videos":
        raise ConfigError(f"--recordings must be a folder, got {place}")
    found = look_at_recordings(place)
    typer.echo(f"{place}: {found.describe()}")
    label_place = labels or _ask_place("Where do labels lie (a file or a folder)?", folder / "labels")
    known = None
    if label_place.exists() or label_place != folder / "labels":
        known = look_at_labels(label_place, _written_as(label_place, folder))
    typer.echo(f"{label_place}: {known.describe() if known else 'no labels yet'}")
    least = (known.shown.most if known else 0) or 1
    number = animals or _ask("How many animals are in a recording?", least, int)
    if number < 1:
        raise ConfigError(f"animals must be at least 1, got {number}")
    with_names = names
    if known and known.shown.identities and number > 1 and with_names is None:
        told = ", ".join(known.shown.identities)
        with_names = _ask(f"Do {told} look different, so that they can be told apart?", True, bool)
    machine = on or _ask(f"Where does it run ({' or '.join(MACHINES)})?", _guess_machine(), str)
    if machine not in MACHINES:
        raise ConfigError(f"the machine must be one of {', '.join(MACHINES)}, got {machine}")
    if minutes is None and machine == "local" and not list_gpus():
        minutes = _ask("No GPU is seen. How many minutes may trainings take (0: hours)?", MINUTES_WITHOUT_GPU, float)
    if found.file_names and timezone is None:
        timezone = _ask("In which time zone are the times in their names?", find_local_zone() or "UTC", str)
    where = _written_as(place, folder)
    answers = Answers(where, number, machine, known, found, with_names is not False, timezone, minutes or None)
    written, kept = make_project(folder, answers)
    for path in written:
        typer.echo(f"written: {folder / path}")
    for path in kept:
        typer.echo(f"kept as it was: {folder / path}")
    typer.echo(
        f"Next: cd {quote(str(folder))} && snakemake {'suggestions ' if known is None else ''}--profile {machine}"
    )


def recommend(
    labels: Annotated[Path, typer.Argument(metavar="labels", help="A label file, or a folder of them.")],
    animals: Annotated[int | None, typer.Option(min=1, help="Animals in a recording; else the most labeled.")] = None,
    names: Annotated[bool, typer.Option("--names/--no-names", help="Tell apart animals that the labels name.")] = True,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="That all trainings may take together; else as long as they take.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it into this file.")] = None,
) -> None:
    """Choose models and their settings by what labels show, each with its reason.

    It is the section `models` of a configuration; `poseflow init` puts it into a new project's.

    Examples:

        poseflow recommend labels/ --animals 2

        poseflow recommend labels/ --out models.yaml && snakemake --profile local --configfile models.yaml
    """
    from poseflow.core.files import replacing
    from poseflow.project import look_at_labels, recommend_models

    found = look_at_labels(labels, str(labels))
    if found is None:
        raise ConfigError(f"labels must be a label file or a folder of them, got none in {labels}")
    text = recommend_models(found.shown, animals, names, minutes or None).write()
    if out is None:
        typer.echo(text, nl=False)
        return
    with replacing(out) as beside:
        beside.write_text(text, encoding="utf-8")


def upgrade() -> None:
    """Say what the installed version of poseflow would make anew here, and why.

    Nothing runs.

    Example:

        pip install -U poseflow && poseflow upgrade
    """
    from poseflow.project import describe_upgrade

    for line in describe_upgrade():
        typer.echo(line)


def _ask(question: str, default: Any, kind: type) -> Any:
    """The answer of whoever sits at the terminal; without a terminal, the default."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return default
    if kind is bool:
        return typer.confirm(question, default=default)
    return typer.prompt(question, default=default, type=kind)


def _ask_place(question: str, default: Path) -> Path:
    return Path(_ask(question, str(default), str)).expanduser()


def _written_as(place: Path, folder: Path) -> str:
    """How settings in the folder name a place: by its path below the folder, or by its whole path."""
    whole, root = place.absolute().resolve(), folder.absolute().resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)


def _guess_machine() -> str:
    return "slurm" if shutil.which("sbatch") else "local"
