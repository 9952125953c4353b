"""What a registry folder may hold, and the sentence a mistake gives."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantrac.cli.registry import registry
from quantrac.domain.readings import Flag
from quantrac.domain.registry.accounts import AccountLimits
from quantrac.domain.registry.pollution import Pollution
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning
from quantrac.domain.stamps import Stamps
from quantrac.domain.times import parse_time
from schemas.examples import example
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import apply_record, load_directory, record_key, to_registry

STATION = """
stations:
  - code: HN_DEMO_KHI001
    name: Trạm không khí
    type: ambient-air
    province: "01"
    latitude: 21.0
    longitude: 105.8
    interval_minutes: 5
    valid_from: 2024-01-01
    parameters:
      - {code: PM2.5, unit: µg/m3, range_low: 0, range_high: 150}
"""
ACCOUNT = """
accounts:
  - name: demo
    password_hash: $argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA
    stations: [HN_DEMO_KHI001]
"""


def load(folder: Path, **files: str) -> list[object]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return list(load_directory(folder))


def test_stations_and_accounts_are_read_from_every_file(tmp_path: Path) -> None:
    account, station = load(tmp_path, stations=STATION, accounts=ACCOUNT)
    assert isinstance(account, Account)
    assert isinstance(station, Station)
    assert (record_key(account), record_key(station)) == (b"account/demo", b"station/HN_DEMO_KHI001")


def test_a_date_means_midnight_in_vietnam(tmp_path: Path) -> None:
    (station,) = load(tmp_path, stations=STATION)
    assert isinstance(station, Station)
    assert station.to_domain().valid_from == datetime(2023, 12, 31, 17, tzinfo=UTC)
    assert station.to_domain().interval_seconds == 300


def test_one_word_says_what_stamps_always_mean(tmp_path: Path) -> None:
    (station,) = load(tmp_path, stations=STATION.replace("valid_from", "stamps: end\n    valid_from"))
    assert isinstance(station, Station)
    assert station.to_domain().stamps == (StampMeaning(Stamps.END),)
    assert Station.model_validate_json(station.model_dump_json()) == station


def test_what_stamps_mean_may_have_dates_and_a_length(tmp_path: Path) -> None:
    entries = "{at: end, minutes: 60, valid_to: 2025-01-01}", "{at: start, valid_from: 2025-01-01}"
    stamps = f"stamps: [{', '.join(entries)}]"
    (station,) = load(tmp_path, stations=STATION.replace("valid_from", f"{stamps}\n    valid_from"))
    assert isinstance(station, Station)
    change = datetime(2024, 12, 31, 17, tzinfo=UTC)
    assert station.to_domain().stamps == (
        StampMeaning(Stamps.END, 3600, valid_to=change),
        StampMeaning(Stamps.START, valid_from=change),
    )


@pytest.mark.parametrize(
    ("stamps", "sentence"),
    [
        ("{at: middle}", "stamps.1.at: Input should be 'instant', 'start' or 'end'"),
        ("middle", "stamps.1.at: Input should be 'instant', 'start' or 'end'"),
        ("5", "stamps: Input should be a valid tuple"),
        ("[{at: end, minutes: 2000}]", "stamps.1.minutes: Input should be less than or equal to 1440"),
        ("[{att: end}]", "stamps.1.att: unknown key; did you mean 'at'?"),
        (
            "[{at: start, valid_from: 2024-06-01}, {at: end}]",
            "stamps: 'end' and 'start' are valid at once; end the earlier one with valid_to",
        ),
        (
            "[{at: start, valid_to: 2024-06-02}, {at: end, valid_from: 2024-06-01}]",
            "stamps: 'start' and 'end' are valid at once",
        ),
    ],
)
def test_a_mistake_in_what_stamps_mean_gives_one_sentence(tmp_path: Path, stamps: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"hanoi\.yaml") as caught:
        load(tmp_path, hanoi=STATION.replace("valid_from", f"stamps: {stamps}\n    valid_from"))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "midnight",
    ["2023-12-31 24:00:00+07:00", "2023-12-31T24:00:00+07:00", '"2023-12-31T24:00+07:00"', "2024-01-01"],
)
def test_midnight_may_be_written_as_the_end_of_the_day(tmp_path: Path, midnight: str) -> None:
    (station,) = load(tmp_path, stations=STATION.replace("2024-01-01", midnight))
    assert isinstance(station, Station)
    assert station.to_domain().valid_from == datetime(2023, 12, 31, 17, tzinfo=UTC)


def test_numbers_are_read_as_they_are_written(tmp_path: Path) -> None:
    text = STATION.replace("range_high: 150", "range_high: 0150").replace("21.0", "21")
    (station,) = load(tmp_path, stations=text.replace("interval_minutes: 5", 'decimal_sign: ","'))
    assert isinstance(station, Station)
    assert (station.parameters[0].range_high, station.latitude, station.decimal_sign) == (150, 21, ",")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("interval_minutes", "intervall_minutes"), "did you mean 'interval_minutes'?"),
        (("range_high", "range_hihg"), "did you mean 'range_high'?"),
        (("stations:", "station:"), "unknown key 'station'; did you mean 'stations'?"),
        (("ambient-air", "ambient"), "type"),
        (("latitude: 21.0", "latitude: 210"), "latitude"),
        (("range_high: 150", "range_high: -1"), "range_low must lie below range_high"),
        (('province: "01"', "province: HN"), "province"),
        (("2024-01-01", "2024-01-01\n    timezone: Asia/Hanoi"), "'Asia/Hanoi' is not a time zone"),
        (("stations:", "stations: ["), "not readable as YAML"),
        (("range_high: 150", "range_high: 1_50"), "range_high: '1_50' is no number"),
        (("range_high: 150", "range_high: 1:50"), "range_high: '1:50' is no number"),
        (("range_high: 150", 'range_high: "1,50"'), "range_high"),
        (("2024-01-01", "2024-01-01 24:05:00+07:00"), "'2024-01-01 24:05:00+07:00' is no date or time"),
        (("interval_minutes: 5", "decimal_sign: comma"), "decimal_sign"),
    ],
)
def test_a_mistake_gives_one_sentence_with_file_place_and_key(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"hanoi\.yaml") as caught:
        load(tmp_path, hanoi=STATION.replace(*wrong))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


RIVER = (
    STATION.replace("ambient-air", "surface-water")
    + """
    pollution:
      - {kind: organic, valid_from: 2026-01-01, valid_to: 2027-01-01}
      - {kind: metals}
