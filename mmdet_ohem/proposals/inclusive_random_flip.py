"""Mirror images whose boxes have inclusive corners."""

from mmdet.datasets.transforms import RandomFlip
from mmdet.structures.bbox import autocast_box_type

from mmdet_ohem.registry import TRANSFORMS


@TRANSFORMS.register_module()
class InclusiveRandomFlip(RandomFlip):
    """``RandomFlip`` for boxes whose corners are pixels: x' = W - 1 - x.

    mmdet mirrors edges, x' = W - x, which moves VOC's boxes one pixel against
    the image. Put it before ``Resize``: the pixel is one of the original
    image. Takes the arguments of mmdet's ``RandomFlip``.
    """

    @autocast_box_type()
    def _flip(self, results: dict) -> None:
        super()._flip(results)
        direction = results['flip_direction']
        boxes = results.get('gt_bboxes')
        if boxes is not None:
            shift_x = -1 if direction in ('horizontal', 'diagonal') else 0
            shift_y = -1 if direction in ('vertical', 'diagonal') else 0
            boxes.translate_((shift_x, shift_y))
