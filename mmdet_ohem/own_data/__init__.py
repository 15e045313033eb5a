"""A dataset of one's own: from a folder to a config, for ``mmdet-ohem init``.

What is there is read (:mod:`.read`), checked (:mod:`.check`), split
(:mod:`.split`), and written as COCO json with a config (:mod:`.write`).
"""

from mmdet_ohem.own_data.check import checked
from mmdet_ohem.own_data.plan import Plan, make_plan
from mmdet_ohem.own_data.read import FORMATS, read_folder
from mmdet_ohem.own_data.records import OwnData, Picture, Thing
from mmdet_ohem.own_data.split import with_splits
from mmdet_ohem.own_data.write import DETECTORS, write_config, write_lists

__all__ = [
    'DETECTORS',
    'FORMATS',
    'OwnData',
    'Picture',
    'Plan',
    'Thing',
    'checked',
    'make_plan',
    'read_folder',
    'with_splits',
    'write_config',
    'write_lists',
]
