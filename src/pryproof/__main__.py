"""``python -m pryproof`` is the command line."""

from pryproof.cli import main

if __name__ == "__main__":
    main()
