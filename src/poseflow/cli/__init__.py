"""The `poseflow` command: each step of the workflow as a verb on files that you name."""

import sys

import typer

from poseflow.cli.verbs import MARKUP, Verbs
from poseflow.core.errors import PoseflowError
from poseflow.core.imports import prepare_imports
from poseflow.core.logs import configure_logging
from poseflow.runs.lock import end_after_interrupt

__all__ = ["app", "main"]

app = typer.Typer(
    name="poseflow",
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recordings in, pose tables out: each step of the workflow as a verb on files that you name. "
    "`snakemake --profile local` runs them all, in order, and only those that are needed.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from poseflow import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _configure(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say more."),
) -> None:
    configure_logging(verbose)


def main() -> None:
    """Run the command; a fault ends it with one line, and code 2 if the user can mend it, 1 if the machine failed."""
    end_after_interrupt()
    prepare_imports()
    try:
        app()
    except (PoseflowError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2 if isinstance(error, PoseflowError) else 1) from None
