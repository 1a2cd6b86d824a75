"""Where everything lies that a run makes: each place in `results/` and `logs/`, under a name.

Names of recordings, shards and versions go in where a place is asked for; so do wildcards of a rule (`"{video}"`) and
of a search (`"*"`), which makes one description serve rules, readers and searches alike.
"""

from dataclasses import dataclass
from pathlib import Path

ANY = "*"
_TRAINING = ".job"


@dataclass(frozen=True)
class Places:
    """The places below a folder of results and one of logs; relative ones are those of the folder that a run is in.

    Example:
        >>> Places().shard("{video}", "{shard}").as_posix()
        'results/predictions/{video}/{shard}.parquet'
    """

    results: Path = Path("results")
    logs: Path = Path("logs")

    # --- The run

    @property
    def lock(self) -> Path:
        """Held by the one run that is at work."""
        return self.results / ".lock"

    @property
    def labels_lock(self) -> Path:
        """Held while the page in the browser saves labels."""
        return self.results / ".labels.lock"

    @property
    def facts(self) -> Path:
        """What was found out about files while the run was planned."""
        return self.results / ".plan.json"

    @property
    def names(self) -> Path:
        """The name of each recording, for good."""
        return self.results / "recordings.json"

    @property
    def versions(self) -> Path:
        """The versions of the steps that made what there is."""
        return self.results / ".versions.json"

    @property
    def summary(self) -> Path:
        """What the last run did; beside it, the same as a page (`summary_page`)."""
        return self.results / "summary.txt"

    @property
    def summary_page(self) -> Path:
        """The summary as HTML."""
        return self.results / "summary.html"

    @property
    def report(self) -> Path:
        """What a person looks at."""
        return self.results / "report.html"

    @property
    def orphaned(self) -> Path:
        """Folder of results whose recordings are gone."""
        return self.results / "orphaned"

    def log(self, rule: str, *of: str) -> Path:
        """Log of a rule's job, by the names that tell its jobs apart."""
        return _under(self.logs, rule, of, ".log")

    def benchmark(self, rule: str, *of: str) -> Path:
        """Time and memory of a rule's job, as Snakemake measured them."""
        return _under(self.results / "benchmarks", rule, of, ".tsv")

    def profile(self, video: str, shard: str) -> Path:
        """Where the time of a shard's prediction went."""
        return self.benchmark("predict", video, shard).with_suffix(".json")

    # --- A video

    def index(self, video: str) -> Path:
        """What a video holds."""
        return self.results / "index" / f"{video}.json"

    def suggestions(self, video: str) -> Path:
        """Frames of a video that are worth labeling."""
        return self.results / "suggestions" / f"{video}.pkg.slp"

    def predictions(self, video: str) -> Path:
        """Folder of a video's predictions."""
        return self.results / "predictions" / video

    def shard(self, video: str, shard: str) -> Path:
        """Predictions of one shard of a video."""
        return self.predictions(video) / f"{shard}.parquet"

    def finished(self, video: str) -> Path:
        """Folder of second names of shards that are finished and that the run has not noted yet."""
        return self.predictions(video) / ".finished"

    def assigned_release(self, video: str) -> Path:
        """The release that a video is predicted with."""
        return self.predictions(video) / "release.json"

    def overlay(self, video: str) -> Path:
        """Poses drawn over the video."""
        return self.results / "overlays" / f"{video}.mp4"

    def tracking_metrics(self, video: str) -> Path:
        """How well a labeled video's animals were kept apart."""
        return self.results / "evaluation" / "tracking" / f"{video}.json"

    # --- A recording, of one video or several

    def tracks(self, recording: str) -> Path:
        """Tracks of a whole recording."""
        return self.results / "tracks" / f"{recording}.parquet"

    def review_list(self, recording: str) -> Path:
        """What a person should look at, a row each."""
        return self.results / "review" / f"{recording}.csv"

    def review_labels(self, recording: str) -> Path:
        """The same for SLEAP's GUI."""
        return self.results / "review" / f"{recording}.slp"

    @property
    def all_poses(self) -> Path:
        """Folder of all pose tables."""
        return self.results / "poses"

    def pose_table(self, recording: str, video: str) -> Path:
        """Poses of one video of a recording."""
        return self.all_poses / recording / f"{video}.parquet"

    def export(self, format: str, recording: str, video: str) -> Path:
        """Poses of one video in a format of other programs."""
        from poseflow.config import suffix_of  # which takes longer to import than help of a command may

        return self.exports(format, recording) / f"{video}{suffix_of(format)}"

    def exports(self, format: str, recording: str) -> Path:
        """Folder of a recording's poses in a format of other programs."""
        return self.results / "exports" / format / recording

    # --- Labels and models

    def dataset(self, key: str) -> Path:
        """Folder of training, validation and test set."""
        return self.results / "datasets" / key

    def dataset_side(self, key: str, side: str) -> Path:
        """One of the sets: train, val or test."""
        return self.dataset(key) / f"{side}.pkg.slp"

    def model(self, model: str, version: str) -> Path:
        """Folder of a trained model."""
        return self.results / "models" / model / version

    def training(self, model: str, version: str) -> Path:
        """Folder beside the model's in which its training keeps everything while it lasts."""
        return training_folder(self.model(model, version))

    def release(self, key: str) -> Path:
        """Models that run together."""
        return self.results / "releases" / f"{key}.json"

    @property
    def history(self) -> Path:
        """All decisions about releases: a record, which nothing makes anew."""
        return self.results / "promotion" / "history.json"

    @property
    def current_release(self) -> Path:
        """The release in use, for new recordings."""
        return self.results / "promotion" / "current.json"

    def evaluation(self, dataset: str, release: str) -> Path:
        """Folder of a release's accuracy on the test set of a dataset."""
        return self.results / "evaluation" / dataset / release

    def metrics(self, dataset: str, release: str) -> Path:
        """The accuracy itself."""
        return self.evaluation(dataset, release) / "metrics.json"

    # --- Experiments

    def experiment(self, experiment: str) -> Path:
        """Folder of an experiment."""
        return self.results / "experiments" / experiment

    def experiment_table(self, experiment: str) -> Path:
        """What came of each run of an experiment."""
        return self.experiment(experiment) / "table.csv"

    def experiment_training(self, experiment: str, training: str) -> Path:
        """Folder of models that were trained for an experiment."""
        return self.experiment(experiment) / training

    def experiment_run(self, experiment: str, training: str, run: str) -> Path:
        """Folder of the accuracy of such models."""
        return self.experiment_training(experiment, training) / run

    # --- Searches

    def find(self, pattern: Path) -> list[Path]:
        """The files that there are of a place asked for with `"*"`, in the order of their names."""
        return sorted(self.results.glob(pattern.relative_to(self.results).as_posix()))

    def find_trainings(self) -> list[tuple[str, str]]:
        """Model and version of each training that keeps something."""
        folders = [folder for folder in self.find(self.training(ANY, ANY)) if folder.is_dir()]
        return [(folder.parent.name, folder.name.removeprefix(".").removesuffix(_TRAINING)) for folder in folders]

    def moved_to(self, results: Path, path: Path) -> Path:
        """The place in another folder of results that one in this has."""
        return results / path.relative_to(self.results)

    @classmethod
    def around(cls, pose_table: Path) -> "Places":
        """The places that a pose table lies among, `results/poses/{recording}/{video}.parquet`."""
        path = pose_table if len(pose_table.parents) > 3 else pose_table.absolute()
        return cls(path.parents[2])


PLACES = Places()
"""Those of a run, in the folder that it was started in."""


def find_folder_fault(folder: Path) -> str | None:
    """Why no run could work in a project's folder; None where it can."""
    path = str(folder.resolve())
    is_plain = not set("{}") & set(path)
    return (
        None if is_plain else f"a project's folder must have no braces in its path, as Snakemake fills them, got {path}"
    )


def training_folder(model: Path) -> Path:
    """Where the training of the model that will be at `model` keeps everything while it lasts."""
    return model.with_name(f".{model.name}{_TRAINING}")


def _under(folder: Path, rule: str, of: tuple[str, ...], suffix: str) -> Path:
    *parents, last = (rule, *of)
    return folder.joinpath(*parents, f"{last}{suffix}")