"""
)


def test_what_is_known_of_a_water_body_holds_between_its_dates(tmp_path: Path) -> None:
    (river,) = load(tmp_path, stations=RIVER)
    assert isinstance(river, Station)
    assert Station.model_validate_json(river.model_dump_json()) == river
    dates = "2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01"
    assert [river.to_domain().pollution_at(parse_time(date)) for date in dates] == [
        {Pollution.METALS},
        {Pollution.METALS, Pollution.ORGANIC},
        {Pollution.METALS, Pollution.ORGANIC},
        {Pollution.METALS},
    ]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("surface-water", "wastewater"), "pollution is stated of surface water, not of wastewater"),
        (("kind: organic", "kind: organics"), "pollution.1.kind"),
        (("valid_to: 2027-01-01", "valid_to: 2025-01-01"), "valid_from must lie before valid_to"),
    ],
)
def test_a_mistake_about_a_water_body_gives_one_sentence(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"rivers\.yaml") as caught:
        load(tmp_path, rivers=RIVER.replace(*wrong))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_says_which_entry_it_is_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 12: HN_DEMO_KHI001: parameters\.1\.unti: unknown key"):
        load(tmp_path, hanoi=STATION.replace("unit:", "unti:"))


LIMITED = (
    ACCOUNT
    + """
    allowed_networks: [203.113.4.17, 203.113.5.0/24, "2001:db8::/32"]
    limits: {connections: 4, bytes_per_second: 65536, file_bytes: 100000, files_per_day: 2000}
