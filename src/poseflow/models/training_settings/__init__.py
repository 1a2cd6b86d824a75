"""Training settings of other programs as profiles of ours, with a list of all that has no counterpart.

A setting that another program does not have keeps its default.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from poseflow.config import ModelConfig
from poseflow.core.errors import ConfigError
from poseflow.models.training_settings import deeplabcut, sleap, sleap_nn
from poseflow.models.training_settings.ledger import Ledger

LARGEST = 16 * 2**20
"""Bytes of a file of settings; those of SLEAP, with a skeleton in them, have some thousands."""


@dataclass(frozen=True)
class SettingsReader:
    """A format of training settings."""

    files: str
    """Program and file name, for messages."""
    recognize: Callable[[Mapping[str, Any]], bool]
    """Whether settings are of this format."""
    translate: Callable[[Ledger], ModelConfig]
    """The profile; what it settles, the ledger knows. Raises ValueError, TypeError, and of pydantic ValidationError."""


READERS = (
    SettingsReader("SLEAP training_config.json", sleap.recognize, sleap.translate),
    SettingsReader("sleap-nn training_config.yaml", sleap_nn.recognize, sleap_nn.translate),
    SettingsReader("DeepLabCut pose_cfg.yaml", deeplabcut.recognize_pose_cfg, deeplabcut.translate_pose_cfg),
    SettingsReader("DeepLabCut pytorch_config.yaml", deeplabcut.recognize_pytorch, deeplabcut.translate_pytorch),
)


@dataclass(frozen=True)
class ImportedSettings:
    """A profile, and what of the file it does not have."""

    source: str
    """Program and file name."""
    config: ModelConfig
    without_counterpart: tuple[str, ...]
    """A line for each setting, or section, that is done otherwise here, elsewhere, or not at all."""


def import_training_settings(path: Path) -> ImportedSettings:
    """Read a file of training settings, by its content.

    Every setting that is set is used, equal to what is done here (or without effect), or named.

    Raises:
        ConfigError: The file is absent, too large, damaged, of another kind, or its settings contradict one another;
            names it.
    """
    values = _parse(path)
    reader = next((one for one in READERS if one.recognize(values)), None)
    if reader is None:
        formats = ", ".join(one.files for one in READERS)
        listed = ", ".join(map(str, list(values)[:5])) or "nothing"
        raise ConfigError(f"{path} must be training settings ({formats}), got others (with {listed})")
    ledger = Ledger(values)
    try:
        config = reader.translate(ledger)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"{path}: {faults}") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ConfigError(f"{path} must be {reader.files}, got a damaged one: {' '.join(str(error).split())}") from None
    return ImportedSettings(reader.files, config, ledger.describe_rest())


def write_profile(imported: ImportedSettings, source: Path, out: Path) -> None:
    """Write a profile, with the list of what it does not have as comments; raises ConfigError where there is one."""
    if out.exists():
        raise ConfigError(f"--out must be a file that is not there yet, got {out}")
    settings = imported.config.model_dump(mode="json", exclude_unset=True)
    lines = [f"From {source.name} ({imported.source}). Settings that are not here have their defaults."]
    if imported.without_counterpart:
        lines += ["Of that file, these are otherwise or not at all here:", *imported.without_counterpart]
    out.parent.mkdir(parents=True, exist_ok=True)
    comments = "".join(f"# {line}\n" for line in lines)
    out.write_text(comments + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _parse(path: Path) -> Mapping[str, Any]:
    what = "training settings, JSON or YAML"
    if not path.is_file():
        raise ConfigError(f"{path} must be {what}, got {'a folder' if path.is_dir() else 'no such file'}")
    size = path.stat().st_size
    if not 0 < size <= LARGEST:
        raise ConfigError(f"{path} must be {what} of 1 to {LARGEST:,} bytes, got {size:,}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        fault = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"{path} must be {what}, got a damaged file (cut off?): {fault}") from None
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{path} must be {what}, got {type(values).__name__}")
    return values
