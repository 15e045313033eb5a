"""Data sets that say at loading what is wrong with their data."""

import os.path as osp

import numpy as np
from mmengine.utils import is_abs

from mmdet_ohem.proposals.box_checks import Findings, check_boxes
from mmdet_ohem.proposals.proposal_file import load_proposals, proposal_key


class CheckedDataMixin:
    """Checks for a ``BaseDetDataset``; put it before that in the bases.

    Ground-truth and proposal boxes without area turn the loss into NaN: they
    are left out, with one warning that counts and names them. Images and
    proposals that are missing are errors before training starts.
    """

    # What the host class provides.
    ann_file: str
    data_root: str
    data_list: list[dict]
    proposal_file: str | None

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
        findings = Findings(self.ann_file)
        for data_info in data_list:
            self._drop_unusable_instances(data_info, findings)
        findings.warn(
            'without area',
            'left out {count} ground-truth boxes without area in {images} '
            'images: {names}. Remedy: correct or delete these annotations',
        )
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
        proposals = load_proposals(self.proposal_file)
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

    def _drop_unusable_instances(
        self, data_info: dict, findings: Findings
    ) -> None:
        instances = data_info['instances']
        boxes = np.array([x['bbox'] for x in instances]).reshape(-1, 4)
        _, found = check_boxes(boxes, data_info['width'], data_info['height'])
        bad = found['not finite'] | found['without area']
        findings.add('without area', str(data_info['img_id']), int(bad.sum()))
        data_info['instances'] = [
            x for x, is_bad in zip(instances, bad, strict=True) if not is_bad
        ]

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
