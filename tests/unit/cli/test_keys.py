"""Keys for one account: it must be there, and one of a logger."""

import pytest

from quantrac.cli.keys import check_accounts
from quantrac.errors import UserError
from quantrac.testing.builders import account, registry

REGISTRY = registry([], [account("hn-a"), account("hanoi", role="province")])


def test_an_account_of_a_logger_passes() -> None:
    check_accounts(REGISTRY, ["hn-a"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hn_a", "there is no account 'hn_a'; did you mean 'hn-a'?"),
        ("hanoi", "the account 'hanoi' is that of a province; --province makes a key for one"),
    ],
)
def test_whatever_else_is_named_is_refused_in_a_sentence(name: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        check_accounts(REGISTRY, [name])
    assert str(refused.value) == sentence
