"""Keras, imported when it is first used: so the settings of heads and backbones are read without it.

`ops` stands for `keras.ops`, and within `tracing` for functions of the same names that write an ONNX graph: what is
made of maps is written once, and runs in Keras as in programs that have none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

_is_tracing = ContextVar("is_tracing", default=False)


class LazyModule:
    """Stands for a module until something of it is asked for."""

    def __init__(self, name: str, traced: str | None = None) -> None:
        self._name, self._traced = name, traced

    def __getattr__(self, attribute: str) -> Any:
        name = self._traced if self._traced and _is_tracing.get() else self._name
        return getattr(import_module(name), attribute)


keras = LazyModule("keras")
layers = LazyModule("keras.layers")
ops = LazyModule("keras.ops", traced="poseflow.networks.onnx.ops")


@contextmanager
def tracing() -> Iterator[None]:
    """Let functions that are called meanwhile, in this thread, write graphs in place of computing."""
    token = _is_tracing.set(True)
    try:
        yield
    finally:
        _is_tracing.reset(token)


def is_tracing() -> bool:
    """Whether a graph is being written."""
    return _is_tracing.get()
