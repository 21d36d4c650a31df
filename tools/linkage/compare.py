#!/usr/bin/env python3
"""Holds what mlresolve-linkage reads of ELF files to what `readelf` says, for every such file below some folders.

    cargo build --release -p mlresolve-linkage --example facts
    tools/linkage/compare.py FOLDER...
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "target/release/examples/facts"
MACHINES = {"Advanced Micro Devices X86-64": "X86_64", "AArch64": "Aarch64"}


def elf_files(folders):
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                if os.path.islink(path) or not os.path.isfile(path) or "\n" in path:
                    continue
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


def ours(paths):
    text = "".join(path + "\n" for path in paths)
    run = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True)
    for path, line in zip(paths, run.stdout.splitlines(), strict=True):
        facts = json.loads(line)
        modules = facts and facts["modules"]
        yield path, facts and {
            "class": facts["class"],
            "machine": facts["machine"],
            "kind": facts["kind"],
            "soname": facts["soname"],
            "needed": facts["needed"],
            "rpath": facts["rpath"],
            "runpath": facts["runpath"],
            "requires": {
                (need["library"], version["name"], version["weak"])
                for need in facts["requires"]
                for version in need["versions"]
            },
            "provides": sorted(facts["provides"]),
            "executable_stack": facts["executable_stack"],
            "modules": modules,
            "fault": facts["fault"],
        }


def readelf(path):
    run = subprocess.run(["readelf", "-hldVW", path], capture_output=True, text=True, errors="replace", check=False)
    text = run.stdout
    entries = re.findall(r"^ 0x[0-9a-f]+ \(([A-Z_0-9]+)\) +(.*)$", text, re.M)
    value = lambda tag: [re.search(r"\[(.*)\]$", rest).group(1) for name, rest in entries if name == tag]
    requires, library, provides, part = set(), None, [], None
    for line in text.splitlines():
        if line.startswith("Version "):
            part = line.split()[1]
        if part == "needs":
            if found := re.search(r"Version: \d+  File: (\S+)  Cnt:", line):
                library = found.group(1)
            elif found := re.search(r"Name: (\S+)  Flags: (.*?)  Version:", line):
                requires.add((library, found.group(1), "WEAK" in found.group(2)))
        elif part == "definition":
            found = re.search(r"Rev: \d+  Flags: (.*?) +Index: \d+  Cnt: \d+  Name: (\S+)", line)
            if found and "BASE" not in found.group(1):
                provides.append(found.group(2))
    stack = re.search(r"GNU_STACK +\S+ \S+ \S+ \S+ \S+ (\S*E|\S+)", text)
    machine = re.search(r"Machine: +(.*)", text).group(1)
    interpreter = "Requesting program interpreter" in text
    program = "PIE" in " ".join(rest for name, rest in entries if name == "FLAGS_1")
    program = program or (interpreter and not value("SONAME")) or "Type:                              EXEC" in text
    return {
        "class": "Bits64" if "ELF64" in text else "Bits32",
        "machine": MACHINES.get(machine, machine),
        "kind": "Program" if program else "Library" if re.search(r"Type: +DYN", text) else "Other",
        "soname": (value("SONAME") or [None])[-1],
        "needed": value("NEEDED"),
        "rpath": [part for text in value("RPATH")[-1:] for part in text.split(":")],
        "runpath": [part for text in value("RUNPATH")[-1:] for part in text.split(":")],
        "requires": requires,
        "provides": sorted(provides),
        "executable_stack": "E" in stack.group(1) if stack else True,
        "fault": None,
    }


def modules(path):
    run = subprocess.run(["readelf", "--dyn-syms", "-W", path], capture_output=True, text=True, errors="replace", check=False)
    return sorted(set(re.findall(r" PyInit_([^\s@]+)", run.stdout)))


def main():
    paths = sorted(elf_files(sys.argv[1:]))
    wrong = unread = 0
    for path, found in ours(paths):
        if not found or found["fault"] or found["kind"] == "Other":
            unread += 1
            print(f"not read: {path}: {found and (found['fault'] or found['kind'])}")
            continue
        expected = readelf(path)
        if found["modules"] is not None:
            expected["modules"] = modules(path)
        for key, value in expected.items():
            if found[key] != value:
                wrong += 1
                print(f"{path}: {key}: {found[key]} instead of {value}")
    print(f"{len(paths)} files, {unread} not read, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
