"""What docker and podman complain of, and what a user is told."""

import pytest

from commonwheel.engine.oci import COMPLAINTS, explained

# As the engines say it: docker 20.10 and 28.2, podman 4.3.
SAID = {
    "permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock: Get http://…: dial unix /var/run/docker.sock: connect: "
    "permission denied": "may not use its socket",
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?": "no engine runs",
    "Cannot connect to Podman. Please verify your connection to the Linux system using "
    "`podman system connection list`": "no engine runs",
    "error during connect: dial unix /run/podman.sock: connect: no such file or directory": (
        "no engine runs"
    ),
    "tar: ./toolkit: Cannot mkdir: No space left on device": "the disk is full",
    'OCI runtime create failed: exec: "/bin/sh": stat /bin/sh: no such file or directory': (
        "the image quay.io/pypa/x has no shell"
    ),
    "exec /bin/bash: exec format error": "cannot run aarch64 on this machine",
    "standard_init_linux.go:228: exec user process caused: exec format error": (
        "cannot run aarch64 on this machine"
    ),
    "no matching manifest for linux/arm64/v8 in the manifest list entries": (
        "is not there for aarch64"
    ),
    "Error response from daemon: manifest for quay.io/pypa/x:latest not found: manifest unknown": (
        "there is no image quay.io/pypa/x"
    ),
    "Error response from daemon: pull access denied for x, repository does not exist or may "
    "require 'docker login'": "there is no image quay.io/pypa/x",
    "Error: quay.io/pypa/x: image not known": "there is no image quay.io/pypa/x",
    "invalid reference format": "there is no image quay.io/pypa/x",
    'Get "https://quay.io/v2/": dial tcp: lookup quay.io: no such host': "cannot be reached",
    'Get "https://quay.io/v2/": net/http: TLS handshake timeout': "cannot be reached",
    'pinging container registry localhost: Get "https://localhost/v2/": dial tcp 127.0.0.1:443: '
    "connect: connection refused": "cannot be reached",
}


@pytest.mark.parametrize("said", SAID)
def test_a_complaint_is_told_with_what_to_do(said: str) -> None:
    error = explained(f"some line\n{said}\n", "docker", "quay.io/pypa/x", "aarch64")
    assert error is not None
    assert SAID[said] in error.what
    assert error.hint.splitlines()[0]
    # What the engine itself said stands below.
    assert said.split(maxsplit=1)[0] in error.hint


def test_every_known_complaint_is_tried() -> None:
    first = {next(c.what for c in COMPLAINTS if c.pattern.search(said)) for said in SAID}
    assert first == {complaint.what for complaint in COMPLAINTS}


def test_what_a_compiler_says_is_no_complaint_of_the_engine() -> None:
    assert explained("ld: cannot find -lfoo: not found", "docker") is None
