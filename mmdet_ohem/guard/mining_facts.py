"""What a sampler is about to do, in words."""

from typing import Any

from mmdet.models.task_modules.samplers import OHEMSampler as MMDetOHEMSampler

from mmdet_ohem.counts import Count
from mmdet_ohem.mining.all_roi_sampler import takes_all
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead
from mmdet_ohem.mining.rule_sampler import RuleSampler

_DEFAULT_POS_FRACTION = 0.25


def describe(sampler: Any, num_rois: str) -> str:
    """One line about a sampler.

    Args:
        sampler: Of mmdet's kind.
        num_rois: How many RoIs an image has, in words.

    Returns:
        Its class and rule, how many of how many RoIs it chooses, and in
        which numbers they are scored.
    """
    name, num = type(sampler).__name__, str(sampler.num)
    if isinstance(sampler, RuleSampler):
        num = 'all' if takes_all(sampler) else num
        name += f' with the rule {sampler.rule.label}'
        if sampler.warmup_iters:
            name += f' after {Count(sampler.warmup_iters):iteration} at random'
    text = f'{name}, {num} of {num_rois} an image'
    head = getattr(sampler, 'readonly_head', None)
    if isinstance(head, ReadOnlyBBoxHead):
        text += f', scored in {_format_in_words(head, sampler)}'
    return text


def warnings_about(sampler: Any) -> list[str]:
    """What is probably not meant.

    Args:
        sampler: Of mmdet's kind.

    Returns:
        Sentences with the remedy.
    """
    found = []
    if type(sampler) is MMDetOHEMSampler:
        found.append(
            "type='OHEMSampler' is mmdet's own sampler, which removes no "
            'near-duplicates and keeps a ratio of foreground to background. '
            "Remedy: type='mmdet_ohem.OHEMSampler'"
        )
    if isinstance(sampler, RuleSampler) and _ignores_pos_fraction(sampler):
        fraction = sampler.warmup_sampler.pos_fraction
        found.append(
            f'pos_fraction={fraction:g} has no effect: the rule '
            f'{sampler.rule.name} sets no ratio of foreground to background. '
            'Remedy: delete it, or take a rule that has it'
        )
    return found


def _format_in_words(head: ReadOnlyBBoxHead, sampler: RuleSampler) -> str:
    """In which numbers a network is scored where it is now."""
    device = next(head.bbox_head.parameters()).device
    is_decided = sampler.rule.tells_undecided
    name = str(head.format_on(device, is_decided)).removeprefix('torch.')
    if name == 'int8' and is_decided and head.scores_again:
        name += '; what that leaves open, in float32'
    return name


def _ignores_pos_fraction(sampler: RuleSampler) -> bool:
    """Whether a value that somebody chose is used for nothing.

    mmdet's configs all have the default, which says nothing about intent.
    """
    is_used = 'pos_fraction' in sampler.rule.keys or sampler.warmup_iters
    fraction = sampler.warmup_sampler.pos_fraction
    return not is_used and fraction != _DEFAULT_POS_FRACTION
