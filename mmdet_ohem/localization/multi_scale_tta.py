"""+M of section 6 at test time: all scales, merged before any NMS."""

import math
from collections.abc import Sequence
from typing import Any

from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.model import BaseTTAModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.host.refusals import check_detector
from mmdet_ohem.localization.candidates import (
    cat_candidates,
    final_detections,
)
from mmdet_ohem.localization.inference import candidate_prediction
from mmdet_ohem.localization.scale_choice import at_closest_scales
from mmdet_ohem.localization.views import distinct_views, flipped_back
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class MultiScaleTTAModel(BaseTTAModel):
    """Pool the raw boxes of all views, then one NMS and one vote over them.

    The paper does not say how scales are merged; this is its natural reading.
    mmdet's ``DetTTAModel`` merges what is left after an NMS in each view.

    1. Views that are the same image are computed once and counted once.
    2. Each view gives a box and a score per RoI and class.
    3. Boxes of flipped views are mirrored back, all are pooled.
    4. One NMS over the pool; with +B, one vote with the pool's boxes.

    With ``scale_choice='closest'``, as in SPPnet and MR-CNN, a proposal is
    scored in one view alone (one of those that are flipped, one of the
    others), where its area is closest to ``closest_to`` squared. +B goes on
    with its box in this view.

    Takes what ``TestTimeAug`` gives, with proposals in each view or with an
    RPN that makes them. The ground truth of a merged sample is that of its
    first view: ``LoadAnnotations`` comes after ``Resize`` and flip, and is in
    the pixels of the original image then.

    Args:
        module: A two-stage detector, or its config.
        tta_cfg: Keys that replace those of the detector's ``test_cfg.rcnn``:
            ``score_thr``, ``nms``, ``max_per_img``.
        data_preprocessor: As for ``BaseTTAModel``.
        scale_choice: 'all': each proposal is scored in all views; or
            'closest'.
        closest_to: Side of a square, pixels of the resized image.

    Attributes:
        localization: Keys for ``candidate_prediction``, set while +B is on:
            each view localises iteratively. None: one round.
        voting_iou_thr: IoU from which boxes of the pool vote; None: no vote.
        vote_score_offset: Added to the scores to make the votes' weights.

    Raises:
        TypeError: The detector has no RoI head that predicts boxes as
            ``StandardRoIHead`` does, or it predicts masks; or, with
            'closest', it has an RPN, whose proposals differ in each view.
        ValueError: ``scale_choice`` or ``closest_to`` is out of range.
    """

    def __init__(
        self,
        module: dict | nn.Module,
        tta_cfg: dict | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        scale_choice: str = 'all',
        closest_to: float = 224,
    ) -> None:
        super().__init__(module, data_preprocessor)
        check_detector(self.module, masks=False)
        if scale_choice not in ('all', 'closest'):
            raise ValueError(
                f"scale_choice must be 'all' or 'closest', got "
                f'{scale_choice!r}'
            )
        if not 0 < closest_to < math.inf:
            raise ValueError(
                f'closest_to must be more than 0 pixels, got {closest_to}'
            )
        if scale_choice == 'closest' and self.module.with_rpn:
            raise TypeError(
                "scale_choice='closest' chooses a view for each proposal, but "
                f'{type(self.module).__name__} has an RPN, which makes other '
                "proposals in each. Remedy: scale_choice='all'"
            )
        self.scale_choice = scale_choice
        self.closest_to = closest_to
        self.tta_cfg = dict(tta_cfg or {})
        self.localization: dict | None = None
        self.voting_iou_thr: float | None = None
        self.vote_score_offset = 0.0

    def test_step(self, data: dict[str, Any]) -> list[DetDataSample]:
        """Detect in images that are given as views.

        Args:
            data: ``inputs`` and ``data_samples``, each a list over views of
                a list over the images of the batch.

        Returns:
            One sample an image; ``pred_instances`` has ``bboxes`` (xyxy,
            pixels of the original image), ``scores`` and ``labels``.
        """
        views = list(zip(data['inputs'], data['data_samples'], strict=True))
        num_images = len(data['data_samples'][0])
        wanted = [
            self._samples_of_views(
                [images[i] for images, _ in views],
                [samples[i] for _, samples in views],
            )
            for i in range(num_images)
        ]
        found: list[list[DetDataSample]] = [[] for _ in range(num_images)]
        with candidate_prediction(self.module, **(self.localization or {})):
            for v, (images, _) in enumerate(views):
                new = [i for i in range(num_images) if v in wanted[i]]
                if not new:
                    continue
                batch = dict(
                    inputs=[images[i] for i in new],
                    data_samples=[wanted[i][v] for i in new],
                )
                for i, sample in zip(
                    new, self.module.test_step(batch), strict=True
                ):
                    found[i].append(sample)
        return self.merge_preds(found)

    def _samples_of_views(
        self, images: Sequence[Tensor], samples: Sequence[DetDataSample]
    ) -> dict[int, DetDataSample]:
        """What is computed of an image: sample by index of the view.

        Args:
            images: Its views, each (C, H, W).
            samples: Of these views.
        """
        distinct = distinct_views(images, samples)
        if self.scale_choice == 'all':
            return {v: samples[v] for v in distinct}
        found = at_closest_scales(
            [samples[v] for v in distinct], self.closest_to
        )
        return {
            v: x for v, x in zip(distinct, found, strict=True) if x is not None
        }

    def merge_preds(
        self, data_samples_list: Sequence[Sequence[DetDataSample]]
    ) -> list[DetDataSample]:
        """Merge the candidates of the views of each image.

        Args:
            data_samples_list: Over images, over their views; their
                ``pred_instances`` are candidates.

        Returns:
            The first sample of each image, with detections.
        """
        return [self._merge(samples) for samples in data_samples_list]

    def _merge(self, samples: Sequence[DetDataSample]) -> DetDataSample:
        pool = cat_candidates([self._unflipped(x) for x in samples])
        cfg = ConfigDict(self.module.roi_head.test_cfg)
        cfg.update(self.tta_cfg)
        merged = samples[0]
        merged.pred_instances = final_detections(
            pool,
            cfg.score_thr,
            cfg.nms,
            cfg.max_per_img,
            voting_iou_thr=self.voting_iou_thr,
            vote_score_offset=self.vote_score_offset,
        )
        return merged

    def _unflipped(self, sample: DetDataSample) -> InstanceData:
        candidates = sample.pred_instances
        candidates.bboxes = flipped_back(candidates.bboxes, sample)
        return candidates
