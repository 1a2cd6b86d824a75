from base64 import b64decode

import numpy as np
import pytest
from fake_results import write_model

from poseflow.core.files import read_json, write_json
from poseflow.report.models import read_curves, read_model_story


@pytest.mark.slow
def test_a_trained_model_has_curves_maps_and_facts(tmp_path):
    story = read_model_story("centroid", write_model(tmp_path / "centroid"))
    assert story.facts["epoch that was kept"] == "7" and story.facts["training time"] == "1.3 min"
    assert story.curves is not None and "validation frames" in story.curves.caption
    assert story.maps is not None and "after epoch 8" in story.maps.caption
    assert "detects where the animals are" in story.purpose
    assert story.remarks == []


def test_losses_are_numbers_on_the_axis_and_not_the_source_of_formulas(tmp_path):
    folder = write_model(tmp_path / "centroid")
    (folder / "history.csv").write_text(
        "epoch,loss,val_loss\n" + "".join(f"{i},{0.03 / i},{0.02 / i}\n" for i in range(1, 9))
    )
    svg = b64decode(read_model_story("centroid", folder).curves.wide.partition(",")[2]).decode()
    assert "0.01<" in svg and "mathdefault" not in svg


def test_a_model_that_was_given_without_its_history_is_told_too(tmp_path):
    folder = write_model(tmp_path / "centroid")
    for name in ("history.csv", "training.json", "pictures/val_epoch008.png"):
        (folder / name).unlink()
    story = read_model_story("centroid", folder)
    assert (story.curves, story.maps, story.facts) == (None, None, {})


def test_training_without_validation_frames_is_remarked(tmp_path):
    folder = write_model(tmp_path / "centroid")
    write_json(read_json(folder / "training.json") | {"val_frames": 0}, folder / "training.json")
    history = (folder / "history.csv").read_text().splitlines()
    lines = [",".join(field for place, field in enumerate(line.split(",")) if place != 2) for line in history]
    (folder / "history.csv").write_text("\n".join(lines))
    story = read_model_story("centroid", folder)
    assert "no validation frames" in story.remarks[0]
    assert "validation" not in story.curves.caption


def test_training_that_ended_at_its_best_is_remarked(tmp_path):
    folder = write_model(tmp_path / "centroid")
    figures = {"no better": [0.5, 0.7, 0.7], "the best": [0.5, 0.7, 0.71]}
    found = {}
    for name, all_oks in figures.items():
        rows = "".join(f"{epoch},0.1,0.1,{oks}\n" for epoch, oks in enumerate(all_oks, 1))
        (folder / "history.csv").write_text(f"epoch,loss,val_loss,val_oks\n{rows}")
        found[name] = read_model_story("centroid", folder).remarks
    assert found["no better"] == []
    assert "longer training" in found["the best"][0]


def test_a_model_that_learned_nothing_is_remarked(tmp_path):
    folder = write_model(tmp_path / "centroid")
    write_json(read_json(folder / "training.json") | {"beats_baseline": False}, folder / "training.json")
    assert "next to nothing" in read_model_story("centroid", folder).remarks[0]


def test_empty_fields_of_the_history_are_nan(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n1,0.5,\n2,0.25,0.75\n")
    assert read_curves(tmp_path / "history.csv")["val_loss"].tolist()[1] == 0.75
    assert np.isnan(read_curves(tmp_path / "history.csv")["val_loss"][0])
    assert read_curves(tmp_path / "nowhere.csv") == {}
