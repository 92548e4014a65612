"""Documents of one service, and what is read of them."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    Reader,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)


def read(data):
    """What the document wishes for; it has no fault."""
    reader = Reader()
    wish = reader.table(data)
    reader.finish()
    return wish


def faults_of(data):
    """Path and reason of each fault of a document."""
    reader = Reader()
    reader.table(data)
    with pytest.raises(InvalidValue) as raised:
        reader.finish()
    return [(fault.path, fault.reason) for fault in raised.value.faults]


def document(**options):
    """One service, with these options."""
    return {"services": [{"service": "tcp://192.0.2.1:80", **options}]}


def pool(*destinations):
    """One service with these destinations."""
    return document(destinations=list(destinations))
