"""A config's test pipeline, for images that are no data set's."""

from collections.abc import Sequence

from mmdet_ohem.host.pipelines import edited, transform_name


def inference_pipeline(pipeline: Sequence[dict]) -> list[dict]:
    """Take the image as an array, and no annotations.

    Args:
        pipeline: Config of a test pipeline, of one view or several.

    Returns:
        A pipeline that starts from ``img`` in place of ``img_path``.
    """
    return edited(pipeline, _for_an_array)


def _for_an_array(transform: dict) -> dict | None:
    name = transform_name(transform)
    if name == 'LoadAnnotations':
        return None
    if name == 'LoadImageFromFile':
        transform['type'] = 'mmdet.LoadImageFromNDArray'
    return transform


def loads_proposals(pipeline: Sequence[dict]) -> bool:
    """Whether a pipeline's detector gets its boxes from outside."""
    return 'LoadProposals' in map(transform_name, pipeline)
