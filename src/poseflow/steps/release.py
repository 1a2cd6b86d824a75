"""The step `release`: trained models that run together over recordings."""

from collections.abc import Mapping
from pathlib import Path

from poseflow.runs.fingerprints import key_of
from poseflow.runs.plan import hash_model_folder
from poseflow.runs.releases import Release, build_release, write_release


def put_together(
    models: Mapping[str, Path], out: Path, identifier: str | None = None, labels: str | None = None
) -> Release:
    """Write the release of some models, as `describe_release` gives it."""
    release = describe_release(models, identifier, labels)
    write_release(release, out)
    return release


def describe_release(models: Mapping[str, Path], identifier: str | None = None, labels: str | None = None) -> Release:
    """The release of some models.

    Args:
        models: folder of each, by name.
        identifier: the release's; by default a hash of the models' contents.
        labels: fingerprint of those that they were trained on, where it is known.

    Raises: ConfigError, ModelError or SkeletonError where they do not go together.
    """
    identifier = identifier or key_of({name: hash_model_folder(folder) for name, folder in models.items()})
    return build_release(identifier, models, labels)
