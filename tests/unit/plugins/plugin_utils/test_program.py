from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.plugins.plugin_utils.program import Program

COLLECTION = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def program():
    return Program(COLLECTION)


@pytest.fixture
def small(tmp_path):
    """A collection with a small program."""
    for path, text in {
        "roles/ipvsman/files/ipvsman/__init__.py": '__version__ = "1.2.3"\n',
        "roles/ipvsman/files/ipvsman/sub/x.py": "x\n",
        "roles/ipvsman/files/man/ipvsman.8": "man\n",
        "roles/ipvsman/files/requirements.txt": "h11==1\n",
        "plugins/module_utils/ipvs/model.py": "model\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_core_lies_in_the_daemon(program):
    assert {"ipvsman/__main__.py", "ipvsman/ipvs/model.py", "ipvsman/ctl/__main__.py"} <= set(
        program.files
    )
    assert "requirements.txt" in program.files


def test_litter_of_a_checkout_is_left_out(small):
    clean = Program(small)
    root = small / "roles/ipvsman/files"
    for path in (
        "ipvsman/__pycache__/x.cpython-311.pyc",
        "ipvsman/x.pyc",
        "ipvsman/.mypy_cache/x",
        "ipvsman/ipvs/model.py",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("litter")
    assert Program(small).files == clean.files


def test_the_same_files_make_the_same_archive_elsewhere_and_later(small, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("x") / "y"
    shutil.copytree(small, elsewhere, copy_function=shutil.copyfile)
    one, other = Program(small), Program(elsewhere)
    assert one.name() == other.name()
    assert gunzipped(one) == gunzipped(other)


def gunzipped(program):
    with tarfile.open(fileobj=io.BytesIO(program.archive())) as tar:
        return [
            (entry.name, entry.mode, entry.mtime, entry.uid, tar.extractfile(entry).read())
            for entry in tar
        ]


def test_the_archive_has_every_file(program):
    told = {name: content for name, *_unused, content in gunzipped(program)}
    assert told == program.files


def test_name(small):
    name = Program(small).name("install=distro")
    assert name.startswith("1.2.3-")
    assert len(name) == len("1.2.3-") + 12
    assert Program(small).name("install=venv") != name
    (small / "roles/ipvsman/files/ipvsman/sub/x.py").write_text("y\n")
    assert Program(small).name("install=distro") != name


def test_a_renamed_file_is_another_program(small):
    name = Program(small).name()
    folder = small / "roles/ipvsman/files/ipvsman/sub"
    (folder / "x.py").rename(folder / "y.py")
    assert Program(small).name() != name


def test_a_program_without_a_version_is_refused(small):
    (small / "roles/ipvsman/files/ipvsman/__init__.py").write_text("")
    with pytest.raises(ValueError, match="no __version__"):
        Program(small).name()
