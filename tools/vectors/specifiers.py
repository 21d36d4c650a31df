"""Specifiers: which texts are some, and which versions each takes, pre-releases included."""

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from inputs import accepted
from versions import is_beyond_limits

OPERATORS = ["==", "!=", ">=", "<=", ">", "<", "~=", "==="]
ENDS = [
    "", "", "", ".*", ".*", "a1", "a2", "b1", "rc1", ".post0", ".post1", ".dev0", ".dev1", "a1.dev1", "a1.post1",
    "a1.post1.dev2",
    ".post1.dev0", "+cpu", "+cu128", "+1.2", "a1+x", ".post1+x", ".dev1+x", "-1", "-rc.1",
]  # fmt: skip
RELEASES = [
    "0",
    "1",
    "1.0",
    "1.0.0",
    "1.1",
    "1.1.0",
    "1.2",
    "1.0.1",
    "2",
    "2.0",
    "1!1",
    "1!1.0",
    "0.9.9",
    "1.10",
    "3.0",
]

# Every version is asked of every specifier, so they are few and as near to each other as can be.
CANDIDATE_ENDS = [
    ".dev0", ".dev1", ".dev1+x", "a0", "a1.dev1", "a1", "a1+x", "a1.post1.dev2", "a1.post1", "a2.dev0", "b1", "rc1",
    "", "+cpu", "+cu128", "+1.2", "+1.10", ".post0.dev0", ".post0", ".post1.dev0", ".post1", ".post1+x", ".post2",
]  # fmt: skip
OTHER_CANDIDATES = [
    "0", "0.dev0", "0.9", "0.9.9.post1", "1.0.0", "1.0.0.1", "1.0.1.dev0", "1.0.1a1", "1.0.1", "1.1.0+cpu", "1.1.5",
    "1.2.dev0", "1.2rc1", "1.2", "1.2.1", "1.10", "1.99", "2.dev0", "2.0a1", "2.0", "2.0.1", "2.9", "3.0rc1", "3.0",
    "1!0", "1!1.dev0", "1!1.0", "1!1.0+cpu", "1!2", "2!0",
]  # fmt: skip
CANDIDATES = [release + end for release in ["1.0", "1.1", "1"] for end in CANDIDATE_ENDS] + OTHER_CANDIDATES

BROKEN = [
    "1.0", "=1.0", "=>1.0", "=<1.0", "!1.0", "~1.0", "~=1", "~=1!1", "~=1.post1", "~=1.dev1", "~=1a1", "~=1.0+cpu",
    "~=1.0.*", ">=1.0.*", "<1.0.*",
    "<=1.*", ">1.*", ">=1.0+cpu", "<=1.0+cpu", ">1.0+cpu", "<1.0+cpu", "==1.0a1.*", "==1.0.post1.*", "==1.0.dev1.*",
    "==1.0+cpu.*", "==*", "==.*",
    "==1.0*", "==1.0.**", "==1.*.0", "==1.0 .*", "== 1.0. *", "==", "!=", ">=", "<", "===", "=== ", ">=1.0 <2.0",
    ">=1.0<2.0", ">=1.0;<2.0", ">=1.0,,<2",
    ",>=1", ">=1,", ",", "", " ", " >= 1.0 , < 2 ", ">=1.0\n", "\t>=1.0", "> =1.0", ">= v1.0", "==v1.0.*",
    "==1!1.*", "===foo bar", "===foo;bar",
    "===foo)", "===*", "===1.0.*", "===1.0+CPU", "=== 1.0 ", "===1.0,<2", "===\u00e9", "<>1.0", "^1.0", "~>1.0",
    "*", ">=latest", ">=3.6.x", "==1.0@", "==1.0]",
    ">=1,>=1", "!=1.0.*,!=1.1.*", ">2,<1", "==1.0,!=1.0", "~=1.0.0rc1", "~=1.0.post1", "~=2.2.0.dev1", "~=1!1.0",
    "~= 1.4.5", "==1.0.0.0.*", "!=0.*", "==0.*",
]  # fmt: skip

DRAWN_SPECIFIERS, DRAWN_SETS = 420, 240


def drawn(given):
    chance = given.random("specifiers")
    single = [chance.choice(OPERATORS) + chance.choice(RELEASES) + chance.choice(ENDS) for _ in range(DRAWN_SPECIFIERS)]
    sound = [text for text in single if accepted(Specifier, text)]
    sets = [",".join(chance.sample(sound, chance.choice([2, 2, 3, 4]))) for _ in range(DRAWN_SETS)]
    return [*single, *sets]


def bits(found):
    return "".join("1" if one else "0" for one in found)


def within_limits(text):
    return not any(is_beyond_limits(part.strip(" <>=!~").removesuffix(".*")) for part in text.split(","))


def vectors(given):
    modules = ["test_specifiers", "test_ranges"]
    written = [text for name in modules for text in given.texts(name) if set(text) & set("<>=") and "`" not in text]
    texts = [text for text in dict.fromkeys([*written, *drawn(given), *BROKEN]) if within_limits(text)]
    read = {text: accepted(SpecifierSet, text) for text in texts}
    candidates = [Version(text) for text in dict.fromkeys(CANDIDATES)]
    return {
        "about": "grid: sets of specifiers, each with a digit for every one of the versions: 1 where it takes it; "
        "pairs: a set, a version, whether it takes it; invalid: no sets of specifiers",
        "versions": [str(version) for version in candidates],
        "grid": [
            [text, bits(found.contains(version, prereleases=True) for version in candidates)]
            for text, found in read.items()
            if found is not None
        ],
        "pairs": pairs(given, modules),
        "invalid": [text for text, found in read.items() if found is None],
    }


def pairs(given, modules):
    """Every set of specifiers that a test of packaging is run with, and every version it meets there."""
    found = {}
    for texts in (texts for name in modules for texts in given.tuples(name)):
        sets = [
            text
            for text in texts
            if any(sign in text for sign in "<>=") and accepted(SpecifierSet, text) and within_limits(text)
        ]
        versions = [text for text in texts if accepted(Version, text) and not is_beyond_limits(text)]
        for specifiers in sets:
            for version in versions:
                found[specifiers, version] = SpecifierSet(specifiers).contains(Version(version), prereleases=True)
    return [[specifiers, version, int(takes)] for (specifiers, version), takes in found.items()]
