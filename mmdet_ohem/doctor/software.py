"""Which software there is, and whether it works."""

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmdet_ohem.doctor.finding import Finding, error, ok, warning
from mmdet_ohem.installation import REMEDIES, import_needed, remedy
from mmdet_ohem.version import __version__

_OLDEST_PYTHON = (3, 10)
_CONTRIB = "pip install 'opencv-contrib-python-headless>=4.8'"


def check_software() -> Iterator[Finding]:
    """Look at Python and all packages.

    Yields:
        A line each; modules that do not load are errors with the remedy.
    """
    python = '.'.join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        yield error('python', f'{python}. Remedy: use 3.10 or later')
    else:
        yield ok('python', python)
    yield ok('mmdet_ohem', __version__)
    distributions = importlib.metadata.packages_distributions()
    loaded = set()
    for name in REMEDIES:
        try:
            import_needed(name)
        except ImportError as missing:
            yield error(name, str(missing))
            continue
        loaded.add(name)
        if '.' not in name:
            yield ok(name, describe(name, distributions))
    if 'mmcv.ops' in loaded:
        yield from check_ops()
    yield ok('numpy', describe('numpy', distributions))
    yield from check_opencv(distributions)


def describe(name: str, distributions: Mapping[str, Sequence[str]]) -> str:
    """Version of a module, and who made it where that is not plain.

    Args:
        name: Of the module.
        distributions: Names of distributions by module, as of
            ``importlib.metadata.packages_distributions``.

    Returns:
        Such as ``3.3.0`` or ``3.4.0 (onedl-mmdetection 3.4.0)``.
    """
    version = getattr(importlib.import_module(name), '__version__', '?')
    forks = [x for x in distributions.get(name, ()) if x.lower() != name]
    if not forks:
        return str(version)
    named = ', '.join(
        f'{fork} {importlib.metadata.version(fork)}'
        for fork in sorted(set(forks))
    )
    return f'{version} ({named})'


def check_ops() -> Iterator[Finding]:
    """Run mmcv's NMS and RoIAlign, on the GPU as well where there is one.

    Yields:
        A line for each device.
    """
    import torch

    devices = ['cpu', 'cuda'] if torch.cuda.is_available() else ['cpu']
    for device in devices:
        what = f'mmcv ops on {device}'
        try:
            wrong = _wrong_ops(device)
        except Exception as raised:
            wrong = f'fail ({type(raised).__name__}: {raised})'
        if wrong:
            yield error(what, f'{wrong}. Remedy: {remedy("mmcv.ops")}')
        else:
            yield ok(what, 'nms and RoIAlign work')


def _wrong_ops(device: str) -> str:
    """What is wrong with mmcv's operators on a device; empty: nothing."""
    import torch
    from mmcv.ops import RoIAlign, nms

    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]]
    _, kept = nms(
        torch.tensor(boxes, dtype=torch.float32, device=device),
        torch.tensor([0.9, 0.8, 0.7], device=device),
        0.5,
    )
    if kept.tolist() != [0, 2]:
        return f'nms kept {kept.tolist()} of three boxes, expected [0, 2]'
    image = torch.ones(1, 1, 8, 8, device=device)
    roi = torch.tensor([[0.0, 1.0, 1.0, 5.0, 5.0]], device=device)
    pooled = RoIAlign(2)(image, roi)
    if not torch.equal(pooled, torch.ones_like(pooled)):
        return f'RoIAlign of ones gave {pooled.flatten().tolist()}'
    return ''


def check_opencv(
    distributions: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Look at OpenCV, and whether it can do selective search.

    Args:
        distributions: As for :func:`describe`.

    Yields:
        One or two lines.
    """
    try:
        cv2: Any = importlib.import_module('cv2')
    except (ImportError, OSError) as missing:
        yield error('opencv', f'{missing}. Remedy: {_CONTRIB}')
        return
    named = sorted(set(distributions.get('cv2', ())))
    if len(named) > 1:
        yield warning(
            'opencv',
            f'{cv2.__version__}, but {" and ".join(named)} write to one '
            'folder, and the last one wins. Remedy: pip uninstall -y '
            f'{" ".join(named)}, then {_CONTRIB}',
        )
    else:
        yield ok('opencv', f'{cv2.__version__} ({"".join(named) or "?"})')
    search = getattr(
        getattr(getattr(cv2, 'ximgproc', None), 'segmentation', None),
        'createSelectiveSearchSegmentation',
        None,
    )
    if search is None:
        yield warning(
            'opencv contrib',
            'has no ximgproc, which only selective search needs. Remedy, if '
            'you make proposals: pip uninstall the other opencv-*, then '
            f'{_CONTRIB}',
        )
    else:
        yield ok('opencv contrib', 'ximgproc is there for selective search')
