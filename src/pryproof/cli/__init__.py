"""The command line: words in, words out. Everything else is ``pryproof.Study``."""

from pryproof.cli.app import main

__all__ = ["main"]
