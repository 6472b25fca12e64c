"""The worked example, in a short form, as `make demo` runs it: everything real, in a process of its own."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

_SHORT = ("--clients", "16", "--days", "90", "--seconds", "35")


@contextmanager
def _demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "demo", *_SHORT, "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


@pytest.mark.broker
@pytest.mark.database
def test_the_demo_agrees_with_its_independent_count_and_ends(tmp_path: Path) -> None:
    with _demo(tmp_path) as demo:
        text, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, text
    assert "All numbers agree with the independent count." in text
    assert re.search(r"all +(\d+) +\1 +agree", text), text
    assert re.search(r"ordered at Tremendous +\$50 +\$50 +agree", text), text
    assert re.search(r"in the mail, as a PDF +\$25 ordered +asked +nothing", text), text
    assert re.search(r"a referral link +302 to northridge.example.org", text), text
    assert re.search(r"minutes a week \(promised: under 60", text), text
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()


@pytest.mark.broker
@pytest.mark.database
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_ended_in_the_middle_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    with _demo(tmp_path) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("day ") for line in demo.stdout), "the play did not begin"
        started = psutil.Process(demo.pid).children(recursive=True)
        assert len(started) >= 5
        demo.send_signal(number)
        demo.stdout.read()
        assert demo.wait(timeout=60) == (-number if number == signal.SIGKILL else 130)
    _, alive = psutil.wait_procs(started, timeout=40)
    assert not alive


@pytest.mark.broker
@pytest.mark.database
def test_on_a_terminal_the_demo_stays_up_until_ctrl_c_and_keeps_its_verdict(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "demo", "--clients", "6", "--days", "16", "--seconds", "14"]
    with subprocess.Popen([*command, "--folder", str(tmp_path)], stdin=theirs, stdout=theirs, stderr=theirs) as demo:
        os.close(theirs)
        try:
            text = b""
            while b"Ctrl-C ends it." not in text:
                text += os.read(ours, 65_536)
            started = psutil.Process(demo.pid).children(recursive=True)
            demo.send_signal(signal.SIGINT)
            assert demo.wait(timeout=60) == 0, text.decode()
        finally:
            demo.kill()
            os.close(ours)
    assert b"All numbers agree with the independent count." in text
    _, alive = psutil.wait_procs(started, timeout=40)
    assert started
    assert not alive
