"""``mmdet-ohem features`` by another name; it takes the same arguments."""

from mmdet_ohem.commands import tool

main = tool('features')

if __name__ == '__main__':
    raise SystemExit(main())
