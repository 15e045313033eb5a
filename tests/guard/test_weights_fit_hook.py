"""Weights fit, or nothing runs."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

import mmdet_ohem.guard.weights_fit_hook as module
from tests.guard.trainings import (
    break_off,
    hear,
    runner_of,
    train,
    training_config,
)

TWO, THREE = ('dog', 'cat'), ('dog', 'cat', 'horse')


def with_classes(
    config: Any, classes: tuple[str, ...], num: int | None = None
) -> Any:
    """A copy with these classes, and a head for them or for ``num``."""
    config = copy.deepcopy(config)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.metainfo = dict(classes=classes)
    head = config.model.roi_head.bbox_head
    head.num_classes = num or len(classes)
    return config


@pytest.fixture
def two(root: Path) -> Any:
    """The config of a training on two classes that broke off."""
    config = with_classes(training_config(root), TWO)
    break_off(config, 3)
    return config


def weights(config: Any) -> str:
    return f'{config.work_dir}/iter_2.pth'


def run_test(config: Any, file: str) -> dict[str, float]:
    config = copy.deepcopy(config)
    config.update(load_from=file, resume=False)
    return runner_of(config).test()


def test_a_test_with_its_own_config_runs(two: Any) -> None:
    assert 'pascal_voc/mAP' in run_test(two, weights(two))


def test_a_test_of_other_classes_is_refused_with_both(two: Any) -> None:
    words = (
        r'iter_2\.pth was trained on 2 classes \(dog, cat\); the config has '
        r'3 classes \(dog, cat, horse\).*fc_cls\.weight \(3, 16\) in the '
        r'checkpoint, \(4, 16\) in the model.*Remedy'
    )
    with pytest.raises(ValueError, match=words):
        run_test(with_classes(two, THREE), weights(two))


@pytest.mark.parametrize('classes', [('cat', 'dog'), ('dog', 'horse'), THREE])
def test_the_order_and_the_names_of_classes_count(
    classes: tuple[str, ...], two: Any
) -> None:
    with pytest.raises(ValueError, match=r'was trained on 2 classes'):
        run_test(with_classes(two, classes, num=2), weights(two))


def test_other_names_can_be_allowed(two: Any) -> None:
    config = with_classes(two, ('dog', 'horse'))
    config.default_hooks.weights_fit.classes = False
    assert 'pascal_voc/mAP' in run_test(config, weights(two))


def test_missing_weights_are_never_random_in_a_test(two: Any) -> None:
    checkpoint = torch.load(weights(two), weights_only=False)
    del checkpoint['state_dict']['roi_head.bbox_head.fc_reg.bias']
    torch.save(checkpoint, weights(two))
    with pytest.raises(ValueError, match=r'1 missing in the .*fc_reg\.bias'):
        run_test(two, weights(two))


def test_a_test_of_several_views_looks_inside(two: Any) -> None:
    checkpoint = torch.load(weights(two), weights_only=False)
    del checkpoint['state_dict']['roi_head.bbox_head.fc_reg.bias']
    torch.save(checkpoint, weights(two))
    two.model = dict(type='mmdet_ohem.MultiScaleTTAModel', module=two.model)
    with pytest.raises(ValueError, match=r'1 missing in the .*fc_reg\.bias'):
        run_test(two, weights(two))


def test_a_resume_with_one_more_class_is_refused(two: Any) -> None:
    config = with_classes(two, THREE)
    config.resume = True
    with pytest.raises(ValueError, match=r'2 classes.*3 classes.*Remedy'):
        train(config)


def test_load_from_says_what_it_does_not_take(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    config = with_classes(two, THREE)
    config.update(load_from=weights(two), work_dir=two.work_dir + '_new')
    assert train(config).iter == 6
    (warning,) = said
    assert '4 are not taken from it: 4 of another shape' in warning
    assert '2 classes' in warning and '3 classes' in warning


def test_a_fitting_load_from_says_nothing(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    config = copy.deepcopy(two)
    config.update(load_from=weights(two), work_dir=two.work_dir + '_new')
    train(config)
    assert said == []


def test_the_model_is_left_without_our_hook(two: Any) -> None:
    two.resume = True
    model = train(two).model
    hooks = [x._load_state_dict_post_hooks for x in model.modules()]
    assert not any(hooks)
