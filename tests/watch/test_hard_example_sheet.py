"""Pictures side by side."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmdet_ohem.watch.hard_example_drawing import (
    DrawingStyle,
)
from mmdet_ohem.watch.hard_example_sheet import make_sheet
from mmdet_ohem.watch.record_summary import summarize
from tests.watch.test_hard_example_drawing import GT, IMAGE, record

STYLE = DrawingStyle(min_side=120)


def sheet(style: DrawingStyle = STYLE, **changes: Any) -> Figure:
    # The others remove nothing, so that all of their RoIs are kept.
    every = record(kept=torch.arange(len(record().losses)))
    rules = {'OHEM': record(), 'stock': every, 'random': every}
    choices = {'iter_1': rules, 'iter_5': {**rules, **changes}}
    return make_sheet(IMAGE, GT, choices, style, 'name')


def test_a_row_a_rule_and_a_column_a_checkpoint() -> None:
    titles = [axes.get_title() for axes in sheet().axes]
    assert [title.split('\n')[0] for title in titles] == [
        'iter_1: OHEM',
        'iter_5: OHEM',
        'iter_1: stock',
        'iter_5: stock',
        'iter_1: random',
        'iter_5: random',
    ]
    assert all(title.endswith(summarize(record())) for title in titles)


def test_a_rule_that_failed_says_why() -> None:
    axes = sheet(stock="KeyError: 'loss_cls'").axes[3]
    assert axes.get_title() == 'iter_5: stock\nfails with this head'
    assert [text.get_text() for text in axes.texts] == ["KeyError: 'loss_cls'"]


def test_only_the_rule_with_an_nms_shows_what_it_removed() -> None:
    plain = sheet().axes
    drawn = sheet(DrawingStyle(min_side=120, draw_suppressed=True)).axes
    differs = [
        bool(np.any(a.images[0].get_array() != b.images[0].get_array()))
        for a, b in zip(plain, drawn, strict=True)
    ]
    assert differs == [True, True, False, False, False, False]


@pytest.mark.parametrize(('suppressed', 'num'), [(False, 3), (True, 4)])
def test_the_legend_names_the_colours(suppressed: bool, num: int) -> None:
    style = DrawingStyle(min_side=120, draw_suppressed=suppressed)
    (legend,) = sheet(style).legends
    assert len(legend.get_texts()) == num


def test_it_can_be_saved() -> None:
    buffer = io.BytesIO()
    sheet().savefig(buffer)
    data = np.frombuffer(buffer.getvalue(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    height, width = picture.shape[:2]
    assert height > 3 * 120
    assert width > 2 * 160
