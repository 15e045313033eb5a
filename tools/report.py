"""``mmdet-ohem report`` by another name; it takes the same arguments."""

from mmdet_ohem.commands import tool

main = tool('report')

if __name__ == '__main__':
    raise SystemExit(main())