"""
)


def test_an_account_may_be_bound_to_addresses_and_to_limits(tmp_path: Path) -> None:
    account, _ = load(tmp_path, accounts=LIMITED, stations=STATION)
    assert isinstance(account, Account)
    found = account.to_domain()
    assert found.allowed_networks == ("203.113.4.17/32", "203.113.5.0/24", "2001:db8::/32")
    assert found.limits == AccountLimits(4, 65536, 100000, 2000)
    assert Account.model_validate_json(account.model_dump_json()) == account


def test_an_account_that_says_nothing_comes_from_anywhere_within_the_usual_limits(tmp_path: Path) -> None:
    account, _ = load(tmp_path, accounts=ACCOUNT, stations=STATION)
    assert isinstance(account, Account)
    assert account.to_domain().allowed_networks == ()
    assert account.to_domain().limits == AccountLimits(None, None, None, None)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("allowed_networks", "allowed_network"), "did you mean 'allowed_networks'?"),
        (("limits:", "limit:"), "did you mean 'limits'?"),
        (("files_per_day", "file_per_day"), "limits.file_per_day: unknown key; did you mean 'files_per_"),
        (("connections: 4", "connections: 0"), "limits.connections: Input should be greater than 0"),
        (("65536", "100"), "limits.bytes_per_second: Input should be greater than or equal to 4096"),
        (("203.113.5.0/24", "203.113.5.1/24"), "203.113.5.1/24 has host bits set"),
        (("203.113.4.17", "nam-dinh"), "'nam-dinh' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_a_mistake_in_an_account_gives_one_sentence(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"accounts\.yaml, line \d+: demo: ") as caught:
        load(tmp_path, accounts=LIMITED.replace(*wrong), stations=STATION)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


FINGERPRINT = "0123456789abcdef" * 4
CERTIFIED = f"""
accounts:
  - name: hanoi
    role: province
    provinces: ["01"]
    certificates:
      - {":".join(FINGERPRINT[i : i + 2] for i in range(0, 64, 2)).upper()}
"""


def test_an_account_may_have_certificates_in_place_of_a_password(tmp_path: Path) -> None:
    (account,) = load(tmp_path, accounts=CERTIFIED)
    assert isinstance(account, Account)
    found = account.to_domain()
    assert (found.password_hash, found.certificates) == ("", (FINGERPRINT,))
    assert Account.model_validate_json(account.model_dump_json()) == account
    with pytest.raises(ValueError, match=r"no password_hash, .* no certificates: nobody can log in"):
        load(tmp_path, accounts=CERTIFIED.partition("    certificates")[0])
    with pytest.raises(ValueError, match=r"certificates\.1: String should match pattern"):
        load(tmp_path, accounts=CERTIFIED.replace("EF\n", "E\n"))


def test_a_certificate_of_two_accounts_is_unusual(tmp_path: Path) -> None:
    text = CERTIFIED + CERTIFIED.replace("hanoi", "hue").replace("accounts:\n", "").replace("01:", "01")
    (tmp_path / "a.yaml").write_text(text)
    checked = CliRunner().invoke(registry, ["check", str(tmp_path)])
    assert "hue: certificates.1: it is the certificate of hanoi too" in checked.output


def test_the_password_before_has_an_end(tmp_path: Path) -> None:
    previous = "    previous_password: {password_hash: $argon2id$old, valid_to: 2026-02-01}\n"
    account, _ = load(tmp_path, accounts=ACCOUNT + previous, stations=STATION)
    assert isinstance(account, Account)
    found, midnight = account.to_domain(), datetime(2026, 1, 31, 17, tzinfo=UTC)
    assert found.password_hashes(midnight - timedelta(seconds=1)) == (found.password_hash, "$argon2id$old")
    assert found.password_hashes(midnight) == (found.password_hash,)
    assert Account.model_validate_json(account.model_dump_json()) == account
    with pytest.raises(ValueError, match=r"previous_password\.valid_to: this key is missing"):
        load(tmp_path, accounts=ACCOUNT + previous.replace(", valid_to: 2026-02-01", ""), stations=STATION)


def test_an_account_for_a_station_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"demo: stations\.1: station 'HN_DEMO_KHI001' is not defined"):
        load(tmp_path, accounts=ACCOUNT)


def test_a_record_defined_twice_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"^b\.yaml, line 3: HN_DEMO_KHI001: the station is defined twice: see a\.yaml, line 3$",
    ):
        load(tmp_path, a=STATION, b=STATION)


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \*\.yaml file"):
        load_directory(tmp_path)


def test_the_registry_follows_its_topic(tmp_path: Path) -> None:
    registry = to_registry(load_directory(_written(tmp_path)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    station = registry.station("HN_DEMO_KHI001", at)
    assert station is not None
    assert station.parameter("PM2.5", at) is not None
    assert registry.station("HN_DEMO_KHI001", datetime(2020, 1, 1, tzinfo=UTC)) is None
    apply_record(registry, b"station/HN_DEMO_KHI001", None)
    assert registry.station("HN_DEMO_KHI001", at) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"stations/X", b"{}"),
        (b"station/", b"{}"),
        (b"station/X", b"{}"),
        (b"\xff", b"{}"),
        (b"account/x", b""),
        (b"rules/20260325T000000-0", b"{}"),
        (b"decision/20260325T000000-0", b"{}"),
        (b"api-key/another", example("station-registry.api-key.json")),
    ],
)
def test_a_record_that_is_none_is_an_error_and_changes_nothing(
    tmp_path: Path, key: bytes, value: bytes
) -> None:
    registry = to_registry(load_directory(_written(tmp_path)))
    with pytest.raises(ValueError):
        apply_record(registry, key, value)
    assert list(registry.stations) == ["HN_DEMO_KHI001"]


def _written(folder: Path) -> Path:
    (folder / "hanoi.yaml").write_text(STATION + ACCOUNT, encoding="utf-8")
    return folder


def test_a_station_says_how_its_files_are_met_and_which_unit_they_write_wrongly(tmp_path: Path) -> None:
    more = """
    file_patterns: ["Tram 1 ", "T1-*.lsi"]
    encoding: cp1258
