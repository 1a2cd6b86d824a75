"""The camera over the cage: from poses to frames."""

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from poseflow.config.synth import SynthConfig
from poseflow.media.channels import convert_channels
from poseflow.synth.animals import ANIMALS
from poseflow.synth.draw import draw_animal, draw_cover
from poseflow.synth.fur import Fur, paint_fur
from poseflow.synth.layout import Layout
from poseflow.synth.paint import Light
from poseflow.synth.scenery import Scenery, paint_scenery
from poseflow.synth.simulate import CagePoses

_GAIN: dict[Light, float] = {"day": 240.0, "infrared": 225.0}
_EXPOSURE: dict[Light, float] = {"day": 0.30, "infrared": 0.55}  # of a frame's time
_NOISE: dict[Light, float] = {"day": 1.6, "infrared": 3.0}  # grey levels
_ADAPTING_S = 0.25  # of the exposure control after a switch of light
_LIGHTS: tuple[Light, Light] = ("day", "infrared")
_NOISE_MARGIN = 48


@dataclass(frozen=True)
class _Look:
    """Everything that is painted once for a light."""

    scenery: Scenery
    furs: tuple[Fur, ...]
    brighter: NDArray[np.uint8]  # (height + margin, width + margin, channels): the noise's positive part
    darker: NDArray[np.uint8]  # likewise its negative part


class Camera:
    """Films a cage; what it holds does not grow with the recording."""

    def __init__(self, config: SynthConfig, layout: Layout) -> None:
        self._config, self._layout = config, layout
        self._period = config.light_period_frames or -(-config.frames // 2)
        self._looks: dict[Light, _Look] = {}

    def light_at(self, frame_idx: int) -> Light:
        """Which light is on in a frame."""
        light = self._config.light
        return _LIGHTS[frame_idx // self._period % 2] if light == "switch" else light

    def shoot(self, poses: CagePoses) -> NDArray[np.uint8]:
        """The frame (height, width, 3) RGB of these poses; by infrared its channels are equal."""
        light = self.light_at(poses.frame_idx)
        look = self._look(light)
        frame: MatLike = look.scenery.background.copy()
        exposure = _EXPOSURE[light] if self._config.motion_blur else 0.0
        for animal in poses.order:
            x, y = np.clip(poses.bodies.line[animal].mean(axis=0), 0, (frame.shape[1] - 1, frame.shape[0] - 1))
            brightness = float(look.scenery.brightness[round(y), round(x)])
            draw_animal(frame, poses.bodies, animal, look.furs[animal], brightness, exposure)
        draw_cover(frame, look.scenery.hide)
        frame = self._expose(frame, poses.frame_idx, look)
        return convert_channels(np.asarray(frame, np.uint8), 3)

    def _look(self, light: Light) -> _Look:
        if light not in self._looks:
            config, layout = self._config, self._layout
            gain = _GAIN[light]
            scenery = paint_scenery(layout, light, gain, config.seed)
            furs = tuple(
                paint_fur(animal, animal.size * layout.body_px, light, gain, np.random.default_rng([config.seed, 3, i]))
                for i, animal in enumerate(ANIMALS[: config.animals])
            )
            height, width, channels = scenery.background.shape
            rng = np.random.default_rng([config.seed, 4])
            noise = rng.normal(0, _NOISE[light], (height + _NOISE_MARGIN, width + _NOISE_MARGIN, channels))
            brighter, darker = (np.round(np.clip(part, 0, 255)).astype(np.uint8) for part in (noise, -noise))
            self._looks[light] = _Look(scenery, furs, brighter, darker)
        return self._looks[light]

    def _expose(self, frame: MatLike, frame_idx: int, look: _Look) -> MatLike:
        """Sensor noise, and the glare until the exposure control has found a new light."""
        shape = frame.shape
        if self._config.light == "switch" and frame_idx >= self._period:
            since = frame_idx % self._period / (self._config.fps * _ADAPTING_S)
            if since < 8:
                frame = cv2.convertScaleAbs(frame, alpha=1 + 0.8 * float(np.exp(-since)))
        row, column = np.random.default_rng([self._config.seed, 5, frame_idx]).integers(0, _NOISE_MARGIN, 2)
        window = (slice(row, row + shape[0]), slice(column, column + shape[1]))
        frame = cv2.add(frame.reshape(shape), look.brighter[window])
        return cv2.subtract(frame.reshape(shape), look.darker[window]).reshape(shape)
