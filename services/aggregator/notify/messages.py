"""The texts of a notice, English and Vietnamese, and the JSON of a webhook; times on Vietnam's clock."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import VIETNAM
from schemas.messages.alerts import Alert
from services.aggregator.notify.config import Language
from services.aggregator.notify.tables import Pending
from services.aggregator.notify.target import Notice

Stations = Mapping[str, Station]

_KINDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "station-silent": "Station silent",
        "parameter-silent": "Parameter silent",
        "data-incomplete": "Data incomplete",
        "analyser-stuck": "Analyser stuck",
        "limit-exceeded": "Limit exceeded",
        "warning-level": "Warning level",
        "backlog-arriving": "Backlog arriving",
        "lines-rejected": "Lines rejected",
        "files-unassigned": "Files of no station",
        "logins-refused": "Logins refused",
        "reconciliation": "Ministry and province differ",
        "data-share-faulty": "Sums of the data share do not close",
    },
    "vi": {
        "station-silent": "Trạm mất tín hiệu",
        "parameter-silent": "Thông số mất tín hiệu",
        "data-incomplete": "Dữ liệu không đầy đủ",
        "analyser-stuck": "Giá trị đo không đổi",
        "limit-exceeded": "Vượt quy chuẩn",
        "warning-level": "Đạt mức cảnh báo",
        "backlog-arriving": "Dữ liệu gửi bù",
        "lines-rejected": "Dòng dữ liệu bị từ chối",
        "files-unassigned": "Tệp không thuộc trạm nào",
        "logins-refused": "Đăng nhập bị từ chối",
        "reconciliation": "Dữ liệu ở Bộ và ở tỉnh khác nhau",
        "data-share-faulty": "Số liệu tổng hợp không khớp",
    },
}
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "opened": "opened",
        "updated": "updated",
        "closed": "closed",
        "info": "info",
        "warning": "warning",
        "critical": "critical",
        "station": "Station",
        "account": "Account",
        "address": "Address",
        "parameter": "Parameter",
        "severity": "Severity",
        "since": "Since",
        "state": "State",
        "alert": "Alert",
        "digest": "{count} alerts",
    },
    "vi": {
        "opened": "mở",
        "updated": "cập nhật",
        "closed": "kết thúc",
        "info": "thông tin",
        "warning": "cảnh báo",
        "critical": "nghiêm trọng",
        "station": "Trạm",
        "account": "Tài khoản",
        "address": "Địa chỉ",
        "parameter": "Thông số",
        "severity": "Mức độ",
        "since": "Từ",
        "state": "Trạng thái",
        "alert": "Mã cảnh báo",
        "digest": "{count} cảnh báo",
    },
}

# The first whose facts are all there, else the kind alone; English is the alert's own detail.
_SENTENCES: Mapping[str, Sequence[str]] = {
    "station-silent": (
        "Không nhận được dữ liệu từ {last_at}; chu kỳ gửi là {interval_minutes} phút.",
        "Chưa nhận được dữ liệu từ khi trạm có hiệu lực lúc {valid_from};"
        " chu kỳ gửi là {interval_minutes} phút.",
    ),
    "parameter-silent": (
        "Không có giá trị {parameter} từ {last_at}, trong khi các thông số khác vẫn có.",
        "Chưa có giá trị {parameter} từ {since}, trong khi các thông số khác vẫn có.",
    ),
    "data-incomplete": (
        "Chỉ {counted} trên {expected} giá trị của 24 giờ đến {to} hợp lệ: tỷ lệ {share}, yêu cầu {limit}.",
    ),
    "analyser-stuck": ("Giá trị {parameter} không biến đổi như tín hiệu thật: {value} {unit} lúc {at}.",),
    "limit-exceeded": (
        "Trung bình {period} của {parameter} nằm ngoài {minimum} đến {maximum} {unit} ({standard})"
        " từ {starts_at}; xa nhất là {peak} {unit}.",
        "Trung bình {period} của {parameter} vượt {maximum} {unit} ({standard}) từ {starts_at};"
        " cao nhất là {peak} {unit}, gấp {ratio} lần.",
        "Trung bình {period} của {parameter} thấp hơn {minimum} {unit} ({standard}) từ {starts_at};"
        " thấp nhất là {peak} {unit}.",
    ),
    "warning-level": ("{parameter} {level} giới hạn: {value} {unit} lúc {at}.",),
    "backlog-arriving": (
        "Trạm đang gửi bù: từ {files} tệp đo trước đó hơn {late_minutes} phút"
        " đã đến trong {window_minutes} phút.",
    ),
    "lines-rejected": ("Có dòng dữ liệu không đọc được ({reason}), gần nhất trong tệp {file}.",),
    "files-unassigned": ("Tệp của tài khoản {account} không thuộc trạm nào ({reason}), gần nhất là {file}.",),
    "logins-refused": (
        "{failures} lần đăng nhập bị từ chối của tài khoản {account} từ {address} ({reason}).",
        "{failures} lần đăng nhập bị từ chối từ {address} ({reason}).",
    ),
    "reconciliation": ("Đối soát với {ministry}: {differences} giá trị không giống nhau.",),
    "data-share-faulty": ("Số liệu ngày {day} không khớp ở {faults} chỗ.",),
}
_OVER = "Cảnh báo đã kết thúc. Trước đó: {sentence}"
_FACTS: Mapping[str, str] = {
    "hour": "1 giờ",
    "8h": "8 giờ",
    "day": "ngày",
    "month": "tháng",
    "year": "năm",
    "tendency": "có xu hướng vượt",
    "preparing": "chuẩn bị vượt",
    "exceeded": "đã vượt",
}
_TRIAL: Mapping[Language, tuple[str, str]] = {
    "en": ("Test message", "This is a test of the target {name}. No alert stands behind it."),
    "vi": ("Tin nhắn thử", "Đây là tin nhắn thử của đích nhận {name}, không phải cảnh báo."),
}

_PROJECT = "Quantrac"


def single(pending: Pending, stations: Stations, language: Language, now: datetime) -> Notice:
    """Write the notice of one alert; ``stations`` by code, for their names."""
    alert, words = pending.alert, _WORDS[language]
    state = _state(pending)
    lines = [
        _sentence(alert, language),
        "",
        _subject_line(alert, stations, language),
        *([f"{words['parameter']}: {alert.parameter}"] if alert.parameter else []),
        f"{words['severity']}: {words[alert.severity]}",
        f"{words['since']}: {_local(alert.opened_at)}",
        f"{words['state']}: {words[state]}, {_local(alert.changed_at)}",
        f"{words['alert']}: {_id(alert)}",
    ]
    subject = f"[{words[alert.severity]}] {_headline(pending, stations, language)}"
    return Notice(
        id=_id(alert),
        answers=f"{alert.alert_id}/{pending.first_version}" if pending.first_version else "",
        subject=subject,
        text=_text(lines),
        payload={
            "type": f"alert.{state}",
            "timestamp": _utc(alert.changed_at),
            "data": _data(alert, stations) | {"subject": subject, "text": _text(lines)},
        },
        at=now,
    )


def digest(pendings: Sequence[Pending], stations: Stations, language: Language, now: datetime) -> Notice:
    """Write one notice of many alerts, a line each."""
    words = _WORDS[language]
    ids = "\n".join(sorted(_id(pending.alert) for pending in pendings))
    lines = [
        f"- {_local(pending.alert.changed_at)} [{words[pending.alert.severity]}] "
        f"{_headline(pending, stations, language)}. {_sentence(pending.alert, language)}"
        for pending in pendings
    ]
    subject = words["digest"].format(count=len(pendings))
    return Notice(
        id=f"digest/{hashlib.sha256(ids.encode()).hexdigest()[:32]}",
        answers="",
        subject=subject,
        text=_text(lines),
        payload={
            "type": "alert.digest",
            "timestamp": _utc(now),
            "data": {
                "subject": subject,
                "text": _text(lines),
                "alerts": [_data(pending.alert, stations) for pending in pendings],
            },
        },
        at=now,
    )


def trial(target: str, language: Language, now: datetime) -> Notice:
    """Write a notice that only tries a target."""
    subject, sentence = _TRIAL[language]
    text = _text([sentence.format(name=target)])
    data = {"subject": subject, "text": text}
    payload = {"type": "test", "timestamp": _utc(now), "data": data}
    return Notice(f"test/{_utc(now)}", "", f"{_PROJECT}: {subject}", text, payload, now)


def _id(alert: Alert) -> str:
    return f"{alert.alert_id}/{alert.version}"


def _state(pending: Pending) -> str:
    """Return the state to write: what was not sent yet opens for this target, whatever was updated since."""
    alert = pending.alert
    return "opened" if alert.state == "updated" and not pending.severity_rank else alert.state


def _headline(pending: Pending, stations: Stations, language: Language) -> str:
    alert = pending.alert
    series = f"{_station(alert, stations, language)}{f', {alert.parameter}' if alert.parameter else ''}"
    return f"{_KINDS[language][alert.kind]}, {_WORDS[language][_state(pending)]}: {series}"


def _subject_line(alert: Alert, stations: Stations, language: Language) -> str:
    kind = "station" if alert.station else "account" if "account" in alert.facts else "address"
    return f"{_WORDS[language][kind]}: {_station(alert, stations, language)}"


def _station(alert: Alert, stations: Stations, language: Language) -> str:
    """Return what an alert is about: a station with its name, else an account or an address."""
    if not alert.station:
        return str(alert.facts.get("account") or alert.facts.get("address", ""))
    station = stations.get(alert.station)
    if station is None:
        return alert.station
    name = station.name if language == "vi" else station.name_en or station.name
    return f"{alert.station} ({name})" if name else alert.station


def _sentence(alert: Alert, language: Language) -> str:
    if language == "en":
        return alert.detail
    facts = {name: _fact(fact) for name, fact in alert.facts.items()} | {"parameter": alert.parameter or ""}
    sentence = f"{_KINDS[language][alert.kind]}."
    for template in _SENTENCES[alert.kind]:
        with suppress(KeyError):
            sentence = re.sub(" ([.;])", r"\1", template.format_map(facts))  # after a unit that is empty
            break
    return _OVER.format(sentence=sentence) if alert.state == "closed" else sentence


def _fact(fact: str | float) -> str:
    """Write a fact for people: times on Vietnam's clock, numbers with a decimal comma.

    >>> _fact("5.0"), _fact(47.25), _fact("2026-03-25T00:25:00Z"), _fact("preparing")
    ('5', '47,25', '07:25 25/03/2026', 'chuẩn bị vượt')
    """
    text = str(fact)
    if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", text):
        return _local(datetime.fromisoformat(text))
    if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text):
        return f"{float(text):g}".replace(".", ",")
    return _FACTS.get(text, text)


def _data(alert: Alert, stations: Stations) -> dict[str, Any]:
    station = stations.get(alert.station or "")
    names = {"station_name": station.name, "province": station.province} if station else {}
    return alert.model_dump(mode="json", exclude_none=True) | names


def _text(lines: Sequence[str]) -> str:
    """Join lines; a name with line breaks in it makes no further one."""
    return "".join(" ".join(line.split()) + "\n" for line in lines)


def _local(time: datetime) -> str:
    """Write a time for people.

    >>> _local(datetime(2026, 3, 25, 0, 25, tzinfo=UTC))
    '07:25 25/03/2026'
    """
    return f"{time.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
