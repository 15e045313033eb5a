"""mmdet's own tools/train.py, for `mim train mmdet_ohem CONFIG`."""

from mmdet_ohem.mim.host_tools import main

if __name__ == '__main__':
    raise SystemExit(main('train.py'))
