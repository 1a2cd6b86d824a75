"""A synthetic home cage: recordings of gerbils whose every pose is known."""

from poseflow.synth.animals import IDENTITIES, SKELETON
from poseflow.synth.record import Recording, film_cage, render_cage
from poseflow.synth.simulate import CagePoses, simulate_cage

__all__ = ["IDENTITIES", "SKELETON", "CagePoses", "Recording", "film_cage", "render_cage", "simulate_cage"]
