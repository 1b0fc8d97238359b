"""Which instructions are a fault."""

import pytest

from commonwheel.check.cpu import LINE, WIDE, faults
from commonwheel.elf import Symbol


def function(name: str, value: int, size: int) -> Symbol:
    return Symbol(name, None, True, "global", "func", True, size, False, "default", value)


@pytest.mark.parametrize(
    "mnemonic", ["vaddps", "vzeroupper", "vfmadd231sd", "vpternlogd", "mulx", "andn", "vmovaps"]
)
def test_beyond_the_baseline(mnemonic: str) -> None:
    match = LINE.match(f"    11b9:\t{mnemonic} %ymm0,%ymm1,%ymm2")
    assert match
    assert WIDE.fullmatch(match["mnemonic"])


@pytest.mark.parametrize(
    "mnemonic",
    ["addps", "verr", "verw", "vmcall", "vmlaunch", "tzcnt", "and", "mul", "shl", "pxor"],
)
def test_of_the_baseline(mnemonic: str) -> None:
    assert not WIDE.fullmatch(mnemonic)


@pytest.mark.parametrize(
    ("exports", "asks", "detects", "expected"),
    [
        ([], [], False, [("the file", "vaddps")]),
        ([], [], True, []),
        ([function("foo", 0x100, 0x20)], [], True, [("foo", "vaddps")]),
        # The instruction is the first byte behind it.
        ([function("foo", 0x100, 0x10)], [], True, []),
        ([function("foo", 0x111, 0x10)], [], True, []),
        # It asks by itself.
        ([function("foo", 0x100, 0x20)], [0x104], True, []),
        ([function("foo", 0x100, 0x20)], [0x120], True, [("foo", "vaddps")]),
        # Its name says what it is for.
        ([function("foo_avx2", 0x100, 0x20)], [], True, []),
    ],
)
def test_faults(
    exports: list[Symbol], asks: list[int], detects: bool, expected: list[tuple[str, str]]
) -> None:
    assert faults([(0x110, "vaddps")], asks, exports, detects=detects) == expected


def test_a_file_without_such_instructions() -> None:
    assert faults([], [], [function("foo", 0, 9)], detects=False) == []
