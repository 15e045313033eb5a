"""The read-only RoI network of Figure 2 of the paper.

Shapes: ``R`` RoIs of one image, the ``P`` foreground ones first; ``L`` levels
of features.
"""

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from mmengine.logging import print_log
from torch import Tensor

from mmdet_ohem.host.no_trace import leaving_no_trace
from mmdet_ohem.host.precision import computing_in, multiplies_bfloat16
from mmdet_ohem.host.refusals import check_roi_head
from mmdet_ohem.host.roi_heads import RoIStage
from mmdet_ohem.host.sharding import is_sharded
from mmdet_ohem.mining.chunked_pass import predict_in_chunks
from mmdet_ohem.mining.distinct_rois import distinct_rois
from mmdet_ohem.mining.roi_loss import RoILosses, head_losses_per_roi
from mmdet_ohem.mining.value_checks import check_values
from mmdet_ohem.registry import TASK_UTILS

_DTYPES = {
    'float32': torch.float32,
    'bfloat16': torch.bfloat16,
    'float16': torch.float16,
}


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
        dtype: 'float32', 'bfloat16', 'float16', or 'auto': bfloat16 where the
            hardware multiplies its matrices faster, else float32.
        dropout: Leave dropout on while scoring, as the authors' released code
            does. Off, the loss says how the network does on each RoI.

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
    ) -> None:
        check_roi_head(roi_head)
        given = dict(chunk_size=chunk_size, dtype=dtype, dropout=dropout)
        check_values('ReadOnlyBBoxHead', ReadOnlyBBoxHead.__init__, given)
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(
                f'chunk_size must be None or at least 1, got {chunk_size}'
            )
        if dtype != 'auto' and dtype not in _DTYPES:
            raise ValueError(
                f"dtype must be 'auto' or one of {sorted(_DTYPES)}, got "
                f'{dtype!r}'
            )
        self.roi_head = roi_head
        self.stage = stage
        self.chunk_size = chunk_size
        self.dtype = dtype
        self.dropout = dropout

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
        self, feats: Sequence[Tensor], sampling_result: SamplingResult
    ) -> RoILosses:
        """Both losses of each RoI with the network as it is now.

        Args:
            feats: Features of one image, L tensors of shape (1, C, H, W).
            sampling_result: The RoIs, with what they were assigned to; all of
                them, not a sample.

        Returns:
            Losses of ``sampling_result.priors``, foreground first, by the
            head's own weighted loss functions before averaging; localisation
            for foreground only.

        Raises:
            TypeError: The head's loss cannot be split into RoIs.
        """
        if not len(sampling_result.priors) and not is_sharded(self.roi_head):
            return _no_losses(feats)
        return self.score(feats, sampling_result)[0]

    def score(
        self, feats: Sequence[Tensor], sampling_result: SamplingResult
    ) -> tuple[RoILosses, Any, Any]:
        """Losses of each RoI, and the predictions that they come from.

        Args:
            feats: As for :meth:`losses`.
            sampling_result: As for :meth:`losses`.

        Returns:
            Losses, class scores and box deltas of ``sampling_result.priors``;
            the predictions as the box head gives them, float32.

        Raises:
            TypeError: The head's loss cannot be split into RoIs.
        """
        dtype = self._resolve_dtype(feats[0].device)
        found = self._score_in(dtype, feats, sampling_result)
        # bfloat16 has the range of float32, so it cannot overflow earlier. A
        # sharded head makes as many passes as those of other processes.
        if (
            dtype == torch.float16
            and not is_sharded(self.roi_head)
            and not found[0].total.isfinite().all()
        ):
            _warn_of_overflow(type(self.bbox_head).__name__)
            found = self._score_in(torch.float32, feats, sampling_result)
        return found

    def _score_in(
        self,
        dtype: torch.dtype,
        feats: Sequence[Tensor],
        sampling_result: SamplingResult,
    ) -> tuple[RoILosses, Any, Any]:
        """One pass with the box branch computing in ``dtype``."""
        rois = bbox2roi([sampling_result.priors])
        device = feats[0].device
        with leaving_no_trace(self.roi_head, device, self.dropout):
            # Also without a RoI: where FSDP shards the head, other processes
            # wait for this one's call.
            cls_score, bbox_pred = self.predict(feats, rois, dtype)
            if not len(rois):
                return _no_losses(feats), cls_score, bbox_pred
            with torch.autocast(device.type, enabled=False):
                losses = head_losses_per_roi(
                    self.bbox_head,
                    cls_score,
                    bbox_pred,
                    rois,
                    sampling_result,
                    self._stage.train_cfg,
                )
        return losses, cls_score, bbox_pred

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
        device = feats[0].device
        if dtype is None:
            dtype = self._resolve_dtype(device)
        equals = None
        if not self.dropout:  # else equal RoIs have different masks
            rois, equals = distinct_rois(self.roi_head, rois)
        # As many calls on all processes, however many RoIs each has.
        sharded = is_sharded(self.roi_head)
        chunk_size = None if sharded else self.chunk_size
        with computing_in(device, dtype):
            return predict_in_chunks(
                self._stage, feats, rois, chunk_size, equals
            )

    def _resolve_dtype(self, device: torch.device) -> torch.dtype:
        if self.dtype != 'auto':
            return _DTYPES[self.dtype]
        native = multiplies_bfloat16(device)
        return torch.bfloat16 if native else torch.float32


@cache
def _warn_of_overflow(bbox_head: str) -> None:
    """Say it once a process."""
    print_log(
        f'{bbox_head}: scoring RoIs in float16 overflows; such images are '
        "scored again in float32. Remedy: readonly_head.dtype = 'auto'",
        logger='current',
        level=logging.WARNING,
    )


def _no_losses(feats: Sequence[Tensor]) -> RoILosses:
    """Losses of an image without RoIs."""
    none = feats[0].new_zeros(0, dtype=torch.float32)
    return RoILosses(none, none)
