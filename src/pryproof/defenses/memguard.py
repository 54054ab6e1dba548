"""MemGuard (Jia et al. 2019), deterministic: mask answers so that an attack on them says 1/2.

The classifier is trained plainly. The defender trains an attack of its own, a network on sorted
softmax answers that tells members from reference images. An answer is then moved by gradient steps
on its logits to where that attack is least sure, under two conditions: the predicted class stays,
and the L1 distance between the softmax before and after is at most a budget. Of the path, the
answer nearest to 1/2 that keeps both is given; where none is nearer, the answer stays as it is.

The paper adds such noise with a probability that meets the budget on average; here the budget
holds for every answer and nothing is drawn, so asking again tells nothing more. Label-only attacks
see straight through (Choquette-Choo et al. 2021): the weights are those of plain training and the
predicted class never changes, so a report must show them beside this defense.
"""

from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import nn
from torch.nn import functional

from pryproof import seeds
from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fit import Answer, Fit, Fitted, Given, reference_of
from pryproof.models.randomness import global_draws, torch_generator
from pryproof.training.defense import Defense
from pryproof.training.loop import train
from pryproof.training.predict import predict

ITERATIONS = 300  # of the paper
CHUNK = 4096  # answers masked at once
STEP = 0.5  # of the first move, in logits; halved when the attack changes sides or a limit is met
SMALLEST = 1e-5  # move; the search for an answer ends there
LEAD = 1e-3  # in logits, of the predicted class: survives rounding to float32

Answers = Float[torch.Tensor, "queries classes"]
Others = Float[torch.Tensor, "others classes"]


def memguard(*, padding: int, budget: float = 1.0, attack_steps: int = 1000) -> Fit:
    """Return the fit of plain training whose answers are masked within ``budget``.

    ``budget`` is an L1 distance of softmax answers, 0 (no masking) to 2 (any); 1 is the widest
    that the paper tries. ``attack_steps`` of Adam train the defender's attack, on batches of 128
    members and 128 reference images, after the classifier; they are repeated on resume. ``padding``
    (pixels) is that of the crop. Facts: ``budget`` and ``attack_advantage``, how much more often
    than chance the defender's attack is right about the unmasked answers that it learnt from.
    Raises ConfigurationError where there are no reference images and unless 0 <= budget <= 2.
    """
    if not 0 <= budget <= 2:
        raise ConfigurationError(
            "E044", f"budget must lie in [0, 2], got {budget}", fix="Leave it at 1."
        )

    def fit(given: Given) -> Fitted:
        images, _ = reference_of(given, defense="MemGuard")
        model = given.make(given.seed)
        history = train(
            model,
            given.images,
            given.labels,
            defense=Defense(batch=augmented(padding)),
            recipe=given.recipe,
            seed=given.seed,
            source=given.source,
            progress=given.progress,
            watch=given.watch,
            keep=given.keep,
        )
        members = torch.from_numpy(predict(model, given.images)).double()
        others = torch.from_numpy(predict(model, images)).double()
        attack = trained_attack(members, others, steps=attack_steps, seed=given.seed)
        return Fitted(
            model=model,
            history=history,
            answer=masking(attack, budget=budget),
            facts={"budget": budget, "attack_advantage": _advantage(attack, members, others)},
        )

    return fit


