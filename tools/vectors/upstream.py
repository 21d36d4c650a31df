"""The data of packaging's own test suite, without running its tests.

The test modules are imported with a stand-in for pytest that keeps what `parametrize` is given, so that lists that
are computed are found as well as those that are written out.
"""

import ast
import importlib
import pathlib
import sys
import types

MODULES = ["test_version", "test_specifiers", "test_ranges", "test_markers", "test_requirements"]


class _Anything:
    """Stands in for a name of pytest: as a decorator it gives back what it decorates."""

    def __call__(self, *arguments, **_):
        only_a_function = len(arguments) == 1 and callable(arguments[0])
        return arguments[0] if only_a_function else lambda decorated: decorated

    def __getattr__(self, _):
        return self


class _Mark(_Anything):
    def __init__(self, kept):
        self.kept = kept

    def parametrize(self, _names, values, **_):
        values = list(values)
        self.kept.extend(values)
        return lambda decorated: decorated


def collect(sdist):
    """For each test module: the values of its parameters, and every string that is written in it."""
    kept = {}
    pytest = types.ModuleType("pytest")
    pytest.__getattr__ = lambda _name: _Anything()
    pytest.param = lambda *values, **_: values if len(values) > 1 else values[0]
    sys.modules["pytest"] = pytest
    sys.modules["pretend"] = types.ModuleType("pretend")
    sys.path.insert(0, str(sdist))
    for name in MODULES:
        parameters = []
        pytest.mark = _Mark(parameters)
        importlib.import_module(f"tests.{name}")
        tree = ast.parse((pathlib.Path(sdist) / "tests" / f"{name}.py").read_text())
        written = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        kept[name] = (parameters, [text for text in written if isinstance(text, str)])
    return kept


def strings(values):
    """Every string anywhere in nested lists and tuples, in order."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple, set, frozenset)):
            yield from strings(sorted(value) if isinstance(value, (set, frozenset)) else value)


def tuples(values):
    """Every tuple of parameters, with what is not a string left out."""
    for value in values:
        if isinstance(value, tuple):
            yield tuple(part for part in value if isinstance(part, str))
