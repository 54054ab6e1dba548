"""Both GANs beside plain PyTorch scripts.

``bench_gans`` drives ``plain_tac_gan`` and ``cycle``. Each has ``PLANS``, a table of frozen
dataclasses that JSON can hold, each with ``runs``, ``steps``, ``batch`` and ``images`` (real images
a run learns from, all updates together); ``plain(work, index)`` and ``ours(work, index)``, which
train run ``index`` with the threads torch has, and return its last losses by name, on average over
the last quarter.
"""
