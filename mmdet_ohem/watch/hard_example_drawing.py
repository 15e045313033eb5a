"""Pictures of the RoIs that are trained on.

Shapes: ``R`` RoIs, ``G`` ground-truth boxes; boxes are xyxy in pixels of the
picture.
"""

from dataclasses import dataclass

import numpy as np
from mmcv import imrescale
from mmengine.visualization import Visualizer
from torch import Tensor

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.label_placement import place_labels

# Told apart also by those who see no difference of red and green.
FG_COLOR = (86, 180, 233)
BG_COLOR = (255, 110, 30)
GT_COLOR = (255, 235, 60)
SUPPRESSED_COLOR = (255, 255, 255)

# Below a picture: legend and two lines of caption.
_STRIP_COLOR, _STRIP_LINES = 30, 4


@dataclass(frozen=True)
class DrawingStyle:
    """What of a record is drawn, and how large.

    Attributes:
        max_boxes: RoIs drawn at the most, since more of them hide the image:
            the hardest, half of them foreground and half background, or more
            of one where there is less of the other.
        draw_suppressed: Draw, faintly, what the NMS removed although it was
            harder than the least hard RoI of its kind that is drawn.
        min_side: Smaller images are enlarged until their shorter side has
            this many pixels.
    """

    max_boxes: int = 16
    draw_suppressed: bool = False
    min_side: int = 480

    def __post_init__(self) -> None:
        for name in ('max_boxes', 'min_side'):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')


def draw_hard_examples(
    image: np.ndarray,
    record: MiningRecord,
    gt_bboxes: Tensor,
    style: DrawingStyle,
    caption: str = '',
) -> np.ndarray:
    """Draw the RoIs of an image that are trained on, with their losses.

    Foreground, background and ground truth (dashed) each have a colour;
    ground truth that is a RoI keeps its own. The loss stands beside each RoI.

    Args:
        image: RGB, uint8, shape (H, W, 3).
        record: What the sampler made of the RoIs.
        gt_bboxes: Ground truth, shape (G, 4).
        style: What is drawn, and how large.
        caption: Written below the picture, with a legend.

    Returns:
        RGB, uint8, enlarged where ``style`` says so.
    """
    scale = max(1.0, style.min_side / min(image.shape[:2]))
    image = imrescale(image, scale)
    height, width = image.shape[:2]
    visualizer = Visualizer()
    line = max(14, round((height * width) ** 0.5 / 36))
    if caption:
        strip = np.full(
            (_STRIP_LINES * line, width, 3), _STRIP_COLOR, np.uint8
        )
        image = np.concatenate([image, strip])
    visualizer.set_image(image)

    limits = np.array([width, height, width, height]) - 1
    boxes = (_numpy(record.boxes) * scale).clip(0, limits)
    drawn = _hardest(record, style.max_boxes)
    if style.draw_suppressed:
        removed = _removed(record, drawn)
        _draw(visualizer, boxes[removed], SUPPRESSED_COLOR, width=1, alpha=0.6)
    gt_boxes = (_numpy(gt_bboxes) * scale).clip(0, limits)
    _draw(visualizer, gt_boxes, GT_COLOR, width=3, style='--')
    is_fg = _numpy(record.labels)[drawn] >= 0
    # A line over mined ground truth would hide what it is.
    is_gt = _are_among(boxes[drawn], gt_boxes)
    _draw(visualizer, boxes[drawn[~is_fg & ~is_gt]], BG_COLOR)
    _draw(visualizer, boxes[drawn[is_fg & ~is_gt]], FG_COLOR)
    _draw_losses(
        visualizer,
        boxes[drawn],
        _labels(record, drawn),
        [
            GT_COLOR if gt else FG_COLOR if fg else BG_COLOR
            for fg, gt in zip(is_fg, is_gt, strict=True)
        ],
        (width, height, line),
    )
    if caption:
        _draw_caption(visualizer, caption, height, line, style)
    return visualizer.get_image()


