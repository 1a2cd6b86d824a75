"""A training tells SLEAP's GUI how it comes on, and stops where that says so."""

import json
from threading import Thread

import pytest
import zmq
from blobs import write_blobs

from poseflow.config import HeadConfig, InputConfig, ModelConfig, TrainingConfig
from poseflow.core.errors import ConfigError
from poseflow.core.files import read_json
from poseflow.networks.backbones.unet import UNet
from poseflow.training import train_model
from poseflow.training.monitor import MonitorAddresses, monitored

pytestmark = pytest.mark.slow
PROFILE = ModelConfig(
    kind="bottom_up",
    input=InputConfig(scale=0.5),
    backbone=UNet(filters=4, down_blocks=2),
    head=HeadConfig(output_stride=2, part_affinity_fields={"output_stride": 4}),
    training=TrainingConfig(max_epochs=3, steps_per_epoch=3, warmup_steps=1, precision="float32", pictures_every=0),
)


class Gui:
    """What SLEAP's GUI does: binds both sockets, listens, and stops the training after its first epoch."""

    def __init__(self):
        self.context = zmq.Context()
        self.progress, self.control = self.context.socket(zmq.SUB), self.context.socket(zmq.PUB)
        self.progress.setsockopt_string(zmq.SUBSCRIBE, "")
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (self.progress, self.control)]
        self.addresses = MonitorAddresses(*(f"tcp://127.0.0.1:{port}" for port in ports))
        self.messages = []
        self.thread = Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while self.progress.poll(60_000):
            message = json.loads(self.progress.recv())
            self.messages.append(message)
            if message["event"] == "epoch_end" and message["epoch"] == 0:
                self.control.send_string("no JSON")
                self.control.send_string(json.dumps({"command": "stop"}))
            if message["event"] == "train_end":
                return

    def close(self):
        self.thread.join(60)
        self.context.destroy(linger=0)


def test_the_gui_hears_all_and_stops_the_training(tmp_path):
    gui = Gui()
    packages = write_blobs(tmp_path, "train", 4), write_blobs(tmp_path, "val", 2, seed=1)
    train_model(PROFILE, *packages, tmp_path / "m", gui.addresses)
    gui.close()
    assert {message["what"] for message in gui.messages} == {"multi_instance"}
    events = [message["event"] for message in gui.messages]
    batch = ["batch_begin", "batch_start", "batch_end"]
    assert events[:11] == ["train_begin", "epoch_begin", *3 * batch]
    assert events[11] == "epoch_end" and events[-1] == "train_end"
    ended = [message["logs"] for message in gui.messages if message["event"] == "epoch_end"]
    assert {"loss", "val_loss", "train/loss", "train_loss", "val/loss"} <= ended[0].keys()
    assert ended[0]["loss"] == ended[0]["train/loss"] > 0
    facts = read_json(tmp_path / "m/training.json")
    assert facts["stopped_early"] and facts["epochs"] == 2


def test_addresses_that_are_none_are_refused():
    with pytest.raises(ConfigError, match="must be like tcp"), monitored(PROFILE, MonitorAddresses("9001"), None):
        pass


def test_without_a_listener_a_training_goes_on(tmp_path):
    packages = write_blobs(tmp_path, "train", 4), write_blobs(tmp_path, "val", 2, seed=1)
    train_model(PROFILE, *packages, tmp_path / "m", MonitorAddresses("tcp://127.0.0.1:1", "tcp://127.0.0.1:2"))
    assert read_json(tmp_path / "m/training.json")["epochs"] == 3