"""
    rule = "unit_override: [{written: mg/Nm3, really: µg/m3}], valid_to: 2026-03-25}"
    text = STATION.rstrip().removesuffix("}") + f", {rule}{more}"
    (record,) = load(tmp_path, hanoi=text)
    assert isinstance(record, Station)
    station = record.to_domain()
    assert (station.file_patterns, station.encoding) == (("Tram 1 ", "T1-*.lsi"), "cp1258")
    assert station.parameters[0].unit_override == (("mg/Nm3", "µg/m3"),)


def test_an_override_with_an_unknown_unit_is_a_mistake_that_is_named(tmp_path: Path) -> None:
    text = STATION.rstrip().removesuffix("}") + ", unit_override: [{written: furlong, really: µg/m3}]}\n"
    with pytest.raises(ValueError, match="the unit 'furlong' is unknown"):
        load(tmp_path, hanoi=text)


def decision(number: int, *, station: str = "HN_DEMO_KHI001", **more: Any) -> tuple[bytes, bytes]:
    fields = json.loads(example("station-registry.decision.json"))
    fields |= {"id": f"decision-{number:02}", "station": station, **more}
    return f"decision/{fields['id']}".encode(), json.dumps(fields).encode()


def standing(registry: Registry, station: str = "HN_DEMO_KHI001") -> list[str]:
    return [each.id for each in registry.decisions_of(station)]


def test_of_the_decisions_about_a_station_the_last_decided_stands_last() -> None:
    registry = Registry()
    apply_record(registry, *decision(1, decided_at="2026-03-25T03:00:00Z"))
    apply_record(registry, *decision(2, decided_at="2026-03-25T09:30:00+07:00"))
    apply_record(registry, *decision(3, station="HN_OTHER"))
    assert standing(registry) == ["decision-02", "decision-01"]
    assert standing(registry, "HN_OTHER") == ["decision-03"]
    again = Registry(decisions=dict(registry.decisions))
    assert standing(again) == standing(registry)


def test_a_withdrawn_decision_stands_no_more_but_is_still_known() -> None:
    registry = Registry()
    apply_record(registry, *decision(1))
    gone = {"by": "minh", "why": "wrong station", "at": "2026-03-26T00:00:00Z"}
    apply_record(registry, *decision(1, withdrawn=gone))
    assert standing(registry) == []
    found = registry.decisions["decision-01"].withdrawn
    assert found is not None
    assert (found.by, found.at) == ("minh", datetime(2026, 3, 26, tzinfo=UTC))
    apply_record(registry, *decision(1))
    assert standing(registry) == ["decision-01"]
    apply_record(registry, b"decision/decision-01", None)
    assert (standing(registry), registry.decisions) == ([], {})


def test_a_decision_covers_its_parameters_from_its_start_until_before_its_end() -> None:
    registry = Registry()
    apply_record(registry, *decision(1))
    [found] = registry.decisions_of("HN_DEMO_KHI001")
    assert found.flag is Flag.FAIL
    start, end = (datetime(2026, 3, 24, hour, tzinfo=UTC) for hour in (17, 20))
    assert [found.covers("O3", at) for at in (start, end)] == [True, False]
    assert not found.covers("NO2", start)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"end": "2026-03-24T17:00:00Z"}, "the span must start before it ends"),
        ({"parameters": ["o3"]}, "'o3' is no catalogue code; it is 'O3'"),
        ({"flag": "missing"}, "Input should be 'good', 'suspect' or 'fail'"),
        ({"why": ""}, "why"),
    ],
)
def test_a_decision_that_says_nothing_sensible_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        apply_record(Registry(), *decision(1, **wrong))


MAINTENANCE = """    maintenance:
      - {start: 2026-04-01, end: 2026-04-02T07:30+07:00, parameters: [PM2.5], why: yearly service}
