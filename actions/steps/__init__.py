"""One file per kind of step, each a class with the step contract."""
