"""Tables of a ranking, and files that labelling tools read."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmdet_ohem.hard.ranking import Ranking
from mmdet_ohem.hard.records import FLAGS, HardImage, HardRoI
from mmdet_ohem.version import __version__


def images_csv(images: Iterable[HardImage]) -> str:
    """A line an image, the hardest first.

    Args:
        images: Ranked.

    Returns:
        The text of a CSV file.
    """
    header = ['rank', 'image', 'objects', 'rois', 'hard_loss', 'mean_loss']
    rows = (
        [
            nth,
            x.image,
            x.num_objects,
            x.num_rois,
            f'{x.hard_loss:.4f}',
            f'{x.mean_loss:.4f}',
            *(x.flags.get(flag, 0) for flag in FLAGS),
        ]
        for nth, x in enumerate(images, 1)
    )
    return _csv([*header, *FLAGS], rows)


def rois_csv(rois: Iterable[HardRoI]) -> str:
    """A line a RoI, the hardest first.

    Args:
        rois: Ranked.

    Returns:
        The text of a CSV file; boxes are xyxy edges in pixels of the image.
    """
    header = [
        *('rank', 'image', 'label', 'predicted', 'score', 'loss', 'cls_loss'),
        *('loc_loss', 'iou', 'x1', 'y1', 'x2', 'y2', 'flag'),
    ]
    rows = (
        [
            nth,
            x.image,
            x.label or 'background',
            x.predicted or 'background',
            f'{x.score:.4f}',
            f'{x.loss:.4f}',
            f'{x.cls_loss:.4f}',
            f'{x.loc_loss:.4f}',
            f'{x.iou:.3f}',
            *(f'{value:.1f}' for value in x.box),
            x.flag,
        ]
        for nth, x in enumerate(rois, 1)
    )
    return _csv(header, rows)


def coco_of(
    ranking: Ranking,
    flags: Sequence[str],
    classes: Sequence[str],
    source: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The flagged RoIs as detections in COCO's format.

    Labelling tools and FiftyOne read it; what else is known of a RoI is in
    further keys of its annotation. None of them is called as a field of
    FiftyOne's detections, which would refuse it.

    Args:
        ranking: Of a split.
        flags: Which of them.
        classes: Names of the classes.
        source: Further facts for ``info``: what was ranked.

    Returns:
        ``images`` (those with a flag; ``file_name`` is below ``info.root``),
        ``annotations`` (the refined boxes, x, y, width, height) and
        ``categories``.
    """
    rois = [x for flag in flags for x in ranking.flagged[flag]]
    paths = {x.image for x in rois}
    sizes = {x.image: x for x in ranking.images}
    root = _common_folder([x.image for x in ranking.images])
    ids = {path: i for i, path in enumerate(sorted(paths), 1)}
    categories = {name: i for i, name in enumerate(classes, 1)}
    return dict(
        info=dict(
            description=f'mmdet-ohem {__version__} hard',
            root=root,
            **(source or {}),
        ),
        images=[
            dict(
                id=i,
                file_name=os.path.relpath(path, root),
                width=sizes[path].width,
                height=sizes[path].height,
            )
            for path, i in ids.items()
        ],
        annotations=[
            dict(
                id=nth,
                image_id=ids[x.image],
                category_id=categories[x.predicted or ''],
                **_facts(x),
            )
            for nth, x in enumerate(rois, 1)
        ],
        categories=[dict(id=i, name=x) for x, i in categories.items()],
    )


def _facts(roi: HardRoI) -> dict[str, Any]:
    """What an annotation says of a RoI."""
    return dict(
        bbox=_xywh(roi.refined),
        area=_area(roi.refined),
        iscrowd=0,
        score=round(roi.score, 4),
        flag=roi.flag,
        labelled=roi.label or 'background',
        loss=round(roi.loss, 4),
        cls_loss=round(roi.cls_loss, 4),
        loc_loss=round(roi.loc_loss, 4),
        iou=round(roi.iou, 4),
    )


def _common_folder(paths: Sequence[str]) -> str:
    folders = [os.path.dirname(os.path.abspath(x)) for x in paths]
    return os.path.commonpath(folders) if folders else ''


def _xywh(box: Sequence[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [round(x, 2) for x in (x1, y1, x2 - x1, y2 - y1)]


def _area(box: Sequence[float]) -> float:
    return round((box[2] - box[0]) * (box[3] - box[1]), 2)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()
