"""Markers: which texts are some, and where each holds."""

from packaging.markers import Marker, UndefinedComparison

from inputs import accepted

LINUX = {
    "implementation_name": "cpython", "implementation_version": "3.12.0", "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython", "platform_release": "", "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.12.0", "python_version": "3.12", "sys_platform": "linux",
}  # fmt: skip


def python(full):
    short = ".".join(full.split(".")[:2])
    return {"implementation_version": full, "python_full_version": full, "python_version": short}


MAC = {"platform_machine": "arm64", "platform_system": "Darwin", "sys_platform": "darwin"}
WINDOWS = {"os_name": "nt", "platform_machine": "AMD64", "platform_system": "Windows", "sys_platform": "win32"}
PYPY = {"implementation_name": "pypy", "platform_python_implementation": "PyPy", "implementation_version": "7.3.13"}

ENVIRONMENTS = [
    LINUX,
    LINUX | python("3.8.20"),
    LINUX | python("3.9.2") | {"platform_machine": "aarch64"},
    LINUX | python("3.10.14") | {"platform_release": "5.15.0-1034-aws", "platform_version": "#38~20.04.1-Ubuntu SMP"},
    LINUX | python("3.13.0rc1") | {"platform_release": "6.1.0", "platform_version": "#1 SMP 6.1.0"},
    LINUX | python("2.7.18") | {"sys_platform": "linux2"},
    MAC
    | {key: value for key, value in LINUX.items() if key not in MAC}
    | python("3.11.9")
    | {"platform_release": "23.5.0"},
    LINUX | WINDOWS | python("3.14.2") | {"platform_release": "10", "platform_version": "10.0.22631"},
    LINUX | python("3.10.13") | PYPY,
]
ENVIRONMENTS = [dict(sorted(environment.items())) for environment in ENVIRONMENTS]

# The environment of each and the extra asked for.
CONTEXTS = [(index, "") for index in range(len(ENVIRONMENTS))] + [
    (0, "test"),
    (3, "Dev_Tools"),
    (6, "dev-tools"),
    (7, "test"),
]
# The environment of each, the extras and the dependency groups.
LOCK_CONTEXTS = [(0, [], []), (0, ["test"], []), (6, ["test", "dev-tools"], ["docs"]), (7, [], ["docs", "Type.Check"])]

VERSIONED = ["python_version", "python_full_version", "implementation_version", "platform_release"]
WORDS = {
    "os_name": ["posix", "nt", "java", ""],
    "sys_platform": ["linux", "darwin", "win32", "linux2", "cygwin", ""],
    "platform_system": ["Linux", "Darwin", "Windows", "linux"],
    "platform_machine": ["x86_64", "aarch64", "arm64", "AMD64", "x86_64 amd64 AMD64", "64"],
    "platform_python_implementation": ["CPython", "PyPy", "cpython"],
    "python_implementation": ["CPython", "PyPy"],
    "implementation_name": ["cpython", "pypy"],
    "platform_version": ["", "10.0.22631", "#1 SMP 6.1.0", "SMP"],
    "os.name": ["posix", "nt"],
    "sys.platform": ["linux", "win32"],
    "platform.machine": ["x86_64"],
    "platform.version": ["10"],
    "platform.python_implementation": ["CPython"],
    "extra": ["test", "Test", "dev-tools", "dev_tools", "docs", "", "test dev-tools"],
}
VERSIONS = [
    "3", "3.8", "3.8.*", "3.9", "3.10", "3.10.14", "3.11", "3.12", "3.12.0", "3.12.*", "3.13", "3.13.0rc1",
    "3.13.0", "3.14", "2.7", "2.7, 3.12", "2.7 3.10 3.12",
    "3.12+local", "4.0", "4.0.0a1", "foo", "", "5.15", "6.1.0", "10", "23", "7.3", "v3.12", " 3.12 ", "3.1",
]  # fmt: skip
OPERATORS = ["==", "!=", ">=", "<=", ">", "<", "~=", "===", "in", "not in"]

BROKEN = [
    "", " ", "()", "python_version", "(python_version)", "python_version >=", ">= '3'", "'3' >= '2'",
    "python_version >= python_full_version", "os_name == posix",
    "python_version >= 3", "os_name == 'posix\"", "os_name = 'posix'", "os_name 'posix'", "os_name == 'posix' and",
    "and os_name == 'posix'",
    "os_name == 'posix' & os_name == 'nt'", "os_name == 'a' or or os_name == 'b'", "(os_name == 'posix'",
    "os_name == 'posix')", "((os_name == 'posix')",
    "not os_name == 'posix'", "not (os_name == 'posix')", "os_name notin 'posix'", "os_name not 'posix'",
    "os_name is 'posix'", "os_name == 'posix',", "os_name == 'posix';",
    "unknown_name == 'x'", "Os_Name == 'posix'", "python.version == '3'", "os_name == 'posix' AND os_name == 'nt'",
    "os_name == 'posix'and os_name == 'posix'",
    "os_name == 'posix'and(os_name == 'posix')", "os_name=='posix'or'nt'==os_name", "'a'in os_name",
    "'x' notin os_name", "'x'not in os_name", "'linux'in sys_platform",
    "os_name == 'posix' or os_name", "os_name ==== 'x'", "os_name <> 'posix'", "os_name == \"it's\"",
    "os_name == '\"'", "\tos_name\t==\t'posix'\t", "os_name\n== 'posix'",
    "os_name == 'posix' # comment", "os_name==''", "(((((os_name == 'posix')))))", "( os_name == 'posix' )",
    "extra == test", "extras == 'x'", "'x' in extras", "'x' in extra",
    "'x' in dependency_groups", "dependency_groups == 'x'", "os_name not  in 'posix'", "os_name not\tin 'posix nt'",
    "os_name notin('x')", "os_name\u00a0== 'posix'",
    "os_name == 'p\u00f6six'", "python_version >= '3.8' 'x'", "python_version == '3.12' or (os_name == 'nt' and",
    "os_name == 'a\\b'", "python_version<'3'==True",
    "platform_release === ''", "'' === platform_release", "' 3.12 ' === python_version", "python_version === ' 3.12 '",
    "python_full_version === '3.13.0RC1'", "python_version === '3.12.0'", "python_version === '3 12'",
]  # fmt: skip

