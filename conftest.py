"""Makes `ansible_collections.lvs.ipvs` importable from the checkout, whatever its path and name.

Nothing is written, Ansible is not needed, and ansible-test's own loader is left in charge.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

COLLECTION = "ansible_collections.lvs.ipvs"
CHECKOUT = str(Path(__file__).resolve().parent)


def folders_of(package: str) -> list[str] | None:
    """Say where a package's submodules are searched for; None if there is no such package."""
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:  # one of its parents is missing
        return None
    return spec and list(spec.submodule_search_locations or [])


def add_package(name: str, *folders: str) -> None:
    """Register a package without code whose submodules are searched for in the folders."""
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = list(folders)
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    if "." in name:
        parent, child = name.rsplit(".", maxsplit=1)
        setattr(sys.modules[parent], child, package)


if CHECKOUT not in (folders_of(COLLECTION) or []):
    # Other collections may be installed: of the parents, only what is missing is added.
    for parent in ("ansible_collections", "ansible_collections.lvs"):
        if folders_of(parent) is None:
            add_package(parent)
        else:
            importlib.import_module(parent)
    # An installed release of this collection is not what is to be tested.
    add_package(COLLECTION, CHECKOUT)
