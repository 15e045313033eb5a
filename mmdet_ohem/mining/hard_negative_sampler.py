"""Hard negative mining by confidence, which OHEM is compared with."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.samplers import RandomSampler, SamplingResult
from torch import Tensor, nn

from mmdet_ohem.host.sampling_result import take_rois
from mmdet_ohem.mining.scoring_sampler import ScoringSampler
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class HardNegativeSampler(ScoringSampler):
    """Foreground at random, background by confidence: what OHEM generalises.

    For each image,

    1. at most ``num * pos_fraction`` foreground RoIs are drawn at random;
    2. the rest is background, by descending confidence of the network, as it
       is now, that the RoI is an object. For a softmax head that is the order
       of its classification loss, which is what is ranked.

    Args:
        num: RoIs per image.
        pos_fraction: Largest share of foreground.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        readonly_head: Config of what scores the RoIs.
        context: The RoI head, passed by mmdet itself.
        **kwargs: As for mmdet's ``RandomSampler``.

    Raises:
        TypeError: A head without RoIs, such as an RPN.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float = 0.25,
        add_gt_as_proposals: bool = True,
        readonly_head: dict | None = None,
        context: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num, add_gt_as_proposals, readonly_head, context)
        self.max_pos = int(num * pos_fraction)
        self.random = RandomSampler(num, pos_fraction, **kwargs)

    def _choose(
        self,
        candidates: SamplingResult,
        feats: Sequence[Tensor],
        max_overlaps: Tensor | None,
    ) -> SamplingResult:
        """Draw foreground, and take background by descending confidence."""
        num_pos = len(candidates.pos_inds)
        pos = torch.arange(num_pos, device=candidates.pos_inds.device)
        if num_pos > self.max_pos:
            pos = self.random.random_choice(pos, self.max_pos)
        confidence = self.readonly_head.losses(feats, candidates).cls[num_pos:]
        order = confidence.argsort(descending=True, stable=True)
        neg = order[confidence[order].isfinite()]
        return take_rois(candidates, pos, neg[: self.num - len(pos)])
