"""Who may import whom under plugins/: the tables, and a walk over the syntax trees that holds them.

A new file needs one line in the table of its folder, saying what it may import. Whoever adds the
line decides a piece of the architecture, which is why an unlisted file fails.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

# plugins/module_utils/ipvs/, the core: file -> the files of the core it may import. Relative, since
# the core is known by two names: to modules below ansible_collections, to the daemon as a package.
CORE = {
    "errors": "",
    "model": "errors",
    "schedulers": "",
    "connections": "errors model",
    "text": "errors model",
    "scope": "errors model",
    "wish": "errors model text scope",
    "afresh": "errors model wish",
    "intake": "errors model text",
    "values": "model text",
    "document": "errors model text wish intake values",
    "changes": "errors model text scope",
    "plain": "errors model text scope changes",
    "ipvsadm": "errors model text",
    "surprises": "errors model",
    "refusals": "errors model changes schedulers text",
    "loadable": "changes refusals",
    "plan": "errors model text scope changes",
    "limits": "errors model text scope changes plan",
    "table": "errors model connections scope changes",
    "remarks": "model changes plan surprises table wish",
    "memory": "errors model connections scope changes refusals schedulers table",
    "reconcile": "errors model scope changes refusals plan table",
    "wire": "errors model",
    "decode": "errors model wire",
    "encode": "errors model changes wire",
    "genetlink": "errors",
    "snat": "errors model",
    "nftrules": "errors model snat wire",
    "iptablesrules": "errors model snat",
    "nfnetlink": "errors",
    "hostaddresses": "model",
    "conntrack": "errors model wire decode",
    "netfilter": "errors model changes wire genetlink snat nftrules iptablesrules nfnetlink",
    "kernel": "errors model connections scope changes refusals table wire decode encode genetlink"
    " conntrack netfilter hostaddresses loadable",
}
# plugins/module_utils/, the joint to Ansible: file -> its neighbours. The core is open to it, but
# for the way to the kernel, which only `task` takes.
JOINT = {
    "drain": "",
    "fileset": "hostfiles",
    "gather": "",
    "hostfiles": "",
    "kernelmodules": "",
    "kernelsettings": "hostfiles kernelmodules",
    "options": "",
    "systemd": "",
    "yamlfile": "",
    "task": "",
}
# plugins/module_utils/network/, what is and shall be of a host's network: file -> its neighbours.
# Of the rest only `kernelmodules` is open to it: a host runs these files at boot, without Ansible.
NETWORK = {
    "facts": "",
    "names": "",
    "plan": "facts",
    "host": "facts",
    "apply": "facts plan",
}
# plugins/module_utils/realserver/, the real server's side: file -> its neighbours. It makes facts
# of the network; of the core, only faults are shared. `notes` and `boot` run at boot, too.
REALSERVER = {
    "notes": "",
    "boot": "notes",
    "wish": "",
    "exposure": "",
    "persistence": "boot notes",
    "run": "exposure notes persistence",
    "arp": "",
    "asked": "arp",
}
# plugins/module_utils/vips/, virtual addresses on an interface: likewise.
VIPS = {"wish": "", "record": "wish", "run": "record wish"}
# What of the joint they have beside the network.
OF_HOSTS = "hostfiles kernelmodules systemd"
# plugins/module_utils/director/, a director as a whole, its daemon included: file -> neighbours. Of
# the core `maintenance` has what changes a table; it is handed one.
DIRECTOR = {
    "daemon": "",
    "gate": "",
    "passing": "daemon gate",
    "maintenance": "daemon",
    "service": "daemon",
    "surroundings": "daemon",
    "dropins": "",
    "rights": "dropins",
    "exchange": "",
    "judge": "",
    "ondisk": "judge",
    "staging": "dropins rights exchange judge",
    "needs": "",
    "versions": "",
    "program": "needs versions",
}
KERNEL = set("kernel genetlink wire decode encode netfilter nfnetlink hostaddresses".split())
# plugins/modules/: documentation and one call. Of the joint all; of the core what names things, and
# neither what decides nor what reaches the kernel.
MODULES_MAY = "errors model text plain scope wish document changes limits"
MODULES_MAY_STDLIB = {"__future__", "os", "time", "traceback", "typing"}
# plugins/modules/ for the host around the table, which the roles are made of: module -> its files
# of the joint. Neither the core, but for its faults, nor the kernel's table is theirs; the host is,
# by way of the standard library.
HOST_MODULES = {
    "file_set": "fileset hostfiles",
    "ipvsman_dropins": "director/judge director/staging",
    "ipvsman_program": "director/needs director/program",
    "ipvsman_service": "director/daemon director/service systemd",
    "kernel_settings": "hostfiles kernelsettings",
    "vip_addresses": "hostfiles systemd network/facts network/host vips/record vips/run"
    " ipvs/errors",
}
# plugins/action/ and plugins/plugin_utils/: the controller's half of some of them.
ACTIONS = {"ipvsman_dropins": "dropins", "ipvsman_program": "program", "ipvs_report": ""}
CONTROLLER = {
    "dropins": "",
    "program": "",
    "standing": "",
    "preview": "",
    "findings": "",
    "comparison": "findings",
    "doctor": "comparison findings",
}
# plugins/filter/: reports, each made by a file of plugin_utils/.
FILTERS = {
    "arp_questions": "comparison",
    "doctor_report": "doctor",
    "drain_standing": "standing",
    "preview_report": "preview",
    "rollout_standing": "standing",
}

# Third parties: the only files that may know them.
FOREIGN = {
    "ansible.module_utils": {
        "module_utils/task",
        "modules/*",
        *(f"modules/{module}" for module in HOST_MODULES),
    },
    "ansible.plugins.action": {f"action/{action}" for action in ACTIONS},
    "ansible.utils.display": {"action/ipvs_report"},
    "ansible.errors": {f"action/{action}" for action in ACTIONS},
    "yaml": {"module_utils/yamlfile", "plugin_utils/dropins"},
}
# Of the standard library, what no file may have: asyncio is the daemon's, and importlib is a way
# round this law.
NEVER = {"asyncio", "importlib"}

# These decide what to change; how a table is reached must be handed to them.
DECIDE = ("changes", "plan", "reconcile")
REACH = KERNEL | {"memory"}

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
HERE = "tests/unit/test_import_law.py"


def allowed_of_hosts() -> dict[str, set[str]]:
    """The same for what is between the joint and the host's network."""
    core, joint, network = "module_utils/ipvs/", "module_utils/", "module_utils/network/"
    allowed = {
        network + file: {network + other for other in neighbours.split()}
        for file, neighbours in NETWORK.items()
    }
    allowed[network + "host"].add(joint + "kernelmodules")
    for folder, files in (("realserver", REALSERVER), ("vips", VIPS)):
        inside = f"module_utils/{folder}/"
        for file, neighbours in files.items():
            allowed[inside + file] = {inside + other for other in neighbours.split()}
            allowed[inside + file] |= {network + other for other in NETWORK}
            if file in ("wish", "asked"):
                allowed[inside + file].add(core + "errors")
            if file in ("persistence", "run"):
                allowed[inside + file] |= {joint + other for other in OF_HOSTS.split()}
    allowed["module_utils/vips/wish"].add(joint + "systemd")
    return allowed


