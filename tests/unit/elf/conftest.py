"""Fixtures of the reader's tests: small ELF objects that are made in memory."""

import pytest

from tests.unit.elf.kit import Builder, Sym, rich_builder


@pytest.fixture
def builder() -> type[Builder]:
    return Builder


@pytest.fixture
def sym() -> type[Sym]:
    return Sym


@pytest.fixture
def rich() -> object:
    return rich_builder


@pytest.fixture(scope="session", params=["sysv", "gnu"])
def rich_bytes(request: pytest.FixtureRequest) -> bytes:
    return rich_builder(hash_style=request.param).build()
