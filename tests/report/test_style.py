"""Names of people's making are drawn as they are."""

import re
from xml.sax.saxutils import unescape

import numpy as np
import pytest

from poseflow.report.localization import LEVELS, plot_by_node, plot_distribution
from poseflow.report.style import draw_figure

NAMES = ["$x_$", "a$b$", r"\frac", "paw_L^2", "<nose> & {{x}}", "_hidden", "мышь 鼠"]


def read_texts(svg):
    return [unescape(text).removeprefix("\u200b") for text in re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_name_of_a_body_part_is_a_formula():
    values = {level: [1.0] * len(NAMES) for level in LEVELS}
    assert set(NAMES) <= set(read_texts(draw_figure(lambda figure: plot_by_node(figure, NAMES, values), 4, 4)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Glyph")
def test_every_video_stands_in_the_legend():
    errors = {name: np.arange(5.0) for name in NAMES}
    assert set(NAMES) <= set(read_texts(draw_figure(lambda figure: plot_distribution(figure, errors), 4, 4)))
