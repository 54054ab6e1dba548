import pytest

from pryproof.engine.schedule import Job, Schedule, remaining


def job(name: str, *after: str, cost: float = 1.0) -> Job:
    return Job(name=name, call=print, arguments=(), after=after, cost=cost)


DIAMOND = [
    job("load", cost=2),
    job("short", "load", cost=3),
    job("long", "load", cost=5),
    job("end", "short", "long", cost=1),
    job("alone", cost=4),
]


def drain(schedule: Schedule) -> list[str]:
    """Take and finish one after the other."""
    order = []
    while taken := schedule.take():
        order.append(taken.name)
        schedule.finish(taken.name)
    return order


def test_remaining_is_the_longest_chain():
    assert remaining(DIAMOND) == {"load": 8, "short": 4, "long": 6, "end": 1, "alone": 4}


def test_the_longest_chain_goes_first_and_equals_keep_their_order():
    assert drain(Schedule(DIAMOND)) == ["load", "long", "short", "alone", "end"]


def test_a_job_waits_for_all_before_it():
    schedule = Schedule(DIAMOND)
    assert [schedule.take().name, schedule.take().name] == ["load", "alone"]
    assert schedule.take() is None
    schedule.finish("load")
    assert [schedule.take().name, schedule.take().name] == ["long", "short"]
    schedule.finish("long")
    assert schedule.take() is None
    schedule.finish("short")
    assert schedule.take().name == "end"
    assert schedule
    for name in ("end", "alone"):
        schedule.finish(name)
    assert not schedule


def test_what_is_put_back_is_taken_again():
    schedule = Schedule(DIAMOND)
    schedule.put_back(schedule.take().name)
    assert schedule.take().name == "load"


def test_no_jobs_are_done_at_once():
    assert not Schedule([])


def test_a_name_may_be_waited_for_twice():
    assert drain(Schedule([job("a"), job("b", "a", "a")])) == ["a", "b"]


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([job("a"), job("a")], "same name"),
        ([job("a", "b")], r"\['b'\], which are not among them"),
        ([job("a", "b"), job("b", "a")], "cycle"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(jobs: list[Job], words: str):
    with pytest.raises(ValueError, match=words):
        Schedule(jobs)
