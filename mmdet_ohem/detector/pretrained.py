"""Strict loading of pretrained weights.

mmengine loads them with ``strict=False``: a file of another network leaves
the model at random values and says so only in the log.
"""

import logging
from collections.abc import Mapping

import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmdet_ohem.counts import Count
from mmdet_ohem.detector.caffe_sources import how_to_convert
from mmdet_ohem.host.torchvision_weights import WeightsNotHereError


def load_pretrained(
    module: nn.Module, checkpoint: str, names: Mapping[str, str]
) -> None:
    """Copy parameters from a checkpoint file into a module, all or none.

    Args:
        module: Whose parameters are set.
        checkpoint: A file, or what mmengine can load, such as
            ``torchvision://vgg16``.
        names: Parameter of ``module`` -> its name in the checkpoint.

    Raises:
        FileNotFoundError: The checkpoint cannot be read or fetched.
        ValueError: The checkpoint lacks a parameter, or has it in another
            shape; the message names each.
    """
    try:
        loaded = CheckpointLoader.load_checkpoint(checkpoint, 'cpu')
    except WeightsNotHereError:
        raise  # it says where to put the file
    except OSError as error:  # no such file, or no network
        made = how_to_convert(checkpoint)
        bring = f'{made}. Or put' if made else 'put'
        raise FileNotFoundError(
            f'{checkpoint}, the weights of {type(module).__name__}, cannot '
            f'be loaded ({error}). Remedy: {bring} the file on this machine '
            'and give its path as init_cfg.checkpoint, or init_cfg=None to '
            'train from scratch'
        ) from error
    state_dict: Mapping[str, Tensor] = loaded.get('state_dict', loaded)
    own = dict(module.named_parameters())
    problems = []
    for name, source in names.items():
        expected = tuple(own[name].shape)
        if source not in state_dict:
            problems.append(f'{source} is missing, {expected} expected')
        elif tuple(state_dict[source].shape) != expected:
            found = tuple(state_dict[source].shape)
            problems.append(f'{source} has shape {found}, not {expected}')
    if problems:
        raise ValueError(
            f'{checkpoint} does not fit {type(module).__name__}: '
            f'{"; ".join(problems)}. It holds {Count(len(state_dict)):entry}, '
            f'such as {list(state_dict)[:3]}. Give a checkpoint of the right '
            'network, or init_cfg=None to train from scratch'
        )
    with torch.no_grad():
        for name, source in names.items():
            own[name].copy_(state_dict[source])
    print_log(
        f'{type(module).__name__}: loaded {Count(len(names)):parameter} from '
        f'{checkpoint}',
        logger='current',
        level=logging.INFO,
    )


def pretrained_checkpoint(init_cfg: object) -> str | None:
    """Checkpoint of ``init_cfg=dict(type='Pretrained', checkpoint=...)``.

    Returns:
        None where ``init_cfg`` is None.

    Raises:
        ValueError: ``init_cfg`` asks for something else.
    """
    if init_cfg is None:
        return None
    if isinstance(init_cfg, Mapping) and init_cfg.get('type') == 'Pretrained':
        return init_cfg['checkpoint']
    raise ValueError(
        "init_cfg must be None or dict(type='Pretrained', checkpoint=...), "
        f'got {init_cfg}'
    )
