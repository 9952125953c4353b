"""The topics' contracts against each other and against the code that names them."""

import importlib.util
import re
from pathlib import Path

import services
from schemas.examples import example, names
from schemas.messages.table import MESSAGES
from schemas.topics import TOPICS, topics_with_dead_letters

SERVICES = Path(next(iter(services.__path__)))


def roles() -> set[str]:
    found = set()
    for main in SERVICES.glob("*/__main__.py"):
        service = main.parent.name
        mapping = re.search(r'main\("(\w+)", \{(.*?)\}\)', main.read_text(), re.DOTALL)
        assert mapping is not None, main
        assert mapping[1] == service
        found |= {f"{service}.{role}" for role in re.findall(r'"(\w+)":', mapping[2])}
    return found


def test_every_topic_of_the_pipeline_has_a_contract() -> None:
    assert set(TOPICS) == {
        "raw-file",
        "raw-file-backlog",
        "open-question",
        "parsed-reading",
        "qa-flagged",
        "rejudge",
        "baseline",
        "window-dirty",
        "aggregated",
        "station-registry",
        "delivery-receipt",
        "registry-request",
        "unapproved-set",
        "late-range",
        "alert",
        "redelivery",
    }


def test_writers_and_readers_are_roles_that_exist_or_commands() -> None:
    commands = {
        f"quantrac {name}"
        for name in ("registry", "keys", "replay", "rules", "review", "approvals", "reconcile")
    }
    for topic in TOPICS.values():
        assert {*topic.writers, *topic.readers} <= roles() | commands, topic.name


def test_topics_that_hand_a_station_on_have_the_same_partitions() -> None:
    counts = {
        (TOPICS[name].partitions.local, TOPICS[name].partitions.large)
        for name in (
            "raw-file",
            "raw-file-backlog",
            "parsed-reading",
            "qa-flagged",
            "rejudge",
            "baseline",
            "window-dirty",
            "aggregated",
            "unapproved-set",
        )
    }
    assert counts == {(6, 24)}


def test_only_topics_whose_key_names_one_thing_are_compacted() -> None:
    assert [t.name for t in TOPICS.values() if t.cleanup == "compact"] == [
        "baseline",
        "open-question",
        "registry-request",
        "station-registry",
    ]


def test_every_topic_that_a_role_consumes_has_dead_letters() -> None:
    for topic in TOPICS.values():
        # Of the compacted ones the sink consumes one; the others are read as tables, kept sets by offset.
        is_stream = (topic.cleanup == "delete") != (topic.name in ("registry-request", "unapproved-set"))
        consumed = is_stream and any("." in reader for reader in topic.readers)
        assert topic.dead_letters == consumed, topic.name
    assert topics_with_dead_letters()["raw-file.dlq"].retention_days == 90


def test_every_example_belongs_to_a_topic_and_exists() -> None:
    referenced = [name for topic in TOPICS.values() for name in topic.examples]
    assert sorted(referenced) == names()


def test_every_json_example_is_its_message() -> None:
    for topic in TOPICS.values():
        for name in topic.examples:
            if name.endswith(".json"):
                message = name.split(".")[1] if topic.name == "station-registry" else topic.value
                MESSAGES[message].model_validate_json(example(name))


def test_every_service_has_the_same_files() -> None:
    for service in ("receiver", "validator", "aggregator", "forwarder", "api"):
        for module in ("__main__", "config", "wiring"):
            assert importlib.util.find_spec(f"services.{service}.{module}"), (service, module)
        assert (SERVICES / service / "README.md").exists(), service


def test_the_architecture_page_says_what_the_contracts_say() -> None:
    page = (SERVICES.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    for topic in TOPICS.values():
        row = re.search(rf"^\| `{topic.name}` \|.*\| (\d+) / (\d+) \| (.+?) \|$", page, re.MULTILINE)
        assert row is not None, topic.name
        kept = f"{topic.retention_days} d" if topic.retention_days else "compacted"
        assert (int(row[1]), int(row[2]), row[3]) == (topic.partitions.local, topic.partitions.large, kept)


def test_the_architecture_page_names_files_that_exist() -> None:
    page = (SERVICES.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:services|quantrac|schemas|docs)/[\w/.-]+?\.(?:py|txt|md))`", page))
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (SERVICES.parent / name).exists()] == []
