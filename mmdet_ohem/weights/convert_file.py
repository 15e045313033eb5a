"""From a file to a file."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.datasets import CocoDataset, VOCDataset
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from mmdet_ohem.host.checkpoints import write_checkpoint
from mmdet_ohem.weights.caffemodel import read_caffemodel
from mmdet_ohem.weights.convert import Conversion, convert_layers

# What the images are turned into before they reach the first layer.
_CAFFE_INPUT = dict(
    channel_order='BGR',
    mean=[102.9801, 115.9465, 122.7717],
    std=[1.0, 1.0, 1.0],
)
_TORCHVISION_INPUT = dict(
    channel_order='RGB',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
)


def convert_file(
    source: str,
    out: Path,
    net: str,
    kind: str = 'backbone',
    fc_out_channels: tuple[int, int] | None = None,
) -> tuple[Conversion, dict[str, Any]]:
    """Convert a checkpoint and write the result, atomically.

    Args:
        source: A ``.caffemodel``; anything else is read as a checkpoint of
            torchvision's VGG16: a file, or ``torchvision://vgg16``.
        out: The file to write.
        net: As for :func:`convert_layers`, like the rest.
        kind: A torchvision checkpoint is no ``detector``.
        fc_out_channels: Width of fc6 and fc7, if not as published.

    Returns:
        What was converted, and the ``meta`` of the file: ``input`` says what
        the config's ``data_preprocessor`` must be.

    Raises:
        ImportError: A caffemodel is to be read and protobuf is missing.
        FileNotFoundError: ``source`` cannot be read.
        ValueError: It is of another kind, damaged, or does not fit.
    """
    meta: dict[str, Any] = dict(net=net, kind=kind, source=Path(source).name)
    if Path(source).suffix == '.caffemodel':
        layers = read_caffemodel(Path(source))
        meta['input'], names = _CAFFE_INPUT, 'caffe'
    elif (net, kind) == ('vgg16', 'backbone'):
        layers = _read_torchvision(source)
        meta['input'], names = _TORCHVISION_INPUT, 'torchvision'
    else:
        raise ValueError(
            f'{source} is read as a checkpoint of torchvision, which has no '
            f'{net} {kind}. Remedy: give a .caffemodel, or --net vgg16 '
            '--kind backbone'
        )
    try:
        result = convert_layers(layers, net, kind, fc_out_channels, names)
    except ValueError as error:
        raise ValueError(f'{source}: {error}') from error
    if kind == 'detector':
        meta.update(_dataset_meta(result.state_dict))
    write_checkpoint(out, dict(meta=meta, state_dict=result.state_dict))
    return result, meta


def _read_torchvision(source: str) -> dict[str, list[np.ndarray]]:
    """Layers of a checkpoint, weight before bias."""
    try:
        loaded = CheckpointLoader.load_checkpoint(source, 'cpu')
    except OSError as error:  # no such file, or no network
        raise FileNotFoundError(
            f'{source} cannot be read ({error}). Remedy: put the file on '
            'this machine and give its path'
        ) from error
    except ValueError as error:  # it names the file
        raise ValueError(
            f'{error}; a file of Caffe must be called .caffemodel'
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        # torch explains at length; the first sentence is about the file.
        reason = str(error).partition('\n')[0] or type(error).__name__
        raise ValueError(
            f'{source} is not a checkpoint of torch, or is cut off '
            f'({reason}). Remedy: fetch it again; a file of Caffe must be '
            'called .caffemodel'
        ) from error
    if not isinstance(loaded, Mapping):
        raise ValueError(f'{source} holds a {type(loaded).__name__}')
    state_dict: Mapping[str, Tensor] = loaded.get('state_dict', loaded)
    layers: dict[str, list[np.ndarray]] = {}
    for name in state_dict:
        prefix, _, part = name.rpartition('.')
        if part == 'weight' and f'{prefix}.bias' in state_dict:
            pair = (state_dict[name], state_dict[f'{prefix}.bias'])
            layers[prefix] = [x.detach().float().numpy() for x in pair]
    return layers


def _dataset_meta(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    """Names of the classes, for pictures: a caffemodel has only numbers.

    Fast R-CNN's own datasets are VOC and COCO, whose classes it has in the
    same order as mmdet.
    """
    num_classes = len(state_dict['roi_head.bbox_head.fc_cls.bias']) - 1
    for dataset in (VOCDataset, CocoDataset):
        classes = dataset.METAINFO['classes']
        if len(classes) == num_classes:
            return dict(dataset_meta=dict(classes=classes))
    return {}
