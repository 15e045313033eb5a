"""RoI pooling against a plain loop over bins, as Caffe's kernel is one."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmdet_ohem.detector import RoIPool, roi_pool
from mmdet_ohem.detector.sparse_table import Bins, SparseTable

STRIDE = 16
SCALE = 1 / STRIDE
ROWS, COLUMNS = 13, 19
SIZES = [(7, 7), (6, 6), (1, 1), (2, 3)]


def bin_edges(
    start: int, end: int, num_bins: int, num_cells: int
) -> list[tuple[int, int]]:
    """First cell and one past the last of each bin along one side."""
    length = max(end - start + 1, 1)
    bin_size = np.float32(length) / np.float32(num_bins)
    edges = []
    for i in range(num_bins):
        first = math.floor(np.float32(i) * bin_size) + start
        last = math.ceil(np.float32(i + 1) * bin_size) + start
        edges.append(
            (min(max(first, 0), num_cells), min(max(last, 0), num_cells))
        )
    return edges


def round_half_away(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def reference(
    feats: Tensor, rois: Tensor, size: tuple[int, int], scale: float = SCALE
) -> tuple[Tensor, Tensor]:
    """Maximum of each bin and its cell, -1 if empty, both (R, C, PH, PW)."""
    maps = feats.detach().double().cpu().numpy()
    height, width = maps.shape[2:]
    pooled = np.zeros((len(rois), maps.shape[1], *size))
    winners = np.full(pooled.shape, -1)
    for r, (image, *box) in enumerate(rois.float().cpu().numpy()):
        x1, y1, x2, y2 = (
            round_half_away(float(v * np.float32(scale))) for v in box
        )
        for i, (top, bottom) in enumerate(bin_edges(y1, y2, size[0], height)):
            for j, (left, right) in enumerate(
                bin_edges(x1, x2, size[1], width)
            ):
                cells = maps[int(image), :, top:bottom, left:right]
                if not cells.size:
                    continue
                # The first maximum in row-major order.
                best = cells.reshape(len(cells), -1).argmax(1)
                row, column = np.divmod(best, right - left)
                pooled[r, :, i, j] = cells.reshape(len(cells), -1).max(1)
                winners[r, :, i, j] = (top + row) * width + left + column
    return torch.from_numpy(pooled), torch.from_numpy(winners)


def reference_grad(
    winners: Tensor, rois: Tensor, grad: Tensor, feats: Tensor
) -> Tensor:
    """The gradient of each bin goes to its winner, bin by bin."""
    total = np.zeros((*feats.shape[:2], feats[0, 0].numel()))
    for (r, c, i, j), winner in np.ndenumerate(winners.numpy()):
        if winner >= 0:
            total[int(rois[r, 0]), c, winner] += float(grad[r, c, i, j])
    return torch.from_numpy(total).view(feats.shape)


def anywhere(num: int) -> Tensor:
    """Corners inside the map and beyond each side of it."""
    size = torch.tensor([COLUMNS, ROWS] * 2) * STRIDE
    boxes = (torch.rand(num, 4) * 2 - 0.5) * size
    return boxes.view(num, 2, 2).sort(1).values.view(num, 4)


def inside(num: int) -> Tensor:
    return (anywhere(num) / STRIDE).clamp(0, ROWS - 1) * STRIDE


def half_cells(num: int) -> Tensor:
    """Corners at whole and half cells only, negative ones among them."""
    return (anywhere(num) / STRIDE * 2).round() / 2 * STRIDE


def unsorted(num: int) -> Tensor:
    """Right of or below their second corner: negative sizes."""
    return anywhere(num)[:, [2, 3, 0, 1]]


def points(num: int) -> Tensor:
    return inside(num)[:, :2].repeat(1, 2)


def outside(num: int) -> Tensor:
    return inside(num) + torch.tensor([1e4, 0, 1e4, 0])


ROI_KINDS = [anywhere, inside, half_cells, unsorted, points, outside]


def make_rois(kind: Callable[[int], Tensor], num: int = 24) -> Tensor:
    """RoIs on two images in no order, shape (num, 5)."""
    image = torch.randint(0, 2, (num, 1)).float()
    return torch.cat([image, kind(num)], 1)


def make_feats(kind: str = 'normal') -> Tensor:
    feats = torch.randn(2, 3, ROWS, COLUMNS, dtype=torch.float64)
    if kind == 'relu':  # half of the cells are 0: bins of zeros only
        return feats.sub(1).relu()
    return feats.round() if kind == 'integers' else feats


def whole_grad(shape: torch.Size) -> Tensor:
    """Whole numbers: their sums are exact in any order."""
    return torch.randint(1, 1000, shape).double()


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('kind', ROI_KINDS)
def test_pools_as_the_loop_does(
    kind: Callable[[int], Tensor],
    size: tuple[int, int],
    device: torch.device,
) -> None:
    feats, rois = make_feats(), make_rois(kind)
    pooled = roi_pool(feats.to(device), rois.to(device), size, SCALE)
    expected, _ = reference(feats, rois, size)
    assert pooled.shape == (len(rois), 3, *size)
    assert torch.equal(pooled.cpu(), expected)


@pytest.mark.parametrize('feats_kind', ['normal', 'relu', 'integers'])
@pytest.mark.parametrize('kind', ROI_KINDS)
def test_gradients_go_to_the_first_maximum(
    kind: Callable[[int], Tensor], feats_kind: str, device: torch.device
) -> None:
    feats, rois = make_feats(feats_kind), make_rois(kind)
    leaf = feats.to(device, copy=True).requires_grad_()
    pooled = roi_pool(leaf, rois.to(device), (7, 7), SCALE)
    grad = whole_grad(pooled.shape)
    pooled.backward(grad.to(device))
    expected, winners = reference(feats, rois, (7, 7))
    assert torch.equal(pooled.detach().cpu(), expected)
    assert leaf.grad is not None
    assert torch.equal(
        leaf.grad.cpu(), reference_grad(winners, rois, grad, feats)
    )


@pytest.mark.parametrize('feats_kind', ['relu', 'integers'])
def test_each_bin_alone_has_one_winner_or_none(feats_kind: str) -> None:
    feats, rois = make_feats(feats_kind), make_rois(half_cells, 8)
    feats.requires_grad_()
    pooled = roi_pool(feats, rois, (2, 3), SCALE)
    _, winners = reference(feats, rois, (2, 3))
    for (r, c, i, j), winner in np.ndenumerate(winners.numpy()):
        (grad,) = torch.autograd.grad(
            pooled[r, c, i, j], feats, retain_graph=True
        )
        expected = torch.zeros_like(feats)
        if winner >= 0:
            expected[int(rois[r, 0]), c].view(-1)[winner] = 1
        assert torch.equal(grad, expected)


def test_gradient_of_the_sum_counts_wins(device: torch.device) -> None:
    feats, rois = make_feats('relu').to(device), make_rois(anywhere).to(device)
    feats.requires_grad_()
    roi_pool(feats, rois, (6, 6), SCALE).sum().backward()
    _, winners = reference(feats, rois, (6, 6))
    assert feats.grad is not None
    assert int(feats.grad.sum()) == int((winners >= 0).sum())
    assert torch.equal(feats.grad, feats.grad.round())


def test_hand_worked() -> None:
    # Cells 1 to 3 across and 1 to 2 down: 0.5, 2.5 and 1.5 round up. Three
    # cells make two bins of 1.5, which share the middle one.
    inner = torch.tensor([[1.0, 5, 2], [7, 3, 4]])
    feats = F.pad(inner, (1, 1, 1, 1), value=90)[None, None].requires_grad_()
    rois = torch.tensor([[0.0, 8, 8, 40, 24]])
    pooled = roi_pool(feats, rois, (2, 2), SCALE)
    assert pooled.tolist() == [[[[5, 5], [7, 4]]]]
    pooled.backward(torch.tensor([[[[1.0, 10], [100, 1000]]]]))
    assert feats.grad is not None
    assert feats.grad[0, 0, 1:3, 1:4].tolist() == [[0, 11, 0], [100, 0, 1000]]
    assert feats.grad.sum() == 1111


def test_halves_round_away_from_zero_on_the_negative_side() -> None:
    # -0.5 is cell -1, so that three of the RoI's cells are -1, 0 and 1.
    feats = torch.arange(4.0).view(1, 1, 1, 4)
    rois = torch.tensor([[0.0, -8, 0, 16, 0]])
    pooled = roi_pool(feats - 9, rois, (1, 3), SCALE)
    assert pooled.flatten().tolist() == [0, -9, -8]


@pytest.mark.parametrize('num_bins', [6, 7])
def test_bins_of_every_length_are_rounded_as_in_float32(
    num_bins: int, device: torch.device
) -> None:
    # 128 float32 sizes: one bit more or less changes a floor or a ceiling.
    rising = torch.arange(128.0)
    feats = torch.stack([rising, -rising])[None, :, None]
    rois = torch.zeros(128, 5)
    rois[:, 3] = rising
    size = (1, num_bins)
    pooled = roi_pool(feats.to(device), rois.to(device), size, 1.0)
    expected, _ = reference(feats, rois, size, 1.0)
    assert torch.equal(pooled.cpu().double(), expected)


def test_an_empty_bin_is_zero_and_passes_no_gradient(
    device: torch.device,
) -> None:
    feats = (make_feats().abs() * -1 - 1).to(device).requires_grad_()
    rois = make_rois(outside).to(device)
    pooled = roi_pool(feats, rois, (7, 7), SCALE)
    assert not pooled.any()
    pooled.sum().backward()
    assert feats.grad is not None
    assert not feats.grad.any()


@pytest.mark.parametrize('kind', ROI_KINDS)
def test_a_map_of_one_cell(kind: Callable[[int], Tensor]) -> None:
    feats = torch.randn(2, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    rois = make_rois(kind)
    rois[:4, 1:] = torch.tensor([-20.0, -20, 20, 20])
    pooled = roi_pool(feats, rois, (2, 3), SCALE)
    grad = whole_grad(pooled.shape)
    pooled.backward(grad)
    expected, winners = reference(feats, rois, (2, 3))
    assert torch.equal(pooled, expected)
    assert feats.grad is not None
    assert torch.equal(feats.grad, reference_grad(winners, rois, grad, feats))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_pools_in_the_type_of_the_features(
    dtype: torch.dtype, device: torch.device
) -> None:
    feats = make_feats().to(device, dtype).requires_grad_()
    rois = make_rois(anywhere).to(device)
    pooled = roi_pool(feats, rois, (7, 7), SCALE)
    expected, _ = reference(feats, rois, (7, 7))
    assert pooled.dtype == dtype
    assert torch.equal(pooled.detach().cpu().double(), expected)
    pooled.sum().backward()
    assert feats.grad is not None
    assert feats.grad.dtype == dtype


def test_memory_layout_of_the_features_does_not_matter() -> None:
    feats, rois = make_feats(), make_rois(anywhere)
    channels_last = feats.contiguous(memory_format=torch.channels_last)
    assert torch.equal(
        roi_pool(channels_last, rois, (7, 7), SCALE),
        roi_pool(feats, rois, (7, 7), SCALE),
    )


def test_no_rois(device: torch.device) -> None:
    feats = make_feats().to(device).requires_grad_()
    pooled = roi_pool(feats, torch.zeros(0, 5, device=device), (2, 3), SCALE)
    assert pooled.shape == (0, 3, 2, 3)
    pooled.sum().backward()
    assert feats.grad is not None
    assert not feats.grad.any()


def test_order_of_the_rois_is_kept() -> None:
    feats, rois = make_feats('relu').requires_grad_(), make_rois(anywhere)
    order = torch.randperm(len(rois))
    pooled = roi_pool(feats, rois, (7, 7), SCALE)
    shuffled = roi_pool(feats, rois[order], (7, 7), SCALE)
    assert torch.equal(shuffled, pooled[order])
    grad = whole_grad(pooled.shape)
    (expected,) = torch.autograd.grad(pooled, feats, grad)
    (found,) = torch.autograd.grad(shuffled, feats, grad[order])
    assert torch.equal(found, expected)


def test_many_rois_give_what_each_part_gives() -> None:
    # More bins than are looked up at once.
    feats, rois = make_feats('relu').requires_grad_(), make_rois(anywhere, 400)
    pooled = roi_pool(feats, rois, (7, 7), SCALE)
    parts = torch.cat(
        [roi_pool(feats, part, (7, 7), SCALE) for part in rois.split(50)]
    )
    assert torch.equal(pooled, parts)
    grad = whole_grad(pooled.shape)
    (expected,) = torch.autograd.grad(parts, feats, grad)
    (found,) = torch.autograd.grad(pooled, feats, grad)
    assert torch.equal(found, expected)


@pytest.mark.parametrize('grad_enabled', [False, True])
def test_cells_of_maxima_are_kept_for_a_gradient_only(
    grad_enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    build = SparseTable.__init__

    def spy(self: SparseTable, feats: Tensor, bins: Bins, track: bool) -> None:
        asked.append(track)
        build(self, feats, bins, track)

    monkeypatch.setattr(SparseTable, '__init__', spy)
    feats = make_feats().requires_grad_()
    with torch.set_grad_enabled(grad_enabled):
        pooled = roi_pool(feats, make_rois(anywhere), (7, 7), SCALE)
    assert set(asked) == {grad_enabled}
    assert pooled.requires_grad == grad_enabled


@pytest.mark.parametrize('size', [3, (2, 3)])
def test_module_is_the_function(size: int | tuple[int, int]) -> None:
    feats, rois = make_feats(), make_rois(anywhere)
    bins = size if isinstance(size, tuple) else (size, size)
    assert torch.equal(
        RoIPool(size, SCALE)(feats, rois), roi_pool(feats, rois, bins, SCALE)
    )
