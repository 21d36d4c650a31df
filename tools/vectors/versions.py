"""Versions: which texts are some, their normal form, and the order of all of them."""

from itertools import groupby

from packaging.version import Version

from inputs import accepted

EPOCHS = ["", "", "", "", "1!", "0!", "2!"]
RELEASES = ["0", "0.0", "1", "1.0", "1.0.0", "1.0.1", "1.1", "1.1.0", "1.2.3.4", "1.10", "2", "2.0.0", "2024.1", "10.0"]
PRES = [
    "", "", "", "", "a0", "a1", "b1", "b2", "rc1", "rc2", "a10", "a", ".alpha1", "-beta_2", "c1", "-rc.1", "_pre1",
    ".preview2",
]  # fmt: skip
POSTS = ["", "", "", "", ".post0", ".post1", ".post2", "-1", "-r2", ".rev1", "post", "_post3", ".post10"]
DEVS = ["", "", "", "", ".dev0", ".dev1", ".dev10", "dev", "-dev2", "_dev_3"]
LOCALS = [
    "", "", "", "", "+cpu", "+cu128", "+cu118", "+1", "+1.2", "+abc.1", "+1-abc", "+ABC_2", "+001", "+a.b.c", "+10",
    "+2",
]  # fmt: skip
PREFIXES = ["", "", "", "", "", "", "v", "V", " ", "\t"]
SUFFIXES = ["", "", "", "", "", "", " ", "\n"]

# What is near a version without being one.
BROKEN = [
    "", " ", "v", "!", "1!", "!1", "1!!2", "1.", ".1", "1..2", "1.0-", "1.0+", "1.0+_", "1.0++a", "1.0+a..b",
    "1.0+a+b",
    "1.0.*", "*", "1.x", "1.0.post-", "1.0 a1 ", "1.0a 1", "1.0 .dev1", "a1", "dev", "1.0-rc-1-2", "1.0--1", "1,0",
    "1.0\u0661",
    "\u0661", "1.0+\u0131", "1.0\x00", "-1", "+1", "1.-1", "1.+1", "1e5", "0x1", "1_0", "1_0a1", "vv1", "1v",
    "v1!1.0v", "1.0.dev1.post1",
    "1.0dev1a1", "1.0post1a1", "1.0a1b1", "1.0.0.dev1.dev2", "1.0+cpu dev", "1.0+cpu.dev1", "2.0.dev1!1", "1!v1",
    "==1.0", "1.0;", "1.0,",
    "latest", "1.0-SNAPSHOT", "1.0.Final", "2.0.0-next.1", "1.0-1-1", "1.0-1.dev1", "1.0r", "1.0-r", "1.0rev-1",
    "1.0.post.1", "1.0.post-1",
    "1.0a-1", "1.0a.1", "1.0.a.1", "1.0-_a1", "1.0._a1", "1.0\u00a0", "\u20031.0", "1\n.0", "1.0\r\n", "01.02.03",
    "1.0a01", "1.0+00a", "1.0+0",
]  # fmt: skip

# Numbers that do not fit 64 bits: packaging has no bound.
BEYOND_LIMITS = [
    f"{2**64}",
    f"1.{2**64}.0",
    f"1.0a{2**64}",
    f"1.0.post{2**70}",
    f"1.0.dev{2**64}",
    f"{2**64}!1.0",
    "9" * 40,
]
AT_THE_LIMIT = [f"{2**63}", f"1.{2**63 - 1}.0", f"{2**32}!1.0", f"1.0.dev{2**32}", f"1.0+{2**63}"]
LOCAL_BEYOND_LIMITS = [f"1.0+{2**64}", f"1.0+cpu.{2**70}.1"]

DRAWN = 900


def drawn(given):
    chance = given.random("versions")
    parts = [PREFIXES, EPOCHS, RELEASES, PRES, POSTS, DEVS, LOCALS, SUFFIXES]
    return ["".join(chance.choice(part) for part in parts) for _ in range(DRAWN)]


def vectors(given):
    upstream = [text for name in ["test_version", "test_specifiers", "test_ranges"] for text in given.texts(name)]
    texts = dict.fromkeys([*filter(is_near_a_version, upstream), *drawn(given), *BROKEN, *AT_THE_LIMIT])
    read = {text: accepted(Version, text) for text in texts}
    beyond = [text for text in read if is_beyond_limits(text)]
    valid = {text: version for text, version in read.items() if version is not None and text not in beyond}
    classes = groupby(sorted(valid, key=lambda text: (valid[text], text)), key=valid.get)
    return {
        "about": "ordered: rising classes of equal versions, each text with its normal form; invalid: no versions; "
        "beyond_limits: versions whose numbers have more than 64 bits; local_beyond_limits: only in the local part",
        "ordered": [[[text, str(valid[text])] for text in texts] for _, texts in classes],
        "invalid": [text for text, version in read.items() if version is None],
        "beyond_limits": [*BEYOND_LIMITS, *beyond],
        "local_beyond_limits": LOCAL_BEYOND_LIMITS,
    }


def is_near_a_version(text):
    """Whether a text of packaging's tests says something about versions: not prose, not a specifier."""
    return accepted(Version, text) is not None or not (set(text) & set("<>=~` ") or text.isalpha())


def is_beyond_limits(text):
    """Whether a text is a version with a number of more than 64 bits outside its local part."""
    version = accepted(Version, text)
    if version is None:
        return False
    numbers = [version.epoch, *version.release, (version.pre or (0, 0))[1], version.post or 0, version.dev or 0]
    return max(numbers) >= 2**64
