"""Releases: models that run together."""

import pytest
import yaml

from poseflow.core.errors import ConfigError, ModelError, SkeletonError
from poseflow.core.files import write_json
from poseflow.runs.releases import build_release, read_release, write_release


@pytest.fixture
def models(tmp_path):
    """Folders of two models, without their weights: a release does not open them."""
    folders = {}
    for kind in ("centroid", "centered_instance"):
        folders[kind] = tmp_path / kind
        folders[kind].mkdir()
        (folders[kind] / "config.yaml").write_text(yaml.safe_dump({"kind": kind}))
        write_json({"nodes": ["nose", "tail"], "edges": [[0, 1]]}, folders[kind] / "skeleton.json")
    return folders


def test_a_release_is_read_as_it_was_written(models, tmp_path):
    release = build_release("0123456789", models)
    write_release(release, tmp_path / "r.json")
    read = read_release(tmp_path / "r.json")
    assert read == release
    assert read.folders == list(models.values())
    assert read.kinds == {"centroid": "centroid", "centered_instance": "centered_instance"}
    assert read.skeleton.nodes == ("nose", "tail")
    assert read.metadata == {"release": "0123456789", "models": {name: str(path) for name, path in models.items()}}


def test_a_release_knows_the_names_that_its_models_give(models):
    assert build_release("0123456789", models).identities == ()
    profile = {"kind": "multi_class_top_down", "head": {"identities": ["anna", "bert"]}}
    (models["centered_instance"] / "config.yaml").write_text(yaml.safe_dump(profile))
    assert build_release("0123456789", models).identities == ("anna", "bert")


def test_models_of_different_skeletons_do_not_go_together(models):
    write_json({"nodes": ["nose", "ear"]}, models["centroid"] / "skeleton.json")
    with pytest.raises(SkeletonError, match=r"centered_instance: nodes must be those of .*centroid, got nose, tail"):
        build_release("0123456789", models)


@pytest.mark.parametrize("first", ["centroid", "centered_instance"])
def test_the_nodes_are_those_of_the_model_that_finds_them_whichever_is_first(models, first):
    skeleton = {"nodes": ["nose", "tail"], "edges": [[1, 0]]}
    write_json(skeleton, models["centered_instance"] / "skeleton.json")
    write_json({"nodes": ["tail", "nose"]}, models["centroid"] / "skeleton.json")
    order = sorted(models, key=lambda name: name != first)
    release = build_release("0123456789", {name: models[name] for name in order})
    assert (release.skeleton.nodes, release.skeleton.edges) == (("nose", "tail"), ((1, 0),))


def test_kinds_that_make_no_pipeline_are_no_release(models):
    with pytest.raises(ModelError, match=r"models must be of one of these sets of kinds: .*got centroid in .*centroid"):
        build_release("0123456789", {"centroid": models["centroid"]})


@pytest.mark.parametrize("name", ["config.yaml", "skeleton.json"])
def test_a_folder_that_is_no_model_is_an_error(models, name):
    (models["centroid"] / name).unlink()
    with pytest.raises((ModelError, ConfigError), match="centroid"):
        build_release("0123456789", models)


@pytest.mark.parametrize("text", ["{", "{}", '{"id": 1}'])
def test_a_file_that_is_no_release_is_an_error(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ModelError, match=r"r\.json: must be a release"):
        read_release(tmp_path / "r.json")
