"""asv's repository and environment of releases: each one gets the environment that the suite built for it, and keeps it.

asv knows one environment for each row of its matrix and would install every release into that one anew. Here a release is
"installed" by finding its built environment, and asv's benchmarks run in asv's own interpreter: they start the suite's
workers, which train in the release's environment, and hand on what these measured. So nothing of asv's is added to it.

asv.conf.json names this module in "plugins" with a leading dot, as asv 0.6.6 takes other names for modules of its own.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv import util
from asv.console import log
from asv.environment import Environment
from asv.plugins.git import Git

from framegate.errors import FramegateError
from framegate.runner.history import branches, is_history, pin_at
from framegate.runner.journal import ASV
from framegate.runner.release_cells import release_cells

SESSION = f"{ASV}{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%f}"  # the run of the suite that one call of asv is


class ReleaseHistory(Git):  # type: ignore[misc]  # asv has no types
    """The release history. Not every branch that asv.conf.json names need be there: people follow what they use."""

    dvcs = "framegate"

    def __init__(self, url: str, mirror_path: str) -> None:
        try:
            found = is_history(Path(url))
        except FramegateError as error:
            raise util.UserError(str(error)) from None
        if not found:
            raise util.UserError(f"{url}: no release history; make it with: framegate releases")
        super().__init__(url, mirror_path)

    def get_branch_commits(self, branch: str) -> list[str]:
        """Return the hashes of a branch's commits, the newest first."""
        return list(super().get_branch_commits(branch)) if branch in branches(Path(self._path)) else []


class ReleaseEnvironment(Environment):  # type: ignore[misc]  # asv has no types
    """The environment of whatever release is being measured."""

    tool_name = "framegate"

    def __init__(self, conf: Any, python: str, requirements: dict[str, str], variables: dict[Any, str]) -> None:
        self._release = ""
        self._requirements = requirements  # asv asks for it before its own constructor sets it
        super().__init__(conf, python, requirements, variables)

    @classmethod
    def matches(cls, python: str) -> bool:
        """Return True: which Python a release runs on says the environment whose place it takes."""
        return True

    def check_presence(self) -> bool:
        """Return True: there is nothing of asv's own to set up."""
        return True

    def create(self) -> None:
        """Environments are built when a release is installed."""

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Build the release's environment where that was not done yet. Raises ProcessError, on which asv skips the release."""
        try:
            self._release = pin_at(Path(conf.repo), commit_hash)
            release_cells(self._release, "cpu", Path.cwd(), log.info).build(log.info)
        except FramegateError as error:
            log.error(str(error))
            raise util.ProcessError([f"build of {commit_hash[:8]}"], 1, "", str(error)) from None
        self._set_commit_hash(commit_hash)

    def find_executable(self, executable: str) -> str:
        """Return asv's own interpreter."""
        return sys.executable

    def run(self, args: list[str], **options: Any) -> Any:
        """Run a script of asv's, which imports the benchmarks."""
        variables = dict(options.pop("env", os.environ))
        variables |= {"FRAMEGATE_RELEASE": self._release, "FRAMEGATE_SESSION": SESSION}
        return self.run_executable("python", args, env=variables, **options)
