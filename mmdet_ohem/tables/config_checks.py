"""Look at the configs of a table before its runs start."""

import copy
from collections.abc import Callable
from threading import Lock

from mmengine.config import Config

from mmdet_ohem.doctor.config import check_config
from mmdet_ohem.doctor.finding import ERROR, WARNING
from mmdet_ohem.tables.execute import RunError
from mmdet_ohem.tables.run_plan import Run


class ConfigChecks:
    """The doctor's checks, without its training step, once for each config.

    Args:
        on_warning: Called with each warning.
    """

    def __init__(self, on_warning: Callable[[Run, str], None]) -> None:
        self._on_warning = on_warning
        self._errors: dict[tuple[str, str], str] = {}
        # Runs go side by side; mmengine's log and scope are one for all.
        self._lock = Lock()

    def __call__(self, run: Run, config: Config) -> None:
        """Look at the config of a run, unless it was looked at before.

        Args:
            run: Which.
            config: Its config, left as it is.

        Raises:
            RunError: Something would keep it from training; the message has
                all that was found.
        """
        with self._lock:
            key = (str(run.row.name), run.data)
            if key not in self._errors:
                self._errors[key] = self._look(run, config)
            if self._errors[key]:
                raise RunError(self._errors[key])

    def _look(self, run: Run, config: Config) -> str:
        found = list(check_config(copy.deepcopy(config), run.folder))
        for finding in found:
            if finding.level == WARNING:
                self._on_warning(run, f'{finding.what}: {finding.text}')
        return '; '.join(
            f'{x.what}: {x.text}' for x in found if x.level == ERROR
        )
