import json
import socket
from contextlib import closing

import pytest

from quantrac.local.errors import LocalError
from quantrac.local.ports import assign_ports, choose_ports, free_port, is_listening


@pytest.fixture
def taken():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def test_the_usual_port_is_taken_when_it_is_free():
    port = free_port()
    assert choose_ports({"api": port}) == {"api": port}


def test_another_port_is_found_when_the_usual_one_is_in_use(taken):
    chosen = choose_ports({"api": taken})["api"]
    assert chosen not in (0, taken)
    assert not is_listening(chosen)


def test_a_remembered_port_comes_before_the_usual_one():
    usual, remembered = free_port(), free_port()
    assert choose_ports({"api": usual}, remembered={"api": remembered}) == {"api": remembered}


def test_a_fixed_port_comes_before_a_remembered_one():
    fixed, remembered = free_port(), free_port()
    assert choose_ports({"api": 0}, {"api": fixed}, {"api": remembered}) == {"api": fixed}


def test_a_fixed_port_in_use_is_refused_by_name(taken):
    with pytest.raises(LocalError, match=f"^Port {taken}, wanted for api, is in use"):
        choose_ports({"api": 8000}, fixed={"api": taken})


def test_no_port_is_given_twice():
    port = free_port()
    chosen = choose_ports({"api": port, "ftp": port, "http": 0}, fixed={"ftp": port})
    assert chosen["ftp"] == port
    assert len(set(chosen.values())) == 3


def test_a_restart_keeps_the_ports_of_the_last_start(tmp_path, taken):
    file = tmp_path / "ports.json"
    first = assign_ports(file, {"api": taken})
    assert json.loads(file.read_text()) == first
    assert assign_ports(file, {"api": taken}) == first


def test_a_port_is_looked_for_on_the_address_that_it_is_wanted_on(taken):
    assert choose_ports({"ftp": taken}, hosts={"ftp": "127.0.0.2"}) == {"ftp": taken}
    with pytest.raises(LocalError, match=f"^Port {taken}, wanted for ftp, is in use"):
        choose_ports({"ftp": 0}, {"ftp": taken}, hosts={"ftp": "0.0.0.0"})


def test_an_address_that_this_machine_has_not_is_refused_by_name():
    for fixed in ({}, {"ftp": 2121}):
        with pytest.raises(LocalError, match=r"^192\.0\.2\.1 cannot be listened on, as ftp should: .+\.$"):
            choose_ports({"ftp": 2121}, fixed, hosts={"ftp": "192.0.2.1"})


def test_a_port_for_system_services_only_is_said_to_be_one(monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("quantrac.local.ports._bind", refuse)
    with pytest.raises(
        LocalError, match=r"^Port 21, wanted for ftp, is below 1024 .*`quantrac service install`"
    ):
        choose_ports({"ftp": 21}, {"ftp": 21})
