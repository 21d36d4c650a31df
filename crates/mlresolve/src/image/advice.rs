//! What is odd about an image as a whole, and what would make it smaller.

use std::collections::{BTreeMap, HashMap};

use mlresolve_layers::listing::EntryKind;
use mlresolve_packaging::PackageName;
use mlresolve_target::{Accelerator, cuda_major::cuda_major};

use super::base::Base;
use super::config::{DEFAULT_PATH, variable};
use super::contents::Contents;
use super::make::Made;

/// The compilers that Triton looks for (triton/runtime/build.py, read 2026-11-22: `CC`, then clang or gcc on the path).
const COMPILERS: [&str; 3] = ["gcc", "clang", "cc"];

/// From how many bytes on a library of CUDA in a base is worth a word.
const LARGE_LIBRARY: u64 = 10_000_000;

/// Warnings about an image, in sentences.
pub(crate) fn warnings(base: &Base, contents: &Contents) -> Vec<String> {
    [without_compiler(base, contents), cuda_twice(base, contents), cuda_without_gpu(contents)]
        .into_iter()
        .flatten()
        .collect()
}

/// Packages that write the same files with other contents: of these, one wins. A lock of our own was held to this when it was
/// made; that of another tool was not.
pub(crate) fn overwritten(made: &[Made]) -> Vec<String> {
    let mut writers: HashMap<&str, (&str, u64, u32)> = HashMap::new();
    let mut clashes: BTreeMap<(&str, &str), (usize, &str)> = BTreeMap::new();
    for package in made.iter().flat_map(|made| &made.layer.packages) {
        for file in &package.files {
            let this = (package.name.as_str(), file.size, file.crc32);
            let Some((other, size, crc32)) = writers.insert(&file.path, this) else { continue };
            if (size, crc32) != (file.size, file.crc32) {
                let clash = clashes.entry((other, &package.name)).or_insert((0, &file.path));
                clash.0 += 1;
            }
        }
    }
    let said = |((first, second), (count, path)): ((&str, &str), (usize, &str))| {
        let files = if count == 1 { "a file".to_owned() } else { format!("{count} files") };
        format!(
            "{second} overwrites {files} of {first} with others, such as /{path}; leave one of the two out"
        )
    };
    clashes.into_iter().map(said).collect()
}

/// Triton compiles what it runs with a C compiler of the machine.
fn without_compiler(base: &Base, contents: &Contents) -> Option<String> {
    let triton = contents.packages.iter().find(|package| {
        matches!(
            package.name.as_str(),
            "triton" | "pytorch-triton" | "pytorch-triton-rocm" | "pytorch-triton-xpu" | "triton-rocm"
        )
    })?;
    let path = variable(&base.image.config, "PATH").unwrap_or(DEFAULT_PATH);
    let has = |name: &str| {
        path.split(':').any(|folder| matches!(base.files.resolve(&format!("{folder}/{name}")), Ok(Some(_))))
    };
    if COMPILERS.iter().any(|name| has(name)) {
        return None;
    }
    Some(format!(
        "the base has no C compiler, with which {} builds what it launches: torch.compile and Triton's own kernels will fail; \
         take a base with gcc if they are used",
        triton.name
    ))
}

/// The bytes of the libraries of CUDA that a base has, and where the first is.
fn cuda_of_base(base: &Base) -> Option<(u64, String)> {
    let names = [
        "libcublas",
        "libcudnn",
        "libcufft",
        "libcusolver",
        "libcusparse",
        "libnccl",
        "libcudart",
        "libnvrtc",
    ];
    let libraries = base.files.iter().filter_map(|(path, entry)| {
        let EntryKind::File { size, .. } = entry.kind else { return None };
        let name = path.rsplit('/').next()?;
        let is_cuda = names.iter().any(|prefix| name.starts_with(prefix)) && name.contains(".so");
        is_cuda.then_some((path.clone(), size))
    });
    let libraries: Vec<(String, u64)> = libraries.collect();
    let bytes: u64 = libraries.iter().map(|(_, size)| size).sum();
    let (path, _) = libraries.into_iter().max_by_key(|(_, size)| *size)?;
    (bytes >= LARGE_LIBRARY).then_some((bytes, path))
}

fn cuda_twice(base: &Base, contents: &Contents) -> Option<String> {
    let bytes = nvidia_bytes(contents);
    let (of_base, path) = cuda_of_base(base).filter(|_| bytes > 0)?;
    Some(format!(
        "the base brings CUDA libraries of {} (such as /{path}), and the lock has its own of {}: they are in the image twice, and \
         the lock's are used; take a base without CUDA",
        megabytes(of_base),
        megabytes(bytes)
    ))
}

/// The bytes of the lock's packages of CUDA libraries, as they are downloaded.
pub(crate) fn nvidia_bytes(contents: &Contents) -> u64 {
    let is_nvidia = |name: &PackageName| name.as_str().starts_with("nvidia-");
    let packages = contents.packages.iter().filter(|package| is_nvidia(&package.name));
    packages.filter_map(|package| package.wheel.as_ref()?.size).sum()
}

fn cuda_without_gpu(contents: &Contents) -> Option<String> {
    let has_gpu = matches!(
        contents.target.accelerator().or_else(|| contents.target.inferred_accelerator()),
        Some(Accelerator::Cuda(_))
    );
    let bytes = nvidia_bytes(contents);
    let claims = contents.packages.iter().any(|package| {
        package.version.as_ref().is_some_and(|version| cuda_major(&package.name, version).is_some())
    });
    if has_gpu || !claims || bytes < LARGE_LIBRARY {
        return None;
    }
    Some(format!(
        "the lock has builds for CUDA, {} of them libraries, and its target names no GPU; if it has none, `mlresolve lock \
         --accelerator cpu` takes the builds without",
        megabytes(bytes)
    ))
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", (bytes + 500_000) / 1_000_000)
}

/// What could make an image smaller, in sentences.
pub(crate) fn savings(contents: &Contents) -> Vec<String> {
    let mut savings: Vec<String> = cuda_without_gpu(contents).into_iter().collect();
    let has = |name: &str| contents.packages.iter().any(|package| package.name.as_str() == name);
    for name in ["opencv-python", "opencv-contrib-python"].into_iter().filter(|name| has(name)) {
        savings.push(format!(
            "{name} opens windows and needs the libraries of a desktop in the base; {name}-headless does not"
        ));
    }
    let of_major = |major: &str| {
        let names = contents.packages.iter().filter(|package| package.name.as_str().starts_with("nvidia-"));
        let named = names.filter(|package| package.name.as_str().ends_with(major));
        named.filter_map(|package| package.wheel.as_ref()?.size).sum::<u64>()
    };
    let (twelve, thirteen) = (of_major("-cu12"), of_major("-cu13"));
    if twelve > 0 && thirteen > 0 {
        savings.push(format!(
            "libraries for CUDA 12 ({}) and for CUDA 13 ({}) are both in it; with one CUDA for all packages one of them goes",
            megabytes(twelve),
            megabytes(thirteen)
        ));
    }
    savings
}
