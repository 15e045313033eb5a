"""Images to be detected in, of which no annotation exists."""

import os.path as osp
from typing import Any, ClassVar

from mmdet.datasets import BaseDetDataset, VOCDataset
from mmengine.fileio import get_local_path
from PIL import Image

from mmdet_ohem.proposals.checked_data import CheckedDataMixin
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.registry import DATASETS

_EXIF_ORIENTATION = 0x0112


class _ListedImages(BaseDetDataset):
    """Images by the names in ``ann_file``, in VOC's folders."""

    METAINFO: ClassVar[dict] = {**VOCDataset.METAINFO, 'corners': 'edges'}

    def load_data_list(self) -> list[dict]:
        """One dict an image; sizes are not known yet."""
        folder = osp.join(
            self.data_prefix.get('sub_data_root', ''), self.img_subdir
        )
        return [
            dict(
                img_id=name,
                img_path=osp.join(folder, name + self.img_suffix),
                width=0,
                height=0,
                instances=[],
            )
            for name in read_image_list(self.ann_file)
        ]


@DATASETS.register_module()
class ImageListDataset(CheckedDataMixin, _ListedImages):
    """A list of images without annotations, such as VOC12 test.

    Takes the place of :class:`VOCProposalDataset` where only the server knows
    the objects: the same folders, proposals and checks, and the same test
    pipeline, whose ``LoadAnnotations`` finds no object. Use it with
    :class:`mmdet_ohem.evaluation.VOCServerMetric`.

    Args:
        img_subdir: Folder of the images below
            ``data_prefix['sub_data_root']``.
        img_suffix: What follows the name in the file name.
        test_mode: Nothing but True; there is nothing to train on.
        **kwargs: As for mmdet's ``BaseDetDataset``: ``ann_file``, one name a
            line, ``data_root``, ``data_prefix``, ``proposal_file``,
            ``pipeline``; ``metainfo`` where the classes are not VOC's; and
            ``proposal_corners`` as for :class:`CheckedDataMixin`.

    Raises:
        FileNotFoundError: The list, an image or the proposals are missing.
        ValueError: The list is empty or names an image twice, the proposals
            do not fit the images, or ``test_mode`` is False.
    """

    def __init__(
        self,
        img_subdir: str = 'JPEGImages',
        img_suffix: str = '.jpg',
        test_mode: bool = True,
        **kwargs: Any,
    ) -> None:
        if not test_mode:
            raise ValueError(
                'ImageListDataset has no annotations to train on, found '
                'test_mode=False. Remedy: train on '
                'mmdet_ohem.VOCProposalDataset'
            )
        self.img_subdir = img_subdir
        self.img_suffix = img_suffix
        super().__init__(test_mode=test_mode, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images, check that they exist and read their sizes.

        Returns:
            One dict an image, ``instances`` empty.

        Raises:
            FileNotFoundError, ValueError: See the class.
        """
        data_list = super().load_data_list()
        for data_info in data_list:
            data_info.update(self._image_size(data_info['img_path']))
        return data_list

    def _image_size(self, img_path: str) -> dict[str, int]:
        """``width`` and ``height`` in pixels, as the pipeline loads it."""
        with (
            get_local_path(img_path, backend_args=self.backend_args) as path,
            # Reads the head of the file only.
            Image.open(path) as image,
        ):
            width, height = image.size
            turned = image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
        if turned:
            width, height = height, width
        return dict(width=width, height=height)
