"""``mmdet-ohem table --results``, with the table as ``--table``."""

from mmdet_ohem.commands import tool

main = tool('results')

if __name__ == '__main__':
    raise SystemExit(main())
