"""Mining rules side by side, each trained as row 4 or 13 of Table 1 is."""

from mmdet_ohem.mining.rules import rule_names
from mmdet_ohem.tables.row import Row, Table

# Rules under another name than theirs, and what is compared with them.
_OTHERS = {
    'random': 'fast_rcnn_vgg16_bg0_voc07',
    'ohem, NMS per label': 'fast_rcnn_vgg16_ohem_class_nms_voc07',
    'ohem, no NMS': 'fast_rcnn_vgg16_ohem_no_nms_voc07',
    'ohem, by loss masking': 'fast_rcnn_vgg16_loss_masking_voc07',
    "mmdet's OHEMSampler": 'fast_rcnn_vgg16_stock_ohem_voc07',
}
_PAPER = {'random': 67.5, 'ohem': 69.9}
# It has no limit: a batch of all RoIs is another training.
_LEFT_OUT = ('all_rois',)


def rules_table() -> Table:
    """A row for each registered mining rule, and for their variants.

    A rule's leaf is ``fast_rcnn_vgg16_<rule>_voc07.py``.

    Returns:
        The table; rules that are registered later are in a later call's.
    """
    leaves = {
        name: f'fast_rcnn_vgg16_{name}_voc07'
        for name in rule_names()
        if name not in _LEFT_OUT
    }
    rows = tuple(
        Row(
            number,
            config,
            {'rule': name, 'net': 'VGG16', 'N': '2', 'B': '128'},
            {'mAP': _PAPER[name]} if name in _PAPER else {},
        )
        for number, (name, config) in enumerate((leaves | _OTHERS).items(), 1)
    )
    return Table(
        'rules',
        'mining rules on VOC07 test, all else equal',
        {'mAP': 'pascal_voc/mAP'},
        rows,
    )
