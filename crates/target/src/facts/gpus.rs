use std::sync::LazyLock;

use super::table::{self, Fact, Source};
use crate::{Capability, GpuKind};

/// The table, one GPU a row.
pub(crate) const TABLE: &str = include_str!("../../facts/gpus.tsv");

static GPUS: LazyLock<Vec<KnownGpu>> = LazyLock::new(|| table::known(TABLE));

/// A GPU that is known by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGpu {
    /// Its name as its maker writes it, without the maker's.
    pub name: &'static str,
    /// What it is to a compiler.
    pub kind: GpuKind,
    /// Where this was read.
    pub source: Source,
    key: String,
}

impl Fact for KnownGpu {
    const COLUMNS: &'static [&'static str] = &["name", "kind"];
    type Key = String;

    fn read(cells: &[&'static str], source: Source) -> Option<Self> {
        let name = cells[0];
        let kind = match cells[1] {
            "intel" => GpuKind::Intel,
            gfx if gfx.starts_with("gfx") => GpuKind::Amd(gfx.to_owned()),
            capability => GpuKind::Nvidia(Capability::parse(capability)?),
        };
        Some(Self { name, kind, source, key: key_of(name) }).filter(|gpu| !gpu.key.is_empty())
    }

    fn key(&self) -> String {
        self.key.clone()
    }
}

/// Every GPU of the table.
pub fn gpus() -> &'static [KnownGpu] {
    &GPUS
}

/// The GPU that a name stands for, in the words of a user or of `nvidia-smi`.
pub fn gpu(name: &str) -> Option<&'static KnownGpu> {
    let key = key_of(name);
    // The parts of a name that people leave out, so that `4090` and `W7900` are found too.
    let prefixes = ["", "rtx", "gtx", "radeon", "radeonrx", "radeonpro", "jetson", "arc"];
    prefixes.iter().find_map(|prefix| {
        let key = format!("{prefix}{key}");
        let at = GPUS.binary_search_by(|known| known.key.as_str().cmp(&key)).ok()?;
        GPUS.get(at)
    })
}

/// Names of the table that an unknown one may have been meant to be, nearest first, at most four.
pub(crate) fn near(name: &str) -> Vec<&'static str> {
    let key = key_of(name);
    let mut found: Vec<(usize, &str)> = GPUS
        .iter()
        .filter_map(|known| {
            let one_in_other = known.key.contains(&key) || key.contains(&known.key);
            let is_part = one_in_other && key.len().min(known.key.len()) >= 3;
            let distance = if is_part { 1 } else { distance(&key, &known.key) };
            (distance <= 2 && distance * 2 < key.len()).then_some((distance, known.name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(4).collect()
}

/// Words of a name that do not tell what the GPU is: makers, form factors, the occasion it was sold for.
const NOISE: &[&str] = &[
    "ac",
    "accelerator",
    "active",
    "amd",
    "corporation",
    "design",
    "dgxs",
    "edition",
    "fhhl",
    "geforce",
    "generation",
    "gpu",
    "graphics",
    "grid",
    "instinct",
    "intel",
    "laptop",
    "maxq",
    "mobile",
    "nvgpu",
    "nvidia",
    "nvl",
    "oam",
    "pcie",
    "r",
    "server",
    "tesla",
    "tm",
    "with",
    "workstation",
];

/// What of a name is compared: its letters and digits without case, [`NOISE`], sizes of memory, and the part of the
/// GPU that a virtual machine was given.
fn key_of(name: &str) -> String {
    let name = name.to_lowercase().replace("max-q", "");
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).take_while(|word| *word != "mig");
    let mut key = String::new();
    for word in words {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let unit = &word[digits..];
        let is_memory = digits > 0 && matches!(unit, "g" | "gb" | "gib") || word.starts_with("hbm");
        let is_form = word.strip_prefix("sxm").is_some_and(|rest| rest.len() < 2);
        // NVIDIA's virtual GPUs end in memory and licence: `A10-24Q`.
        let is_profile = !key.is_empty() && (1..3).contains(&digits) && matches!(unit, "a" | "b" | "c" | "q");
        if !is_memory && !is_form && !is_profile && !NOISE.contains(&word) {
            key.push_str(word);
        }
    }
    key
}

/// The number of letters to change, add or leave out between two short texts (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, other) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[to + 1];
            row[to + 1] = changed.min(row[to] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