@final
class Attack(nn.Module):
    """Say of logits how likely they answer a member, as a logit (0 = one half); float64.

    It sees the softmax, sorted: which class it is does not matter. Widths are ours.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(classes, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
        ).double()

    def forward(self, logits: Answers) -> Float[torch.Tensor, " queries"]:
        ordered = torch.softmax(logits, dim=1).sort(dim=1, descending=True).values
        return self.layers(ordered).squeeze(1)


def trained_attack(members: Answers, others: Others, *, steps: int, seed: int) -> Attack:
    """Train the defender's attack on float64 logits of members and others, half of each."""
    with global_draws(seed, "attack", "initialisation"):
        attack = Attack(members.shape[1])
    optimizer = torch.optim.Adam(attack.parameters(), lr=1e-3)
    named = seeds.derive(seed, "attack")
    for step in range(steps):
        draws = torch_generator(named, step)
        ins = members[torch.randint(len(members), (128,), generator=draws)]
        outs = others[torch.randint(len(others), (128,), generator=draws)]
        optimizer.zero_grad()
        loss = functional.softplus(-attack(ins)).mean() + functional.softplus(attack(outs)).mean()
        loss.backward()
        optimizer.step()
    return attack.requires_grad_(requires_grad=False).eval()


def masking(attack: nn.Module, *, budget: float, iterations: int = ITERATIONS) -> Answer:
    """Return the answer seam that moves logits towards ``attack(logits) = 0``."""

    def answer(
        logits: Float[np.ndarray, "queries classes"],
    ) -> Float[np.ndarray, "queries classes"]:
        parts = [
            _masked(torch.from_numpy(part), attack, budget=budget, iterations=iterations)
            for part in np.array_split(logits, max(1, -(-len(logits) // CHUNK)))
        ]
        return torch.cat(parts).numpy()

    return answer


def _masked(said: Answers, attack: nn.Module, *, budget: float, iterations: int) -> Answers:
    start = said.double()
    top = torch.from_numpy(said.numpy().argmax(axis=1))[:, None]  # of equals the first
    before = torch.softmax(start, dim=1)
    here, leaning = start, attack(start)
    best, least = said, leaning.abs()
    step = torch.full((len(said), 1), STEP, dtype=torch.float64)
    for _ in range(iterations):
        live = step.squeeze(1) > SMALLEST  # an answer that has arrived stays, whatever others do
        if not live.any():
            break
        trial = _below(here - step * _uphill(here, attack), top)
        given = trial.to(said.dtype)  # judged as it would be given, after rounding
        found = attack(given.double())
        moved = (torch.softmax(given.double(), dim=1) - before).abs().sum(dim=1)
        allowed = live & (moved <= budget) & _leads(given, top)
        better = allowed & (found.abs() < least)
        best = torch.where(better[:, None], given, best)
        least = torch.where(better, found.abs(), least)
        turned = ~allowed | (torch.sign(found) != torch.sign(leaning))
        step = torch.where(turned[:, None], step / 2, step)
        here = torch.where(allowed[:, None], trial, here)
        leaning = torch.where(allowed, found, leaning)
    return best


def _uphill(logits: Answers, attack: nn.Module) -> Answers:
    """Return the direction, of length 1, in which the attack becomes surer; 0 where it is flat."""
    leaf = logits.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(attack(leaf).abs().sum(), leaf)
    largest = slope.abs().amax(dim=1, keepdim=True)  # before squares underflow
    scaled = slope / torch.where(largest > 0, largest, 1.0)
    return scaled / scaled.norm(dim=1, keepdim=True).clamp_min(1.0)


def _below(logits: Answers, top: torch.Tensor) -> Answers:
    """Cap every other logit just below that of the class predicted."""
    highest = logits.gather(1, top)
    return torch.minimum(logits, highest - LEAD).scatter(1, top, highest)


def _leads(logits: Answers, top: torch.Tensor) -> Bool[torch.Tensor, " queries"]:
    """Say where the class predicted is above all others, not beside one."""
    others = logits.scatter(1, top, -torch.inf)
    return logits.gather(1, top).squeeze(1) > others.amax(dim=1)


def _advantage(attack: Attack, members: Answers, others: Others) -> float:
    """Return (true positive rate - false positive rate) of the attack where it learnt."""
    ins: Bool[torch.Tensor, " members"] = attack(members) > 0
    outs: Bool[torch.Tensor, " others"] = attack(others) > 0
    return float(ins.double().mean() - outs.double().mean())
