"""Releases: which trained models run together over recordings."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, write_json
from poseflow.core.skeleton import Skeleton
from poseflow.models import check_together, find_skeleton, read_model_folder


class TriedRuntime(BaseModel):
    """One way to run a release's models, on labeled frames that they were not trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: str
    precision: str
    frames_per_s: float
    median_px: float | None
    """How far points lie from those of Keras in float32: in the median, and 99 % of them; None: some are not there."""
    high_px: float | None
    mean_average_precision: float | None
    passed: bool
    reason: str = ""
    """Why it may not be used."""

    def describe(self) -> str:
        """It in a line."""
        far = "1 % of the points or more are not the same"
        if self.high_px is not None:
            far = f"99 % of the points move by {self.high_px:.3f} px at most"
        text = f"{self.runtime} in {self.precision}: {self.frames_per_s:.1f} frames/s, {far}"
        return text if self.passed else f"{text}, not used: {self.reason}"


class RuntimeChoice(BaseModel):
    """What `predict.runtime: auto` means for a release: the fastest way to run it that moves its points too little."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runtime: str
    precision: str
    tried: tuple[TriedRuntime, ...] = ()


class Release(BaseModel):
    """Models that run together, and their common skeleton."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    models: dict[str, str]
    """Folder of each model, by name."""
    kinds: dict[str, str]
    skeleton: Skeleton
    identities: tuple[str, ...] = ()
    """Names of the animals that the models tell apart."""
    version: str
    """Of poseflow."""
    labels: str | None = None
    """Fingerprint of the labels that the models were trained on; None where models were given."""
    runtime: RuntimeChoice | None = None
    """Chosen by measurement when the release was made; None where it was not measured."""

    @property
    def folders(self) -> list[Path]:
        """The models' folders."""
        return [Path(folder) for folder in self.models.values()]

    @property
    def metadata(self) -> dict[str, Any]:
        """What every table that is made with the release says of it."""
        return {"release": self.id, "models": self.models}


def build_release(identifier: str, models: Mapping[str, str | Path], labels: str | None = None) -> Release:
    """Put trained models together; `labels` is the fingerprint of those they were trained on.

    Raises: ModelError for a folder that is no model or kinds that make no pipeline, SkeletonError where nodes differ.
    """
    described = {name: read_model_folder(folder) for name, folder in models.items()}
    check_together(list(described.values()))
    return Release(
        id=identifier,
        models={name: str(folder) for name, folder in models.items()},
        kinds={name: folder.config.kind for name, folder in described.items()},
        skeleton=find_skeleton(list(described.values())),
        identities=next(filter(None, (folder.config.head.identities for folder in described.values())), ()),
        version=version("poseflow"),
        labels=labels,
    )


def write_release(release: Release, path: str | Path) -> None:
    """Write a release as JSON, atomically."""
    write_json(release.model_dump(mode="json"), path)


def read_release(path: str | Path) -> Release:
    """Read a release; raises ModelError naming the file where it is none."""
    try:
        return Release.model_validate(read_json(path))
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(f"{path}: must be a release that `poseflow release` wrote: {error}") from None
