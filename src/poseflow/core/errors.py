"""The errors that poseflow raises: for faults that a user can mend, and for a machine that fails to read.

Each message of the first kind reads `<what> must be <rule>, got <value>` and names the file it is about.
"""


class PoseflowError(Exception):
    """Base of all errors whose cause lies in a file, a setting or a label; shown without a traceback."""


class ConfigError(PoseflowError):
    """A setting is misspelled, missing or out of range."""


class VideoError(PoseflowError):
    """A recording cannot be opened, or is not what its name promises."""


class LabelsError(PoseflowError):
    """A label file is empty, unreadable or does not fit the others."""


class AmbiguousVideoError(LabelsError):
    """Several recordings fit a path equally."""


class NoLabelsError(LabelsError):
    """A label file is sound, but nothing in it counts as a label (yet)."""


class SkeletonError(LabelsError):
    """Two skeletons that must be the same are not."""


class IncomparableError(PoseflowError):
    """Models cannot be measured on a test set, through no fault of either."""


class PredictionsError(PoseflowError):
    """A file of another program's predictions is damaged, foreign, or contradicts itself or its recording."""


class TableError(PoseflowError):
    """A Parquet table is damaged or does not have the columns it should have."""


class ModelError(PoseflowError):
    """A model folder is incomplete or does not fit the data."""


class ReadError(OSError):
    """The machine failed to read a file: a fact about the machine, never about the file, so the job is to be repeated.

    Made like any OSError, of a number, the system's words and the file's name.
    """
