"""Which runs a table needs, and the config of each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.counts import Count
from mmdet_ohem.host.configs import load_config
from mmdet_ohem.tables.profile import (
    FULL,
    at_profile,
    profile_name,
    profile_path,
)
from mmdet_ohem.tables.row import Row, Table

# What the outcome of a run depends on.
_HASHED = (
    'model',
    'train_dataloader',
    'test_dataloader',
    'test_evaluator',
    'train_cfg',
    'test_cfg',
    'optim_wrapper',
    'param_scheduler',
    'custom_hooks',
    'randomness',
)
_LOGGING_HOOK = 'mmdet_ohem.MiningStatsHook'


@dataclass(frozen=True)
class Run:
    """One training and its test.

    Attributes:
        row: What is measured.
        data: ``'full'``, the paper's; the name of a profile, such as
            ``'demo'``; or the path of its config.
        seed: Of weights, order and augmentation of the data, and sampling.
        folder: For all that it writes. Rows of several tables that share a
            config share their runs.
    """

    row: Row
    data: str
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """For messages."""
        data = profile_name(self.data)
        return f'{self.row.name} ({data}), seed {self.seed}'


def run_folder(work_dir: Path, config: str, data: str, seed: int) -> Path:
    """Where a run writes.

    Args:
        work_dir: Of all tables.
        config: Name of the row.
        data: As for a :class:`Run`.
        seed: Of the run.

    Returns:
        A folder of its own.
    """
    return work_dir / profile_name(data) / config / f'seed{seed}'


def plan_runs(
    table: Table,
    work_dir: Path,
    data: str = FULL,
    numbers: list[int] | None = None,
    num_seeds: int = 1,
) -> list[Run]:
    """All runs of a table, whether or not they are finished.

    Args:
        table: Whose rows.
        work_dir: Of all tables.
        data: As for a :class:`Run`.
        numbers: Only these rows.
        num_seeds: Runs of each row, with seeds from 0.

    Returns:
        First seed 0 of all rows, then seed 1 and so on: half of the way
        through there is a whole table.

    Raises:
        ValueError: There is no such row.
    """
    return [
        Run(row, data, seed, run_folder(work_dir, row.name, data, seed))
        for seed in range(num_seeds)
        for row in table.select(numbers)
        if row.name is not None
    ]


def check_leaves(runs: Sequence[Run], configs: Path) -> None:
    """Look whether there is a config for each run.

    Args:
        runs: As planned.
        configs: Folder of the leaf configs.

    Raises:
        FileNotFoundError: One is missing.
    """
    missing = [
        name
        for name in dict.fromkeys(f'{run.row.config}.py' for run in runs)
        if not (configs / name).is_file()
    ]
    if missing:
        raise FileNotFoundError(
            f'{configs} has no {missing[0]}, of {Count(len(missing)):config} '
            'that the rows need. Remedy: leave --configs out, which takes the '
            'configs of this package'
        )


def config_of(run: Run, configs: Path) -> Config:
    """The config of a run.

    Args:
        run: Which.
        configs: Folder of the leaf configs.

    Returns:
        The row's leaf with the row's keys, at the size of the data, with
        the run's seed.

    Raises:
        FileNotFoundError: There is no such profile.
        NotInProfileError: The row means nothing on the profile's data.
    """
    config = load_config(configs / f'{run.row.config}.py')
    config.merge_from_dict(dict(run.row.keys))
    if run.data != FULL:
        profile = load_config(profile_path(run.data, configs))
        config = at_profile(config, profile, configs)
    config.randomness = dict(seed=run.seed)
    if 'outfile_prefix' in config.test_evaluator:
        # Two runs must not write to one place.
        config.test_evaluator.outfile_prefix = str(
            run.folder / 'test' / 'detections'
        )
    return config


def config_hash(config: Config) -> str:
    """Of all values that can change the outcome of a run.

    Logging, validation and where the files go are not among them.

    Args:
        config: Of a run.

    Returns:
        Hexadecimal, 16 characters.
    """
    keys = list(_HASHED)
    if config.test_cfg.type != 'TestLoop':
        keys += ['tta_model', 'tta_pipeline']
    plain = config.to_dict()
    values = {key: plain.get(key) for key in keys}
    values['test_evaluator'].pop('outfile_prefix', None)
    values['custom_hooks'] = [
        hook
        for hook in values['custom_hooks']
        if hook['type'] != _LOGGING_HOOK
    ]
    text = json.dumps(values, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
