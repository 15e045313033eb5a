"""A filled cache has every view that a training can see."""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import Runner

from mmdet_ohem.features.fill import fill_cache, views
from tests.configs.data_folder import NAMES, write_data
from tests.configs.leaves import BASELINE, on_folder

FLIP: dict[str, Any] = dict(type='RandomFlip', prob=0.5)
SIZES: dict[str, Any] = dict(
    type='RandomChoiceResize', scales=[(40, 30), (80, 60)], keep_ratio=True
)


def names(pipeline: list[dict]) -> list[Any]:
    return [x.get('prob', x.get('scale')) for x in pipeline]


def test_views_are_all_choices() -> None:
    found = [names(x) for x in views([FLIP, SIZES])]
    assert found == [
        [0.0, (40, 30)],
        [0.0, (80, 60)],
        [1.0, (40, 30)],
        [1.0, (80, 60)],
    ]
    fixed = dict(type='Resize', scale=(40, 30), keep_ratio=True)
    assert list(views([fixed])) == [[fixed]]
    assert [names(x) for x in views([dict(FLIP, prob=0)])] == [[0.0]]


def test_choices_inside_a_broadcaster_are_found() -> None:
    outer: dict[str, Any] = dict(
        type='ProposalBroadcaster', transforms=[FLIP, SIZES]
    )
    found = [names(x[0]['transforms']) for x in views([outer])]
    assert len(found) == 4
    assert found[-1] == [1.0, (80, 60)]
    assert outer['transforms'][0]['prob'] == 0.5


@pytest.mark.parametrize('name', ['RandomCrop', 'TestTimeAug'])
def test_other_chance_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f'has {name}: its views'):
        list(views([dict(type=name)]))


def fixed(root: Path) -> Config:
    """The baseline on a small folder, its conv network fixed."""
    config = on_folder(BASELINE, write_data(root))
    config.model.backbone.frozen_stages = 5
    config.model.feature_cache = str(root / 'features')
    return config


def test_a_training_finds_all_that_was_filled(tmp_path: Path) -> None:
    config = fixed(tmp_path)
    # Not random from call to call, as a checkpoint is not.
    config.model.backbone.init_cfg = None
    seen: list[tuple[int, int]] = []
    torch.manual_seed(0)
    computed, found = fill_cache(config, 'train', lambda *x: seen.append(x))
    total = 2 * len(NAMES)
    assert (computed, found) == (total, 0)
    assert seen == [(i + 1, total) for i in range(total)]
    torch.manual_seed(0)
    assert fill_cache(config, 'train') == (0, total)
    torch.manual_seed(0)
    detector = MODELS.build(config.model)
    detector.init_weights()
    loader = Runner.build_dataloader(config.train_dataloader, seed=0)
    for batch, _ in zip(loader, range(5), strict=False):
        detector(**detector.data_preprocessor(batch, True), mode='loss')
    assert detector.feature_cache.num_computed == 0
    assert detector.feature_cache.num_found > 0


def test_a_config_without_cache_is_named(tmp_path: Path) -> None:
    config = on_folder(BASELINE, write_data(tmp_path))
    with pytest.raises(ValueError, match=r'no model[.]feature_cache'):
        fill_cache(config, 'train')
