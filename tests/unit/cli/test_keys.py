"""Keys for one station or one account: what is named must be there."""

import pytest

from quantrac.cli.keys import check_scope
from quantrac.errors import UserError
from quantrac.testing.builders import account, registry, station

REGISTRY = registry([station("HN_A_KHI001")], [account("hn-a"), account("hanoi", role="province")])


def test_a_station_and_an_account_that_are_registered_pass() -> None:
    check_scope(REGISTRY, ["HN_A_KHI001"], ["hn-a"])


@pytest.mark.parametrize(
    ("stations", "accounts", "sentence"),
    [
        (["HN_A_KHI01"], [], "there is no station 'HN_A_KHI01'; did you mean 'HN_A_KHI001'?"),
        (["x"], [], "there is no station 'x'"),
        ([], ["hn_a"], "there is no account 'hn_a'; did you mean 'hn-a'?"),
        ([], ["hanoi"], "the account 'hanoi' is that of a province; --province makes a key for one"),
    ],
)
def test_whatever_else_is_named_is_refused_in_a_sentence(
    stations: list[str], accounts: list[str], sentence: str
) -> None:
    with pytest.raises(UserError) as refused:
        check_scope(REGISTRY, stations, accounts)
    assert str(refused.value) == sentence
