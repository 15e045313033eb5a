"""PASCAL VOC, or a dataset in its format, with precomputed proposals."""

from typing import Any

from mmdet_ohem.proposals.checked_data import CheckedDataMixin
from mmdet_ohem.proposals.voc_images import AnnotatedImages
from mmdet_ohem.registry import DATASETS


@DATASETS.register_module()
class VOCProposalDataset(CheckedDataMixin, AnnotatedImages):
    """``VOCDataset`` that checks annotations and proposals at loading.

    Boxes are edges, counted from 0: VOC's ``xmin``, ``ymin``, ``xmax``,
    ``ymax``, pixels counted from 1 that all belong to the object, are
    ``xmin - 1``, ``ymin - 1``, ``xmax``, ``ymax`` here. So an object one
    pixel wide has a width of 1. The meta information says ``corners='edges'``,
    by which :class:`mmdet_ohem.DevkitVOCMetric` knows how to count pixels.
    mmdet's own ``VOCMetric`` takes them for inclusive corners, and finds
    objects and detections one pixel too wide.

    For your own data, give ``metainfo=dict(classes=(...))``. Images may have
    any suffix that OpenCV reads. In test mode every object counts, however
    odd its box is.

    Args:
        train_on_difficult: Objects marked difficult are trained on, as in
            Fast R-CNN of 2015. By default they are not, and RoIs on them are
            background, as in the code that the authors released. Evaluation
            leaves them out in either case.
        allow_no_annotation: An image without an XML file has no objects:
            all of it is background. By default it is an error. In training
            ``filter_cfg=dict(filter_empty_gt=False)`` keeps such images.
        img_suffix: What follows an image's name in its file name, such as
            ``'.png'``. None: what is there; two files of one name are an
            error.
        **kwargs: As for mmdet's ``VOCDataset``, and ``proposal_corners`` as
            for :class:`CheckedDataMixin`.

    Raises:
        FileNotFoundError: Annotations, images or proposals are missing.
        ValueError: An annotation is malformed, an image cannot be read, no
            object has a class of this dataset, or the proposals do not fit
            the images.
    """

    def __init__(
        self,
        train_on_difficult: bool = False,
        allow_no_annotation: bool = False,
        img_suffix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            train_on_difficult=train_on_difficult,
            allow_no_annotation=allow_no_annotation,
            img_suffix=img_suffix,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """Load annotations and check them.

        Returns:
            One dict an image, as mmdet has them.

        Raises:
            FileNotFoundError, ValueError: See the class.
        """
        data_list = super().load_data_list()
        if not any(data_info['instances'] for data_info in data_list):
            raise ValueError(
                f'{self.ann_file}: no image has an object of the classes '
                f'{tuple(self.metainfo["classes"])}. Remedy: write the names '
                'in metainfo.classes as the annotations have them'
            )
        return data_list
