"""Any mining rule as an mmdet sampler."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import RandomSampler, SamplingResult
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.host.process_mean import average_over_processes
from mmdet_ohem.host.roi_heads import (
    RoIStage,
    check_roi_head,
    stage_being_built,
)
from mmdet_ohem.host.roi_weights import weigh
from mmdet_ohem.host.samplers import GatheringSampler
from mmdet_ohem.mining.image_rois import ImageRoIs, undecided_by
from mmdet_ohem.mining.inherited_keys import check_inherited_keys
from mmdet_ohem.mining.mining_record import MiningRecord, record_of
from mmdet_ohem.mining.non_finite_losses import NonFiniteLosses
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead
from mmdet_ohem.mining.rules import PredictedRoIs, RoIs, Rule, ScoredRoIs
from mmdet_ohem.mining.value_checks import check_values
from mmdet_ohem.registry import TASK_UTILS

_DEFAULT_HEAD = dict(type='mmdet_ohem.ReadOnlyBBoxHead')


@TASK_UTILS.register_module()
class RuleSampler(GatheringSampler):
    """Train on the RoIs that a mining rule chooses.

    ::

        sampler = dict(
            type='mmdet_ohem.RuleSampler',
            num=64,
            rule=dict(type='s_ohem', loc_share=0.5))

    For each image, every RoI, ground truth included, is a candidate, but
    those that the assigner ignores (-1). Where the rule wants losses, the
    read-only network scores all of them first. The rule then chooses, and may
    give each chosen RoI a weight in the loss of the box head.

    A config may change only ``type`` of an inherited sampler:
    ``pos_fraction`` and ``neg_pos_ub`` go to a rule that has them, and are
    otherwise reported once as unused (a warm-up uses them).

    Args:
        num: RoIs **per image**, B / N in the paper (64 for B = 128, N = 2).
        rule: Name of a rule, or a dict of ``type``, its name, and its keys.
        readonly_head: Config of what scores the RoIs.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        warmup_iters: Iterations, of the runner, in which RoIs are drawn at
            random as by mmdet's ``RandomSampler``: a head that starts from
            random weights learns slowly from hard examples alone. Not in the
            paper; 0 is off.
        context: The RoI head, passed by mmdet itself.

    Attributes:
        rule: The rule with its keys.
        readonly_head: Scores the RoIs; None where the rule wants no losses.
        non_finite: Counts RoIs whose loss is not finite, and sees to it that
            training does not go on over nothing.
        last_record: What became of the RoIs of the image that was sampled
            last; None in a warm-up. Only where the rule wants losses.

    Raises:
        TypeError: An unknown key, or, where the rule wants losses, a head
            without RoIs, such as an RPN.
        ValueError: A value is out of range.
    """

    last_record: MiningRecord | None

    def __init__(
        self,
        num: int | None = None,
        rule: str | Mapping[str, Any] = 'ohem',
        readonly_head: dict | None = None,
        add_gt_as_proposals: bool = True,
        warmup_iters: int = 0,
        context: nn.Module | None = None,
        **inherited: Any,
    ) -> None:
        self.rule = Rule(rule, inherited)
        if self.rule.wants_losses:
            # A head without RoIs has a sampler with other keys: say that
            # before the keys are looked at.
            check_roi_head(context)
        elif readonly_head is not None:
            raise TypeError(
                f'{type(self).__name__} has a readonly_head, which scores '
                f'RoIs, but its rule {self.rule.name!r} wants no losses. '
                'Remedy: leave readonly_head out'
            )
        given = dict(
            num=num,
            add_gt_as_proposals=add_gt_as_proposals,
            warmup_iters=warmup_iters,
        )
        check_values(type(self).__name__, RuleSampler.__init__, given)
        used = self.rule.keys if warmup_iters <= 0 else inherited
        check_inherited_keys(
            type(self).__name__, _keys_of(type(self)), inherited, used
        )
        if num is None or num < 1:
            raise ValueError(f'num must be at least 1 RoI, got {num}')
        if warmup_iters < 0:
            raise ValueError(
                f'warmup_iters must be 0 or more, got {warmup_iters}'
            )
        super().__init__(num, add_gt_as_proposals)
        self.warmup_iters = warmup_iters
        self.warmup_sampler = RandomSampler(
            num,
            inherited.get('pos_fraction', 0.25),
            inherited.get('neg_pos_ub', -1),
            add_gt_as_proposals,
        )
        self.stage = RoIStage(context, stage_being_built(context))
        self.readonly_head: Any = None
        self.non_finite = NonFiniteLosses(type(self).__name__)
        if self.rule.wants_losses:
            self.last_record = None
            self.readonly_head = TASK_UTILS.build(
                readonly_head or _DEFAULT_HEAD,
                default_args=dict(
                    roi_head=context, stage=stage_being_built(context)
                ),
            )

    def sample(
        self,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        feats: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> SamplingResult:
        """Choose the RoIs of one image, or draw them while warming up.

        Args:
            assign_result: What each RoI was assigned to.
            pred_instances: ``priors``, xyxy in pixels of the resized image,
                shape (R, 4).
            gt_instances: ``bboxes``, shape (G, 4), and ``labels``, (G,).
            feats: Features of the image, tensors of shape (1, C, H, W); only
                where the rule wants losses.
            **kwargs: What mmdet passes besides; not used.

        Returns:
            The chosen RoIs, foreground and background each in the order of
            the rule.

        Raises:
            TypeError: The rule wants losses, and there are no features.
        """
        if self.rule.wants_losses and feats is None:
            # A warm-up fails as early as what follows it.
            raise TypeError(
                f'{type(self).__name__}.sample needs feats, the features of '
                'the image, to score RoIs; the RoI head that calls it passes '
                'none'
            )
        if self._is_warming_up():
            if self.rule.wants_losses:
                self.last_record = None
            drawn = self.warmup_sampler.sample(
                assign_result, pred_instances, gt_instances
            )
            return average_over_processes(drawn, feats, self.stage)
        image = ImageRoIs(
            self.gather(assign_result, pred_instances, gt_instances)
        )
        rois = self._look_to_choose(image, feats)
        choice = self.rule(rois, self.num)
        if isinstance(rois, ScoredRoIs):
            choice = self.non_finite.check(rois, choice, self.num)
            self.last_record = record_of(rois, choice)
        result = image.take(choice)
        if choice.weights is not None:
            _, _, weights = image.rows(choice)
            weigh(result, weights, choice.weigh_loc, self.stage.bbox_head)
        return average_over_processes(result, feats, self.stage)

    @property
    def num_non_finite(self) -> int:
        """RoIs so far whose loss was not finite."""
        return self.non_finite.num_rois

    def look_at(
        self,
        image: ImageRoIs,
        kind: type[RoIs],
        feats: Sequence[Tensor] | None,
    ) -> RoIs:
        """What a rule wants to know of the RoIs of an image.

        Args:
            image: All RoIs.
            kind: What is wanted.
            feats: Features of the image.

        Returns:
            RoIs of this class.
        """
        if not issubclass(kind, ScoredRoIs):
            return image.known()
        if not issubclass(kind, PredictedRoIs):
            return image.scored(
                self.readonly_head.losses(feats, image.candidates)
            )
        head = self.readonly_head
        losses, cls_score, bbox_pred = head.score(feats, image.candidates)
        return image.predicted(losses, cls_score, bbox_pred, head.bbox_head)

    def _look_to_choose(self, image: ImageRoIs, feats: Any) -> RoIs:
        """What the rule chooses from: as exact as its choice needs."""
        head, rule = self.readonly_head, self.rule
        if not isinstance(head, ReadOnlyBBoxHead) or not rule.tells_undecided:
            return self.look_at(image, rule.rois, feats)
        undecided = undecided_by(rule, self.num, image)
        return image.scored(head.losses(feats, image.candidates, undecided))

    def _is_warming_up(self) -> bool:
        """Whether the iteration of the runner is one of the first."""
        if not self.warmup_iters:
            return False
        hub = MessageHub.get_current_instance()
        return hub.get_info('iter', 0) < self.warmup_iters


def _keys_of(kind: type[RuleSampler]) -> list[str]:
    """Keys of a sampler that a config can set, its own ones first."""
    names = [
        name
        for each in (kind, RuleSampler)
        for name, x in signature(each.__init__).parameters.items()
        if x.kind is not x.VAR_KEYWORD and name not in ('self', 'context')
    ]
    thin = kind is not RuleSampler
    return [x for x in dict.fromkeys(names) if not (thin and x == 'rule')]
