"""``mmdet-ohem proposals`` by another name; it takes the same arguments."""

from mmdet_ohem.commands import tool

main = tool('proposals')

if __name__ == '__main__':
    raise SystemExit(main())
