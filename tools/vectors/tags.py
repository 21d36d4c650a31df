"""The ordered tags of interpreters, as packaging lists them on the machine itself."""

from itertools import groupby
from unittest import mock

from packaging import _manylinux, tags

PYTHONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15t"]
SYSTEMS = [
    *(("linux-x86_64", glibc) for glibc in ["2.5", "2.12", "2.17", "2.28", "2.35", "2.39"]),
    *(("linux-aarch64", glibc) for glibc in ["2.17", "2.28", "2.39"]),
    *(("macos-arm64", macos) for macos in ["11.0", "14.0", "15.3", "26.0"]),
]


def platforms(platform, version):
    """The platform tags: packaging's own list, told that it runs on the machine."""
    system, machine = platform.split("-")
    major, minor = map(int, version.split("."))
    if system == "macos":
        return list(tags.mac_platforms((major, minor), machine))
    glibc = _manylinux._GLibCVersion(major, minor)
    with (
        mock.patch.object(_manylinux, "_get_glibc_version", lambda: glibc),
        mock.patch.object(_manylinux, "_get_manylinux_module", lambda: None),
        mock.patch.object(tags._musllinux, "platform_tags", lambda _archs: iter(())),
        mock.patch.object(tags.sysconfig, "get_platform", lambda: f"linux-{machine}"),
    ):
        return list(tags._linux_platforms(is_32bit=False))


def all_tags(python, platform_tags):
    free_threaded = python.endswith("t")
    version = tuple(map(int, python.rstrip("t").split(".")))
    interpreter = f"cp{version[0]}{version[1]}"
    abi = interpreter + ("t" if free_threaded else "")
    yield from tags.cpython_tags(version, [abi], platform_tags)
    yield from tags.compatible_tags(version, interpreter, platform_tags)


def runs(python, platform_tags):
    """The tags in order, those in a row with the same interpreter and ABI and the usual platforms as one."""
    for (interpreter, abi), group in groupby(
        all_tags(python, platform_tags), key=lambda tag: (tag.interpreter, tag.abi)
    ):
        found = [tag.platform for tag in group]
        if found == platform_tags:
            yield f"{interpreter}-{abi}"
        else:
            yield from (f"{interpreter}-{abi}-{platform}" for platform in found)


def vectors():
    by_system = {system: platforms(*system) for system in SYSTEMS}
    usual = by_system[SYSTEMS[0]]
    interpreters = {python: list(runs(python, usual)) for python in PYTHONS}
    for python in PYTHONS:
        for found in by_system.values():
            assert list(runs(python, found)) == interpreters[python], "the order of the rest depends on the platforms"
    return {
        "about": "platforms: a platform, its glibc or macOS, and its platform tags in order; interpreters: a Python "
        "and its tags in order, where one without a platform stands for one with each of them, in their order",
        "platforms": [[*system, found] for system, found in by_system.items()],
        "interpreters": [[python, found] for python, found in interpreters.items()],
    }
