"""Each window at the scale where it is closest to a square of pixels."""

from typing import Any

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_ohem.localization import MultiScaleTTAModel, box_voting_inference
from mmdet_ohem.localization.scale_choice import (
    at_closest_scales,
    closest_views,
)
from tests.localization.test_multi_scale_tta import (
    assert_same,
    detect,
    views,
)
from tests.localization.tiny_detectors import (
    build,
    fast_rcnn,
    faster_rcnn,
    noise,
    proposals,
)

SCALES = [(90, 60), (130, 96), (200, 140)]


def test_by_hand() -> None:
    # Of 100 square pixels: 81 and 121 are closer than others; of two equally
    # close ones the first.
    areas = torch.tensor(
        [[81.0, 400, 10, 90], [144, 900, 40, 110], [225, 1600, 121, 100]]
    )
    found = closest_views(areas, ['a'] * 3, 100)
    assert found.int().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]
    found = closest_views(areas[:2], ['a'] * 2, 100)
    assert found.int().tolist() == [[1, 1, 0, 1], [0, 0, 1, 0]]


def test_one_view_of_each_kind_is_chosen() -> None:
    areas = torch.rand(7, 50) * 200
    kinds = ['plain', 'flipped'] * 3 + ['plain']
    found = closest_views(areas, kinds, 100)
    for kind in ('plain', 'flipped'):
        members = [v for v in range(7) if kinds[v] == kind]
        assert (found[members].sum(0) == 1).all()
        for r in range(50):
            distances = [abs(float(areas[v, r]) - 100) for v in members]
            best = members[distances.index(min(distances))]
            assert found[best, r]


def chosen_by_loop(data: dict, side: float) -> list[list[int]]:
    """Indices of the proposals of each view."""
    boxes = [x.proposals.bboxes for x in data['data_samples']]
    found: list[list[int]] = [[] for _ in boxes]
    for r in range(len(boxes[0])):
        distances = []
        for view in boxes:
            x1, y1, x2, y2 = view[r].tolist()
            distances.append(abs((x2 - x1) * (y2 - y1) - side**2))
        found[distances.index(min(distances))].append(r)
    return found


@pytest.mark.parametrize('vote', [False, True])
def test_is_the_pool_of_views_with_their_own_proposals(vote: bool) -> None:
    detector = build(fast_rcnn())
    data = views(noise(), proposals(), scales=SCALES)
    parts = chosen_by_loop(data, 30)
    assert all(parts)
    by_hand = views(noise(), proposals(), scales=SCALES)
    for sample, inds in zip(by_hand['data_samples'], parts, strict=True):
        sample.proposals = sample.proposals[torch.tensor(inds)]
    models = [
        MultiScaleTTAModel(detector),
        MultiScaleTTAModel(detector, scale_choice='closest', closest_to=30),
    ]
    found = []
    for model, item in zip(models, (by_hand, data), strict=True):
        if vote:
            with box_voting_inference(model):
                found += detect(model, item)
        else:
            found += detect(model, item)
    assert_same(found[1], found[0], atol=0)
    # The samples that were given have all of their proposals still.
    assert {len(x.proposals) for x in data['data_samples']} == {25}


def test_a_view_that_no_window_wants_is_not_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = MultiScaleTTAModel(
        build(fast_rcnn()), scale_choice='closest', closest_to=1000
    )
    sizes = []
    step = model.module.test_step

    def counted(batch: dict) -> Any:
        sizes.append(tuple(batch['inputs'][0].shape[1:]))
        return step(batch)

    monkeypatch.setattr(model.module, 'test_step', counted)
    (found,) = detect(model, views(noise(), proposals(), scales=SCALES))
    assert len(sizes) == 1
    assert sizes[0][0] == 140
    assert len(found) > 3


def test_each_window_is_scored_flipped_and_as_it_is() -> None:
    model = MultiScaleTTAModel(build(fast_rcnn()), scale_choice='closest')
    data = views(noise(), proposals(), scales=SCALES, flips=(0.0, 1.0))
    kept = at_closest_scales(data['data_samples'], 30)
    counts = {False: 0, True: 0}
    for sample in kept:
        if sample is not None:
            counts[sample.flip] += len(sample.proposals)
    assert counts == {False: 25, True: 25}
    assert len(detect(model, data)[0]) > 3


def test_an_image_without_proposals_has_no_detections() -> None:
    model = MultiScaleTTAModel(build(fast_rcnn()), scale_choice='closest')
    none = np.zeros((0, 4), np.float32)
    (found,) = detect(model, views(noise(), none, scales=SCALES))
    assert len(found) == 0


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(scale_choice='best'), "must be 'all' or 'closest', got 'best'"),
        (dict(closest_to=0), 'more than 0 pixels, got 0'),
        (dict(closest_to=float('nan')), 'more than 0 pixels, got nan'),
    ],
)
def test_keys_are_looked_at(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiScaleTTAModel(build(fast_rcnn()), **keys)


def test_an_rpn_is_refused() -> None:
    with pytest.raises(TypeError, match='FasterRCNN has an RPN'):
        MultiScaleTTAModel(build(faster_rcnn()), scale_choice='closest')


def sample(*counts: int) -> list[DetDataSample]:
    return [
        DetDataSample(proposals=InstanceData(bboxes=torch.zeros(n, 4)))
        for n in counts
    ]


def test_views_with_other_proposals_are_named() -> None:
    with pytest.raises(ValueError, match=r'have \[3, 2\] proposals'):
        at_closest_scales(sample(3, 2), 224)


def test_views_without_proposals_are_named() -> None:
    with pytest.raises(TypeError, match='LoadProposals in the pipeline'):
        at_closest_scales([*sample(3), DetDataSample()], 224)
