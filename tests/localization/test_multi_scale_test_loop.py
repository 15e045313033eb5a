"""A whole test run at several scales, and what is left of it afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from torch import distributed as dist

from mmdet_ohem.host.pipelines import replace_pipelines
from mmdet_ohem.localization import (
    MultiScaleTestLoop,
    MultiScaleTTAModel,
    multi_scale_tta,
)
from mmdet_ohem.localization.views import flipped_back
from tests.localization.tiny_detectors import fast_rcnn, perfect
from tests.voc_folder import Picture, Thing, write_voc

CONFIGS = Path(__file__).parents[2] / 'configs'
MS_VOTE = 'fast_rcnn_vgg16_ohem_ms_vote_voc07.py'
# 30 pixels wide: one pixel off is an IoU of 29 / 31.
STRICT = 0.97
# Proposals are the objects' boxes, the detector says class 0 of each.
PICTURES = {
    'wide': Picture(
        [
            Thing('aeroplane', (0, 0, 29, 29)),
            Thing('aeroplane', (110, 41, 139, 89)),
            Thing('aeroplane', (50, 30, 80, 60), difficult=1),
        ],
        width=140,
        height=90,
    ),
    'high': Picture(
        [Thing('aeroplane', (5, 60, 34, 99))], width=61, height=101
    ),
    'strip': Picture(
        [Thing('aeroplane', (100, 3, 129, 50))], width=303, height=67
    ),
}
# 'wide' and 'high' meet the limit on the longest side at the third scale,
# 'strip' at the first.
NUM_VIEWS = 3 + 3 + 1


@pytest.fixture(autouse=True)
def _quick_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what a Runner spends seconds on to fill its log."""
    monkeypatch.setattr(Config, 'pretty_text', property(repr))
    monkeypatch.setattr(Runner, '_log_env', lambda self, env_cfg: None)


def small(config: Any) -> Any:
    """The views of a config at a fifth of their size."""
    for view in config.tta_pipeline[2].transforms[0]:
        resize = view.transforms[0]
        resize.scale = tuple(side // 5 for side in resize.scale)
    return config


def make_config(root: Path, name: str = MS_VOTE) -> Any:
    config = small(Config.fromfile(CONFIGS / name))
    config.model = ConfigDict(fast_rcnn(num_classes=20))
    write_voc(root / 'data', PICTURES)
    config.test_dataloader.update(num_workers=0, persistent_workers=False)
    config.test_dataloader.dataset.data_root = str(root / 'data')
    config.test_evaluator.iou_thrs = STRICT
    config.work_dir = str(root / 'work')
    config.experiment_name = config.visualizer.name = str(root)
    config.load_from = None
    return config


def make_runner(config: Any) -> Runner:
    runner = Runner.from_cfg(config)
    model = runner.model
    perfect(getattr(model, 'module', model))
    return runner


def add_flips(config: Any) -> None:
    def step(prob: float) -> dict:
        flip = dict(type='RandomFlip', prob=prob)
        return dict(type='ProposalBroadcaster', transforms=[flip])

    steps = config.tta_pipeline[2].transforms
    steps.insert(0, [step(0.0), step(1.0)])


@pytest.mark.parametrize('batch_size', [1, 3])
@pytest.mark.parametrize('flips', [False, True])
def test_perfect_boxes_score_1(
    tmp_path: Path, flips: bool, batch_size: int
) -> None:
    config = make_config(tmp_path)
    config.test_dataloader.batch_size = batch_size
    if flips:
        add_flips(config)
    metrics = make_runner(config).test()
    assert metrics['pascal_voc/mAP'] == 1


def test_a_flip_that_mirrors_last_pixels_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The strict score sees one pixel more or less."""

    def one_less(boxes: torch.Tensor, sample: Any) -> torch.Tensor:
        shift = boxes.new_tensor([1, 0, 1, 0]) * sample.flip
        return flipped_back(boxes, sample) - shift

    monkeypatch.setattr(multi_scale_tta, 'flipped_back', one_less)
    config = make_config(tmp_path)
    add_flips(config)
    assert make_runner(config).test()['pascal_voc/mAP'] < 1


def listen(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled by the test: images of each forward pass of the detector."""
    detector: Any = runner.model
    detector = getattr(detector, 'module', detector)
    calls: list[int] = []
    extract = detector.extract_feat

    def extract_feat(inputs: torch.Tensor) -> Any:
        calls.append(len(inputs))
        return extract(inputs)

    monkeypatch.setattr(detector, 'extract_feat', extract_feat)
    return calls


def test_each_distinct_scale_is_run_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(make_config(tmp_path))
    calls = listen(runner, monkeypatch)
    runner.test()
    assert len(calls) == NUM_VIEWS


def test_one_line_turns_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path)
    config.merge_from_dict({'test_cfg.type': 'TestLoop'})
    runner = make_runner(config)
    calls = listen(runner, monkeypatch)
    assert runner.test()['pascal_voc/mAP'] == 1
    assert len(calls) == len(PICTURES)


