"""The five signals from softmax probabilities, by their formulas, in 250 decimal digits."""

from decimal import Decimal, localcontext


def signals_exact(logits: list[float], label: int) -> dict[str, float]:
    with localcontext() as context:
        # a margin of 450 nats puts 1 - p at 1e-196: enough digits to keep the subtraction exact
        context.prec = 250
        weights = [Decimal(value).exp() for value in logits]
        correct = max(range(len(logits)), key=lambda k: logits[k]) == label
        return _by_formula(weights, label) | {"correct": float(correct)}


def signals_from_probabilities_exact(p: list[float], label: int) -> dict[str, float]:
    """Take the given floats at their word, divided by their sum."""
    with localcontext() as context:
        context.prec = 250
        correct = max(range(len(p)), key=lambda k: p[k]) == label
        return _by_formula([Decimal(value) for value in p], label) | {"correct": float(correct)}


def _by_formula(weights: list[Decimal], label: int) -> dict[str, float]:
    total = sum(weights)
    p = [weight / total for weight in weights]
    rest = 1 - p[label]
    modified = -rest * p[label].ln()
    for k, probability in enumerate(p):
        if k != label:
            modified -= probability * (1 - probability).ln()
    return {
        "phi": float(p[label].ln() - rest.ln()),
        "logp": float(p[label].ln()),
        "entropy": float(-sum(q * q.ln() for q in p if q)),
        "log_mentropy": float(modified.ln()),
    }
