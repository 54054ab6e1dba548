"""The tiny study is shared by all tests of this folder."""

from pipeline.tiny import finished, npz, tree_of_images

__all__ = ["finished", "npz", "tree_of_images"]