def allowed_files() -> dict[str, set[str]]:
    """All tables as one: file -> the files it may import, as paths below plugins/."""
    core = "module_utils/ipvs/"
    joint = "module_utils/"
    allowed = {core + file: {core + other for other in CORE[file].split()} for file in CORE}
    for file, neighbours in JOINT.items():
        allowed[joint + file] = {joint + other for other in neighbours.split()}
        allowed[joint + file] |= {
            core + other for other in CORE if other not in KERNEL or file == "task"
        }
    allowed.update(allowed_of_hosts())
    director = "module_utils/director/"
    for file, neighbours in DIRECTOR.items():
        allowed[director + file] = {director + other for other in neighbours.split()}
    allowed[director + "service"].add(joint + "systemd")
    allowed[director + "staging"].add(joint + "kernelmodules")
    allowed[director + "maintenance"] |= {core + other for other in CORE if other not in KERNEL}
    allowed["modules/*"] = {joint + other for other in JOINT}
    allowed["modules/*"] |= {director + other for other in DIRECTOR}
    allowed["modules/*"] |= allowed_of_hosts().keys()
    allowed["modules/*"] |= {core + other for other in MODULES_MAY.split()}
    for file, neighbours in HOST_MODULES.items():
        allowed[f"modules/{file}"] = {joint + other for other in neighbours.split()}
    for file, neighbours in ACTIONS.items():
        allowed[f"action/{file}"] = {f"plugin_utils/{other}" for other in neighbours.split()}
    for file, neighbours in FILTERS.items():
        allowed[f"filter/{file}"] = {f"plugin_utils/{other}" for other in neighbours.split()}
    for file, neighbours in CONTROLLER.items():
        allowed[f"plugin_utils/{file}"] = {f"plugin_utils/{other}" for other in neighbours.split()}
    allowed["doc_fragments/*"] = set()
    return allowed


