"""Data sets that say at loading what is wrong with their data."""

import logging
import os.path as osp
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmengine.utils import is_abs

from mmdet_ohem.proposals.box_checks import Findings, check_boxes
from mmdet_ohem.proposals.box_corners import check_corners
from mmdet_ohem.proposals.proposal_file import (
    proposal_key,
    read_proposal_file,
)


class CheckedDataMixin:
    """Checks for a ``BaseDetDataset``; put it before that in the bases.

    Boxes are xyxy edges in pixels of the original image. In training,
    ground-truth boxes without area, and in every mode such proposals, turn
    the loss into NaN: they are left out, with one warning that counts and
    names them. In test mode ground truth is never left out, since it is what
    the detections are measured by. Images and proposals that are missing are
    errors before training starts.

    Args:
        proposal_corners: ``'edges'`` or ``'inclusive'`` (x2 and y2 are the
            last pixels of a box): what the proposal file holds, where it does
            not say so itself. None: files of this package are read rightly,
            those of other programs hold edges, as mmdet's do.
        **kwargs: As for the host class.

    Raises:
        ValueError: ``proposal_corners`` is something else.
    """

    # What the host class provides.
    ann_file: str
    data_root: str
    data_list: list[dict]
    proposal_file: str | None
    test_mode: bool

    def __init__(
        self, proposal_corners: str | None = None, **kwargs: Any
    ) -> None:
        check_corners(proposal_corners)
        self.proposal_corners = proposal_corners
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Load annotations and check them.

        Returns:
            One dict an image, as mmdet has them.

        Raises:
            FileNotFoundError: Listed images are missing.
            ValueError: The list of images is empty.
        """
        data_list = super().load_data_list()  # type: ignore[misc]
        if not data_list:
            raise ValueError(
                f'{self.ann_file} lists no image. Remedy: give ann_file a '
                'list with an image name a line'
            )
        self._check_images(data_list)
        if not self.test_mode:
            self._drop_unusable_instances(data_list)
        return data_list

    def load_proposals(self) -> None:
        """Join each image with its proposals, checked.

        Raises:
            FileNotFoundError, ValueError: The proposal file is missing or
                malformed, or has no entry for some image.
        """
        assert self.proposal_file is not None
        if not is_abs(self.proposal_file):
            self.proposal_file = osp.join(self.data_root, self.proposal_file)
        proposals, says_corners = read_proposal_file(
            self.proposal_file, self.proposal_corners
        )
        findings = Findings(self.proposal_file)
        missing = []
        # An image may be listed twice.
        unused = dict.fromkeys(proposals)
        for data_info in self.data_list:
            key = proposal_key(data_info['img_path'])
            unused.pop(key, None)
            entry = proposals.get(key)
            if entry is None:
                missing.append(data_info['img_path'])
                continue
            data_info['proposals'] = self._usable_proposals(
                entry, data_info, findings
            )
        self._check_counts(missing, list(unused))
        self._warn_of_proposals(findings)
        if not says_corners:
            self._warn_of_corners()

    def _check_images(self, data_list: list[dict]) -> None:
        missing = [
            data_info['img_path']
            for data_info in data_list
            if '://' not in data_info['img_path']
            and not osp.exists(data_info['img_path'])
        ]
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(data_list)} images of '
                f'{self.ann_file} are missing, the first is {missing[0]}. '
                'Remedy: correct data_root or data_prefix, or delete the '
                'image from the list'
            )

    def _drop_unusable_instances(self, data_list: list[dict]) -> None:
        """Leave out ground truth that cannot be trained on, and say so."""
        findings = Findings(self.ann_file)
        for data_info in data_list:
            instances = data_info['instances']
            boxes = np.array([x['bbox'] for x in instances]).reshape(-1, 4)
            _, found = check_boxes(
                boxes, data_info['width'], data_info['height']
            )
            bad = found['not finite'] | found['without area']
            findings.add(
                'without area', str(data_info['img_id']), int(bad.sum())
            )
            data_info['instances'] = [
                x
                for x, is_bad in zip(instances, bad, strict=True)
                if not is_bad
            ]
        findings.warn(
            'without area',
            'left out {count} ground-truth boxes without area in {images} '
            'images: {names}. Remedy: correct or delete these annotations',
        )

    def _usable_proposals(
        self, entry: dict[str, np.ndarray], data_info: dict, findings: Findings
    ) -> dict[str, np.ndarray]:
        boxes, found = check_boxes(
            entry['bboxes'], data_info['width'], data_info['height']
        )
        name = str(data_info['img_id'])
        for kind, mask in found.items():
            findings.add(kind, name, int(mask.sum()))
        usable = ~(found['not finite'] | found['without area'])
        findings.add('no box', name, int(not usable.any()))
        return {'bboxes': boxes[usable], 'scores': entry['scores'][usable]}

    def _check_counts(self, missing: list[str], unused: list[str]) -> None:
        remake = (
            'Remedy: give the proposal file of this very list of images, or '
            f'make it: tools/make_proposals.py {self.ann_file} --img-dir '
            f'{osp.dirname(self.data_list[0]["img_path"])} --out FILE.pkl'
        )
        if missing:
            raise ValueError(
                f'{self.proposal_file} has no proposals for {len(missing)} '
                f'of {len(self.data_list)} images of {self.ann_file}, the '
                f'first is {proposal_key(missing[0])!r}. {remake}'
            )
        findings = Findings(str(self.proposal_file))
        for key in unused:
            findings.add('unused', key)
        findings.warn(
            'unused',
            f'{{count}} entries are of images that {self.ann_file} does not '
            f'list: {{names}}; they are not used. {remake}',
        )

    def _warn_of_proposals(self, findings: Findings) -> None:
        if findings.count('no box') == len(self.data_list):
            raise ValueError(
                f'{self.proposal_file} has no usable box for any image of '
                f'{self.ann_file}. Remedy: make it again by '
                'tools/make_proposals.py; boxes are xyxy in pixels of the '
                'original image'
            )
        left_out = 'left out {count} boxes in {images} images that are '
        again = '. Remedy: make the file again by tools/make_proposals.py'
        findings.warn('not finite', left_out + 'not finite: {names}' + again)
        findings.warn(
            'without area',
            left_out + 'without area inside the image: {names}' + again,
        )
        findings.warn(
            'beyond the image',
            'clipped {count} boxes in {images} images that reach beyond the '
            'image: {names}. Remedy: if they are many, check that the boxes '
            'are xyxy in pixels of the original image',
        )
        findings.warn(
            'no box',
            '{images} images have no usable box: {names}. They are trained '
            'on with their ground truth alone and nothing is detected in '
            'them' + again,
        )

    def _warn_of_corners(self) -> None:
        """Warn when a file of another program looks like inclusive corners.

        Selective search finds a box that ends at the right of nearly every
        image: with edges it ends at the width, with inclusive corners one
        pixel before it.
        """
        ends = [
            (entry['proposals']['bboxes'][:, 2].max(), entry['width'])
            for entry in self.data_list
            if len(entry['proposals']['bboxes']) and entry['width'] > 0
        ]
        num_before = sum(end == width - 1 for end, width in ends)
        if any(end > width - 1 for end, width in ends) or (
            2 * num_before <= len(ends)
        ):
            return
        print_log(
            f'{self.proposal_file} does not say which corners it holds. They '
            f'are taken for edges, but in {num_before} of {len(ends)} images '
            'the last box ends one pixel before the right edge, as with '
            "inclusive corners. Remedy: proposal_corners='inclusive' in the "
            "dataset, or 'edges' if that is what they are",
            logger='current',
            level=logging.WARNING,
        )
