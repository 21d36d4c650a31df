#!/usr/bin/env python3
"""Puts the wheels of a lock into a folder, under their own names: wheels_of.py LOCK FOLDER [CACHE]

They are links to the files in mlresolve's cache, where a build of the lock has left them.
"""

import os
import pathlib
import sys
import tomllib
import urllib.parse


def cache_folder():
    above = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("MLRESOLVE_CACHE_DIR") or os.path.join(above, "mlresolve"))


def link_wheels(lock, folder, cache=None):
    """Returns the paths of the links, one for each package of the lock."""
    files = pathlib.Path(cache or cache_folder(), "files-v1").absolute()
    os.makedirs(folder, exist_ok=True)
    links = []
    for package in tomllib.loads(pathlib.Path(lock).read_text())["packages"]:
        there = [wheel for wheel in package.get("wheels", []) if (files / wheel["hashes"]["sha256"]).is_file()]
        if len(there) != 1:
            raise SystemExit(f"{package['name']}: {len(there)} of its wheels are in the cache; one was to be there")
        [wheel] = there
        address = urllib.parse.urlsplit(wheel.get("url") or wheel["path"]).path
        link = pathlib.Path(folder, wheel.get("name") or os.path.basename(urllib.parse.unquote(address)))
        link.symlink_to(files / wheel["hashes"]["sha256"])
        links.append(link)
    return links


if __name__ == "__main__":
    for path in link_wheels(*sys.argv[1:]):
        print(path)
