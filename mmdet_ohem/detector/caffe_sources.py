"""Where the weights come from that no hub has: from Caffe's files."""

import shlex
from pathlib import PurePath

# By the names that the configs give the converted files.
_SOURCES = {
    'vgg_cnn_m_1024.pth': ('VGG_CNN_M_1024.v2.caffemodel', 'vgg_m'),
    'vgg16_caffe.pth': ('VGG16.v2.caffemodel', 'vgg16'),
}


def how_to_convert(checkpoint: str) -> str:
    """Say how a file of weights is made that the configs expect.

    Args:
        checkpoint: The file; its name decides.

    Returns:
        The command and where its input comes from; empty for other files.
    """
    source = _SOURCES.get(PurePath(checkpoint).name)
    if source is None:
        return ''
    caffe, net = source
    return (
        f'mmdet-ohem weights {caffe} --net {net} --out '
        f'{shlex.quote(checkpoint)} makes it; {caffe} is in '
        'imagenet_models.tgz, which data/scripts/fetch_imagenet_models.sh of '
        "Fast R-CNN's own repository (rbgirshick/fast-rcnn) fetches"
    )
