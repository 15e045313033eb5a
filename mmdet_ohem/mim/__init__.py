"""What mim finds of this package when it trains, tests or searches.

mim looks into ``mmdet_ohem/.mim``, which dev/build_backend.py puts into
each installation.
"""
