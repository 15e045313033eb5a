"""Images in VOC's folders, with and without annotations, as they are."""

import os.path as osp
from collections import Counter
from typing import Any, ClassVar

from mmdet.datasets import BaseDetDataset, VOCDataset
from mmengine.fileio import get

from mmdet_ohem.proposals.box_checks import Findings, first_few
from mmdet_ohem.proposals.image_files import find_images
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.voc_annotation import (
    AnnotationError,
    VOCAnnotation,
    parse_annotation,
)


def listed_images(
    ann_file: str, folder: str, suffix: str | None, repeats: bool
) -> list[dict[str, Any]]:
    """The images of a list.

    Args:
        ann_file: The list.
        folder: Where the images are.
        suffix: See :func:`find_images`.
        repeats: Whether an image may be listed more than once.

    Returns:
        One dict an image: ``img_id``, ``img_path``, ``width`` and ``height``,
        0 as they are not known yet, and no ``instances``.

    Raises:
        FileNotFoundError, ValueError: As for :func:`read_image_list` and
            :func:`find_images`.
    """
    names = read_image_list(ann_file, repeats)
    if '://' in folder:
        # Nothing can be looked for there.
        paths = {x: f'{folder}/{x}{suffix or ".jpg"}' for x in names}
    else:
        found = find_images(names, folder, suffix)
        # As the config has it, absolute or not.
        paths = {
            name: osp.join(folder, osp.dirname(name), path.name)
            for name, path in found.items()
        }
    return [
        dict(
            img_id=name, img_path=paths[name], width=0, height=0, instances=[]
        )
        for name in names
    ]


