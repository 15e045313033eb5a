"""One config of mmdet for each kind of region-based detector.

A kind is what its RoI head does: RoI head, box heads, their losses, and what
is pooled. Backbones, necks, schedules and data make no difference to OHEM.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Family:
    """A detector, and how it is made small.

    Attributes:
        name: As in ``docs/detectors.md``.
        config: Path of its config below mmdet's ``configs``.
        needs: Annotations beside boxes, 'mask' and 'semantic'; 'proposals'
            for a Fast R-CNN.
        replace: The sampler is replaced, keys and all, where a change of
            ``type`` alone leaves keys that OHEM does not have.
        changes: More of the model's config to overwrite, dotted.
        width: What numbers of channels are divided by.
        img_size: Height and width of the images.
        sem_seg_stride: Of the semantic ground truth.
        on_gpu_only: An operator of it has no CPU kernel.
    """

    name: str
    config: str
    needs: tuple[str, ...] = ()
    replace: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    width: int = 8
    img_size: int = 128
    sem_seg_stride: int = 8
    on_gpu_only: bool = False

    def __str__(self) -> str:
        return self.config.partition('/')[2].removesuffix('.py')


SERVED = [
    Family(
        'Fast R-CNN',
        'fast_rcnn/fast-rcnn_r50_fpn_1x_coco.py',
        needs=('proposals',),
    ),
    Family('Faster R-CNN', 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'),
    Family(
        "mmdet's own OHEM", 'faster_rcnn/faster-rcnn_r50_fpn_ohem_1x_coco.py'
    ),
    Family('IoU loss', 'faster_rcnn/faster-rcnn_r50_fpn_iou_1x_coco.py'),
    Family('GIoU loss', 'faster_rcnn/faster-rcnn_r50_fpn_giou_1x_coco.py'),
    Family('CIoU loss', 'faster_rcnn/faster-rcnn_r50_fpn_ciou_1x_coco.py'),
    Family(
        'Bounded IoU loss',
        'faster_rcnn/faster-rcnn_r50_fpn_bounded-iou_1x_coco.py',
    ),
    Family(
        'Faster R-CNN, C4',
        'faster_rcnn/faster-rcnn_r50-caffe-c4_ms-1x_coco.py',
        width=1,
        img_size=64,
    ),
    Family('Mask R-CNN', 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', ('mask',)),
    Family(
        'Mask R-CNN, C4',
        'mask_rcnn/mask-rcnn_r50-caffe-c4_1x_coco.py',
        ('mask',),
        changes={'train_cfg.rcnn.mask_size': 4},
        width=1,
        img_size=64,
    ),
    Family(
        'Mask R-CNN, GN head',
        'gn/mask-rcnn_r50_fpn_gn-all_2x_coco.py',
        ('mask',),
    ),
    Family(
        'Faster R-CNN, GN + WS head',
        'gn+ws/faster-rcnn_r50_fpn_gn-ws-all_1x_coco.py',
    ),
    Family(
        'Mask R-CNN, CARAFE',
        'carafe/mask-rcnn_r50_fpn-carafe_1x_coco.py',
        ('mask',),
        on_gpu_only=True,
    ),
    Family(
        'Mask R-CNN, Seesaw loss',
        'seesaw_loss/mask-rcnn_r50_fpn_seesaw-loss-normed-mask_'
        'random-ms-2x_lvis-v1.py',
        ('mask',),
    ),
    Family('Cascade R-CNN', 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'),
    Family(
        'Cascade Mask R-CNN',
        'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco.py',
        ('mask',),
    ),
    Family(
        'Cascade Mask R-CNN, mmdet 1.x',
        'legacy_1.x/cascade-mask-rcnn_r50_fpn_1x_coco_v1.py',
        ('mask',),
    ),
    Family(
        'Cascade Mask R-CNN, GIoU and SyncBN head',
        'convnext/cascade-mask-rcnn_convnext-t-p4-w7_fpn_4conv1fc-giou_'
        'amp-ms-crop-3x_coco.py',
        ('mask',),
    ),
    Family(
        'Cascade R-CNN, SyncBN head',
        'resnest/cascade-rcnn_s50_fpn_syncbn-backbone+head_'
        'ms-range-1x_coco.py',
    ),
    Family(
        'Cascade Mask R-CNN, Seesaw loss',
        'seesaw_loss/cascade-mask-rcnn_r101_fpn_seesaw-loss-normed-mask_'
        'random-ms-2x_lvis-v1.py',
        ('mask',),
    ),
    Family(
        'Deformable RoI pooling',
        'dcn/faster-rcnn_r50_fpn_dpool_1x_coco.py',
        on_gpu_only=True,
    ),
    Family(
        'Modulated deformable RoI pooling',
        'dcnv2/faster-rcnn_r50_fpn_mdpool_1x_coco.py',
        on_gpu_only=True,
    ),
    Family(
        'DetectoRS, Cascade R-CNN',
        'detectors/detectors_cascade-rcnn_r50_1x_coco.py',
    ),
    Family(
        'DetectoRS, HTC',
        'detectors/detectors_htc-r50_1x_coco.py',
        ('mask', 'semantic'),
    ),
    Family('Double Head', 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py'),
    Family('Dynamic R-CNN', 'dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco.py'),
    Family('Grid R-CNN', 'grid_rcnn/grid-rcnn_r50_fpn_gn-head_2x_coco.py'),
    Family('GRoIE', 'groie/faste-rcnn_r50_fpn_groie_1x_coco.py'),
    Family(
        'GRoIE, Grid R-CNN',
        'groie/grid-rcnn_r50_fpn_gn-head-groie_1x_coco.py',
    ),
    Family(
        'GRoIE, Mask R-CNN',
        'groie/mask-rcnn_r50_fpn_groie_1x_coco.py',
        ('mask',),
    ),
    Family(
        'Guided anchoring, Fast R-CNN',
        'guided_anchoring/ga-fast-rcnn_r50-caffe_fpn_1x_coco.py',
        ('proposals',),
    ),
    Family(
        'Guided anchoring, Faster R-CNN',
        'guided_anchoring/ga-faster-rcnn_r50_fpn_1x_coco.py',
    ),
    Family(
        'Cascade RPN, Fast R-CNN',
        'cascade_rpn/cascade-rpn_fast-rcnn_r50-caffe_fpn_1x_coco.py',
        ('proposals',),
    ),
    Family(
        'Cascade RPN, Faster R-CNN',
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py',
    ),
    Family('HTC', 'htc/htc_r50_fpn_1x_coco.py', ('mask', 'semantic')),
    Family(
        'HTC without semantic',
        'htc/htc-without-semantic_r50_fpn_1x_coco.py',
        ('mask',),
    ),
    Family(
        'Libra R-CNN',
        'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco.py',
        replace=True,
    ),
    Family(
        'Mask Scoring R-CNN', 'ms_rcnn/ms-rcnn_r50_fpn_1x_coco.py', ('mask',)
    ),
    Family(
        'Panoptic FPN',
        'panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco.py',
        ('mask', 'semantic'),
        sem_seg_stride=1,
        width=4,
    ),
    Family(
        'PISA, with a standard RoI head',
        'pisa/faster-rcnn_r50_fpn_pisa_1x_coco.py',
        replace=True,
        changes={'roi_head.type': 'StandardRoIHead'},
    ),
    Family(
        'PointRend',
        'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco.py',
        ('mask',),
    ),
    Family('SABL, Faster R-CNN', 'sabl/sabl-faster-rcnn_r50_fpn_1x_coco.py'),
    Family('SABL, Cascade R-CNN', 'sabl/sabl-cascade-rcnn_r50_fpn_1x_coco.py'),
    Family('SCNet', 'scnet/scnet_r50_fpn_1x_coco.py', ('mask', 'semantic')),
    Family(
        'TridentNet',
        'tridentnet/tridentnet_r50-caffe_1x_coco.py',
        width=1,
        img_size=64,
    ),
    Family(
        'V3Det, Faster R-CNN',
        'v3det/faster_rcnn_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x.py',
    ),
    Family(
        'V3Det, Cascade R-CNN',
        'v3det/cascade_rcnn_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x.py',
    ),
]
