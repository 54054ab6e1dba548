"""Names of rows: variants are found, say what they are, and a slip is named."""

import pytest

from pryproof.checks import ConfigurationError
from pryproof.defenses.table import DEFENSES
from pryproof.pipeline.rows import ARMS, PLAIN_ROWS, READS, ROWS, WITH_SAFER
from pryproof.pipeline.settings import DEFAULT_ROWS, Settings


def asked(*rows: str) -> Settings:
    return Settings.parse({"evaluate": {"rows": list(rows)}}, where="test")


def test_the_default_rows_are_the_six_of_before():
    assert DEFAULT_ROWS == (
        "ce",
        "ce_early",
        "ce_crop_flip",
        "fakes",
        "fakes_transformed",
        "relax_loss",
    )


def test_every_name_is_accepted_and_every_title_its_own():
    assert asked(*ROWS).evaluate.rows == tuple(ROWS)
    assert len({row.title for row in ROWS.values()}) == len(ROWS)
    assert len({row.note for row in ROWS.values()}) == len(ROWS)
    assert all(row.defense in DEFENSES and row.trains_on in READS for row in ROWS.values())


def test_variants_are_offered_where_they_mean_something():
    variants = {name.partition("@")[::2] for name in ROWS if "@" in name}
    steps = {name for name, variant in variants if variant == "steps"}
    assert steps == {name for name, row in PLAIN_ROWS.items() if row.trains_on != "real"} | {
        "ce_static"
    }
    arms = {name for name, variant in variants if variant.startswith("augment_")}
    assert arms == {
        name for name in steps - {"ce_static", "fakes_alone"} if ROWS[name].defense == "crop_flip"
    }


def test_a_variant_is_its_row_but_for_one_thing():
    for arm in ARMS:
        row = ROWS[f"fakes@augment_{arm}"]
        assert (row.augments, row.trains_on) == (arm, "fakes")
        assert "same crop/flip" not in row.note
    assert ROWS["copies@steps"].equal_steps
    assert not ROWS["copies"].equal_steps


def test_sets_with_moved_members_read_the_transform():
    assert all("transform" in READS[name] for name in WITH_SAFER)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fakes@step", "Did you mean fakes@steps"),
        ("fakes_tranformed@augment_real", "Did you mean fakes_transformed@augment_real"),
        ("noise_copy", "Did you mean noise_copies"),
        ("ce@steps", "Did you mean"),
        ("", "Known:"),
    ],
)
def test_a_slip_is_named_with_what_was_meant(name: str, hint: str):
    with pytest.raises(ConfigurationError, match=rf"E043.*evaluate\.rows\.1.*{hint}"):
        asked("ce", name)


def test_each_row_is_named_once():
    with pytest.raises(ConfigurationError, match="named once"):
        asked("fakes@steps", "fakes@steps")
