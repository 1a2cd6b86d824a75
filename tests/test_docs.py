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
