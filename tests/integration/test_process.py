import os
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from commonwheel.process import ProcessError, run


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_output_of_both_streams_in_one() -> None:
    done = run(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"))
    assert (done.code, done.output) == (0, "out\nerr\n")


def test_lines_are_followed_and_logged(tmp_path: Path) -> None:
    seen: list[str] = []
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        done = run(python("print('a'); print(); print('c', end='')"), log=log, on_line=seen.append)
    assert seen == ["a", "", "c"]
    assert (tmp_path / "log").read_text() == done.output == "a\n\nc"


def test_what_rewrites_its_line_gives_lines() -> None:
    seen: list[str] = []
    run(python(r"print('1%\r2%\r3%')"), on_line=seen.append)
    assert seen == ["1%", "2%", "3%"]


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        done = run(python("for n in range(5000): print(n)"), log=log)
    assert done.output.endswith("\n4999\n")
    assert len(done.output.splitlines()) <= 400
    assert len((tmp_path / "log").read_text().splitlines()) == 5000


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    done = run(python(r"import sys; sys.stdout.buffer.write(b'\xff \xc3\xa9\n')"), env={})
    assert done.output == "\N{REPLACEMENT CHARACTER} é\n"


def test_the_environment_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEN", "1")
    code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"
    assert run(python(code), env={"A": "b"}).output == "['A']\n"
    assert "SEEN" in run(python(code)).output


def test_standard_input_is_closed() -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), timeout=30).output == "''\n"


def test_the_folder(tmp_path: Path) -> None:
    assert run(python("import os; print(os.getcwd())"), cwd=tmp_path).output.strip() == str(
        tmp_path
    )


def test_a_failure_has_its_code_and_what_was_said() -> None:
    code = "print('it broke'); raise SystemExit(3)"
    with pytest.raises(ProcessError) as caught:
        run(python(code))
    assert (caught.value.code, caught.value.hint) == (3, "it broke")
    assert run(python(code), check=False).code == 3


def test_a_program_that_is_missing() -> None:
    with pytest.raises(ProcessError, match="no-such-program: no such file or program") as caught:
        run(["no-such-program", "--version"])
    assert caught.value.code == 127


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=r"nowhere: no such file"):
        run(python(""), cwd=tmp_path / "nowhere")


def test_what_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "file"
    file.write_bytes(b"\x7fELF, not really")
    for place, mode in ((tmp_path / "folder", 0o755), (file, 0o644), (file, 0o755)):
        place.chmod(mode | stat.S_IRUSR)
        with pytest.raises(ProcessError) as caught:
            run([place])
        assert caught.value.code == 126
        assert str(place) in caught.value.output


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = "import time; time.sleep(60)"
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"open({str(note)!r}, 'w').write(str(p.pid))\n"
        "time.sleep(60)\n"
    )
    began = time.monotonic()
    with pytest.raises(ProcessError, match="no answer in 2 s") as caught:
        run(python(code), timeout=2)
    assert caught.value.code == 124
    assert time.monotonic() - began < 30
    assert_gone(int(note.read_text()))


def assert_gone(pid: int) -> None:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":  # killed; nobody waits for it in a container without an init
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


def test_an_interruption_ends_the_group() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        run(python(code), on_line=interrupt)
    assert_gone(pids[0])


@pytest.mark.parametrize("own", [True, False])
def test_the_group_is_its_own_unless_asked_otherwise(own: bool) -> None:
    done = run(python("import os; print(os.getpgid(0))"), own_group=own)
    assert (int(done.output) != os.getpgid(0)) == own


def test_a_signal_is_a_failure() -> None:
    with pytest.raises(ProcessError) as caught:
        run(python(f"import os; os.kill(os.getpid(), {signal.SIGTERM:d})"))
    assert caught.value.code == -signal.SIGTERM
