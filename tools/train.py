"""mmdet's own tools/train.py, for `mim train mmdet_ohem CONFIG`."""

from mmdet_ohem.mim.host_tools import run_host_tool

if __name__ == '__main__':
    run_host_tool('train.py')
