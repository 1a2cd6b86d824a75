"""Every place in results and logs has its name in one class, and nothing else spells one out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from poseflow.runs.places import ANY, Places

ROOT = Path(__file__).parents[2]
PYTHON = [*ROOT.glob("src/poseflow/**/*.py"), *ROOT.glob("workflow/**/*.py")]
RULES = [ROOT / "Snakefile", *ROOT.glob("workflow/rules/*.smk")]
SPELLED_OUT = re.compile(r"(results|logs)(/|$)|.*\.(plan\.json|job|finished)$")


def texts(code: str) -> Iterator[str]:
    """Pieces of text in code that is no documentation: constants, and what f-strings begin with."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield node.value


def spelled_out(text: str) -> bool:
    return SPELLED_OUT.match(text) is not None and not text.startswith("results/review.")  # a sentence


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_spells_out_a_place(path):
    if path.name != "places.py":
        assert [text for text in texts(path.read_text()) if spelled_out(text)] == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_spells_out_a_place(path):
    assert [text for text in re.findall(r'"([^"\n]*)"', path.read_text()) if spelled_out(text)] == []


def test_one_description_serves_rules_searches_and_readers(tmp_path):
    places = Places(tmp_path / "results", tmp_path / "logs")
    for video, shard in (("b", "0000-of-0001"), ("a", "0001-of-0002"), ("a", "0000-of-0002")):
        places.predictions(video).mkdir(parents=True, exist_ok=True)
        places.shard(video, shard).touch()
    assert places.find(places.shard("a", ANY)) == [places.shard("a", f"000{part}-of-0002") for part in (0, 1)]
    assert len(places.find(places.shard(ANY, ANY))) == 3
    assert Places().shard("{video}", "{shard}").as_posix() == "results/predictions/{video}/{shard}.parquet"
    assert Places().log("train", "{model}", "{version}").as_posix() == "logs/train/{model}/{version}.log"
    assert Places().benchmark("report").as_posix() == "results/benchmarks/report.tsv"


@pytest.mark.parametrize("poses", ["poses/cage/a.parquet", "../poses/cage/a.parquet", "results/poses/cage/a.parquet"])
def test_what_lies_round_a_pose_table_is_found_from_it(poses, tmp_path, monkeypatch):
    (tmp_path / "results/poses").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / {"poses": "results", "..": "results/poses", "results": "."}[poses.split("/")[0]])
    places = Places.around(Path(poses))
    assert places.tracks("cage").resolve() == tmp_path / "results/tracks/cage.parquet"


def test_two_places_are_never_the_same():
    places = Places()
    names = [
        name
        for name in vars(Places)
        if not name.startswith("_") and name not in ("find", "find_trainings", "moved_to", "around")
    ]
    found = []
    for name in names:
        place = getattr(places, name)
        if callable(place):
            count = place.__func__.__code__.co_argcount - 1
            place = place(*"abc"[:count])
        found.append(place)
    assert len(found) > 25
    assert len(set(found)) == len(found)
