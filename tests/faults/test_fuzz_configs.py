"""A wrong key or value of a config is an error where it is built."""

from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.registry import (
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    TASK_UTILS,
)
from mmengine.registry import DefaultScope

from mmdet_ohem.mining.rules.rule import rule_keys
from tests.figure3.runs import write_images
from tests.tiny import (
    OHEM,
    assign,
    extractor,
    features,
    random_image,
    standard_roi_head,
)

#: What a user should see; an attribute or an assertion is our mistake.
CLEAR = (TypeError, ValueError, KeyError, OSError)
RULES = [
    'ohem', 'random', 'all_rois', 's_ohem', 'isr', 'focal_weighting',
    'hard_negatives', 'iou_balanced_negatives', 'score_hlr',
]  # fmt: skip

numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.5, 1.0, 16]),
)
plain = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8))
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(
            st.sampled_from(['type', 'num', 'a']), inner, max_size=2
        ),
    ),
    max_leaves=4,
)


def keys_of(cls: Any) -> list[str]:
    """Those that are ours: of a class and those of its bases that are."""
    found: dict[str, None] = {}
    for each in cls.__mro__:
        ours = each.__module__.startswith('mmdet_ohem')
        if ours and '__init__' in vars(each):
            for name, x in signature(each.__init__).parameters.items():
                if x.kind not in (Parameter.VAR_KEYWORD, x.VAR_POSITIONAL):
                    found[name] = None
    return [x for x in found if x not in ('self', 'context', 'init_cfg')]


def changed(draw: Any, cfg: dict[str, Any], keys: list[str]) -> dict:
    """A config with one or two keys that are wrong, or new."""
    new = dict(cfg)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(keys) | st.text('abnum_', min_size=1))
        if name != 'type':
            new[name] = draw(values)
    return new


def is_clear(build: Callable[[], Any]) -> Any:
    """What was built; None where that was a clear error."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        try:
            return build()
        except CLEAR:
            return None


@pytest.fixture(scope='module')
def roi_head() -> Any:
    with DefaultScope.overwrite_default_scope('mmdet'):
        return standard_roi_head(OHEM)


@pytest.mark.parametrize(
    'cfg',
    [
        OHEM,
        dict(type='mmdet_ohem.HardNegativeSampler', num=16),
        dict(type='mmdet_ohem.AllRoISampler', num=16),
        dict(type='mmdet_ohem.RuleSampler', num=16, rule='s_ohem'),
    ],
    ids=lambda cfg: cfg['type'],
)
@given(data=st.data())
def test_samplers(cfg: dict, roi_head: Any, data: Any) -> None:
    keys = keys_of(TASK_UTILS.get(cfg['type']))
    new = changed(data.draw, cfg, keys)
    sampler = is_clear(
        lambda: TASK_UTILS.build(new, default_args=dict(context=roi_head))
    )
    if sampler is not None:
        samples(sampler)


@pytest.mark.parametrize('name', RULES)
@given(data=st.data())
def test_rules(name: str, roi_head: Any, data: Any) -> None:
    keys = [*rule_keys(name), 'type', 'num']
    rule = changed(data.draw, dict(type=name), keys)
    cfg = dict(type='mmdet_ohem.RuleSampler', num=16, rule=rule)
    sampler = is_clear(
        lambda: TASK_UTILS.build(cfg, default_args=dict(context=roi_head))
    )
    if sampler is not None:
        samples(sampler)


def samples(sampler: Any) -> None:
    """What could be built works: no wrong value is found only later."""
    torch.manual_seed(0)
    gt, proposals = random_image(2, 8)
    with DefaultScope.overwrite_default_scope('mmdet'):
        result = sampler.sample(
            assign(proposals, gt), proposals, gt, feats=features()
        )
    assert len(result.priors) <= 10


@pytest.mark.parametrize(
    ('registry', 'cfg'),
    [
        (HOOKS, dict(type='mmdet_ohem.MiningStatsHook')),
        (HOOKS, dict(type='mmdet_ohem.HardExampleVisualizationHook')),
        (HOOKS, dict(type='mmdet_ohem.AllRoILossHook', interval=2)),
        (HOOKS, dict(type='mmdet_ohem.IterativeBBoxVotingHook')),
        (HOOKS, dict(type='mmdet_ohem.RandomStateHook')),
        (METRICS, dict(type='mmdet_ohem.DevkitVOCMetric', metric='mAP')),
        (METRICS, dict(type='mmdet_ohem.VOCServerMetric')),
        (MODELS, extractor()),
    ],
    ids=lambda x: x['type'] if isinstance(x, dict) else '',
)
@given(data=st.data())
def test_other_classes(registry: Any, cfg: dict, data: Any) -> None:
    keys = keys_of(registry.get(cfg['type']))
    new = changed(data.draw, cfg, [*keys, 'type'])
    is_clear(lambda: registry.build(new))


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp('data'))


@pytest.mark.parametrize(
    'cfg',
    [
        dict(
            type='mmdet_ohem.VOCProposalDataset',
            ann_file='VOC2007/ImageSets/Main/trainval.txt',
            data_prefix=dict(sub_data_root='VOC2007/'),
            proposal_file='proposals/voc_2007_trainval.pkl',
        )
    ],
    ids=lambda cfg: cfg['type'],
)
@given(data=st.data())
def test_datasets(cfg: dict, images: Path, data: Any) -> None:
    given_cfg = cfg | dict(data_root=str(images), pipeline=[])
    keys = keys_of(DATASETS.get(cfg['type']))
    new = changed(data.draw, given_cfg, keys)
    is_clear(lambda: DATASETS.build(new))
