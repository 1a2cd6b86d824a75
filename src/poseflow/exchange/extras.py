"""Packages that only some formats need."""

from importlib import import_module
from typing import Any

from poseflow.core.errors import ConfigError


def import_extra(module: str, format: str) -> Any:
    """Import a package of the extra `exports`; raises ConfigError that says how to install it."""
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            f"the format {format} must have the package {module}, got none installed; pip install 'poseflow[exports]'"
        ) from None
