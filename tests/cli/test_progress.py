import pytest

from pryproof.cli.console import Console
from pryproof.cli.progress import watch
from pryproof.engine.local import Event

TOTAL = 200


def event(kind: str, done: int, job: str = "train/target/ce/0") -> Event:
    return Event(
        kind=kind,
        job=job,
        seconds=1.25,
        done=done,
        total=TOTAL,
        detail="epoch [1]",
        fraction=0.5,
        running=2,
        share=done / TOTAL,
        spent=36.0 * done,
    )


def play(*, json: bool) -> None:
    with watch(Console(json=json)) as on_event:
        for done in range(1, TOTAL + 1):
            on_event(event("started", done - 1))
            on_event(event("progress", done - 1))
            on_event(event("finished", done))


def test_elsewhere_a_line_every_five_percent(capsys: pytest.CaptureFixture[str]):
    play(json=False)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert 20 <= len(lines) <= 22  # the first, every 5% from there, the last
    first = "  0%  1/200  finished train/target/ce/0 (1.2 s), 0.01 core-hours"
    assert lines[0] == f"{first}, time left not known yet"
    assert lines[-1] == "100%  200/200  finished train/target/ce/0 (1.2 s), 2.00 core-hours"
    assert all("min left" in line for line in lines[1:-1])


def test_a_failure_is_always_told(capsys: pytest.CaptureFixture[str]):
    with watch(Console(json=False)) as on_event:
        for done in (1, 2):
            on_event(event("finished", done))
        on_event(event("failed", 2))
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == [
        "finished",
        "failed",
    ]


def test_json_has_no_progress(capsys: pytest.CaptureFixture[str]):
    play(json=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_live_bars(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    play(json=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert "200 of 200 tasks" in err
    assert "2 running, 2.00 core-hours" in err
    assert "\x1b[" in err


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    play(json=False)
    colours = [f"\x1b[{code}" for code in ("3", "9", "1;3", "38;")]
    assert not any(colour in capsys.readouterr().err for colour in colours)
