//! What the packages of one target must agree on.

use insta::assert_snapshot;

use super::memory::Registry;

const CUDA: &str = "
    torch 2.15.0: cuda-toolkit==13.2
    torch 2.10.0: cuda-toolkit==12.8
    cuda-toolkit 13.2 | claims cuda 13
    cuda-toolkit 12.8 | claims cuda 12
    tensorflow 2.21: nvidia-cudnn-cu12
    nvidia-cudnn-cu12 9.28 | claims cuda 12 always
    nvidia-cudnn-cu12 9.27 | claims cuda 12 always
    jax 0.12: plugin-cu13
    plugin-cu13 1.0 | claims cuda 13 always";

#[test]
fn one_target_has_one_cuda_major() {
    let registry = Registry::read(CUDA);
    assert_snapshot!(registry.chosen(&["torch"]), @"cuda-toolkit 13.2, torch 2.15.0");
    assert_snapshot!(registry.chosen(&["torch", "tensorflow"]), @"cuda-toolkit 12.8, nvidia-cudnn-cu12 9.28, tensorflow 2.21, torch 2.10.0");
    assert_snapshot!(registry.chosen(&["torch", "jax"]), @"cuda-toolkit 13.2, jax 0.12, plugin-cu13 1.0, torch 2.15.0");
    assert_snapshot!(registry.chosen(&["torch", "jax", "tensorflow"]), @"
      - you require jax
      - you require tensorflow
      - jax 0.12 requires plugin-cu13
      - tensorflow 2.21 requires nvidia-cudnn-cu12
      - plugin-cu13 is for 13
      - nvidia-cudnn-cu12 is for 12
      - one environment has one CUDA major: the libraries of two overwrite or miss each other
    Any one of these changes is enough:
      - leave out jax: gives tensorflow 2.21
      - leave out tensorflow: gives jax 0.12
    ");
}

#[test]
fn a_choice_that_contradicts_is_walked_back_and_counted() {
    let registry = Registry::read(CUDA);
    let resolution = registry.solve(&["torch", "tensorflow"]).unwrap();
    assert!(resolution.statistics.contested);
    assert!(!registry.solve(&["torch", "jax"]).unwrap().statistics.contested);
}

#[test]
fn an_import_package_has_one_provider() {
    let registry = Registry::read(
        "
        opencv-python 5.0 | claims import:cv2 opencv-python always
        opencv-python 4.0 | claims import:cv2 opencv-python always
        opencv-python-headless 5.0 | claims import:cv2 opencv-python-headless always
        albumentations 2.0: opencv-python-headless>=4
        albumentations 0.1",
    );
    assert_snapshot!(registry.chosen(&["opencv-python", "albumentations>=2"]), @"
      - you require albumentations>=2
      - you require opencv-python
      - albumentations 2.0 requires opencv-python-headless>=4
      - opencv-python is for opencv-python
      - opencv-python-headless is for opencv-python-headless
      - only one package may provide cv2: they write the same files, and the last one wins
    Any one of these changes is enough:
      - leave out opencv-python: gives albumentations 2.0
      - relax albumentations>=2: gives albumentations 0.1, opencv-python 5.0
    ");
    // That an old version stands in is for the caller to see.
    assert_snapshot!(registry.chosen(&["opencv-python", "albumentations"]), @"albumentations 0.1, opencv-python 5.0");
}
