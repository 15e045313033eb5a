"""Mining rules by name: how a config asks for one."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any, NoReturn, TypeVar, get_type_hints

from mmengine.registry import Registry
from torch import Tensor

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import RoIs, ScoredRoIs, no_rois
from mmdet_ohem.mining.value_checks import check_values

_Told = TypeVar('_Told', bound=Callable[..., Tensor])
# By the name of the rule.
_UNDECIDED: dict[str, Callable[..., Tensor]] = {}

#: All mining rules. A rule is a function ``(rois, num, **keys) -> Choice``
#: on plain tensors; docs/add_a_mining_rule.md shows how to write one.
RULES = Registry(
    'mining rule', scope='mmdet_ohem', locations=['mmdet_ohem.mining.rules']
)


class Rule:
    """A registered rule with its keys set.

    Args:
        cfg: Name of the rule, or a dict of ``type``, its name, and keys.
        defaults: Keys to use where ``cfg`` does not set them; those that the
            rule does not have are passed over.

    Attributes:
        name: As registered.
        keys: All keys that are set.
        rois: What the rule wants to know: :class:`RoIs`,
            :class:`ScoredRoIs` or :class:`PredictedRoIs`, by the annotation
            of its first parameter.

    Raises:
        KeyError: There is no such rule.
        TypeError: The rule has no such key, or a value is of another type.
        ValueError: The rule refuses a value.
    """

    def __init__(
        self,
        cfg: str | Mapping[str, Any],
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        given = dict(type=cfg) if isinstance(cfg, str) else dict(cfg)
        self.name: str = given.pop('type', '') or _missing_type(cfg)
        self._function = _find(self.name)
        first, *others = signature(self._function).parameters.values()
        known = {x.name: x for x in others[1:]}
        if unknown := sorted(set(given) - set(known)):
            raise TypeError(_unknown_keys(self.name, unknown, list(known)))
        inherited = {k: v for k, v in (defaults or {}).items() if k in known}
        self.keys: dict[str, Any] = inherited | given
        owner = f'mining rule {self.name!r}'
        check_values(owner, self._function, self.keys)
        self._defaults = {k: x.default for k, x in known.items()}
        self.rois: type[RoIs] = get_type_hints(self._function)[first.name]
        # Every rule takes an image without RoIs, and looks at its keys first:
        # so a bad value is found now, not in the first iteration.
        self(no_rois(self.rois), 1)

    @property
    def wants_losses(self) -> bool:
        """Whether RoIs have to be scored by a read-only pass."""
        return issubclass(self.rois, ScoredRoIs)

    @property
    def label(self) -> str:
        """For legends and tables: the name, and keys not at their default."""
        told = [
            f'{key} = {value:g}' if _is_number(value) else f'{key} = {value}'
            for key, value in self.keys.items()
            if value != self._defaults[key]
        ]
        return ', '.join([self.name.replace('_', ' '), *told])

    def __call__(self, rois: RoIs, num: int) -> Choice:
        """Choose RoIs of one image.

        Args:
            rois: Of the class that the rule wants, or of a subclass of it.
            num: How many to choose, B / N in the paper.

        Returns:
            The choice.
        """
        return self._function(rois, num, **self.keys)

    @property
    def tells_undecided(self) -> bool:
        """Whether the rule says what its choice depends on."""
        return self.name in _UNDECIDED

    def undecided(self, rois: ScoredRoIs, num: int, errors: Tensor) -> Tensor:
        """RoIs whose exact losses may change the choice.

        Args:
            rois: As for a call.
            num: As for a call.
            errors: How much each loss may be wrong, shape (R,).

        Returns:
            Shape (R,), bool.
        """
        return _UNDECIDED[self.name](rois, num, errors, **self.keys)


def undecided_of(name: str) -> Callable[[_Told], _Told]:
    """Register what the choice of a rule depends on.

    With it, RoIs may be scored in 8-bit integers, and again in float32 where
    these leave the choice open. A rule without it is given exact losses.

    Args:
        name: Of the rule.

    Returns:
        Takes a function ``(rois, num, errors, **keys) -> mask``, see
        :meth:`Rule.undecided`.
    """

    def register(function: _Told) -> _Told:
        _UNDECIDED[name] = function
        return function

    return register


def rule_name(cfg: str | Mapping[str, Any]) -> str:
    """Name in the config of a rule, which need not be registered.

    Args:
        cfg: As for :class:`Rule`.

    Returns:
        Its name; '' where it has none.
    """
    return cfg if isinstance(cfg, str) else str(cfg.get('type', ''))


def rule_names() -> list[str]:
    """Names of all registered rules, in the order of registration."""
    RULES.import_from_location()
    return list(RULES.module_dict)


def rule_keys(name: str) -> list[str]:
    """Keys of a rule.

    Args:
        name: As registered.

    Returns:
        Their names, without ``rois`` and ``num``.

    Raises:
        KeyError: There is no such rule.
    """
    return list(signature(_find(name)).parameters)[2:]


def _find(name: str) -> Callable[..., Choice]:
    """The function of a rule, once it is sure that it has the right form."""
    function = RULES.get(name)
    if function is None:
        names = rule_names()
        raise KeyError(
            f'there is no mining rule {name!r}; there are '
            f'{", ".join(names)}{did_you_mean([name], names)}. A rule of your '
            'own is registered when custom_imports imports its module'
        )
    parameters = list(signature(function).parameters.values())
    hints = get_type_hints(function)
    kind = hints.get(parameters[0].name) if parameters else None
    fits = (
        len(parameters) >= 2
        and isinstance(kind, type)
        and issubclass(kind, RoIs)
        and all(x.default is not Parameter.empty for x in parameters[2:])
    )
    if not fits:
        raise TypeError(
            f'mining rule {name!r} has the form {signature(function)}. '
            'Remedy: def rule(rois: RoIs, num: int, key=default, ...) -> '
            'Choice, where rois is annotated with RoIs, ScoredRoIs or '
            'PredictedRoIs'
        )
    return function


def _missing_type(cfg: object) -> NoReturn:
    raise KeyError(
        f'a mining rule is a name or a dict with type, got {cfg!r}; the rules '
        f'are {", ".join(rule_names())}'
    )


def _unknown_keys(name: str, unknown: list[str], known: list[str]) -> str:
    has = ', '.join(known) if known else 'no keys'
    return (
        f'mining rule {name!r} has no key {", ".join(map(repr, unknown))}; it '
        f'has {has}{did_you_mean(unknown, known)}'
    )


def did_you_mean(words: list[str], known: list[str]) -> str:
    """A hint for mistyped words.

    Args:
        words: As they were written.
        known: What could have been meant.

    Returns:
        '. Did you mean ...?', or nothing where no word comes close.
    """
    close = [
        match
        for word in words
        for match in get_close_matches(word, known, n=1)
    ]
    return f'. Did you mean {" and ".join(close)}?' if close else ''


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
