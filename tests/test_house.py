"""The house rules that no linter has: sizes, public names, command-line words."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import pryproof
from pryproof.cli.app import app

SOURCE = Path(__file__).parents[1] / "src" / "pryproof"
FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES, MOST_BODY = 400, 50


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_can_be_kept_in_the_head(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "from __future__ import annotations" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= MOST_BODY, f"{node.name} has {lines} lines"


def test_the_public_names():
    assert pryproof.__all__ == [
        "Audit",
        "FakeAudit",
        "Machine",
        "Settings",
        "Study",
        "Verdicts",
        "Vote",
        "attack",
        "check_fakes",
        "demo",
        "reproduce",
        "value",
    ]
    for public in pryproof.__all__:
        assert getattr(pryproof, public).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Stuby'"):
        pryproof.Stuby  # noqa: B018 - the access is the test


def test_the_verbs_and_their_options():
    commands = typer.main.get_command(app).commands
    looking = {"study", "data", "model", "workspace", "set_", "json"}
    planning = looking | {"workers", "device"}
    study = planning | {"retry_failed"}
    assert {word: {p.name for p in command.params} for word, command in commands.items()} == {
        "check-fakes": {
            "fakes",
            "real",
            "holdout",
            "reference",
            "spaces",
            "inception",
            "out",
            "gate",
            "seed",
            "json",
        },
        "attack": {
            "outputs",
            "reference",
            "attacks",
            "target",
            "set_",
            "out",
            "export",
            "list_",
            "seed",
            "json",
        },
        "demo": {"workspace", "set_", "workers", "device", "retry_failed", "json"},
        "doctor": {"json"},
        "check": looking,
        "plan": planning,
        "run": study,
        "value": study
        | {"outputs", "margin", "rule", "at_least", "share", "by_class", "out", "in_parts"}
        | {"explain", "seed"},
        "generate": study,
        "transform": study,
        "protect": study,
        "evaluate": study,
        "export": study | {"out", "what", "form", "mixture"},
        "report": study,
        "reproduce": {
            "names",
            "size",
            "data",
            "label",
            "out",
            "workers",
            "device",
            "set_",
            "list_",
            "json",
            "paper_figures",
        },
        "status": looking,
        "why": looking | {"step"},
    }


def test_importing_the_package_imports_neither_torch_nor_numpy():
    code = "import sys, pryproof; print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_looking_at_a_study_does_not_import_torch(tmp_path):
    code = (
        "import sys, pryproof as pp;"
        f"s = pp.Study({str(tmp_path / 'w')!r}); s.progress();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
