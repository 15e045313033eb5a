"""Pictures of hard RoIs and hard images."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from mmdet_ohem.hard.records import Box, HardImage, HardRoI
from mmdet_ohem.report.sheets import Sheet, embed

_ROI = (255, 110, 30)
_REFINED = (255, 255, 255)
_OBJECT = (255, 235, 60)
# Around a RoI, in lengths of its side; and at least so many pixels.
_AROUND, _LEAST = 1.0, 120
_CROP, _WHOLE = 260, 640
_NUM_DRAWN = 8


def crop_of(roi: HardRoI, objects: Sequence[Box]) -> Sheet:
    """A RoI and what is around it.

    Args:
        roi: Drawn orange; the box that the network makes of it, white.
        objects: Labelled ones of its image, drawn dashed yellow.

    Returns:
        The picture.
    """
    image = _open(roi.image)
    x1, y1, x2, y2 = roi.box
    side = max(
        (1 + _AROUND) * max(x2 - x1, y2 - y1),
        min(_LEAST, *image.size),
    )
    left = _inside((x1 + x2 - side) / 2, side, image.width)
    top = _inside((y1 + y2 - side) / 2, side, image.height)
    window = (
        left,
        top,
        min(left + side, image.width),
        min(top + side, image.height),
    )
    picture = image.crop(window)
    scale = _CROP / max(picture.size)
    picture = picture.resize(
        (
            max(1, round(picture.width * scale)),
            max(1, round(picture.height * scale)),
        )
    )

    def moved(box: Box) -> Box:
        return (
            (box[0] - window[0]) * scale,
            (box[1] - window[1]) * scale,
            (box[2] - window[0]) * scale,
            (box[3] - window[1]) * scale,
        )

    draw = ImageDraw.Draw(picture)
    for box in objects:
        _dashed(draw, moved(box))
    _rectangle(draw, moved(roi.refined), _REFINED, 1)
    _rectangle(draw, moved(roi.box), _ROI, 2)
    return embed(picture, Path(roi.image).name)


def picture_of(image: HardImage, rois: Sequence[HardRoI]) -> Sheet:
    """An image with its hardest RoIs and its objects.

    Args:
        image: Objects are drawn dashed yellow.
        rois: Of this image, the hardest first; the first are drawn.

    Returns:
        The picture.
    """
    picture = _open(image.image)
    scale = _WHOLE / max(picture.size)
    size = (
        max(1, round(picture.width * scale)),
        max(1, round(picture.height * scale)),
    )
    picture = picture.resize(size)
    draw = ImageDraw.Draw(picture)
    for box, _ in image.objects:
        _dashed(draw, _times(box, scale))
    for roi in rois[:_NUM_DRAWN]:
        _rectangle(draw, _times(roi.box, scale), _ROI, 2)
    return embed(picture, Path(image.image).name)


def _open(path: str) -> Image.Image:
    with Image.open(path) as file:
        # As mmdet loads it.
        return ImageOps.exif_transpose(file).convert('RGB')


def _inside(start: float, side: float, size: float) -> float:
    return max(0.0, min(start, size - side))


def _times(box: Box, scale: float) -> Box:
    x1, y1, x2, y2 = box
    return x1 * scale, y1 * scale, x2 * scale, y2 * scale


def _rectangle(
    draw: ImageDraw.ImageDraw, box: Box, color: tuple, width: int
) -> None:
    x1, y1, x2, y2 = box
    if x2 > x1 and y2 > y1:
        draw.rectangle((x1, y1, x2, y2), outline=color, width=width)


def _dashed(draw: ImageDraw.ImageDraw, box: Box, dash: int = 6) -> None:
    x1, y1, x2, y2 = box
    for start, end, across in (
        ((x1, y1), (x2, y1), True),
        ((x1, y2), (x2, y2), True),
        ((x1, y1), (x1, y2), False),
        ((x2, y1), (x2, y2), False),
    ):
        length = end[0] - start[0] if across else end[1] - start[1]
        for step in range(0, max(0, int(length)), 2 * dash):
            stop = min(step + dash, length)
            points = (
                (start[0] + step, start[1], start[0] + stop, start[1])
                if across
                else (start[0], start[1] + step, start[0], start[1] + stop)
            )
            draw.line(points, fill=_OBJECT, width=2)
