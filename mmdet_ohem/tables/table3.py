"""Table 3: VOC07 test, all with VGG16.

Rows 1 to 10 are the paper's. The others are its relatives built here, SPPnet
and MR-CNN, of which the paper says nothing: MR-CNN's own figures are rows 5
and 9, of fixed convolutions and SVMs.
"""

from mmdet_ohem.tables.row import Row, Table
from mmdet_ohem.tables.voc_rows import VOC_METRICS, voc_row


def _relative(
    number: int, config: str, method: str, extras: str, train_set: str = '07'
) -> Row:
    """A row that is not in the paper."""
    settings = {'method': method, 'extras': extras, 'train set': train_set}
    return Row(number, config, settings, {})


_TWO = 'MR-CNN here, 2 regions'
_RELATIVES = (
    _relative(11, 'sppnet_vgg16_voc07', 'SPPnet', ''),
    _relative(12, 'sppnet_vgg16_ohem_voc07', 'SPPnet, OHEM', ''),
    _relative(13, 'sppnet_vgg16_ohem_ms_voc07', 'SPPnet, OHEM', '+M'),
    _relative(
        14, 'sppnet_vgg16_ohem_ms_closest_voc07', 'SPPnet, OHEM',
        '+M at the closest scale',
    ),
    _relative(15, 'mr_cnn_vgg16_two_regions_voc07', _TWO, ''),
    _relative(16, 'mr_cnn_vgg16_two_regions_ohem_voc07', f'{_TWO}, OHEM', ''),
    _relative(17, 'mr_cnn_vgg16_voc07', 'MR-CNN here', ''),
    _relative(18, 'mr_cnn_vgg16_ohem_voc07', 'MR-CNN here, OHEM', ''),
    _relative(19, 'mr_cnn_vgg16_ms_vote_voc07', 'MR-CNN here', '+M +B'),
    _relative(
        20, 'mr_cnn_vgg16_ohem_ms_vote_voc07', 'MR-CNN here, OHEM', '+M +B'
    ),
    _relative(
        21, 'sppnet_vgg16_ohem_voc0712', 'SPPnet, OHEM', '', '07+12'
    ),
    _relative(
        22, 'mr_cnn_vgg16_ohem_voc0712', 'MR-CNN here, OHEM', '', '07+12'
    ),
    _relative(
        23, 'mr_cnn_vgg16_ohem_ms_vote_voc0712', 'MR-CNN here, OHEM', '+M +B',
        '07+12',
    ),
)  # fmt: skip
# Columns: mAP, then the classes in VOC's order. MR-CNN is Gidaris and
# Komodakis, 2015; FRCN is Fast R-CNN of 2015, FRCN* the same by the schedule
# of the paper.
TABLE3 = Table(
    3,
    'VOC07 test, VGG16',
    VOC_METRICS,
    (
        voc_row(
            1, '2015_voc07', 'FRCN', '', '07',
            '66.9 74.5 78.3 69.2 53.2 36.6 77.3 78.2 82.0 40.7 72.7 '
            '67.9 79.6 79.2 73.0 69.0 30.1 65.4 70.2 75.8 65.8',
        ),
        voc_row(
            2, 'voc07', 'FRCN*', '', '07',
            '67.2 74.6 76.8 67.6 52.9 37.8 78.7 78.8 81.6 42.2 73.6 '
            '67.0 79.4 79.6 74.1 68.3 33.4 65.9 68.7 75.4 68.1',
            67.6,
        ),
        voc_row(
            3, 'ohem_voc07', 'OHEM', '', '07',
            '69.9 71.2 78.3 69.2 57.9 46.5 81.8 79.1 83.2 47.9 76.2 '
            '68.9 83.2 80.8 75.8 72.7 39.9 67.5 66.2 75.6 75.9',
            71.5,
        ),
        voc_row(
            4, 'ms_vote_voc07', 'FRCN*', '+M +B', '07',
            '72.4 77.8 81.3 71.4 60.4 48.3 85.0 84.6 86.2 49.4 80.7 '
            '68.1 84.1 86.7 80.2 75.3 38.7 71.9 71.5 77.9 67.8',
        ),
        voc_row(
            5, None, 'MR-CNN', '+M +B', '07',
            '74.9 78.7 81.8 76.7 66.6 61.8 81.7 85.3 82.7 57.0 81.9 '
            '73.2 84.6 86.0 80.5 74.9 44.9 71.7 69.7 78.7 79.9',
        ),
        voc_row(
            6, 'ohem_ms_vote_voc07', 'OHEM', '+M +B', '07',
            '75.1 77.7 81.9 76.0 64.9 55.8 86.3 86.0 86.8 53.2 82.9 '
            '70.3 85.0 86.3 78.7 78.0 46.8 76.1 72.7 80.9 75.5',
        ),
        voc_row(
            7, None, 'FRCN', '', '07+12',
            '70.0 77.0 78.1 69.3 59.4 38.3 81.6 78.6 86.7 42.8 78.8 '
            '68.9 84.7 82.0 76.6 69.9 31.8 70.1 74.8 80.4 70.4',
        ),
        voc_row(
            8, 'ohem_voc0712', 'OHEM', '', '07+12',
            '74.6 77.7 81.2 74.1 64.2 50.2 86.2 83.8 88.1 55.2 80.9 '
            '73.8 85.1 82.6 77.8 74.9 43.7 76.1 74.2 82.3 79.6',
            75.5,
        ),
        voc_row(
            9, None, 'MR-CNN', '+M +B', '07+12',
            '78.2 80.3 84.1 78.5 70.8 68.5 88.0 85.9 87.8 60.3 85.2 '
            '73.7 87.2 86.5 85.0 76.4 48.5 76.3 75.5 85.0 81.0',
        ),
        voc_row(
            10, 'ohem_ms_vote_voc0712', 'OHEM', '+M +B', '07+12',
            '78.9 80.6 85.7 79.8 69.9 60.8 88.3 87.9 89.6 59.7 85.1 '
            '76.5 87.1 87.3 82.4 78.8 53.7 80.5 78.7 84.5 80.7',
        ),
        *_RELATIVES,
    ),
)  # fmt: skip
