"""Which stations an account of a province may ask for, and deliver for. Pure."""

from quantrac.domain.registry.accounts import Account


def check_rights(station: str, province: str, account: Account) -> None:
    """Raise ``ValueError`` where an account may not speak for a station of a province."""
    if province not in account.provinces:
        raise ValueError(
            f"account {account.name} may not deliver for province {province}, where station {station} is"
        )
    if account.stations and station not in account.stations:
        raise ValueError(f"account {account.name} may not deliver for station {station}")


def may_speak_for(station: str, province: str, account: Account) -> bool:
    """Tell whether an account may speak for a station of a province."""
    try:
        check_rights(station, province, account)
    except ValueError:
        return False
    return True
