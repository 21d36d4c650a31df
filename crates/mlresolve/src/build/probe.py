"""Says what the interpreter that runs it is, as JSON."""

import json
import os
import platform
import sys
import sysconfig

try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
print(
    json.dumps(
        {
            "executable": sys.executable,
            "implementation": sys.implementation.name,
            "version": list(sys.version_info[:3]),
            "free-threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "system": sys.platform,
            "machine": platform.machine(),
            "libc": libc,
        }
    )
)
