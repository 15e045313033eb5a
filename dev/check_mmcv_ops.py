"""Compare mmcv's CPU ops in two builds: the same bits, the same speed.

Run it with each build, `--out` with the first and `--against` with the second.
Inputs are random with a fixed seed; of an op that has gradients they count,
too.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from mmcv import ops
from torch import Tensor

Case = Callable[..., Any]


def main() -> None:
    """Run all ops, print a line for each, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, help='write what was found')
    parser.add_argument(
        '--against', type=Path, help='what --out has written of another build'
    )
    parser.add_argument('--repeat', type=int, default=5, help='for the time')
    args = parser.parse_args()
    torch.set_num_threads(1)
    others = json.loads(args.against.read_text()) if args.against else {}
    print(Path(ops.__file__).parent)
    found = {}
    for name, case in {**box_cases(), **feature_cases()}.items():
        found[name] = (_digest(case()), _milliseconds(case, args.repeat))
        text = f'{name:28} {found[name][1]:8.2f} ms'
        if name in others:
            digest, milliseconds = others[name]
            same = 'same bits' if digest == found[name][0] else 'OTHER BITS'
            text += f' {milliseconds:8.2f} ms  {same}'
        print(text)
    if args.out:
        args.out.write_text(json.dumps(found))
    if any(others[x][0] != found[x][0] for x in others):
        sys.exit('the builds differ')


def box_cases() -> dict[str, Case]:
    """Ops on boxes, points and masks."""
    boxes, scores = _boxes(1000), _rand(1000)
    labels = _integers(20, 1000)
    nms = dict(type='nms', iou_threshold=0.5)
    rotated, quads = _rotated(300), _quads(300)
    points = _rand(2000, 4) * 4 - 1
    grid = ([0.5, 0.5, 4], [0, -4, -3, 4, 4, 1])
    ones = torch.ones(32, 32, dtype=torch.uint8)
    return {
        'nms': lambda: ops.nms(boxes, scores, 0.5),
        'nms, many boxes': lambda: ops.nms(
            _boxes(4000, 1000.0), _rand(4000), 0.7
        ),
        'nms, offset': lambda: ops.nms(
            boxes, scores, 0.5, offset=1, score_threshold=0.2, max_num=50
        ),
        'batched_nms': lambda: ops.batched_nms(boxes, scores, labels, nms),
        'batched_nms, split': lambda: ops.batched_nms(
            boxes, scores, labels, dict(nms, split_thr=10)
        ),
        'nms_match': lambda: ops.nms_match(
            torch.cat([boxes, scores[:, None]], 1), 0.5
        ),
        **{
            f'soft_nms, {method}': lambda method=method: ops.soft_nms(
                boxes, scores, 0.3, method=method
            )
            for method in ('naive', 'linear', 'gaussian')
        },
        'nms_rotated': lambda: ops.nms_rotated(rotated, scores[:300], 0.3),
        'nms_quadri': lambda: ops.nms_quadri(quads, scores[:300], 0.3),
        'box_iou_rotated': lambda: ops.box_iou_rotated(rotated, rotated),
        'box_iou_quadri': lambda: ops.box_iou_quadri(quads, quads),
        'bbox_overlaps': lambda: ops.bbox_overlaps(boxes[:50], boxes[50:99]),
        'points_in_boxes_cpu': lambda: ops.points_in_boxes_cpu(
            _rand(1, 500, 3) * 4, _rand(1, 20, 7) * 3
        ),
        'voxelization': lambda: ops.Voxelization(*grid, 8, 500)(points),
        'voxelization, dynamic': lambda: ops.Voxelization(*grid, -1)(points),
        'contour_expand': lambda: ops.contour_expand(
            _integers(2, 3, 32, 32).byte(), _integers(5, 32, 32).int(), 1, 3
        ),
        'pixel_group': lambda: ops.pixel_group(
            _rand(32, 32),
            ones.bool(),
            _rand(32, 32, 4),
            _integers(4, 32, 32).int(),
            ones,
            4,
            1.0,
        ),
    }


