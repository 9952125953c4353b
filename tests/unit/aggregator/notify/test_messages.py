"""What a notice says, as text and as mail, and how a webhook is signed."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.testing.builders import station
from services.aggregator.notify.adapters.smtp import SmtpChannel
from services.aggregator.notify.adapters.webhook import WebhookChannel, signature
from services.aggregator.notify.messages import digest, single, trial
from services.aggregator.notify.tables import Pending
from services.aggregator.notify.target import Notice, TargetAway, TargetRefused
from support.notify import EVENING, alert

STATIONS = {"HN_BKHN_KHIKXQ": station()}
ENGLISH = """\
Nothing received since 2026-03-25T18:40:00+07:00; a file is due every 5 minutes.

Station: HN_BKHN_KHIKXQ (Hanoi University of Science and Technology)
Severity: warning
Since: 19:00 25/03/2026
State: opened, 19:00 25/03/2026
Alert: station-silent/HN_BKHN_KHIKXQ/1/1
"""
VIETNAMESE = """\
Không nhận được dữ liệu từ 18:40 25/03/2026; chu kỳ gửi là 5 phút.

Trạm: HN_BKHN_KHIKXQ (Đại học Bách khoa Hà Nội)
Mức độ: cảnh báo
Từ: 19:00 25/03/2026
Trạng thái: mở, 19:00 25/03/2026
Mã cảnh báo: station-silent/HN_BKHN_KHIKXQ/1/1
"""


def notice(**given: Any) -> Notice:
    return single(Pending(alert(**given)), STATIONS, "en", EVENING)


def mail(to: Notice) -> EmailMessage:
    """Write the mail and read it as a mail program would."""
    channel = SmtpChannel(
        "duty",
        "127.0.0.1",
        25,
        security="none",
        sender="quantrac@example.org",
        to=["a@example.org", "b@example.org"],
    )
    found = message_from_bytes(bytes(channel.message(to)), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def test_an_alert_is_told_in_english() -> None:
    message = notice()
    assert message.text == ENGLISH
    assert message.subject == (
        "[warning] Station silent, opened: HN_BKHN_KHIKXQ (Hanoi University of Science and Technology)"
    )


def test_an_alert_is_told_in_vietnamese() -> None:
    message = single(Pending(alert()), STATIONS, "vi", EVENING)
    assert message.text == VIETNAMESE
    assert message.subject == "[cảnh báo] Trạm mất tín hiệu, mở: HN_BKHN_KHIKXQ (Đại học Bách khoa Hà Nội)"


def test_a_station_without_an_english_name_has_its_own() -> None:
    entry = station(name="Trạm Bách khoa", name_en="")
    message = single(Pending(alert()), {entry.code: entry}, "en", EVENING)
    assert message.subject == "[warning] Station silent, opened: HN_BKHN_KHIKXQ (Trạm Bách khoa)"
    nameless = station(name="", name_en="")
    message = single(Pending(alert()), {nameless.code: nameless}, "en", EVENING)
    assert message.subject.endswith(": HN_BKHN_KHIKXQ")


def test_what_is_about_no_station_names_the_account_or_the_address() -> None:
    facts = {"account": "bkhn", "address": "203.113.4.17", "failures": "3.0", "reason": "wrong password"}
    about_account = alert(kind="logins-refused", station=None, facts=facts)
    del facts["account"]
    about_address = alert(kind="logins-refused", station=None, facts=facts)
    lines = [
        single(Pending(item), {}, "vi", EVENING).text.splitlines() for item in (about_account, about_address)
    ]
    assert [(text[0], text[2]) for text in lines] == [
        (
            "3 lần đăng nhập bị từ chối của tài khoản bkhn từ 203.113.4.17 (wrong password).",
            "Tài khoản: bkhn",
        ),
        ("3 lần đăng nhập bị từ chối từ 203.113.4.17 (wrong password).", "Địa chỉ: 203.113.4.17"),
    ]
    message = single(Pending(about_account), {}, "en", EVENING)
    assert message.subject == "[warning] Logins refused, opened: bkhn"
    assert "station" not in message.payload["data"]


def test_a_fact_that_is_missing_leaves_the_kind() -> None:
    message = single(Pending(alert(facts={})), STATIONS, "vi", EVENING)
    assert message.text.splitlines()[0] == "Trạm mất tín hiệu."


@pytest.mark.parametrize(
    ("kind", "facts", "sentence"),
    [
        (
            "station-silent",
            {"valid_from": "2026-03-25T11:40:00Z", "interval_minutes": "5.0"},
            "Chưa nhận được dữ liệu từ khi trạm có hiệu lực lúc 18:40 25/03/2026; chu kỳ gửi là 5 phút.",
        ),
        (
            "parameter-silent",
            {"last_at": "2026-03-25T11:40:00Z"},
            "Không có giá trị COD từ 18:40 25/03/2026, trong khi các thông số khác vẫn có.",
        ),
        (
            "parameter-silent",
            {"since": "2026-03-25T11:40:00Z"},
            "Chưa có giá trị COD từ 18:40 25/03/2026, trong khi các thông số khác vẫn có.",
        ),
        (
            "data-incomplete",
            {
                "counted": "700.0",
                "expected": "1152.0",
                "to": "2026-03-25T11:00:00Z",
                "share": "0.6076",
                "limit": "0.75",
            },
            "Chỉ 700 trên 1152 giá trị của 24 giờ đến 18:00 25/03/2026 hợp lệ: tỷ lệ 0,6076, yêu cầu 0,75.",
        ),
        (
            "analyser-stuck",
            {"value": "31.5", "unit": "mg/L", "at": "2026-03-25T11:40:00Z"},
            "Giá trị COD không biến đổi như tín hiệu thật: 31,5 mg/L lúc 18:40 25/03/2026.",
        ),
        (
            "limit-exceeded",
            {
                "maximum": "60.75",
                "period": "day",
                "unit": "mg/L",
                "standard": "QCVN 40:2011/BTNMT",
                "starts_at": "2026-03-24T17:00:00Z",
                "peak": "81.0",
                "ratio": "1.3333",
            },
            "Trung bình ngày của COD vượt 60,75 mg/L (QCVN 40:2011/BTNMT) từ 00:00 25/03/2026;"
            " cao nhất là 81 mg/L, gấp 1,3333 lần.",
        ),
        (
            "limit-exceeded",
            {
                "minimum": "6",
                "maximum": "9",
                "period": "hour",
                "unit": "",
                "standard": "X",
                "starts_at": "2026-03-24T17:00:00Z",
                "peak": "5.5",
            },
            "Trung bình 1 giờ của COD nằm ngoài 6 đến 9 (X) từ 00:00 25/03/2026; xa nhất là 5,5.",
        ),
        (
            "warning-level",
            {"level": "preparing", "value": "55.0", "unit": "mg/L", "at": "2026-03-25T11:40:00Z"},
            "COD chuẩn bị vượt giới hạn: 55 mg/L lúc 18:40 25/03/2026.",
        ),
        (
            "backlog-arriving",
            {"files": "13", "late_minutes": "60", "window_minutes": "10"},
            "Trạm đang gửi bù: từ 13 tệp đo trước đó hơn 60 phút đã đến trong 10 phút.",
        ),
    ],
)
def test_a_vietnamese_sentence_is_made_of_the_facts(
    kind: str, facts: dict[str, str | float], sentence: str
) -> None:
    message = single(Pending(alert(kind=kind, parameter="COD", facts=facts)), {}, "vi", EVENING)
    assert message.text.splitlines()[0] == sentence


def test_a_station_that_the_registry_does_not_know_is_told_by_its_code() -> None:
    message = single(Pending(alert(parameter="PM2.5")), {}, "en", EVENING)
    assert message.subject == "[warning] Station silent, opened: HN_BKHN_KHIKXQ, PM2.5"


def test_programs_get_the_alert_with_its_station() -> None:
    message = notice(state="closed", version=2)
    assert message.payload == {
        "type": "alert.closed",
        "timestamp": "2026-03-25T12:00:02.000Z",
        "data": {
            "alert_id": "station-silent/HN_BKHN_KHIKXQ/1",
            "kind": "station-silent",
            "severity": "warning",
            "state": "closed",
            "version": 2,
            "station": "HN_BKHN_KHIKXQ",
            "station_name": "Đại học Bách khoa Hà Nội",
            "province": "01",
            "opened_at": "2026-03-25T12:00:00Z",
            "changed_at": "2026-03-25T12:00:02Z",
            "detail": "Nothing received since 2026-03-25T18:40:00+07:00; a file is due every 5 minutes.",
            "facts": {"last_at": "2026-03-25T11:40:00Z", "interval_minutes": 5.0, "grace_minutes": 15.0},
            "subject": message.subject,
            "text": message.text,
        },
    }


def test_a_digest_has_a_line_an_alert() -> None:
    found = digest(
        [Pending(alert(1)), Pending(alert(2, "closed", 2), severity_rank=2)], STATIONS, "vi", EVENING
    )
    assert found.subject == "2 cảnh báo"
    assert found.text == (
        "- 19:00 25/03/2026 [cảnh báo] Trạm mất tín hiệu, mở: HN_BKHN_KHIKXQ (Đại học Bách khoa Hà Nội)."
        " Không nhận được dữ liệu từ 18:40 25/03/2026; chu kỳ gửi là 5 phút.\n"
        "- 19:00 25/03/2026 [cảnh báo] Trạm mất tín hiệu, kết thúc:"
        " HN_BKHN_KHIKXQ (Đại học Bách khoa Hà Nội)."
        " Cảnh báo đã kết thúc. Trước đó: Không nhận được dữ liệu từ 18:40 25/03/2026;"
        " chu kỳ gửi là 5 phút.\n"
    )


def test_a_mail_says_what_it_is_and_to_whom() -> None:
    message = mail(single(Pending(alert()), STATIONS, "vi", EVENING))
    assert message["From"] == "quantrac@example.org"
    assert message["To"] == "a@example.org, b@example.org"
    assert message["Subject"] == "[cảnh báo] Trạm mất tín hiệu, mở: HN_BKHN_KHIKXQ (Đại học Bách khoa Hà Nội)"
    assert message["Date"] == "Wed, 25 Mar 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] is None
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == VIETNAMESE


def test_a_mail_is_seven_bits_whatever_the_language() -> None:
    channel = SmtpChannel("duty", "h", 25, security="none", sender="q@example.org", to=["a@example.org"])
    raw = bytes(channel.message(single(Pending(alert()), STATIONS, "vi", EVENING)))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998, "RFC 5322's longest line"


def test_a_mail_sent_again_has_the_same_id_and_a_closing_answers_its_opening() -> None:
    opening = mail(notice())
    later = single(Pending(alert()), STATIONS, "en", EVENING + timedelta(hours=1))
    assert mail(later)["Message-ID"] == opening["Message-ID"]
    closing = mail(single(Pending(alert(state="closed", version=3), 2, 1), STATIONS, "en", EVENING))
    assert closing["Message-ID"] != opening["Message-ID"]
    assert closing["In-Reply-To"] == closing["References"] == opening["Message-ID"]


@given(st.text(), st.text())
def test_no_name_or_sentence_adds_a_header_or_a_line(name: str, detail: str) -> None:
    odd = {"HN_BKHN_KHIKXQ": station()}
    object.__setattr__(odd["HN_BKHN_KHIKXQ"], "name_en", f"x{name}")
    message = mail(single(Pending(alert(detail=detail)), odd, "en", EVENING))
    assert message.keys() == mail(notice()).keys()
    assert message["To"] == "a@example.org, b@example.org"
    assert len(message.get_content().splitlines()) == len(ENGLISH.splitlines())


SECRETS = (b"k" * 24, b"s" * 32)


def post(answer: Any, secrets: tuple[bytes, ...] = SECRETS[:1], **given: Any) -> httpx.Request:
    """Send a notice to a receiver that gives this answer; returns what it got."""
    got: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        got.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else answer

    channel = WebhookChannel(
        "https://hook.example.org/alerts",
        secrets,
        clock=lambda: 1774440000.9,
        transport=httpx.MockTransport(receive),
    )
    try:
        assert channel.send(notice(**given)) == ""
    finally:
        channel.close()
        assert len(got) == 1, "redirects are not followed"
    return got[0]


def test_the_signature_is_the_one_of_the_specifications_libraries() -> None:
    # The vector that every library of the specification tests with.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_webhook_is_signed_over_its_id_its_time_and_its_bytes() -> None:
    got = post(204)
    assert got.headers["webhook-id"] == "station-silent/HN_BKHN_KHIKXQ/1/1"
    assert got.headers["webhook-timestamp"] == "1774440000"
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.content) == notice().payload
    signed = b"station-silent/HN_BKHN_KHIKXQ/1/1.1774440000." + got.content
    expected = base64.b64encode(hmac.digest(SECRETS[0], signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"


def test_two_secrets_make_two_signatures() -> None:
    signatures = post(200, SECRETS)
    first, second = signatures.headers["webhook-signature"].split(" ")
    assert first == post(200, SECRETS[:1]).headers["webhook-signature"]
    assert second == post(200, SECRETS[1:]).headers["webhook-signature"]


def test_a_webhooks_id_fits_into_a_header_and_holds_no_full_stop() -> None:
    got = post(200, alert_id="limit-exceeded/HN_ĐÔNG/PM2.5")
    assert got.headers["webhook-id"] == "limit-exceeded/HN_%C4%90%C3%94NG/PM2%2E5/1"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 413, 422, 301, 307])
def test_a_webhook_that_says_no_refuses(status: int) -> None:
    with pytest.raises(TargetRefused, match=f"{status}: so it is"):
        post(httpx.Response(status, text="so\nit is", headers={"location": "https://example.org/"}))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_webhook_that_says_later_is_away_for_as_long_as_it_asks(status: int) -> None:
    with pytest.raises(TargetAway, match=str(status)) as caught:
        post(httpx.Response(status, headers={"retry-after": "17"}))
    assert caught.value.retry_after == 17.0


def test_a_webhook_that_does_not_answer_is_away() -> None:
    with pytest.raises(TargetAway, match="ConnectTimeout: nobody there"):
        post(httpx.ConnectTimeout("nobody there"))


def test_a_redirect_is_refused_with_where_it_points() -> None:
    with pytest.raises(TargetRefused, match=r"301: https://example\.org/"):
        post(httpx.Response(301, headers={"location": "https://example.org/"}))


def test_a_trial_says_that_no_alert_stands_behind_it() -> None:
    message = trial("duty", "vi", EVENING)
    assert message.text == "Đây là tin nhắn thử của đích nhận duty, không phải cảnh báo.\n"
    assert (message.subject, message.payload["type"]) == ("Quantrac: Tin nhắn thử", "test")
