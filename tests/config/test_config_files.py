"""The files that are shipped agree with the code, the lock and one another."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from snakemake.utils import update_config

from poseflow.config import Config, find_pipeline_fault, parse_config, parse_section, read_model_config
from poseflow.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))
PROFILES = sorted(path.name for path in (ROOT / "config/models").glob("*.yaml"))


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def all_keys(section: type[BaseModel], prefix=""):
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from all_keys(field.annotation, f"{prefix}{name}.")


def keys_in(values, prefix=""):
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from keys_in(value, f"{prefix}{name}.")


def test_the_default_configuration_shows_every_key_with_its_default():
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(re.sub(r"^# (models:|  \w+: config/)", r"\1", text, flags=re.MULTILINE))
    assert parse_config(values) == parse_config(yaml.safe_load(text)) == Config()
    assert set(all_keys(Config)) <= set(keys_in(values))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_valid_and_so_are_their_models(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = parse_config(read(f"config/{name}"), name)
    kinds = {name: read_model_config(profile).kind for name, profile in config.models.items()}
    for models in config.named_pipelines.values():
        assert find_pipeline_fault([kinds[name] for name in models]) is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_means_the_same_laid_over_the_defaults(name):
    """As Snakemake's --configfile lays it over config.yaml."""
    values = read("config/config.yaml")
    update_config(values, read(f"config/{name}"))
    assert parse_config(values) == parse_config(read(f"config/{name}"))


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_of_the_kind_it_is_named_after(name):
    assert read_model_config(ROOT / "config/models" / name).kind == name.removesuffix(".yaml")


@pytest.mark.parametrize("path", [*(f"config/{name}" for name in EXAMPLES), *(f"config/models/{n}" for n in PROFILES)])
def test_editors_find_the_schema(path):
    first = (ROOT / path).read_text().splitlines()[0]
    schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert schema
    assert (ROOT / path).parent.joinpath(schema[1]).is_file()


def test_the_conda_environment_has_the_versions_of_the_lock():
    lock = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\n]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    *_, pip = read("workflow/envs/poseflow.yaml")["dependencies"]
    pinned = dict(requirement.split("==") for requirement in pip["pip"])
    assert pinned.items() <= dict(lock).items()
    wanted = re.findall(
        r'^    "([A-Za-z0-9._-]+)',
        re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S)[1],
        re.M,
    )
    assert set(wanted) - set(pinned) == {"tensorflow"}, "tensorflow-cpu stands for it"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-jax.lock"])
def test_locks_name_no_index(name):
    assert "://" not in (ROOT / name).read_text()


def test_the_lock_of_jax_adds_to_the_other_and_changes_nothing_in_it():
    own, other = (
        set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / f"requirements{name}.lock").read_text(), re.M))
        for name in ("-jax", "")
    )
    assert own == {"jax", "jaxlib"}
    assert not own & other


@pytest.mark.parametrize("name", ["slurm", "local"])
def test_snakemake_finds_the_profiles_from_the_root(name):
    assert (ROOT / name).resolve() == ROOT / "profiles" / name
    assert isinstance(read(f"{name}/config.yaml"), dict)


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"trackin": {}}, "did you mean 'tracking'"),
        ({"tracking": {"animal": 2}}, "did you mean 'animals'"),
        ({"predict": {"flow": {"window": 3}}}, "did you mean 'window_frames'"),
        ({"split": {"hold_out": [{"vidoe": "a.mp4"}]}}, "did you mean 'video'"),
    ],
)
def test_a_misspelled_key_names_the_nearest_right_one(values, hint):
    with pytest.raises(ConfigError, match=hint):
        parse_config(values)


def test_tracking_cannot_look_farther_back_than_flow_looks_ahead():
    with pytest.raises(
        ConfigError, match=r"tracking\.window_frames must be at most predict\.flow\.window_frames \(2\)"
    ):
        parse_config({"predict": {"flow": {"window_frames": 2}}})
    parse_config({"predict": {"flow": {"window_frames": 2}}, "tracking": {"candidates": "window"}})


def test_all_faults_come_in_one_message():
    with pytest.raises(ConfigError, match=r"(?s)predict\.batch_size.*tracking\.matching"):
        parse_config({"predict": {"batch_size": 0}, "tracking": {"matching": "best"}})


def test_a_profile_may_be_changed_in_place_key_by_key(tmp_path):
    (tmp_path / "p.yaml").write_text("kind: centroid\ninput: {scale: 0.5, anchor: nose}\n")
    changed = read_model_config({"profile": str(tmp_path / "p.yaml"), "input": {"scale": 0.25}})
    assert (changed.input.scale, changed.input.anchor) == (0.25, "nose")


def test_a_backbone_of_another_name_has_its_own_defaults_and_not_the_settings_of_the_profiles(tmp_path):
    def read(**backbone):
        return read_model_config({"profile": str(tmp_path / "p.yaml"), "backbone": backbone}).backbone

    (tmp_path / "p.yaml").write_text("kind: centered_instance\nbackbone: {filters: 32, growth: 2.0, down_blocks: 5}\n")
    other = read(name="efficientnetlite0")
    assert (other.filters, other.growth) == (64, 1.0)
    assert read(name="leap", filters=8).filters == 8
    for same in (read(filters=8), read(name="unet", filters=8)):
        assert (same.filters, same.growth, same.down_blocks) == (8, 2.0, 5)
    (tmp_path / "p.yaml").write_text("kind: centered_instance\nbackbone: {name: resnet18, filters: 32}\n")
    assert (read(name="unet").filters, read(weights="random").filters) == (16, 32)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"input": {"scale": 1}}, "must name its file under the key profile"),
        ({"profile": "gone.yaml"}, r"gone\.yaml must be a readable file, got: No such file"),
    ],
)
def test_a_profile_that_cannot_be_read_is_an_error(profile, message):
    with pytest.raises(ConfigError, match=message):
        read_model_config(profile)


@pytest.mark.parametrize("factors", [[1.1, 0.9], [0, 1]])
def test_factors_are_a_least_and_a_greatest_one(factors):
    profile = {"profile": str(ROOT / "config/models/centroid.yaml"), "augmentation": {"scale": factors}}
    with pytest.raises(ConfigError, match="least factor must be above 0 and at most the greatest"):
        read_model_config(profile)


def test_an_empty_section_has_the_defaults():
    assert parse_section(Config, None, "x") == Config()
