"""Table 2: what an iteration of training costs, on a Titan X.

Rows of ``mmdet-ohem table`` are trainings that a test follows; these are
not: ``mmdet-ohem benchmark`` measures them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CostRow:
    """One row of Table 2: N = 2 images an iteration.

    Attributes:
        number: Counted from 1, in the paper's order.
        network: As ``mmdet-ohem benchmark`` names it.
        method: ``'baseline'`` is Fast R-CNN with random sampling.
        passes: Forward and backward passes of an iteration; of two, each
            takes one image, and the gradients are added up.
        seconds: An iteration takes, with the update of the weights.
        memory_gb: Maximum, in GB.
    """

    number: int
    network: str
    method: str
    passes: int
    seconds: float
    memory_gb: float


TABLE2 = (
    CostRow(1, 'VGG-M', 'baseline', 1, 0.13, 2.6),
    CostRow(2, 'VGG-M', 'OHEM', 1, 0.22, 3.6),
    CostRow(3, 'VGG16', 'baseline', 1, 0.60, 11.2),
    CostRow(4, 'VGG16', 'baseline', 2, 0.57, 6.4),
    CostRow(5, 'VGG16', 'OHEM', 2, 1.00, 8.7),
)


def find_costs(network: str, method: str) -> list[CostRow]:
    """Find what the paper reports of a method.

    Args:
        network: As ``mmdet-ohem benchmark`` names it.
        method: Likewise.

    Returns:
        Its rows; none where the paper has not measured it.
    """
    return [x for x in TABLE2 if (x.network, x.method) == (network, method)]


def cost_ratio(network: str, method: str) -> float | None:
    """Seconds of a method to those of the baseline in as many passes.

    Args:
        network: As ``mmdet-ohem benchmark`` names it.
        method: Likewise.

    Returns:
        The ratio; None where the paper has not measured both.
    """
    baselines = {x.passes: x for x in find_costs(network, 'baseline')}
    for row in find_costs(network, method):
        if row.passes in baselines:
            return row.seconds / baselines[row.passes].seconds
    return None
