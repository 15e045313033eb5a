"""Data sets that say at loading what is wrong with their data."""

import logging
import os.path as osp
from collections import Counter
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.utils import is_abs

from mmdet_ohem.host.datasets import turned_by_exif
from mmdet_ohem.proposals.box_checks import Findings, check_boxes
from mmdet_ohem.proposals.box_corners import check_corners
from mmdet_ohem.proposals.class_names import check_class_names
from mmdet_ohem.proposals.dataset_summary import summary_lines
from mmdet_ohem.proposals.image_checks import look_at_images
from mmdet_ohem.proposals.join_proposals import join_proposals
from mmdet_ohem.proposals.joined_proposals import JoinedProposals


class CheckedDataMixin:
    """Checks for a ``BaseDetDataset``; put it before that in the bases.

    Boxes are xyxy edges in pixels of the original image, whose size is that
    of the image file, whatever the annotation says. In training, ground-truth
    boxes are clipped to the image, and those without area, and in every mode
    such proposals, are left out, since they turn the loss into NaN; warnings
    count and name them. In test mode ground truth is never changed, since it
    is what the detections are measured by. Images and proposals that are
    missing or cannot be read are errors before training starts. Three lines
    in the log sum the dataset up.

    Args:
        proposal_corners: ``'edges'`` or ``'inclusive'`` (x2 and y2 are the
            last pixels of a box): what the proposal file holds, where it does
            not say so itself. None: files of this package are read rightly,
            those of other programs hold edges, as mmdet's do.
        **kwargs: As for the host class.

    Raises:
        ValueError: ``proposal_corners`` or the classes are something else.
    """

    # What the host class provides.
    ann_file: str
    backend_args: dict | None
    data_root: str
    data_list: list[dict]
    left_out: Counter[str]
    metainfo: dict[str, Any]
    proposal_file: str | None
    test_mode: bool

    def __init__(
        self, proposal_corners: str | None = None, **kwargs: Any
    ) -> None:
        check_corners(proposal_corners)
        self.proposal_corners = proposal_corners
        self.left_out = Counter()
        self._proposals: JoinedProposals | None = None
        super().__init__(**kwargs)
        # Again, as with lazy_init nothing has been loaded.
        check_class_names(self.metainfo.get('classes'))

    def load_data_list(self) -> list[dict]:
        """Load annotations and check them.

        Returns:
            One dict an image, as mmdet has them.

        Raises:
            FileNotFoundError: Listed images are missing.
            ValueError: The list of images is empty, images cannot be read,
                or the classes are no names.
        """
        check_class_names(self.metainfo.get('classes'))
        self.left_out = Counter()
        data_list = super().load_data_list()  # type: ignore[misc]
        if not data_list:
            raise ValueError(
                f'{self.ann_file} lists no image. Remedy: give ann_file a '
                'list with an image name a line'
            )
        self.left_out['image of another size than annotated'] = look_at_images(
            data_list,
            self.ann_file,
            turned_by_exif(self),
            self.backend_args,
        )
        if not self.test_mode:
            self._make_instances_usable(data_list)
        return data_list

    def load_proposals(self) -> None:
        """Join each image with its proposals, checked.

        Raises:
            FileNotFoundError, ValueError: The proposal file is missing or
                malformed, has no entry for some image, or boxes that are not
                xyxy in pixels.
        """
        assert self.proposal_file is not None
        if not is_abs(self.proposal_file):
            self.proposal_file = osp.join(self.data_root, self.proposal_file)
        self._proposals = join_proposals(
            self.data_list,
            self.proposal_file,
            self.ann_file,
            self.proposal_corners,
        )
        self.left_out += self._proposals.left_out

    def get_data_info(self, idx: int) -> dict:
        """Read what is known of an image.

        Args:
            idx: Index of the image.

        Returns:
            As mmdet has it. ``proposals``, where there are any, are read from
            their file now: ``bboxes``, (n, 4) float32 xyxy edges inside the
            image, and ``scores``, (n,) float32.
        """
        data_info: dict = super().get_data_info(idx)  # type: ignore[misc]
        if self._proposals is not None:
            data_info['proposals'] = self._proposals.of(data_info)
        return data_info

    def get_cat_ids(self, idx: int) -> list[int]:
        """Labels of the objects in an image, without reading proposals.

        Args:
            idx: Index of the image.
        """
        data_info = super().get_data_info(idx)  # type: ignore[misc]
        return [x['bbox_label'] for x in data_info['instances']]

    def filter_data(self) -> list[dict]:
        """Filter the images as the host does, and sum the dataset up.

        Returns:
            The images that are left.

        Raises:
            ValueError: In training, no object is left to be learnt.
        """
        kept = super().filter_data()  # type: ignore[misc]
        self.left_out['image by filter_cfg'] = len(self.data_list) - len(kept)
        lines = summary_lines(
            self.data_list, self.metainfo['classes'], self.left_out
        )
        for line in lines:
            print_log(
                f'{self.ann_file}: {line}',
                logger='current',
                level=logging.INFO,
            )
        if not self.test_mode and not any(
            not x.get('ignore_flag', 0)
            for data_info in kept
            for x in data_info['instances']
        ):
            raise ValueError(
                f'{self.ann_file}: there is no object to train on, all '
                f'objects are difficult, crowded or left out: {lines[0]}. '
                'Remedy: train_on_difficult=True in a VOCProposalDataset, or '
                'correct the annotations'
            )
        return kept

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline; an error in it names the image.

        Args:
            idx: Index of the image.

        Returns:
            What the pipeline makes of it.

        Raises:
            RuntimeError: The pipeline fails, for one since the file was
                damaged after the dataset had been loaded.
        """
        try:
            return super().prepare_data(idx)  # type: ignore[misc]
        except Exception as error:
            # Not ours, which fails again where the proposals are damaged.
            info = super().get_data_info(idx)  # type: ignore[misc]
            raise RuntimeError(
                f'image {info["img_path"]}, {info["img_id"]!r} of '
                f'{self.ann_file}, cannot be prepared: '
                f'{type(error).__name__}: {error}'
            ) from error

    def _make_instances_usable(self, data_list: list[dict]) -> None:
        """Clip ground truth, leave out what cannot be trained on; say so."""
        findings = Findings(self.ann_file)
        for data_info in data_list:
            instances = data_info['instances']
            if not instances:
                continue
            clipped, found = check_boxes(
                np.array([x['bbox'] for x in instances]),
                data_info['width'],
                data_info['height'],
            )
            name = str(data_info['img_id'])
            bad = found['not finite'] | found['without area']
            beyond = found['beyond the image']
            findings.add('without area', name, int(bad.sum()))
            findings.add('beyond the image', name, int(beyond.sum()))
            for index in np.flatnonzero(beyond):
                instances[index]['bbox'] = clipped[index].tolist()
            if bad.any():
                data_info['instances'] = [
                    instances[index] for index in np.flatnonzero(~bad)
                ]
        findings.warn(
            'without area',
            'left out {count:ground-truth box} without area in '
            '{images:image}: {names}. Remedy: correct or delete these '
            'annotations',
        )
        findings.warn(
            'beyond the image',
            'clipped {count:ground-truth box} in {images:image} that '
            '{count:reaches|reach} beyond the image: {names}. Remedy: if '
            'they are many, check that the annotations belong to these '
            'images; in VOC the first pixel has the number 1',
        )
        for kind in ('without area', 'beyond the image'):
            self.left_out[f'object {kind}'] = findings.count(kind)
