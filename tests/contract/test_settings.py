"""The settings that are asked about before a start are those of every role that there is."""

import re

from quantrac.local.tiers import FORWARDER, NOTIFIER, RECONCILER, tiers_of
from services.settings import SETTINGS
from support.folders import ROOT


def test_every_role_of_every_service_is_among_them() -> None:
    roles = set()
    for main in (ROOT / "services").glob("*/__main__.py"):
        names = re.search(r"main\(\"(\w+)\", \{(.*)\}\)", main.read_text(encoding="utf-8"))
        assert names, main
        roles |= {f"{names[1]}.{role}" for role in re.findall(r'"(\w+)":', names[2])}
    assert roles == set(SETTINGS)


def test_every_role_that_one_machine_runs_is_among_them() -> None:
    roles = {".".join(role) for tier in tiers_of(demo=True) for role in tier.roles()}
    assert roles | {".".join(role) for role in (FORWARDER, NOTIFIER, RECONCILER)} <= set(SETTINGS)
