"""What the texts point at is there."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from poseflow.config import Config, HeadConfig, ModelConfig, Section
from poseflow.core.skeleton import Skeleton
from poseflow.tables.columns import predictions_schema
from poseflow.tables.poses import pose_schema
from poseflow.tables.tracks import SCHEMA
from poseflow.tracking.review.listing import COLUMNS

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("config/*.md"), *ROOT.glob("profiles/*/*.md")]
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_links_between_texts_lead_somewhere(text):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (text.parent / link).exists()]
    assert not missing


def test_every_make_target_in_the_texts_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target for text in TEXTS for target in re.findall(r"(?:^|`)make ([a-z-]+)", text.read_text(), re.MULTILINE)
    }
    assert named <= targets


def test_no_target_can_be_taken_for_a_file_of_settings():
    """The case configfile_before_target: what follows --configfile is a file, up to the next option."""
    texts = [path.read_text() for path in (*TEXTS, *ROOT.glob("config/*.yaml"), *ROOT.glob("workflow/*.py"))]
    commands = [found for text in texts for found in re.findall(r"snakemake [^\n`]*--configfile [^\n`#]*", text)]
    assert commands
    ends = [command.partition("--configfile ")[2].split() for command in commands]
    assert all(words[1].startswith("-") for words in ends), commands


def test_the_table_of_rooms_is_the_one_that_imports_are_held_to():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    held = [set(layer.replace("poseflow.", "").split(" | ")) for layer in layers]
    _, _, table = (ROOT / "docs/architecture.md").read_text().partition("| rooms, from the top |")
    rows = re.findall(r"^\| (`[^|]*) \|", table.partition("\n\n")[0], re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == held
    assert set().union(*held) == {path.parent.name for path in (ROOT / "src/poseflow").glob("*/__init__.py")}


def test_the_site_leads_to_every_page():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    pages = re.findall(r"[\w/]+\.md", yaml.safe_dump(site["nav"]))
    assert {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")} <= set(pages)
    assert len(pages) == len(set(pages))


@pytest.mark.parametrize(
    ("title", "columns"),
    [
        ("Poses", pose_schema(Skeleton(nodes=("{node}",)), tells_hidden=True).names),
        ("Predictions", predictions_schema(Skeleton(nodes=("{node}",)), 1, ["{name}"], tells_hidden=True).names),
        ("Tracks", SCHEMA.names),
        ("Review list", COLUMNS),
    ],
)
def test_the_reference_of_tables_has_their_columns_in_order(title, columns):
    section = (ROOT / "docs/reference/tables.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section.partition("| metadata |")[0], re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(.+?)`", row)] == list(columns)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_settings_that_are_named_exist(text):
    """Experiments and the changelog may name older ones; the architecture names modules, which look alike."""
    if text.name in ("CHANGELOG.md", "architecture.md") or text.parent.name == "experiments":
        return
    named = re.findall(r"`([a-z]+(?:\.[a-z_]+)+)[`:]", text.read_text(encoding="utf-8"))
    of_sections = [name for name in named if name.split(".")[0] in SETTINGS]
    files = ("html", "txt", "json", "py", "md", "jobs")
    assert not [name for name in of_sections if name not in SETTINGS and name.split(".")[1] not in files]


def list_settings(section, prefix=""):
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from list_settings(field.annotation, f"{prefix}{name}.")


SETTINGS = {
    *list_settings(Config),
    *list_settings(ModelConfig),
    *(f"head.{name}" for name in HeadConfig.known_keys()),
}