def _are_among(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each box is one of others, to a pixel; shape (n,), bool."""
    apart = np.abs(boxes[:, None] - others[None]).max(-1, initial=0)
    return (apart < 1).any(1)


def _hardest(record: MiningRecord, num: int) -> np.ndarray:
    """The hardest of foreground and of background, by descending loss."""
    hard = _numpy(record.hard)
    is_fg = _numpy(record.labels)[hard] >= 0
    num_bg = len(hard) - is_fg.sum()
    num_fg = max(num - num // 2, num - num_bg)
    rank = np.where(is_fg, is_fg.cumsum(), (~is_fg).cumsum())
    taken_fg = is_fg & (rank <= num_fg)
    return hard[taken_fg | (~is_fg & (rank <= num - taken_fg.sum()))]


def _removed(record: MiningRecord, drawn: np.ndarray) -> np.ndarray:
    """RoIs that the NMS removed, harder than the least hard one drawn."""
    losses, is_fg = _numpy(record.losses), _numpy(record.labels) >= 0
    is_removed = np.zeros(len(losses), bool)
    for kind in (is_fg, ~is_fg):
        of_kind = drawn[kind[drawn]]
        if len(of_kind):
            is_removed |= kind & (losses >= losses[of_kind[-1]])
    is_removed[_numpy(record.kept)] = False
    return is_removed.nonzero()[0]


def _labels(record: MiningRecord, drawn: np.ndarray) -> list[str]:
    """The loss of each drawn RoI, and its weight where it has one."""
    texts = [f'{loss:.2f}' for loss in _numpy(record.losses)[drawn]]
    if record.weights is None:
        return texts
    weights = np.zeros(len(record.losses))
    weights[_numpy(record.hard)] = _numpy(record.weights)
    return [
        f'{text} ×{weight:.2f}'
        for text, weight in zip(texts, weights[drawn], strict=True)
    ]


def _draw(
    visualizer: Visualizer,
    boxes: np.ndarray,
    color: tuple[int, int, int],
    width: int = 2,
    style: str = '-',
    alpha: float = 1.0,
) -> None:
    if len(boxes):
        visualizer.draw_bboxes(
            boxes,
            edge_colors=color,
            line_widths=width,
            line_styles=style,
            alpha=alpha,
        )


def _draw_losses(
    visualizer: Visualizer,
    boxes: np.ndarray,
    texts: list[str],
    colors: list[tuple[int, int, int]],
    size: tuple[int, int, int],
) -> None:
    """Write losses beside their boxes; ``size``: width, height, line."""
    if not texts:
        return
    width, height, line = size
    sizes = np.array([(0.6 * line * len(text), line) for text in texts])
    places = place_labels(boxes, sizes, width, height)
    visualizer.draw_texts(
        texts,
        (places[:, :2] + places[:, 2:]) / 2,
        font_sizes=_points(visualizer, 0.75 * line),
        colors=(0, 0, 0),
        vertical_alignments='center',
        horizontal_alignments='center',
        bboxes=[
            dict(facecolor=[c / 255 for c in color], alpha=0.85, pad=1, lw=0)
            for color in colors
        ],
    )


def _draw_caption(
    visualizer: Visualizer,
    caption: str,
    top: int,
    line: int,
    style: DrawingStyle,
) -> None:
    """Write into the strip below the picture."""
    texts = [
        ('foreground', FG_COLOR, 0.5, 0.2),
        ('background', BG_COLOR, 6.0, 0.2),
        ('ground truth', GT_COLOR, 12.0, 0.2),
    ]
    if style.draw_suppressed:
        texts.append(('removed by the NMS', SUPPRESSED_COLOR, 18.5, 0.2))
    texts += [
        (text, SUPPRESSED_COLOR, 0.5, 1.4 + 1.2 * i)
        for i, text in enumerate(caption.split('\n'))
    ]
    for text, color, left, down in texts:
        visualizer.draw_texts(
            text,
            np.array([left * line, top + down * line]),
            font_sizes=_points(visualizer, 0.75 * line),
            colors=color,
        )


def _points(visualizer: Visualizer, pixels: float) -> float:
    """Font sizes of matplotlib are in points."""
    return pixels * 72 / visualizer.dpi


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
