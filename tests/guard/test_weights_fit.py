"""What of a checkpoint fits a model."""

from typing import Any

import torch
from torch import nn

from mmdet_ohem.guard.weights_fit import classes_of, compare, name_classes


def model(num: int = 3) -> nn.Sequential:
    layers = nn.Sequential(nn.Linear(4, num), nn.BatchNorm1d(num))
    layers.register_buffer('table', torch.arange(5))
    return layers


def checkpoint(
    num: int = 3, changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    weights = model(num).state_dict() | (changes or {})
    return dict(state_dict={k: v for k, v in weights.items() if v is not None})


def test_a_models_own_weights_fit() -> None:
    misfit = compare(checkpoint(), model())
    assert not misfit.is_partial and misfit.describe() == ''
    # Weights and biases of two layers, and two running statistics.
    assert misfit.num_weights == 6


def test_other_shapes_are_named_with_both() -> None:
    misfit = compare(checkpoint(2), model(3))
    assert misfit.is_partial
    assert misfit.reshaped['0.weight'] == ((2, 4), (3, 4))
    text = misfit.describe()
    assert text.startswith('6 of another shape (0.weight (2, 4) in the check')
    assert '(3, 4) in the model' in text and '3 more' in text


def test_what_is_learned_or_measured_is_missed() -> None:
    lacking = checkpoint(
        changes={'0.bias': None, '1.running_var': None, 'table': None}
    )
    misfit = compare(lacking, model())
    assert misfit.missing == ['0.bias', '1.running_var']
    assert '2 missing in the checkpoint' in misfit.describe()


def test_what_has_no_place_is_no_obstacle() -> None:
    misfit = compare(checkpoint(changes={'2.weight': torch.ones(1)}), model())
    assert not misfit.is_partial
    assert misfit.describe() == '1 without a place in the model (2.weight)'


def test_names_of_several_processes_are_the_same() -> None:
    weights = {f'module.{k}': v for k, v in model().state_dict().items()}
    assert compare(dict(state_dict=weights), model()).describe() == ''
    # And a file may be the weights themselves.
    assert compare(model().state_dict(), model()).describe() == ''


def test_classes_are_read_from_any_version() -> None:
    names = ['cat', 'dog']
    for meta in (
        dict(dataset_meta=dict(classes=names)),
        dict(dataset_meta=dict(CLASSES=tuple(names))),
        dict(CLASSES=names),
    ):
        assert classes_of(dict(meta=meta)) == ('cat', 'dog')
    for unknown in (dict(), dict(meta=None), dict(meta=dict(classes='cat'))):
        assert classes_of(unknown) is None


def test_classes_in_words() -> None:
    assert name_classes(['a']) == '1 class (a)'
    assert name_classes('abcdefg') == '7 classes (a, b, c, d, e, 2 more)'
    assert name_classes(None) == 'classes that it does not name'
