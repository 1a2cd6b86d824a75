"""Model folders, read without Keras."""

import pytest
import yaml

from poseflow.core.errors import ModelError
from poseflow.core.files import write_json
from poseflow.models import find_format, needed_files, read_model_folder
from poseflow.runs.plan import hash_model_folder
from poseflow.runs.releases import build_release


@pytest.fixture
def own(tmp_path):
    """A folder of ours, without weights."""
    (tmp_path / "config.yaml").write_text("kind: centroid  # where they are")
    write_json({"nodes": ["nose", "tail"]}, tmp_path / "skeleton.json")
    return tmp_path


def test_a_folder_of_ours_says_what_its_files_say(own):
    folder = read_model_folder(own)
    assert (folder.config.kind, folder.skeleton.nodes) == ("centroid", ("nose", "tail"))
    assert folder.text == "kind: centroid  # where they are"
    assert [file.name for file in needed_files(own)] == ["config.yaml", "skeleton.json", "model.weights.h5"]


def test_settings_of_ours_go_before_sleaps(own):
    for name in ("training_config.json", "best_model.h5"):
        (own / name).touch()
    assert find_format(own) == "poseflow"
    (own / "config.yaml").unlink()
    assert find_format(own) == "sleap"
    assert [file.name for file in needed_files(own)] == ["training_config.json", "best_model.h5"]


def test_a_folder_without_its_files_is_an_error(own):
    (own / "skeleton.json").unlink()
    with pytest.raises(ModelError, match="must be the folder of a trained model"):
        read_model_folder(own)


def test_a_release_takes_folders_of_sleap(real_data):
    folders = {
        kind: real_data / f"sleap_models/minimal_instance.UNet.{kind}" for kind in ("centroid", "centered_instance")
    }
    release = build_release("0123456789", folders)
    assert release.kinds == {"centroid": "centroid", "centered_instance": "centered_instance"}
    assert release.skeleton.nodes == ("A", "B")
    assert len({hash_model_folder(folder) for folder in folders.values()}) == 2
    text = yaml.safe_load(read_model_folder(folders["centroid"]).text)
    assert text["preprocessing"]["input_scaling"] == 1.0


def test_a_release_takes_folders_of_todays_sleap(real_data):
    folders = {
        kind: real_data / f"sleap_nn_models/minimal_instance_{kind}" for kind in ("centroid", "centered_instance")
    }
    release = build_release("0123456789", folders)
    assert release.kinds == {"centroid": "centroid", "centered_instance": "centered_instance"}
    assert len({hash_model_folder(folder) for folder in folders.values()}) == 2


def test_the_case_of_a_model_of_sleap_1_5(case):
    folder = case("model_of_sleap_1_5")
    (folder / "m").mkdir()
    (folder / "m/best.ckpt").touch()
    (folder / "m/training_config.yaml").write_text("model_config: {}\n")
    with pytest.raises(ModelError, match="sleap-nn"):
        read_model_folder(folder / "m")
