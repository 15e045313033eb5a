"""mmdet's own tools/test.py, for `mim test mmdet_ohem CONFIG`."""

from mmdet_ohem.mim.host_tools import main

if __name__ == '__main__':
    raise SystemExit(main('test.py'))
