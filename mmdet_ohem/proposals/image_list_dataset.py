"""Images to be detected in, of which no annotation exists."""

from typing import Any

from mmdet_ohem.proposals.checked_data import CheckedDataMixin
from mmdet_ohem.proposals.voc_images import ListedImages
from mmdet_ohem.registry import DATASETS


@DATASETS.register_module()
class ImageListDataset(CheckedDataMixin, ListedImages):
    """A list of images without annotations, such as VOC12 test.

    Takes the place of :class:`VOCProposalDataset` where only the server knows
    the objects: the same folders, proposals and checks, and the same test
    pipeline, whose ``LoadAnnotations`` finds no object. Use it with
    :class:`mmdet_ohem.evaluation.VOCServerMetric`.

    Args:
        img_subdir: Folder of the images below
            ``data_prefix['sub_data_root']``.
        img_suffix: What follows the name in the file name, such as
            ``'.png'``. None: what is there; two files of one name are an
            error.
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
        img_suffix: str | None = None,
        test_mode: bool = True,
        **kwargs: Any,
    ) -> None:
        if not test_mode:
            raise ValueError(
                'ImageListDataset has no annotations to train on, found '
                'test_mode=False. Remedy: train on '
                'mmdet_ohem.VOCProposalDataset'
            )
        super().__init__(
            img_subdir=img_subdir,
            img_suffix=img_suffix,
            test_mode=test_mode,
            **kwargs,
        )