def feature_cases() -> dict[str, Case]:
    """Ops on feature maps, with their gradients."""
    features = _rand(2, 8, 50, 50)
    image = _integers(2, 200).float()[:, None]
    rois = torch.cat([image, _boxes(200)], 1)
    rotated = torch.cat([image, _rotated(200)], 1)
    curves = torch.cat([image[:10], _rand(10, 16) * 180], 1)
    shifts, weights = _rand(2, 18, 50, 50) * 4 - 2, _rand(6, 8, 3, 3)
    cases: dict[str, tuple[Case, list[Tensor]]] = {
        f'roi_align, {pool}, {ratio}, {aligned}': (
            lambda x, pool=pool, ratio=ratio, aligned=aligned: ops.roi_align(
                x, rois, (7, 7), 0.25, ratio, pool, aligned
            ),
            [features],
        )
        for pool in ('avg', 'max')
        for ratio in (0, 2)
        for aligned in (False, True)
    }
    cases['roi_align_rotated'] = (
        lambda x: ops.roi_align_rotated(x, rotated, 7, 0.25, 2, True, False),
        [features],
    )
    cases['bezier_align'] = (
        lambda x: ops.bezier_align(x, curves, (8, 32), 0.25, 2, True),
        [features],
    )
    cases['rotated_feature_align'] = (
        lambda x: ops.rotated_feature_align(
            x, _rotated(5000).view(2, 50, 50, 5), 0.25, 5
        ),
        [features],
    )
    cases['active_rotated_filter'] = (
        lambda x: ops.active_rotated_filter(
            x, _integers(9, 8, 3, 3, 8).int() + 1
        ),
        [_rand(6, 4, 8, 3, 3)],
    )
    cases['deform_conv2d'] = (
        lambda x, shift, w: ops.deform_conv2d(
            x, shift, w, 1, 1, 1, 1, 1, False, 32
        ),
        [features, shifts, weights],
    )
    cases['modulated_deform_conv2d'] = (
        lambda x, shift, mask, w: ops.modulated_deform_conv2d(
            x, shift, mask, w, None, 1, 1, 1, 1, 1
        ),
        [features, shifts, _rand(2, 9, 50, 50), weights],
    )
    for kind in ('collect', 'distribute'):
        cases[f'PSAMask, {kind}'] = (
            ops.PSAMask(kind, (9, 9)),
            [_rand(2, 81, 7, 7)],
        )
    return {
        name: lambda op=op, inputs=inputs: _with_gradients(op, inputs)
        for name, (op, inputs) in cases.items()
    }


def _with_gradients(op: Case, inputs: list[Tensor]) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    result = op(*leaves)
    (result * _rand(*result.shape)).sum().backward()
    return [result, *(x.grad for x in leaves if x.grad is not None)]


def _milliseconds(case: Case, repeat: int) -> float:
    """CPU time of the fastest of some calls."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        case()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def _digest(result: Any) -> str:
    """A name for the bits of tensors and arrays, nested or not."""
    sha = hashlib.sha256()
    for part in _flat(result):
        array = part.detach().numpy() if isinstance(part, Tensor) else part
        shape = getattr(array, 'shape', None)
        sha.update(repr((shape, getattr(array, 'dtype', None))).encode())
        sha.update(repr(array).encode() if shape is None else array.tobytes())
    return sha.hexdigest()[:16]


def _flat(result: Any) -> Iterable[Any]:
    if isinstance(result, list | tuple):
        for part in result:
            yield from _flat(part)
    else:
        yield result


def _rand(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def _integers(end: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, end, shape, generator=generator)


def _boxes(count: int, size: float = 200.0) -> Tensor:
    """Boxes, ``(count, 4)``, xyxy."""
    corners, extents = _rand(2, count, 2)
    return torch.cat([corners * size, corners * size + extents * 60 + 4], 1)


def _rotated(count: int) -> Tensor:
    """Boxes, ``(count, 5)``: centre, size and angle in radians."""
    boxes = _boxes(count)
    centres, sizes = (
        (boxes[:, :2] + boxes[:, 2:]) / 2,
        boxes[:, 2:] - boxes[:, :2],
    )
    return torch.cat([centres, sizes, _rand(count, 1) * 6 - 3], 1)


def _quads(count: int) -> Tensor:
    """Boxes, ``(count, 8)``: four corners."""
    return _boxes(count)[:, [0, 1, 2, 1, 2, 3, 0, 3]]


if __name__ == '__main__':
    main()
