"""Read the config that a training has dumped, and run nothing of it.

mmengine writes a config into the folder of a run as the source of a program,
and reads it by running it. What it writes are assignments of plain values:
these are understood here from the source, and nothing else is.

Relies on ``Config.dump`` of mmengine 0.10.7, which writes ``name = value``
lines with ``dict(...)`` and displays of dicts, lists and tuples. Numbers that
are not finite are ``inf`` and ``nan`` in them.
"""

import ast
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import Config

_REMEDY = (
    'Remedy: give the folder of a training, where mmengine has dumped the '
    'whole config'
)
_NUMBERS = {'inf': math.inf, 'nan': math.nan}
# MemoryError and RecursionError: it is nested too deeply; KeyError, TypeError:
# a key is one that mmengine reserves, or cannot be one.
_NO_CONFIG = (
    SyntaxError,
    ValueError,
    MemoryError,
    RecursionError,
    KeyError,
    TypeError,
)


class UnsafeConfigError(ValueError):
    """A config is a program, not a dump; the message names file and line."""


def read_dumped_config(path: str | os.PathLike[str]) -> Config:
    """Read a config that was dumped, without running it.

    Modules that it wants imported are not imported. What builds a detector
    needs them: it has to run the config, by mmengine's ``Config.fromfile``.

    Args:
        path: The ``.py`` file.

    Returns:
        The config.

    Raises:
        OSError: The file cannot be read.
        UnsafeConfigError: It holds more than plain values, or other configs
            as its bases.
        ValueError: It is no source of Python.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding='utf-8')
        body = ast.parse(text).body
        values = _values(body, path)
        return Config(values, cfg_text=text, filename=str(path))
    except UnsafeConfigError:
        raise
    except _NO_CONFIG as error:
        raise ValueError(
            f'{path} is not a config that mmengine dumped '
            f'({type(error).__name__}: {error}). {_REMEDY}'
        ) from error


def _values(body: list[ast.stmt], path: Path) -> dict[str, Any]:
    """What is assigned, by name."""
    values: dict[str, Any] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                if name == '_base_':
                    _refuse(statement, path)
                values[name] = _value(statement.value, path)
            # A text alone, such as one at the head of the file.
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                _refuse(statement, path)
    return values


def _value(node: ast.expr, path: Path) -> Any:
    """A plain value, from its source."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in _NUMBERS:
            return _NUMBERS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand, path)
            if isinstance(value, int | float):
                return -value
        case ast.List(elts=items):
            return [_value(item, path) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, path) for item in items)
        case ast.Set(elts=items):
            return {_value(item, path) for item in items}
        case ast.Dict(keys=keys, values=items) if None not in keys:
            return {
                _value(key, path): _value(item, path)
                for key, item in zip(keys, items, strict=True)
                if key is not None
            }
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            # Without a name, it is dict(**other).
            if all(word.arg is not None for word in keywords):
                return {
                    str(word.arg): _value(word.value, path)
                    for word in keywords
                }
        case ast.Call(
            func=ast.Name(id='dict'), args=[ast.Dict() as inner], keywords=[]
        ):
            return _value(inner, path)
        case ast.Call(
            func=ast.Name(id='float'),
            args=[ast.Constant(value=str(text))],
            keywords=[],
        ):
            return float(text)
    _refuse(node, path)


def _refuse(node: ast.stmt | ast.expr, path: Path) -> NoReturn:
    found = ast.unparse(node).partition('\n')[0][:80]
    raise UnsafeConfigError(
        f'{path}, line {node.lineno}: {found!r} is no plain value; to '
        f'understand it, this config would have to be run. Nothing was run. '
        f'{_REMEDY}'
    )
