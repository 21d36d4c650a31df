//! A real stack, from a recording of what the index said.

use insta::assert_snapshot;

use crate::support::{Project, locked_packages};

/// The install line of `transformers` with its companions.
pub(crate) const TRANSFORMERS: &str = "transformers[torch,vision,audio]\ndatasets\nevaluate\npeft\ntrl\n";
/// The target that the recording was made for.
pub(crate) const TARGET: &str = "--python-version 3.12 --platform linux-x86_64 --glibc 2.35";

#[test]
fn transformers_with_torch_is_what_other_resolvers_choose() {
    let project = Project::replaying("transformers-torch");
    project.write("requirements.txt", TRANSFORMERS).run(&format!("lock {TARGET}")).success();
    // The same 89 versions as `uv pip compile --only-binary :all:` gave on this recording.
    assert_snapshot!(locked_packages(&project.read("pylock.toml")).join("\n"), @"
    accelerate 1.15.0
    aiohappyeyeballs 2.7.1
    aiohttp 3.14.5
    aiosignal 1.4.0
    annotated-doc 0.0.6
    annotated-types 0.8.0
    anyio 4.16.0
    attrs 26.1.0
    certifi 2026.10.18
    cffi 2.1.1
    charset-normalizer 3.5.2
    click 8.5.1
    cuda-bindings 13.5.0
    cuda-pathfinder 1.9.0
    cuda-toolkit 13.2.2
    datasets 5.2.0
    dill 0.4.1
    evaluate 0.4.6
    filelock 4.2.10
    frozenlist 1.8.0
    fsspec 2026.9.0
    h11 0.16.0
    hf-xet 1.8.0
    httpcore2 2.16.0
    httpx2 2.16.0
    huggingface-hub 2.4.0
    idna 3.20
    jinja2 3.1.6
    markdown-it-py 4.3.0
    markupsafe 3.0.4
    mdurl 0.1.2
    mpmath 1.3.0
    multidict 7.2.1
    multiprocess 0.70.19
    networkx 3.7
    numpy 2.5.4
    nvidia-cublas 13.4.1.3
    nvidia-cuda-cccl 13.3.5.0.6
    nvidia-cuda-cupti 13.2.86
    nvidia-cuda-nvrtc 13.2.86
    nvidia-cuda-runtime 13.2.86
    nvidia-cudnn-cu13 9.26.0.51
    nvidia-cufft 12.2.0.57
    nvidia-cufile 1.17.1.22
    nvidia-cusolver 12.2.0.11
    nvidia-cusparse 12.7.10.12
    nvidia-cusparselt-cu13 0.8.1
    nvidia-nccl-cu13 2.30.7
    nvidia-nvjitlink 13.5.37
    nvidia-nvshmem-cu13 3.7.2
    nvidia-nvtx 13.2.86
    packaging 26.3
    pandas 3.1.1
    peft 0.21.2
    pillow 13.0.0
    propcache 0.5.4
    psutil 7.2.2
    pyarrow 26.0.1
    pycparser 3.12
    pydantic 2.14.3
    pydantic-core 2.50.4
    pygments 2.21.0
    python-dateutil 4.0.0
    pyyaml 6.0.3
    regex 2026.11.9
    requests 2.34.2
    rich 15.0.0
    safetensors 0.8.0
    setuptools 84.2.1
    shellingham 1.5.4
    soundfile 0.14.0
    soxr 1.1.0
    sympy 1.14.0
    tokenizers 0.23.3
    torch 2.15.0
    torchaudio 2.11.0
    torchvision 0.29.2
    tqdm 4.70.1
    transformers 5.23.0
    triton 3.9.0
    trl 1.16.0
    truststore 0.10.5
    typer 0.29.1
    typing-extensions 4.16.0
    typing-inspection 0.4.5
    tzdata 2026.6
    urllib3 2.8.0
    xxhash 4.1.0
    yarl 1.25.1
    ");
}
