"""What a mining rule decides.

Shapes: ``R`` RoIs of one image, ``K`` of them chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Choice:
    """Which RoIs of an image are trained on, and how much each counts.

    Attributes:
        inds: Indices of the chosen RoIs, shape (K,), int64, no RoI twice.
        weights: How much the loss of each chosen RoI counts, shape (K,),
            float32; None: each counts 1. The sum of weighted losses is still
            divided by the number of chosen RoIs whose weight is not 0.
        weigh_loc: Whether the weights count for the box loss, too, and not
            for classification alone.
        left_out: RoIs that the rule did not let compete, by reason
            (``'duplicate'``, ``'not finite'``): masks of shape (R,), bool.
    """

    inds: Tensor
    weights: Tensor | None = None
    weigh_loc: bool = True
    left_out: Mapping[str, Tensor] = field(default_factory=dict)
