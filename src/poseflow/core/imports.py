"""How TensorFlow and Keras are imported: without notes that read like errors, and without what nothing here uses."""

import atexit
import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

NOTES = (b"All log messages before absl::InitializeLog()", b"oneDNN custom operations are on")


def prepare_imports() -> None:
    """Have TensorFlow and Keras, where this process comes to import them, do it quietly and soon.

    On a machine without a GPU, and as it registers its plugins, TensorFlow's notes read like errors and are none. What
    really fails comes as an exception. TF_CPP_MIN_LOG_LEVEL=0 in the environment shows them.

    Keras imports Matplotlib's pyplot for its galleries, which is a fifth of the time that its import takes. And as a
    process ends, Python would go through all that was imported in search of cycles, for a second.
    """
    atexit.register(gc.freeze)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3":
        _import_within("tensorflow", _without_notes)
    _import_within("keras.src.visualization.plot_image_gallery", _without_pyplot)


def _import_within(name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
    if name not in sys.modules:
        sys.meta_path.insert(0, _ImportWithin(name, context))


class _ImportWithin(MetaPathFinder):
    """Runs a module within a context, once."""

    def __init__(self, name: str, context: Callable[[], AbstractContextManager[None]]):
        self.name, self.context = name, context

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's own spec, with a loader that opens the context."""
        if name != self.name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_within(module: ModuleType) -> None:
                with self.context():
                    run(module)

            spec.loader.exec_module = run_within  # type: ignore[method-assign]
        return spec


@contextmanager
def _without_notes() -> Iterator[None]:
    """What C libraries write to standard error within the block comes after it, but for NOTES."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            rest = b"".join(line for line in said if not any(note in line for note in NOTES))
            if rest:
                os.write(2, rest)


@contextmanager
def _without_pyplot() -> Iterator[None]:
    """Within the block pyplot is as if it were not installed, unless it has been imported before."""
    if "matplotlib.pyplot" in sys.modules:
        yield
        return
    sys.modules["matplotlib.pyplot"] = None  # type: ignore[assignment]  # which is how Python says: not to be had
    try:
        yield
    finally:
        del sys.modules["matplotlib.pyplot"]
