"""Topic ``alert``: a state of an alert becomes a row of ``alerts``."""

from collections.abc import Mapping, Sequence

from quantrac.domain.decimals import shortest_decimal
from quantrac.io.records import Record
from schemas.messages.alerts import Alert
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables


def _decode(record: Record) -> Alert:
    return Alert.model_validate_json(record.value or b"")


def _columns(alerts: Sequence[Alert], _database: Database) -> Mapping[str, Columns]:
    return {"alerts": alert_columns(alerts)}


def alert_columns(alerts: Sequence[Alert]) -> Columns:
    """Return the columns of ``alerts``; facts that are numbers become texts."""
    if not alerts:
        return {}
    names = ("alert_id", "kind", "severity", "state", "version")
    return {
        **{name: [getattr(alert, name) for alert in alerts] for name in names},
        "station": [alert.station or "" for alert in alerts],
        "parameter": [alert.parameter or "" for alert in alerts],
        **{
            name: [getattr(alert, name) for alert in alerts] for name in ("opened_at", "changed_at", "detail")
        },
        "facts": [
            {
                name: fact if isinstance(fact, str) else shortest_decimal(fact)
                for name, fact in alert.facts.items()
            }
            for alert in alerts
        ],
    }


TABLES = TopicTables(_decode, _columns)
