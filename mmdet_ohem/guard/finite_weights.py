"""Weights that are not finite, by name."""

from collections.abc import Mapping

from torch import Tensor


def non_finite_tensors(tensors: Mapping[str, object]) -> list[str]:
    """Find tensors with a value that is NaN or infinite.

    Args:
        tensors: By name, such as a ``state_dict``; whatever is no tensor of
            floating-point numbers is passed over.

    Returns:
        Their names, in the order of ``tensors``.
    """
    return [name for name, value in tensors.items() if _is_broken(value)]


def _is_broken(value: object) -> bool:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return False
    # One pass, without a mask of the size of the weights: a sum over finite
    # numbers may overflow, so only a suspicion is looked at closely.
    if bool(value.sum().isfinite()):
        return False
    return not bool(value.isfinite().all())
