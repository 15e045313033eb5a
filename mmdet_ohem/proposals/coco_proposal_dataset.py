"""COCO, or a dataset in its format, with precomputed proposals."""

from typing import ClassVar

from mmdet.datasets import CocoDataset

from mmdet_ohem.proposals.checked_data import CheckedDataMixin
from mmdet_ohem.registry import DATASETS


@DATASETS.register_module()
class CocoProposalDataset(CheckedDataMixin, CocoDataset):
    """``CocoDataset`` that checks images and proposals at loading.

    COCO's objects are edges. mmdet's own dataset takes a proposal file as it
    is; this one knows the corners of each (see
    :mod:`mmdet_ohem.proposals.proposal_file`), and names images that have no
    entry.

    Args:
        **kwargs: As for mmdet's ``CocoDataset``, and ``proposal_corners`` as
            for :class:`CheckedDataMixin`.

    Raises:
        FileNotFoundError: Images or proposals are missing.
        ValueError: The proposals do not fit the images.
    """

    METAINFO: ClassVar[dict] = {**CocoDataset.METAINFO, 'corners': 'edges'}
