"""Validation and testing vote; training and the model know nothing of it."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import HOOKS, MODELS
from mmdet.structures import DetDataSample
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.localization import (
    IterativeBBoxVotingHook,
    MultiScaleTTAModel,
    Rounds,
    box_voting_inference,
)
from tests.localization.tiny_detectors import (
    build,
    fast_rcnn,
    faster_rcnn,
    noise,
    proposals,
)
from tests.tiny import cascade_roi_head, rcnn_train_cfg

VOTE = dict(type='mmdet_ohem.IterativeBBoxVotingHook')
RANDOM = dict(
    type='RandomSampler',
    num=16,
    pos_fraction=0.25,
    neg_pos_ub=-1,
    add_gt_as_proposals=True,
)


class Images(torch.utils.data.Dataset):
    """Four images, with proposals and ground truth."""

    def __init__(self, views: bool = False) -> None:
        self.views = views

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict:
        image = torch.from_numpy(noise()).permute(2, 0, 1).roll(index, 2)
        boxes = torch.from_numpy(proposals())
        sample = DetDataSample(
            metainfo=dict(
                img_shape=tuple(image.shape[1:]),
                ori_shape=tuple(image.shape[1:]),
                scale_factor=(1.0, 1.0),
            )
        )
        sample.proposals = InstanceData(bboxes=boxes)
        sample.gt_instances = InstanceData(
            bboxes=boxes[:2] + 1, labels=torch.tensor([0, 2])
        )
        sample.ignored_instances = InstanceData(
            bboxes=boxes[:0], labels=torch.zeros(0, dtype=torch.long)
        )
        data: dict[str, Any] = dict(inputs=image, data_samples=sample)
        if self.views:
            return {name: [value] for name, value in data.items()}
        return data


class Collect(BaseMetric):
    """Keep the detections."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Tensor]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        self.found += [each['pred_instances'] for each in data_samples]
        self.results.append(1)

    def compute_metrics(self, results: list) -> dict:
        return dict(images=len(self.found))


class RaisesAt(Hook):
    """Raise at a point of the loop, in the second iteration."""

    def __init__(self, point: str) -> None:
        self.point = point

    def before_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None
    ) -> None:
        self._raise(batch_idx, 'before')

    def after_test_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        self._raise(batch_idx, 'after')

    def _raise(self, batch_idx: int, point: str) -> None:
        if (batch_idx, point) == (1, self.point):
            raise KeyboardInterrupt


def trainable() -> Any:
    """A Fast R-CNN with a training configuration, its weights the same."""
    torch.manual_seed(0)
    config = fast_rcnn()
    config['train_cfg'] = dict(rcnn=rcnn_train_cfg(RANDOM))
    return build(config)


def loader(views: bool = False, sampler: str = 'DefaultSampler') -> dict:
    return dict(
        batch_size=2,
        num_workers=0,
        dataset=Images(views),
        sampler=dict(type=sampler, shuffle=False),
        collate_fn=dict(type='pseudo_collate'),
    )


def runner(work_dir: Path, model: Any, *hooks: Any, **kwargs: Any) -> Runner:
    return Runner(
        model=model,
        work_dir=str(work_dir),
        custom_hooks=list(hooks),
        default_hooks=dict(
            logger=None,
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
        ),
        default_scope='mmdet',
        experiment_name=work_dir.name,
        log_level='ERROR',
        randomness=dict(seed=0),
        **kwargs,
    )


def test_runner(
    work_dir: Path, model: Any, *hooks: Any
) -> tuple[Runner, Collect]:
    metric = Collect()
    views = isinstance(model, MultiScaleTTAModel)
    return runner(
        work_dir,
        model,
        *hooks,
        test_dataloader=loader(views),
        test_cfg=dict(),
        test_evaluator=Evaluator([metric]),
    ), metric


test_runner.__test__ = False  # type: ignore[attr-defined]


def train(work_dir: Path, *hooks: Any) -> tuple[Runner, Collect]:
    """Two iterations, a validation and a checkpoint, two more."""
    metric = Collect()
    trained = runner(
        work_dir,
        trainable().train(),
        *hooks,
        train_dataloader=loader(sampler='InfiniteSampler'),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        val_dataloader=loader(),
        val_cfg=dict(),
        val_evaluator=Evaluator([metric]),
    )
    trained.train()
    return trained, metric


def all_images() -> dict:
    return pseudo_collate([Images()[i] for i in range(4)])


def detect(model: Any) -> list[dict]:
    with torch.no_grad():
        found = model.eval().test_step(all_images())
    return [dict(each.pred_instances.items()) for each in found]


def same(first: list[dict], second: list[dict]) -> bool:
    return len(first) == len(second) and all(
        len(one[field]) == len(two[field])
        and torch.allclose(one[field].float(), two[field].float(), atol=1e-3)
        for one, two in zip(first, second, strict=True)
        for field in ('bboxes', 'scores', 'labels')
    )


def attributes(model: nn.Module) -> dict[str, dict]:
    """What every module has of its own besides parameters and modules."""
    return {name: dict(vars(m)) for name, m in model.named_modules()}


def test_defaults_are_the_decisions() -> None:
    hook = HOOKS.build(VOTE)
    assert isinstance(hook, IterativeBBoxVotingHook)
    assert hook.keys == dict(
        num_rounds=2,
        refine_score_thr=0.05,
        refine_nms_iou_thr=0.95,
        refine_max_per_class=200,
        kept_score='before',
        voting_iou_thr=0.5,
        vote_score_offset=0.0,
    )
    keys = {x: y for x, y in hook.keys.items() if x in vars(Rounds())}
    assert Rounds(**keys) == Rounds(num_rounds=2)


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('num_rounds', 0),
        ('voting_iou_thr', -1),
        ('refine_nms_iou_thr', 2),
        ('refine_max_per_class', 0),
        ('kept_score', 'best'),
    ],
)
def test_refuses_values_out_of_range(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key):
        IterativeBBoxVotingHook(**{key: value})


