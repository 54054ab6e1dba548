"""Three sizes of the paper's experiments; a size changes sizes only, never what is compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pryproof.checks import ConfigurationError, known_name
from pryproof.pipeline.defense_settings import RelaxLoss
from pryproof.pipeline.settings import Data, Evaluate, Generate, Settings, Train, Transform, Value

SizeName = Literal["tiny", "small", "paper"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a size affords.

    ``base`` is the study every recipe varies. ``runs`` are those of a histogram over runs (the
    paper's 40), ``ensemble`` those of an agreement (its 5), ``judged`` those of a comparison and
    ``shadows`` its shadow runs a fold. ``models`` are the networks of the paper by their place in
    it: the small one of most figures, the large one, and the transformer. ``training`` are each
    one's own settings over those of ``base``. ``halves`` and ``canaries`` are training sets and
    canaries of each kind. ``too_dear`` are recipes that "all" leaves out at this size: they are
    made only where they are named. ``roomy`` says that the data hold as many further reals for
    every fold as it has members.
    """

    name: SizeName
    base: Settings
    runs: int
    ensemble: int
    judged: int
    shadows: int
    models: tuple[str, str, str]
    training: tuple[tuple[str, ...], ...] = ((), (), ())
    halves: int = 16
    canaries: int = 250
    too_dear: tuple[str, ...] = ()
    roomy: bool = False


def changed(settings: Settings, *overrides: str) -> Settings:
    """Return settings with ``key.path=value`` on top, as on the command line."""
    return settings.changed(overrides)


def of_network(size: Size, network: int, settings: Settings | None = None) -> Settings:
    """Return settings (the size's, unless given) trained with a network by its place in the paper.

    >>> of_network(size("tiny"), 2).train.optimizer
    'adamw'
    """
    model = f"train.model={size.models[network]}"
    return changed(settings or size.base, model, *size.training[network])


def with_rows(
    settings: Settings, rows: Mapping[str, int], runs: int, *, shadows: int | None = None
) -> Settings:
    """Return settings whose comparison has these rows with so many runs, and no other.

    ``shadows`` are the runs of each in every shadow fold (None: as they are).
    """
    update = {"rows": tuple(rows), "runs": runs, "shadows": shadows or settings.evaluate.shadows}
    evaluate = settings.evaluate.model_copy(update=update)
    return settings.model_copy(update={"evaluate": evaluate})


def size(name: str, data: str | None = None, *, label: str | None = None) -> Size:
    """Return a size by name, on its own data or on the images at ``data``.

    Only "tiny" has data of its own, the embedded images; "small" and "paper" are made for
    CIFAR-100, whose 20 coarse or 100 fine labels they take. ``label`` names another column.

    >>> size("tiny").base.data.source, size("tiny").runs
    ('embedded:fashion-mnist', 8)
    """
    known_name(name, SIZES, kind="size")
    made = SIZES[name]()
    if data is None and name != "tiny":
        raise ConfigurationError(
            "E046",
            f"the size {name} needs images of your own, only tiny has some embedded",
            where="data",
            fix="Give the folder of CIFAR-100, or take the size tiny.",
        )
    column = label or (made.base.data.label if data else None)
    source = data or made.base.data.source
    images = made.base.data.model_copy(update={"source": source, "label": column})
    return replace(made, base=made.base.model_copy(update={"data": images}))


def _adamw(rate: float, *more: str) -> tuple[tuple[str, ...], ...]:
    """Return own settings for the transformer alone: HiViT's optimizer (methods A25), a peak rate.

    Rates of ``base`` are made for SGD; with AdamW they would diverge.
    """
    own = ("train.optimizer=adamw", f"train.learning_rate={rate}", "train.weight_decay=0.05")
    return (), (), (*own, *more)


