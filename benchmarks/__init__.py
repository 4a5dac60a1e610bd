"""How fast and how thin the program is, as figures beside a baseline taken in the same run: `python -m benchmarks`."""
