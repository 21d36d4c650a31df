#!/usr/bin/env python3
"""How fast layers are made of wheels that are there, beside what people do today.

Usage: layers.py [--mlresolve PROGRAM] [--uv UV] [--threads N] LOCK

  a  mlresolve build --layers-only, with wheels in its cache and no layers
  b  the same into another folder, with the layers of (a) in the cache
  c  uv pip install of the same wheels into an empty environment, then tar | gzip -6 of it
  d  inflating and hashing alone: the same inflater, hashes and threads, and nothing written. The program is named by the
     variable INFLATE_AND_HASH (cargo build --release -p mlresolve-layers --example inflate_and_hash) and is called with the
     number of threads and the wheels; without it, (d) is passed over.

Wheels are read once before each run, so that they are in memory, and what was written before is on disk. Run it on a quiet
machine: the last column says what other processes took of all processors meanwhile. What is not in the cache yet is
fetched first. All files are in a folder below TMPDIR, about four times the size of the wheels. Ends with exit code 1 if a
bound does not hold.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools" / "layers"))
from wheels_of import cache_folder, link_wheels  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def busy():
    """Seconds that all processors have worked since the machine started."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


class Measured:
    """A command's time on the clock, its processor time, its peak of memory, and what others did."""

    def __init__(self, what, command, **options):
        self.what, self.load = what, os.getloadavg()[0]
        before, start = busy(), time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
        self.said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{what}: exit code {process.returncode}")
        self.worked = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * 1024
        self.others = max(0.0, busy() - before - self.worked) / (self.seconds * os.cpu_count())

    def __str__(self):
        return (
            f"{self.what:<58} {self.seconds:8.2f} s {self.worked:8.2f} s {self.peak / 1e6:8.0f} MB"
            f" {self.load:6.2f} {self.others:8.0%}"
        )


def quiet(wheels):
    """Nothing waits to be written, and the wheels are in memory."""
    os.sync()
    for wheel in wheels:
        with open(wheel, "rb") as file:
            while file.read(1 << 20):
                pass


def layers(arguments, cache, output, what):
    command = [arguments.mlresolve, "--cache-dir", cache, "--quiet", "build", "--layers-only", "--output", output]
    return Measured(what, [str(part) for part in [*command, arguments.lock]])


def forget(folder, *names):
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)


def run(arguments, work):
    cache = work / "cache"
    cache.mkdir()
    subprocess.run(["cp", "-al", cache_folder() / "files-v1", cache], stderr=subprocess.DEVNULL)
    # Fetches what is not there.
    layers(arguments, cache, work / "first", "the first build")
    forget(work, "first")
    forget(cache, "layers-v1", "blobs-v1")
    wheels = link_wheels(arguments.lock, work / "wheels", cache)
    total = sum(wheel.stat().st_size for wheel in wheels)
    print(f"{len(wheels)} wheels, {total / 1e6:.1f} MB; {os.cpu_count()} processors")
    print(f"{'':<58} {'time':>10} {'worked':>10} {'peak':>11} {'load':>6} {'others':>8}")

    def show(measured):
        print(measured, flush=True)
        return measured

    quiet(wheels)
    a = show(layers(arguments, cache, work / "one", "a  build --layers-only, no layers kept"))
    quiet(wheels)
    b = show(layers(arguments, cache, work / "other", "b  again, layers kept, another folder"))
    forget(work, "one", "other")
    forget(cache, "layers-v1", "blobs-v1")

    d = None
    if program := os.environ.get("INFLATE_AND_HASH"):
        quiet(wheels)
        d = show(Measured("d  inflating and hashing alone", [program, str(arguments.threads), *map(str, wheels)]))
    else:
        print("d  passed over: INFLATE_AND_HASH names no program")

    environment = work / "environment"
    subprocess.run([arguments.uv, "venv", "--quiet", "--python", arguments.python, environment], check=True)
    quiet(wheels)
    options = ["--quiet", "--no-deps", "--no-index", "--cache-dir", work / "uv", "--python", environment / "bin/python"]
    install = [arguments.uv, "pip", "install", *options, *wheels]
    installed = show(Measured("c  uv pip install", [str(part) for part in install]))
    packed = show(Measured("c  tar | gzip -6", ["sh", "-c", 'tar -cf - . | gzip -6 >"$1"', "-", work / "tar.gz"], cwd=environment))
    c = installed.seconds + packed.seconds
    print(f"{'c  together':<58} {c:8.2f} s; {(work / 'tar.gz').stat().st_size / 1e6:.1f} MB")

    bounds = [
        ("(a) is so many times as fast as (c)", c / a.seconds, ">=", 8.0, ""),
        ("(a) keeps within so many MB", a.peak / 1e6, "<", 400.0, " MB"),
        ("(b) takes", b.seconds, "<", 4.0, " s"),
    ]
    if d:
        bounds.insert(1, ("(a) takes so many times as long as (d)", a.seconds / d.seconds, "<=", 1.5, ""))
    kept = True
    for what, value, sign, bound, unit in bounds:
        holds = value >= bound if sign == ">=" else value <= bound if sign == "<=" else value < bound
        kept &= holds
        print(f"{what:<58} {value:8.2f}{unit}, bound {sign} {bound:g}{unit}: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if kept else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mlresolve", default=os.environ.get("MLRESOLVE", "mlresolve"))
    parser.add_argument("--uv", default=os.environ.get("UV", "uv"))
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("lock")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlresolve-bench-") as work:
        return run(arguments, pathlib.Path(work))


if __name__ == "__main__":
    sys.exit(main())
