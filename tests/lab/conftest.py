import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# The lab's files import each other as neighbours, whatever the tests are started from.
sys.path.insert(0, str(HERE))

from outside import HOST_IN_UML, UML  # noqa: E402 - found by the line above


@pytest.fixture(params=["uml", "host"])
def lab(request: pytest.FixtureRequest) -> list[str]:
    """A command line that wants options and a command: for what both backends promise."""
    return UML if request.param == "uml" else HOST_IN_UML


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of the lab that every user can read, at an awkward place."""
    with tempfile.TemporaryDirectory(prefix="check out ", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        copy = Path(directory, "tests", "lab")
        shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        yield copy
