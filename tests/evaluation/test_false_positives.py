"""False positives of each kind, on boxes placed by hand."""

from collections.abc import Sequence

import pytest
import torch

from mmdet_ohem.evaluation.false_positives import (
    DECOY,
    KINDS,
    Detected,
    count_false_positives,
)

CAT, DOG = 0, 1
Box = tuple[float, float, float, float]
A: Box = (0, 0, 10, 10)
B: Box = (50, 50, 60, 60)


def image(
    detected: Sequence[tuple[float, int, Box]],
    objects: Sequence[tuple[int, Box]],
    ignored: Sequence[int] = (),
    decoys: Sequence[Box] | None = None,
) -> Detected:
    return Detected(
        torch.tensor([x[2] for x in detected]).reshape(-1, 4),
        torch.tensor([x[0] for x in detected]),
        torch.tensor([x[1] for x in detected], dtype=torch.long),
        torch.tensor([x[1] for x in objects]).reshape(-1, 4),
        torch.tensor([x[0] for x in objects], dtype=torch.long),
        torch.tensor(
            [i in ignored for i in range(len(objects))], dtype=torch.bool
        ),
        None if decoys is None else torch.tensor(decoys).reshape(-1, 4),
    )


def counts(**kinds: int) -> dict[str, int]:
    return dict.fromkeys(KINDS, 0) | kinds


ALL_KINDS = image(
    [
        (0.9, CAT, (30, 30, 40, 40)),  # nothing there
        (0.8, CAT, (0, 0, 10, 20)),  # finds A: its IoU is .5
        (0.7, CAT, A),  # once more
        (0.6, CAT, (0, 0, 10, 30)),  # a third of A
        (0.5, CAT, B),  # a dog
        (0.4, CAT, (100, 0, 110, 10)),  # finds the other cat
        (0.3, CAT, (200, 0, 210, 10)),  # too late to count
    ],
    [(CAT, A), (DOG, B), (CAT, (100, 0, 110, 10))],
)


def test_every_kind_is_told_apart() -> None:
    cat, dog = count_false_positives([ALL_KINDS], 2, 1.0)
    assert cat == counts(
        background=1, duplicate=1, localisation=1, confusion=1
    )
    assert dog is None  # never found


def test_counting_ends_where_the_recall_is_reached() -> None:
    cat, _ = count_false_positives([ALL_KINDS], 2, 0.5)
    assert cat == counts(background=1)
    # Half of two objects is one; a little more is two.
    assert count_false_positives([ALL_KINDS], 1, 0.51)[0] == counts(
        background=1, duplicate=1, localisation=1, confusion=1
    )


def test_difficult_objects_are_neither_right_nor_wrong() -> None:
    found = [(0.9, CAT, A), (0.8, CAT, A), (0.7, CAT, B)]
    difficult = image(found, [(CAT, A), (CAT, B)], ignored=[0])
    assert count_false_positives([difficult], 1, 1.0) == [counts()]


def test_scores_rank_over_all_images() -> None:
    images = [
        image([(0.2, CAT, A)], [(CAT, A)]),
        image([(0.5, CAT, A), (0.1, CAT, B)], []),
        image([], []),
    ]
    assert count_false_positives(images, 1, 1.0) == [counts(background=1)]


def test_a_class_without_objects_has_no_recall() -> None:
    images = [image([(0.5, CAT, A)], [])]
    assert count_false_positives(images, 1, 0.5) == [None]
    assert count_false_positives([], 2, 0.5) == [None, None]


@pytest.mark.parametrize('recall', [0.0, -1.0, 1.1])
def test_recall_is_a_share(recall: float) -> None:
    with pytest.raises(ValueError, match=f'recall is {recall}'):
        count_false_positives([], 1, recall)


def test_decoys_are_background_that_is_counted_apart() -> None:
    found = [
        (0.9, CAT, (30, 30, 40, 40)),  # nothing there
        (0.8, CAT, (81, 80, 91, 90)),  # a decoy, nearly
        (0.7, CAT, (0, 0, 10, 30)),  # a third of A, and a decoy
        (0.6, CAT, (89.5, 89.5, 99, 99)),  # touches the decoy too little
        (0.5, CAT, A),
    ]
    decoys: list[Box] = [(80, 80, 90, 90), (0, 20, 10, 30)]
    images = [
        image(found, [(CAT, A)], decoys=decoys),
        image([(0.95, CAT, B)], [], decoys=[B]),
    ]
    (cat,) = count_false_positives(images, 1, 1.0)
    assert cat == counts(background=2, localisation=1) | {DECOY: 2}
    # Where no image says what is a decoy, there is no such kind.
    images = [image(found, [(CAT, A)])]
    (cat,) = count_false_positives(images, 1, 1.0)
    assert cat == counts(background=3, localisation=1)
