"""What verdicts carry, by runs without a vote: planted truths, nulls, laws, and refusals."""

from dataclasses import replace

import numpy as np
import pytest

import pryproof as pp
from pryproof.attacks.lira import lira_offline
from pryproof.evaluation.estimates import tpr_by_group
from pryproof.pipeline import exposure
from pryproof.pipeline.exposure import FPRS, MOST_JUDGES, WORDS
from pryproof.pipeline.margins import MARGINS

MEMBERS, HELD = 300, 1000
SHARED = [name for name, margin in MARGINS.items() if margin.needs_unseen]


def world(
    *,
    runs: int = 4,
    strangers: int = 6,
    held: int = HELD,
    leak: float = 5.0,
    ease: float = 2.0,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Make runs on the same members, of which the first third leaks, and runs on none of them."""
    rng = np.random.default_rng(seed)
    samples = MEMBERS + held
    member = np.zeros((runs + strangers, samples), dtype=bool)
    member[:runs, :MEMBERS] = True
    phi = ease * rng.normal(size=samples) + rng.normal(size=member.shape)
    phi += leak * (member & (np.arange(samples) < MEMBERS // 3))
    return {"phi": phi, "labels": rng.integers(3, size=samples), "member": member}


def valued(given: dict[str, np.ndarray], **how: object) -> pp.Verdicts:
    return pp.value(given, how=pp.Vote(**({"minimum": 0.0} | how)))


@pytest.mark.parametrize("margin", MARGINS)
def test_planted_members_voted_risky_are_exposed(margin: str):
    found = valued(world(), margin=margin)
    for rates in found.exposure.values():
        assert not any(np.isnan(rate.value) for rate in rates.values())
    rates = found.exposure[0.01]
    if margin in SHARED:
        assert rates["risky"].value > 0.6
        assert rates["risky"].value > 4 * rates["safe"].value
        assert rates["risky"].low > rates["safe"].high
    assert found.judged.judges == (0, 1, 2, 3)


def test_the_runs_own_score_stands_in_for_missing_strangers():
    found = valued(world(strangers=0, ease=0.5))
    rates = found.exposure[0.01]
    assert rates["risky"].value > 0.5 > 20 * rates["safe"].value
    assert "own score" in found.judged.by
    assert "1000 non-members, got 5" in found.exposure[0.001]["risky"].method  # half centres


@pytest.mark.parametrize("strangers", [0, 6])
@pytest.mark.parametrize("margin", ["signed", "excess"])
def test_where_nothing_leaks_every_verdict_holds_the_false_positive_rate(
    margin: str, strangers: int
):
    if margin == "excess" and not strangers:
        pytest.skip("needs strangers")
    held = dict.fromkeys(WORDS, 0)
    for seed in range(20):
        # by its own score a run calls easy images members: alone it has none here
        calm = world(leak=0.0, ease=2.0 if strangers else 0.0, strangers=strangers, seed=seed)
        rates = valued(calm, margin=margin).exposure[0.01]
        for word in WORDS:
            held[word] += rates[word].contains(0.01)
    assert min(held.values()) >= 18


@pytest.mark.parametrize("margin", ["signed", "risk_score", "excess", "lira"])
@pytest.mark.parametrize("strangers", [0, 5])
def test_permuting_runs_and_samples_changes_no_bit(margin: str, strangers: int):
    if margin in SHARED and not strangers:
        pytest.skip("needs strangers")
    whole = world(strangers=strangers, runs=MOST_JUDGES + 2, held=200)
    whole["phi"] = np.round(whole["phi"], 1)
    rng = np.random.default_rng(1)
    runs, samples = (rng.permutation(size) for size in whole["member"].shape)
    moved = {name: whole[name][runs][:, samples] for name in ("phi", "member")}
    moved["labels"] = whole["labels"][samples]
    first, second = valued(whole, margin=margin), valued(moved, margin=margin)
    assert {int(runs[run]) for run in second.judged.judges} == set(first.judged.judges)
    assert len(first.judged.judges) == MOST_JUDGES
    for word in WORDS:
        assert first.exposure[0.01][word] == second.exposure[0.01][word]


@pytest.mark.parametrize("margin", sorted(set(MARGINS) - {"percentile", "risk_score"}))  # have ties
def test_a_left_out_run_has_no_part_in_the_vote_on_its_members(margin: str, monkeypatch):
    votes: list[dict[int, np.ndarray]] = []
    heard = exposure._heard

    def listen(case, attack, run, before):
        found = heard(case, attack, run, before)
        votes[-1][run] = found.verdict
        return found

    monkeypatch.setattr(exposure, "_heard", listen)
    whole = world()
    for shift in (0.0, 9.0):
        whole["phi"][0, :50] -= shift
        votes.append({})
        assert valued(whole, margin=margin).exposure
    assert np.array_equal(votes[0][0], votes[1][0])
    assert not np.array_equal(votes[0][1], votes[1][1])


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_the_plain_way(seed: int):
    whole = world(seed=seed)
    found = valued(whole)
    runs, phi = 4, whole["phi"]
    strangers = phi[runs:]
    hits, counts = dict.fromkeys(WORDS, 0.0), dict.fromkeys(WORDS, 0)
    for run in range(runs):
        others = [row for row in range(len(phi)) if row != run]
        voted = valued(
            {"labels": whole["labels"]} | {k: whole[k][others] for k in ("phi", "member")}
        )
        codes = np.array([WORDS[word] for word in voted.table["verdict"][:MEMBERS]])
        inside = np.zeros((len(strangers) + 1, phi.shape[1]), dtype=bool)
        inside[0, :MEMBERS] = True
        judged = np.vstack([phi[run], strangers])
        scores = lira_offline(judged, inside, np.arange(len(judged)))[:1]
        rates = tpr_by_group(scores[:, :MEMBERS], scores[:, MEMBERS:], codes, fpr=0.01)
        for word, code in WORDS.items():
            if code in rates:
                hits[word] += rates[code].value * rates[code].n
                counts[word] += rates[code].n
    for word, rate in found.exposure[0.01].items():
        assert rate.value == pytest.approx(hits[word] / counts[word], abs=1e-12)


def test_random_halves_are_judged_where_strangers_and_held_out_samples_are():
    whole = world(runs=8)
    rng = np.random.default_rng(2)
    whole["member"][:8, :MEMBERS] = rng.random((8, MEMBERS)) < 0.5
    whole["phi"] += 6.0 * whole["member"]
    found = valued(whole)
    assert found.judged.judges == tuple(range(8))
    assert all(rates["vague"].value > 0.5 for rates in found.exposure.values())


REASONS = {
    "two voting runs": (world(runs=2), {}, "takes 3 voting runs, got 2"),
    "two strangers for a margin that needs them": (
        world(strangers=2),
        {"margin": "excess"},
        "3 in all, got 2",
    ),
    "too few held-out samples": (world(held=50), {}, "needs 100 non-members, got 50"),
    "half of them centre": (world(held=150, strangers=1), {}, "needs 100 non-members, got 7"),
    "an empty domain": (
        world(runs=3, strangers=3),
        {"margin": "lira", "share": 0.001},
        "no member was voted",
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_what_cannot_be_judged_says_why(case: str):
    given, how, why = REASONS[case]
    found = valued(given, **how)
    said = [rate for rate in found.exposure[0.01].values() if np.isnan(rate.value)]
    assert said
    assert all(why in rate.method for rate in said)
    heads, rows, notes = found.summary()
    assert heads[3:] == ["TPR at 1% FPR", "TPR at 0.1% FPR"]
    assert any("not estimable" in row[3] for row in rows)
    assert any(why in note for note in notes)
    assert why in found._repr_html_()


def test_each_rate_has_its_own_reason():
    rates = valued(world(held=500)).exposure
    assert not np.isnan(rates[0.01]["risky"].value)
    assert "needs 1000 non-members, got 500" in rates[0.001]["risky"].method


def test_a_table_alone_cannot_be_judged():
    found = replace(valued(world()), case=None)
    assert "the table alone" in found.exposure[0.01]["safe"].method
    assert found.judged.judges == ()


def test_the_mapping_is_frozen_and_made_once():
    found = valued(world())
    assert "judged" not in found.__dict__  # nothing is judged before it is asked for
    assert found.exposure is found.exposure
    assert tuple(found.exposure) == FPRS
    with pytest.raises(TypeError):
        found.exposure[0.01]["safe"] = None
    with pytest.raises(TypeError):
        found.exposure[0.5] = {}


def test_the_table_says_which_runs_judged():
    found = valued(world())
    _, rows, notes = found.summary()
    assert rows[2][3] == str(found.exposure[0.01]["risky"])
    assert notes[0].startswith("TPR: runs 0, 1, 2, 3, each left out")


@pytest.mark.parametrize("rule", ["mean_rank", "m_of_k", "risk_score"])
def test_every_rule_is_judged(rule: str):
    margin = "risk_score" if rule == "risk_score" else "signed"
    at_least = 4 if rule == "m_of_k" else None  # of four: of the three that are left, all
    found = valued(world(), rule=rule, margin=margin, at_least=at_least)
    assert not np.isnan(found.exposure[0.01]["risky"].value)
