"""Whatever is shown can be used: examples, playbooks, and the YAML in README.md and docs/.

Options are checked by the modules' own argument specifications and by the core's reader, so what
passes here fails on a kernel's word at the most.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.lvs.ipvs.plugins.module_utils import options
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import Reader
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import InvalidValue
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.memory import MemoryTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import SERVICES
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import resolve
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.asked import asked_of
from ansible_collections.lvs.ipvs.plugins.module_utils.realserver.wish import facts_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "roles").glob("*/README.md")),
]
TABLES = [
    *sorted((ROOT / "examples" / "tables").glob("*.yaml")),
    ROOT / "playbooks" / "demo" / "table-document.yaml",
]
PLAYBOOKS = [
    *sorted((ROOT / "examples").glob("*.yml")),
    *sorted((ROOT / "playbooks" / "demo").rglob("*.yml")),
]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("ipvs_*.py"))

TABLE_KEYS = {"defaults", "services", "timeouts", "sync_daemons"}

#: What the core makes of a module's options, beyond their shape.
WISHES = {
    "ipvs_service": options.service_wish,
    "ipvs_destination": options.pool_wish,
    "ipvs_timeout": options.timeouts_wish,
    "ipvs_sync_daemon": options.daemon_wish,
    "ipvs_config": lambda params: read_table(params["table"]),
    "ipvs_info": lambda params: options.service_filter(params["service"] or []),
    "ipvs_realserver": facts_of,
    "ipvs_arp_probe": asked_of,
}
#: A fenced block, with the words after the fence: the language, and `faulty` for what is refused.
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FAULTY = re.compile(r"^```yaml faulty\n(.*?)^```$.*?^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What stands for something else in a quoted message.
PLACEHOLDER = re.compile(r"\(?'?\b(?:[A-Z]{3,}|[NM])\b'?|\.\.\.|\w+\[.*|'tunnel'")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"`([\w./-]+)`")


def relative(path):
    return str(path.relative_to(ROOT))


def read_table(data):
    reader = Reader()
    wish = reader.table(data)
    reader.finish()
    return wish


def read_and_resolve(data):
    """Read a document, and find what shows only with a table beside it."""
    table = MemoryTable(interfaces={"eth1": 1500})
    return resolve(read_table(data), table.read(SERVICES), table.mtu)


def validator(module, monkeypatch):
    """What the module makes AnsibleModule from, as a validator."""
    code = importlib.import_module(f"ansible_collections.lvs.ipvs.plugins.modules.{module}")
    told = {}

    class Stop(Exception):
        pass

    def ansible_module(**kwargs):
        told.update(kwargs)
        raise Stop

    monkeypatch.setattr(code, "AnsibleModule", ansible_module)
    with pytest.raises(Stop):
        code.main()
    told.pop("supports_check_mode")
    return ArgumentSpecValidator(**told)


def rounds(task):
    """The task's options for each item of a loop that is written out."""
    (module,) = (name for name in task if name.partition("lvs.ipvs.")[2] in MODULES)
    for item in task["loop"] if isinstance(task.get("loop"), list) else [None]:
        yield (
            module.partition("lvs.ipvs.")[2],
            {
                name: item if value == "{{ item }}" else value
                for name, value in (task[module] or {}).items()
            },
        )


def check_tasks(tasks, monkeypatch):
    """How many tasks of ours there were; fails on the first that cannot be run."""
    ours = [task for task in tasks if any(name.startswith("lvs.ipvs.") for name in task)]
    for task in ours:
        for module, given in rounds(task):
            result = validator(module, monkeypatch).validate(given)
            assert not result.error_messages, f"{task['name']}: {result.error_messages}"
            if "src" not in given:
                WISHES[module](result.validated_parameters)
    return len(ours)


def role_spec(options):
    """Options of a role's meta/argument_specs.yml, as a validator takes them: no descriptions."""
    return {
        name: {
            key: role_spec(value) if key == "options" else value
            for key, value in option.items()
            if key not in ("description", "version_added")
        }
        for name, option in options.items()
    }


def check_roles(roles):
    """How many roles of ours there were; fails on the first whose variables are not known."""
    ours = [role for role in roles if role["role"].startswith("lvs.ipvs.")]
    for role in ours:
        meta = ROOT / "roles" / role["role"].rpartition(".")[2] / "meta" / "argument_specs.yml"
        options = yaml.safe_load(meta.read_text(encoding="utf-8"))["argument_specs"]["main"]
        validator = ArgumentSpecValidator(role_spec(options["options"]))
        result = validator.validate(role.get("vars") or {})
        assert not result.error_messages, f"{role['role']}: {result.error_messages}"
    return len(ours)


def check_plays(plays, monkeypatch):
    return sum(check_roles(play.get("roles") or []) for play in plays) + sum(
        check_tasks(play.get(section) or [], monkeypatch)
        for play in plays
        for section in ("pre_tasks", "tasks", "post_tasks", "handlers")
    )


def blocks(page, language):
    """The blocks of a language, each with its line, its second word and its text."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if found.group(1) == language:
            yield text.count("\n", 0, found.start()) + 1, found.group(2), found.group(3)


@pytest.mark.parametrize("path", TABLES, ids=relative)
def test_table_document(path):
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert len(read_and_resolve(data).services) == len(data["services"])


@pytest.mark.parametrize("path", PLAYBOOKS, ids=relative)
def test_playbook(path, monkeypatch):
    plays = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert check_plays(plays, monkeypatch) > 0


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_yaml_of_page(path, monkeypatch):
    for line, word, text in blocks(path, "yaml"):
        if word == "faulty":
            continue
        where = f"{relative(path)}:{line}"
        data = yaml.safe_load(text)
        if isinstance(data, dict) and not data.keys() & TABLE_KEYS:
            continue
        if isinstance(data, dict):
            try:
                read_table(data)
            except InvalidValue as invalid:
                pytest.fail(f"{where}: {invalid}")
        elif "hosts" in data[0]:
            assert check_plays(data, monkeypatch), where
        else:
            check_tasks(data, monkeypatch)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_faults_of_page_are_what_the_reader_says(path):
    """A faulty document is followed by what is said about it, to the letter."""
    text = path.read_text(encoding="utf-8")
    pairs = FAULTY.findall(text)
    assert len(pairs) == text.count("```yaml faulty")
    for document, said in pairs:
        with pytest.raises(InvalidValue) as caught:
            read_and_resolve(yaml.safe_load(document))
        assert str(caught.value) == said.rstrip("\n")


def test_examples_of_the_readme_are_files():
    files = {path.read_text(encoding="utf-8") for path in (ROOT / "examples").rglob("*.y*ml")}
    shown = [text for _line, _word, text in blocks(ROOT / "README.md", "yaml")]
    assert len(shown) == 5
    assert set(shown) <= files


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_links_lead_somewhere(path):
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_map_of_the_tree():
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Map")[2]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in NAMED.findall(row)]
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_errors_of_the_guide_are_those_of_the_code():
    """What the headings quote is written in the sources, but for the words in capitals."""
    code = "\0".join(
        node.value
        for path in [*(ROOT / "plugins").rglob("*.py"), Path(basic.__file__)]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    headings = re.findall(r"^##+ (.*`.*)$", text, re.MULTILINE)
    quotes = [quote for heading in headings for quote in re.findall(r"`([^`]+)`", heading)]
    pieces = [piece for quote in quotes for piece in PLACEHOLDER.split(quote) if len(piece) > 7]
    assert len(pieces) > 15
    assert [piece for piece in pieces if piece not in code] == []
