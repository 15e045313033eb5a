"""No sampling."""

from collections.abc import Mapping
from typing import Any

from mmdet_ohem.mining.rule_sampler import RuleSampler
from mmdet_ohem.mining.rules import all_rois
from mmdet_ohem.mining.rules.rule import rule_name
from mmdet_ohem.registry import TASK_UTILS

RULE = all_rois.__name__


@TASK_UTILS.register_module()
class AllRoISampler(RuleSampler):
    """Every RoI that the assigner did not ignore, without a limit.

    Args:
        num: Not a limit here; read by those who choose among all, such as
            :class:`~mmdet_ohem.mining.LossMaskingRoIHead`.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        **kwargs: ``context``, and what is inherited: see
            :class:`RuleSampler`.

    Raises:
        TypeError: An unknown key.
    """

    def __init__(
        self, num: int = 1, add_gt_as_proposals: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(
            num, RULE, add_gt_as_proposals=add_gt_as_proposals, **kwargs
        )


def takes_all(sampler: Mapping[str, Any] | RuleSampler) -> bool:
    """Whether a sampler takes all RoIs, so that its ``num`` is no limit.

    Args:
        sampler: Built, or its config.
    """
    if isinstance(sampler, RuleSampler):
        return sampler.rule.name == RULE
    kind, rule = str(sampler['type']), sampler.get('rule', '')
    return kind.endswith('AllRoISampler') or rule_name(rule) == RULE
