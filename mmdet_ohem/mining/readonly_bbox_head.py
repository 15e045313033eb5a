"""The read-only RoI network of Figure 2 of the paper.

Shapes: ``R`` RoIs of one image, the ``P`` foreground ones first; ``L`` levels
of features.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from torch import Tensor

from mmdet_ohem.host.no_trace import leaving_no_trace
from mmdet_ohem.host.refusals import check_roi_head
from mmdet_ohem.host.roi_heads import RoIStage
from mmdet_ohem.host.sharding import is_sharded
from mmdet_ohem.mining.chunked_pass import predict_in_chunks
from mmdet_ohem.mining.decided_pass import (
    Scored,
    Undecided,
    score_undecided,
)
from mmdet_ohem.mining.distinct_rois import distinct_rois
from mmdet_ohem.mining.number_format import (
    check_dtype,
    computing_in_format,
    number_format,
    warn_of_overflow,
)
from mmdet_ohem.mining.quantized import KeptWeights
from mmdet_ohem.mining.roi_loss import (
    RoILosses,
    head_losses_per_roi,
    no_losses,
)
from mmdet_ohem.mining.value_checks import check_chunk_size, check_values
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class ReadOnlyBBoxHead:
    """Score RoIs with the current network, forward only.

    It is a view of a RoI head's own extractor, shared head and box head, and
    owns no parameter or buffer. Predictions are made in chunks, the loss is
    computed once over all RoIs by the head's own loss functions (losses such
    as GHM depend on all of their inputs), so that no second definition of the
    loss can drift away from the first.

    Args:
        roi_head: An mmdet RoI head with a box head, such as
            ``StandardRoIHead`` or ``CascadeRoIHead``.
        stage: Which stage of a cascade; None for a head without stages.
        chunk_size: RoIs in one forward pass, a bound on memory; None is all
            at once, as it is where FSDP shards a part of the head.
        dtype: 'float32', 'bfloat16', 'float16', 'int8' (linear layers in
            8-bit integers, then the RoIs on which a rule's choice depends in
            float32), or 'auto', see
            :func:`~mmdet_ohem.mining.number_format.number_format`.
        dropout: Leave dropout on while scoring, as the authors' released code
            does. Off, the loss says how the network does on each RoI.
        score_again: Where it is 'int8', score the RoIs on which a choice
            depends again in float32; without it 'auto' is never 'int8'.

    Raises:
        TypeError: ``roi_head`` has no box head that can be scored.
        ValueError: ``chunk_size`` or ``dtype`` is out of range.
    """

    def __init__(
        self,
        roi_head: Any,
        stage: int | None = None,
        chunk_size: int | None = 2048,
        dtype: str = 'auto',
        dropout: bool = False,
        score_again: bool = True,
    ) -> None:
        check_roi_head(roi_head)
        given = dict(chunk_size=chunk_size, dtype=dtype, dropout=dropout)
        given['score_again'] = score_again
        check_values('ReadOnlyBBoxHead', ReadOnlyBBoxHead.__init__, given)
        check_chunk_size(chunk_size)
        check_dtype(dtype)
        self.roi_head = roi_head
        self.stage = stage
        self.chunk_size = chunk_size
        self.dtype = dtype
        self.dropout = dropout
        # With dropout, the same RoI has another loss in each pass.
        self.scores_again = score_again and not dropout
        self._kept = KeptWeights()

    @property
    def bbox_head(self) -> Any:
        """The box head in use, looked up each time: it may be replaced."""
        return self._stage.bbox_head

    @property
    def _stage(self) -> RoIStage:
        return RoIStage(self.roi_head, self.stage)

    def __call__(
        self, feats: Sequence[Tensor], sampling_result: SamplingResult
    ) -> Tensor:
        """Loss of each RoI with the network as it is now.

        Args:
            feats: As for :meth:`losses`.
            sampling_result: As for :meth:`losses`.

        Returns:
            Classification and localisation added up, shape (R,), float32.

        Raises:
            TypeError: The head's loss cannot be split into RoIs.
        """
        return self.losses(feats, sampling_result).total

    def losses(
        self,
        feats: Sequence[Tensor],
        sampling_result: SamplingResult,
        undecided: Undecided | None = None,
    ) -> RoILosses:
        """Both losses of each RoI with the network as it is now.

        Args:
            feats: Features of one image, L tensors of shape (1, C, H, W).
            sampling_result: The RoIs, with what they were assigned to; all of
                them, not a sample.
            undecided: What a choice by these losses depends on, see
                :func:`~mmdet_ohem.mining.decided_pass.score_undecided`.

        Returns:
            Losses of ``sampling_result.priors``, foreground first, by the
            head's own weighted loss functions before averaging; localisation
            for foreground only.

        Raises:
            TypeError: The head's loss cannot be split into RoIs.
        """
        if not len(sampling_result.priors) and not is_sharded(self.roi_head):
            return no_losses(feats[0].device)
        return self.score(feats, sampling_result, undecided)[0]

    def score(
        self,
        feats: Sequence[Tensor],
        sampling_result: SamplingResult,
        undecided: Undecided | None = None,
    ) -> Scored:
        """Losses of each RoI, and the predictions that they come from.

        Args:
            feats: As for :meth:`losses`.
            sampling_result: As for :meth:`losses`.
            undecided: As for :meth:`losses`.

        Returns:
            Losses, class scores and box deltas of ``sampling_result.priors``;
            the predictions as the box head gives them, float32.

        Raises:
            TypeError: The head's loss cannot be split into RoIs.
        """
        if not self.scores_again:
            undecided = None
        dtype = self.format_on(feats[0].device, undecided is not None)
        found = self._score_in(dtype, feats, sampling_result, undecided)
        # bfloat16 has the range of float32, so it cannot overflow earlier. A
        # sharded head makes as many passes as those of other processes.
        if (
            dtype == torch.float16
            and not is_sharded(self.roi_head)
            and not found.losses.total.isfinite().all()
        ):
            warn_of_overflow(type(self.bbox_head).__name__)
            found = self._score_in(torch.float32, feats, sampling_result)
        return found

    def _score_in(
        self,
        dtype: torch.dtype,
        feats: Sequence[Tensor],
        result: SamplingResult,
        undecided: Undecided | None = None,
    ) -> Scored:
        """One pass with the box branch computing in ``dtype``."""
        rois = bbox2roi([result.priors])
        device, cfg = feats[0].device, self._stage.train_cfg

        def losses_of(cls_score: Any, bbox_pred: Any) -> RoILosses:
            with torch.autocast(device.type, enabled=False):
                return head_losses_per_roi(
                    self.bbox_head, cls_score, bbox_pred, rois, result, cfg
                )

        with leaving_no_trace(self.roi_head, device, self.dropout):
            # Also without a RoI: where FSDP shards the head, other processes
            # wait for this one's call.
            predicted = self.predict(feats, rois, dtype)
            if not len(rois):
                return Scored(no_losses(device), *predicted)
            found = Scored(losses_of(*predicted), *predicted)
            if dtype != torch.int8 or undecided is None:
                return found
            return score_undecided(
                found,
                undecided,
                distinct_rois(self.roi_head, rois)[1],
                lambda rows: self.predict(feats, rois[rows], torch.float32),
                losses_of,
            )

    def predict(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        dtype: torch.dtype | None = None,
    ) -> tuple[Any, Any]:
        """Class scores and box deltas of all RoIs, float32.

        Args:
            feats: As for :meth:`losses`.
            rois: (image index, x1, y1, x2, y2) in pixels, shape (R, 5).
            dtype: In which the box branch computes; None: the head's own.

        Returns:
            As the box head gives them.
        """
        if dtype is None:
            dtype = self.format_on(feats[0].device)
        equals = None
        if not self.dropout:  # else equal RoIs have different masks
            rois, equals = distinct_rois(self.roi_head, rois)
        stage = self._stage
        with computing_in_format(dtype, stage, feats, self._kept) as read:
            return predict_in_chunks(
                stage, read, rois, self.chunk_size, equals
            )

    def format_on(
        self, device: torch.device, is_decided: bool = False
    ) -> torch.dtype:
        """Of the numbers; ``is_decided``: a rule says what is undecided."""
        is_decided = is_decided and self.scores_again
        return number_format(self.dtype, self._stage, device, is_decided)
