"""Annotations in VOC's format, as mmdet reads them.

Relies on ``XMLDataset._parse_instance_info`` of mmdet 3.3.0, the one method
through which ``VOCDataset`` reads the objects of an image.
"""

from xml.etree.ElementTree import ElementTree

from mmdet.datasets import VOCDataset


class ParsedVOCDataset(VOCDataset):
    """``VOCDataset`` whose subclasses see the annotation of each image."""

    def parse_instances(
        self, annotation: ElementTree, instances: list[dict]
    ) -> list[dict]:
        """The objects of one image; a subclass may change them.

        Args:
            annotation: The XML of the image.
            instances: What mmdet makes of it: ``bbox`` (xyxy, 0-based pixels,
                corners inclusive), ``bbox_label`` and ``ignore_flag``.

        Returns:
            The objects that the dataset has.
        """
        return instances

    def _parse_instance_info(
        self, raw_ann_info: ElementTree, minus_one: bool = True
    ) -> list[dict]:
        instances = super()._parse_instance_info(raw_ann_info, minus_one)
        return self.parse_instances(raw_ann_info, instances)
