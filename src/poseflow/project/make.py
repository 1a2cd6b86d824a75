"""The files of a project, written once; what is there stays."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml

from poseflow.config import BUNDLE, SplitConfig, parse_config
from poseflow.config.recordings import KNOWN_COLUMNS
from poseflow.core.files import replacing
from poseflow.project.look import FoundLabels, FoundRecordings
from poseflow.project.recommend import Recommendation, recommend_models, share_minutes
from poseflow.runs.places import ANY, PLACES

MACHINES = {"local": "this machine", "slurm": "a SLURM cluster"}
MAX_ROWS = 200
COLUMNS = ("recording", "animals", "pixels_per_mm", "start", "timezone", "camera", "group", "treatment")
SNAKEFILE = """\
from poseflow import SNAKEFILE

configfile: "config/config.yaml"
module poseflow:
    snakefile: SNAKEFILE
    config: config
use rule * from poseflow
"""
HEAD = """\
# Settings of this project: those that differ from the defaults. docs/reference/configuration.md of poseflow lists all,
# `poseflow track --help` and its like those of a step. `snakemake -n --profile local` says what a change would do.
"""
TAIL = """\
# A model's settings may be changed beside its file:
#   single_instance: {profile: config/models/single_instance.yaml, training: {max_epochs: 100}}

# Overlay videos of the first frames of each recording:
# render: {enabled: true}
"""


@dataclass(frozen=True)
class Answers:
    """What is known of a project before it is made."""

    recordings: str
    """Folder, as settings name it."""
    animals: int
    machine: str
    """A key of MACHINES."""
    labels: FoundLabels | None
    found: FoundRecordings
    with_names: bool = True
    """Animals that the labels name are to be told apart by their looks."""
    timezone: str | None = None
    minutes: float | None = None
    """That all trainings may take together; None: as long as they take."""

    @property
    def tells_apart(self) -> bool:
        """Whether models learn who is who."""
        return self.with_names and self.labels is not None and len(self.labels.shown.identities) > 1


def make_project(folder: Path, answers: Answers) -> tuple[list[Path], list[Path]]:
    """Write a project's files, below `folder`; gives those that were written, and those that were there and stay."""
    texts = {
        Path("Snakefile"): SNAKEFILE,
        Path("config/config.yaml"): write_settings(answers),
        Path("config/recordings.tsv"): write_table(answers.found),
        Path("README.md"): write_readme(folder, answers),
    }
    copies = {
        Path("local/config.yaml"): BUNDLE / "profiles/local/config.yaml",
        Path("slurm/config.yaml"): BUNDLE / "profiles/slurm/config.yaml",
        Path("slurm/README.md"): BUNDLE / "profiles/slurm/README.md",
        Path("profiles/default/config.yaml"): BUNDLE / "profiles/default/config.yaml",
    }
    written, kept = [], []
    for name in sorted({*texts, *copies}):
        if (folder / name).exists() or (folder / name).is_symlink():
            kept.append(name)
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as beside:
            if name in texts:
                beside.write_text(texts[name], encoding="utf-8")
            else:
                shutil.copyfile(copies[name], beside)
        written.append(name)
    for place, is_used in {"videos": answers.recordings == "videos", "labels": answers.labels is None}.items():
        if is_used:
            (folder / place).mkdir(exist_ok=True)
    return written, kept


def choose_settings(answers: Answers) -> dict[str, dict[str, Any]]:
    """The settings that differ from the defaults, by section; they are a sound configuration."""
    settings: dict[str, dict[str, Any]] = {"videos": {"root": answers.recordings}}
    labels = answers.labels
    if labels is None:
        settings["labels"] = {"paths": ["labels/*.slp"]}
    else:
        settings["labels"] = {"paths": list(labels.patterns), "video_folders": [answers.recordings]}
        if labels.block_frames is None:
            settings["split"] = {"by": "frame"}
        elif labels.block_frames != SplitConfig().block_frames:
            settings["split"] = {"block_frames": labels.block_frames}
    settings["models"] = _choose_models(answers)
    settings["tracking"] = {"animals": answers.animals}
    if answers.tells_apart:
        settings["tracking"]["identity"] = "per_tracklet"
    if answers.animals > 6:
        settings["predict"] = {"max_instances": answers.animals}
    if answers.found.file_names:
        settings["recordings"] = {"file_names": answers.found.file_names, "timezone": answers.timezone or "UTC"}
        if answers.found.is_flat:
            settings["recordings"]["group_by"] = "day"
    parse_config(settings, "the settings")
    return settings


def recommend(answers: Answers) -> Recommendation | None:
    """Settings of models by what labels show; None where they show too little."""
    if answers.labels is None or not answers.labels.shown.show_size:
        return None
    return recommend_models(answers.labels.shown, answers.animals, answers.with_names, answers.minutes)


