"""Trainings on one device, on two, and on two and then one: `train` and `val` packages into a folder (test_devices.py).

The devices are parts of the processor: on JAX, XLA_FLAGS makes them.
"""

import shutil
import sys
from pathlib import Path

import keras

from poseflow.config import AugmentationConfig, HeadConfig, InputConfig, ModelConfig, TrainingConfig
from poseflow.core.logs import configure_logging
from poseflow.networks.backbones.unet import UNet
from poseflow.training import train as train_module
from poseflow.training import train_model
from poseflow.training.epochs import Epochs

ONE, TWO = ["cpu:0"], ["cpu:0", "cpu:1"]
PROFILE = ModelConfig(
    kind="multi_class_top_down",
    input=InputConfig(crop_px=32),
    backbone=UNet(filters=4, down_blocks=1),
    head=HeadConfig(output_stride=2),
    augmentation=AugmentationConfig(identity_scale=(0.97, 1.03)),  # the devices have unequally many names
    training=TrainingConfig(
        max_epochs=2, steps_per_epoch=4, warmup_steps=1, precision="float32", pictures_every=0, learning_rate=1e-3
    ),
)


def train_on_devices(train: Path, val: Path, folder: Path) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        parts = [tf.config.LogicalDeviceConfiguration() for _ in TWO]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    else:
        train_module.has_gpu = lambda: True  # then JAX compiles the step, and here too it would take minutes without
    train_model(PROFILE, train, val, folder / "one", devices=ONE)
    finish_epoch = Epochs.on_epoch_end

    def copy_before_the_second_ends(self, epoch, logs=None):
        if epoch == 1:
            shutil.copytree(self.folder, folder / ".resumed.work")
        finish_epoch(self, epoch, logs)

    Epochs.on_epoch_end = copy_before_the_second_ends
    train_model(PROFILE, train, val, folder / "two", devices=TWO)
    Epochs.on_epoch_end = finish_epoch
    train_model(PROFILE, train, val, folder / "resumed", devices=ONE)


if __name__ == "__main__":
    configure_logging()
    train_on_devices(*map(Path, sys.argv[1:]))
