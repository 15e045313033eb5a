"""mmengine's checkpoints load with torch's protection on, others do not."""

import os
import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from mmdet_ohem.host.checkpoints import (
    _buffer_globals,
    allow_mmengine_checkpoints,
)

NUMPY_VALUES = [
    np.float64(0.25),
    np.float32(0.5),
    np.int64(-7),
    np.int32(7),
    np.bool_(True),
    np.arange(6).reshape(2, 3),
    np.linspace(0, 1, 5, dtype=np.float32),
    np.array([True, False]),
    np.zeros((0, 4)),
]


def message_hub() -> MessageHub:
    """As it is after three iterations and a validation."""
    hub = MessageHub('written')
    for loss in (0.5, 0.25, 0.125):
        hub.update_scalar('train/loss', torch.tensor(loss))
        hub.update_scalar('train/lr', np.float64(1e-3), count=2)
    hub.update_scalar('train/data_time', 1.0, resumed=False)
    hub.update_info('iter', 3)
    hub.update_info('best_score', np.float64(0.75))
    hub.update_info('dataset_meta', dict(classes=('cat', 'dog')))
    return hub


def write_and_load(content: Any, path: Path) -> Any:
    """Through a file, with the protection on, as from torch 2.6 by default."""
    torch.save(content, path / 'checkpoint.pth')
    return torch.load(path / 'checkpoint.pth', weights_only=True)


@pytest.fixture
def loaded_hub(tmp_path: Path) -> dict:
    return write_and_load(message_hub().state_dict(), tmp_path)


def test_log_buffers_load_with_their_values(loaded_hub: dict) -> None:
    written = message_hub().state_dict()['log_scalars']
    found = loaded_hub['log_scalars']
    assert list(found) == ['train/loss', 'train/lr']
    for key, buffer in written.items():
        assert isinstance(found[key], HistoryBuffer)
        for expected, values in zip(buffer.data, found[key].data, strict=True):
            assert values.dtype == expected.dtype
            assert values.tolist() == expected.tolist()


def test_runtime_values_load(loaded_hub: dict) -> None:
    assert dict(loaded_hub['runtime_info']) == dict(
        iter=3, best_score=0.75, dataset_meta=dict(classes=('cat', 'dog'))
    )


def test_a_message_hub_takes_up_what_was_loaded(loaded_hub: dict) -> None:
    hub = MessageHub('resumed')
    hub.load_state_dict(loaded_hub)
    hub.update_scalar('train/loss', 0.0)
    assert hub.get_info('iter') == 3
    loss = hub.get_scalar('train/loss')
    assert loss.data[0].tolist() == [0.5, 0.25, 0.125, 0.0]
    # Statistics are methods, which the file asks for by name.
    assert loss.statistics('mean', 2) == 0.0625
    assert loss.statistics('max') == 0.5
    assert loss.statistics('current') == 0.0


@pytest.mark.parametrize('value', NUMPY_VALUES, ids=repr)
def test_numpy_values_load(value: Any, tmp_path: Path) -> None:
    found = write_and_load(dict(value=value), tmp_path)['value']
    assert type(found) is type(value)
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


def test_optimizer_states_load(tmp_path: Path) -> None:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    written = optimizer.state_dict()
    found = write_and_load(written, tmp_path)
    assert found['param_groups'] == written['param_groups']
    for key, state in written['state'].items():
        momentum = found['state'][key]['momentum_buffer']
        assert torch.equal(momentum, state['momentum_buffer'])


class ToyModel(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, inputs: list[Tensor], mode: str = 'loss') -> dict:
        return dict(loss=self.linear(torch.stack(inputs)).square().sum())


