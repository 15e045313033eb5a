"""Table 1: hyperparameters of Fast R-CNN and their impact, on VOC07."""

from mmdet_ohem.tables.row import Row, Table

_VOC07 = 'Fast R-CNN'
_NO_HEURISTIC = 'no heuristic for hard background'
_FEWER = 'fewer images per batch'
_BIGGER = 'bigger batch, high LR'
_OHEM = 'OHEM'


def _row(
    number: int,
    config: str,
    experiment: str,
    setting: str,
    paper: float,
    released: float | None = None,
) -> Row:
    """One row; ``setting`` is net, N, learning rate, B, bg_lo."""
    names = ('net', 'N', 'LR', 'B', 'bg_lo')
    return Row(
        number,
        f'fast_rcnn_{config}_voc07',
        {
            'experiment': experiment,
            **dict(zip(names, setting.split(), strict=True)),
        },
        {'mAP': paper},
        {} if released is None else {'mAP': released},
    )


TABLE1 = Table(
    1,
    'Fast R-CNN on VOC07 test: hyperparameters and OHEM',
    {'mAP': 'pascal_voc/mAP'},
    (
        _row(1, 'vgg_m', _VOC07, 'VGGM 2 0.001 128 0.1', 59.6),
        _row(2, 'vgg16', _VOC07, 'VGG16 2 0.001 128 0.1', 67.2, 67.6),
        _row(3, 'vgg_m_bg0', _NO_HEURISTIC, 'VGGM 2 0.001 128 0', 57.2),
        _row(4, 'vgg16_bg0', _NO_HEURISTIC, 'VGG16 2 0.001 128 0', 67.5),
        _row(5, 'vgg16_n1', _FEWER, 'VGG16 1 0.001 128 0.1', 66.3),
        _row(6, 'vgg16_n1_bg0', _FEWER, 'VGG16 1 0.001 128 0', 66.3),
        _row(7, 'vgg_m_n1_b2048', _BIGGER, 'VGGM 1 0.004 2048 0', 57.7),
        _row(8, 'vgg_m_b2048', _BIGGER, 'VGGM 2 0.004 2048 0', 60.4),
        _row(9, 'vgg16_n1_b2048', _BIGGER, 'VGG16 1 0.003 2048 0', 67.5),
        _row(10, 'vgg16_b2048', _BIGGER, 'VGG16 2 0.003 2048 0', 68.7),
        _row(11, 'vgg16_ohem_n1', _OHEM, 'VGG16 1 0.001 128 0', 69.7),
        _row(12, 'vgg_m_ohem', _OHEM, 'VGGM 2 0.001 128 0', 62.0, 62.8),
        _row(13, 'vgg16_ohem', _OHEM, 'VGG16 2 0.001 128 0', 69.9, 71.5),
    ),
)
