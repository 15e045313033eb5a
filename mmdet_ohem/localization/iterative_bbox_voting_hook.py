"""Iterative localisation and box voting in validation and testing (+B)."""

from functools import partial
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_ohem.host.patching import in_next_call
from mmdet_ohem.host.refusals import check_model
from mmdet_ohem.localization.inference import (
    box_voting_inference,
    parse_keys,
)
from mmdet_ohem.registry import HOOKS


@HOOKS.register_module()
class IterativeBBoxVotingHook(Hook):
    """Validate and test with +B of the paper, section 6.

    ::

        custom_hooks = [*_base_.get('custom_hooks', []),
                        dict(type='mmdet_ohem.IterativeBBoxVotingHook')]

    1. The proposals are scored and relocated: R1.
    2. Boxes of R1 that score high are scored and relocated again, each as its
       own class: R2; and so on, for ``num_rounds``.
    3. NMS goes over all rounds, by class, as ``test_cfg.rcnn`` says.
    4. Each survivor becomes the mean, weighted by score, of the boxes of its
       class in all rounds with IoU >= ``voting_iou_thr``; it keeps its score.

    Training, weights and checkpoints are as without the hook. The model is
    changed for the length of one ``val_step`` or ``test_step`` at a time and
    is as before after each, also when it raises. Hooks such as mmengine's
    ``EMAHook`` change the model before the first step and change it back
    after the last one. If a test raises, mmengine does not tell the hooks,
    and the model would stay changed.

    Args:
        num_rounds: How many times boxes are relocated; 1 is stock mmdet.
        refine_score_thr: A box goes on to the next round only when its score
            is greater than this.
        refine_nms_iou_thr: A box does not go on when a better box of its
            class goes on whose IoU with it is greater than this. None turns
            this rule off.
        refine_max_per_class: At most this many boxes of a class and image go
            on, the best ones.
        kept_score: 'before': a box has the score of the RoI that it was
            relocated from, as in MR-CNN and stock mmdet. 'after': a box that
            goes on has its own score, which takes one more forward pass.
        voting_iou_thr: IoU from which on boxes vote; None for no vote.
        vote_score_offset: Added to the score to make the weight of a vote, 0
            for softmax scores.

    Raises:
        ValueError: A value is out of range.
        TypeError: At the start of a run: the model's RoI head is a cascade,
            sparse, or another that does not predict as ``StandardRoIHead``.
    """

    # After all other hooks: when one of them raises, the model is not
    # prepared yet, and there is nothing to undo.
    priority = 'LOWEST'

    def __init__(
        self,
        num_rounds: int = 2,
        refine_score_thr: float = 0.05,
        refine_nms_iou_thr: float | None = 0.95,
        refine_max_per_class: int = 200,
        kept_score: str = 'before',
        voting_iou_thr: float | None = 0.5,
        vote_score_offset: float = 0.0,
    ) -> None:
        self.keys: dict[str, Any] = dict(
            num_rounds=num_rounds,
            refine_score_thr=refine_score_thr,
            refine_nms_iou_thr=refine_nms_iou_thr,
            refine_max_per_class=refine_max_per_class,
            kept_score=kept_score,
            voting_iou_thr=voting_iou_thr,
            vote_score_offset=vote_score_offset,
        )
        parse_keys(**self.keys)
        self._voting = partial(box_voting_inference, **self.keys)

    def before_run(self, runner: Runner) -> None:
        """Refuse a model that cannot be served, before anything is run."""
        check_model(runner.model)

    def before_val(self, runner: Runner) -> None:
        """Same as :meth:`before_run`."""
        check_model(runner.model)

    def before_test(self, runner: Runner) -> None:
        """Same as :meth:`before_run`."""
        check_model(runner.model)

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Let the coming ``val_step`` vote."""
        in_next_call(runner.model, 'val_step', self._voting)

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Let the coming ``test_step`` vote."""
        in_next_call(runner.model, 'test_step', self._voting)
