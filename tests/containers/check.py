"""Runs inside a container: proves that what was locked is what is there, and that it imports.

Usage: python - NAME==VERSION... < check.py
"""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def main(pins):
    assert os.getgid() == 0 and os.getuid() not in (0, 1), (os.getuid(), os.getgid())
    assert sys.prefix == "/opt/venv", sys.prefix
    assert not os.access(sys.prefix, os.W_OK), "the environment can be changed from inside"
    for variable in ("HOME", "XDG_CACHE_HOME"):
        probe = Path(os.environ[variable], "probe")
        probe.write_text("written")
        probe.unlink()

    locked = dict(pin.split("==") for pin in pins)
    found = {normalised(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()}
    assert found == locked, f"locked {locked}, found {found}"

    modules = {}
    for module, names in importlib.metadata.packages_distributions().items():
        if module.isidentifier() and not module.startswith("_"):
            for name in names:
                modules.setdefault(normalised(name), []).append(module)
    for name, version in sorted(found.items()):
        for module in modules.get(name, []):
            imported = importlib.import_module(module)
            # Compiled by content (PEP 552), so that rewritten file times do not make it stale.
            cached = getattr(imported, "__cached__", None)
            if cached and getattr(imported, "__file__", ""):
                assert Path(cached).read_bytes()[4] == 0b11, f"{cached} is not checked by hash"
        print(f"{name} {version}: imported {', '.join(modules.get(name, ['nothing']))}")

    for script in Path(sys.prefix, "bin").iterdir():
        first_line = script.read_bytes().split(b"\n")[0]
        if first_line.startswith(b"#!") and b"python" in first_line:
            assert first_line == b"#!/opt/venv/bin/python", (script, first_line)
    subprocess.run(["python", "-c", "import sys; sys.exit(sys.prefix != '/opt/venv')"], check=True)
    print(f"python {sys.version.split()[0]} as user {os.getuid()}:{os.getgid()}")


main(sys.argv[1:])
