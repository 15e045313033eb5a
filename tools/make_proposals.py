"""``mmdet-ohem proposals make``, by the name that it had first."""

from mmdet_ohem.commands import tool

main = tool('proposals.make')

if __name__ == '__main__':
    raise SystemExit(main())