def test_voting_is_turned_off_by_a_line(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    assert config.custom_hooks[-1].type.endswith('IterativeBBoxVotingHook')
    config.merge_from_dict(dict(custom_hooks=[]))
    assert make_runner(config).test()['pascal_voc/mAP'] == 1


def test_it_is_turned_on_for_a_plain_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path, 'fast_rcnn_vgg16_voc07.py')
    config.merge_from_dict({'test_cfg.type': 'mmdet_ohem.MultiScaleTestLoop'})
    runner = make_runner(config)
    calls = listen(runner, monkeypatch)
    assert runner.test()['pascal_voc/mAP'] == 1
    assert len(calls) == NUM_VIEWS


@pytest.mark.parametrize('name', ['fast_rcnn_vgg16_voc07.py', MS_VOTE])
def test_with_mmdets_tta_flag(tmp_path: Path, name: str) -> None:
    """What ``--tta`` does: wrap the model, replace the pipeline."""
    config = make_config(tmp_path, name)
    config.model = ConfigDict(**config.tta_model, module=config.model)
    config.test_dataloader.dataset.pipeline = config.tta_pipeline
    runner = make_runner(config)
    model = runner.model
    assert isinstance(model, MultiScaleTTAModel)
    assert runner.test()['pascal_voc/mAP'] == 1
    assert runner.model is model


def fail(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError('broken')


@pytest.mark.parametrize('where', ['nothing', 'model', 'data', 'metric'])
def test_the_model_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    runner = make_runner(make_config(tmp_path))
    detector: Any = runner.model
    weights = {k: v.clone() for k, v in detector.state_dict().items()}
    runner._test_loop = runner.build_test_loop(runner._test_loop)
    loop = runner.test_loop
    assert isinstance(loop, MultiScaleTestLoop)
    target = dict(
        model=(detector, 'extract_feat'),
        data=(loop.dataloader.dataset, 'prepare_data'),
        metric=(loop.evaluator, 'evaluate'),
    ).get(where)
    if target is None:
        runner.test()
    else:
        with monkeypatch.context() as patch:
            patch.setattr(*target, fail)
            with pytest.raises(RuntimeError, match='broken'):
                runner.test()
    assert runner.model is detector
    assert 'predict_bbox' not in vars(detector.roi_head)
    assert 'test_step' not in vars(detector)
    after = detector.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[key], weights[key]) for key in weights)
    assert runner.test()['pascal_voc/mAP'] == 1


def test_the_runners_config_is_as_it_was(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    runner = make_runner(config)
    before = runner.cfg.to_dict()
    runner.test()
    assert runner.cfg.to_dict() == before


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures('one_process')
def test_under_a_distributed_wrapper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = make_runner(make_config(tmp_path))
    calls = listen(runner, monkeypatch)
    wrapped = MMDistributedDataParallel(runner.model)
    runner.model = wrapped
    assert runner.test()['pascal_voc/mAP'] == 1
    assert len(calls) == NUM_VIEWS
    assert runner.model is wrapped


def test_each_wrapped_dataset_gets_the_views() -> None:
    old, new = [dict(type='Old')], [dict(type='New')]
    inner = dict(dataset=dict(pipeline=old, name='b'))
    dataset: dict = dict(datasets=[dict(pipeline=old, name='a'), inner])
    replace_pipelines(dataset, new)
    assert dataset == dict(
        datasets=[
            dict(pipeline=new, name='a'),
            dict(dataset=dict(pipeline=new, name='b')),
        ]
    )


def test_a_built_data_loader_is_refused(tmp_path: Path) -> None:
    runner = make_runner(make_config(tmp_path))
    with pytest.raises(TypeError, match='test_dataloader is a list'):
        MultiScaleTestLoop(runner, [], runner._test_evaluator)
