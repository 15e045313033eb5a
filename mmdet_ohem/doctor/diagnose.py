"""All checks in their order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmdet_ohem.doctor.finding import (
    ERROR,
    Finding,
    checked,
    error,
    from_exception,
    ok,
)
from mmdet_ohem.doctor.machine import check_machine
from mmdet_ohem.doctor.software import check_software


def diagnose(
    config_path: Path | None = None,
    options: dict[str, Any] | None = None,
    work_dir: Path | None = None,
    step: bool = True,
    device: str | None = None,
) -> Iterator[Finding]:
    """Look at the installation, the machine and a config.

    Args:
        config_path: A config file; None: only installation and machine.
        options: Values to merge into the config.
        work_dir: For the checkpoints; None: where mmdet puts them.
        step: Whether to train on one image.
        device: For that; None: a GPU if there is one.

    Yields:
        What is found, line by line.
    """
    found = checked('software', check_software)
    yield from found
    # Without opencv alone, the rest can be looked at.
    if any(x.level == ERROR and x.what != 'opencv' for x in found):
        if config_path is not None:
            yield error('config', 'not looked at: mend the installation first')
        return
    yield from checked('device', check_machine)
    if config_path is None:
        return
    # Not at the top: they import torch and mmdet.
    from mmdet_ohem.doctor.config import check_config
    from mmdet_ohem.host.configs import load_config

    try:
        config = load_config(config_path, ['model'], options)
    except Exception as raised:
        yield from_exception('config', raised)
        return
    yield ok('config', f'{config_path} loads')
    folder = work_dir or Path('work_dirs', config_path.stem)
    yield from check_config(config, folder, step, device)
