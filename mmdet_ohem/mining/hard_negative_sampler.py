"""Hard negative mining by confidence, which OHEM is compared with."""

from typing import Any

from mmdet_ohem.mining.rule_sampler import RuleSampler
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class HardNegativeSampler(RuleSampler):
    """Foreground at random, background by confidence: what OHEM generalises.

    The rule is :func:`~mmdet_ohem.mining.rules.hard_negatives`.

    Args:
        num: RoIs per image.
        pos_fraction: Largest share of foreground.
        **kwargs: ``readonly_head``, ``add_gt_as_proposals``,
            ``warmup_iters``: see :class:`RuleSampler`.

    Raises:
        TypeError: An unknown key, or a head without RoIs, such as an RPN.
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        num: int | None = None,
        pos_fraction: float = 0.25,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num, 'hard_negatives', pos_fraction=pos_fraction, **kwargs
        )
