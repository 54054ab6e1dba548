"""The demo: the whole road on the embedded images, sized for two CPU cores and four minutes."""

from pryproof.pipeline.defense_settings import RelaxLoss
from pryproof.pipeline.settings import Evaluate, Generate, Settings, Train, Transform, Value


def demo() -> Settings:
    """Return the demo's study: 1,500 members, 1,500 images for the shadow fold, 3,000 for judging.

    >>> demo().data.source
    'embedded:fashion-mnist'
    """
    return Settings(
        name="demo",
        train=Train(model="small_cnn", epochs=18, batch=64, learning_rate=0.2, padding=1),
        relax_loss=RelaxLoss(alpha=0.5),
        value=Value(runs=5, fake_runs=2),
        generate=Generate(),
        transform=Transform(),
        evaluate=Evaluate(runs=3, shadows=2, shadow_folds=1),
    )
