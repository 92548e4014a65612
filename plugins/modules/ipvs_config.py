#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole table in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_config
short_description: Bring a whole IPVS table to what a document says
version_added: 0.1.0
description:
  - Compares virtual services, destinations, timeouts and sync daemons with a document and makes exactly
    the changes that are needed, in an order that adds before it removes.
  - Services and destinations that the document does not name are left alone unless purged.
  - In a document, scheduler, forwarding and weight that are left out take the document's defaults (in the
    end V(rr), V(direct) and V(1)). Everything else that is left out keeps what the kernel has, unless
    O(left_out=default).
extends_documentation_fragment:
  - lvs.ipvs.attributes
  - lvs.ipvs.host
  - lvs.ipvs.table
  - lvs.ipvs.left_out
options:
  table:
    description:
      - The document. See the examples and the notes.
      - Mutually exclusive with O(src); one of them is needed.
    type: dict
  src:
    description: Path of a YAML (or JSON) file on the managed host with the document.
    type: path
  purge_services:
    description:
      - Remove virtual services that the document does not name.
      - The document has to say V(services) then, as V([]) when none is to remain. An empty file removes
        nothing.
    type: bool
    default: false
  purge_destinations:
    description:
      - Remove destinations of the services named which the document does not name.
      - There is a warning when a service does not say V(destinations) and loses some; V([]) says that none is to
        remain.
    type: bool
    default: false
  keep_weights:
    description: Leave the weights of destinations that exist as they are, also with O(left_out=default).
    type: bool
    default: false
  allowed_changes:
    description:
      - Kinds of change that may be made. When anything else would be needed, the task fails before
        anything has happened. All when left out.
      - Removing a service takes its destinations along and needs only V(remove_service). A sync daemon
        that has to be changed is stopped and started. Where a service has V(local_addresses), it takes
        V(set_local_addresses), and V(track_connections) the first time.
    type: list
    elements: str
    choices:
      - track_connections
      - set_local_addresses
      - add_service
      - edit_service
      - add_destination
      - edit_destination
      - remove_destination
      - remove_service
      - set_timeouts
      - stop_sync_daemon
      - start_sync_daemon
  max_removals:
    description:
      - How many services and destinations may be removed, a number or a percentage like V(10%) of those
        that are there in the part of the table this task looks at. Destinations that go with their
        service count. When more would go, the task fails before anything has happened.
    type: str
requirements:
  - PyYAML on the managed host, for O(src)
