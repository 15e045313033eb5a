"""What of mmdet, mmengine, mmcv and torch a module uses that is not promised.

Found in its source, which is parsed and not run.
"""

import ast
import importlib
import re
from collections.abc import Iterator

HOSTS = {'mmcv', 'mmdet', 'mmengine', 'torch', 'torchvision'}

# Private by their name, documented all the same.
PROMISED = {'os._exit'}

# Names without an underscore that are no less private: insides of mmengine's
# log and loops, of mmdet's cascades, of configs, and of any Python object.
TRICKS = {
    'MethodType',
    '__dict__',
    '__mro__',
    'clear_autocast_cache',
    'current_stage',
    'dataloader_iterator',
    'datasets',
    'delattr',
    'glbctx_head',
    'log_scalars',
    'refine_bboxes',
    'semantic_fusion',
    'semantic_head',
    'setattr',
    'transforms',
    'vars',
    'with_glbctx',
    'with_semantic',
}
CONFIG_KEYS = {'datasets', 'transforms'}
# Attributes by which one might guess what kind of thing the host gave.
PROBES = {
    'bbox_head',
    'bbox_roi_extractor',
    'bbox_sampler',
    'get_capabilities',
    'num_stages',
    'roi_head',
    'test_cfg',
}
# Attributes of the host's objects that a patch would set.
PATCHES = {
    'bbox_head',
    'bbox_roi_extractor',
    'extract_feat',
    'forward',
    'model',
    'predict_bbox',
    'roi_head',
    'sample',
    'test_cfg',
    'test_step',
    'train_cfg',
    'training',
    'val_step',
}


def is_private(name: str) -> bool:
    # Config keys such as _delete_ and _base_ are mmengine's public syntax.
    return bool(re.fullmatch(r'_[a-zA-Z]\w*(?<!_)', name))


class Seam(ast.NodeVisitor):
    """Collects what a module uses of the host's insides.

    Args:
        own: Private names that our own code defines.
        classes: Those of the module.
    """

    def __init__(self, own: set[str], classes: set[str]) -> None:
        self.own = own
        self.owners = {'self', 'cls', 'super()', *classes}
        self.found: list[tuple[int, str]] = []

    def add(self, node: ast.AST, what: str) -> None:
        self.found.append((node.lineno, what))  # type: ignore[attr-defined]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        imported = [*(node.module or '').split('.')]
        imported += [alias.name for alias in node.names]
        for name in imported:
            if is_private(name) or name in TRICKS - CONFIG_KEYS:
                self.add(node, f'import {name}')

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner, whole = ast.unparse(node.value), ast.unparse(node)
        ours = owner in self.owners and node.attr in self.own
        is_hidden = is_private(node.attr) and not ours
        is_trick = node.attr in TRICKS - CONFIG_KEYS
        if whole not in PROMISED and (is_hidden or is_trick):
            self.add(node, whole)
        is_set = isinstance(node.ctx, ast.Store)
        if is_set and node.attr in PATCHES and owner != 'self':
            self.add(node, f'{whole} = ...')
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in ('vars', 'setattr', 'delattr', 'MethodType'):
            self.add(node, node.id)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        if name in ('hasattr', 'getattr') and len(node.args) > 1:
            probed = ast.unparse(node.args[1]).strip("'")
            if probed in PROBES or is_private(probed):
                self.add(node, f'{name}(..., {probed!r})')
                node.args.pop(1)
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        for value in node.values:
            if not isinstance(value, ast.Constant):
                self.visit(value)

    def visit_Constant(self, node: ast.Constant) -> None:
        text = str(node.value)
        # A name of several words; one word may be the end of another name.
        is_name = is_private(text) and '_' in text[1:] and text not in self.own
        if is_name or text in TRICKS:
            self.add(node, repr(text))


def own_names(tree: ast.AST) -> set[str]:
    """Private names that a module defines."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute):
            is_set = isinstance(node.ctx, ast.Store)
            if is_set and ast.unparse(node.value) in ('self', 'cls'):
                names.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return set(filter(is_private, names))


def uses(code: str, own: set[str] | None = None) -> list[tuple[int, str]]:
    """Lines of a module that use the host's insides, and how."""
    tree = ast.parse(code)
    nodes = [x for x in ast.walk(tree) if isinstance(x, ast.ClassDef)]
    seam = Seam(own_names(tree) | (own or set()), {x.name for x in nodes})
    seam.visit(tree)
    return seam.found


def overrides(module: str, code: str) -> Iterator[tuple[int, str]]:
    """Private methods of the host that a module's classes override."""
    for node in ast.parse(code).body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = getattr(importlib.import_module(module), node.name).__mro__
        theirs = [
            base for base in bases if base.__module__.split('.')[0] in HOSTS
        ]
        for method in node.body:
            if not isinstance(method, ast.FunctionDef):
                continue
            for base in theirs:
                if is_private(method.name) and method.name in vars(base):
                    what = f'{node.name} overrides {method.name}'
                    yield method.lineno, f'{what} of {base.__name__}'
                    break
