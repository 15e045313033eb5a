"""RoI heads of mmdet and their stages.

Relies on these of mmdet 3.3.0:

- a RoI head with stages has ``num_stages``, lists of box heads, samplers and
  ``train_cfg``, and a ``current_stage`` that its samplers are built by and
  look at; one without has single ones;
- ``_bbox_forward`` is the box branch, in training and in testing. HTC and
  SCNet hand it what ``semantic_head`` and ``glbctx_head`` make of the image;
- ``BBoxHead.refine_bboxes`` takes what a cascade's ``bbox_loss`` returns.

Shapes: ``R`` RoIs of one image; ``L`` levels of features.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from torch import Tensor

from mmdet_ohem.host.patching import replaced
from mmdet_ohem.host.refusals import check_roi_head

__all__ = [
    'RoIStage',
    'check_roi_head',
    'has_plain_box_branch',
    'samplers_of',
    'stage_being_built',
    'stages_of',
    'with_current_stage',
]


@dataclass(frozen=True)
class RoIStage:
    """One stage of a RoI head, or a head that has no stages.

    Its parts are looked up at each use, since they may be replaced.

    Attributes:
        roi_head: Of mmdet, with a box head.
        index: Of the stage; None of a head without stages.
    """

    roi_head: Any
    index: int | None = None

    @property
    def bbox_head(self) -> Any:
        """Its box head."""
        return self._of_stage(self.roi_head.bbox_head)

    @property
    def train_cfg(self) -> Any:
        """Its ``train_cfg.rcnn``."""
        return self._of_stage(self.roi_head.train_cfg)

    def context_feats(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """What HTC and SCNet add to the features of every RoI, float32.

        They hand it to their box branch, but not to samplers.

        Args:
            feats: Of the image, L tensors of shape (1, C, H, W).

        Returns:
            Keys for :meth:`predict`; none for other heads.
        """
        head = self.roi_head
        found = {}
        fused = 'bbox' in getattr(head, 'semantic_fusion', ('bbox',))
        if fused and getattr(head, 'with_semantic', False):
            found['semantic_feat'] = head.semantic_head(feats)[1].float()
        if getattr(head, 'with_glbctx', False):
            found['glbctx_feat'] = head.glbctx_head(feats)[1].float()
        return found

    def predict(
        self, feats: Sequence[Tensor], rois: Tensor, **context: Tensor
    ) -> tuple[Any, Any]:
        """One pass of the box branch.

        Args:
            feats: L tensors of shape (N, C, H, W).
            rois: (image index, x1, y1, x2, y2) in pixels, shape (R, 5).
            **context: Of :meth:`context_feats`.

        Returns:
            Class scores and box deltas, as the box head has them.
        """
        stage = () if self.index is None else (self.index,)
        results = self.roi_head._bbox_forward(*stage, feats, rois, **context)
        return results['cls_score'], results['bbox_pred']

    def refine(
        self,
        result: SamplingResult,
        cls_score: Any,
        bbox_pred: Any,
        img_meta: dict,
    ) -> Tensor:
        """The RoIs that the next stage of a cascade is trained on.

        Args:
            result: RoIs of one image, with what they were assigned to.
            cls_score: Predicted for them.
            bbox_pred: Predicted for them.
            img_meta: Of the image.

        Returns:
            xyxy in pixels, without ground truth: foreground moved by the box
            of its class, background by that of its best class, shape (r, 4).
        """
        predicted = dict(
            rois=bbox2roi([result.priors]),
            cls_score=cls_score,
            bbox_pred=bbox_pred,
            bbox_targets=self.bbox_head.get_targets([result], self.train_cfg),
        )
        (refined,) = self.bbox_head.refine_bboxes(
            [result], predicted, [img_meta]
        )
        return get_box_tensor(refined.bboxes)

    def _of_stage(self, parts: Any) -> Any:
        return parts if self.index is None else parts[self.index]


def stages_of(roi_head: Any) -> list[RoIStage]:
    """The stages of a RoI head.

    Args:
        roi_head: Of mmdet, with a box head.

    Returns:
        At least one; the only one of a head without stages has no index.
    """
    if not hasattr(roi_head, 'num_stages'):
        return [RoIStage(roi_head)]
    return [RoIStage(roi_head, index) for index in range(roi_head.num_stages)]


def stage_being_built(roi_head: Any) -> int | None:
    """The stage of a cascade that a sampler is being built for.

    Args:
        roi_head: What mmdet passes to a sampler as its context.

    Returns:
        Its index; None of a head without stages.
    """
    if hasattr(roi_head, 'num_stages'):
        return getattr(roi_head, 'current_stage', None)
    return None


def with_current_stage(
    roi_head: Any, index: int | None
) -> AbstractContextManager[None]:
    """Inside, a RoI head is at a stage, as in a training pass.

    Samplers are built for that stage, and mmdet's own look at it as well when
    they sample.

    Args:
        roi_head: Of mmdet.
        index: Of the stage; None of a head without stages.
    """
    if index is None:
        return replaced(roi_head)
    return replaced(roi_head, current_stage=index)


def samplers_of(roi_head: Any) -> list[Any]:
    """The samplers of a RoI head, one a stage; none without ``train_cfg``.

    Args:
        roi_head: Of mmdet.
    """
    samplers = roi_head.bbox_sampler or []
    return samplers if isinstance(samplers, list) else [samplers]


def has_plain_box_branch(roi_head: Any) -> bool:
    """Whether a RoI is read by the RoI extractor and in no other way.

    Args:
        roi_head: Any RoI head.

    Returns:
        Whether its box branch is that of ``StandardRoIHead``.
    """
    branch = getattr(type(roi_head), '_bbox_forward', None)
    return branch is StandardRoIHead._bbox_forward