def _choose_models(answers: Answers) -> dict[str, Any]:
    if recommended := recommend(answers):
        return recommended.models
    names = ["centroid", "multi_class_top_down" if answers.tells_apart else "centered_instance"]
    if answers.animals == 1:
        names = ["single_instance"]
    profiles = {name: f"config/models/{name}.yaml" for name in names}
    if answers.minutes is None:
        return profiles
    shares = share_minutes(names, answers.minutes)
    return {name: {"profile": profile, "training": {"minutes": shares[name]}} for name, profile in profiles.items()}


def write_settings(answers: Answers) -> str:
    """`config/config.yaml`: what was chosen, and why."""
    settings = choose_settings(answers)
    why = dict(_explain(answers))
    parts = [HEAD]
    for section, values in settings.items():
        text = yaml.safe_dump({section: values}, sort_keys=False, allow_unicode=True, width=110)
        parts.append("".join(f"# {line}\n" for line in _wrap(why.get(section, ""))) + text)
    return "\n".join([*parts, TAIL])


def _wrap(text: str) -> list[str]:
    return [line for paragraph in text.splitlines() for line in wrap(paragraph, 116, subsequent_indent="  ")]


def _explain(answers: Answers) -> Iterator[tuple[str, str]]:
    labels = answers.labels
    yield "videos", f"The recordings; {answers.found.describe()} when this was written."
    if labels is None:
        yield "labels", "None yet: `snakemake suggestions --profile local` picks frames that are worth labeling."
    else:
        yield "labels", f"{labels.describe()}. New files that fit are trained on in the next run."
        how = f"in blocks of {labels.block_frames} frames, since neighboring frames are alike."
        if labels.block_frames is None:
            how = "frame by frame, since too few blocks are labeled: neighboring frames are alike, so figures flatter."
        yield "split", f"Test and validation set are drawn {how}"
    how = "Several animals: where they are, then the pose of each, in a crop."
    if answers.animals == 1:
        how = "One animal: one network finds its pose."
    elif answers.tells_apart:
        how = "Several animals: where they are, then the pose of each, in a crop, and which animal it is."
    how += " The profiles are the package's; one of such a name in this folder takes its place."
    recommended = recommend(answers)
    reasons = ["What differs from them is chosen by the labels:", *recommended.tell_reasons()] if recommended else []
    yield "models", "\n".join([how, *reasons])
    yield "tracking", "Animals in each recording; config/recordings.tsv says where there are others."
    yield "recordings", "What names of files say, and what one recording is: all files of a camera that begin on a day."


def write_table(found: FoundRecordings) -> str:
    """`config/recordings.tsv`: a row for each folder or file at the top, to be filled in."""
    places = list(dict.fromkeys(path.parts[0] for path in found.paths))
    if (found.file_names and found.is_flat) or len(places) > MAX_ROWS:
        places = []
    columns = [name for name in COLUMNS if name in KNOWN_COLUMNS]
    rows = [[_cell(place), *[""] * (len(columns) - 1)] for place in places]
    return "".join("\t".join(row) + "\n" for row in [columns, *rows])


def _cell(text: str) -> str:
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if '"' in text or "\t" in text else text


def write_readme(folder: Path, answers: Answers) -> str:
    """A page for colleagues."""
    places: Mapping[str, str] = {
        "config/config.yaml": "settings",
        "config/recordings.tsv": "what is known of single recordings: animals, scale, start, group, treatment, …",
        "corrections/": f"what people corrected (`{PLACES.review_list(ANY).parent}/` proposes it)",
        "local/, slurm/": "how to run on this machine, and on a cluster (slurm/README.md)",
        f"{PLACES.all_poses}/": f'**the product**: `poseflow.read_poses("{PLACES.all_poses}")`',
        str(PLACES.report): "data, accuracy, tracks: look here first",
        f"{PLACES.results}/, {PLACES.logs}/": "all else that runs make; it can be made again",
    }
    lines = "\n".join(f"| `{name}` | {what} |" for name, what in places.items())
    labels = "no labels yet"
    if answers.labels:
        labels = f"labels: {', '.join(f'`{pattern}`' for pattern in answers.labels.patterns)}"
    return f"""\
# {folder.resolve().name}

Poses of animals in video, by poseflow. Recordings: `{answers.recordings}`; {labels}.

```sh
snakemake -n --profile {answers.machine}         # what would be done
snakemake --profile {answers.machine}            # all that is new: recordings, labels, settings
snakemake --profile {answers.machine} nightly    # the same, every night, with frames of new recordings to label
```

| here | is |
|---|---|
{lines}

Keep a copy of the recordings, the labels, `config/` and `corrections/`. A run that was interrupted goes on by the same
command.

A new version: `pip install -U` poseflow in its environment, then `poseflow upgrade` here, which says what would be made
anew, and why, before anything runs.
"""
