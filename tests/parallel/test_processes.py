"""Several processes, whose images have different numbers of RoIs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmengine.model import (
    MMDistributedDataParallel,
    MMFullyShardedDataParallel,
)
from mmengine.optim import OptimWrapper
from torch import nn

from tests.parallel.detectors import (
    CONVS,
    GatheringBatchNorm,
    backward,
    batch,
    detector,
    gradients,
)
from tests.parallel.processes import run_on_each

# One chunk of the read-only pass on the first rank, five on the second.
NUM_PROPOSALS = (10, 70)


def same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Fail unless two dictionaries of tensors are the same."""
    assert first.keys() == second.keys()
    torch.testing.assert_close(first, second)


def train_with_ddp(rank: int) -> Any:
    data = batch(NUM_PROPOSALS[rank])
    alone = detector('GatheringBatchNorm')
    backward(alone, data)
    model = detector('GatheringBatchNorm')
    wrapped = MMDistributedDataParallel(model, broadcast_buffers=False)
    GatheringBatchNorm.num_calls = 0
    backward(wrapped, batch(NUM_PROPOSALS[rank]), model)
    calls = GatheringBatchNorm.num_calls
    together = gradients(model)
    model.zero_grad()
    wrapper = OptimWrapper(torch.optim.SGD(wrapped.parameters(), 0.01))
    for _ in range(2):
        wrapped.train_step(batch(NUM_PROPOSALS[rank]), wrapper)
    return dict(
        alone=gradients(alone),
        together=together,
        calls=calls,
        weights=dict(model.named_parameters()),
    )


@pytest.fixture(scope='module')
def ddp(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return run_on_each(train_with_ddp, tmp_path_factory.mktemp('ddp'))


def test_ddp_averages_the_gradients_of_mined_rois(ddp: list[Any]) -> None:
    same(ddp[0]['together'], ddp[1]['together'])
    mean = {
        name: (value + ddp[1]['alone'][name]) / 2
        for name, value in ddp[0]['alone'].items()
    }
    same(ddp[0]['together'], mean)


def test_ddp_keeps_the_weights_of_all_ranks_alike(ddp: list[Any]) -> None:
    same(ddp[0]['weights'], ddp[1]['weights'])


def test_the_read_only_pass_makes_no_collective_call(ddp: list[Any]) -> None:
    # Each layer once, when the mined RoIs are trained on.
    assert [rank['calls'] for rank in ddp] == [CONVS, CONVS]


def score_with_sync_bn(rank: int) -> Any:
    model = detector('SyncBN')
    data = model.data_preprocessor(batch(NUM_PROPOSALS[rank]), True)
    try:
        model(**data, mode='loss')
    except ValueError as error:
        return dict(
            error=str(error),
            scored=model.roi_head.bbox_sampler.last_record.losses,
            layers=sum(
                isinstance(layer, nn.SyncBatchNorm) and layer.training
                for layer in model.modules()
            ),
        )
    return {}


def test_sync_bn_scores_where_it_cannot_train(tmp_path: Path) -> None:
    # torch's SyncBN refuses to train on CPU among several processes: that it
    # is the training pass of the mined RoIs that it refuses shows that the
    # read-only pass before it did not synchronise.
    for rank in run_on_each(score_with_sync_bn, tmp_path):
        assert 'GPU' in rank['error']
        assert rank['scored'].isfinite().all()
        assert rank['layers'] == CONVS


def only_the_box_head(
    module: nn.Module, recurse: bool, nonwrapped_numel: int
) -> bool:
    return recurse or isinstance(module, BBoxHead)


def train_with_fsdp(rank: int, **options: Any) -> Any:
    # More chunks on one rank than on the other, were it not for FSDP.
    model = detector(chunk_size=16)
    wrapped = MMFullyShardedDataParallel(
        model, device_id=torch.device('cpu'), **options
    )
    before = dict(wrapped.named_parameters())
    before = {name: value.clone() for name, value in before.items()}
    wrapper = OptimWrapper(torch.optim.SGD(wrapped.parameters(), 0.01))
    for _ in range(2):
        losses = wrapped.train_step(batch(NUM_PROPOSALS[rank]), wrapper)
    moved = sum(
        (value != before[name]).sum()
        for name, value in wrapped.named_parameters()
    )
    return dict(losses=losses, moved=moved)


def train_with_fsdp_around_the_box_head(rank: int) -> Any:
    return train_with_fsdp(rank, auto_wrap_policy=only_the_box_head)


@pytest.mark.parametrize(
    'work', [train_with_fsdp, train_with_fsdp_around_the_box_head]
)
def test_fsdp_trains_on_mined_rois(work: Any, tmp_path: Path) -> None:
    for rank in run_on_each(work, tmp_path):
        assert rank['moved'] > 0
        for value in rank['losses'].values():
            assert torch.as_tensor(value).isfinite().all()
