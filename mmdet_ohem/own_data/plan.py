"""Scale and schedule that fit a dataset."""

from dataclasses import dataclass
from statistics import median

from mmdet_ohem.counts import Count
from mmdet_ohem.own_data.records import OwnData

# VOC07 has 5011 images for 80k iterations of two; the learning rate drops
# after 3/8 and 6/8 of them.
_EPOCHS = 32
_BATCH = 2
_DROPS = (3 / 8, 6 / 8)
_FEWEST, _MOST = 1500, 80000
# VOC's images are 375 pixels high, as a rule, and are trained on at 600.
_ENLARGED = 600 / 375
_SIDE, _SHORTEST = 600, 240
_LONGEST = 1000 / 600
# A cell of the features has 16 pixels; fewer than two are little to pool.
_SMALL = 32


@dataclass(frozen=True)
class Plan:
    """How a dataset is trained on.

    Attributes:
        scale: Longest and shortest side of the images, pixels.
        max_iters: Iterations of two images.
        milestones: Where the learning rate drops.
        interval: Between two validations, and two checkpoints.
        num: RoIs of an image that are trained on, the hardest.
        notes: Why, in words.
    """

    scale: tuple[int, int]
    max_iters: int
    milestones: tuple[int, ...]
    interval: int
    num: int = 64
    notes: tuple[str, ...] = ()


def make_plan(data: OwnData, max_iters: int | None = None) -> Plan:
    """Choose the scale by the images' sizes, the schedule by their number.

    Args:
        data: Split.
        max_iters: Of the training; None chooses.

    Returns:
        The plan.
    """
    pictures = data.of('train')
    side = median(min(x.size) for x in pictures)
    short = int(min(_SIDE, max(_SHORTEST, 20 * round(side * _ENLARGED / 20))))
    scale = (20 * round(short * _LONGEST / 20), short)
    notes = [
        f'images have {side:.0f} pixels on the shorter side (median) and are '
        f'resized to {short}'
    ]
    things = [
        (thing.box[2] - thing.box[0], thing.box[3] - thing.box[1])
        for x in pictures
        for thing in x.things or ()
    ]
    size = median(min(x) for x in things) * short / side if things else 0
    if things and size < _SMALL:
        notes.append(
            f'half of the objects are then less than {size:.0f} pixels wide '
            f'or high, and a cell of the features has 16: a larger scale '
            'finds more of them, and takes more time and memory'
        )
    by_number = _EPOCHS * len(pictures) // _BATCH
    chosen = max_iters or min(_MOST, max(_FEWEST, 100 * (by_number // 100)))
    milestones = tuple(max(1, round(chosen * x)) for x in _DROPS)
    notes.append(
        f'{Count(chosen):iteration} of {_BATCH} images are '
        f'{Count(round(chosen * _BATCH / len(pictures))):round} through '
        f'{Count(len(pictures)):image}'
    )
    return Plan(
        scale, chosen, milestones, max(1, chosen // 4), notes=tuple(notes)
    )
