"""What a model takes of a checkpoint, as torch itself sees it.

Relies on ``load_state_dict`` of mmengine 0.10.7, which ``Runner`` loads every
checkpoint with: it calls the post hooks of each module with the names that
are missing and unexpected so far, of the whole model last, but not those of
its wrappers; and on ``Runner.load_checkpoint`` removing ``module.`` in front
of names.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

#: Called with the names that are missing, and those that are unexpected.
Loaded = Callable[[list[str], list[str]], None]


def unwrapped(model: Any) -> Any:
    """A model without the wrappers of several processes, or of several views.

    Args:
        model: Of a runner.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def when_loaded(model: nn.Module, then: Loaded) -> Callable[[], None]:
    """Have a function called once the model has loaded its next weights.

    Names that a module renames or adds while it loads count as it left them.

    Args:
        model: Not wrapped.
        then: Called with what is missing in the checkpoint and what is
            superfluous in it.

    Returns:
        What to call, after loading, to stop listening.
    """

    def call(module: nn.Module, keys: Any) -> None:
        then(list(keys.missing_keys), list(keys.unexpected_keys))

    return model.register_load_state_dict_post_hook(call).remove


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights in a checkpoint, by their names in a model.

    Args:
        checkpoint: As ``torch.load`` returns it, with or without
            ``state_dict``.

    Returns:
        Tensors only.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    return {
        re.sub(r'^module\.', '', name): value
        for name, value in weights.items()
        if isinstance(value, Tensor)
    }
