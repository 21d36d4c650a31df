//! What the packages of one environment must agree on: one CUDA, one provider of an import package, torch's companions.

use insta::assert_snapshot;
use mlresolve_testkit::{PyTorchIndex, Release, Universe};

use crate::torch::{TorchProject, X86, torch_wheel};

/// A PyPI where torch went on to CUDA 13 and TensorFlow did not.
fn pypi() -> Universe {
    let torch = |requires: &'static str| {
        move |release: Release| release.wheel("cp312-cp312-manylinux_2_28_x86_64").requires(requires)
    };
    let dated = |day: &'static str| move |release: Release| release.wheel("py3-none-any").upload_time(day);
    Universe::new()
        .text(
            "
            cuda-toolkit 13.2.2
            cuda-toolkit 12.6.3
            nvidia-cudnn-cu12 9.28
            nvidia-nccl-cu12 2.32
            nvidia-nccl-cu13 2.32
            tensorflow 2.21.0; [and-cuda] nvidia-cudnn-cu12, nvidia-nccl-cu12
            jax-cuda13-plugin 0.12
            jax-cuda12-plugin 0.12
            jax 0.12; [cuda13] jax-cuda13-plugin; [cuda12] jax-cuda12-plugin
            xgboost 3.4.1: nvidia-nccl-cu13
            xgboost 3.3.0: nvidia-nccl-cu12
            opencv-python 5.0.0
            opencv-python-headless 5.0.0
            albumentations 2.0.8: opencv-python-headless>=4.9
            onnxruntime 1.31.1
            onnxruntime-gpu 1.31.1
            chromadb 1.5.9: onnxruntime>=1.14.1
            torchaudio 2.6.0: torch==2.6.0
            torchaudio 2.11.0
            ctranslate2 4.8.5
            faster-whisper 1.2: ctranslate2>=4,<5
            torchtext 0.18.0: torch>=2.3.0
            easyocr 1.7.2: opencv-python-headless
            ultralytics 8.4: opencv-python>=4.7, tracker>=2
            tracker 2
            tracker 1
            ",
        )
        .package("easyocr", "1.4", dated("2021-07-20T00:00:00Z"))
        .package("ultralytics", "0.0.44", |release| {
            release.wheel("py3-none-any").requires("tracker<2").upload_time("2022-11-11T00:00:00Z")
        })
        .package("torchtext", "0.6.0", |release| {
            release.wheel("py3-none-any").requires("torch").upload_time("2020-04-21T00:00:00Z")
        })
        .package("albumentations", "0.4.6", dated("2020-07-09T00:00:00Z"))
        .package("torch", "2.15.0", torch("cuda-toolkit==13.2.2"))
        .package("torch", "2.6.0", torch("nvidia-nccl-cu12"))
}

fn project() -> TorchProject {
    let requires = ["cuda-toolkit==12.6.3", "nvidia-nccl-cu12"];
    let index = PyTorchIndex::new().wheel("cu126", &torch_wheel("2.14.0+cu126", X86), None, &requires).wheel(
        "cu130",
        &torch_wheel("2.14.0+cu130", X86),
        None,
        &["cuda-toolkit==13.2.2"],
    );
    TorchProject::new(pypi(), index)
}

