"""Heads tell apart as many classes as the dataset has."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_ohem.guard.weights_fit import as_classes, name_classes
from mmdet_ohem.host.detectors import num_classes_of_heads
from mmdet_ohem.registry import HOOKS


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compare ``num_classes`` of each head with the classes of the dataset.

    With too small a number, objects of the last class are background; with
    too large a one, a test reports classes that do not exist. mmdet's
    ``NumClassCheckHook`` looks before training and validation epochs; this
    one looks before tests as well, and does not look at an RPN.

    Raises:
        ValueError: Before training, validation or test: they differ.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare with the dataset of the training."""
        _check(runner, 'train')

    def before_val(self, runner: Runner) -> None:
        """Compare with the dataset of the validation."""
        _check(runner, 'val')

    def before_test(self, runner: Runner) -> None:
        """Compare with the dataset of the test."""
        _check(runner, 'test')


def _check(runner: Runner, mode: str) -> None:
    loader = getattr(runner, f'{mode}_dataloader')
    meta = getattr(loader.dataset, 'metainfo', None) or {}
    classes = as_classes(meta.get('classes'))
    if classes is None:
        return
    heads = num_classes_of_heads(runner.model)
    wrong = {name: num for name, num in heads.items() if num != len(classes)}
    if wrong:
        found = ', '.join(
            f'model.{name}.num_classes={num}' for name, num in wrong.items()
        )
        raise ValueError(
            f'{mode}_dataloader.dataset has {name_classes(classes)}, but the '
            f'config has {found}. Remedy: write num_classes={len(classes)} '
            'there, or correct metainfo.classes of the dataset'
        )
