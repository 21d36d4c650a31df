use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::platform::text_conversions;
use crate::{Capability, TargetError, facts};

/// A GPU of a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gpu {
    /// As it was declared: a capability, a `gfx` name, or the name of a product.
    pub name: String,
    /// What it is to a compiler.
    pub kind: GpuKind,
}

/// What a GPU is to a compiler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GpuKind {
    /// NVIDIA's, by its compute capability.
    Nvidia(Capability),
    /// AMD's, by the name of its instruction set, such as `gfx942`.
    Amd(String),
    /// Intel's; builds do not tell them apart.
    Intel,
}

impl Gpu {
    /// The longest name of a GPU, in bytes.
    pub const NAME_LIMIT: usize = 128;

    /// The name with what it stands for, such as `V100 (sm_70)`; a name that says so itself stands alone.
    pub fn described(&self) -> String {
        let kind = self.kind.to_string();
        if self.kind == GpuKind::Intel || GpuKind::parse(&self.name).is_some() {
            return self.name.clone();
        }
        format!("{} ({kind})", self.name)
    }

    /// The capability, if it is NVIDIA's.
    pub fn capability(&self) -> Option<Capability> {
        match self.kind {
            GpuKind::Nvidia(capability) => Some(capability),
            GpuKind::Amd(_) | GpuKind::Intel => None,
        }
    }
}

impl GpuKind {
    /// Reads a capability or a `gfx` name. What follows a colon are settings (`gfx90a:sramecc+:xnack-`).
    fn parse(text: &str) -> Option<Self> {
        let plain = text.split(':').next().unwrap_or_default();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match plain.strip_prefix("gfx") {
            Some(number) if matches!(number.len(), 3 | 4) && number.bytes().all(hex) => {
                Some(Self::Amd(plain.to_owned()))
            }
            _ => Capability::parse(text).map(Self::Nvidia),
        }
    }
}

impl FromStr for Gpu {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let name = text.trim();
        let fits = (1..=Self::NAME_LIMIT).contains(&name.len()) && !name.contains(char::is_control);
        let kind = GpuKind::parse(&name.to_ascii_lowercase()).filter(|_| fits);
        let kind = kind.or_else(|| facts::gpu(name).filter(|_| fits).map(|known| known.kind.clone()));
        match kind {
            Some(kind) => Ok(Self { name: name.to_owned(), kind }),
            None => {
                let near = if fits { facts::near(name) } else { Vec::new() };
                Err(TargetError::Gpu { name: TargetError::shown(name), near })
            }
        }
    }
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

impl fmt::Display for GpuKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nvidia(capability) => capability.fmt(f),
            Self::Amd(gfx) => f.pad(gfx),
            Self::Intel => f.pad("intel"),
        }
    }
}

text_conversions!(Gpu);

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        text.parse::<Gpu>().unwrap_or_else(|error| panic!("{error}")).kind.to_string()
    }

    #[test]
    fn a_gpu_is_found_in_the_words_of_people_and_of_nvidia_smi() {
        for (text, expected) in [
            ("sm_90", "sm_90"),
            ("SM_90", "sm_90"),
            ("9.0", "sm_90"),
            ("12.1", "sm_121"),
            ("gfx942", "gfx942"),
            ("gfx90a:sramecc+:xnack-", "gfx90a"),
            ("H100", "sm_90"),
            ("h100-sxm5-80gb", "sm_90"),
            ("NVIDIA H100 80GB HBM3", "sm_90"),
            ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "sm_90"),
            ("NVIDIA H100 NVL", "sm_90"),
            ("NVIDIA GH200 480GB", "sm_90"),
            ("NVIDIA A100-SXM4-40GB", "sm_80"),
            ("NVIDIA A100 80GB PCIe", "sm_80"),
            ("NVIDIA A10G", "sm_86"),
            ("NVIDIA A10-24Q", "sm_86"),
            ("NVIDIA GeForce RTX 4090", "sm_89"),
            ("NVIDIA GeForce RTX 4090 Laptop GPU", "sm_89"),
            ("4090", "sm_89"),
            ("rtx-5090", "sm_120"),
            ("980", "sm_52"),
            ("Tesla V100-SXM2-16GB", "sm_70"),
            ("Tesla T4", "sm_75"),
            ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "sm_120"),
            ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "sm_120"),
            ("NVIDIA RTX 6000 Ada Generation", "sm_89"),
            ("NVIDIA RTX A6000", "sm_86"),
            ("Quadro RTX 6000", "sm_75"),
            ("NVIDIA GB10", "sm_121"),
            ("NVIDIA L40S", "sm_89"),
            ("NVIDIA B200", "sm_100"),
            ("NVIDIA B300 SXM6 AC", "sm_103"),
            ("Orin (nvgpu)", "sm_87"),
            ("AMD Instinct MI300X OAM", "gfx942"),
            ("MI250X", "gfx90a"),
            ("AMD Radeon RX 7900 XTX", "gfx1100"),
            ("7900 xtx", "gfx1100"),
            ("W7900", "gfx1100"),
            ("Intel(R) Data Center GPU Max 1550", "intel"),
            ("Arc B580", "intel"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn every_name_of_the_table_is_found_by_itself_and_in_capitals() {
        for known in facts::gpus() {
            assert_eq!(kind(known.name), known.kind.to_string(), "{}", known.name);
            assert_eq!(kind(&known.name.to_uppercase()), known.kind.to_string(), "{}", known.name);
        }
    }

    #[test]
    fn an_unknown_gpu_is_refused_with_near_names_and_the_way_out() {
        let refused = |text: &str| text.parse::<Gpu>().unwrap_err().to_string();
        assert_eq!(
            refused("H101"),
            "GPU \"H101\" is not known; did you mean H100? A compute capability such as sm_90 will do, as \
             `nvidia-smi --query-gpu=compute_cap --format=csv` prints it, and so will AMD's gfx942"
        );
        assert!(refused("RTX 6000").contains("RTX 6000 Ada"), "{}", refused("RTX 6000"));
        assert!(!refused("Voodoo 2").contains("did you mean"));
        for text in ["", " ", "NVIDIA", "gfx", "gfxyz", "sm_", "A\u{0}100", &"A".repeat(1_000_000)] {
            assert!(matches!(text.parse::<Gpu>(), Err(TargetError::Gpu { .. })), "{text:.10}");
        }
    }

    #[test]
    fn a_gpu_is_described_by_its_name_and_what_it_stands_for() {
        let described = |text: &str| text.parse::<Gpu>().unwrap().described();
        assert_eq!(described("V100"), "V100 (sm_70)");
        assert_eq!(described("sm_70"), "sm_70");
        assert_eq!(described("MI300X"), "MI300X (gfx942)");
        assert_eq!(described("gfx942"), "gfx942");
        assert_eq!(described("Arc B580"), "Arc B580");
    }
}
