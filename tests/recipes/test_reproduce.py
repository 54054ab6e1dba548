"""Figures by name: run together, continued, and honest about what could not be made."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import overrides, umask, write_npz
from pryproof.checks import ConfigurationError, DataError, IntegrityError, TrainingError
from pryproof.engine.local import Event
from pryproof.pipeline.steps.table import STEPS
from pryproof.recipes.figure import Figure
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.outcome import Reproduced
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.reproduce import PANELS, listed, recipes, sized
from pryproof.recipes.reproduction import Measured, Reproduction
from pryproof.recipes.sizes import Size, size
from recipes.failing import diverging, hopeless
from recipes.nano import nano

HERE = pp.Machine(workers=0, device="cpu")
NAMES = ["table1", "fig1a"]
TRAININGS = [f"train/target/{row}/{run}" for row in ("ce", "ce_crop_flip") for run in (0, 1)]
CHANGES = [*overrides(), "runs=2"]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("images") / "tiny.npz")


def run(
    images: Path, folder: Path, *changes: str, names: list[str] = NAMES
) -> tuple[Reproduced, list[str]]:
    """Reproduce at nano size; return also the jobs done."""
    jobs: list[str] = []

    def note(event: Event) -> None:
        if event.kind in ("finished", "failed"):
            jobs.append(event.job)

    found = pp.reproduce(
        names,
        data=images,
        folder=folder,
        overrides=[*CHANGES, *changes],
        machine=HERE,
        on_event=note,
    )
    return found, jobs


@pytest.fixture(scope="module")
def finished(
    images: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Reproduced, list[str], Path]:
    folder = tmp_path_factory.mktemp("reproduce") / "out"
    found, jobs = run(images, folder)
    return found, jobs, folder


def test_figures_are_made_together_in_the_papers_order(finished):
    found, jobs, _ = finished
    assert [each.recipe.name for each in found.figures] == ["fig1a", "table1"]
    assert sorted(jobs) == sorted(TRAININGS)
    assert found.missing == {}
    assert {name for name, _ in found.claims} == {"fig1a"}
    assert found.size.runs == found.size.ensemble == 2
    assert len(found.records) == 1 + len(TRAININGS)


def test_a_second_time_nothing_is_trained_and_all_is_the_same(finished, images):
    found, _, folder = finished
    again, jobs = run(images, folder)
    assert jobs == []
    assert again.json() == found.json()
    assert again.table() == found.table()


def test_the_table_has_a_row_for_every_claim(finished):
    columns, rows = finished[0].table()
    assert columns == ["figure", "claim", "must be", "measured", "paper", "verdict"]
    assert len(rows) == len(finished[0].claims) == 4
    printed = {row[1].split(".")[0]: row[4] for row in rows}
    assert printed["Augmentation makes many risky members safer"] == ""
    assert "0.7" in printed.values()


def test_what_is_interrupted_goes_on(finished, images, tmp_path):
    def stop(event: Event) -> None:
        if event.kind == "finished":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pp.reproduce(
            NAMES,
            data=images,
            folder=tmp_path / "out",
            overrides=CHANGES,
            machine=HERE,
            on_event=stop,
        )
    found, jobs = run(images, tmp_path / "out")
    assert len(jobs) == len(TRAININGS) - 1
    assert [each.figure.claims for each in found.figures] == [
        each.figure.claims for each in finished[0].figures
    ]


def test_files_are_whole_and_the_users_alone(finished, tmp_path):
    with umask(0):
        files = finished[0].write(tmp_path / "new" / "pages")
    assert {"reproduce.html", "reproduce.md", "claims.json", "claims.csv"} < set(files)
    assert {f"fig1a-{place}.csv" for place in (1, 2, 3)} | {"table1-1.csv"} < set(files)
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert (tmp_path / "new" / "pages").stat().st_mode & 0o777 == 0o700
    html = files["reproduce.html"].read_text()
    for measured in finished[0].figures:
        assert measured.recipe.title in html
    for name in files:
        if name.endswith(".csv") and name != "claims.csv":
            assert f'href="{name}"' in html
    assert "tiny.npz" in html
    assert str(tmp_path.parent) not in html  # a page is shared: no folder of this machine


def test_claims_as_json_and_csv_are_those_measured(finished, tmp_path):
    found = finished[0]
    files = found.write(tmp_path)
    told = json.loads(files["claims.json"].read_text())
    assert told == json.loads(found.json())
    lines = files["claims.csv"].read_text().splitlines()
    assert len(lines) == 1 + len(found.claims)
    for (name, checked), line, plain in zip(found.claims, lines[1:], told["claims"], strict=True):
        assert line.startswith(f"{name},{checked.claim.name},")
        assert line.endswith(checked.verdict)
        assert plain["value"] == checked.estimate.value
        assert plain["verdict"] == checked.verdict
    assert told["size"] == "tiny"
    assert told["settings"]["data"]["source"] == "tiny.npz"
    assert set(told["provenance"]) >= {"pryproof", "Commit", "Cost in all"}


def test_machine_settings_enter_no_key(finished, images):
    _, _, folder = finished
    other = pp.Machine(workers=1, device="auto")
    events: list[Event] = []
    pp.reproduce(
        NAMES, data=images, folder=folder, overrides=CHANGES, machine=other, on_event=events.append
    )
    assert events == []


def test_settings_and_sizes_share_a_folder_and_data_sets_do_not(finished, images, tmp_path):
    _, _, folder = finished
    _, jobs = run(images, folder, "runs=3")
    assert sorted(jobs) == ["train/target/ce/2", "train/target/ce_crop_flip/2"]
    other = write_npz(tmp_path / "other.npz", more=20)
    with pytest.raises(IntegrityError, match="E063"):
        run(other, folder)


def test_runs_that_diverged_are_named_beside_the_figure(images, tmp_path, monkeypatch):
    made = sized(size("tiny", str(images)), CHANGES)
    step = diverging([FIGURES["fig1a"]], made, ["train/target/ce/1"])
    monkeypatch.setitem(STEPS, "train", step)
    found, _ = run(images, tmp_path / "out")
    assert found.missing == {}
    figure = next(each for each in found.figures if each.recipe.name == "fig1a")
    assert "1 of 4 training runs diverged and are left out: train/target/ce/1" in figure.left_out[0]
    assert any(note.startswith("fig1a: 1 of 4 training runs") for note in found.notes())
    assert "1 of 4 training runs" in found.write(tmp_path / "p")["reproduce.html"].read_text()
    assert {checked.estimate.runs for _, checked in found.claims} != {2}


def test_a_defense_that_does_nothing_is_named_beside_the_figure(images, tmp_path):
    idle, bound = (
        run(images, tmp_path / "out", f"relax_loss.alpha={alpha}", names=["fig3b"])[0]
        for alpha in ("1e-9", "1e9")
    )
    warned = idle.figures[0].warned
    studies = [line.partition(":")[0] for line in warned]
    assert len(studies) == len(set(studies)) == 2  # with augmentation, and without
    assert all("relax_loss, 2 of 2 runs: RelaxLoss does not bind" in line for line in warned)
    assert f"fig3b: {warned[0]}" in idle.notes()
    assert bound.figures[0].warned == ()


def test_a_figure_without_runs_is_not_made_and_the_others_are(images, tmp_path, monkeypatch):
    made = sized(size("tiny", str(images)), CHANGES)
    doomed = [name for name in TRAININGS if "/ce/" in name]
    monkeypatch.setitem(STEPS, "train", diverging([FIGURES["fig1a"]], made, doomed))
    found, _ = run(images, tmp_path / "out")
    assert found.missing.keys() == {"fig1a"}
    assert "all 2 runs of ce diverged" in found.missing["fig1a"]
    assert found.figures[1].figure.panels
    page = found.content()
    assert page.subtitle.startswith("Not made: fig1a.")
    assert page.figures[0].notes[0].startswith("Not made: all 2 runs")
    assert json.loads(found.json())["figures"][0]["missing"] == found.missing["fig1a"]
    assert any(note.startswith("NOT MADE: fig1a") for note in found.notes())
    monkeypatch.undo()
    again, jobs = run(images, tmp_path / "out")
    assert jobs == []  # stored as failed
    assert again.missing == found.missing


def valuing(name: str) -> Recipe:
    """Return a recipe that needs an agreement of runs."""

    def needs(made: Size) -> dict[str, Need]:
        return {"base": Need(settings=made.base, tasks=("value/target/real",))}

    return Recipe(
        name=name,
        title=name,
        source="nowhere",
        claims=0,
        needs=needs,
        read=lambda *_: Figure(panels=(), claims=()),
    )


def together(folder: Path, made: Size, *chosen: Recipe) -> list[Measured]:
    return list(Reproduction(folder, size=made, recipes=chosen, machine=HERE).run())


def test_a_study_that_lacks_runs_ends_no_other(images, tmp_path, monkeypatch):
    made = nano(images)
    lacking = valuing("lacking")
    doomed = ["train/target/relax_loss/0", "train/target/relax_loss/1"]
    monkeypatch.setitem(STEPS, "train", diverging([lacking], made, doomed))
    found = together(tmp_path / "out", made, lacking, FIGURES["table1"], FIGURES["fig1a"])
    assert [bool(each.missing) for each in found] == [True, False, False]
    assert "the valuation of target's members needs 2, " in found[0].missing
    assert found[2].figure.claims


def test_a_generator_that_fails_ends_no_figure_without_it(images, tmp_path, monkeypatch):
    monkeypatch.setitem(STEPS, "generator", hopeless)
    found = together(tmp_path / "out", nano(images), FIGURES["fig10"], FIGURES["table1"])
    assert "the generator's loss became nan, generator/target, step 3" in found[0].missing
    assert not found[1].missing


def test_an_error_that_no_figure_owns_is_raised(images, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise TrainingError("E070", "elsewhere", where="nowhere")

    monkeypatch.setattr("pryproof.recipes.reproduction.run", broken)
    with pytest.raises(TrainingError, match="elsewhere"):
        together(tmp_path / "out", nano(images), FIGURES["table1"])


def test_every_network_is_built_before_anything_is_written(images, tmp_path):
    made = replace(nano(images), models=("small_cnn", "smal_resnet", "hivit_tiny"))
    with pytest.raises(ConfigurationError, match="small_resnet"):
        together(tmp_path / "out", made, FIGURES["fig1a"], FIGURES["fig2c"])
    assert not (tmp_path / "out").exists()


def test_networks_are_probed_in_a_folder_that_has_the_images(finished, images):
    made = replace(nano(images), models=("small_cnn", "smal_resnet", "hivit_tiny"))
    before = sorted((finished[2] / "objects").iterdir())
    with pytest.raises(ConfigurationError, match="small_resnet"):
        together(finished[2], made, FIGURES["fig2c"])
    assert sorted((finished[2] / "objects").iterdir()) == before


def test_images_that_do_not_suffice_are_refused_before_anything_is_written(images, tmp_path):
    with pytest.raises(DataError):
        run(images, tmp_path / "out", "data.members=4000")
    assert not (tmp_path / "out").exists()


def test_all_is_every_figure_and_a_name_counts_once():
    assert [recipe.name for recipe in recipes("all")] == list(FIGURES)
    assert [recipe.name for recipe in recipes(["fig1a", "fig1a"])] == ["fig1a"]
    assert recipes(["fig1a", "all"]) == recipes("all")


def test_a_panel_names_the_figure_that_shows_it():
    assert {"fig1b": "fig1a", "fig2d": "fig2c", "fig3c": "fig3b"}.items() <= PANELS.items()
    assert not PANELS.keys() & FIGURES.keys()
    assert set(PANELS.values()) <= FIGURES.keys()


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(ConfigurationError, match=r"no figure is called 'fig3e'.*Did you mean fig3"):
        recipes(["fig3e"])
    with pytest.raises(ConfigurationError, match="name a figure"):
        recipes([])


@pytest.mark.parametrize("value", ["1", "two", "-3", ""])
def test_runs_are_two_at_least(value):
    with pytest.raises(ConfigurationError, match="at least 2"):
        sized(size("tiny"), [f"runs={value}"])


def test_what_a_size_affords_follows_its_settings():
    made = sized(
        size("tiny"),
        ["value.runs=3", "evaluate.runs=4", "evaluate.shadows=5", "train.model=resnet18"],
    )
    assert (made.ensemble, made.judged, made.shadows, made.runs) == (3, 4, 5, 8)
    assert made.models == ("resnet18", *size("tiny").models[1:])


def test_the_list_counts_shared_runs_once():
    columns, rows, notes = listed(["fig1a", "fig1x"])
    assert columns[:5] == ["name", "title", "source", "claims", "trainings"]
    assert [row[4] for row in rows] == [16, 16]
    assert "24 trainings" in notes[0]  # crop/flip serves both
    assert [row[4] for row in listed("fig1a", size="paper")[1]] == [80]
    assert f", {sum(row[3] for row in rows)} claims." in notes[0]
