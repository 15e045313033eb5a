"""Table 5: COCO test-dev 2015, all with VGG16; the server measures."""

from mmdet_ohem.tables.row import Row, Table

_COCO_METRICS = {
    'AP': 'coco/bbox_mAP',
    'AP50': 'coco/bbox_mAP_50',
    'AP75': 'coco/bbox_mAP_75',
    'AP small': 'coco/bbox_mAP_s',
    'AP medium': 'coco/bbox_mAP_m',
    'AP large': 'coco/bbox_mAP_l',
}


def _row(
    number: int,
    config: str,
    method: str,
    extras: str,
    train_set: str,
    paper: str,
) -> Row:
    """One row; ``paper`` has the six APs as printed, in one column there."""
    return Row(
        number,
        f'fast_rcnn_vgg16_{config}',
        {'method': method, 'extras': extras, 'train set': train_set},
        dict(zip(_COCO_METRICS, map(float, paper.split()), strict=True)),
    )


# FRCN's numbers are the leaderboard's.
TABLE5 = Table(
    5,
    'COCO test-dev 2015, VGG16',
    _COCO_METRICS,
    (
        _row(1, 'coco14', 'FRCN', '', 'train', '19.7 35.9 19.9 3.5 18.8 34.6'),
        _row(
            2, 'ohem_coco14', 'OHEM', '', 'train',
            '22.6 42.5 22.2 5.0 23.7 37.9',
        ),
        _row(
            3, 'ohem_ms_coco14', 'OHEM', '+M', 'train',
            '24.4 44.4 24.8 7.1 26.4 38.5',
        ),
        _row(
            4, 'ohem_ms_coco14_trainval', 'OHEM', '+M', 'trainval',
            '25.5 45.9 26.1 7.4 27.7 40.3',
        ),
    ),
)  # fmt: skip