#[test]
fn one_environment_has_one_cuda_major() {
    let torch = project();
    assert_snapshot!(torch.lock("tensorflow[and-cuda] torch jax[cuda13]", "--accelerator cuda"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      - you require jax[cuda13]
      - you require tensorflow[and-cuda]
      - jax[cuda13] 0.12 requires jax-cuda13-plugin
      - tensorflow[and-cuda] 2.21.0 requires nvidia-cudnn-cu12
      - jax-cuda13-plugin is for CUDA 13, as its name says
      - nvidia-cudnn-cu12 is for CUDA 12, as its name says
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
    Any one of these changes is enough:
      - ask for jax[cuda12] instead of jax[cuda13]: gives jax 0.12, tensorflow 2.21.0
      - leave out tensorflow[and-cuda]: gives jax 0.12
      - leave out jax[cuda13]: gives tensorflow 2.21.0
    ");
    assert_snapshot!(torch.lock("tensorflow[and-cuda] torch jax[cuda12]", "--accelerator cuda"), @"
    cuda-toolkit 12.6.3
    jax 0.12
    jax-cuda12-plugin 0.12
    nvidia-cudnn-cu12 9.28
    nvidia-nccl-cu12 2.32
    tensorflow 2.21.0
    torch 2.14.0+cu126
    ");
    assert_snapshot!(torch.lock("torch>=2.11 nvidia-nccl-cu12", "--accelerator cu130"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cu130)
      - you require nvidia-nccl-cu12
      - you require torch>=2.11
      - nvidia-nccl-cu12 is for CUDA 12, as its name says
      - torch is built for CUDA 13.0, as +cu130 says
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
    Any one of these changes is enough:
      - ask for nvidia-nccl-cu13 instead of nvidia-nccl-cu12: gives nvidia-nccl-cu13 2.32, torch 2.14.0+cu130
      - leave out torch>=2.11: gives nvidia-nccl-cu12 2.32
      - leave out nvidia-nccl-cu12: gives torch 2.14.0+cu130
    ");
}

#[test]
fn what_one_cuda_holds_back_is_said() {
    let torch = project();
    torch.project.write("requirements.txt", "torch\nxgboost\nnvidia-cudnn-cu12\n");
    assert_snapshot!(torch.said("lock --accelerator cuda"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 5 packages, 3.1 kB and 1 of unknown size to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: neither driver nor GPU is declared, so nothing is ruled out
      held     torch 2.15.0 is held back to 2.14.0+cu126: nvidia-cudnn-cu12 is for CUDA 12, as its name says, and cuda-toolkit 13.2.2 is for CUDA 13, as its version says
      held     xgboost 3.4.1 is held back to 3.3.0: nvidia-nccl-cu12 provides nvidia.nccl, and nvidia-nccl-cu13 provides nvidia.nccl
      largest  nvidia-cudnn-cu12 9.28 784 B, nvidia-nccl-cu12 2.32 776 B, cuda-toolkit 12.6.3 763 B, xgboost 3.3.0 747 B
    ");
}

#[test]
fn an_import_package_has_one_provider_and_no_antique_dodges_that() {
    let torch = project();
    assert_snapshot!(torch.lock("opencv-python albumentations", ""), @r#"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - albumentations 2.0.8 does not go with the rest, and what does, 0.4.6, of 2020-07-09, is too old to be taken in silence
      - you require albumentations
      - you require opencv-python
      - albumentations 2.0.8 requires opencv-python-headless>=4.9
      - opencv-python provides cv2
      - opencv-python-headless provides cv2
      - only one package may provide cv2: they write the same files, and the last one wins
    Any one of these changes is enough:
      - leave out opencv-python: gives albumentations 2.0.8
    Hint: one of them can stand for the others: under [tool.mlresolve.providers], say cv2 = "opencv-python" or cv2 = "opencv-python-headless"
    Hint: --allow-held-back albumentations takes albumentations 0.4.6
    "#);
    assert_snapshot!(torch.lock("opencv-python albumentations", "--allow-held-back albumentations"), @"
    albumentations 0.4.6
    opencv-python 5.0.0
    ");
    assert_snapshot!(torch.lock("onnxruntime-gpu chromadb", ""), @r#"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - you require chromadb
      - you require onnxruntime-gpu
      - chromadb 1.5.9 requires onnxruntime>=1.14.1
      - onnxruntime-gpu provides onnxruntime
      - onnxruntime provides onnxruntime
      - only one package may provide onnxruntime: they write the same files, and the last one wins
    Any one of these changes is enough:
      - leave out onnxruntime-gpu: gives chromadb 1.5.9
      - leave out chromadb: gives onnxruntime-gpu 1.31.1
    Hint: one of them can stand for the others: under [tool.mlresolve.providers], say onnxruntime = "onnxruntime-gpu"
    "#);
    torch.project.write(
        "mlresolve.toml",
        "providers.onnxruntime = 'onnxruntime-gpu'\nproviders.cv2 = 'opencv-python-headless'\n",
    );
    assert_snapshot!(torch.lock("onnxruntime-gpu chromadb opencv-python albumentations", ""), @"
    albumentations 2.0.8
    chromadb 1.5.9
    onnxruntime-gpu 1.31.1
    opencv-python-headless 5.0.0
    ");
    assert!(torch.project.read("pylock.toml").contains("warnings = ["));
    assert_snapshot!(torch.said("lock"), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    warning: opencv-python-headless stands for opencv-python, which you require, as providers say
    warning: onnxruntime-gpu stands for onnxruntime, which chromadb 1.5.9 requires: `pip check` will say that onnxruntime is missing
    wrote pylock.toml: 4 packages, 3.2 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  opencv-python-headless 5.0.0 833 B, albumentations 2.0.8 813 B, onnxruntime-gpu 1.31.1 786 B, chromadb 1.5.9 759 B
      no package changed since the last lock
    ");
    torch.project.write("mlresolve.toml", "providers.cv2 = 'numpy'\n");
    assert_snapshot!(torch.lock("opencv-python", ""), @"
    exit code 2
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: providers, cv2: numpy does not provide it; choose one of opencv-contrib-python, opencv-contrib-python-headless, opencv-python, opencv-python-headless
    ");
}

#[test]
fn companions_of_torch_are_those_that_were_built_for_it() {
    let torch = project();
    assert_snapshot!(torch.lock("torch==2.6.0 torchaudio", "--accelerator cuda"), @"
    nvidia-nccl-cu12 2.32
    torch 2.6.0
    torchaudio 2.6.0
    ");
    assert_snapshot!(torch.lock("torch==2.6.0 torchaudio==2.11.0", "--accelerator cuda"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      - you require torch==2.6.0
      - you require torchaudio==2.11.0
      - torchaudio 2.11.0 requires torch>=2.11 [pytorch/audio#4212; JuergenFleiss/atrain_core#47, read 2026-11-22]
    Any one of these changes is enough:
      - relax torch==2.6.0: gives torch 2.15.0, torchaudio 2.11.0
      - relax torchaudio==2.11.0: gives torchaudio 2.6.0, torch 2.6.0
    Hint: if torchaudio goes with another torch, say what it requires under [tool.mlresolve.metadata.torchaudio]
    ");
}

#[test]
fn a_version_that_is_old_for_the_sake_of_others_is_not_taken_in_silence_either() {
    let torch = project();
    // Each of the two can be had, and each at the cost of the other.
    assert_snapshot!(torch.lock("easyocr ultralytics", ""), @r#"
    exit code 1
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28)
      - ultralytics 8.4 does not go with the rest, and what does, 0.0.44, of 2022-11-11, is too old to be taken in silence
      - you require easyocr
      - you require ultralytics
      - easyocr 1.7.2 requires opencv-python-headless
      - ultralytics 8.4 requires opencv-python>=4.7
      - opencv-python-headless provides cv2
      - opencv-python provides cv2
      - only one package may provide cv2: they write the same files, and the last one wins
    Any one of these changes is enough:
      - ask for ultralytics>=8.4: gives ultralytics 8.4, easyocr 1.4 (of 2021-07-20)
    Hint: one of them can stand for the others: under [tool.mlresolve.providers], say cv2 = "opencv-python" or cv2 = "opencv-python-headless"
    Hint: --allow-held-back ultralytics takes ultralytics 0.0.44
    "#);
    // The tracker is old because ultralytics is, which was allowed.
    assert_snapshot!(torch.lock("easyocr ultralytics", "--allow-held-back ultralytics"), @"
    easyocr 1.7.2
    opencv-python-headless 5.0.0
    tracker 1
    ultralytics 0.0.44
    ");
    // An old companion that nothing is known of is no way around the torch that the new one was built for.
    assert_snapshot!(torch.lock("torch torchtext", "--accelerator cuda"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      - torchtext 0.18.0 does not go with the rest, and what does, 0.6.0, of 2020-04-21, is too old to be taken in silence
      - you require torchtext
      - torchtext 0.18.0 requires torch>=2.3.0
      - torchtext 0.18.0 requires torch==2.3.* [pytorch/text#2272, read 2026-11-22]
      - there is no torch>=2.3.0,<2.4; the newest is 2.15.0
    Hint: if torchtext goes with another torch, say what it requires under [tool.mlresolve.metadata.torchtext]
    Hint: --allow-held-back torchtext takes torchtext 0.6.0
    ");
}

#[test]
fn of_a_companion_that_belongs_to_its_torch_the_age_is_that_of_the_torch() {
    let torch = project();
    torch.project.write("requirements.txt", "torch==2.6.0\ntorchaudio\n");
    assert_snapshot!(torch.said("lock --accelerator cuda"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 3 packages, 2.3 kB to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda)
      variant  PyPI's own build of torch 2.6.0, for CUDA 12.4: neither driver nor GPU is declared, so nothing is ruled out
      held     torchaudio 2.11.0 is held back to 2.6.0: it goes with torch>=2.11
      largest  nvidia-nccl-cu12 2.32 776 B, torchaudio 2.6.0 756 B, torch 2.6.0 751 B
    ");
}

#[test]
fn a_package_that_does_without_its_cuda_goes_with_any() {
    let torch = project();
    assert_snapshot!(torch.lock("faster-whisper torch", "--accelerator cuda"), @"
    ctranslate2 4.8.5
    cuda-toolkit 12.6.3
    faster-whisper 1.2
    nvidia-nccl-cu12 2.32
    torch 2.14.0+cu126
    ");
    assert_snapshot!(torch.lock("faster-whisper torch", "--accelerator cu130"), @"
    exit code 1
    --- stderr
    error: there is no solution for default (Python 3.12, linux-x86_64, glibc 2.28, cu130)
      - you require faster-whisper
      - you require torch
      - faster-whisper 1.2 requires ctranslate2>=4,<5
      - torch is built for CUDA 13.0, as +cu130 says
      - ctranslate2 is built for CUDA 12 since 4 [OpenNMT/CTranslate2#1630; SYSTRAN/faster-whisper#1431; PyPI, library of ctranslate2 4.8.5, which loads libcublas.so.12, read 2026-11-22]
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
    Any one of these changes is enough:
      - leave out faster-whisper: gives torch 2.14.0+cu130
      - leave out torch: gives faster-whisper 1.2
    Hint: where ctranslate2 needs no GPU, it goes with any CUDA: --any-cuda ctranslate2
    ");
    assert_snapshot!(torch.lock("faster-whisper torch", "--accelerator cuda --any-cuda ctranslate2"), @"
    ctranslate2 4.8.5
    cuda-toolkit 13.2.2
    faster-whisper 1.2
    torch 2.15.0
    ");
    torch.project.write("mlresolve.toml", "any-cuda = ['ctranslate2']\n");
    assert_snapshot!(torch.lock("faster-whisper torch", "--accelerator cu130"), @"
    ctranslate2 4.8.5
    cuda-toolkit 13.2.2
    faster-whisper 1.2
    torch 2.14.0+cu130
    ");
    assert!(torch.project.read("pylock.toml").contains("any-cuda = [\"ctranslate2\"]"));
}

#[test]
fn what_both_the_machine_and_another_package_hold_back_is_said_of_the_machine() {
    let torch = project();
    torch.project.write("requirements.txt", "torch\nnvidia-cudnn-cu12\n");
    assert_snapshot!(torch.said("lock --accelerator cuda --driver 550.54"), @"
    exit code 0
    --- stderr
    wrote pylock.toml: 4 packages, 2.3 kB and 1 of unknown size to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28, cuda, driver 550.54)
      variant  cu126 of torch 2.14.0, for CUDA 12.6: it runs on driver 550.54, by minor-version compatibility: CUDA 12.6 came with 560.28.03 [NVIDIA CUDA Toolkit Release Notes, table 3, read 2026-11-21]
      held     torch 2.15.0 is held back to 2.14.0+cu126: it is built for CUDA 13.2, which needs driver 580 or newer, and the target has 550.54, which runs CUDA 12.x [NVIDIA CUDA Compatibility, minor-version compatibility; NVIDIA CUDA Toolkit, Driver, and Architecture Matrix, read 2026-11-22]
      largest  nvidia-cudnn-cu12 9.28 784 B, nvidia-nccl-cu12 2.32 776 B, cuda-toolkit 12.6.3 763 B
    ");
}

#[test]
fn a_provider_that_stands_for_what_the_user_requires_is_said() {
    let torch = project();
    torch.project.write("mlresolve.toml", "providers.cv2 = 'opencv-python-headless'\n");
    torch.project.write("requirements.txt", "opencv-python\n");
    assert_snapshot!(torch.said("lock"), @"
    exit code 0
    --- stderr
    no target is declared; a common one is assumed (see --help, Target)
    warning: opencv-python-headless stands for opencv-python, which you require, as providers say
    wrote pylock.toml: 1 packages, 833 B to download, [TIME] s
      target   default (Python 3.12, linux-x86_64, glibc 2.28)
      largest  opencv-python-headless 5.0.0 833 B
    ");
}
