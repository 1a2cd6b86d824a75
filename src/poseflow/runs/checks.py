"""Settings held against what is there, before anything runs: names that fit nothing, and contradictions.

What no run could follow is an error, all faults in one. What fits nothing, but may only be gone, as a pattern of
recordings that were archived, is a warning: it must not cost a run.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from poseflow.config import KINDS, Config, LabelsConfig, VideosConfig
from poseflow.config.parts import RANDOM, Backbone
from poseflow.core.errors import ConfigError
from poseflow.core.wording import list_some
from poseflow.models import needed_files, read_model_folder
from poseflow.runs.corrections import SUFFIXES, group_corrections
from poseflow.runs.plan import Plan

if TYPE_CHECKING:
    from poseflow.labels import FrameKey

MAX_LISTED = 3


def check_settings(config: Config, plan: Plan) -> list[str]:
    """Give a line for each setting that fits nothing.

    Raises: ConfigError that names every contradiction.
    """
    faults = [*_contradictions(config, plan)]
    if faults:
        raise ConfigError("; ".join(faults))
    return [
        *_names_that_fit_nothing(config, plan),
        *_folders_that_are_missing(config),
        *_weights_to_fetch(plan),
        *_doubtful(config, plan),
    ]


def _names_that_fit_nothing(config: Config, plan: Plan) -> Iterator[str]:
    root = config.videos.root
    files = [path.relative_to(root).as_posix() for path in plan.videos.values() if path.is_relative_to(root)]
    if files:  # without recordings nothing fits, which is said elsewhere
        for pattern in config.promotion.repredict:
            if not any(fnmatchcase(video, pattern) for video in plan.videos):
                yield f"promotion.repredict must fit recordings, got {pattern}, which fits none"
    for pattern in _own_patterns(config.videos.patterns, VideosConfig().patterns):
        if files and not any(_fits_video(path, pattern) for path in files):
            yield f"videos.patterns must fit recordings, got {pattern}, which fits none"
    for pattern in _own_patterns(config.labels.paths, LabelsConfig().paths):
        if not glob(pattern, recursive=True):
            yield f"labels.paths must fit label files, got {pattern}, which fits none"


def _own_patterns(patterns: Sequence[str], defaults: Sequence[str]) -> list[str]:
    """Those that somebody wrote: a default need not fit anything."""
    return [pattern for pattern in patterns if pattern not in defaults]


def _fits_video(path: str, pattern: str) -> bool:
    name = path if "/" in pattern else path.rpartition("/")[2]
    return fnmatchcase(name.lower(), pattern.lower())


def _folders_that_are_missing(config: Config) -> Iterator[str]:
    for folder in config.labels.video_folders:
        if not Path(folder).is_dir():
            yield f"labels.video_folders must name folders, got {folder}"
    corrections = config.review.corrections
    if corrections != "corrections" and not Path(corrections).is_dir():
        yield f"review.corrections must be a folder, got {corrections}: no correction is applied"


def _doubtful(config: Config, plan: Plan) -> Iterator[str]:
    folder = Path(config.review.corrections)
    known = {file for files in group_corrections(folder, plan.recordings).values() for file in files}
    for file in sorted(file for suffix in SUFFIXES for file in folder.glob(f"*{suffix}")):
        if plan.recordings and file not in known:
            first = next(iter(plan.recordings))
            yield f"{file} must be named after a recording, as {first}{file.suffix}, got no recording of that name"
    own = {f"{facts.said_in}: names" for facts in plan.facts.values() if facts.names}
    named = [*(["tracking.names"] if config.tracking.names else []), *sorted(own)]
    if named and config.tracking.identity == "none":
        yield f"{list_some(named, MAX_LISTED)} must stand with tracking.identity other than none, which gives no names"
    labeled = max((labels["animals"] for labels in plan.label_facts), default=0)
    if labeled > config.predict.max_instances:
        yield (
            f"predict.max_instances must be at least the animals of a labeled frame ({labeled}), "
            f"got {config.predict.max_instances}"
        )
    if plan.dataset is not None:
        from poseflow.labels.split import describe_shortage, divide_by_rules

        ruled, units = divide_by_rules(_labeled_frames(plan), config.split)
        if shortage := describe_shortage(set(units.values()), set(ruled.values()), config.split):
            yield shortage


def _labeled_frames(plan: Plan) -> "list[tuple[str, FrameKey]]":
    """Path of the recording and key of labeled frames: of all, or of some that are spread over many."""
    from poseflow.labels import FrameKey

    return [
        (
            f"/{path}",
            FrameKey(path.rpartition("/")[2], place)
            if isinstance(place, int)
            else FrameKey(path.rpartition("/")[2], 0, place, numbered=False),
        )
        for labels in plan.label_facts
        for path, places in labels["places"].items()
        for place in places
    ]


def _contradictions(config: Config, plan: Plan) -> Iterator[str]:
    if plan.dataset is not None:
        from poseflow.labels.split import check_rules

        try:
            check_rules({path for path, _ in _labeled_frames(plan)}, config.split)
        except ConfigError as error:
            yield str(error)
    nodes = _nodes(config, plan)
    least = config.tracking.min_points
    if nodes and "min_points" in config.tracking.model_fields_set and least > len(nodes):
        yield f"tracking.min_points must be at most the number of nodes ({len(nodes)}), got {least}"
    trail = config.render.trail_node
    if nodes and config.render.enabled and trail is not None and trail not in nodes:
        yield f"render.trail_node must be a node of the labels ({', '.join(nodes)}), got {trail}"
    names = sorted({name for labels in plan.label_facts for name in labels["identities"]})
    yield from _names_that_no_model_tells_apart(config, plan, names)
    yield from _nodes_that_there_are_not(plan, nodes)
    if nodes:
        yield from config.labels.find_unknown_nodes(nodes)
    for name, profile in plan.profiles.items():
        identities = profile.head.identities
        if fault := _find_weights_fault(profile.backbone):
            yield f"models.{name}: {fault}"
        if KINDS[profile.kind].names_animals:
            if len(identities or names) < 2:
                got = ", ".join(identities or names) or "none"
                yield f"models.{name}: labels must name two animals or more to tell them apart, got {got}"
            if unlabeled := sorted({*(identities or ())} - {*names}):
                known = ", ".join(names) or "none"
                yield f"models.{name}: head.identities must be tracks of the labels ({known}), got {unlabeled[0]}"
    kinds = {profile.kind for profile in plan.profiles.values()}
    if isinstance(config.release, dict):
        kinds = {read_model_folder(folder).config.kind for folder in plan.models.values()}
    one_animal = {KINDS[kind].pipeline for kind in kinds} == {"single_animal"}
    own = {f"{known.said_in}: animals": known.animals for known in plan.facts.values() if known.animals}
    for name, animals in {"tracking.animals": config.tracking.animals or 1, **own}.items():
        if one_animal and animals > 1:
            yield f"{name} must be 1 for models of one animal ({', '.join(sorted(kinds))}), got {animals}"
    yield from _animals_that_are_too_many(config, own)
    yield from _columns_that_clash(config, plan, nodes)


def _nodes_that_there_are_not(plan: Plan, nodes: Sequence[str]) -> Iterator[str]:
    """Nodes that models name, or experiments for them."""
    profiles = [("models.", plan.profiles)] + [
        (f"experiments.{experiment.name}: ", training.profiles)
        for experiment in plan.experiments.values()
        for training in experiment.trainings.values()
    ]
    places: dict[tuple[str, str, str], str] = {}  # of a model, a setting and a node, where that is said first
    for place, own in profiles:
        for name, profile in own.items():
            for setting, node in {"anchor": profile.input.anchor, "heading": profile.input.heading}.items():
                if node is not None and node not in (nodes or [node]):
                    places.setdefault((name, setting, node), place)
    for (name, setting, node), place in places.items():
        yield f"{place}{name}: input.{setting} must be a node of the labels ({', '.join(nodes)}), got {node}"


def _names_that_no_model_tells_apart(config: Config, plan: Plan, labeled: Sequence[str]) -> Iterator[str]:
    """Names that settings or single recordings give, and the models that run over the recordings do not know."""
    pipeline = next(iter(plan.pipelines.values()), None)
    if config.tracking.identity == "none" or pipeline is None:
        return
    if isinstance(config.release, dict):
        heads = [read_model_folder(folder).config for folder in pipeline.models.values()]
    else:
        heads = [plan.profiles[model] for model in pipeline.models]
    known = {name for one in heads if KINDS[one.kind].names_animals for name in one.head.identities or labeled}
    own = {f"{facts.said_in}: names": facts.names for facts in plan.facts.values() if facts.names}
    for place, names in {"tracking.names": config.tracking.names or (), **own}.items():
        if unknown := [name for name in names if name not in known]:
            told = ", ".join(sorted(known))
            yield f"{place} must be of those that the models tell apart ({told}), got {', '.join(unknown)}"


def _find_weights_fault(backbone: Backbone) -> str | None:
    """Why training could not start from the weights that are named; None where it can, or may fetch them."""
    weights, pretrained = backbone.weights, backbone.find_pretrained()
    if weights == RANDOM:
        return None
    if weights in pretrained:
        found = pretrained[weights]
        if found.is_here or found.automatic:
            return None
        return f"backbone.weights: {weights} must be installed: {found.remedy}; got none"
    if all(file.is_file() for file in needed_files(weights)):
        return None
    names = ", ".join((RANDOM, *pretrained))
    return f"backbone.weights must be {names} or the folder of a trained model, got {weights}"


def _weights_to_fetch(plan: Plan) -> Iterator[str]:
    for name, profile in plan.profiles.items():
        found = profile.backbone.find_pretrained().get(profile.backbone.weights)
        if found and found.automatic and not found.is_here:
            yield (
                f"models.{name}: backbone.weights {profile.backbone.weights} are not on this machine: {found.path}; "
                f"{found.remedy}"
            )


def _animals_that_are_too_many(config: Config, animals: Mapping[str, int]) -> Iterator[str]:
    """Numbers of single recordings, by where they stand, that exceed what is set for all."""
    limits = {"predict.max_instances": config.predict.max_instances}
    if config.tracking.max_tracks is not None and config.tracking.max_tracks != config.tracking.animals:
        limits["tracking.max_tracks"] = config.tracking.max_tracks
    for name, number in animals.items():
        for limit, most in limits.items():
            if number > most:
                yield f"{name} must be at most {limit} ({most}), got {number}"


def _columns_that_clash(config: Config, plan: Plan, nodes: Sequence[str]) -> Iterator[str]:
    from poseflow.core.skeleton import Skeleton
    from poseflow.tables import pose_schema

    columns = config.recordings.columns
    own = pose_schema(Skeleton.from_names(list(nodes or ["node"]), []), tells_hidden=True).names
    taken = {name.casefold() for name in (*own, "node", "x", "y", "score", "edited", "hidden")}
    for name in columns:
        if name.casefold() in taken:
            yield f"recordings.columns must be others than the pose table's own, in more than case, got {name}"
    known = {column for facts in plan.facts.values() for column in facts.columns}
    if plan.facts and (unknown := [name for name in columns if name not in known]):
        yield (
            f"recordings.columns must be columns of {config.recordings.table} or of recordings.file_names "
            f"({', '.join(sorted(known)) or 'there are none'}), got {', '.join(unknown)}"
        )


def _nodes(config: Config, plan: Plan) -> list[str]:
    """Of the models that are given, or of the labels."""
    if isinstance(config.release, dict):
        return list(read_model_folder(next(iter(plan.models.values()))).skeleton.nodes)
    return next((list(labels["nodes"]) for labels in plan.label_facts if labels["nodes"]), [])
