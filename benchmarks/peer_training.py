"""One training of sleap-nn, by its own Python: `training_peers.py` runs this in the environment of sleap-nn.

    python peer_training.py configure LABELS ANCHOR CONFIG
    python peer_training.py train CONFIG FOLDER MINUTES...

`configure` writes what sleap-nn's own generator of configurations recommends for these labels, seen from above. `train`
trains by a configuration, and when so many minutes have passed keeps the weights of the moment and those of the best
epoch so far: FOLDER/{minutes}/{now,best}, each a model's folder. The clock runs from the loading of an epoch's first
batch to the end of its validation; starting, filling the cache and writing checkpoints are not counted.
FOLDER/clock.json says how far it had come.
"""

import json
import shutil
import sys
from pathlib import Path
from time import perf_counter

import lightning
import torch
from omegaconf import OmegaConf
from sleap_nn.config_generator import ConfigGenerator
from sleap_nn.training.model_trainer import ModelTrainer

WARM_UP = 20
"""Steps that do not count for the speed: memory is allocated, and the processor's caches fill."""


class Clock(lightning.Callback):
    """Keeps weights when their time has come, and ends the training after the last."""

    def __init__(self, minutes: list[float], checkpoints: Path, folder: Path) -> None:
        self.minutes, self.checkpoints, self.folder = sorted(minutes), checkpoints, folder
        self.kept: list[dict] = []
        self.steps: list[float] = []  # s, each with the loading of its batch
        self.seconds = self.validation = 0.0
        self.begin = self.last = self.validating = 0.0
        self.validated: float | None = None  # when the epoch's validation ended
        self.epochs = 0

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.begin = self.last = perf_counter()

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: object) -> None:
        now = perf_counter()
        self.steps.append(now - self.last)
        seconds = self.seconds + now - self.begin
        while len(self.kept) < len(self.minutes) and seconds >= 60 * self.minutes[len(self.kept)]:
            self._keep(trainer, seconds)
        if len(self.kept) == len(self.minutes):
            trainer.should_stop = True
        self.last = perf_counter()
        self.begin += self.last - now

    def on_validation_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.validating = perf_counter()

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if not trainer.sanity_checking:
            self.validated = perf_counter()
            self.validation += self.validated - self.validating

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.seconds += (self.validated or perf_counter()) - self.begin
        self.validated = None
        self.epochs += 1

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Where the training ended by its own rule, that is what the minutes left would have given too."""
        while len(self.kept) < len(self.minutes):
            self._keep(trainer, self.seconds)

    def _keep(self, trainer: lightning.Trainer, seconds: float) -> None:
        minutes = self.minutes[len(self.kept)]
        best, folder = self.checkpoints / "best.ckpt", self.folder / f"{minutes:g}"
        settings = self.checkpoints / "training_config.yaml"
        for name in ("now", "best") if best.exists() else ("now",):
            (folder / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(settings, folder / name)
        trainer.save_checkpoint(folder / "now" / "best.ckpt", weights_only=True)
        if best.exists():
            shutil.copy(best, folder / "best")
        kept = {"minutes": minutes, "seconds": seconds, "validation_s": self.validation}
        done = {"steps": len(self.steps), "epochs": self.epochs}
        self.kept.append({**kept, **done, "learning_rate": trainer.optimizers[0].param_groups[0]["lr"]})

    def describe(self) -> dict:
        """What is known in the end."""
        counted = self.steps[WARM_UP:]
        return {"kept": self.kept, "steps_per_s": len(counted) / sum(counted) if counted else None}


class TimedTrainer(ModelTrainer):
    """sleap-nn's trainer with a clock beside its own callbacks."""

    clock: Clock

    def _setup_loggers_callbacks(self, *args: object, **options: object) -> tuple[list, list]:
        loggers, callbacks = super()._setup_loggers_callbacks(*args, **options)
        return loggers, [*callbacks, self.clock]


def configure(labels: str, anchor: str, config: str) -> None:
    """sleap-nn's own choice for centered instances."""
    generator = ConfigGenerator.from_slp(labels).auto(view="top").pipeline("centroid").anchor_part(anchor)
    OmegaConf.save(generator.build_centered_instance(), config)


def train(config: str, folder: str, *minutes: str) -> None:
    """Train, and write what `clock.json` holds."""
    settings = OmegaConf.load(config)
    trainer = TimedTrainer.get_model_trainer_from_config(settings)
    used = trainer.config.trainer_config
    trainer.clock = Clock([float(one) for one in minutes], Path(used.ckpt_dir) / used.run_name, Path(folder))
    trainer.train()
    facts = {
        **trainer.clock.describe(),
        "parameters": int(trainer.config.model_config.total_params),
        "crop_px": int(trainer.config.data_config.preprocessing.crop_size),
        "images": trainer.config.data_config.data_pipeline_fw,
        "workers": int(used.train_data_loader.num_workers),
        "threads": torch.get_num_threads(),
        "precision": str(trainer.trainer.precision),
    }
    Path(folder, "clock.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    {"configure": configure, "train": train}[sys.argv[1]](*sys.argv[2:])
