"""Build mmcv's ops in minutes, and keep the wheel; see dev/README.md."""
