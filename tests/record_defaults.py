"""Keeps the defaults that each step's version stands for: `make schema` runs this; see test_fingerprints.py."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poseflow.config import HEADS, Config, ModelConfig
from poseflow.runs.fingerprints import STEP_SETTINGS, STEP_VERSIONS, step_settings

RECORD = Path(__file__).with_name("step_defaults.json")


def read_defaults() -> dict[str, Any]:
    """Version and defaults of each step, as they are today."""
    settings = {step: step_settings(step, Config(), changed_only=False) for step in STEP_SETTINGS}
    profile = ModelConfig(kind="centroid").model_dump(mode="json", exclude={"kind"})
    profile["head"] |= {
        name: HEADS[name]().model_dump(mode="json") for name in HEADS if name != "confidence_maps"
    }  # each stands in a profile where it is set
    settings["train"] = {"model": profile}
    return {step: {"version": version, "defaults": settings[step]} for step, version in STEP_VERSIONS.items()}


def changed_defaults(record: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """Settings whose default is no longer the recorded one though the step's version is; new settings are none."""
    found = []
    for step, known in record.items():
        if step in today and today[step]["version"] == known["version"]:
            now = dict(_flatten(today[step]["defaults"]))
            was = dict(_flatten(known["defaults"]))
            found += [f"{step}: {name}" for name, value in was.items() if now.get(name, "gone") != value]
    return found


def _flatten(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flatten(value, f"{name}.{key}" if name else key)
    else:
        yield name, values


if __name__ == "__main__":
    today = read_defaults()
    if changed := changed_defaults(json.loads(RECORD.read_text()) if RECORD.exists() else {}, today):
        raise SystemExit(f"raise STEP_VERSIONS of poseflow.runs.fingerprints first, the defaults changed of {changed}")
    RECORD.write_text(json.dumps(today, indent=2) + "\n")
