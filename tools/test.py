"""mmdet's own tools/test.py, for `mim test mmdet_ohem CONFIG`."""

from mmdet_ohem.mim.host_tools import run_host_tool

if __name__ == '__main__':
    run_host_tool('test.py')
