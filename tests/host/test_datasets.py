"""What is asked of a dataset's pipeline."""

from types import SimpleNamespace
from typing import Any

import pytest
from mmengine.dataset import Compose

from mmdet_ohem.host.datasets import turned_by_exif


@pytest.mark.parametrize(
    ('steps', 'expected'),
    [
        ([], True),
        ([dict(type='LoadImageFromFile')], True),
        ([dict(type='LoadImageFromFile', color_type='unchanged')], False),
        (
            [
                dict(type='LoadProposals'),
                dict(
                    type='LoadImageFromFile',
                    color_type='color_ignore_orientation',
                ),
            ],
            False,
        ),
        ([dict(type='LoadImageFromFile', imdecode_backend='pillow')], True),
        (
            [dict(type='LoadImageFromFile', imdecode_backend='tifffile')],
            False,
        ),
    ],
)
def test_whether_images_are_turned_by_exif(
    steps: list[dict[str, Any]], expected: bool
) -> None:
    dataset = SimpleNamespace(pipeline=Compose(steps))
    assert turned_by_exif(dataset) == expected
