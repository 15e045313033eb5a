"""RoIs are ranked by the loss that the detector itself trains on."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.models.task_modules.samplers import SamplingResult
from torch import Tensor

from mmdet_ohem.mining.roi_loss import RoILosses
from tests.zoo.families import SERVED, Family
from tests.zoo.models import as_list, build, inputs_of

# Losses that are means over RoIs; HTC and SCNet add features of their own.
NAMES = [
    'Faster R-CNN',
    'Faster R-CNN, C4',
    'Cascade R-CNN',
    'Double Head',
    'HTC',
    'HTC without semantic',
    'SCNet',
]


def detectors_own_loss(
    roi_head: Any, stage: int, feats: list[Tensor], rois: SamplingResult
) -> Tensor:
    """Sum over RoIs of the loss as the RoI head itself computes it."""
    context = {}
    if getattr(roi_head, 'with_semantic', False):
        context['semantic_feat'] = roi_head.semantic_head(feats)[1]
    if getattr(roi_head, 'with_glbctx', False):
        context['glbctx_feat'] = roi_head.glbctx_head(feats)[1]
    stages = [stage] if hasattr(roi_head, 'num_stages') else []
    results = roi_head.bbox_loss(*stages, feats, [rois], **context)
    losses = results['loss_bbox']
    mean = sum(value for key, value in losses.items() if 'loss' in key)
    return mean * len(rois.priors)


@pytest.mark.parametrize(
    'family', [x for x in SERVED if x.name in NAMES], ids=str
)
def test_losses_of_rois_add_up_to_the_detectors_own(family: Family) -> None:
    model = build(family)
    model.roi_head.eval()  # the read-only pass leaves dropout and BN alone
    samplers = as_list(model.roi_head.bbox_sampler)
    found = []

    def listen(stage: int, head: Any) -> Any:
        head.dtype = 'float32'

        def scored(feats: list[Tensor], rois: SamplingResult) -> RoILosses:
            losses = head.losses(feats, rois)
            with torch.no_grad():
                own = detectors_own_loss(model.roi_head, stage, feats, rois)
            found.append((losses.total.sum(), own))
            return losses

        return SimpleNamespace(losses=scored)

    for stage, sampler in enumerate(samplers):
        sampler.readonly_head = listen(stage, sampler.readonly_head)
    model(**model.data_preprocessor(inputs_of(family), True), mode='loss')
    assert len(found) >= 2 * len(samplers)
    for total, own in found:
        torch.testing.assert_close(total, own, rtol=1e-4, atol=1e-4)
