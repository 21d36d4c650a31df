"""Reads a lock with PyPA's own reader: pylock.py [--here] LOCK...

Each lock is parsed by the standard library's TOML reader (TOML 1.0), validated by
`packaging.pylock`, and selected for CPython 3.12 on x86-64 Linux with glibc 2.35 or, with --here,
for the Python that runs this. What would be installed is printed, one line each. Needs a Python from 3.11 on with packaging 26.1 or later.
"""

import sys
import tomllib
from pathlib import Path

from packaging.pylock import Pylock, is_valid_pylock_path
from packaging.tags import Tag, compatible_tags, cpython_tags

ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.12.0",
    "python_version": "3.12",
    "sys_platform": "linux",
}


def tags() -> list[Tag]:
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 4, -1)]
    platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    return [*cpython_tags((3, 12), platforms=platforms), *compatible_tags((3, 12), "cp312", platforms)]


def main() -> int:
    arguments = sys.argv[1:]
    here = "--here" in arguments
    target = {} if here else {"environment": ENVIRONMENT, "tags": tags()}
    for path in (Path(argument) for argument in arguments if argument != "--here"):
        if not is_valid_pylock_path(path):
            print(f"{path}: not a name for a lock", file=sys.stderr)
            return 1
        lock = Pylock.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
        lock.validate()
        for package, file in lock.select(**target):
            name = getattr(file, "filename", type(file).__name__)
            print(package.name, package.version, name, sorted(getattr(file, "hashes", {}).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
