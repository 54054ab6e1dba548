"""The tiny study is shared by all tests of this folder."""

from pipeline.tiny import finished, npz, roomy, tree_of_images

__all__ = ["finished", "npz", "roomy", "tree_of_images"]
