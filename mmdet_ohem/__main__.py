"""``python -m mmdet_ohem`` is ``mmdet-ohem``."""

from mmdet_ohem.commands import main

if __name__ == '__main__':
    raise SystemExit(main())
