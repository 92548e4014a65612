# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One module run: open the table, reconcile or rehearse, exit with what was done, or fail with why.

Internal to this collection. The only place where the core's errors become Ansible's failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from .ipvs.afresh import afresh
from .ipvs.changes import Change, TrackConnections
from .ipvs.errors import (
    Cause,
    Fault,
    InvalidValue,
    IpvsError,
    KernelRefused,
    NotConverged,
    PartlyApplied,
    Refused,
    Unavailable,
)
from .ipvs.kernel import KernelTable, elsewhere, foresee, interface_mtu
from .ipvs.memory import MemoryTable
from .ipvs.model import State
from .ipvs.plain import plain_change
from .ipvs.plan import Plan
from .ipvs.reconcile import reconcile
from .ipvs.remarks import emptied, remarks
from .ipvs.scope import Scope
from .ipvs.table import Table
from .ipvs.wish import TableWish, resolve


class Task:
    """A module run on one table."""

    def __init__(self, module: AnsibleModule, *, loads: bool = True) -> None:
        """loads: whether the kernel may be made to load ip_vs (never in check mode)."""
        self.module = module
        self._loads = loads
        self.params: dict[str, Any] = module.params
        #: Whether there is no IPVS, and an empty table stands in for it (check mode).
        self.pretends = False
        self._plans: list[Plan] = []
        self._table: Table | None = None

    @property
    def table(self) -> Table:
        """The table, opened when it is first asked for: faulty input never comes this far."""
        if self._table is None:
            self._table = self._open()
        return self._table

    def close(self) -> None:
        """Give back the table."""
        if self._table is not None:
            self._table.close()

    def reconcile(
        self,
        wish: TableWish,
        scope: Scope,
        *,
        keep_weights: bool = False,
        review: Callable[[Plan], None] | None = None,
    ) -> Plan:
        """Bring what is in scope to what is wished; in check mode, everything but the writing."""

        def desired(current: State) -> State:
            if self.params.get("left_out") == "default":
                current = afresh(wish, current, keep_weights=keep_weights)
            return resolve(
                wish,
                current,
                self._mtu,
                keep_weights=keep_weights,
                absent=self._foresee if self.module.check_mode else None,
            )

        plan = self.record(
            reconcile(self.table, desired, scope, dry_run=self.module.check_mode, review=review)
        )
        if self.module.check_mode:
            for reason in self._refusals(plan):
                self.module.warn(f"this would fail: {reason}")
        return plan

    def record(self, plan: Plan) -> Plan:
        """Count a plan in: its changes are part of what this run reports."""
        self._plans.append(plan)
        for unreadable in plan.current.unreadable:
            self.module.warn(f"left alone, not understood: {unreadable}")
        for remark in remarks(plan, self.table, self._elsewhere):
            self.module.warn(remark)
        return plan

    def warn_of_emptied(self, data: Any, wish: TableWish, plan: Plan) -> None:
        """Say which services a document, of which data is, takes destinations from in silence."""
        for warning in emptied(data, "the document", wish, plan.changes):
            self.module.warn(warning)

    def exit(self, **facts: Any) -> None:
        """End well. facts: what the module returns beside changed, changes and diff."""
        changes = [change for plan in self._plans for change in plan.changes]
        result: dict[str, Any] = {
            "changed": bool(changes),
            "changes": _plain(changes),
            **facts,
        }
        if getattr(self.module, "_diff", False) and self._plans:
            result["diff"] = {
                "before": _merged((plan.after(), plan.before()) for plan in self._plans[::-1]),
                "after": _merged((plan.before(), plan.after()) for plan in self._plans),
                "before_header": "IPVS table",
                "after_header": "IPVS table",
            }
        self.module.exit_json(**result)

    def fail(self, error: IpvsError) -> None:
        """End with the core's error, and with what had been done before it."""
        done = [change for plan in self._plans for change in plan.changes] + list(error.done)
        facts: dict[str, Any] = {}
        if isinstance(error, InvalidValue):
            facts["faults"] = error.plain()
        elif isinstance(error, PartlyApplied):
            facts["refused"] = [_refusal(refused) for refused in error.failed]
        elif isinstance(error, KernelRefused):
            facts["refused"] = [_refusal(error)]
        elif isinstance(error, NotConverged):
            facts["differences"] = _plain(error.plan.changes)
        elif isinstance(error, Refused):
            facts["refused_changes"] = _plain(error.plan.changes)
        message = str(error)
        if isinstance(error, Unavailable) and error.cause is Cause.NO_PRIVILEGE:
            message += " (become: true)"
        self.module.fail_json(msg=message, changed=bool(done), changes=_plain(done), **facts)

    def _foresee(self, fault: Fault) -> None:
        """In check mode, what is missing may be what an earlier task is about to make."""
        self.module.warn(f"{fault}; taken for there, since this is check mode")

    def _refusals(self, plan: Plan) -> Iterable[str]:
        """What the host would object to, also where the table is only pretended."""
        if not self.pretends:
            return self.table.foresee(plan.changes)
        # What there is no IPVS of cannot be asked whether it tracks connections.
        changes = [change for change in plan.changes if not isinstance(change, TrackConnections)]
        return foresee(changes, self.params.get("netns"))

    def _elsewhere(self, addresses: Sequence[str]) -> Sequence[str]:
        """Those that are not the host's, also where the table is only pretended."""
        if self.pretends:
            return elsewhere(addresses, self.params.get("netns"))
        return self.table.elsewhere(addresses)

    def _mtu(self, interface: str) -> int | None:
        """The MTU of the host's interface, also where the table is only pretended."""
        if self.pretends:
            return interface_mtu(interface, self.params.get("netns"))
        return self.table.mtu(interface)

    def _open(self) -> Table:
        netns = self.params.get("netns")
        if netns == "":
            # An empty variable must not turn a task loose on the host's own table.
            raise InvalidValue([Fault("netns", "is empty; leave it out for the host's own table")])
        loads = self._loads and not self.module.check_mode
        try:
            return KernelTable(netns, loads=loads)
        except Unavailable as unavailable:
            if unavailable.cause is not Cause.NO_IPVS:
                raise
            if self.module.check_mode:
                self.module.warn(f"{unavailable}; compared with an empty table instead")
                self.pretends = True
                return MemoryTable()
            if not self._loads:
                raise
            self._load(unavailable)
            return KernelTable(netns)

    def _load(self, unavailable: Unavailable) -> None:
        """Have the kernel load ip_vs, as ipvsadm does."""
        modprobe = self.module.get_bin_path("modprobe", opt_dirs=["/sbin", "/usr/sbin"])
        if modprobe is None:
            raise Unavailable(
                unavailable.cause, f"{unavailable}; there is no modprobe on this host"
            )
        status, _output, errors = self.module.run_command([modprobe, "ip_vs"])
        if status:
            said = errors.strip() or f"exit status {status}"
            raise Unavailable(unavailable.cause, f"{unavailable}; modprobe ip_vs said: {said}")


def run(module: AnsibleModule, work: Callable[[Task], None], *, loads: bool = True) -> None:
    """Do the work of a module; whatever the core objects to becomes a failure of the task."""
    task = Task(module, loads=loads)
    try:
        work(task)
    except IpvsError as error:
        task.fail(error)
    finally:
        task.close()


def _plain(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [plain_change(change) for change in changes]


def _refusal(refused: KernelRefused) -> dict[str, Any]:
    return {
        "change": plain_change(refused.change),
        "errno": refused.errno,
        "reason": str(refused),
    }


def _merged(steps: Iterable[tuple[dict[str, str], dict[str, str]]]) -> dict[str, str]:
    """Where several steps in a row lead to: each takes its lines away and puts others there."""
    lines: dict[str, str] = {}
    for taken, put in steps:
        for name in taken:
            lines.pop(name, None)
        lines.update(put)
    return lines
