"""``quantrac migrate``: bring a broker and a database up to the contracts."""

from typing import Literal

import click
from confluent_kafka import KafkaException

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.target import server_errors
from quantrac.cli.terminal import echo
from quantrac.errors import UserError
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.settings import ClickHouseSettings, ServiceSettings, load
from quantrac.migrate import (
    migrate_tables,
    missing_topics,
    table_script,
    table_status,
    write_reference,
    write_roles,
)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--status", "show_status", is_flag=True, help="Only list the migrations and their state.")
@click.option(
    "--size",
    type=click.Choice(["local", "large"]),
    default="local",
    show_default=True,
    help="Partition counts of the topics.",
)
@click.option("--replication", default=1, show_default=True, help="Replicas of each topic.")
@click.option(
    "--with-roles", is_flag=True, help="Also make the role quantrac_analyst; the user must be allowed to."
)
@click.option("--cluster", default="", metavar="NAME", help="Make the tables on this ClickHouse cluster.")
@click.option("--print", "only_print", is_flag=True, help="Only print the SQL of all tables; asks no server.")
@one_sentence
def migrate(
    *,
    dry_run: bool,
    show_status: bool,
    size: str,
    replication: int,
    with_roles: bool,
    cluster: str,
    only_print: bool,
) -> None:
    """Create missing topics and apply missing migrations; run twice, the second time does nothing.

    Where: QUANTRAC_KAFKA and QUANTRAC_KAFKA_{SECURITY_PROTOCOL,SASL_MECHANISM,USER,PASSWORD,CA_FILE},
    QUANTRAC_TOPIC_PREFIX and QUANTRAC_CLICKHOUSE_{HOST,PORT,USER,PASSWORD,DATABASE,CLUSTER}.
    """
    service, clickhouse = load(ServiceSettings), load(ClickHouseSettings)
    clickhouse = clickhouse.model_copy(update={"cluster": cluster or clickhouse.cluster})
    if only_print:
        echo("\n\n".join(f"{statement};" for statement in table_script(clickhouse)))
        return
    with server_errors(service.kafka_connection):
        if show_status:
            for entry in table_status(clickhouse):
                echo(f"{'applied' if entry.applied else 'missing'}  {entry.migration.name}")
            return
        _migrate(
            service,
            clickhouse,
            dry_run=dry_run,
            size="large" if size == "large" else "local",
            replication=replication,
            with_roles=with_roles,
        )


def _migrate(
    service: ServiceSettings,
    clickhouse: ClickHouseSettings,
    *,
    dry_run: bool,
    size: Literal["local", "large"],
    replication: int,
    with_roles: bool,
) -> None:
    admin = KafkaAdmin(service.kafka_connection)
    try:
        topics = missing_topics(
            admin,
            prefix=service.topic_prefix,
            size=size,
            replication=replication,
        )
    except KafkaException as error:
        raise UserError(f"the broker at {service.kafka} does not answer: {error.args[0].str()}") from error
    verb = "would create" if dry_run else "created"
    if not dry_run:
        admin.create(topics)
    for topic in topics:
        echo(f"{verb} topic {topic.name} ({topic.partitions} partitions)")
    if dry_run:
        migrations = [entry.migration for entry in table_status(clickhouse) if not entry.applied]
    else:
        migrations = migrate_tables(clickhouse)
        for table in write_reference(clickhouse):
            echo(f"wrote {table}")
        if with_roles:
            write_roles(clickhouse)
            echo(f"gave quantrac_analyst the database {clickhouse.database}")
    for migration in migrations:
        echo(f"{'would apply' if dry_run else 'applied'} {migration.name}")
    if not topics and not migrations:
        echo("nothing to do")
