"""An AnsibleModule for the modules that manage a host: options, and commands that answer."""

from __future__ import annotations

from pathlib import Path


class HostModule:
    """commands: words -> (status, output, errors), for the commands that begin with them."""

    def __init__(self, tmp_path: Path, check_mode: bool = False, commands=None, **params):
        self.params = params
        self.check_mode = check_mode
        self.tmpdir = str(tmp_path)
        self.commands = commands or {}
        self.told = []
        self.warnings = []

    def get_bin_path(self, name, **_unused):
        return f"/bin/{name}"

    def run_command(self, words):
        line = " ".join(words)
        self.told.append(line)
        for beginning, answer in self.commands.items():
            if line.startswith(beginning):
                return answer() if callable(answer) else answer
        return 0, "", ""

    def warn(self, message):
        self.warnings.append(message)
