"""Objects are as before once the body is over."""

from typing import Any

import pytest
from torch import nn

from mmdet_ohem.host.patching import replaced


class Thing:
    size = 1

    def name(self) -> str:
        return 'thing'


def test_a_method_of_one_object() -> None:
    one, other = Thing(), Thing()
    with replaced(one, name=lambda: 'patched', size=2):
        assert (one.name(), one.size) == ('patched', 2)
        assert (other.name(), other.size) == ('thing', 1)
    assert (one.name(), vars(one)) == ('thing', {})


def test_an_attribute_of_its_own() -> None:
    one: Any = Thing()
    one.size = 5
    with replaced(one, size=6):
        assert one.size == 6
    assert vars(one) == {'size': 5}


def test_after_an_error() -> None:
    module = nn.Linear(1, 1)
    with pytest.raises(ValueError), replaced(module, forward=len):
        assert module.forward is len
        raise ValueError
    assert 'forward' not in vars(module)


def test_nested() -> None:
    one = Thing()
    with replaced(one, size=2):
        with replaced(one, size=3):
            assert one.size == 3
        assert one.size == 2
    assert vars(one) == {}


def test_an_attribute_that_the_body_removed() -> None:
    one: Any = Thing()
    with replaced(one, size=2):
        del one.size
    assert vars(one) == {}