"""


def test_maintenance_in_the_registry_is_a_decision_made_beforehand(tmp_path: Path) -> None:
    registry = to_registry(load(tmp_path, stations=STATION + MAINTENANCE))  # type: ignore[arg-type]
    apply_record(registry, *decision(1))
    planned, decided = registry.decisions_of("HN_DEMO_KHI001")
    assert decided.id == "decision-01"
    assert (planned.flag, planned.why, planned.parameters) == (Flag.FAIL, "yearly service", ("PM2.5",))
    assert planned.start == datetime(2026, 3, 31, 17, tzinfo=UTC)
    assert planned.end == datetime(2026, 4, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("why:", "whi:"), "whi: unknown key; did you mean 'why'?"),
        (("end: 2026-04-02T07:30+07:00", "end: 2026-03-31"), "the span must start before it ends"),
        (("[PM2.5]", "[PM25]"), "'PM25' is no catalogue code; it is 'PM2.5'"),
    ],
)
def test_a_mistake_in_a_maintenance_window_gives_one_sentence(
    tmp_path: Path, wrong: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"hanoi\.yaml, line \d+: HN_DEMO_KHI001: ") as caught:
        load(tmp_path, hanoi=STATION + MAINTENANCE.replace(*wrong))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["25/03/2026", "2026-03-25T07:00", "soon", ""])
def test_a_time_without_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|neither a date nor a time"):
        parse_time(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"account/bkhn", b'{"name": "bkhn", "password_hash": "pasted-as-it-is"}'),
        (b"account/bkhn", b'{"name": "bkhn", "password_hash": "pasted-as-it-is"'),
        (b"account/bkhn", b'{"password_hash": "$argon2id$pasted-as-it-is"}'),
        (
            b"api-key/0123456789ab",
            b'{"id": "0123456789ab", "secret_sha256": "pasted-as-it-is"}',
        ),
    ],
)
def test_what_is_said_of_a_bad_record_never_shows_a_password(key: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match="validation error") as refused:
        apply_record(Registry(), key, value)
    assert "pasted" not in str(refused.value)


PROVINCE = ACCOUNT.replace("stations: [HN_DEMO_KHI001]", 'role: province\n    provinces: ["01"]')


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('["15", "17"]', "account.yaml, line 6: demo: provinces: '17' is no code of a province of today"),
        ("[01]", "account.yaml, line 6: demo: provinces.1: YAML reads this as no text; put it in quotes"),
    ],
)
def test_a_province_account_names_provinces_of_today(tmp_path: Path, wrong: str, sentence: str) -> None:
    (account,) = load(tmp_path, account=PROVINCE)
    assert isinstance(account, Account)
    assert account.to_domain().provinces == ("01",)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load(tmp_path, account=PROVINCE.replace('["01"]', wrong))


def test_a_stations_account_names_no_provinces(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only an account with role: province delivers for provinces"):
        load(tmp_path, account=PROVINCE.replace("role: province", "role: station"))


def test_the_check_says_which_account_delivers_nothing(tmp_path: Path) -> None:
    (tmp_path / "account.yaml").write_text(PROVINCE.replace('provinces: ["01"]', ""), encoding="utf-8")
    found = CliRunner().invoke(registry, ["check", str(tmp_path)])
    sentence = "demo: provinces: it names no provinces: it delivers nothing"
    assert found.output == f"unusual: account.yaml, line 3: {sentence}\n1 record, no mistake, 1 unusual\n"
