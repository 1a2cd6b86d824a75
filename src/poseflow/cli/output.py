"""Verbs about what comes out: render, report, export, explain, summary, schema."""

import json
import logging
from pathlib import Path
from typing import Annotated, TextIO

import typer

from poseflow.cli.options import ConfigFile, Out, Settings, find_index, read_config, read_section, shows
from poseflow.config import WRITERS, Config, ModelConfig, RenderConfig, ReportConfig, SubjectConfig
from poseflow.core.errors import ConfigError, PoseflowError, TableError
from poseflow.core.wording import count_of
from poseflow.runs.places import ANY, PLACES, Places

logger = logging.getLogger(__name__)


@shows(RenderConfig)
def render(
    poses: Annotated[Path, typer.Argument(help="The recording's pose table, of `poseflow assemble`.")],
    index: Annotated[Path, typer.Option(help="The recording, or its index, of `poseflow index`.")],
    out: Out,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Draw poses, names and trails over a recording.

    Example:

        poseflow render cage1.parquet --index cage1.json --out cage1.overlay.mp4 --set max_frames=1000
    """
    settings = read_section(RenderConfig, "render", config, changes)
    from poseflow.steps.render import render_poses

    frames = render_poses(find_index(index, read_config(config)), poses, out, settings)
    typer.echo(f"{out}: {count_of(frames, 'frame')}")


@shows(ReportConfig)
def report(
    out: Out,
    indexes: Annotated[list[Path] | None, typer.Option("--index", help="Recordings' indexes.")] = None,
    poses: Annotated[list[Path] | None, typer.Option(help="Their pose tables.")] = None,
    release: Annotated[Path | None, typer.Option(help="The release that was used, of `poseflow release`.")] = None,
    accuracy: Annotated[Path | None, typer.Option(help="Folder of `poseflow evaluate`.")] = None,
    comparison: Annotated[
        list[Path] | None, typer.Option(help="Folders of `poseflow evaluate`, of pipelines to compare.")
    ] = None,
    dataset: Annotated[Path | None, typer.Option(help="Folder of `poseflow split`.")] = None,
    tracking: Annotated[list[Path] | None, typer.Option(help="Files of `poseflow evaluate-tracking`.")] = None,
    reviews: Annotated[list[Path] | None, typer.Option("--review", help="Lists of `poseflow track --review`.")] = None,
    missing: Annotated[list[str] | None, typer.Option(help="What to say of recordings that are not there.")] = None,
    given: Annotated[
        typer.FileText | None,
        typer.Option("--inputs", help="More of --index, --poses, --review, --missing: JSON, a list of each; -: stdin."),
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Tell in one HTML file what was done and how far it can be trusted.

    Give it what there is; each option but --out may be left out, and those in the plural may be repeated.

    Example:

        poseflow report --index cage1.json --poses cage1.parquet --release release.json --out report.html
    """
    settings = read_section(ReportConfig, "report", config, changes)
    from poseflow.report.inputs import ReportInputs
    from poseflow.steps.report import report_run

    more = _read_inputs(given) if given else {}
    inputs = ReportInputs(
        indexes=[*(indexes or ()), *map(Path, more.get("index", ()))],
        poses=[*(poses or ()), *map(Path, more.get("poses", ()))],
        release=release,
        evaluation=accuracy,
        comparison={path.name: path for path in comparison or ()},
        dataset=dataset,
        tracking={path.stem: path for path in tracking or ()},
        reviews=[*(reviews or ()), *map(Path, more.get("review", ()))],
        config=read_config(config).model_dump(mode="json", exclude_unset=True),
        missing=[*(missing or ()), *more.get("missing", ())],
    )
    report_run(inputs, out, settings)
    typer.echo(out)


def _read_inputs(file: TextIO) -> dict[str, list[str]]:
    """Lists by option: a command line holds no more than some 20,000 files."""
    try:
        more = json.load(file)
    except ValueError as error:
        raise ConfigError(f"--inputs must be JSON, got another text: {error}") from None
    known = ("index", "poses", "review", "missing")
    if not isinstance(more, dict) or not more.keys() <= set(known):
        raise ConfigError(f"--inputs must hold lists under {', '.join(known)}, got {', '.join(more)}")
    return more


@shows(SubjectConfig)
def export(
    poses: Annotated[list[Path], typer.Argument(help="Pose tables of `poseflow assemble`, or folders of them.")],
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help=f"Format: {', '.join(WRITERS)}, or of another package; without it: what the end of --out says."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File or folder to write, of one table; else results/exports/ has them."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(help="The recording, or its index, of `poseflow index`; of tables in results/ it is known."),
    ] = None,
    config: ConfigFile = None,
    changes: Settings = None,
) -> None:
    """Write poses for other programs; docs/how_to/to_your_analysis.md has the formats.

    What of a table a format cannot hold, a line says.

    Examples:

        poseflow export results/poses --to slp

        poseflow export cage1.parquet --index cage1.mp4 --out cage1.slp
    """
    from poseflow.media import read_index
    from poseflow.steps.export import export_table, find_tables, place_of

    subject = read_section(SubjectConfig, "subject", config, changes)
    tables = find_tables(poses)
    if (out or index) and len(tables) > 1:
        raise ConfigError(f"--out and --index must be those of one pose table, got {len(tables)} tables")
    if to is None and out is None:
        raise ConfigError(f"--to must be one of {', '.join(WRITERS)}, got none, and no --out that says it")
    if to is not None:
        _ = WRITERS[to]
    faults = 0
    for table in tables:
        try:
            path = out or place_of(table, to or "")
            known = Places.around(table).index(table.stem)
            found = find_index(index, read_config(config)) if index else read_index(known) if known.is_file() else None
            export_table(table, path, to, found, subject)
            typer.echo(path)
        except PoseflowError as error:
            if len(tables) == 1:
                raise
            logger.error("%s", error)
            faults += 1
    if faults:
        raise TableError(f"{count_of(faults, 'pose table')} of {len(tables):,} could not be exported")


