"""Look, before days of training, whether all is there that it needs.

``diagnose`` runs the checks; each finds lines that are ok, a warning or an
error with its remedy. Modules here import torch and mmdet only when they are
called: some of the lines are about these being missing.
"""
