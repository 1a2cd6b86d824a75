"""Train one model, from its profile to its folder."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from math import ceil
from pathlib import Path

import keras
import numpy as np

from poseflow.config import ModelConfig, TrainingConfig
from poseflow.core.errors import ModelError
from poseflow.core.files import check_replaceable, flush, move_into_place, remove_unfinished, write_json
from poseflow.labels import Package, read_package
from poseflow.models.starting import start_network
from poseflow.networks.build import build_model
from poseflow.networks.compiled import has_gpu, list_gpus
from poseflow.networks.precision import choose_precision
from poseflow.runs.lock import hold
from poseflow.runs.trainings import StopRequest, forget_stop_request, read_stop_request, remove_learned, work_folder
from poseflow.training.checkpoint import Progress, clear_checkpoints, load_best, resume
from poseflow.training.data import Samples, build_samples, complete_profile, iterate_batches
from poseflow.training.devices import WholeBatchAdam, spread_over_devices
from poseflow.training.epochs import CancelledError, Epochs, is_over
from poseflow.training.feeding import ValidationBatches, feed
from poseflow.training.monitor import MonitorAddresses, monitored
from poseflow.training.network import TrainedNetwork
from poseflow.training.provenance import PARTS, check_same_training, describe_dataset, describe_training, is_trained

logger = logging.getLogger("poseflow")
LEAST_STEPS = 200  # the paper's epoch: the training set once, or 200 batches, whichever is more
WORKERS = 2  # threads that draw samples for a device
BASELINE_SHARE = 0.9  # of the loss of the all-zero prediction: more than this is no model yet


def train_model(
    config: ModelConfig,
    train: Path,
    val: Path,
    folder: Path,
    monitor: MonitorAddresses | None = None,
    devices: Sequence[str] | None = None,
) -> None:
    """Train the model of a profile and store it as `folder`.

    The folder explains itself: config.yaml (with what was left open now filled in), skeleton.json, model.weights.h5
    (of the best epoch), history.csv, training.json, pictures/ and tensorboard/. Until it is whole, all lies in
    `.{name}.work` beside it, from where an interrupted training goes on and comes to the same result. Two processes
    that train the same folder wait for one another. A person may end it early (`poseflow.runs.trainings`): with the
    weights of its best epoch so far, or without a result.

    Args:
        config: the profile.
        train, val: packages of labeled frames. The best epoch has the highest OKS of validation's points, where a
            sample shows one animal, else the least validation loss; where `val` has no labels, the least training loss.
            Of epochs that are equal but for noise the last one counts (`runs.trainings.judge_epoch`).
        folder: the result; if it exists, nothing is done.
        monitor: where SLEAP's GUI listens, if it does.
        devices: share each batch, see `training.devices`; None: the profile's number of the GPUs that are seen here.

    Raises: LabelsError, SkeletonError (also where `val` has other nodes than `train`; their order does not matter),
        ConfigError, also for a folder that holds other things than a model; ModelError when the loss is not finite,
        when the folder's training, finished or not, is of another profile or other labels, or when it is cancelled.
    """
    with _locked(folder.with_name(f".{folder.name}.lock")):
        work = work_folder(folder)
        with closing(read_package(train)) as package, closing(read_package(val)) as held_out:
            if held_out.frames:
                held_out.arrange_nodes(package.skeleton, f"of the training set {train}")
            config = complete_profile(package, config)
            dataset = describe_dataset(package, held_out)
            if is_trained(folder):
                check_same_training(config, dataset, folder)
                logger.info("%s is trained already", folder)
                return
            check_replaceable(folder, PARTS)
            _check_wanted(work)
            check_same_training(config, dataset, work)
            if config.augmentation.flip and not package.skeleton.symmetries:
                logger.warning(
                    "augmentation.flip mirrors animals, and no symmetric nodes (labels.symmetries) change places then"
                )
            work.mkdir(parents=True, exist_ok=True)
            remove_unfinished(work)
            describe_training(config, package, dataset, work)
            samples = build_samples(package, config)
            limit = config.training.max_val_samples
            validation = build_samples(held_out, config, limit) if _has_labels(held_out) else None
            counts = {"train_frames": len(package.frames), "val_frames": len(held_out.frames)}
        if not (work / "training.json").exists():  # written last; killed after that, it needs only its name
            try:
                shared = list_gpus()[: config.training.gpus] if devices is None else devices
                with spread_over_devices(config.training.batch_size, shared) as count:
                    _fit(config, samples, validation, work, counts, monitor, count)
            except CancelledError as cancelled:
                remove_learned(work)
                raise _say_cancelled(work, cancelled.request) from None
        clear_checkpoints(work)
        forget_stop_request(work)
        move_into_place(work, folder)


def _check_wanted(work: Path) -> None:
    """Raise ModelError where a person has cancelled the training; what it had learned before is dropped."""
    request = read_stop_request(work)
    if request is not None and not request.keep:
        remove_learned(work)
        raise _say_cancelled(work, request)


def _say_cancelled(work: Path, request: StopRequest) -> ModelError:
    return ModelError(f"{work}: {request.by} cancelled this training at {request.at}; started again, it begins anew")


def _has_labels(package: Package) -> bool:
    return any(np.isfinite(frame.points).any() for frame in package.frames)


def _fit(
    config: ModelConfig,
    samples: Samples,
    validation: Samples | None,
    work: Path,
    counts: dict[str, int],
    monitor: MonitorAddresses | None,
    devices: int,
) -> None:
    training = config.training
    steps = training.steps_per_epoch or max(ceil(len(samples) / training.batch_size), LEAST_STEPS)
    keras.utils.set_random_seed(training.seed)
    model = _compile(config, samples, devices)
    progress = resume(model, work)
    if not progress.epoch:
        start_network(model.network, config, samples.skeleton)
    epochs = Epochs(config, work, steps, progress)
    epochs.pictured = {"train": samples} | ({"val": validation} if validation else {})
    request = read_stop_request(work)
    if request is not None and progress.epoch:
        progress.stopped = True
    if not progress.stopped and not is_over(progress, training):
        batches = iterate_batches(
            samples,
            config.augmentation,
            training.batch_size,
            training.seed,
            first=progress.epoch * steps,
            workers=WORKERS * devices,
        )
        progress.devices = devices
        with monitored(config, monitor, progress) as messages:
            model.fit(
                feed(batches),
                epochs=training.max_epochs,
                initial_epoch=progress.epoch,
                steps_per_epoch=steps,
                validation_data=None if validation is None else ValidationBatches(validation, devices),
                callbacks=[epochs, keras.callbacks.TensorBoard(work / "tensorboard", write_graph=False), *messages],
                shuffle=False,
                verbose="auto" if os.isatty(1) else 0,
            )
    counts |= {"train_samples": len(samples), "steps_per_epoch": steps}
    _finish(config, model, progress, work, counts, _measure_baseline(model, validation or samples))


def _compile(config: ModelConfig, samples: Samples, devices: int) -> TrainedNetwork:
    model = TrainedNetwork(build_model(config, samples.skeleton), config, samples.skeleton)
    model.compile(optimizer=build_optimizer(config.training, devices), jit_compile=_compiles(devices))
    model.optimizer.build(model.network.trainable_variables)
    return model


def _compiles(devices: int) -> bool:
    """Whether XLA compiles the step: on JAX always, on TensorFlow on a GPU, but not a step that several share."""
    return keras.backend.backend() == "jax" or (has_gpu() and devices == 1)


def build_optimizer(config: TrainingConfig, devices: int = 1) -> keras.Optimizer:
    """Adam with AMSGrad, as in the paper; the schedule sets the rate step by step."""
    return WholeBatchAdam(config.learning_rate, config.clip_norm, devices)


def _measure_baseline(model: TrainedNetwork, samples: Samples) -> float:
    """Loss of the all-zero prediction, where training can get stuck; of classes, that of all being equally likely."""
    batches = ValidationBatches(samples)
    losses, sizes = [], []
    for inputs, labels in (batches[number] for number in range(len(batches))):
        shapes = model.network.compute_output_shape(inputs["images"].shape)
        empty = {
            name: np.full(shapes[name], head.baseline(shapes[name][-1]), np.float32)
            for name, head in model.profile.heads.items()
        }
        losses.append(float(model.compute_loss(inputs, labels, empty)))
        sizes.append(len(inputs["images"]))
    return float(np.average(losses, weights=sizes))


def _finish(
    config: ModelConfig,
    model: TrainedNetwork,
    progress: Progress,
    work: Path,
    counts: dict[str, int],
    baseline_loss: float,
) -> None:
    beats_baseline = progress.best_loss <= BASELINE_SHARE * baseline_loss
    if not beats_baseline:
        logger.warning(
            "%s: the loss must fall below that of the all-zero prediction, %.4g, got %.4g: it learned next to nothing; "
            "lower training.learning_rate or train longer",
            config.kind,
            baseline_loss,
            progress.best_loss,
        )
    load_best(model, progress, work)
    model.network.save_weights(work / "model.weights.h5")
    flush(work / "model.weights.h5")
    facts = {
        "kind": config.kind,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "baseline_loss": baseline_loss,
        "beats_baseline": beats_baseline,
        "seconds": round(progress.seconds, 1),
        "stopped_early": progress.stopped,
        "stopped_by": request.by if (request := read_stop_request(work)) else None,
        "parameters": model.network.count_params(),
        "precision": choose_precision(config.training.precision),
        "devices": progress.devices,
        **counts,
        "versions": {name: version(name) for name in ("poseflow", "keras", "numpy")},
        "backend": keras.backend.backend(),
    }
    write_json(facts, work / "training.json")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the operating system releases when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        hold(file, wait=True)
        yield
