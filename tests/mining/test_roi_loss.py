"""One number per RoI from whatever a loss function returns."""

import pytest
import torch

from mmdet_ohem.mining.roi_loss import losses_per_roi

R, P = 5, 2


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [
        ((R,), [1, 1, 1, 1, 1]),
        ((R, 4), [4, 4, 4, 4, 4]),
        ((P, 4), [4, 4, 0, 0, 0]),
        ((R * 3,), [3, 3, 3, 3, 3]),
    ],
)
def test_losses_are_added_up_per_roi(
    shape: tuple[int, ...], expected: list[int]
) -> None:
    parts = losses_per_roi({'loss_bbox': torch.ones(shape)}, R, P)
    assert parts.loc.tolist() == expected
    assert parts.cls.tolist() == [0] * R


def test_names_tell_classification_from_localisation() -> None:
    losses = {
        'loss_cls_classes': torch.full((R,), 1.0),
        'loss_cls_objectness': torch.full((R,), 10.0),
        'loss_bbox_cls': torch.full((P,), 100.0),
        'loss_bbox_reg': torch.full((P,), 1000.0),
        'acc': torch.full((1,), 99.0),
    }
    parts = losses_per_roi(losses, R, P)
    assert parts.cls.tolist() == [11] * R
    assert parts.loc.tolist() == [1100, 1100, 0, 0, 0]
    assert parts.total.tolist() == [1111, 1111, 11, 11, 11]


def test_half_precision_is_added_in_float32() -> None:
    losses = {'loss_cls': torch.full((R, 4096), 1.0, dtype=torch.half)}
    assert losses_per_roi(losses, R, P).cls.tolist() == [4096] * R


@pytest.mark.parametrize('shape', [(3,), (R - 1, 4), (R + 1,), ()])
def test_a_loss_that_cannot_be_split_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="'loss_cls' has shape"):
        losses_per_roi({'loss_cls': torch.ones(shape)}, R, P)


def test_no_loss_at_all_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"returned no loss, only \['acc'\]"):
        losses_per_roi({'acc': torch.ones(R)}, R, P)