ALLOWED = allowed_files()


def listed_as(file: str) -> str | None:
    """Find the line of the tables that speaks of a file; None if there is none."""
    folder = file.rpartition("/")[0]
    if folder.startswith("module_utils") and file.endswith("/__init__"):
        return file
    return next((name for name in (file, f"{folder}/*") if name in ALLOWED), None)


def imports(file: str, source: str) -> list[tuple[int, str, bool]]:
    """List what a source imports: the line, the name, and whether that is a path below plugins/.

    Otherwise it is a dotted name from outside of the collection.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.lineno, f"{node.module}.{alias.name}", False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = file.split("/")[: -node.level]
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                # `from .model import State` and `from . import model` both name model.
                paths = ["/".join([*base, alias.name]), "/".join(base)]
                path = next((path for path in paths if path in ALLOWED), paths[-1])
                found.append((node.lineno, path, True))
    return sorted(set(found))


def fault_within(name: str, imported: str) -> str | None:
    """Say what is wrong with importing a file of the collection."""
    if imported in ALLOWED.get(name, ()):
        return None
    return f"{name} may not import {imported}"


def fault_outside(name: str, imported: str) -> str | None:
    """Say what is wrong with importing something that is not of the collection."""
    top = imported.partition(".")[0]
    if top == "ansible_collections":
        return "within the collection imports are relative"
    for foreign, files in FOREIGN.items():
        if imported == foreign or imported.startswith(f"{foreign}."):
            return (
                None if name in files else f"only {', '.join(sorted(files))} may import {foreign}"
            )
    if top not in sys.stdlib_module_names:
        return f"{imported} is neither the standard library nor allowed"
    if top in NEVER or (name == "modules/*" and top not in MODULES_MAY_STDLIB):
        return f"{name} may not import {top}"
    return None


def violations(file: str, source: str) -> list[str]:
    """List where a source breaks the law. `file` is its path below plugins/, without .py."""
    name = listed_as(file)
    if name is None:
        return [f"plugins/{file}.py: not in the tables of {HERE}; add it where it belongs"]
    if name.endswith("/__init__"):
        return [f"plugins/{file}.py: stays empty"] if source.strip() else []
    faults = []
    for line, imported, relative in imports(file, source):
        fault = fault_within(name, imported) if relative else fault_outside(name, imported)
        if fault:
            faults.append(f"plugins/{file}.py:{line}: {fault} ({HERE})")
    return faults


def reachable(file: str) -> set[str]:
    """Collect the files of the core that a file may come to import, over any number of steps."""
    seen: set[str] = set()
    ahead = CORE[file].split()
    while ahead:
        following = ahead.pop()
        if following not in seen:
            seen.add(following)
            ahead += CORE[following].split()
    return seen


def test_every_file_keeps_the_law():
    files = sorted(PLUGINS.rglob("*.py"))
    assert files
    faults = [
        fault
        for path in files
        for fault in violations(
            path.relative_to(PLUGINS).with_suffix("").as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_the_tables_have_no_circle():
    assert [file for file in CORE if file in reachable(file)] == []


@pytest.mark.parametrize("file", DECIDE)
def test_what_decides_cannot_reach_the_kernel(file):
    assert reachable(file) & REACH == set()


@pytest.mark.parametrize(
    "file, source",
    [
        ("module_utils/ipvs/model", "import enum\nfrom .errors import InvalidValue"),
        ("module_utils/ipvs/plan", "from . import changes, model"),
        ("module_utils/yamlfile", "import yaml"),
        ("module_utils/task", "from ansible.module_utils.basic import missing_required_lib"),
        ("module_utils/task", "from .ipvs.kernel import KernelTable\nfrom .ipvs import plan"),
        ("modules/ipvs_service", "from __future__ import annotations"),
        ("modules/ipvs_service", "from ansible.module_utils.basic import AnsibleModule"),
        ("modules/ipvs_service", "from ..module_utils import options, task"),
        ("modules/ipvs_service", "from ..module_utils.task import run"),
        ("modules/file_set", "import os\nfrom ..module_utils.hostfiles import HostFiles"),
        ("action/ipvsman_dropins", "from ansible.plugins.action import ActionBase"),
        ("action/ipvsman_dropins", "from ..plugin_utils import dropins"),
        ("plugin_utils/dropins", "import yaml"),
        ("doc_fragments/attributes", "from __future__ import annotations"),
        ("module_utils/ipvs/__init__", ""),
    ],
)
def test_lawful(file, source):
    assert violations(file, source) == []


@pytest.mark.parametrize(
    "file, source, says",
    [
        ("module_utils/ipvs/errors", "from .model import State", "may not import"),
        ("module_utils/ipvs/errors", "from . import model", "may not import"),
        ("module_utils/ipvs/plan", "from .kernel import KernelTable", "may not import"),
        ("module_utils/ipvs/plan", "def f():\n    from . import memory", ":2: "),
        ("module_utils/ipvs/model", "from ..options import SERVICE", "may not import"),
        ("module_utils/ipvs/model", "from . import surprise", "may not import"),
        (
            "module_utils/ipvs/plan",
            "from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import model",
            "imports are relative",
        ),
        ("module_utils/ipvs/kernel", "from pyroute2 import IPRoute", "neither the standard"),
        ("module_utils/ipvs/text", "import yaml", "only module_utils/yamlfile, plugin"),
        ("module_utils/ipvs/text", "import ansible", "neither the standard library nor"),
        (
            "module_utils/ipvs/text",
            "from ansible.module_utils.basic import x",
            "may import ansible",
        ),
        ("module_utils/ipvs/reconcile", "import asyncio", "may not import asyncio"),
        ("module_utils/ipvs/reconcile", "from importlib import import_module", "importlib"),
        ("module_utils/ipvs/model", "import attr", "neither the standard library nor allowed"),
        ("module_utils/options", "import yaml", "only module_utils/yamlfile"),
        ("module_utils/options", "from .task import run", "may not import module_utils/task"),
        ("module_utils/drain", "from .ipvs import kernel", "may not import module_utils/ipvs/k"),
        ("modules/ipvs_info", "from ..module_utils.ipvs.plan import plan", "may not import"),
        ("modules/ipvs_info", "from ..module_utils.ipvs.kernel import KernelTable", "may not"),
        ("modules/ipvs_info", "import subprocess", "may not import subprocess"),
        ("modules/ipvs_info", "from ansible.plugins.action import ActionBase", "only action/"),
        ("modules/file_set", "from ..module_utils.task import run", "may not import module_utils"),
        ("action/ipvsman_program", "from ..plugin_utils import dropins", "may not import plugin"),
        ("plugin_utils/program", "from ansible.errors import AnsibleError", "only action/"),
        ("module_utils/ipvs/__init__", "from .model import State", "stays empty"),
        ("module_utils/ipvs/surprise", "", "not in the tables of tests/unit/test_import_law.py"),
        ("module_utils/surprise", "", "not in the tables"),
        ("action/surprise", "", "not in the tables"),
    ],
)
def test_unlawful(file, source, says):
    (fault,) = violations(file, source)
    assert f"plugins/{file}.py" in fault
    assert says in fault
