"""The five signals from softmax probabilities, by their formulas, in 250 decimal digits."""

from decimal import Decimal, localcontext


def signals_exact(logits: list[float], label: int) -> dict[str, float]:
    with localcontext() as context:
        # a margin of 450 nats puts 1 - p at 1e-196: enough digits to keep the subtraction exact
        context.prec = 250
        weights = [Decimal(value).exp() for value in logits]
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
            "entropy": float(-sum(q * q.ln() for q in p)),
            "log_mentropy": float(modified.ln()),
            "correct": float(max(range(len(p)), key=lambda k: logits[k]) == label),
        }
