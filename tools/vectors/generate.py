#!/usr/bin/env python3
"""Writes the conformance vectors: what PyPA's `packaging` says, as data for the Rust tests.

How to run, in a virtual environment with packaging 26.3 or newer, from the root of the tree:

    pip download --no-deps --no-binary packaging packaging==26.3 && tar xf packaging-26.3.tar.gz
    python tools/vectors/generate.py packaging-26.3

The argument is the unpacked source distribution, whose own tests give a part of the inputs. The output is the same on
every run: what is drawn is drawn with a fixed seed. It goes to `crates/packaging/tests/vectors` and
`crates/target/tests/vectors`; the files say in `about` how to read them.
"""

import json
import pathlib
import re
import sys

import packaging
from packaging.version import Version

import inputs
import markers
import requirements
import specifiers
import tags
import upstream
import versions

OLDEST = Version("26.3")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Fixtures name hosts that cannot exist.
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|io|net)\b")


def neutral(text):
    return HOST.sub("host.example", text)


def write(crate, name, sections):
    """One JSON object, with one element of each section a line."""
    path = ROOT / "crates" / crate / "tests" / "vectors" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for key, value in sections.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
            lines.append(f"{json.dumps(key)}:[\n{rows}\n]")
        else:
            lines.append(f"{json.dumps(key)}:{json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sizes = {key: len(value) for key, value in sections.items() if isinstance(value, list)}
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes, {sizes}")


def main():
    assert Version(packaging.__version__) >= OLDEST, f"packaging {packaging.__version__} is older than {OLDEST}"
    source = f"packaging {packaging.__version__}"
    collected = upstream.collect(sys.argv[1])
    given = inputs.Inputs(collected, neutral)
    write("packaging", "versions.json", {"source": source, **versions.vectors(given)})
    write("packaging", "specifiers.json", {"source": source, **specifiers.vectors(given)})
    write("packaging", "markers.json", {"source": source, **markers.vectors(given)})
    write("packaging", "requirements.json", {"source": source, **requirements.vectors(given)})
    write("target", "tags.json", {"source": source, **tags.vectors()})


if __name__ == "__main__":
    main()
