"""JSON files of unknown origin."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=4)
def read_json(path: Path) -> Any:
    """Content of a JSON file; None where it is none.

    Args:
        path: The file.
    """
    try:
        return json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError):
        return None
