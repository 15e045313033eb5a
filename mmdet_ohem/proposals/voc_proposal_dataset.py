"""PASCAL VOC, or a dataset in its format, with precomputed proposals."""

import os.path as osp
from typing import Any, ClassVar
from xml.etree.ElementTree import ElementTree

from mmdet_ohem.host.datasets import ParsedVOCDataset
from mmdet_ohem.proposals.box_checks import Findings
from mmdet_ohem.proposals.checked_data import CheckedDataMixin
from mmdet_ohem.registry import DATASETS


@DATASETS.register_module()
class VOCProposalDataset(CheckedDataMixin, ParsedVOCDataset):
    """``VOCDataset`` that checks annotations and proposals at loading.

    Boxes are edges, counted from 0: VOC's ``xmin``, ``ymin``, ``xmax``,
    ``ymax``, pixels counted from 1 that all belong to the object, are
    ``xmin - 1``, ``ymin - 1``, ``xmax``, ``ymax`` here. So an object one
    pixel wide has a width of 1. The meta information says ``corners='edges'``,
    by which :class:`mmdet_ohem.DevkitVOCMetric` knows how to count pixels.
    mmdet's own ``VOCMetric`` takes them for inclusive corners, and finds
    objects and detections one pixel too wide.

    For your own data, give ``metainfo=dict(classes=(...))``. In test mode
    every object counts, however odd its box is.

    Args:
        train_on_difficult: Objects marked difficult are trained on, as in
            Fast R-CNN of 2015. By default they are not, and RoIs on them are
            background, as in the code that the authors released. Evaluation
            leaves them out in either case.
        **kwargs: As for mmdet's ``VOCDataset``, and ``proposal_corners`` as
            for :class:`CheckedDataMixin`.

    Raises:
        FileNotFoundError: Annotations, images or proposals are missing.
        ValueError: No object has a class of this dataset, or the proposals
            do not fit the images.
    """

    METAINFO: ClassVar[dict] = {
        **ParsedVOCDataset.METAINFO,
        'corners': 'edges',
    }

    def __init__(
        self, train_on_difficult: bool = False, **kwargs: Any
    ) -> None:
        self.train_on_difficult = train_on_difficult
        self._unknown_names = Findings('')
        self._image_in_hand = ''
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Load annotations and check them.

        Returns:
            One dict an image, as mmdet has them.

        Raises:
            FileNotFoundError, ValueError: See the class.
        """
        self._unknown_names = Findings(self.ann_file)
        data_list = super().load_data_list()
        classes = self.metainfo['classes']
        self._unknown_names.warn(
            'class',
            f'left out {{count}} objects of classes that are not among '
            f'{tuple(classes)}: {{names}}. Remedy: correct metainfo.classes '
            'of the dataset, or ignore this if they are left out on purpose',
        )
        if not any(data_info['instances'] for data_info in data_list):
            raise ValueError(
                f'{self.ann_file}: no image has an object of the classes '
                f'{tuple(classes)}. Remedy: write the names in '
                'metainfo.classes as the annotations have them'
            )
        return data_list

    def parse_data_info(self, img_info: dict) -> dict:
        """Read the annotation of one image.

        Args:
            img_info: ``img_id``, ``file_name`` and ``xml_path``.

        Returns:
            ``img_path``, ``height``, ``width``, ``instances`` and more.

        Raises:
            FileNotFoundError: It has none.
        """
        if not osp.exists(img_info['xml_path']):
            raise FileNotFoundError(
                f'{img_info["xml_path"]} is missing: the annotation of image '
                f'{img_info["img_id"]!r}, listed in {self.ann_file}. Remedy: '
                'correct data_root or data_prefix, or delete it from the list'
            )
        self._image_in_hand = img_info['img_id']
        return super().parse_data_info(img_info)

    def parse_instances(
        self, annotation: ElementTree, instances: list[dict]
    ) -> list[dict]:
        """Objects of one image, edges; names that are no class are noted."""
        classes = self.metainfo['classes']
        for name in annotation.findall('object/name'):
            if name.text not in classes:
                self._unknown_names.add(
                    'class', f'{name.text!r} in {self._image_in_hand}'
                )
        for instance in instances:
            # mmdet has subtracted 1 from all four: the last pixel, from 0.
            x1, y1, x2, y2 = instance['bbox']
            instance['bbox'] = [x1, y1, x2 + 1, y2 + 1]
        if self.train_on_difficult and not self.test_mode:
            for instance in instances:
                instance['ignore_flag'] = 0
        return instances
