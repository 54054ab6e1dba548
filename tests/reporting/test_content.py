from dataclasses import FrozenInstanceError

import pytest

from pryproof.reporting.content import VERDICTS, Content


def test_content_is_frozen(content: Content):
    with pytest.raises(FrozenInstanceError):
        content.title = "other"  # type: ignore[misc]


def test_every_kind_of_image_counts_every_verdict(content: Content):
    assert all(tuple(counts) == VERDICTS for counts in content.verdicts.values())
