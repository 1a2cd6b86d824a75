"""Why a request is refused."""

from typing import Any


class RefusedError(Exception):
    """A request that is answered with a status, a word for programs, and a sentence for people."""

    def __init__(self, status: int, error: str, message: str, detail: Any = None) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.detail = status, error, message, detail


def unknown(what: str, name: str) -> RefusedError:
    """The refusal of a name that nothing in the project has."""
    return RefusedError(404, "unknown", f"{what} must be one of this project, got {name!r}")


def not_ready(message: str, done: float | None = None) -> RefusedError:
    """The refusal of what is still being read."""
    return RefusedError(503, "not_ready", message, {"done": done})
