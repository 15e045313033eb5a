"""A new rule is one function: everything else finds it by its name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmdet_ohem.benchmark import methods
from mmdet_ohem.mining.rules import RULES, Choice, ScoredRoIs, rule_names
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.watch import MiningStatsHook
from mmdet_ohem.watch.hard_example_drawing import DrawingStyle
from mmdet_ohem.watch.hard_example_sheet import make_sheet
from mmdet_ohem.watch.selection_rules import SelectionRules
from tests.tiny import features, random_image, standard_roi_head
from tests.watch.rois import RANDOM, runner, sample


@pytest.fixture
def easiest() -> Iterator[str]:
    """A rule as a user writes it: the easiest RoIs, at half their weight."""

    @RULES.register_module()
    def easiest_rois(
        rois: ScoredRoIs, num: int, weight: float = 0.5
    ) -> Choice:
        inds = rois.losses.total.argsort()[:num]
        return Choice(inds, torch.full((len(inds),), weight))

    yield 'easiest_rois'
    del RULES.module_dict['easiest_rois']


def test_it_trains_and_shows_in_the_statistics(easiest: str) -> None:
    head = standard_roi_head(
        dict(type='mmdet_ohem.RuleSampler', num=16, rule=easiest)
    )
    hook = MiningStatsHook()
    hook.before_train(runner(head))
    sample(head.bbox_sampler)
    statistics = hook.statistics()
    assert statistics['num_sampled'] == statistics['num_effective'] == 16
    assert statistics['sampled_loss'] < statistics['loss']


def test_it_has_a_row_on_a_sheet(easiest: str) -> None:
    head = standard_roi_head(RANDOM).eval()
    gt, proposals = random_image(num_proposals=80)
    rules = SelectionRules(head, rules=[dict(type=easiest, weight=0.25)])
    chosen = rules(features(), proposals.priors, gt)
    label = 'easiest rois, weight = 0.25'
    assert list(chosen)[3:] == [label]
    record = chosen[label]
    assert not isinstance(record, str)
    # By descending loss, as all rules are drawn.
    losses = record.losses[record.hard]
    assert torch.equal(losses, losses.sort(descending=True).values)
    assert losses.max() <= record.losses.sort().values[16]
    assert record.weights is not None
    assert record.weights.tolist() == [0.25] * 16
    sheet = make_sheet(
        torch.zeros(256, 256, 3, dtype=torch.uint8).numpy(),
        gt.bboxes,
        {'iter_1': chosen},
        DrawingStyle(min_side=120),
        'name',
    )
    titles = [axes.get_title().split('\n')[0] for axes in sheet.axes]
    assert titles[3] == f'iter_1: {label}'


def test_it_is_among_the_methods_of_the_benchmark(easiest: str) -> None:
    sampler = methods()[easiest].sampler
    assert sampler == dict(type='mmdet_ohem.RuleSampler', rule=easiest)


def test_the_page_of_the_docs_works() -> None:
    page = Path(__file__).parents[2] / 'docs' / 'add_a_mining_rule.md'
    module, config = re.findall(r'```python\n(.*?)```', page.read_text(), re.S)
    try:
        exec(module, {})
        cfg: dict = {}
        exec(config, cfg)
        sampler = cfg['model']['train_cfg']['rcnn']['sampler']
        head = standard_roi_head(dict(num=16, **sampler))
        sample(head.bbox_sampler)
        record = head.bbox_sampler.last_record
        ranking = record.losses.argsort(descending=True)
        assert torch.equal(record.hard, ranking[20:36])
    finally:
        del RULES.module_dict['middle_losses']


def test_the_page_lists_every_rule() -> None:
    page = Path(__file__).parents[2] / 'docs' / 'add_a_mining_rule.md'
    listed = re.findall(r'^\| `(\w+)` \|', page.read_text(), re.M)
    assert set(rule_names()) <= set(listed)


def test_it_names_its_curve(easiest: str) -> None:
    configs = [
        Config(
            dict(
                model=dict(
                    type='FastRCNN',
                    train_cfg=dict(
                        rcnn=dict(
                            sampler=sampler,
                            assigner=dict(type='MaxIoUAssigner'),
                        )
                    ),
                )
            )
        )
        for sampler in (
            dict(type='mmdet_ohem.RuleSampler', num=16, rule=easiest),
            dict(type='mmdet_ohem.OHEMSampler', num=16),
            # Of another machine, whose modules are not here.
            dict(type='mmdet_ohem.RuleSampler', rule=dict(type='not_here')),
        )
    ]
    folders = [Path(f'a/{name}') for name in '123']
    labels = label_runs(configs, folders)
    assert [x.split(', B/N')[0] for x in labels] == [
        'easiest rois',
        'OHEM',
        'not here',
    ]
