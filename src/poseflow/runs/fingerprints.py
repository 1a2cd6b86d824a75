"""What a step's result depends on: one rule for rules' params, keys in paths, and tables' metadata.

A result depends on its inputs, on the settings that differ from their defaults, and on the step's version. A new
setting whose default changes nothing therefore reruns nothing; where an algorithm or a default changes, the version is
raised by hand, and everything that the step made is made anew.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from poseflow.config import Config, ModelConfig, Section, parse_section
from poseflow.core.errors import LabelsError

KEY_LENGTH = 10

STEP_VERSIONS: Mapping[str, int] = {
    "index": 2,
    "extract": 2,
    "labels": 2,
    "split": 2,
    "train": 3,
    "evaluate": 6,
    "evaluate_tracking": 2,
    "predict": 4,
    "import_predictions": 2,
    "track": 5,
    "assemble": 4,
    "export": 3,
    "render": 1,
    "report": 2,
    "experiment": 1,
}
"""Raise a step's number when its result becomes another from the same inputs and settings: its algorithm changed, or a
default did; CHANGELOG.md says what becomes different. `labels` is the reading of label files, which several steps do.
"""

STEP_SETTINGS: Mapping[str, Sequence[str]] = {
    "index": ("videos.h5_dataset",),
    "extract": ("extract",),
    "labels": ("labels",),
    "split": ("split",),
    "evaluate": (
        "evaluation",
        "predict",
        "tracking.min_identity_score",
        "tracking.min_points",
        "tracking.min_instance_score",
        "tracking.min_partial_score",
        "report.example_frames",
    ),
    "evaluate_tracking": ("evaluation",),
    "predict": ("predict",),
    "import_predictions": ("predict.flow",),
    "track": ("tracking", "review"),
    "assemble": (),
    "export": (),
    "render": ("render",),
    "report": ("report",),
    "experiment": (),
}
"""Sections, or single settings, that a step's result depends on; `train` has a profile of its own."""

NOT_IN_RESULTS = {
    "labels": {"paths", "video_folders", "corrections"},
    "predict": {"shard_frames"},
    "review": {"corrections"},
}
"""Settings that say where something lies, or how work is cut up, and nothing about the result."""

Step = dict[str, Any]
"""`{"step": "track", "version": 1, "settings": {"tracking": {…}, …}}`, as JSON; what differs from the defaults."""


def describe_step(step: str, config: Config | SimpleNamespace) -> Step:
    """Give a step of the workflow with its version and its settings that differ from the defaults."""
    return {"step": step, "version": STEP_VERSIONS[step], "settings": step_settings(step, config, changed_only=True)}


def describe_sections(step: str, **sections: Section) -> Step:
    """As `describe_step`, from the sections alone that the step depends on."""
    return describe_step(step, SimpleNamespace(**sections))


def read_settings(step: Step) -> SimpleNamespace:
    """A step's settings, by section, as `describe_step` or `describe_training` gave them; no others are there."""
    kinds: dict[str, Any] = {name: field.annotation for name, field in Config.model_fields.items()}
    kinds["model"] = ModelConfig
    return SimpleNamespace(
        **{name: parse_section(kinds[name], values, step["step"]) for name, values in step["settings"].items()}
    )


def describe_training(profile: ModelConfig) -> Step:
    """Give the step `train` for one profile."""
    settings = {"model": _dump(profile, changed_only=True)}
    return {"step": "train", "version": STEP_VERSIONS["train"], "settings": settings}


def step_settings(step: str, config: Config | SimpleNamespace, changed_only: bool) -> dict[str, Any]:
    """Settings of a step by section, as JSON; a single setting stands under its section's name too."""
    found: dict[str, Any] = {}
    for name in STEP_SETTINGS[step]:
        section, _, key = name.partition(".")
        values = _dump(getattr(config, section), changed_only)
        wanted = {key} & values.keys() if key else values.keys() - NOT_IN_RESULTS.get(section, set())
        found.setdefault(section, {}).update({key: values[key] for key in values if key in wanted})
    return found


def fingerprint(step: Step, *inputs: Any) -> str:
    """Short hash of a step and its inputs' fingerprints (JSON-able)."""
    return key_of([step, inputs])


def hash_labels(step: Step, paths: Iterable[str | Path]) -> str:
    """Fingerprint of what label files say, read by the step `labels`; where they lie does not count."""
    return fingerprint(step, [hash_file(Path(path)) for path in paths])


def key_of_dataset(step: Step, labels: str, channels: int, corrected: str | None) -> str:
    """Fingerprint of a dataset: of the step `split`, the labels, its images' channels, and corrected frames, if any."""
    return fingerprint(step, labels, channels, *([corrected] if corrected else []))


def check_labels(found: str, planned: str) -> None:
    """Raise LabelsError where labels, or a dataset made of them, are no longer what the run was planned with."""
    if found != planned:
        raise LabelsError(
            f"labels must be those that the run was planned with ({planned}), got others ({found}): "
            "they were saved meanwhile; run again"
        )


def key_of(value: Any) -> str:
    """Short hash of a JSON-able value; the order of mapping keys does not count."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:KEY_LENGTH]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump(section: Section, changed_only: bool) -> dict[str, Any]:
    return section.model_dump(mode="json", exclude_defaults=changed_only)
