"""A runtime without networks: one animal in the middle of each frame."""

from pathlib import Path

import numpy as np

from poseflow.inference.pipeline import Pipeline
from poseflow.models import read_model_folder
from poseflow.tables import Instances


def load_middle(folders, config):
    model = read_model_folder(folders[0])
    nodes = len(model.skeleton.nodes)

    def run(images):
        return (np.tile(np.array(images.shape[2:0:-1], np.float32) / 2, (len(images), nodes, 1)),)

    def assemble(outputs):
        (points,) = outputs
        count = len(points)
        return Instances.from_arrays(np.arange(count), np.ones(count), points, np.ones((count, nodes)))

    channels = model.config.input.channels
    return Pipeline(model.skeleton, channels, tuple(map(Path, folders)), (), run, assemble)
