"""Detectors, and parts of them, that have nothing for OHEM to mine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A detector, or a part of one, that has nothing for OHEM to mine.

    Attributes:
        name: As in ``docs/detectors.md``.
        config: Path of its config below mmdet's ``configs``.
        train_cfg: Where the sampler is in the model's config, dotted.
        says: What the error says, a regular expression.
        error: What is raised.
    """

    name: str
    config: str
    train_cfg: str
    says: str
    error: type[Exception] = TypeError

    def __str__(self) -> str:
        return f'{self.name}, {self.train_cfg}'


_NO_ROIS = 'has no bbox_head.*train_cfg.rcnn.sampler of a RoI head'
REFUSED = [
    Refusal(
        'RPN',
        'rpn/rpn_r50_fpn_1x_coco.py',
        'train_cfg.rpn',
        f'RPNHead {_NO_ROIS}',
    ),
    Refusal(
        'RPN of a two-stage detector',
        'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
        'train_cfg.rpn',
        f'RPNHead {_NO_ROIS}',
    ),
    Refusal(
        'Cascade RPN',
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py',
        'train_cfg.rpn.1',
        f'StageCascadeRPNHead {_NO_ROIS}',
    ),
    Refusal(
        'Guided anchoring RPN',
        'guided_anchoring/ga-rpn_r50_fpn_1x_coco.py',
        'train_cfg.rpn',
        f'GARPNHead {_NO_ROIS}',
    ),
    Refusal(
        'RetinaNet',
        'retinanet/retinanet_r50_fpn_1x_coco.py',
        'train_cfg',
        f'RetinaHead {_NO_ROIS}',
    ),
    Refusal(
        'GHM',
        'ghm/retinanet_r50_fpn_ghm-1x_coco.py',
        'train_cfg',
        f'RetinaHead {_NO_ROIS}',
    ),
    Refusal(
        'ATSS',
        'atss/atss_r50_fpn_1x_coco.py',
        'train_cfg',
        f'ATSSHead {_NO_ROIS}',
    ),
    Refusal(
        'FSAF',
        'fsaf/fsaf_r50_fpn_1x_coco.py',
        'train_cfg',
        f'FSAFHead {_NO_ROIS}',
    ),
    Refusal(
        'FreeAnchor',
        'free_anchor/freeanchor_r50_fpn_1x_coco.py',
        'train_cfg',
        f'FreeAnchorRetinaHead {_NO_ROIS}',
    ),
    Refusal('SSD', 'ssd/ssd300_coco.py', 'train_cfg', f'SSDHead {_NO_ROIS}'),
    Refusal(
        'YOLACT',
        'yolact/yolact_r50_1xb8-55e_coco.py',
        'train_cfg',
        f'YOLACTHead {_NO_ROIS}',
    ),
    Refusal(
        'MaskFormer',
        'maskformer/maskformer_r50_ms-16xb1-75e_coco.py',
        'train_cfg',
        f'MaskFormerHead {_NO_ROIS}',
    ),
    Refusal(
        'Mask2Former',
        'mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic.py',
        'train_cfg',
        f'Mask2FormerHead {_NO_ROIS}',
    ),
    Refusal(
        'DETR',
        'detr/detr_r50_8xb2-150e_coco.py',
        'train_cfg',
        'DETR do not build sampler',
        RuntimeError,
    ),
    Refusal(
        'Sparse R-CNN',
        'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco.py',
        'train_cfg.rcnn.0',
        'SparseRoIHead matches queries.*Keep its PseudoSampler',
    ),
    Refusal(
        'QueryInst',
        'queryinst/queryinst_r50_fpn_1x_coco.py',
        'train_cfg.rcnn.0',
        'SparseRoIHead matches queries.*Keep its PseudoSampler',
    ),
    Refusal(
        'CrowdDet',
        'crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman.py',
        'train_cfg.rcnn',
        'MultiInstanceRoIHead trains pairs.*Keep its MultiInsRandomSampler',
    ),
    Refusal(
        'PISA, Faster R-CNN',
        'pisa/faster-rcnn_r50_fpn_pisa_1x_coco.py',
        'train_cfg.rcnn',
        "PISARoIHead weights RoIs.*roi_head.type='StandardRoIHead'",
    ),
    Refusal(
        'PISA, Mask R-CNN',
        'pisa/mask-rcnn_r50_fpn_pisa_1x_coco.py',
        'train_cfg.rcnn',
        "PISARoIHead weights RoIs.*roi_head.type='StandardRoIHead'",
    ),
    Refusal(
        'MaskTrack R-CNN, its tracker',
        'masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_'
        'youtubevis2019.py',
        'track_head.train_cfg',
        f'RoITrackHead {_NO_ROIS}',
    ),
    Refusal(
        'QDTrack, its tracker',
        'qdtrack/qdtrack_faster-rcnn_r50_fpn_4e_base.py',
        'track_head.train_cfg',
        f'QuasiDenseTrackHead {_NO_ROIS}',
    ),
]
