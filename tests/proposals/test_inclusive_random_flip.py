"""Pixels and boxes are mirrored together."""

from typing import Any

import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import ProposalBroadcaster
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

DIRECTIONS = ('horizontal', 'vertical', 'diagonal')
BOXES = [[3, 5, 9, 6], [0, 0, 4, 11], [12, 2, 16, 11], [0, 0, 16, 11]]
WIDTH, HEIGHT = 17, 12


def flip(direction: str, prob: float = 1.0) -> Any:
    return TRANSFORMS.build(
        dict(
            type='mmdet_ohem.InclusiveRandomFlip',
            prob=prob,
            direction=direction,
        )
    )


def marked(box: list[int]) -> dict[str, Any]:
    """An image that is 255 in the box, corners inclusive, and 0 elsewhere."""
    img = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    x1, y1, x2, y2 = box
    img[y1 : y2 + 1, x1 : x2 + 1] = 255
    return dict(
        img=img,
        img_shape=img.shape[:2],
        gt_bboxes=HorizontalBoxes(torch.tensor([box]).float()),
    )


def marked_region(img: np.ndarray) -> list[int]:
    """Inclusive box of all that is not 0; it is filled."""
    ys, xs = np.nonzero(img[..., 0])
    box = [int(v) for v in (xs.min(), ys.min(), xs.max(), ys.max())]
    assert len(xs) == (box[2] - box[0] + 1) * (box[3] - box[1] + 1)
    return box


@pytest.mark.parametrize('direction', DIRECTIONS)
@pytest.mark.parametrize('box', BOXES)
def test_the_box_stays_on_its_pixels(box: list[int], direction: str) -> None:
    results = flip(direction)(marked(box))
    assert results['gt_bboxes'].tensor.tolist() == [
        marked_region(results['img'])
    ]
    assert results['flip_direction'] == direction


@pytest.mark.parametrize(
    ('direction', 'expected'),
    [
        ('horizontal', [7, 5, 13, 6]),
        ('vertical', [3, 5, 9, 6]),
        ('diagonal', [7, 5, 13, 6]),
    ],
)
def test_boxes_by_hand(direction: str, expected: list[int]) -> None:
    results = flip(direction)(marked([3, 5, 9, 6]))
    assert results['gt_bboxes'].tensor.tolist() == [expected]


@pytest.mark.parametrize('direction', DIRECTIONS)
def test_twice_is_as_before(direction: str) -> None:
    before = marked(BOXES[0])
    results = flip(direction)(flip(direction)(marked(BOXES[0])))
    assert np.array_equal(results['img'], before['img'])
    assert torch.equal(results['gt_bboxes'].tensor, before['gt_bboxes'].tensor)


def test_without_a_flip_nothing_moves() -> None:
    results = flip('horizontal', prob=0.0)(marked(BOXES[0]))
    assert results['gt_bboxes'].tensor.tolist() == [BOXES[0]]
    assert marked_region(results['img']) == BOXES[0]
    assert not results['flip']


@pytest.mark.parametrize('direction', DIRECTIONS)
def test_proposals_are_flipped_like_ground_truth(direction: str) -> None:
    results = marked(BOXES[0])
    # As LoadProposals gives them: an array, here of two boxes.
    results['proposals'] = np.array([BOXES[0], BOXES[1]], np.float32)
    out = ProposalBroadcaster([flip(direction)])(results)
    alone = flip(direction)(marked(BOXES[1]))['gt_bboxes'].tensor
    assert isinstance(out['proposals'], np.ndarray)
    assert out['proposals'][0].tolist() == marked_region(out['img'])
    assert out['proposals'][1].tolist() == alone[0].tolist()
    assert out['gt_bboxes'].tensor[0].tolist() == marked_region(out['img'])


def test_an_image_without_boxes_is_flipped() -> None:
    results = marked(BOXES[0])
    results['gt_bboxes'] = HorizontalBoxes(torch.empty(0, 4))
    out = flip('horizontal')(results)
    assert len(out['gt_bboxes']) == 0
    del results['gt_bboxes']
    assert marked_region(flip('horizontal')(results)['img']) == BOXES[0]


def test_mmdets_own_flip_moves_boxes_off_their_pixels() -> None:
    stock = TRANSFORMS.build(dict(type='RandomFlip', prob=1.0))
    results = stock(marked(BOXES[0]))
    x1, y1, x2, y2 = marked_region(results['img'])
    assert results['gt_bboxes'].tensor.tolist() == [[x1 + 1, y1, x2 + 1, y2]]
