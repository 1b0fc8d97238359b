import os
import socket
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def started_by_a_fixture() -> str:
    with pytest.raises(pytest.fail.Exception) as caught:
        subprocess.run([sys.executable, "-V"], check=True)
    return str(caught.value)


def test_processes_are_refused(started_by_a_fixture: str) -> None:
    assert "starts a process (subprocess.Popen" in started_by_a_fixture
    with pytest.raises(pytest.fail.Exception, match=r"os\.fork"):
        os.fork()
    with pytest.raises(pytest.fail.Exception, match=r"os\.posix_spawn"):
        os.posix_spawn("/bin/true", ["true"], {})


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_network_is_refused(family: socket.AddressFamily) -> None:
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.socket(family) as end, pytest.raises(pytest.fail.Exception, match="the network"):
        end.connect((address, 9))
    with pytest.raises(pytest.fail.Exception, match="getaddrinfo"):
        socket.create_connection(("localhost", 9))


def test_sockets_within_the_process_work() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"hello")
        assert other.recv(5) == b"hello"
