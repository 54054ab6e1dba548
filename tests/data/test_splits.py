import hashlib

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.data.splits import Split, extra_for, fit_sizes, split

LABELS = np.repeat(np.arange(3), [40, 50, 60])


def parts(drawn: Split) -> list[np.ndarray]:
    return [drawn.members, *drawn.shadows, drawn.outside, drawn.evaluation]


@pytest.mark.parametrize("folds", [0, 1, 3])
@pytest.mark.parametrize(("members", "evaluation"), [(21, 12), (22, 10), (1, 1), (20, 3)])
def test_parts_have_their_sizes_are_disjoint_and_balanced(
    folds: int, members: int, evaluation: int
):
    drawn = split(LABELS, members=members, evaluation=evaluation, shadow_folds=folds, seed=3)
    assert [len(part) for part in parts(drawn)] == [members] * (folds + 2) + [evaluation]
    everything = np.concatenate(parts(drawn))
    assert len(np.unique(everything)) == len(everything)
    for part in parts(drawn):
        counts = np.bincount(LABELS[part], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_every_fold_has_the_same_number_of_each_class():
    drawn = split(LABELS, members=20, evaluation=5, shadow_folds=3, seed=3)
    for part in [*drawn.shadows, drawn.outside]:
        np.testing.assert_array_equal(np.bincount(LABELS[part]), np.bincount(LABELS[drawn.members]))


def test_every_fold_gets_extra_images_of_its_own_and_no_other_part_changes():
    plain, more = (
        split(LABELS, members=12, evaluation=6, shadow_folds=1, seed=3, extra=extra)
        for extra in (0, 11)
    )
    for left, right in zip(parts(plain), parts(more), strict=True):
        assert left.tobytes() == right.tobytes()
    assert plain.extra == ()
    assert [len(part) for part in more.extra] == [11, 11]
    everything = np.concatenate([*parts(more), *more.extra])
    assert len(np.unique(everything)) == len(everything)
    for part in more.extra:
        counts = np.bincount(LABELS[part], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_parts_without_extra_images_are_those_of_before():
    drawn = split(LABELS, members=21, evaluation=12, shadow_folds=1, seed=3)
    whole = b"".join(part.tobytes() for part in [*parts(drawn), drawn.copies])
    assert hashlib.sha256(whole).hexdigest()[:16] == "90a160b9da9af38a"


def test_the_same_seed_draws_the_same_and_another_seed_another():
    first, again, other = (
        split(LABELS, members=20, evaluation=5, shadow_folds=2, seed=seed) for seed in (1, 1, 2)
    )
    for left, right in zip(parts(first), parts(again), strict=True):
        np.testing.assert_array_equal(left, right)
    assert first.members.tolist() != other.members.tolist()


def test_arguments_stay_as_they_were():
    labels, groups = LABELS.copy(), np.arange(len(LABELS))
    split(labels, members=9, evaluation=9, shadow_folds=1, seed=0, groups=groups)
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(groups, np.arange(len(LABELS)))


def test_how_classes_interleave_does_not_change_which_of_each_class_are_drawn():
    mixed = np.argsort(np.concatenate([np.arange(40), np.arange(50), np.arange(60)]), kind="stable")
    straight = split(LABELS, members=20, evaluation=5, shadow_folds=1, seed=0)
    woven = split(LABELS[mixed], members=20, evaluation=5, shadow_folds=1, seed=0)
    for left, right in zip(parts(straight), parts(woven), strict=True):
        np.testing.assert_array_equal(left, np.sort(mixed[right]))


def test_each_sample_is_a_member_equally_often():
    labels = np.repeat(np.arange(2), 10)
    drawn = [
        split(labels, members=4, evaluation=4, shadow_folds=1, seed=s).members for s in range(2_000)
    ]
    shares = np.bincount(np.concatenate(drawn), minlength=20) / 2_000
    np.testing.assert_allclose(shares, 0.2, atol=0.04)  # 4.5 standard errors


def test_only_the_first_copy_is_drawn_from():
    labels = np.repeat(np.arange(2), 10)
    groups = np.arange(20)
    groups[[3, 17]] = [0, 12]
    drawn = split(labels, members=6, evaluation=6, shadow_folds=0, seed=0, groups=groups)
    assert drawn.copies.tolist() == [3, 17]
    assert sorted(np.concatenate(parts(drawn)).tolist()) == sorted(set(range(20)) - {3, 17})
    assert drawn.notices == ("2 exact copies of other images stand in no part.",)
    with pytest.raises(DataError, match="E038"):
        split(labels, members=6, evaluation=8, shadow_folds=0, seed=0, groups=groups)


def test_no_copies_no_notice():
    assert split(LABELS, members=3, evaluation=3, shadow_folds=0, seed=0).notices == ()


def test_labels_need_not_be_dense():
    drawn = split(np.array([5] * 9 + [8] * 9), members=4, evaluation=4, shadow_folds=1, seed=0)
    assert len(drawn.evaluation) == 4


def test_too_few_samples_say_what_is_asked_what_there_is_and_what_fits():
    message = r"E038.*need 55 samples of class 0, which has 40 .*members=24 and evaluation=24 fit"
    with pytest.raises(DataError, match=message):
        split(LABELS, members=30, evaluation=45, shadow_folds=2, seed=0)
    with pytest.raises(DataError, match=r"E038.*At most shadow_folds=37"):
        split(LABELS, members=3, evaluation=3, shadow_folds=50, seed=0)
    with pytest.raises(DataError, match=r"E038.*Add samples"):
        split(np.array([0, 0, 1, 1]), members=2, evaluation=2, shadow_folds=1, seed=0)


def test_too_few_for_extra_images_say_what_fits_with_them():
    message = r"E038.*extra images x 2 need 46 samples of class 0, which has 40 .*members=18 and"
    with pytest.raises(DataError, match=message) as caught:
        split(LABELS, members=24, evaluation=18, shadow_folds=1, seed=0, extra=24)
    assert "with 1 extra a member" in str(caught.value)
    members, evaluation = fit_sizes(LABELS, 1, extra=1)
    assert (members, evaluation) == (18, 18)
    with pytest.raises(DataError, match=r"E038.*Leave the row extra out, lower generate\.amount"):
        fit_sizes(LABELS, 1, extra=50)


@pytest.mark.parametrize("folds", [0, 1, 3])
@pytest.mark.parametrize("amount", [0.3, 0.5, 1.0, 2.5])
def test_fitting_sizes_leave_room_for_extra_images(folds: int, amount: float):
    members, evaluation = fit_sizes(LABELS, folds, extra=amount)
    for size, fits in ((members, True), (members + 3, False)):
        asked = {"members": size, "evaluation": size, "extra": extra_for(size, amount)}
        if fits:
            split(LABELS, shadow_folds=folds, seed=0, **asked)
            continue
        with pytest.raises(DataError, match="E038"):
            split(LABELS, shadow_folds=folds, seed=0, **asked)
    assert evaluation == members


def test_further_images_stand_in_no_part_and_change_none():
    asked = {"members": 15, "evaluation": 12, "shadow_folds": 1, "seed": 5}
    plain, more = split(LABELS, **asked), split(LABELS, **asked, further=10, extra=6)
    for first, second in zip(parts(plain), parts(more), strict=False):
        assert first.tolist() == second.tolist()
    used = np.concatenate([*parts(plain), *more.extra])
    assert len(more.further) == 10
    assert not set(more.further) & set(used)
    counts = np.bincount(LABELS[more.further])
    assert counts.max() - counts.min() <= 1
    assert plain.further.tolist() == []


def test_too_few_further_images_say_what_fits_with_them():
    message = r"E038.*evaluation \+ 30 further ones need .*members=21 .*with 30 further ones fit"
    with pytest.raises(DataError, match=message):
        split(LABELS, members=30, evaluation=30, shadow_folds=1, seed=0, further=30)
    assert fit_sizes(LABELS, 1, further=30) == (21, 21)
    split(LABELS, members=21, evaluation=21, shadow_folds=1, seed=0, further=30)
    with pytest.raises(DataError, match=r"E038.*Ask for fewer canaries"):
        fit_sizes(LABELS, 1, further=120)


@pytest.mark.parametrize(("members", "evaluation", "folds"), [(0, 3, 1), (3, -1, 1), (3, 3, -1)])
def test_sizes_must_be_positive(members: int, evaluation: int, folds: int):
    with pytest.raises(DataError, match=r"E038.*Choose positive sizes"):
        split(LABELS, members=members, evaluation=evaluation, shadow_folds=folds, seed=0)


@pytest.mark.parametrize("folds", [0, 1, 5])
def test_fitting_sizes_fit_and_one_more_a_class_does_not(folds: int):
    members, evaluation = fit_sizes(LABELS, folds)
    assert members == evaluation
    split(LABELS, members=members, evaluation=evaluation, shadow_folds=folds, seed=0)
    with pytest.raises(DataError, match="E038"):
        split(LABELS, members=members + 3, evaluation=evaluation + 3, shadow_folds=folds, seed=0)


def test_fitting_sizes_leave_copies_out_and_refuse_the_impossible():
    groups = np.arange(150)
    groups[1:9] = 0
    assert fit_sizes(LABELS, 1, groups) == (24, 24)
    assert fit_sizes(LABELS, 1) == (30, 30)
    with pytest.raises(DataError, match=r"E038.*At most shadow_folds=37"):
        fit_sizes(LABELS, 40)
    with pytest.raises(DataError, match=r"E038.*Choose positive"):
        fit_sizes(LABELS, -1)
