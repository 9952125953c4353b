"""Whether the settings of roles are good, asked before any of them starts: ``python -m services.settings``.

Reads from standard input a JSON object, ``service.role`` → its environment, and prints one: ``problems``, a
list of [variable, what is wrong with it], and ``variables``, the names of all settings.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping

from pydantic_settings import BaseSettings

from quantrac.errors import UserError
from quantrac.io.jws import KeySet
from quantrac.io.settings import (
    ClickHouseSettings,
    HttpSettings,
    ServiceSettings,
    find_problems,
    load,
    variables_of,
)
from quantrac.io.signing_keys import SigningKeys
from quantrac.io.tls import ServerFiles, ServerTls
from quantrac.reconciliation.settings import MinistryApiSettings
from services.aggregator.config import AggregatorSettings
from services.aggregator.notify.config import load_targets
from services.api.config import ApiSettings
from services.forwarder.config import ForwarderSettings, ReconcileSettings
from services.forwarder.files.config import FileTargetSettings
from services.receiver.adapters.ftp.tls import Certificates
from services.receiver.config import BacklogSettings, DeliveriesSettings, IntakeSettings
from services.validator.config import ValidatorSettings

SETTINGS: Mapping[str, tuple[type[BaseSettings], ...]] = {
    "receiver.intake": (IntakeSettings, HttpSettings),
    "receiver.parse": (ServiceSettings,),
    "receiver.backlog": (BacklogSettings,),
    "receiver.deliveries": (DeliveriesSettings, HttpSettings),
    "validator.validate": (ValidatorSettings,),
    "validator.rejudge": (ValidatorSettings, ClickHouseSettings),
    "aggregator.sink": (AggregatorSettings, ClickHouseSettings),
    "aggregator.windows": (AggregatorSettings, ClickHouseSettings),
    "aggregator.watch": (AggregatorSettings, ClickHouseSettings),
    "aggregator.notify": (AggregatorSettings, ClickHouseSettings),
    "api.serve": (ApiSettings, ClickHouseSettings, HttpSettings),
    "forwarder.forward": (ForwarderSettings,),
    "forwarder.files": (FileTargetSettings,),
    "forwarder.reconcile": (ReconcileSettings, MinistryApiSettings, ClickHouseSettings),
}
"""Role → the settings that it loads."""


def role_problems(role: str) -> Iterator[tuple[str, str]]:
    """Yield (variable, problem) of what is wrong with a role's settings in the present environment."""
    problems = [problem for kind in SETTINGS[role] for problem in find_problems(kind)]
    yield from problems
    if problems:
        return
    if role == "aggregator.notify":
        yield from _notify_problems(load(AggregatorSettings))
    if role == "receiver.intake":
        yield from _certificate_problems(intake := load(IntakeSettings))
        yield from _tls_problems("QUANTRAC_HTTP_CERTIFICATE", intake.http_tls)
    if role == "receiver.deliveries":
        yield from _signing_key_problems(deliveries := load(DeliveriesSettings))
        yield from _tls_problems("QUANTRAC_HTTP_CERTIFICATE", deliveries.http_tls)
    if role == "api.serve":
        yield from _tls_problems("QUANTRAC_API_CERTIFICATE", load(ApiSettings).tls)
    if role == "forwarder.forward":
        yield from _ministry_key_problems(forwarder := load(ForwarderSettings))
        yield from _client_problems(forwarder)
    if role == "forwarder.reconcile":
        yield from _ministry_key_problems(reconciler := load(ReconcileSettings))
        yield from _client_problems(reconciler)


def _notify_problems(settings: AggregatorSettings) -> Iterator[tuple[str, str]]:
    if settings.notify_config is None:
        yield "QUANTRAC_NOTIFY_CONFIG", "is missing"
        return
    try:
        load_targets(settings.notify_config, os.environ)
    except UserError as error:
        yield "QUANTRAC_NOTIFY_CONFIG", str(error)


def _certificate_problems(settings: IntakeSettings) -> Iterator[tuple[str, str]]:
    if settings.ftp_certificate is not None:
        try:
            Certificates(settings.ftp_certificate, settings.ftp_key or settings.ftp_certificate)
        except ValueError as error:
            yield "QUANTRAC_FTP_CERTIFICATE", str(error)


def _signing_key_problems(settings: DeliveriesSettings) -> Iterator[tuple[str, str]]:
    if settings.receipt_keys is not None:
        try:
            SigningKeys(settings.receipt_keys)
        except (ValueError, OSError) as error:
            yield "QUANTRAC_RECEIPT_KEYS", str(error)


def _ministry_key_problems(settings: ForwarderSettings) -> Iterator[tuple[str, str]]:
    if settings.ministry_keys is not None:
        try:
            KeySet.from_json(settings.ministry_keys.read_bytes())
        except (ValueError, OSError) as error:
            yield "QUANTRAC_MINISTRY_KEYS", str(error)


def _tls_problems(variable: str, files: ServerFiles | None) -> Iterator[tuple[str, str]]:
    try:
        if files is not None:
            ServerTls(files)
    except ValueError as error:
        yield variable, str(error)


def _client_problems(settings: ForwarderSettings) -> Iterator[tuple[str, str]]:
    try:
        settings.ministry_tls()
    except ValueError as error:
        yield "", str(error)  # it names the file


def main() -> None:
    """Answer one question."""
    problems: dict[tuple[str, str], None] = {}  # several roles read the same setting
    for role, environment in json.load(sys.stdin).items():
        os.environ.clear()
        os.environ.update(environment)
        problems |= dict.fromkeys(role_problems(role))
    kinds = {kind for kinds in SETTINGS.values() for kind in kinds}
    variables = sorted({variable for kind in kinds for variable in variables_of(kind)})
    print(json.dumps({"problems": list(problems), "variables": variables}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