def toy_runner(work_dir: Path, iterations: int, **kwargs: Any) -> Runner:
    dataset = TensorDataset(torch.ones(4, 2))
    return Runner(
        model=ToyModel(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            dataset=dataset,
            sampler=dict(type=DefaultSampler, shuffle=False),
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        train_cfg=dict(by_epoch=True, max_epochs=iterations),
        experiment_name=f'{work_dir.name}_{iterations}',
        log_level='ERROR',
        default_scope='mmengine',
        **kwargs,
    )


def test_a_runner_resumes_from_its_own_checkpoint(tmp_path: Path) -> None:
    first = toy_runner(tmp_path, 1)
    first.train()
    resumed = toy_runner(tmp_path, 2, resume=True)
    resumed.train()
    assert resumed.iter == 4
    losses, _ = resumed.message_hub.get_scalar('train/loss').data
    before, _ = first.message_hub.get_scalar('train/loss').data
    assert len(losses) == 4
    assert losses[:2].tolist() == before.tolist()


class Calls:
    """Asks the reader to call a function, as a malicious file would."""

    def __init__(self, function: Callable, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple[Callable, tuple]:
        return self.call


@pytest.mark.parametrize(
    ('owner', 'name'),
    [
        (np.ndarray, 'tofile'),
        (torch.Tensor, 'numpy'),
        (HistoryBuffer, '__subclasses__'),
        (HistoryBuffer, '__init__'),
        (HistoryBuffer, '_set_default_statistics'),
        (Calls(getattr, HistoryBuffer, 'mean'), '__globals__'),
        (HistoryBuffer(), 'update'),
        ('text', 'format'),
    ],
)
def test_attributes_of_anything_but_log_buffers_are_refused(
    owner: Any, name: str, tmp_path: Path
) -> None:
    message = 'may read attributes of HistoryBuffer only'
    with pytest.raises((TypeError, pickle.UnpicklingError), match=message):
        write_and_load(Calls(getattr, owner, name), tmp_path)


def test_methods_of_log_buffers_cannot_be_called(tmp_path: Path) -> None:
    call = Calls(HistoryBuffer.register_statistics, HistoryBuffer)
    known = dict(HistoryBuffer._statistics_methods)
    with pytest.raises(pickle.UnpicklingError, match='unrecognized function'):
        write_and_load(call, tmp_path)
    assert known == HistoryBuffer._statistics_methods


def test_functions_are_neither_loaded_nor_called(tmp_path: Path) -> None:
    victim = tmp_path / 'created'
    for function, args in (
        (os.mkdir, (str(victim),)),
        (os.system, (f'touch {victim}',)),
        (eval, (f'open({str(victim)!r}, "w")',)),
        (setattr, (HistoryBuffer, 'hacked', 1)),
    ):
        with pytest.raises(pickle.UnpicklingError):
            write_and_load(Calls(function, *args), tmp_path)
    assert not victim.exists()
    assert not hasattr(HistoryBuffer, 'hacked')


@pytest.mark.parametrize('value', [Fraction(1, 2), Path('x'), nn.ReLU()])
def test_other_classes_are_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError, match='Unsupported'):
        write_and_load(value, tmp_path)


def test_torch_2_4_finds_each_name_beside_its_entry() -> None:
    # Its list takes no names: it looks entries up by what they say they are.
    found = {f'{x.__module__}.{x.__name__}' for x in _buffer_globals()}
    dtype = type(np.dtype('float64'))
    assert found >= {
        'builtins.getattr',
        'builtins.bytes',
        'mmengine.logging.history_buffer.HistoryBuffer',
        'numpy.core.multiarray._reconstruct',
        'numpy._core.multiarray._reconstruct',
        'numpy.core.multiarray.scalar',
        'numpy._core.multiarray.scalar',
        'numpy.ndarray',
        'numpy.dtype',
        f'{dtype.__module__}.{dtype.__name__}',
    }


def test_torch_without_a_list_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, '__version__', '2.3.1')
    monkeypatch.delattr(torch.serialization, 'add_safe_globals')
    with pytest.raises(ImportError, match=r'2\.3\.1.*Remedy: .*torch>=2\.4'):
        allow_mmengine_checkpoints()
