"""The role of analysts on a server that manages access: it reads, within limits.

The role is the server's, its rights are a database's. What an administrator has altered since stays: nothing
is replaced.
"""

ANALYST = "quantrac_analyst"

ANALYST_OUTPUT = {"format_csv_null_representation": ""}
r"""Setting -> value: how answers are written unless a client asks for something else. An empty cell of CSV is
NULL to spreadsheets and pandas; the server's own default, ``\N``, is a text to them."""

# Bounded so that one question cannot hold up the services: a year of a province's hours is 60 million rows.
_STATEMENTS = f"""
CREATE ROLE IF NOT EXISTS {ANALYST};
CREATE SETTINGS PROFILE IF NOT EXISTS {ANALYST} SETTINGS
    readonly = 2,
    {", ".join(f"{name} = '{value}'" for name, value in ANALYST_OUTPUT.items())},
    max_execution_time = 60 MAX 300,
    max_memory_usage = 4000000000 MAX 4000000000,
    max_rows_to_read = 5000000000 MAX 5000000000,
    max_result_rows = 10000000 MAX 10000000,
    max_concurrent_queries_for_user = 8 MAX 8
    TO {ANALYST};
CREATE QUOTA IF NOT EXISTS {ANALYST} KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 2000, execution_time = 3600
    TO {ANALYST};
"""

_GRANTS = ("GRANT SELECT ON {}.*", "GRANT dictGet ON {}.*", "REVOKE SELECT ON {}.schema_migrations")


def analyst_role(database: str) -> list[str]:
    """Return the statements that make the role and give it a database; they may be repeated."""
    statements = [statement.strip() for statement in _STATEMENTS.split(";\n") if statement.strip()]
    return [
        *statements,
        *(f"{g} {'FROM' if g.startswith('REVOKE') else 'TO'} {ANALYST}" for g in analyst_grants(database)),
    ]


def analyst_grants(database: str) -> list[str]:
    """Return what analysts may do in a database, as GRANT and REVOKE without their grantee."""
    quoted = "`" + database.replace("\\", "\\\\").replace("`", "\\`") + "`"
    return [grant.format(quoted) for grant in _GRANTS]
