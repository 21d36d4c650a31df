"""Writes packse's scenarios as one TOML file a group: the facts, without the sentences.

    python tools/packse/generate.py packse-0.3.59 tests/packse/scenarios

The first argument is the unpacked source distribution of packse. Needs Python 3.11 or newer and nothing else. The
output is the same on every run.
"""

import json
import pathlib
import sys
import tomllib

# Sentences, and how packse itself lays out what it builds.
LEFT_OUT = {"description", "explanation", "template"}
# Not a case, but what a scenario looks like.
EXAMPLES = "examples"


def value(data) -> str:
    """A TOML value on one line."""
    if isinstance(data, dict):
        pairs = ", ".join(f"{key(name)} = {value(inner)}" for name, inner in data.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(data, list):
        return f"[{', '.join(value(inner) for inner in data)}]"
    if isinstance(data, str) and '"' in data and "'" not in data:
        return f"'{data}'"
    return json.dumps(data)


def key(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name)


def facts(data):
    if not isinstance(data, dict):
        return data
    return {name: facts(inner) for name, inner in data.items() if name not in LEFT_OUT}


def lines(scenario: dict):
    yield f"[{key(scenario.pop('name'))}]"
    packages = scenario.pop("packages")
    for table, entries in scenario.items():
        for name, data in entries.items():
            yield f"{table}.{key(name)} = {value(data)}"
    for package, entries in packages.items():
        for version, release in entries["versions"].items():
            yield f"packages.{key(package)}.versions.{key(version)} = {value(release)}"


def main(source: pathlib.Path, output: pathlib.Path) -> None:
    for group in sorted((source / "scenarios").iterdir()):
        if group.name == EXAMPLES:
            continue
        written = []
        for path in sorted(group.glob("**/*.toml")):
            scenario = facts(tomllib.loads(path.read_text(encoding="utf-8")))
            written.append("".join(f"{line}\n" for line in lines(scenario)))
        (output / f"{group.name}.toml").write_text("\n".join(written), encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
