"""Heads tell apart as many classes as the dataset has."""

from pathlib import Path

import pytest

from mmdet_ohem.host.detectors import num_classes_of_heads
from tests.guard.trainings import runner_of, train, training_config
from tests.tiny import cascade_roi_head

WORDS = (
    r'%s_dataloader\.dataset has 2 classes \(dog, cat\), but the config has '
    r'model\.roi_head\.bbox_head\.num_classes=%d\. Remedy: write num_classes=2'
)


@pytest.mark.parametrize('num', [1, 3, 20])
def test_training_and_test_refuse_another_number(num: int, root: Path) -> None:
    config = training_config(root)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.metainfo = dict(classes=('dog', 'cat'))
    config.model.roi_head.bbox_head.num_classes = num
    with pytest.raises(ValueError, match=WORDS % ('train', num)):
        train(config)
    with pytest.raises(ValueError, match=WORDS % ('test', num)):
        runner_of(config).test()


def test_each_stage_of_a_cascade_is_a_head() -> None:
    sampler = dict(type='mmdet_ohem.OHEMSampler', num=8)
    heads = num_classes_of_heads(cascade_roi_head(sampler, sampler))
    assert heads == {'bbox_head.0': 4, 'bbox_head.1': 4}
