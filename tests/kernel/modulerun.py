"""A module run to its end in this process, by the arguments that Ansible would hand it."""

from __future__ import annotations

import contextlib
import io
import json
from types import ModuleType
from typing import Any
from unittest import mock

from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args


def result_of(module: ModuleType, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """What it returns, as Ansible reads it; the warnings of earlier runs are not among it."""
    arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_diff": True}
    output = io.StringIO()
    with (
        mock.patch.object(warnings, "_global_warnings", {}),
        patch_module_args(arguments),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result: dict[str, Any] = json.loads(output.getvalue())
    del result["invocation"]
    return result
