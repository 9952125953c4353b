"""The engine's own access control: what a handle may do is a role, and the engine refuses the rest.

Every handle belongs to the engine's one user. That user has the role of the services, which may do all, and
one role for each analysts' login; a handle that takes a role has no other rights from then on.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_SERVICES = "services"

_USERS = """\
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <roles>
        <{services}><grants><query>GRANT ALL ON *.*</query></grants></{services}>
{roles}    </roles>
    <users>
        <default>
            <password/>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants>{grants}</grants>
        </default>
    </users>
</clickhouse>
"""


def users_file(roles: Mapping[str, Sequence[str]]) -> str:
    """Write the engine's `users.xml`: role -> its GRANT and REVOKE statements, without their TO."""
    queries = {
        role: "".join(f"<query>{escape(statement)}</query>" for statement in statements)
        for role, statements in roles.items()
    }
    return _USERS.format(
        services=_SERVICES,
        roles="".join(
            f"        <{role}><grants>{text}</grants></{role}>\n" for role, text in queries.items()
        ),
        grants="".join(f"<query>GRANT {role}</query>" for role in (_SERVICES, *roles)),
    )