class ListedImages(BaseDetDataset):
    """Images by the names in ``ann_file``, in VOC's folders.

    Args:
        img_subdir: Folder of the images below
            ``data_prefix['sub_data_root']``.
        img_suffix: What follows the name in the file name; None: what is
            there.
        **kwargs: As for mmdet's ``BaseDetDataset``.
    """

    METAINFO: ClassVar[dict] = {**VOCDataset.METAINFO, 'corners': 'edges'}

    def __init__(
        self,
        img_subdir: str = 'JPEGImages',
        img_suffix: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.img_subdir = img_subdir
        self.img_suffix = img_suffix
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """One dict an image, without objects; sizes are not known yet."""
        root = self.data_prefix.get('sub_data_root', '')
        folder = osp.join(root, self.img_subdir)
        return listed_images(self.ann_file, folder, self.img_suffix, False)


class AnnotatedImages(VOCDataset):
    """Images with VOC's annotations, read by our own parser.

    Args:
        train_on_difficult: Objects marked difficult are trained on.
        allow_no_annotation: An image without an XML file has no objects.
        img_suffix: As for :class:`ListedImages`.
        **kwargs: As for mmdet's ``VOCDataset``.
    """

    METAINFO: ClassVar[dict] = {**VOCDataset.METAINFO, 'corners': 'edges'}

    def __init__(
        self,
        train_on_difficult: bool = False,
        allow_no_annotation: bool = False,
        img_suffix: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.train_on_difficult = train_on_difficult
        self.allow_no_annotation = allow_no_annotation
        self.img_suffix = img_suffix
        #: How many there were of what is left out.
        self.left_out: Counter[str] = Counter()
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Load the annotations of all listed images.

        Returns:
            One dict an image: ``img_id``, ``img_path``, ``xml_path``,
            ``width`` and ``height`` as the annotation says, 0 where it does
            not, and ``instances`` of the classes of this dataset.

        Raises:
            FileNotFoundError: Annotations are missing.
            ValueError: The list or an annotation is malformed.
        """
        folder = osp.join(self.sub_data_root, self.img_subdir)
        data_list = listed_images(
            self.ann_file, folder, self.img_suffix, repeats=True
        )
        for data_info in data_list:
            data_info['xml_path'] = osp.join(
                self.sub_data_root,
                self.ann_subdir,
                f'{data_info["img_id"]}.xml',
            )
        if not self.allow_no_annotation:
            self._check_annotations_there(data_list)
        findings = Findings(self.ann_file)
        malformed = []
        for data_info in data_list:
            try:
                self._add_annotation(data_info, findings)
            except AnnotationError as error:
                malformed.append(f'{data_info["xml_path"]}: {error}')
        if malformed:
            raise AnnotationError(
                f'{len(malformed)} of {len(data_list)} annotations of '
                f'{self.ann_file} are malformed: '
                f'{first_few(malformed, between="; ")}'
            )
        self._note_repeats(data_list, findings)
        self._warn(findings)
        return data_list

    def _check_annotations_there(self, data_list: list[dict]) -> None:
        missing = [x for x in data_list if not _is_there(x['xml_path'])]
        if missing:
            raise FileNotFoundError(
                f'{missing[0]["xml_path"]} is missing: the annotation of '
                f'image {missing[0]["img_id"]!r}, the first of '
                f'{len(missing)} without one of {len(data_list)} listed in '
                f'{self.ann_file}. Remedy: correct data_root or data_prefix, '
                'delete them from the list, or say that images without '
                'annotation have no objects: allow_no_annotation=True in the '
                'dataset'
            )

    def _add_annotation(self, data_info: dict, findings: Findings) -> None:
        """Put size and objects of an image in; note what is odd."""
        name = str(data_info['img_id'])
        if self.allow_no_annotation and not _is_there(data_info['xml_path']):
            findings.add('no annotation', name)
            return
        found = parse_annotation(
            get(data_info['xml_path'], backend_args=self.backend_args)
        )
        findings.add('difficult', name, found.num_unclear)
        data_info.update(width=found.width, height=found.height)
        data_info['instances'] = self._instances(found, name, findings)

    def _instances(
        self, found: VOCAnnotation, name: str, findings: Findings
    ) -> list[dict]:
        """What mmdet has of an object, for those of known classes."""
        labels = {x: i for i, x in enumerate(self.metainfo['classes'])}
        least = 0 if self.test_mode else self.bbox_min_size or 0
        with_difficult = self.train_on_difficult and not self.test_mode
        instances = []
        for thing in found.objects:
            if thing.name not in labels:
                findings.add('class', f'{thing.name!r} in {name}')
                continue
            x1, y1, x2, y2 = thing.box
            # mmdet counts last minus first pixel.
            is_small = min(x2 - x1, y2 - y1) - 1 < least if least else False
            is_difficult = thing.difficult and not with_difficult
            instances.append(
                dict(
                    bbox=list(thing.box),
                    bbox_label=labels[thing.name],
                    ignore_flag=int(is_difficult or is_small),
                )
            )
        return instances

    def _note_repeats(self, data_list: list[dict], findings: Findings) -> None:
        counts = Counter(x['img_id'] for x in data_list)
        for name, count in counts.items():
            findings.add('repeated', str(name), count - 1)
        if self.test_mode:
            findings.warn(
                'repeated',
                '{images:image} {images:is|are} listed more than once: '
                '{names}. Their objects and detections count as often. '
                'Remedy: delete the repeated lines',
            )

    def _warn(self, findings: Findings) -> None:
        findings.warn(
            'class',
            'left out {count:object} of classes that are not among '
            f'{tuple(self.metainfo["classes"])}: {{names}}. Remedy: correct '
            'metainfo.classes of the dataset, or ignore this if they are '
            'left out on purpose',
        )
        findings.warn(
            'difficult',
            '{count:object} in {images:image} {count:says|say} neither 0 nor '
            '1 in difficult: {names}. Taken for 0, not difficult',
        )
        for what, kind in (
            ('object of other classes', 'class'),
            ('image without annotation', 'no annotation'),
            ('image listed again', 'repeated'),
        ):
            self.left_out[what] = findings.count(kind)


def _is_there(path: str) -> bool:
    return '://' in path or osp.exists(path)
