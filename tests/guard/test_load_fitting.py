"""An inferencer never detects with random weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS

from mmdet_ohem import FastRCNNInferencer
from mmdet_ohem.guard.load_fitting import load_fitting
from tests.guard.trainings import training_config


def config_of(root: Path, num_classes: int) -> Any:
    config = training_config(root)
    config.model.roi_head.bbox_head.num_classes = num_classes
    return config


def save(
    root: Path, config: Any, *classes: str, without: str = 'nothing'
) -> Path:
    weights = MODELS.build(config.model).state_dict()
    weights.pop(without, None)
    meta = dict(dataset_meta=dict(classes=classes)) if classes else dict()
    torch.save(dict(meta=meta, state_dict=weights), root / 'weights.pth')
    return root / 'weights.pth'


def test_takes_its_own_weights_under_their_own_names(root: Path) -> None:
    config = config_of(root, 2)
    detect = FastRCNNInferencer(config, save(root, config, 'a', 'b'), 'cpu')
    assert detect.dataset_meta['classes'] == ('a', 'b')
    # Of a file that names no classes, the weights alone are compared.
    FastRCNNInferencer(config, save(root, config), 'cpu')


def test_a_head_for_more_classes_is_refused_with_both(root: Path) -> None:
    file = save(root, config_of(root, 2), 'a', 'b')
    words = (
        r'weights\.pth was trained on 2 classes \(a, b\); the config has '
        r'model\.roi_head\.bbox_head\.num_classes=3\. .*4 of another shape'
    )
    with pytest.raises(ValueError, match=words):
        FastRCNNInferencer(config_of(root, 3), file, 'cpu')


def test_names_of_another_number_are_refused(root: Path) -> None:
    config = config_of(root, 2)
    file = save(root, config, 'a', 'b', 'c')
    with pytest.raises(ValueError, match=r'3 classes .*num_classes=2\. Rem'):
        FastRCNNInferencer(config, file, 'cpu')


def test_missing_weights_are_refused(root: Path) -> None:
    config = config_of(root, 2)
    file = save(
        root, config, 'a', 'b', without='roi_head.bbox_head.fc_reg.bias'
    )
    with pytest.raises(ValueError, match=r'1 missing .*fc_reg\.bias'):
        FastRCNNInferencer(config, file, 'cpu')


def test_weights_of_a_diverged_training_are_refused(root: Path) -> None:
    config = config_of(root, 2)
    file = save(root, config, 'a', 'b')
    saved = torch.load(file)
    saved['state_dict']['roi_head.bbox_head.fc_reg.bias'][0] = torch.nan
    torch.save(saved, file)
    with pytest.raises(ValueError, match=r'1 tensor, .*fc_reg\.bias'):
        FastRCNNInferencer(config, file, 'cpu')


def test_labels_in_another_order_are_refused(root: Path) -> None:
    config = config_of(root, 2)
    file = save(root, config, 'a', 'b')
    detector = MODELS.build(config.model)
    load_fitting(detector, file, ('a', 'b'))
    with pytest.raises(ValueError, match=r'another order \(b, a\)'):
        load_fitting(detector, file, ('b', 'a'))
