"""What a command loads: no more than it needs, so that a warm run is quick."""

import sys

from commonwheel.process import run as run_process


def test_other_commands_do_not_pay_for_it() -> None:
    code = (
        "import sys; from commonwheel.cli import main; main(['plan', 'zlib']); print(*sys.modules)"
    )
    loaded = set(run_process([sys.executable, "-c", code]).output.split())
    assert "commonwheel.cli.plan" in loaded
    assert not {"jinja2", "pypi_simple", "bs4", "commonwheel.cli.index"} & loaded


def test_a_build_does_not_pay_for_the_gates() -> None:
    """Only a wheel that has not passed them needs them."""
    code = (
        "import sys; from commonwheel.cli import build_parser; build_parser('build'); "
        "print(*sys.modules)"
    )
    loaded = set(run_process([sys.executable, "-c", code]).output.split())
    assert "commonwheel.pipeline.checking" in loaded
    assert not {"commonwheel.check.gates", "commonwheel.cli.check", "uv", "tomli_w"} & loaded
