"""The step `release`: trained models that run together over recordings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from poseflow.config import PredictConfig
from poseflow.core.errors import ConfigError
from poseflow.runs.fingerprints import key_of
from poseflow.runs.plan import hash_model_folder
from poseflow.runs.releases import Release, build_release, write_release


def put_together(
    models: Mapping[str, Path],
    out: Path,
    identifier: str | None = None,
    labels: str | None = None,
    validation: tuple[Path, PredictConfig] | None = None,
) -> Release:
    """Write the release of some models, as `describe_release` gives it.

    Args: `validation`: labeled frames on which its runtime is chosen, and how it will predict.
    """
    release = describe_release(models, identifier, labels)
    if validation is not None:
        from poseflow.steps.choose_runtime import choose_runtime

        package, predict = validation
        release = release.model_copy(update={"runtime": choose_runtime(models, package, predict)})
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


def name_models(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders of models, each by its name, with that of the folder above where two are called the same.

    Raises: ConfigError for no folder, or for one that is given twice.
    """
    if len({folder.resolve() for folder in folders}) < max(len(folders), 1):
        got = ", ".join(map(str, folders)) or "none"
        raise ConfigError(f"models must be given by folders, each once, got {got}")
    paths = [folder if folder.name not in ("", "..") else folder.resolve() for folder in map(Path.absolute, folders)]
    named = Counter(path.name for path in paths)
    return {
        path.name if named[path.name] == 1 else f"{path.parent.name}_{path.name}": folder
        for path, folder in zip(paths, folders, strict=True)
    }
