"""A config's test pipeline, for images that are no data set's."""

import copy
from collections.abc import Sequence

from mmdet_ohem.host.pipelines import transform_name


def inference_pipeline(pipeline: Sequence[dict]) -> list[dict]:
    """Take the image as an array, and no annotations.

    Args:
        pipeline: Config of a test pipeline, of one view or several.

    Returns:
        A pipeline that starts from ``img`` in place of ``img_path``.
    """
    changed = []
    for transform in copy.deepcopy(list(pipeline)):
        name = transform_name(transform)
        if name == 'LoadAnnotations':
            continue
        if name == 'LoadImageFromFile':
            transform['type'] = 'mmdet.LoadImageFromNDArray'
        if name == 'TestTimeAug':
            views = [inference_pipeline(x) for x in transform['transforms']]
            # A step with no choice would make no view at all.
            transform['transforms'] = [x for x in views if x]
        changed.append(transform)
    return changed


def loads_proposals(pipeline: Sequence[dict]) -> bool:
    """Whether a pipeline's detector gets its boxes from outside."""
    return 'LoadProposals' in map(transform_name, pipeline)
