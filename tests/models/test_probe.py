"""What a network may answer, and the refusal of everything else."""

import pytest
import torch

import models_for_tests as networks
from pryproof.checks import ConfigurationError
from pryproof.models.probe import probe
from pryproof.models.randomness import global_draws

SHAPE = (8, 8, 3)


def shown(kind, *, shape=SHAPE, classes=5):
    with global_draws(0, "test"):
        network = kind(classes=classes, channels=3)
        probe(network, "mine", classes=classes, shape=shape)
    return network


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (networks.Wide, r"E051.*shape \(3, 5\) in training mode, got \(3, 6\).*one logit a class"),
        (networks.Pair, r"E053.*got a tuple.*Return its element 1 alone"),
        (networks.Named, r"E053.*got a dict.*Return its element 'logits' alone"),
        (networks.Nothing, r"E053.*got a NoneType.*Return one logit a class"),
        (networks.Auxiliary, r"E053.*in training mode, got a tuple.*element 0"),
        (networks.Softmax, r"E053.*answers probabilities.*Leave the last softmax out"),
        (networks.LogSoftmax, r"E053.*answers log-probabilities.*Leave the last softmax out"),
        (networks.Standardised, r"E053.*a blank image with numbers that are not finite"),
        (networks.Overflowing, r"E053.*noise with numbers that are not finite"),
        (networks.AlwaysDropout, r"E054.*differently the second time.*self.training"),
        (networks.OfTheBatch, r"E054.*beside other images.*track_running_stats"),
    ],
)
def test_what_is_no_logits_is_refused(kind, words):
    with pytest.raises(ConfigurationError, match=words):
        shown(kind)


def test_another_image_size_is_refused():
    with pytest.raises(ConfigurationError, match=r"E052.*fails on a batch of 3 x 3 x 5 x 8"):
        shown(networks.Fixed, shape=(5, 8, 3))


def test_images_lie_in_memory_as_in_training():
    with global_draws(0, "test"):
        networks.Viewing(classes=5, channels=3)(torch.zeros(2, 3, 8, 8))  # channels first: no error
    with pytest.raises(ConfigurationError, match=r"E052.*\.reshape"):
        shown(networks.Viewing)


def test_what_is_probed_stays_as_it_was():
    network = shown(networks.Counting)
    assert not network.training
    assert network.norm.num_batches_tracked == 0
    torch.testing.assert_close(network.norm.running_mean, torch.zeros(3))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_two_classes_of_any_logits_pass():
    shown(networks.Fixed, classes=2)
