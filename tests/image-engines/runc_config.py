"""Makes the bundle that umoci unpacked one that may do nothing: read-only, no capabilities, a cache of its own.

Usage: runc_config.py BUNDLE UID:GID CACHE_DIR COMMAND...
"""

import json
import pathlib
import sys


def main(bundle, user, cache, *command):
    path = pathlib.Path(bundle, "config.json")
    config = json.loads(path.read_text())
    process = config["process"]
    environment = dict(line.split("=", 1) for line in process["env"])
    uid, gid = map(int, user.split(":"))
    process.update(
        terminal=False,
        user={"uid": uid, "gid": gid},
        args=list(command),
        noNewPrivileges=True,
        capabilities={},
        rlimits=[],
    )
    config["root"]["readonly"] = True
    target = environment["XDG_CACHE_HOME"]
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != target]
    config["mounts"].append(
        {"destination": target, "type": "bind", "source": cache, "options": ["rbind", "rw", "nosuid", "nodev"]}
    )
    namespaces = {namespace["type"] for namespace in config["linux"]["namespaces"]}
    assert "network" in namespaces, "the bundle shares the network"
    path.write_text(json.dumps(config))


if __name__ == "__main__":
    main(*sys.argv[1:])
