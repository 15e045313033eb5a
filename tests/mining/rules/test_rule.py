"""How a config asks for a rule."""

from typing import Any

import pytest
import torch

from mmdet_ohem.mining.rules import (
    RULES,
    Choice,
    PredictedRoIs,
    RoIs,
    Rule,
    ScoredRoIs,
    rule_keys,
    rule_names,
)


def test_names_and_keys() -> None:
    assert {'ohem', 'random', 'hard_negatives', 'all_rois'} <= set(
        rule_names()
    )
    assert rule_keys('ohem') == [
        'nms_iou_thr',
        'class_aware_nms',
        'ranked_by',
    ]
    assert rule_keys('all_rois') == []


@pytest.mark.parametrize(
    ('name', 'kind', 'wants_losses'),
    [
        ('random', RoIs, False),
        ('all_rois', RoIs, False),
        ('ohem', ScoredRoIs, True),
        ('isr', PredictedRoIs, True),
    ],
)
def test_what_a_rule_wants_to_know(
    name: str, kind: type, wants_losses: bool
) -> None:
    rule = Rule(name)
    assert rule.rois is kind
    assert rule.wants_losses == wants_losses


def test_defaults_are_used_where_the_rule_has_them() -> None:
    rule = Rule('random', dict(pos_fraction=0.5, unknown=1))
    assert rule.keys == dict(pos_fraction=0.5)
    rule = Rule(dict(type='random', pos_fraction=0.1), dict(pos_fraction=0.5))
    assert rule.keys == dict(pos_fraction=0.1)


@pytest.mark.parametrize(
    ('cfg', 'label'),
    [
        ('hard_negatives', 'hard negatives'),
        (dict(type='ohem', nms_iou_thr=0.5), 'ohem, nms_iou_thr = 0.5'),
        (dict(type='ohem', nms_iou_thr=None), 'ohem, nms_iou_thr = None'),
        (dict(type='ohem', nms_iou_thr=0.7), 'ohem'),
    ],
)
def test_the_label_names_what_is_special(cfg: Any, label: str) -> None:
    assert Rule(cfg).label == label


@pytest.mark.parametrize(
    ('cfg', 'kind', 'message'),
    [
        ('ohm', KeyError, "no mining rule 'ohm'; .*Did you mean ohem"),
        (dict(nms_iou_thr=1), KeyError, 'a dict with type'),
        (
            dict(type='ohem', nms_iou_thrr=0.1),
            TypeError,
            "no key 'nms_iou_thrr'.*Did you mean nms_iou_thr",
        ),
        (dict(type='all_rois', num=3), TypeError, 'it has no keys'),
    ],
)
def test_mistakes_are_named(cfg: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        Rule(cfg)


def test_a_rule_of_another_form_is_refused() -> None:
    def untyped(rois, num):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return Choice(torch.arange(1))

    def without_default(rois: RoIs, num: int, key: float) -> Choice:
        return Choice(torch.arange(1))

    for function in (untyped, without_default):
        RULES.register_module(module=function, name='odd')
        try:
            with pytest.raises(TypeError, match=r"rule 'odd'.*annotated"):
                Rule('odd')
        finally:
            del RULES.module_dict['odd']
