"""Requirements: which texts are some, and what they consist of."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from inputs import accepted
from specifiers import within_limits

NAMES = ["torch", "Torch", "a", "A1", "zope.interface", "ruamel_yaml", "foo--bar", "foo-._bar", "1password", "x" * 20]
BAD_NAMES = ["-torch", "torch-", "_x", "x_", ".x", "x.", "t\u00f6rch", "a b", "", "a/b", "a!b", "\u0442orch"]
EXTRAS = ["", "", "", "[]", "[a]", "[a,b]", "[ a , B_c ]", " [x.y]", "[b,a,b]", "[ ]"]
BAD_EXTRAS = ["[", "]", "[a", "[a b]", "[a,]", "[,a]", "[a,,b]", "[-a]", "[a-]", "[[a]]", "[a][b]", "[*]", "[a;b]"]
SPECIFIERS = [
    "", "", ">=1.0", " >= 1.0 ", "(>=1.0)", " ( >=1.0 , <2 ) ", ">=1.0,<2.0,!=1.5.*", "==1.0+cu128", "===weird",
    "~=1.4.5", ">=1,", "()", "( )",
    "==1.*", ">=2024.1.1rc1", "!=1.0.post1", "<1!2", "== v1.0", "(===weird)", "=== weird",
]  # fmt: skip
BAD_SPECIFIERS = [
    "1.0", "=1.0", ">=", ">=1.0.*", "~=1", "==1.0 1.1", ">=1.0 <2.0", "(>=1.0", ">=1.0)", "(>=1.0))", ",>=1",
    ">=1,,<2", "==*", "=>1", ">=1.0+cpu",
    "@", "@ ", ">=1.0 @ file", "(", ")", "<>1", "^1.0", "~1.0", ">=1.0;", "==1.0.*+x", "[>=1.0]", ">=1;0", "!", "=",
    "==",
]  # fmt: skip
URLS = [
    " @ https://host.example/a.whl", "@https://host.example/a.whl", " @ file:///srv/a.whl",
    " @ git+https://host.example/a.git@v1.0#subdirectory=b",
    " @ https://host.example/a.whl#sha256=00", " @ ./a.whl",
    " @ https://user:secret@host.example/a%20b.zip?x=1;y=2", "\t@\thttps://host.example/a.zip",
]  # fmt: skip
MARKERS = [
    "", "", "", "; python_version >= '3.8'", ";python_version<'3'", " ; extra == 'Dev_x'",
    "; (os_name == 'nt' or sys_platform == 'linux') and python_version > '3'",
    " ;\tplatform_machine in 'x86_64 aarch64' ", "; 'linux' in sys_platform", "; os_name == \"nt\"",
    "; platform_release >= '5'",
]  # fmt: skip
BAD_MARKERS = [
    ";", " ; ", "; python_version", "; os_name = 'nt'", "; os_name == nt", "; (os_name == 'nt'",
    "; os_name == 'nt' and", ";; os_name == 'nt'", "; foo == 'x'",
    " python_version > '3'", "; os_name == 'nt' extra", "; extra == 'a' or", "# comment", "; 'a' == 'b", "\n",
    "; os_name == 'nt'\n", " --hash=sha256:00", " \\",
]  # fmt: skip

# Requirements as they stand in the metadata of packages for machine learning.
REAL = [
    "filelock", "typing-extensions>=4.10.0", "setuptools; python_version >= \"3.12\"", "sympy>=1.13.3",
    "networkx>=2.5.1", "fsspec>=0.8.5", "numpy<3,>=1.17",
    "nvidia-cuda-nvrtc-cu12==12.8.93; platform_system == \"Linux\"",
    "nvidia-nccl-cu12==2.27.5; platform_system == \"Linux\" and platform_machine == \"x86_64\"",
    "triton==3.5.0; platform_system == \"Linux\" and platform_machine == \"x86_64\"",
    "opt-einsum>=3.3; extra == \"opt-einsum\"", "huggingface-hub<2.0,>=1.3.0",
    "tokenizers<=0.23.0,>=0.22.0", "jax[cuda12-local]==0.8.1; extra == 'cuda12-local'", "jaxlib<=0.8.1,>=0.8.1",
    "tensorboard~=2.20.0", "protobuf!=4.21.0,!=4.21.1,<6.0.0dev,>=3.20.3",
    "scipy!=1.14.0; python_version < '3.13'", "torch (>=2.0,<3)", "pyyaml (>=5.1)", "grpcio<2.0,>=1.24.3",
    "importlib_metadata ; python_version < \"3.10\"",
    "tensorflow-io-gcs-filesystem>=0.23.1; python_version < \"3.12\"", "accelerate>=0.26.0; extra == \"torch\"",
    "ray[serve]>=2.7.0 ; extra == 'all'",
    "numba==0.61.2; python_version > '3.9'",
    "xformers==0.0.33.post1; platform_system == 'Linux' and platform_machine == 'x86_64'",
    "mistral_common[image]>=1.8.5",
    "pyzmq>=25.0.0", "six>=1.16.0; python_version > \"3.11\"",
    "setuptools<81.0.0,>=77.0.3; python_version > \"3.11\"", "outlines_core==0.2.11", "compressed-tensors==0.12.2",
    "opencv-python-headless>=4.11.0", "scikit-learn>=1.0,!=1.4.0",
    "bitsandbytes>=0.43.0; sys_platform == 'linux' or sys_platform == 'win32'", "pandas",
    "pydantic!=2.0.*,!=2.1.*,<3",
    "lightning_utilities[cli]<1.0,>=0.10.0", "apex @ https://host.example/apex-0.1.zip ; extra == \"apex\"",
    "keras==3.10.0", "absl-py>=1.0.0",
]  # fmt: skip

DRAWN_SOUND, DRAWN_BROKEN = 520, 420


def drawn(given):
    chance = given.random("requirements")
    sound = [
        chance.choice(NAMES)
        + chance.choice(EXTRAS)
        + chance.choice(SPECIFIERS if chance.random() < 0.8 else URLS)
        + chance.choice(MARKERS)
        for _ in range(DRAWN_SOUND)
    ]
    broken = []
    for _ in range(DRAWN_BROKEN):
        parts = [chance.choice(part) for part in (NAMES, EXTRAS, SPECIFIERS, MARKERS)]
        at = chance.randrange(4)
        parts[at] = chance.choice([BAD_NAMES, BAD_EXTRAS, BAD_SPECIFIERS, BAD_MARKERS][at])
        broken.append("".join(parts))
    return [*sound, *broken]


def vectors(given):
    texts = dict.fromkeys([*given.texts("test_requirements"), *drawn(given), *REAL])
    read = {text: accepted(Requirement, text) for text in texts}
    return {
        "about": "valid: a requirement, its normal name, its normal extras sorted, then its specifiers or null, its "
        "URL or null, its marker as packaging writes it or null; invalid: no requirements",
        "valid": [
            row(text, found)
            for text, found in read.items()
            if found is not None and within_limits(str(found.specifier))
        ],
        "invalid": [text for text, found in read.items() if found is None],
    }


def row(text, found):
    extras = sorted({canonicalize_name(extra) for extra in found.extras})
    specifiers = None if found.url else str(found.specifier)
    return [
        text,
        canonicalize_name(found.name),
        extras,
        specifiers,
        found.url,
        str(found.marker) if found.marker else None,
    ]
