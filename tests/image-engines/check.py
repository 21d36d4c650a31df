"""Run in a container that may do nothing: the stack works there, and the container is as bare as was meant.

Usage: python - UID:GID COMMAND MODULE...

COMMAND is a console script that knows --version. Ends with one line that says what was seen.
"""

import getpass
import importlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time


def expect(what, seen, wanted):
    if seen != wanted:
        raise SystemExit(f"{what}: {seen!r} instead of {wanted!r}")


def bare(user):
    expect("user", f"{os.getuid()}:{os.getgid()}", user)
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    expect("effective capabilities", int(status["CapEff"], 16), 0)
    expect("permitted capabilities", int(status["CapPrm"], 16), 0)
    expect("no new privileges", status["NoNewPrivs"], "1")
    expect("network interfaces", [name for _, name in socket.if_nameindex()], ["lo"])
    expect("root is read-only", bool(os.statvfs("/").f_flag & os.ST_RDONLY), True)
    for folder in [sys.prefix, os.environ["HOME"]]:
        expect(f"{folder} is read-only", bool(os.statvfs(folder).f_flag & os.ST_RDONLY), True)


def work(modules):
    """A small use of what is compiled: libraries are found and fit each other."""
    done = []
    if "sklearn" in modules:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        expect("what sklearn learned", model.predict([[-1.0], [4.0]]).tolist(), [0, 1])
        done.append("sklearn learns")
    if "torch" in modules:
        import torch

        product = torch.ones(3, 4) @ torch.ones(4, 2)
        expect("what torch computed", product.sum().item(), 24.0)
        done.append(f"torch {torch.__version__} multiplies")
    return done


def main(user, command, *modules):
    bare(user)
    expect("environment", sys.prefix, os.environ["VIRTUAL_ENV"])
    started = time.monotonic()
    for name in modules:
        module = importlib.import_module(name)
        expect(f"{name} is of the environment", module.__file__.startswith(sys.prefix), True)
    took = time.monotonic() - started
    done = work(modules)
    launcher = shutil.which(command)
    expect(f"{command} is found", launcher, f"{sys.prefix}/bin/{command}")
    said = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    cache = pathlib.Path(os.environ["XDG_CACHE_HOME"])
    note = cache / f"of-{os.getuid()}" / "note"
    note.parent.mkdir()
    note.write_text("written")
    expect("the cache", note.read_text(), "written")
    name = getpass.getuser()
    print(f"{name} as {user}: {', '.join(modules)} in {took:.1f} s; {'; '.join(done)}; {said}; {cache} written")


if __name__ == "__main__":
    main(*sys.argv[1:])
