"""Whether the weights of a checkpoint fit a model, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from mmdet_ohem.host.weights_loading import weights_of

_SHOWN = 3
Shape = tuple[int, ...]


@dataclass
class Misfit:
    """What of a model and a checkpoint does not come together.

    Attributes:
        reshaped: Shapes in the checkpoint and in the model, by name.
        missing: Weights that the checkpoint lacks: they stay random.
        superfluous: Weights that the model has no place for.
        num_weights: Of the model, all.
    """

    reshaped: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    superfluous: list[str] = field(default_factory=list)
    num_weights: int = 0

    @property
    def is_partial(self) -> bool:
        """Whether weights of the model do not come from the checkpoint."""
        return bool(self.reshaped or self.missing)

    def describe(self) -> str:
        """Say how many of each kind there are, with the first of them."""
        shapes = [
            f'{name} {theirs} in the checkpoint, {ours} in the model'
            for name, (theirs, ours) in self.reshaped.items()
        ]
        kinds = [
            ('of another shape', shapes),
            ('missing in the checkpoint', self.missing),
            ('without a place in the model', self.superfluous),
        ]
        return '; '.join(
            f'{len(names)} {kind} ({_first(names)})'
            for kind, names in kinds
            if names
        )


def compare(
    checkpoint: Mapping[str, Any],
    model: nn.Module,
    missing: Iterable[str] | None = None,
    superfluous: Iterable[str] | None = None,
) -> Misfit:
    """Compare the weights of a checkpoint with those of a model.

    Args:
        checkpoint: As ``torch.load`` returns it.
        model: Not wrapped.
        missing: Names that torch missed while loading; by default those of
            the model that are not in the checkpoint.
        superfluous: Names that torch had no use for; by default those of the
            checkpoint that are not in the model.

    Returns:
        What does not fit. Buffers that a model computes for itself are not
        missed; running statistics are.
    """
    theirs, ours = weights_of(checkpoint), model.state_dict()
    if missing is None:
        missing = ours.keys() - theirs.keys()
    if superfluous is None:
        superfluous = theirs.keys() - ours.keys()
    learned = dict(model.named_parameters()).keys()
    missed, unused = set(missing), set(superfluous)
    needed = [x for x in ours if x in learned or 'running_' in x]
    return Misfit(
        reshaped={
            name: (tuple(theirs[name].shape), tuple(value.shape))
            for name, value in ours.items()
            if name in theirs and _differ(theirs[name], value)
        },
        missing=[name for name in needed if name in missed],
        superfluous=[name for name in theirs if name in unused],
        num_weights=len(needed),
    )


def classes_of(checkpoint: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The classes that a checkpoint was trained on.

    Args:
        checkpoint: As ``torch.load`` returns it.

    Returns:
        Their names in order; None where it does not know them.
    """
    meta = checkpoint.get('meta') or {}
    known = meta.get('dataset_meta') or meta
    # mmdet 2 wrote the key in capitals.
    return as_classes(known.get('classes', known.get('CLASSES')))


def as_classes(classes: Any) -> tuple[str, ...] | None:
    """Names of classes as a tuple; None of what are none.

    Args:
        classes: Of a dataset's ``metainfo``.
    """
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        return None
    return tuple(map(str, classes))


def name_classes(classes: Sequence[str] | None) -> str:
    """Say how many classes there are, with the first of them.

    Args:
        classes: Their names; None where they are not known.
    """
    if classes is None:
        return 'classes that it does not name'
    plural = 'class' if len(classes) == 1 else 'classes'
    return f'{len(classes)} {plural} ({_first(classes, 5)})'


def _differ(theirs: Tensor, ours: Tensor) -> bool:
    # torch itself takes one for the other: files before 0.4 had no scalars.
    return theirs.shape != ours.shape and theirs.numel() + ours.numel() > 2


def _first(names: Sequence[str], num: int = _SHOWN) -> str:
    more = f', {len(names) - num} more' if len(names) > num else ''
    return ', '.join(names[:num]) + more
