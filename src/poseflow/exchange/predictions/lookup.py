"""Which recording a file of predictions is about."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from poseflow.core.errors import AmbiguousVideoError
from poseflow.exchange.predictions.reader import PredictedVideo
from poseflow.media import find_recording
from poseflow.media.lookup import count_equal_at_end, key_of_name


def find_video(
    file: Path, video: PredictedVideo, recordings: Sequence[Path], others: Iterable[str] = ()
) -> Path | None:
    """The one of `recordings` that a file's predictions are of, None if none is.

    The path in the file decides, as `find_recording` says. Where it holds none, the recording is the one that the file
    is named after: whose name, without its suffix, the file's begins with (`cage1DLC_resnet50.h5`, `cage1.csv`); the
    longest such name, and of equal names the one whose folders agree best with the file's.

    Raises: AmbiguousVideoError where several fit equally; names the file and them all.
    """
    if video.recorded is not None:
        try:
            return find_recording(video.recorded, recordings, others)
        except AmbiguousVideoError as error:
            raise AmbiguousVideoError(f"{file}: {error}") from None
    named = {path: len(path.stem) for path in recordings if _is_named_after(file.name, path.stem)}
    fitting = [path for path, length in named.items() if length == max(named.values())]
    alike = {path: count_equal_at_end(file.absolute().parent.parts, path.absolute().parent.parts) for path in fitting}
    best = [path for path in fitting if alike[path] == max(alike.values())]
    if len(best) > 1:
        listed = ", ".join(map(str, best))
        raise AmbiguousVideoError(f"{file}: its recording must be one, got several of its name: {listed}")
    return best[0] if best else None


def _is_named_after(name: str, stem: str) -> bool:
    """Whether a file's name is a recording's with something behind it that is no other word or number."""
    name, stem = key_of_name(name), key_of_name(stem)
    rest = name.removeprefix(stem)
    return name.startswith(stem) and (rest.startswith("dlc") or not rest[:1].isalnum())
