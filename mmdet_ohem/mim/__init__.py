"""What ``mim train``, ``test``, ``search`` and the like find of this package.

mim looks into ``mmdet_ohem/.mim``, which dev/build_backend.py puts into
each installation.
"""