def _tiny() -> Size:
    """Return half an hour on two cores for all: 1,000 members of the embedded images."""
    models = ("small_cnn", "small_cnn/width32", "vit_mini")
    return Size(
        name="tiny",
        base=Settings(
            name="tiny",
            data=Data(members=1000, evaluation=1500),
            train=Train(model=models[0], epochs=15, batch=64, learning_rate=0.2, padding=1),
            relax_loss=RelaxLoss(alpha=0.5),
            value=Value(runs=5, fake_runs=2),
            evaluate=Evaluate(runs=3, shadows=2, shadow_folds=1),
        ),
        runs=8,
        ensemble=5,
        judged=3,
        shadows=2,
        models=models,
        training=_adamw(3e-3, "relax_loss.alpha=1.2"),  # its last loss with crop/flip is .9
        halves=8,
        canaries=40,
        too_dear=("our6",),  # 8 roads, each with generators of its own
    )


def _small() -> Size:
    """Return hours on two cores: 5,000 members of CIFAR-100 under its coarse labels."""
    models = ("small_resnet", "resnet18", "hivit_tiny/patch8")
    return Size(
        name="small",
        base=Settings(
            name="small",
            data=Data(label="coarse_label", members=5000, evaluation=5000),
            train=Train(
                model=models[0],
                epochs=20,
                batch=64,
                learning_rate=0.2,
                padding=4,
                precision="bfloat16",
            ),
            relax_loss=RelaxLoss(alpha=1.6),  # above the augmented model's last loss: it binds
            value=Value(runs=5, fake_runs=2),
            generate=Generate(
                network="medium",
                channels=24,
                steps=3500,
                batch=32,
                learning_rate=5e-4,
                ema=0.998,
                ema_start=500,
                precision="bfloat16",
            ),
            transform=Transform(channels=12, batch=16, steps=1200, precision="bfloat16"),
            evaluate=Evaluate(runs=3, shadows=2, shadow_folds=1),
        ),
        runs=8,
        ensemble=5,
        judged=3,
        shadows=2,
        models=models,
        training=_adamw(5e-4),
        canaries=100,
        roomy=True,
    )


def _paper() -> Size:
    """Return days on a GPU: the paper's networks, as many members as CIFAR-100's 600 a class allow.

    170 a class train, 170 are the shadow fold's, 170 set cuts and 80 are judged. The classifiers'
    recipe is CRL's of methods 8.1, without its warm-up; the generators' are the published ones.
    """
    return Size(
        name="paper",
        base=Settings(
            name="paper",
            data=Data(label="fine_label", members=17_000, evaluation=8000),
            train=Train(
                model="mobilenet_v3_small",
                epochs=150,
                batch=128,
                learning_rate=0.1,
                padding=4,
                schedule="steps",
                drops=(80 / 150, 130 / 150),
            ),
            relax_loss=RelaxLoss(alpha=1.0),  # above the .92 of the paper's Table 2
            value=Value(runs=5, fake_runs=5),
            generate=Generate(
                network="published",
                channels=256,
                latent=128,
                steps=125_000,
                discriminator_steps=2,
                batch=100,
                learning_rate=2e-4,
                beta2=0.999,
                classifier_weight=1.0,
                ema=0.9999,
                ema_start=10_000,
                standing_batches=100,
            ),
            transform=Transform(
                channels=64,
                blocks=6,
                downs=2,
                stem=7,
                skip=False,
                discriminator_channels=64,
                steps=50_000,
                batch=32,
                learning_rate=2e-4,
            ),
            evaluate=Evaluate(runs=3, shadows=16, shadow_folds=1),
        ),
        runs=40,
        ensemble=5,
        judged=3,
        shadows=16,
        models=("mobilenet_v3_small", "resnet18", "hivit_tiny"),
        training=_adamw(5e-4 * 128 / 512, "train.schedule=cosine"),
    )


SIZES: dict[str, Callable[[], Size]] = {"tiny": _tiny, "small": _small, "paper": _paper}