notes:
  - "The document has the keys V(defaults) (V(port), V(weight), V(scheduler), V(forwarding)), V(services),
    V(timeouts) (V(tcp), V(tcp_fin), V(udp)) and V(sync_daemons) (a list of V(role), V(interface),
    V(sync_id), V(maxlen), V(group), V(port), V(ttl))."
  - "A service has V(address) or V(service) (its name, such as V(tcp://192.0.2.1:80)), V(scheduler) or
    V(sched), V(flags), V(persistence), V(netmask), V(engine), V(local_addresses) (see
    O(lvs.ipvs.ipvs_service#module:local_addresses)) and V(destinations)."
  - "A destination has V(address) (alone or with the port), V(port), V(weight), V(forwarding) or
    V(forward), V(upper_threshold), V(lower_threshold) and V(tunnel) (V(type), V(port), V(checksum)).
    Its port, when left out, is V(defaults.port), else that of the service."
  - What RV(lvs.ipvs.ipvs_info#module:services) returns is a list of services in this form.
seealso:
  - module: lvs.ipvs.ipvs_info
"""

EXAMPLES = r"""
- name: The whole table, and nothing else in it
  lvs.ipvs.ipvs_config:
    table:
      defaults:
        scheduler: wrr
        forwarding: masquerade
      services:
        - address: tcp://192.0.2.1:80
          persistence: 300
          destinations:
            - address: 10.0.0.11:8080
            - address: 10.0.0.12:8080
              weight: 2
        - address: udp://[2001:db8::1]:53
          flags: [one-packet]
          destinations:
            - address: 2001:db8:1::53
      timeouts:
        udp: 60
    purge_services: true
    purge_destinations: true
    max_removals: 20%

- name: From a file on the host, its services the same on every director, whatever each had before
  lvs.ipvs.ipvs_config:
    src: /etc/ipvsctl.yaml
    left_out: default

- name: From a file on the host, never removing anything
  lvs.ipvs.ipvs_config:
    src: /etc/ipvsctl.yaml
    allowed_changes: [add_service, edit_service, add_destination, edit_destination]
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in the order of its doing.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: What was done, such as V(add_service) or V(edit_destination).
      type: str
    service:
      description: Name of the virtual service.
      type: str
    destination:
      description: The destination as V(ADDRESS:PORT), when it is about one.
      type: str
    before:
      description: The settings before, or none when it is new.
      type: dict
    after:
      description: The settings after, or none when it is removed.
      type: dict
    summary:
      description: The change in one line.
      type: str
      sample: "edit service tcp://192.0.2.1:80: scheduler wlc -> mh"
services:
  description: The services in scope as they are now, or would be; in the form of the document.
  returned: success
  type: list
  elements: dict
timeouts:
  description: The timeouts, when the document names some.
  returned: success
  type: dict
sync_daemons:
  description: The sync daemons of the roles that the document names.
  returned: success
  type: list
  elements: dict
counts:
  description: How many changes of each kind.
  returned: success
  type: dict
  sample:
    add_service: 1
    add_destination: 3
refused_changes:
  description: What would have been changed, when O(allowed_changes) or O(max_removals) forbids it.
  returned: when a limit refused the changes
  type: list
  elements: dict
faults:
  description: Everything that is wrong with the options.
  returned: when options are wrong
  type: list
  elements: dict
  contains:
    path:
      description: The option.
      type: str
      sample: destinations[0].weight
    reason:
      description: What is wrong with it.
      type: str
      sample: 70000 is not in 0..65535
refused:
  description: Changes that the kernel refused.
  returned: when the kernel refused something
  type: list
  elements: dict
  contains:
    change:
      description: The change, as in RV(changes).
      type: dict
    errno:
      description: The kernel's error number.
      type: int
    reason:
      description: What it means.
      type: str
"""

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.ipvs.changes import ACTIONS
from ..module_utils.ipvs.document import Reader
from ..module_utils.ipvs.errors import Fault, InvalidValue
from ..module_utils.ipvs.limits import parse_limits
from ..module_utils.ipvs.plain import plain_table
from ..module_utils.ipvs.wish import TableWish
from ..module_utils.options import common_spec, left_out_spec
from ..module_utils.task import Task, run
from ..module_utils.yamlfile import YAML_ERROR, YamlFile


def manage(task: Task) -> None:
    """Have the table as the document says."""
    params = task.params
    limits = parse_limits(params["allowed_changes"], params["max_removals"])
    file = YamlFile(params["src"]) if params["src"] is not None else None
    try:
        data = file.data if file else params["table"]
        wish = read(data)
        if params["purge_services"] and not says_services(data):
            reason = "has to be said with purge_services, as [] when no service is to remain"
            raise InvalidValue([Fault("services", reason)])
        scope = wish.scope(
            purge_services=params["purge_services"],
            purge_destinations=params["purge_destinations"],
        )
        plan = task.reconcile(
            wish, scope, keep_weights=params["keep_weights"], review=limits.review
        )
    except InvalidValue as invalid:
        raise (file.located(invalid) if file else invalid) from None
    task.warn_of_emptied(data, wish, plan)
    task.exit(counts=plan.counts(), **{"timeouts": None, **plain_table(plan.target)})


def says_services(data: Any) -> bool:
    """Whether a document says which services there are, and be it none.

    An empty file, or one where everything below ``services`` is commented out, must not remove all.
    """
    return isinstance(data, dict) and data.get("services") is not None


def read(data: Any) -> TableWish:
    """The wish of a document. Raises InvalidValue."""
    reader = Reader()
    wish = reader.table(data)
    reader.finish()
    return wish


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **common_spec(),
            **left_out_spec(),
            "table": {"type": "dict"},
            "src": {"type": "path"},
            "purge_services": {"type": "bool", "default": False},
            "purge_destinations": {"type": "bool", "default": False},
            "keep_weights": {"type": "bool", "default": False},
            "allowed_changes": {"type": "list", "elements": "str", "choices": list(ACTIONS)},
            "max_removals": {"type": "str"},
        },
        required_one_of=[("table", "src")],
        mutually_exclusive=[("table", "src")],
        supports_check_mode=True,
    )
    if module.params["src"] is not None and YAML_ERROR is not None:
        module.fail_json(
            msg=missing_required_lib("PyYAML"),
            exception="".join(traceback.format_exception(None, YAML_ERROR, None)),
        )
    run(module, manage)


if __name__ == "__main__":
    main()
