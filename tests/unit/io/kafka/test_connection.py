"""What a client is told of its broker, and which settings no broker can mean."""

import ssl
from pathlib import Path

import faust
import pytest

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.settings import ClickHouseSettings, ServiceSettings, kafka_environment, load
from quantrac.io.stream import _credentials

SCRAM = KafkaConnection("a:9093,b:9093", "SASL_SSL", "SCRAM-SHA-512", "hanoi", "s3cret-word")


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """Authorities as the system keeps them, in a file of the test's own."""
    file = tmp_path / "ca.pem"
    context = ssl.create_default_context()
    context.load_default_certs()
    certificates = context.get_ca_certs(binary_form=True)
    if not certificates:
        pytest.skip("this system trusts no authority")
    file.write_text(ssl.DER_cert_to_PEM_cert(certificates[0]))
    return file


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(f"QUANTRAC_KAFKA_{name}", value)
    with pytest.raises(SystemExit) as stopped:
        load(ServiceSettings)
    return str(stopped.value.code)


def test_librdkafka_gets_its_own_names() -> None:
    assert SCRAM.librdkafka() == {
        "bootstrap.servers": "a:9093,b:9093",
        "security.protocol": "SASL_SSL",
        "log_level": 0,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "hanoi",
        "sasl.password": "s3cret-word",
    }
    by_tls = KafkaConnection("a:9093", "SSL", ca_file=Path("/etc/ca.pem"))
    assert by_tls.librdkafka()["ssl.ca.location"] == "/etc/ca.pem"
    assert KafkaConnection("a:9092").librdkafka() == {
        "bootstrap.servers": "a:9092",
        "security.protocol": "PLAINTEXT",
        "log_level": 0,
    }


def test_the_stream_library_gets_the_same_login_and_the_same_authorities(ca_file: Path) -> None:
    assert _credentials(KafkaConnection("a:9092")) is None

    plain = _credentials(KafkaConnection("a:9092", "SASL_PLAINTEXT", "PLAIN", "hanoi", "s3cret-word"))
    assert isinstance(plain, faust.SASLCredentials)
    assert (plain.protocol.value, plain.mechanism.value) == ("SASL_PLAINTEXT", "PLAIN")
    assert (plain.username, plain.password, plain.ssl_context) == ("hanoi", "s3cret-word", None)

    scram = _credentials(KafkaConnection("a:1", "SASL_SSL", "SCRAM-SHA-256", "hanoi", "word", ca_file))
    assert isinstance(scram, faust.SASLCredentials)
    assert (scram.protocol.value, scram.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert scram.ssl_context is not None
    assert len(scram.ssl_context.get_ca_certs()) == 1
    assert scram.ssl_context.check_hostname

    by_tls = _credentials(KafkaConnection("a:1", "SSL", ca_file=ca_file))
    assert isinstance(by_tls, faust.SSLCredentials)
    assert len(by_tls.context.get_ca_certs()) == 1


def test_the_environment_of_a_process_says_the_same_to_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    monkeypatch.setenv("QUANTRAC_KAFKA_CA_FILE", "/nowhere/of-an-older-shell.pem")
    plain = KafkaConnection("a:9092")
    for connection in (SCRAM, plain, KafkaConnection("a:1", "SSL", ca_file=authorities)):
        for name, value in kafka_environment(connection).items():
            monkeypatch.setenv(name, value)
        assert load(ServiceSettings).kafka_connection == connection


def test_local_is_what_does_not_leave_the_machine() -> None:
    local = ("127.0.0.1:9092", "localhost:9092", "[::1]:9092, 127.0.0.2:9092")
    assert all(KafkaConnection(bootstrap).is_local for bootstrap in local)
    assert not KafkaConnection("127.0.0.1:9092,broker:9092").is_local


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "USER": "hanoi"},
            "security protocol SASL_SSL needs a login: SASL mechanism, password missing",
        ),
        (
            {"USER": "hanoi", "PASSWORD": "s3cret-word"},
            "security protocol PLAINTEXT has no login, but user, password is given",
        ),
        (
            {"SECURITY_PROTOCOL": "SSL", "SASL_MECHANISM": "PLAIN"},
            "security protocol SSL has no login, but SASL mechanism is given",
        ),
        ({"CA_FILE": __file__}, "security protocol PLAINTEXT has no TLS, but a CA file is given"),
    ],
)
def test_a_combination_that_no_broker_can_mean_stops_the_start_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    assert refusal(monkeypatch, **variables) == f"bad configuration: QUANTRAC_KAFKA_...: {sentence}"


def test_an_unknown_name_stops_the_start_naming_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = refusal(monkeypatch, SECURITY_PROTOCOL="TLS", PASSWORD="s3cret-word")
    assert "QUANTRAC_KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SASL_PLAINTEXT'" in problem
    assert "(got 'TLS')" in problem
    assert "s3cret" not in problem


def test_a_missing_file_of_authorities_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = refusal(monkeypatch, SECURITY_PROTOCOL="SSL", CA_FILE="/nowhere/ca.pem")
    assert problem.startswith("bad configuration: QUANTRAC_KAFKA_CA_FILE: ")


def test_no_repr_and_no_message_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kafka_environment(SCRAM).items():
        monkeypatch.setenv(name, value)
    settings = load(ServiceSettings)
    shown = [repr(SCRAM), str(SCRAM), repr(settings), str(settings), settings.model_dump_json()]
    shown.append(repr(ClickHouseSettings(password="s3cret-word")))
    shown.append(refusal(monkeypatch, SECURITY_PROTOCOL="PLAINTEXT"))
    assert not [text for text in shown if "s3cret" in text]
