"""Commands are those that mim takes."""

from pathlib import Path

import pytest

from mmdet_ohem.tables import Launch

CONFIG, FOLDER = Path('config.py'), Path('run')


def test_cpu_is_no_gpu() -> None:
    launch = Launch('none', 0)
    command = launch.train(CONFIG, FOLDER, 2, None)
    assert command[1:] == [
        '-m', 'mim', 'train', 'mmdet', 'config.py',
        '--gpus', '0', '--launcher', 'none', '--work-dir', 'run',
    ]  # fmt: skip
    # mmengine takes any GPU that it sees.
    assert launch.devices == ['']


def test_gpus_without_launcher_train_side_by_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    launch = Launch('none', 8)
    assert launch.devices == [str(i) for i in range(8)]
    assert launch.images_per_gpu(2) == 2
    command = launch.train(CONFIG, FOLDER, 2, None)
    assert command[command.index('--gpus') + 1] == '1'
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '4,6')
    assert Launch('none', 2).devices == ['4', '6']
    assert Launch('none', 1).devices == [None]


def test_a_launcher_spreads_the_images() -> None:
    launch = Launch('pytorch', 2)
    assert launch.devices == [None]
    assert launch.images_per_gpu(2) == 1
    command = launch.train(CONFIG, FOLDER, 1, Path('iter_5.pth'))
    assert command[-4:] == [
        '--cfg-options', 'train_dataloader.batch_size=1',
        '--resume', 'iter_5.pth',
    ]  # fmt: skip


def test_images_are_not_made_more() -> None:
    with pytest.raises(ValueError, match=r'N = 2 .* 8 GPUs.*side by side'):
        Launch('pytorch', 8).images_per_gpu(2)


def test_slurm_gets_its_partition() -> None:
    launch = Launch('slurm', 2, 'gpu', '--qos=low')
    command = launch.test(CONFIG, FOLDER, Path('a.pth'), Path('out.pkl'))
    for flag, value in {
        '--partition': 'gpu',
        '--gpus-per-node': '2',
        '--srun-args': '--qos=low',
        '--checkpoint': 'a.pth',
        '--out': 'out.pkl',
    }.items():
        assert command[command.index(flag) + 1] == value


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('mpi', 1), 'launcher must be one of'),
        (('none', -1), 'gpus is -1'),
        (('pytorch', 0), 'needs 1 or more'),
        (('slurm', 1), 'needs a partition'),
    ],
)
def test_bad_arguments_are_named(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Launch(*arguments)
