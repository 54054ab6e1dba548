import json
from pathlib import Path

import pytest

from pryproof.cli.console import Console


def test_a_table_in_words_and_in_json(capsys: pytest.CaptureFixture[str]):
    Console(json=False).table(["what", "found"], [["[red]x", 3]], notes=["[b]note"])
    out = capsys.readouterr().out
    assert "[red]x" in out  # a name is never taken for markup
    assert "[b]note" in out
    Console(json=True).table(["what", "found"], [["x", 3]], notes=["note"])
    assert json.loads(capsys.readouterr().out) == {
        "rows": [{"what": "x", "found": 3}],
        "notes": ["note"],
    }


def test_a_result_names_its_files_on_lines_of_their_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("COLUMNS", "20")
    path = tmp_path / ("long" * 20)
    Console(json=False).result([("what", "said " * 20)], {"x": path})
    out = capsys.readouterr().out.splitlines()
    assert out == ["what: " + "said " * 20, str(path)]
    Console(json=True).result([("what", "said")], {"x": path})
    found = json.loads(capsys.readouterr().out)
    assert found == {"summary": {"what": "said"}, "files": {"x": str(path)}}
