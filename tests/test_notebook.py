"""The notebook runs, cell by cell, as a reader would run it."""

import ast
import json
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / 'docs/python_api.ipynb'


def run(cell: str, names: dict[str, Any]) -> Any:
    """Run a cell; what its last line is worth, as a notebook shows it."""
    *lines, last = ast.parse(cell).body
    exec(compile(ast.Module(lines, []), 'cell', 'exec'), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), 'cell', 'eval'), names)
    exec(compile(ast.Module([last], []), 'cell', 'exec'), names)
    return None


def test_every_cell_runs() -> None:
    content = json.loads(NOTEBOOK.read_text())
    assert content['nbformat'] == 4
    names: dict[str, Any] = {}
    shown = [
        run(''.join(cell['source']), names)
        for cell in content['cells']
        if cell['cell_type'] == 'code'
    ]
    assert shown[0].tolist() == [1, 3]
    assert shown[1] == ['mmdet_ohem.OHEMSampler'] * 3
    assert shown[2] == 4
    assert shown[3].tolist() == [[0, 0, 12, 10]]
    assert shown[4] is True


def test_no_output_is_kept() -> None:
    cells = json.loads(NOTEBOOK.read_text())['cells']
    assert not any(cell.get('outputs') for cell in cells)