@pytest.mark.parametrize('keys', [{}, dict(num_rounds=3, voting_iou_thr=0.7)])
@pytest.mark.parametrize('tta', [False, True])
def test_a_test_votes(tmp_path: Path, keys: dict, tta: bool) -> None:
    detector = trainable()
    with box_voting_inference(detector, **keys):
        expected = detect(detector)
    plain = detect(detector)
    model = MultiScaleTTAModel(detector).eval() if tta else detector
    before = attributes(model)
    tester, metric = test_runner(tmp_path, model, VOTE | keys)
    assert tester.test() == dict(images=4)
    assert same(metric.found, expected)
    assert not same(plain, expected)
    assert attributes(model) == before
    assert same(detect(detector), plain)


def test_without_rounds_and_vote_a_test_is_as_without_the_hook(
    tmp_path: Path,
) -> None:
    model = trainable()
    hook = VOTE | dict(num_rounds=1, voting_iou_thr=None)
    tester, metric = test_runner(tmp_path, model, hook)
    tester.test()
    assert same(metric.found, detect(model))


def test_validation_votes_and_training_is_as_without_the_hook(
    tmp_path: Path,
) -> None:
    results = {}
    for name, hooks in dict(without=[], voting=[VOTE]).items():
        trained, metric = train(tmp_path / name, *hooks)
        results[name] = trained, metric.found
    (plain, plain_found), (voting, voting_found) = results.values()
    assert len(plain_found) == len(voting_found) == 8
    assert same(plain_found[4:], detect(plain.model))
    with box_voting_inference(voting.model):
        assert same(voting_found[4:], detect(voting.model))
    assert not same(plain_found, voting_found)
    losses = [
        each.message_hub.get_scalar('train/loss').data[0]
        for each in (plain, voting)
    ]
    assert len(losses[0]) == 4
    assert losses[0].tolist() == losses[1].tolist()
    for name in ('iter_2.pth', 'iter_4.pth'):
        one, two = (
            torch.load(tmp_path / run / name, weights_only=False)['state_dict']
            for run in results
        )
        assert list(one) == list(two)
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert attributes(voting.model).keys() == attributes(plain.model).keys()
    for name, module in plain.model.named_modules():
        other = voting.model.get_submodule(name)
        assert vars(other).keys() == vars(module).keys()
    assert same(detect(voting.model), detect(plain.model))


def raise_in_forward(model: Any) -> None:
    """Fail in the second image's box head."""
    calls = []

    def failing(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    model.roi_head.bbox_head.register_forward_pre_hook(failing)


@pytest.mark.parametrize('point', ['before', 'forward', 'after', 'metric'])
@pytest.mark.parametrize('tta', [False, True])
def test_a_test_that_raises_leaves_the_model_alone(
    tmp_path: Path, point: str, tta: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = trainable()
    plain, saved = detect(detector), copy.deepcopy(detector)
    model = MultiScaleTTAModel(detector).eval() if tta else detector
    if point == 'forward':
        raise_in_forward(detector)
    before = attributes(model)
    tester, metric = test_runner(tmp_path, model, VOTE, RaisesAt(point))
    if point == 'metric':
        monkeypatch.setattr(metric, 'compute_metrics', raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        tester.test()
    assert attributes(model) == before
    saved.load_state_dict(detector.state_dict())
    assert same(detect(saved), plain)
    detector.roi_head.bbox_head._forward_pre_hooks.clear()
    assert same(detect(detector), plain)


def raise_interrupt(*args: Any) -> None:
    raise KeyboardInterrupt


def test_a_model_copied_or_saved_in_between_works(tmp_path: Path) -> None:
    """Between a hook and the step, where nothing can be undone."""
    model = trainable()
    hook = IterativeBBoxVotingHook()
    tester, _ = test_runner(tmp_path, model, hook)
    with box_voting_inference(model):
        voted = detect(model)
    plain = detect(model)
    hook.before_test_iter(tester, 0)
    torch.save(model, tmp_path / 'model.pth')
    loaded = torch.load(tmp_path / 'model.pth', weights_only=False)
    for each in (copy.deepcopy(model), loaded):
        nn.init.zeros_(model.roi_head.bbox_head.fc_cls.weight)
        assert same(detect(each), voted)
        assert same(detect(each), plain)


@pytest.mark.parametrize('point', ['before_run', 'before_val', 'before_test'])
def test_refuses_a_cascade_at_the_start(tmp_path: Path, point: str) -> None:
    sampler = dict(type='mmdet_ohem.OHEMSampler', num=4)
    model = trainable()
    model.roi_head = cascade_roi_head(sampler, sampler)
    tester, _ = test_runner(tmp_path, model, VOTE)
    (hook,) = (
        each
        for each in tester.hooks
        if isinstance(each, IterativeBBoxVotingHook)
    )
    with pytest.raises(TypeError, match='CascadeRoIHead'):
        tester.test()
    with pytest.raises(TypeError, match='CascadeRoIHead'):
        getattr(hook, point)(tester)


def test_faster_rcnn_is_served(tmp_path: Path) -> None:
    model = build(faster_rcnn())
    model_class = MODELS.get('FasterRCNN')
    assert type(model) is model_class
    tester, metric = test_runner(tmp_path, model, VOTE)
    tester.test()
    with box_voting_inference(model):
        assert same(metric.found, detect(model))
