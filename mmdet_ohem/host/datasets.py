"""How the pipeline of a dataset reads image files.

Relies on ``Compose.transforms`` of mmengine 0.10.7, and on
``LoadImageFromFile`` of mmcv 2.1 keeping ``color_type`` and
``imdecode_backend`` under these names.
"""

from typing import Any

from mmcv.transforms import LoadImageFromFile

# These read pixels only.
_BACKENDS_WITHOUT_EXIF = ('turbojpeg', 'tifffile')


def turned_by_exif(dataset: Any) -> bool:
    """Whether images are turned as their EXIF orientation says.

    Args:
        dataset: One of mmengine's, whose pipeline has been built.

    Returns:
        True as well where the pipeline reads no image: that is the default.
    """
    for transform in dataset.pipeline.transforms:
        if isinstance(transform, LoadImageFromFile):
            kind = str(transform.color_type)
            return not (
                kind == 'unchanged'
                or kind.endswith('ignore_orientation')
                or transform.imdecode_backend in _BACKENDS_WITHOUT_EXIF
            )
    return True
