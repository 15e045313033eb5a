"""Pictures of the images that proposals cover best and worst."""

from collections.abc import Iterator
from pathlib import Path

from mmdet_ohem.coverage.check import CheckResult
from mmdet_ohem.coverage.coverage import ImageCoverage
from mmdet_ohem.coverage.drawing import (
    draw_boxes,
    draw_covered,
    write_picture,
)
from mmdet_ohem.coverage.image_source import objects_of
from mmdet_ohem.proposals.image_headers import read_image

# Of an image without objects: more would hide it.
_NUM_BOXES = 40


def draw_images(
    result: CheckResult, out_dir: Path, num: int
) -> Iterator[tuple[Path, ImageCoverage]]:
    """Draw the images that are covered worst and best.

    Where no image has an object, the first images are drawn with some of
    their proposals.

    Args:
        result: Of a dataset.
        out_dir: Gets ``worst_1_<image>.png`` and so on.
        num: How many of each kind.

    Yields:
        Each picture and how its image is covered.

    Raises:
        OSError: A picture cannot be written.
    """
    if result.coverage is None or result.proposals is None:
        return
    worst, best = result.coverage.worst_and_best(num)
    chosen = [(f'worst_{i}', x) for i, x in enumerate(worst, 1)]
    chosen += [(f'best_{i}', x) for i, x in enumerate(best, 1)]
    if not chosen:
        first = result.coverage.images[:num]
        chosen = [(f'boxes_{i}', x) for i, x in enumerate(first, 1)]
    for prefix, coverage in chosen:
        data_info = result.images[coverage.name]
        pixels = read_image(data_info['img_path'])
        boxes = result.proposals.of(data_info)['bboxes']
        objects, _ = objects_of(data_info)
        if len(objects):
            picture = draw_covered(pixels, objects, boxes, coverage)
        else:
            picture = draw_boxes(pixels, boxes, _NUM_BOXES)
        # A name may have folders in it.
        name = coverage.name.replace('/', '_').replace('\\', '_')
        path = out_dir / f'{prefix}_{name}.png'
        write_picture(path, picture)
        yield path, coverage
