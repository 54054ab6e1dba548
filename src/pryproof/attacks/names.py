"""Names of attacks, and which of a user's settings belongs to which of them.

An attack is ``FAMILY`` (ours), ``FAMILY/VARIANT``, or ``FAMILY@DIALECT/VARIANT`` (a peer's).
"""

from collections.abc import Iterable, Mapping

from pryproof.attacks.attack import Attack, Options
from pryproof.checks import ConfigurationError, known_name, nearest


def family(name: str) -> str:
    """Return what stands before the dialect and the variant.

    >>> family("lira@carlini_2022/online"), family("rmia/offline")
    ('lira', 'rmia')
    """
    return name.partition("@")[0].partition("/")[0]


def chosen(names: Iterable[str], attacks: Mapping[str, Attack]) -> list[str]:
    """Return the names, each once and in their order; refuse one that no attack has."""
    found = list(dict.fromkeys(names))
    for name in found:
        known_name(name, attacks, kind="attack")
    return found


def options_of(
    settings: Mapping[str, float | None], names: Iterable[str], attacks: Mapping[str, Attack]
) -> dict[str, Options]:
    """Return every attack's options: its defaults, then its family's settings, then its own.

    A setting is ``FAMILY.OPTION`` or ``NAME.OPTION``; one that no chosen attack takes is refused.
    """
    found = {name: dict(attacks[name].options) for name in names}
    for key in sorted(settings, key=_is_own):  # a name's own settings last: they win
        owner, _, option = key.rpartition(".")
        takers = [name for name in found if owner in (name, family(name)) and option in found[name]]
        if not takers:
            known = [
                f"{each}.{known}"
                for name in found
                for each in (name, family(name))
                for known in found[name]
            ]
            raise ConfigurationError(
                "E041",
                f"no attack that is asked for takes {key!r}",
                fix=nearest(key, set(known)) if known else "The attacks asked for take no options.",
            )
        for name in takers:
            found[name][option] = settings[key]
    return dict(found)


def _is_own(key: str) -> bool:
    owner = key.rpartition(".")[0]
    return owner != family(owner)
