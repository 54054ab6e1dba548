"""The frame of both GANs' training: records, states, and the one way back."""

import numpy as np
import pytest
import torch
from torch import nn

from pryproof.checks import MachineError, TrainingError
from pryproof.generation.gan_state import GanState
from pryproof.training.keeper import Keeper, Nowhere, State
from training.stopping import StoppedError, StopsAfter, assert_same

STEPS, RECORDS, RATE = 12, 4, 0.1  # records after steps 3, 6, 9 and 12


class Walk:
    """One weight that descends a parabola; the step numbers given spoil its loss, once each."""

    def __init__(self, *, nan: tuple[int, ...] = (), spoil: tuple[int, ...] = ()) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.network.weight, 4.0)
        optimizer = torch.optim.SGD(self.network.parameters(), lr=RATE, momentum=0.5)
        self.state = GanState(
            {"walker": self.network}, {"walker": optimizer}, steps=STEPS, records=RECORDS
        )
        self.optimizer, self.nan, self.spoil = optimizer, set(nan), set(spoil)
        self.rates: list[float] = []

    def step(self, index: int) -> list[float]:
        self.state.set_rate(RATE)
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        loss = (self.network.weight**2).sum()
        self.optimizer.zero_grad()
        loss.backward()
        if index in self.spoil:  # the loss is fine, what it does to the weight is not
            self.spoil.discard(index)
            self.network.weight.grad.fill_(float("inf"))
        self.optimizer.step()
        spoiled = index in self.nan
        self.nan.discard(index)
        return [float("nan") if spoiled else loss.item(), float(index)]

    def record(self, done: int, means: np.ndarray) -> list[float]:
        return [float(done), *means.tolist()]

    def train(self, keep: Keeper | None = None) -> dict[str, np.ndarray]:
        self.state.train(
            self.step,
            self.record,
            keep=keep or Nowhere(),
            batch=1,
            name="walk",
            table="walk",
        )
        return self.state.history(("step", "loss", "index"))


def test_a_record_holds_the_means_since_the_one_before():
    history = Walk().train()
    assert history["step"].tolist() == [3, 6, 9, 12]
    assert history["index"].tolist() == [1, 4, 7, 10]
    assert (np.diff(history["loss"]) < 0).all()


def test_more_records_than_steps_are_one_a_step():
    state = GanState({}, {}, steps=3, records=50)
    assert state.marks.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "back"),
    [
        ({"nan": (0,)}, 0),
        ({"nan": (1,)}, 0),
        ({"nan": (4,)}, 3),  # to the start of its interval
        ({"nan": (5,)}, 3),
        ({"nan": (6,)}, 3),  # its first step: the step before may have spoiled the weights
        ({"nan": (7,)}, 6),
        ({"spoil": (4,)}, 3),
        ({"spoil": (5,)}, 3),  # noticed at the record itself
        ({"spoil": (11,)}, 9),  # after the last step no loss would notice
    ],
)
def test_a_run_that_diverges_goes_back_once_at_half_the_rate(wrong, back):
    walk = Walk(**wrong)
    history = walk.train()
    (event,) = walk.nan | walk.spoil or {*wrong.values()}.pop()
    taken = len(walk.rates)
    assert walk.state.rollbacks == 1
    assert history["step"].tolist() == [3, 6, 9, 12]
    assert np.isfinite(history["loss"]).all()
    assert walk.rates.count(RATE / 2) == STEPS - back
    assert walk.rates[: taken - (STEPS - back)] == [RATE] * (taken - (STEPS - back))
    assert event + 1 <= taken - (STEPS - back) <= event + 2  # within the step, or with its record


def test_going_back_takes_up_what_was():
    walk, slow = Walk(nan=(1,)), Walk()
    slow.state.rollbacks = 1
    assert_same(walk.train(), slow.train())
    assert torch.equal(walk.network.weight, slow.network.weight)


def test_a_run_that_diverges_again_fails_by_name():
    words = r"E070.*walk: a loss is no longer finite \(nan, 7\), again at half.*step 8 of 12.*walk"
    with pytest.raises(TrainingError, match=words):
        Walk(nan=(3, 7)).train()
    with pytest.raises(TrainingError, match=r"weights of the walker.*again.*step 6 of 12"):
        Walk(spoil=(2, 5)).train()


@pytest.mark.parametrize("wrong", [{}, {"nan": (5,)}, {"nan": (6,)}, {"spoil": (5,)}])
@pytest.mark.parametrize("stop", range(1, STEPS + 1))
def test_a_stopped_run_goes_on_to_the_same_bytes(wrong, stop):
    whole = Walk(**wrong)
    history = whole.train()
    keep, stopped = StopsAfter(stop), Walk(**wrong)
    with pytest.raises(StoppedError):
        stopped.train(keep)
    again = Walk()
    again.nan, again.spoil = stopped.nan, stopped.spoil
    assert_same(history, again.train(keep))
    assert torch.equal(whole.network.weight, again.network.weight)
    assert whole.state.rollbacks == again.state.rollbacks


def test_what_else_learns_is_kept_too():
    class Pool:
        def __init__(self, level: float) -> None:
            self.level = np.array([level])

        def arrays(self) -> dict[str, np.ndarray]:
            return {"level": self.level.copy()}

        def restore(self, arrays: dict[str, np.ndarray]) -> None:
            self.level = arrays["level"].copy()

    first, second = Pool(3.0), Pool(0.0)
    state = GanState({}, {}, steps=1, records=1, learners={"pool": first}).state()
    GanState({}, {}, steps=1, records=1, learners={"pool": second}).restore(state)
    assert second.level == 3.0


def test_restored_moments_lie_in_memory_as_their_weights_do():
    def conv() -> GanState:
        network = nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(network.parameters())
        state = GanState({"conv": network}, {"conv": optimizer}, steps=1, records=1)
        network(torch.ones(1, 4, 3, 3)).sum().backward()
        optimizer.step()
        return state

    first, second = conv(), conv()
    second.restore(first.state())
    weight, moments = next(iter(second.optimizers["conv"].state.items()))
    assert moments["exp_avg"].stride() == weight.stride()
    assert moments["step"].shape == ()


def test_a_state_of_another_run_is_refused():
    state = GanState({}, {}, steps=3, records=1).state()
    with pytest.raises(TrainingError, match=r"E072.*of this run, 4 steps, got 3 steps"):
        GanState({}, {}, steps=4, records=1).restore(State(arrays=state.arrays, facts=state.facts))


def test_a_full_memory_names_the_gans_own_batch():
    def step(_index: int) -> list[float]:
        raise MemoryError

    state = GanState({}, {}, steps=3, records=1)
    with pytest.raises(MachineError, match=r"4 images.*Set transform\.batch below 4"):
        state.train(
            step, lambda *_: [], keep=Nowhere(), batch=4, name="CycleGAN", table="transform"
        )
