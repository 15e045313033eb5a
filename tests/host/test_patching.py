"""Objects are as before once the body is over."""

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import pytest
from torch import nn

from mmdet_ohem.host.patching import in_next_call, listen_to, replaced


class Thing:
    size = 1

    def name(self) -> str:
        return 'thing'

    def area(self, factor: int) -> int:
        return factor * self.size


@contextmanager
def enlarged(thing: Thing) -> Iterator[None]:
    with replaced(thing, size=10):
        yield


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


def test_one_call_runs_inside_the_context() -> None:
    one = Thing()
    in_next_call(one, 'area', enlarged)
    assert [one.area(2), one.area(factor=2)] == [20, 2]
    assert vars(one) == {}


def test_a_call_that_raises_leaves_the_object_as_before() -> None:
    one: Any = Thing()
    own = one.area = lambda factor: 1 // factor
    in_next_call(one, 'area', enlarged)
    with pytest.raises(ZeroDivisionError):
        one.area(0)
    assert vars(one) == {'area': own}


@pytest.mark.parametrize(
    'copied', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_has_a_next_call_of_its_own(copied: Any) -> None:
    one = Thing()
    in_next_call(one, 'area', enlarged)
    other = copied(one)
    assert [other.area(2), other.area(2)] == [20, 2]
    assert vars(other) == {}
    assert [one.area(3), one.area(3)] == [30, 3]


def test_listeners_are_given_the_result_and_the_arguments() -> None:
    one = Thing()
    heard: list[tuple] = []
    listen_to(one, 'area', lambda *call, **keys: heard.append((call, keys)))
    assert [one.area(2), one.area(factor=3)] == [2, 3]
    assert heard == [((2, 2), {}), ((3,), {'factor': 3})]


@pytest.mark.parametrize('order', list(permutations(range(3))))
def test_listeners_stop_in_any_order(order: tuple[int, ...]) -> None:
    one = Thing()
    heard: list[list[int]] = [[], [], []]
    stops = [
        listen_to(one, 'area', lambda result, _, ear=ear: ear.append(result))
        for ear in heard
    ]
    for turn, listener in enumerate(order):
        assert one.area(turn) == turn
        stops[listener]()
    one.area(5)
    assert [heard[i] for i in order] == [[0], [0, 1], [0, 1, 2]]
    assert vars(one) == {}


def test_listening_ends_while_the_method_is_replaced() -> None:
    one = Thing()
    heard: list[int] = []
    stop = listen_to(one, 'area', lambda result, _: heard.append(result))
    with replaced(one, area=lambda factor: 0):
        stop()
        assert one.area(2) == 0
    assert one.area(2) == 2
    assert heard == []


def test_one_listens_beyond_a_replacement() -> None:
    one = Thing()
    heard: list[int] = []
    with replaced(one, area=lambda factor: -factor):
        stop = listen_to(one, 'area', lambda result, _: heard.append(result))
        assert one.area(2) == -2
        stop()
    assert (heard, vars(one)) == ([-2], {})
