"""OHEM is on, and has something to choose from."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import mmdet_ohem.guard.mining_check_hook as module
from mmdet_ohem.guard import MiningCheckHook
from mmdet_ohem.guard.mining_facts import describe, warnings_about
from mmdet_ohem.host.precision import multiplies_bfloat16
from tests.guard.trainings import hear, train, training_config
from tests.tiny import cascade_roi_head, standard_roi_head

# Of these, num is no limit.
ALL_ROIS: tuple[dict[str, Any], ...] = (
    dict(type='mmdet_ohem.AllRoISampler'),
    dict(type='mmdet_ohem.RuleSampler', rule='all_rois'),
    dict(type='mmdet_ohem.RuleSampler', rule=dict(type='all_rois')),
)


def sampler(**config: Any) -> Any:
    return standard_roi_head(config).bbox_sampler


@pytest.mark.parametrize(
    ('config', 'text'),
    [
        (
            dict(type='mmdet_ohem.OHEMSampler', num=64),
            'OHEMSampler with the rule ohem, 64 of 2000 RoIs an image',
        ),
        (
            dict(type='mmdet_ohem.OHEMSampler', num=64, warmup_iters=9),
            'OHEMSampler with the rule ohem after 9 iterations at random, ',
        ),
        (
            dict(type='RandomSampler', num=512, pos_fraction=0.25),
            'RandomSampler, 512 of 2000 RoIs an image',
        ),
        *(
            (
                dict(num=64, **config),
                f'{config["type"][11:]} with the rule all rois, all of 2000',
            )
            for config in ALL_ROIS
        ),
    ],
)
def test_a_sampler_in_words(config: dict, text: str) -> None:
    assert describe(sampler(**config), '2000 RoIs').startswith(text)


@pytest.mark.parametrize(
    ('config', 'words'),
    [
        (dict(type='OHEMSampler', num=8, pos_fraction=0.25), "mmdet's own"),
        (
            dict(type='mmdet_ohem.OHEMSampler', num=8, pos_fraction=0.5),
            'pos_fraction=0.5 has no effect',
        ),
    ],
)
def test_what_is_not_meant_is_a_warning(config: dict, words: str) -> None:
    (warning,) = warnings_about(sampler(**config))
    assert words in warning and 'Remedy' in warning


@pytest.mark.parametrize(
    'config',
    [
        dict(type='RandomSampler', num=8, pos_fraction=0.5),
        dict(type='mmdet_ohem.OHEMSampler', num=8, pos_fraction=0.25),
        dict(
            type='mmdet_ohem.OHEMSampler',
            num=8,
            pos_fraction=0.5,
            warmup_iters=9,
        ),
        dict(type='mmdet_ohem.HardNegativeSampler', num=8, pos_fraction=0.5),
    ],
    ids=str,
)
def test_what_is_meant_is_none(config: dict) -> None:
    assert warnings_about(sampler(**config)) == []


# The test's network is too small for int8.
FORMAT = 'bfloat16' if multiplies_bfloat16(torch.device('cpu')) else 'float32'


def start_of(
    config: Any, monkeypatch: pytest.MonkeyPatch, interval: int = 2
) -> list[str]:
    config.default_hooks.mining_check.interval = interval
    said = hear(monkeypatch, module)
    train(config)
    return said


def test_there_is_one_line_where_all_is_well(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = training_config(root)
    config.model.train_cfg.rcnn.sampler.num = 2
    assert start_of(config, monkeypatch) == [
        'stage 0: OHEMSampler with the rule ohem, 2 of about 21 RoIs an image,'
        f' scored in {FORMAT}'
    ]


def test_a_num_that_chooses_nothing_is_said_ever_more_rarely(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = training_config(root, train_cfg__max_iters=5)
    config.model.train_cfg.rcnn.sampler.num = 512
    _, *warnings = start_of(config, monkeypatch, interval=1)
    # At the 1st, 2nd and 4th of five intervals.
    assert len(warnings) == 3
    assert 'in 2 of 2 images no more than num=512 RoIs' in warnings[0]
    assert 'nothing is mined' in warnings[0]


def test_without_losses_nothing_is_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = training_config(root)
    config.model.train_cfg.rcnn.sampler = dict(
        type='RandomSampler', num=512, pos_fraction=0.25
    )
    assert len(start_of(config, monkeypatch)) == 1


def test_the_samplers_are_as_before(root: Path) -> None:
    model: Any = train(training_config(root)).model
    assert 'sample' not in vars(model.roi_head.bbox_sampler)


def test_each_stage_has_a_sampler() -> None:
    ohem = dict(type='mmdet_ohem.OHEMSampler', num=8)
    head = cascade_roi_head(
        ohem, dict(type='OHEMSampler', num=8, pos_fraction=0.25)
    )
    found = [warnings_about(x) for x in head.bbox_sampler]
    assert [len(x) for x in found] == [0, 1]


def test_refuses_an_interval_below_1() -> None:
    with pytest.raises(ValueError, match='at least 1, got 0'):
        MiningCheckHook(interval=0)


def test_an_assigner_without_background_ends_the_training() -> None:
    hook = MiningCheckHook()
    head = standard_roi_head(dict(type='mmdet_ohem.OHEMSampler', num=8))
    # As --cfg-options writes a pair.
    head.bbox_assigner.neg_iou_thr = [0.1, 0.5]
    runner: Any = SimpleNamespace(model=SimpleNamespace(roi_head=head))
    with pytest.raises(ValueError, match=r'neg_iou_thr=\(0\.1, 0\.5\)'):
        hook.before_train(runner)
