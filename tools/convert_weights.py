"""``mmdet-ohem weights`` by another name; it takes the same arguments."""

from mmdet_ohem.commands import tool

main = tool('weights')

if __name__ == '__main__':
    raise SystemExit(main())
