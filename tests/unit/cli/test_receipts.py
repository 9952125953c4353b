"""`quantrac receipts`: what is verified with nothing running, and the keys of the ministry."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.receipts import receipts
from quantrac.domain.delivery_contents import DeliveredSet, hash_contents
from quantrac.io.jws import KeySet, SigningKey
from quantrac.io.signing_keys import rotate_keys
from quantrac.testing.builders import NOON
from schemas.messages.deliveries import RECEIPT_TYPE, RejectedSet, SignedReceipt
from support.receipts import MINISTRY_KEY, sign_receipt

SETS = [DeliveredSet(1, "A", "a" * 64, 0, 15), DeliveredSet(3, "B", "b" * 64, 2, 1)]
PAYLOAD = SignedReceipt(
    delivery_id="d" * 64,
    ministry="mae",
    account="hanoi",
    received_at=NOON,
    accepted=2,
    waiting=[3],
    rejected=[RejectedSet(line=2, reason="no")],
    contents=hash_contents(SETS),
)
KEYS = KeySet([MINISTRY_KEY.public])
DOCUMENT: dict[str, Any] = {
    "receipt": sign_receipt(PAYLOAD),
    "files": [delivered._asdict() for delivered in SETS],
    "keys": KEYS.to_dict(),
}


@pytest.fixture
def keys(tmp_path: Path) -> str:
    file = tmp_path / "jwks.json"
    file.write_text(KEYS.to_json())
    return str(file)


def verify(document: object, *options: str) -> Result:
    content = document if isinstance(document, str) else json.dumps(document)
    return CliRunner().invoke(receipts, ["verify", "-", *options], input=content)


def test_a_receipt_is_verified_with_nothing_but_the_public_key(keys: str) -> None:
    result = verify(DOCUMENT, "--keys", keys)
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"Good: mae has signed that it received delivery {'d' * 64} of account hanoi at"
            " 2026-03-25T12:00:00+07:00, with 2 sets (1 of them waiting) and 1 rejected.",
            "The files in the document are those sets; they hold 16 readings.",
            f"Signed with key {MINISTRY_KEY.public.id}, of --keys.",
        ],
    )


def test_without_keys_it_says_that_the_documents_own_were_believed() -> None:
    result = verify(DOCUMENT)
    assert result.exit_code == 0
    assert "of the document itself: compare it with what the ministry publishes" in result.output


def test_the_bare_receipt_is_verified_without_its_files(keys: str) -> None:
    result = verify(DOCUMENT["receipt"] + "\n", "--keys", keys)
    assert result.exit_code == 0
    assert "The files" not in result.output
    assert (
        verify(DOCUMENT["receipt"]).output
        == "quantrac: a bare receipt has no keys; --keys names a file of them\n"
    )


OTHER = SigningKey.generate()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (DOCUMENT | {"files": DOCUMENT["files"][:1]}, "it speaks of 2 sets, the document has 1"),
        (
            DOCUMENT | {"files": [DOCUMENT["files"][0], DOCUMENT["files"][1] | {"readings": 2}]},
            "the files in the document are not those it was given for",
        ),
        (DOCUMENT | {"receipt": sign_receipt(PAYLOAD, OTHER)}, "it is signed with key {other}"),
        (
            DOCUMENT | {"receipt": DOCUMENT["receipt"][:-4] + "AAAA"},
            "its signature is not that of key {ministry}",
        ),
        (DOCUMENT | {"receipt": MINISTRY_KEY.sign(b"{}", RECEIPT_TYPE)}, "what is signed is no receipt"),
        (DOCUMENT | {"receipt": MINISTRY_KEY.sign(b"{}", "letter+json")}, "its type is 'letter+json'"),
        ({"receipt": "abc", "files": [], "keys": {}}, "the file is no receipt: receipt: "),
        ({"files": [], "keys": {}}, "the file is no receipt: receipt: Field required"),
        ("{", "the file is no receipt: the document: Invalid JSON"),
        ("nothing of the kind", "it is no JWS"),
        ("\udcff\x00".encode("utf-8", "surrogateescape").decode("latin-1"), "it is no JWS"),
    ],
)
def test_what_is_no_good_receipt_is_said_in_one_sentence(document: object, sentence: str, keys: str) -> None:
    result = verify(document, "--keys", keys)
    assert result.exit_code == 1
    assert sentence.format(other=OTHER.public.id, ministry=MINISTRY_KEY.public.id) in result.output
    assert len(result.output.splitlines()) == 1
    assert "Traceback" not in result.output


def test_a_document_whose_keys_are_none_is_refused() -> None:
    result = verify(DOCUMENT | {"keys": {"keys": 7}})
    assert (result.exit_code, result.output) == (
        1,
        'quantrac: the file is no receipt: keys: not a JWK Set: {"keys": […]} is wanted\n',
    )


def test_rotating_makes_a_new_key_and_all_are_shown(tmp_path: Path) -> None:
    first = rotate_keys(tmp_path / "keys")
    rotated = CliRunner().invoke(receipts, ["keys", "rotate", "--keys", str(tmp_path / "keys")])
    assert rotated.exit_code == 0, rotated.output
    shown = CliRunner().invoke(receipts, ["keys", "show", "--keys", str(tmp_path / "keys")])
    new, old = json.loads(shown.output)["keys"]
    assert old["kid"] == first.id
    assert f"key {new['kid']} in " in rotated.output
    assert "d" not in new


def test_rotating_where_there_are_no_keys_says_where_it_looked(tmp_path: Path) -> None:
    result = CliRunner().invoke(receipts, ["keys", "rotate", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert f"there is no folder {tmp_path}/ministry/spool/receipt-keys" in result.output
