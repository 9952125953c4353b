"""When the one-machine stack tells people of alerts."""

from pathlib import Path

import pytest

from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack
from quantrac.local.tiers import tiers_of


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("config", ["", "notify.yaml"])
def test_the_province_tells_people_where_somebody_said_whom(
    demo: bool, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_NOTIFY_CONFIG", config)
    data = DataDir(tmp_path)
    data.create()
    names = [
        "broker",
        "controller",
        "clickhouse",
        *(name for t in tiers_of(demo) for name in t.usual_ports()),
    ]
    stack = Stack(data, demo, {name: port for port, name in enumerate(names, start=20000)})
    found = [process for process in stack.processes() if process.name.endswith("aggregator.notify")]
    assert [process.name for process in found] == (["province.aggregator.notify"] if config else [])
    for process in found:
        assert process.argv[-2:] == ["services.aggregator", "notify"]
        assert process.env["QUANTRAC_CLICKHOUSE_DATABASE"] == ("hn" if demo else "quantrac")
