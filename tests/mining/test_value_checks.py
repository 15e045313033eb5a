import math
from typing import Any

import numpy as np
import pytest

from mmdet_ohem.mining.value_checks import check_values


def function(
    num: int = 1,
    part: float | None = 0.5,
    on: bool = False,
    name: str = '',
    other: dict | None = None,
) -> None:
    """What values are checked against."""


@pytest.mark.parametrize(
    'values',
    [
        dict(num=2),
        dict(num=np.int64(2)),
        dict(part=None),
        dict(part=1),
        dict(part=np.float32(0.5)),
        dict(on=True),
        dict(name='a'),
        dict(other=3),
        dict(unknown=3),
    ],
    ids=str,
)
def test_values_of_their_kind_pass(values: dict[str, Any]) -> None:
    check_values('it', function, values)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (dict(num='2'), "it: num is '2', expected a whole number"),
        (dict(num=2.0), 'num is 2.0, expected a whole number'),
        (dict(num=None), 'num is None, expected a whole number'),
        (dict(num=True), 'num is True, expected a whole number'),
        (dict(part=math.nan), 'part is nan, expected a finite number or None'),
        (dict(part=[0.5]), r'part is \[0.5\], expected a finite number'),
        (dict(on=1), 'on is 1, expected True or False'),
        (dict(name=None), 'name is None, expected a string'),
    ],
    ids=str,
)
def test_others_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_values('it', function, values)
