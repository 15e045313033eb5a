"""What happens between skipped batches and the first one trained on."""

from typing import Any

import pytest
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmdet_ohem.host.dataloading import after_skipping


def loop_of(kind: Any) -> Any:
    loop = kind.__new__(kind)
    loop.dataloader_iterator = iter(range(5))
    return loop


@pytest.mark.parametrize('num', [0, 1, 3, 5])
def test_is_called_once_before_the_first_batch_that_is_left(num: int) -> None:
    loop = loop_of(IterBasedTrainLoop)
    seen: list[Any] = []
    after_skipping(loop, num, lambda: seen.append('called'))
    for batch in loop.dataloader_iterator:
        seen.append(batch)
    expected: list[Any] = list(range(5))
    expected.insert(num, 'called')
    assert seen == expected


def test_a_loop_over_epochs_skips_nothing() -> None:
    loop = loop_of(EpochBasedTrainLoop)
    batches = loop.dataloader_iterator
    after_skipping(loop, 0, pytest.fail)
    assert loop.dataloader_iterator is batches
