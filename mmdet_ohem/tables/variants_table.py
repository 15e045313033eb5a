"""What OHEM's own settings are worth, each changed by itself."""

from typing import Any

from mmdet_ohem.tables.row import Row, Table

_OHEM = 'fast_rcnn_vgg16_ohem_voc07'
_SAMPLER = 'model.train_cfg.rcnn.sampler'
# What is changed, how its runs are called, and the keys of the sampler.
_CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ('as it is', '', {}),
    ('NMS above IoU 0.5', 'nms_0.5', dict(nms_iou_thr=0.5)),
    ('NMS above IoU 0.6', 'nms_0.6', dict(nms_iou_thr=0.6)),
    ('NMS above IoU 0.8', 'nms_0.8', dict(nms_iou_thr=0.8)),
    ('NMS above IoU 0.9', 'nms_0.9', dict(nms_iou_thr=0.9)),
    (
        'ranked by classification loss',
        'by_cls',
        dict(
            type='mmdet_ohem.RuleSampler',
            rule=dict(type='ohem', ranked_by='cls'),
        ),
    ),
    (
        'dropout while scoring',
        'scored_with_dropout',
        dict(
            readonly_head=dict(
                type='mmdet_ohem.ReadOnlyBBoxHead', dropout=True
            )
        ),
    ),
    # A tenth of the training.
    ('random at first', 'warmup', dict(warmup_iters=8000)),
    ('B = 64', 'b64', dict(num=32)),
    ('B = 256', 'b256', dict(num=128)),
)
_PAPER = {'as it is': 69.9}


def variants_table() -> Table:
    """A row for OHEM as it is, and one for each change of a setting.

    Changes are keys on OHEM's leaf, so that none needs a leaf of its own.

    Returns:
        The table.
    """
    rows = tuple(
        Row(
            number,
            _OHEM,
            {
                'OHEM': what,
                'net': 'VGG16',
                'N': '2',
                'B': str(2 * keys.get('num', 64)),
            },
            {'mAP': _PAPER[what]} if what in _PAPER else {},
            keys={f'{_SAMPLER}.{key}': x for key, x in keys.items()},
            variant=variant,
        )
        for number, (what, variant, keys) in enumerate(_CHANGES, 1)
    )
    return Table(
        'variants',
        'settings of OHEM on VOC07 test, all else equal',
        {'mAP': 'pascal_voc/mAP'},
        rows,
    )
