"""The benchmark compares what it says it compares. No test looks at a time."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mmdet_ohem.benchmark import (
    Cost,
    MachineLimits,
    Workload,
    as_markdown,
    build_detector,
    compare_methods,
    fc_sizes,
    measure_limits,
    methods,
    sweep_as_markdown,
)
from mmdet_ohem.benchmark.measure import PARTS, Stopwatch
from mmdet_ohem.benchmark.methods import Method
from mmdet_ohem.benchmark.workload import random_batch
from mmdet_ohem.commands import benchmark as command
from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry

CONFIG = Path(__file__).parents[2] / 'configs' / 'fast_rcnn_vgg16_voc07.py'
CPU = torch.device('cpu')
SMALL = Workload('VGG16', str(CONFIG), 2, 60, 16, height=64, width=96)


@pytest.fixture(scope='module')
def detector() -> Any:
    return build_detector(str(CONFIG), fc_width=8)


def count_rois(method: Method) -> list[int]:
    """RoIs of each image that the method trains on, filled in by training."""
    sampler, counts = method.roi_head.bbox_sampler, []
    sample = sampler.sample

    def counted(*args: Any, **kwargs: Any) -> Any:
        result = sample(*args, **kwargs)
        counts.append(len(result.pos_inds) + len(result.neg_inds))
        return result

    sampler.sample = counted
    return counts


@pytest.mark.parametrize('name', methods())
def test_each_method_trains_on_its_rois(detector: Any, name: str) -> None:
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.0)
    method = Method(name, detector, SMALL, optimizer)
    counts = count_rois(method)
    loss = method.train_iteration(random_batch(SMALL, CPU))
    assert torch.isfinite(loss)
    if name in ('loss masking', 'all_rois'):
        assert counts == [64, 64]  # proposals and ground truth, all of them
    else:
        assert all(0 < count <= SMALL.num == 8 for count in counts)


def test_all_methods_share_one_set_of_weights(detector: Any) -> None:
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.0)
    every = [Method(x, detector, SMALL, optimizer) for x in methods()]
    heads = {id(method.roi_head.bbox_head) for method in every}
    assert heads == {id(detector.roi_head.bbox_head)}
    samplers = {id(method.roi_head.bbox_sampler) for method in every}
    assert len(samplers) == len(methods())


def test_a_batch_can_be_used_again(detector: Any) -> None:
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.0)
    batch = random_batch(SMALL, CPU)
    method = Method('OHEM, float32', detector.eval(), SMALL, optimizer)
    try:
        first, second = (method.train_iteration(batch) for _ in range(2))
    finally:
        detector.train()
    torch.testing.assert_close(first, second)


def test_proposals_lie_in_the_image() -> None:
    for sample in random_batch(SMALL, CPU)['data_samples']:
        boxes = sample.proposals.bboxes
        assert boxes.shape == (60, 4)
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] <= torch.tensor([96, 64])).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_of_a_proposal_file_are_stretched_to_the_image(
    tmp_path: Path,
) -> None:
    corners = torch.rand(2, 70, 2, 2).sort(2).values * 300
    names = ['a.jpg', 'b.jpg']
    save_proposals(
        tmp_path / 'p.pkl',
        {
            name: make_entry(boxes.view(70, 4).numpy())
            for name, boxes in zip(names, corners, strict=True)
        },
    )
    load = replace(SMALL, proposals=str(tmp_path / 'p.pkl'))
    samples = random_batch(load, CPU)['data_samples']
    for sample, boxes in zip(samples, corners.flatten(2), strict=True):
        found = sample.proposals.bboxes
        scale = torch.tensor([96, 64]) / boxes[:, 2:].amax(0)
        torch.testing.assert_close(found, boxes[:60] * scale.repeat(2))


@pytest.mark.parametrize('change', [dict(num_rois=71), dict(num_images=3)])
def test_too_few_proposals_are_an_error(tmp_path: Path, change: dict) -> None:
    box = torch.tensor([[0.0, 0, 9, 9]]).repeat(70, 1).numpy()
    entries = {name: make_entry(box) for name in ('a.jpg', 'b.jpg')}
    save_proposals(tmp_path / 'p.pkl', entries)
    load = replace(SMALL, proposals=str(tmp_path / 'p.pkl'), **change)
    with pytest.raises(ValueError, match=r'\[70, 70\] boxes.*are needed'):
        random_batch(load, CPU)


def test_methods_are_run_in_turn(detector: Any) -> None:
    ticks = []
    names = ['baseline', 'OHEM']
    costs = compare_methods(
        detector, SMALL, names, 2, CPU, on_iter=lambda: ticks.append(1)
    )
    # The first method once more, so that the optimizer has its momentum.
    assert len(ticks) == (2 + 1) * len(names) + 1
    assert [cost.method for cost in costs] == names
    assert [len(cost.seconds) for cost in costs] == [2, 2]
    assert costs[0].ratios == (1.0, 1.0)
    assert costs[1].ratios == tuple(
        x / y for x, y in zip(costs[1].seconds, costs[0].seconds, strict=True)
    )


def test_the_parts_add_up_to_the_whole(detector: Any) -> None:
    (cost,) = compare_methods(detector, SMALL, ['OHEM'], 1, CPU)
    assert list(cost.parts) == list(PARTS)
    assert sum(cost.parts.values()) == pytest.approx(cost.seconds[0])
    assert all(seconds > 0 for seconds in cost.parts.values())


def test_the_stopwatch_leaves_the_method_as_it_was(detector: Any) -> None:
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.0)
    method = Method('OHEM', detector, SMALL, optimizer)
    sampler = method.roi_head.bbox_sampler
    owners = (detector, sampler, sampler.readonly_head)
    before = [set(vars(x)) for x in owners]
    with (
        pytest.raises(KeyError),
        Stopwatch(CPU).listening_to(method),
    ):
        raise KeyError
    assert [set(vars(x)) for x in owners] == before


def test_the_limit_is_that_of_arithmetic_and_bandwidth() -> None:
    limits = MachineLimits(torch.bfloat16, 1e12, 1e10)
    load = Workload('VGG16', '', num_images=2, num_rois=1000)
    flops, moved = limits.seconds(load, 100, 2200)
    assert flops == pytest.approx(2 * 2000 * (100 * 20 + 20 * 10) / 1e12)
    assert moved == pytest.approx((4 * 2200 + 2 * 2 * 2000 * 100) / 1e10)


def test_sizes_are_those_of_the_detector(detector: Any) -> None:
    num_inputs, num_weights = fc_sizes(str(CONFIG))
    assert num_inputs == detector.roi_head.bbox_head.fc6.in_features
    assert num_weights == (num_inputs + 4096) * 4096


@pytest.mark.parametrize(
    ('config', 'num_regions', 'num_bins'),
    [
        ('sppnet_vgg16_voc07', 1, 50),
        # One more region relocates the boxes.
        ('mr_cnn_vgg16_two_regions_voc07', 3, 49),
        ('mr_cnn_vgg16_voc07', 11, 49),
    ],
)
def test_sizes_are_those_of_all_regions(
    config: str, num_regions: int, num_bins: int
) -> None:
    num_inputs, num_weights = fc_sizes(str(CONFIG.with_stem(config)))
    assert num_inputs == num_regions * num_bins * 512
    assert num_weights == (num_inputs + num_regions * 4096) * 4096


@pytest.mark.parametrize(
    'config', ['sppnet_vgg16_voc07', 'mr_cnn_vgg16_two_regions_voc07']
)
def test_relatives_are_measured_as_fast_rcnn_is(config: str) -> None:
    path = str(CONFIG.with_stem(config))
    load = Workload('x', path, 1, 60, 16, height=64, width=96)
    costs = compare_methods(
        build_detector(path, fc_width=8),
        load,
        ['baseline', 'OHEM', 'loss masking'],
        rounds=1,
        device=CPU,
    )
    assert [x.method for x in costs] == ['baseline', 'OHEM', 'loss masking']
    assert all(x.seconds[0] > 0 for x in costs)
    assert [x.parts['read-only pass'] > 0 for x in costs] == [
        False, True, False
    ]  # fmt: skip


def test_kept_features_are_read_and_weights_change(tmp_path: Path) -> None:
    path = str(CONFIG.with_stem('fast_rcnn_vgg16_voc12_animals'))
    made = build_detector(path, fc_width=8, cache=str(tmp_path))
    before = made.roi_head.bbox_head.fc6.weight.detach().clone()
    compare_methods(made, SMALL, ['baseline', 'OHEM'], 1, CPU)
    assert made.feature_cache.num_computed == SMALL.num_images
    assert made.feature_cache.num_found == 4 * SMALL.num_images
    # A step of no length would find again what was computed of the weights.
    after = made.roi_head.bbox_head.fc6.weight.detach()
    assert (after != before).float().mean() > 0.9
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-6)


def test_a_network_has_sizes_of_its_own() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    kept = 'VGG16, kept features'
    loads = [
        command.workload(name, 2, parser.parse_args(given))
        for name, given in [
            ('VGG16', []), (kept, []), (kept, ['--num-rois', '9'])
        ]
    ]  # fmt: skip
    assert [x.num_rois for x in loads] == [2000, 720, 9]
    assert [x.keeps_features for x in loads] == [False, True, True]
    assert command.sizes_text(loads[:2]) == (
        '600 x 800 pixels, R = 2000 proposals an image and '
        '300 x 400 pixels, R = 720 proposals an image'
    )


def test_limits_are_measured() -> None:
    limits = measure_limits(CPU, size=64, repeats=1)
    assert limits.flops > 0
    assert limits.bytes_per_second > 0


def cost(method: str, *seconds: float, peak: int | None) -> Cost:
    ratios = tuple(x / 2 for x in seconds)
    return Cost(method, seconds, ratios, dict.fromkeys(PARTS, 0.5), peak)


def test_the_table_says_what_was_measured() -> None:
    rows = [
        cost('baseline', 2, 2, 2, peak=2**30),
        cost('OHEM', 2, 3, 4, peak=3 * 2**29),
    ]
    lines = as_markdown([(SMALL, rows)]).splitlines()
    cells = [[x.strip() for x in line.split('|')] for line in lines]
    ours = dict(zip(cells[0], cells[3], strict=True))
    assert ours['method'] == 'OHEM'
    assert ours['s / iteration'] == '3.00 (2.00-4.00)'
    assert ours['ratio'] == '1.50'
    assert ours['paper, N = 2'] == '1.75'
    assert ours['peak, GiB'] == '1.50'
    assert ours['peak ratio'] == '1.50'


def test_each_row_of_the_papers_table_stands_beside_ours() -> None:
    pair = [cost('baseline', 2, peak=None), cost('OHEM', 3, peak=None)]
    loads = [Workload(x, '', 2, 500) for x in ('VGG-M', 'VGG16')]
    loads += [Workload('VGG16', '', 1, 500)]
    lines = as_markdown([(load, pair) for load in loads]).splitlines()
    cells = [[x.strip() for x in line.split('|')] for line in lines]
    found = [
        (ours['network'], ours['N'], ours['paper, s'], ours['paper, GB'])
        for ours in (
            dict(zip(cells[0], row, strict=True)) for row in cells[2:]
        )
    ]
    assert found == [
        ('VGG-M', '2', '0.13', '2.6'),
        ('VGG-M', '2', '0.22', '3.6'),
        ('VGG16', '2', '0.60; 0.57 in 2 passes', '11.2; 6.4 in 2 passes'),
        ('VGG16', '2', '1.00 in 2 passes', '8.7 in 2 passes'),
        # The paper's rows are of two images.
        ('VGG16', '1', '', ''),
        ('VGG16', '1', '', ''),
    ]


def test_a_system_that_tells_no_memory_leaves_it_empty() -> None:
    rows = [cost('baseline', 2, peak=None)]
    assert 'nan' not in as_markdown([(SMALL, rows)]).lower()


def test_the_sweep_has_a_row_for_each_number_of_rois() -> None:
    pair = [cost('baseline', 2, peak=None), cost('OHEM', 3, peak=None)]
    table = sweep_as_markdown(
        [(Workload('VGG16', '', 1, r), pair) for r in (500, 8000)]
    )
    cells = [
        [x.strip() for x in line.split('|')[1:-1]]
        for line in table.splitlines()
    ]
    assert cells[0] == ['R', 'baseline, s', 'OHEM, s', 'ratio']
    assert cells[2:] == [
        ['500', '2.00', '3.00', '1.50'],
        ['8000', '2.00', '3.00', '1.50'],
    ]