DRAWN_PLAIN, DRAWN_NESTED, DRAWN_LOCK = 420, 260, 120


def quoted(text):
    return f'"{text}"' if "'" in text or len(text) % 2 else f"'{text}'"


def comparison(chance, lock=False):
    if lock and chance.random() < 0.6:
        value = quoted(chance.choice(["test", "Test", "dev_tools", "docs", "type-check", "other"]))
        operator = chance.choice(["in", "in", "in", "not in", "=="])
        return f"{value} {operator} {chance.choice(['extras', 'dependency_groups'])}"
    if chance.random() < 0.5:
        variable, value = chance.choice(VERSIONED), chance.choice(VERSIONS)
    else:
        variable = chance.choice(list(WORDS))
        value = chance.choice(WORDS[variable])
    operator = chance.choice(OPERATORS) if chance.random() < 0.7 else chance.choice(["==", "!=", ">=", "<"])
    sides = [variable, quoted(value)]
    if chance.random() < 0.25:
        sides.reverse()
    space = chance.choice(["", " ", " ", " ", "  ", "\t"]) if operator not in ("in", "not in") else " "
    return space.join([sides[0], operator, sides[1]])


def nested(chance, depth, lock=False):
    if depth == 0 or chance.random() < 0.25:
        return comparison(chance, lock)
    parts = [nested(chance, depth - 1, lock) for _ in range(chance.choice([2, 2, 3]))]
    joined = parts[0]
    for part in parts[1:]:
        joined += chance.choice([" and ", " or "]) + part
    return f"({joined})" if chance.random() < 0.6 else joined


def result(marker, environment, context):
    """`1` where it holds, `0` where not, `u` where packaging says that the comparison is not defined."""
    try:
        return "1" if marker.evaluate(environment, context=context) else "0"
    except UndefinedComparison:
        return "u"
    except KeyError:
        return "k"


def vectors(given):
    chance = given.random("markers")
    plain = [comparison(chance) for _ in range(DRAWN_PLAIN)]
    deep = [nested(chance, chance.choice([1, 2, 3])) for _ in range(DRAWN_NESTED)]
    lock = [nested(chance, chance.choice([0, 0, 1, 2]), lock=True) for _ in range(DRAWN_LOCK)]
    upstream = [text for text in given.texts("test_markers") if set(text) & set("\"'=<>~")]
    # Most of packaging's are every variable with every operator and value, of which a part will do.
    products = [text for text in upstream if is_one_comparison(text)]
    kept = [text for text in upstream if text not in set(products)] + chance.sample(products, 400)
    texts = {text: accepted(Marker, text) for text in dict.fromkeys([*kept, *plain, *deep, *BROKEN])}
    alike = [text for text, marker in texts.items() if marker is not None and has_sides_alike(marker._markers)]
    environments = [ENVIRONMENTS[index] | {"extra": extra} for index, extra in CONTEXTS]
    lock_environments = [
        ENVIRONMENTS[index] | {"extras": set(extras), "dependency_groups": set(groups)}
        for index, extras, groups in LOCK_CONTEXTS
    ]
    lock_texts = {text: accepted(Marker, text) for text in dict.fromkeys([*lock, *BROKEN])}
    return {
        "about": "each marker with a digit for every context: 1 holds, 0 does not, u is undefined to packaging, k asks "
        "about a variable that the context lacks; a context is the index of an environment with an extra, or "
        "with the extras and dependency groups of a lock file; sides_alike: a comparison without a variable, or "
        "with two, which packaging reads without a meaning for it",
        "environments": ENVIRONMENTS,
        "contexts": [list(context) for context in CONTEXTS],
        "lock_contexts": [list(context) for context in LOCK_CONTEXTS],
        "metadata": rows(texts, alike, environments, "metadata"),
        "lock": rows(lock_texts, alike, lock_environments, "lock_file"),
        "invalid": [text for text, marker in texts.items() if marker is None],
        "sides_alike": alike,
    }


def rows(texts, left_out, environments, context):
    return [
        [text, "".join(result(marker, environment, context) for environment in environments)]
        for text, marker in texts.items()
        if marker is not None and text not in left_out
    ]


def has_sides_alike(node):
    """Whether any comparison has two variables or two quoted texts."""
    if isinstance(node, list):
        return any(has_sides_alike(part) for part in node)
    return isinstance(node, tuple) and type(node[0]) is type(node[2])


def is_one_comparison(text):
    """Whether a text is one of the tests' products: a variable, an operator, a quoted value, or the reverse."""
    return " and " not in text and " or " not in text and accepted(Marker, text) is not None
