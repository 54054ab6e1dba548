import numpy as np
import pytest

from pryproof.checks import ConfigurationError, DataError
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, VAGUE, vote, vote_by_score
from reference.valuation import verdicts_naive

WORDS = {"safe": SAFE, "vague": VAGUE, "risky": RISKY}


@pytest.mark.parametrize("share", [0.25, 0.4, 0.5])
def test_unanimity_agrees_with_counting(share: float):
    rng = np.random.default_rng(0)
    order = ranks(rng.normal(size=41) * 3 + rng.normal(size=(3, 41)), seed=0)
    found = vote(order, share=share, minimum=0.0)
    assert found.rule == "unanimous"
    assert found.verdict.tolist() == [WORDS[word] for word in verdicts_naive(order, share)]


def test_votes_and_mean_ranks_are_counted():
    found = vote(np.array([[1, 2, 3, 4], [3, 1, 2, 4]]), minimum=0.25)
    assert found.safe_votes.tolist() == [1, 2, 1, 0]
    assert found.risky_votes.tolist() == [1, 0, 1, 2]
    assert found.mean_rank.tolist() == [2.0, 1.5, 2.5, 4.0]
    assert found.verdict.tolist() == [VAGUE, SAFE, VAGUE, RISKY]


def test_too_small_a_domain_falls_back_to_the_mean_rank():
    order = ranks(np.random.default_rng(1).random((12, 80)), seed=0)
    found = vote(order)
    assert found.rule == "mean_rank"
    counts = np.bincount(found.verdict, minlength=3)
    assert 0 < counts[SAFE] <= 20
    assert 0 < counts[RISKY] <= 20
    for low, high in ((SAFE, VAGUE), (VAGUE, RISKY)):
        ceiling = found.mean_rank[found.verdict == low].max()
        assert ceiling < found.mean_rank[found.verdict == high].min()


def test_verdicts_follow_the_samples_even_in_ties():
    rng = np.random.default_rng(2)
    order, moved = ranks(rng.random((4, 60)), seed=0), rng.permutation(60)
    for minimum in (0.0, 0.5):
        whole = vote(order, minimum=minimum)
        assert np.array_equal(vote(order[:, moved], minimum=minimum).verdict, whole.verdict[moved])


def test_mean_ranks_that_all_tie_leave_everything_vague():
    order = np.arange(1, 9)
    found = vote(np.stack([order, order[::-1]]))
    assert (found.rule, set(found.verdict.tolist())) == ("mean_rank", {VAGUE})


def test_refusals():
    with pytest.raises(ConfigurationError, match=r"got 0\.6 and 0\.1"):
        vote(np.array([[1, 2]]), share=0.6)
    with pytest.raises(DataError, match="got none"):
        vote(np.zeros((0, 4), np.int64))


def test_m_of_k_lets_a_run_disagree():
    order = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [4, 1, 2, 3]])
    assert vote(order, minimum=0.0).verdict.tolist() == [VAGUE, SAFE, VAGUE, RISKY]
    found = vote(order, rule="m_of_k", minimum=0.0)
    assert found.verdict.tolist() == [SAFE, SAFE, RISKY, RISKY]
    with pytest.raises(ConfigurationError, match="from 1 to 3"):
        vote(order, rule="m_of_k", at_least=4)


def test_a_run_that_did_not_train_on_a_sample_has_no_vote():
    found = vote(np.array([[1, 2, 0, 3], [1, 0, 2, 3]]), minimum=0.0)
    assert found.runs.tolist() == [2, 1, 1, 2]
    assert found.verdict.tolist() == [SAFE, VAGUE, VAGUE, RISKY]
    with pytest.raises(DataError, match="none for 1 of them"):
        vote(np.array([[1, 2, 0], [1, 2, 0]]))


def test_every_sample_may_be_risky_by_its_probability():
    assert vote_by_score(np.full((3, 4), 0.9)).tolist() == [RISKY] * 4
    assert vote_by_score(np.array([[np.nan, 0.2], [0.4, 0.2]])).tolist() == [VAGUE, SAFE]
