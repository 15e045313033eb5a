"""What to do with a config of one's own data."""

import shlex
from pathlib import Path

from mmdet_ohem.own_data.records import OwnData


def next_commands(config: Path, data: OwnData) -> list[str]:
    """The commands of a first training, as they can be pasted.

    Args:
        config: Written.
        data: Of it.
    """
    quoted = shlex.quote(str(config))
    shown = shlex.quote(str(data.of('test')[0].path))
    return [
        f'mmdet-ohem doctor {quoted}',
        f'mmdet-ohem train {quoted}',
        f'mmdet-ohem test {quoted}',
        f'mmdet-ohem detect {shown} --config {quoted} --out detections',
        f'mmdet-ohem hard {quoted}',
        f'mmdet-ohem report {shlex.quote(f"work_dirs/{config.stem}")}',
    ]
