"""The images of a dataset and their objects, for looking at proposals."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import DATASETS
from mmengine.config import Config

from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.host.pipelines import leaf_datasets
from mmdet_ohem.proposals.coco_proposal_dataset import CocoProposalDataset
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.image_list_dataset import ImageListDataset
from mmdet_ohem.proposals.voc_annotation import parse_annotation
from mmdet_ohem.proposals.voc_proposal_dataset import VOCProposalDataset


@dataclass(frozen=True)
class ImageSource:
    """A dataset without its proposals, and the file that has them.

    Attributes:
        dataset: Not yet loaded; ``full_init`` loads it.
        proposal_file: The file.
        name: What the dataset is called in messages.
        corners: What the file holds, where the dataset says so.
    """

    dataset: Any
    proposal_file: str
    name: str
    corners: str | None = None


def listed_source(
    proposal_file: str | Path,
    image_list: Path,
    img_dir: Path,
    ann_dir: Path | None = None,
    suffix: str | None = None,
    classes: Sequence[str] | None = None,
) -> ImageSource:
    """The images of a list, as a training would see them.

    Args:
        proposal_file: The file.
        image_list: A name a line, as VOC has; or a ``.json`` of COCO.
        img_dir: The folder of the images.
        ann_dir: The folder of VOC's annotations. None: ``Annotations``
            beside that of the images; where it is missing, there are no
            objects.
        suffix: Of the images; None: what is there.
        classes: None: all that the annotations have.

    Returns:
        A dataset of ours.

    Raises:
        FileNotFoundError, ValueError: The list is missing or malformed.
    """
    meta: dict[str, Any] = {}
    if classes:
        meta = dict(metainfo=dict(classes=tuple(classes)))
    common: dict[str, Any] = dict(
        ann_file=str(image_list), pipeline=[], lazy_init=True
    )
    file = str(Path(proposal_file).absolute())
    if image_list.suffix == '.json':
        coco = CocoProposalDataset(
            **common, **meta, data_prefix=dict(img=str(img_dir))
        )
        return ImageSource(coco, file, str(image_list))
    common |= dict(
        data_prefix=dict(sub_data_root=''),
        img_subdir=str(img_dir.absolute()),
        img_suffix=suffix,
    )
    folder = ann_dir or img_dir.absolute().parent / 'Annotations'
    if not folder.is_dir():
        return ImageSource(ImageListDataset(**common), file, str(image_list))
    if not classes:
        names = _names_in(folder, read_image_list(image_list, repeats=True))
        meta = dict(metainfo=dict(classes=names)) if names else {}
    voc = VOCProposalDataset(
        **common, **meta, ann_subdir=str(folder.absolute())
    )
    return ImageSource(voc, file, str(image_list))


def config_sources(config: Config, split: str) -> Iterator[ImageSource]:
    """The datasets of a config, those that are joined each for itself.

    Args:
        config: A whole config.
        split: ``'train'``, ``'val'`` or ``'test'``.

    Yields:
        One a dataset.

    Raises:
        ValueError: The config has no such split, or no proposals in it.
    """
    enter_scope(config)
    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise ValueError(
            f'the config has no {split}_dataloader. Remedy: give another '
            '--split'
        )
    for leaf in leaf_datasets(loader['dataset']):
        keys = dict(leaf, pipeline=[], lazy_init=True)
        file = keys.pop('proposal_file', None)
        if not file:
            raise ValueError(
                f'the dataset {leaf.get("ann_file")} of the config has no '
                'proposal_file. Remedy: give it one'
            )
        corners = keys.pop('proposal_corners', None)
        # All images are looked at.
        for key in ('filter_cfg', 'indices'):
            keys.pop(key, None)
        path = Path(keys.get('data_root') or '', file)
        dataset = DATASETS.build(keys)
        yield ImageSource(dataset, str(path), str(dataset.ann_file), corners)


def objects_of(data_info: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Objects that count: neither difficult nor crowded.

    Args:
        data_info: Of an image.

    Returns:
        Boxes, xyxy edges, (G, 4), and labels, (G,).
    """
    counting = [
        x for x in data_info['instances'] if not x.get('ignore_flag', 0)
    ]
    boxes = np.array([x['bbox'] for x in counting], np.float32)
    labels = np.array([x['bbox_label'] for x in counting], np.int64)
    return boxes.reshape(-1, 4), labels


def _names_in(folder: Path, image_ids: Sequence[str]) -> tuple[str, ...]:
    """All classes of annotations; what is malformed is told later."""
    names: set[str] = set()
    for image_id in image_ids:
        with suppress(ValueError, OSError):
            data = (folder / f'{image_id}.xml').read_bytes()
            names.update(x.name for x in parse_annotation(data).objects)
    return tuple(sorted(names))
