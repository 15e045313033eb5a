"""What ``mmdet-ohem init`` noted of what it made."""

import hashlib
import json
from pathlib import Path

from mmdet_ohem.own_data.files import MADE


def read_made(out: Path) -> dict:
    """What earlier calls noted in their folder.

    Args:
        out: The folder.

    Returns:
        The version, and the digest of the config; empty for a new folder.
    """
    file = out / MADE
    return json.loads(file.read_text('utf-8')) if file.exists() else {}


def digest(text: str) -> str:
    """SHA-256 of a text.

    Args:
        text: Of a config.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def was_edited(config: Path) -> bool:
    """Whether a config is there that is not as an earlier call wrote it.

    Args:
        config: The file.
    """
    if not config.exists():
        return False
    noted = read_made(config.parent).get('config')
    return digest(config.read_text('utf-8')) != noted
