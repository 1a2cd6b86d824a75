"""poseflow: directories of animal recordings in, analysis-ready Parquet pose tables out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poseflow.inference import load_predictor as load_model
    from poseflow.live import live_poses
    from poseflow.steps.run import run
    from poseflow.tables import read_poses

    __version__: str

__all__ = ["SNAKEFILE", "__version__", "live_poses", "load_model", "read_poses", "run"]

SNAKEFILE = str(Path(__file__).parent / "bundle" / "Snakefile")
"""The workflow that belongs to this package; a project's `Snakefile` imports it (`module:`)."""

# TensorFlow computes with oneDNN by default only where the processor has AVX512-VNNI; with AVX2 alone it pays more.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def __getattr__(name: str) -> Any:
    """Import what needs Arrow or Keras only when it is asked for, so that `import poseflow` stays light."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("poseflow")
        except PackageNotFoundError:  # a source tree that was never installed
            return "0+unknown"
    if name == "live_poses":
        from poseflow.live import live_poses

        return live_poses
    if name == "load_model":
        from poseflow.inference import load_predictor

        return load_predictor
    if name == "read_poses":
        from poseflow.tables import read_poses

        return read_poses
    if name == "run":
        from poseflow.steps.run import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
