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
