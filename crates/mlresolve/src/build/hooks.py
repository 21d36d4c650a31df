"""Calls one hook of a build backend (PEP 517) and writes what came of it, as JSON.

The only argument is a JSON file with the job: `hook` (`requires`, `metadata` or `wheel`), `backend`, `backend-path`, `folder`
(where metadata or a wheel goes) and `answer` (the file to write). What the backend prints is no part of the answer.
"""

import importlib
import json
import sys
import traceback


class Missing(Exception):
    """The backend is not installed."""


def load(backend, backend_path):
    # The first entry is the folder of this file, which no backend is to see.
    sys.path[:1] = backend_path
    module, _, attribute = backend.partition(":")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        # One that fails in the depth of a backend that is there is a fault of the backend.
        missing = getattr(error, "name", None)
        if missing and (module == missing or module.startswith(missing + ".")):
            raise Missing(str(error)) from error
        raise
    for name in filter(None, attribute.split(".")):
        found = getattr(found, name)
    return found


def requires(backend, folder):
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    return {"outcome": "requires", "requires": [str(one) for one in hook(None)] if hook else []}


def metadata(backend, folder):
    hook = getattr(backend, "prepare_metadata_for_build_wheel", None)
    if hook:
        return {"outcome": "metadata", "name": str(hook(folder, None))}
    return wheel(backend, folder)


def wheel(backend, folder):
    return {"outcome": "wheel", "name": str(backend.build_wheel(folder, None, None))}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    # Some backends read the command line.
    del sys.argv[1:]
    try:
        backend = load(job["backend"], job["backend-path"])
        answer = {"requires": requires, "metadata": metadata, "wheel": wheel}[job["hook"]](backend, job["folder"])
    except Missing as error:
        answer = {"outcome": "missing", "reason": str(error)}
    # A setup.py may end the process as it likes.
    except BaseException as error:
        answer = raised(error)
    with open(job["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def raised(error):
    traceback.print_exc()
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return {"outcome": "raised", "reason": "{}: {}".format(type(error).__name__, error), "module": missing}


main()
