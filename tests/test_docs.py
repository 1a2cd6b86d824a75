"""What the texts point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md"), *ROOT.glob("profiles/*/*.md")])


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
    assert "No such file or directory: 'nightly'" in (ROOT / "config/README.md").read_text()
