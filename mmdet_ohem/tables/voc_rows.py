"""Rows of Tables 3 and 4: with AP of each class of VOC."""

from mmdet.datasets import VOCDataset

from mmdet_ohem.tables.row import Row

CLASSES: tuple[str, ...] = VOCDataset.METAINFO['classes']
# Key of the evaluation that measures each metric, the mean first.
VOC_METRICS = {
    'mAP': 'pascal_voc/mAP',
    **{name: f'pascal_voc/AP50/{name}' for name in CLASSES},
}


def voc_row(
    number: int,
    config: str | None,
    method: str,
    extras: str,
    train_set: str,
    paper: str,
    released: float | None = None,
) -> Row:
    """A row of Table 3 or 4.

    Args:
        number: Counted from 1.
        config: Leaf without ``fast_rcnn_vgg16_``; None: quoted.
        method: As the paper names it.
        extras: ``''`` or ``'+M +B'``.
        train_set: The paper's key.
        paper: mAP and the APs of the 20 classes, as printed.
        released: mAP by the authors' account.

    Returns:
        The row.

    Raises:
        ValueError: There are not 21 numbers.
    """
    values = map(float, paper.split())
    return Row(
        number,
        config and f'fast_rcnn_vgg16_{config}',
        {'method': method, 'extras': extras, 'train set': train_set},
        dict(zip(VOC_METRICS, values, strict=True)),
        {} if released is None else {'mAP': released},
    )
