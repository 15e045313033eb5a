"""``mmdet-ohem browse`` by another name; it takes the same arguments."""

from mmdet_ohem.commands import tool

main = tool('browse')

if __name__ == '__main__':
    raise SystemExit(main())
