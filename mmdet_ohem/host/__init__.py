"""The one place that uses what mmdet, mmengine, mmcv and torch do not promise.

Each module names what it relies on, and in which version that was read. When
the host changes, only this folder has to follow; a test checks that no other
folder uses a private name.
"""