def explain(
    table: Annotated[Path, typer.Argument(help="A table of predictions, tracks or poses.")],
    frame: Annotated[
        int | None, typer.Option(help="Say how the rows of this frame came about; of a pose table.")
    ] = None,
    settings: Annotated[bool, typer.Option("--settings", help="Print all settings, defaults included.")] = False,
    predictions: Annotated[list[Path] | None, typer.Option(help="Predictions tables of the video.")] = None,
    tracks: Annotated[Path | None, typer.Option(help="Tracks of the recording.")] = None,
    review: Annotated[Path | None, typer.Option(help="Review list of the recording.")] = None,
) -> None:
    """Say in plain sentences how a table, or the rows of one of its frames, came about.

    Predictions, tracks and review list are found beside a table that lies in `results/poses/`.

    Example:

        poseflow explain results/poses/cage1/cage1.parquet --frame 1200
    """
    from poseflow.runs.explain import Sources, explain_frame, explain_table

    lines = explain_table(table, settings)
    if frame is not None:
        given = Sources(predictions or (), tracks, review) if predictions or tracks or review else None
        lines += ["", *explain_frame(table, frame, given)]
    typer.echo("\n".join(lines))


def summary(
    results: Annotated[Path, typer.Argument(help="The folder that the workflow filled.")] = PLACES.results,
) -> None:
    """Say in a few lines what a run made, where it lies and how good it is.

    Example:

        poseflow summary results
    """
    from poseflow.core.files import read_json
    from poseflow.tables import read_pose_metadata

    places = Places(results)
    for path in places.find(places.pose_table(ANY, ANY)):
        note = read_pose_metadata(path)
        what = count_of(note["frames"], "frame") if note["status"] == "ok" else f"quarantined: {note['reason']}"
        typer.echo(f"poses     {path}  {what}")
    for path in places.find(places.overlay(ANY)):
        typer.echo(f"overlay   {path}")
    for path in places.find(places.report):
        typer.echo(f"report    {path}")
    measured = sorted(places.find(places.metrics(ANY, ANY)), key=lambda path: path.stat().st_mtime)
    accuracy = read_json(measured[-1]) if measured else {}
    if accuracy.get("frames"):
        typer.echo(
            f"accuracy  mAP {accuracy['map_coco']:.2f} (COCO's OKS), {accuracy['map_paper']:.2f} (the paper's), "
            f"on {count_of(accuracy['frames'], 'labeled frame')} that were not trained on"
        )


def schema(
    model: Annotated[bool, typer.Option("--model", help="Of a model profile, not of config/config.yaml.")] = False,
) -> None:
    """Print the JSON schema of the configuration, for editors that complete and check YAML.

    Example:

        poseflow schema > config/schema.json
    """
    kind = ModelConfig if model else Config
    typer.echo(json.dumps(kind.model_json_schema(), indent=2, ensure_ascii=False))
