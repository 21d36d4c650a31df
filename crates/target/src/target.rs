use mlresolve_packaging::MarkerEnvironment;

use crate::equipment::Equipment;
use crate::{
    Accelerator, DriverVersion, Glibc, Gpu, MacOsVersion, Platform, PythonVersion, Tags, TargetError,
};

/// A described machine that a lock is for.
///
/// What no machine can be, such as a glibc on macOS, cannot be described either.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    name: String,
    python: PythonVersion,
    platform: Platform,
    system: System,
    equipment: Equipment,
}

/// What is known of the operating system beyond the platform's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum System {
    Linux(Glibc),
    MacOs(MacOsVersion),
}

impl Target {
    /// The longest name of a target, in bytes.
    pub const NAME_LIMIT: usize = 64;

    /// Describes a machine with the platform's usual system: glibc 2.28, or macOS 14.0.
    ///
    /// The name is 1 to [`Target::NAME_LIMIT`] of `a-z`, `0-9`, `-` and `_`, since it becomes the middle of
    /// `pylock.NAME.toml` (PEP 751); any other is an error.
    pub fn new(name: &str, python: PythonVersion, platform: Platform) -> Result<Self, TargetError> {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > Self::NAME_LIMIT || !name.bytes().all(fits) {
            return Err(TargetError::Name(TargetError::shown(name)));
        }
        let system = if platform.is_linux() {
            System::Linux(Glibc::default())
        } else {
            System::MacOs(MacOsVersion::default())
        };
        Ok(Self { name: name.to_owned(), python, platform, system, equipment: Equipment::default() })
    }

    /// The same machine with this glibc.
    ///
    /// An error on a platform without one, or if the platform's wheels were never built for one so old.
    pub fn with_glibc(mut self, glibc: Glibc) -> Result<Self, TargetError> {
        let platform = self.platform;
        let oldest = platform.oldest_glibc().ok_or(TargetError::GlibcElsewhere { glibc, platform })?;
        if glibc < oldest {
            return Err(TargetError::GlibcTooOld { glibc, platform, oldest });
        }
        self.system = System::Linux(glibc);
        Ok(self)
    }

    /// The same machine with this macOS.
    ///
    /// An error on another platform, or if that macOS never ran on the platform's processor.
    pub fn with_macos(mut self, macos: MacOsVersion) -> Result<Self, TargetError> {
        if self.platform.is_linux() {
            return Err(TargetError::MacOsElsewhere { macos, platform: self.platform });
        }
        if macos < MacOsVersion::OLDEST {
            return Err(TargetError::MacOsTooOld(macos));
        }
        self.system = System::MacOs(macos);
        Ok(self)
    }

    /// The same machine, computing on this.
    #[must_use]
    pub fn with_accelerator(mut self, accelerator: Accelerator) -> Self {
        self.equipment.declared = Some(accelerator);
        self
    }

    /// The same machine with this driver of NVIDIA: in a fleet, its oldest.
    #[must_use]
    pub fn with_driver(mut self, driver: DriverVersion) -> Self {
        self.equipment.driver = Some(driver);
        self
    }

    /// The same machine with these GPUs: in a fleet, each that a build has to run on.
    #[must_use]
    pub fn with_gpus(mut self, gpus: Vec<Gpu>) -> Self {
        self.equipment.gpus = gpus;
        self
    }

    /// This machine, if there can be one like it: the last step of a description.
    ///
    /// An error names what does not go together of accelerator, driver, GPUs and platform, the source of the fact, and
    /// the way out.
    pub fn checked(self) -> Result<Self, TargetError> {
        self.equipment.check(self.platform)?;
        Ok(self)
    }

    /// The name that tells this target from the others of a project.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its interpreter, always CPython.
    pub fn python(&self) -> PythonVersion {
        self.python
    }

    /// Its operating system and processor.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// Its C library, if it is a Linux.
    pub fn glibc(&self) -> Option<Glibc> {
        match self.system {
            System::Linux(glibc) => Some(glibc),
            System::MacOs(_) => None,
        }
    }

    /// Its macOS, if it is one.
    pub fn macos(&self) -> Option<MacOsVersion> {
        match self.system {
            System::Linux(_) => None,
            System::MacOs(macos) => Some(macos),
        }
    }

    /// What it computes on, declared or inferred; `None` if nothing was said of it, so that PyPI's own builds are taken
    /// as they come.
    pub fn accelerator(&self) -> Option<Accelerator> {
        self.equipment.declared.or_else(|| self.inferred_accelerator())
    }

    /// What it computes on, where that was not declared but follows from its GPUs or its driver.
    pub fn inferred_accelerator(&self) -> Option<Accelerator> {
        self.equipment.inferred()
    }

    /// The driver of NVIDIA that was declared. Beside the accelerator `cpu` it counts for nothing.
    pub fn driver(&self) -> Option<DriverVersion> {
        self.equipment.driver
    }

    /// The GPUs that were declared, in that order. Beside the accelerator `cpu` they count for nothing.
    pub fn gpus(&self) -> &[Gpu] {
        &self.equipment.gpus
    }

    /// The wheel tags that its interpreter accepts, best first.
    pub fn tags(&self) -> Tags {
        Tags::new(self.python, self.platform, self.system)
    }

    /// The values of the environment markers on this machine (PyPA "Dependency specifiers").
    ///
    /// `platform_release` and `platform_version` name a kernel, which a target leaves open: they are empty, as
    /// Python has them where they cannot be determined.
    pub fn marker_environment(&self) -> MarkerEnvironment {
        let (sys_platform, platform_system) = match self.system {
            System::Linux(_) => ("linux", "Linux"),
            System::MacOs(_) => ("darwin", "Darwin"),
        };
        MarkerEnvironment {
            implementation_name: "cpython".to_owned(),
            implementation_version: self.python.full(),
            os_name: "posix".to_owned(),
            platform_machine: self.platform.machine().to_owned(),
            platform_python_implementation: "CPython".to_owned(),
            platform_release: String::new(),
            platform_system: platform_system.to_owned(),
            platform_version: String::new(),
            python_full_version: self.python.full(),
            python_version: self.python.short(),
            sys_platform: sys_platform.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(platform: Platform) -> Target {
        Target::new("train", "3.12".parse().unwrap(), platform).unwrap()
    }

    #[test]
    fn a_platform_comes_with_its_usual_system() {
        let linux = target(Platform::LinuxX86_64);
        assert_eq!((linux.glibc(), linux.macos()), (Some(Glibc { major: 2, minor: 28 }), None));
        let mac = target(Platform::MacOsArm64);
        assert_eq!((mac.glibc(), mac.macos()), (None, Some(MacOsVersion { major: 14, minor: 0 })));
    }

    #[test]
    fn what_no_machine_can_be_is_refused_with_the_way_out() {
        let refused = |result: Result<Target, TargetError>| result.unwrap_err().to_string();
        assert_eq!(
            refused(target(Platform::MacOsArm64).with_glibc(Glibc::default())),
            "glibc 2.28 does not go with macos-arm64: only a linux target has a glibc, so leave it out"
        );
        assert_eq!(
            refused(target(Platform::LinuxAarch64).with_glibc(Glibc { major: 2, minor: 12 })),
            "glibc 2.12 is too old for linux-aarch64: the oldest that any wheel is built for is 2.17"
        );
        assert_eq!(
            refused(target(Platform::LinuxX86_64).with_macos(MacOsVersion::default())),
            "macOS 14.0 does not go with linux-x86_64: leave it out, or take the platform macos-arm64"
        );
        assert_eq!(
            refused(target(Platform::MacOsArm64).with_macos(MacOsVersion { major: 10, minor: 15 })),
            "macOS 10.15 does not run on arm64: the first that does is 11.0"
        );
    }

    #[test]
    fn a_name_that_could_leave_its_folder_is_refused() {
        for name in ["", "../etc", "a.b", "Train", "a b", "é", &"a".repeat(Target::NAME_LIMIT + 1)] {
            let result = Target::new(name, "3.12".parse().unwrap(), Platform::LinuxX86_64);
            assert!(matches!(result, Err(TargetError::Name(_))), "{name:?}");
        }
    }

    #[test]
    fn markers_say_what_the_interpreter_would_say() {
        let linux = target(Platform::LinuxAarch64).marker_environment();
        assert_eq!(linux.sys_platform, "linux");
        assert_eq!(linux.platform_system, "Linux");
        assert_eq!(linux.platform_machine, "aarch64");
        assert_eq!(linux.python_version, "3.12");
        assert_eq!(linux.python_full_version, "3.12.0");
        assert_eq!((linux.platform_release.as_str(), linux.platform_version.as_str()), ("", ""));
        let mac = target(Platform::MacOsArm64).marker_environment();
        assert_eq!((mac.sys_platform.as_str(), mac.platform_system.as_str()), ("darwin", "Darwin"));
        assert_eq!((mac.platform_machine.as_str(), mac.os_name.as_str()), ("arm64", "posix"));
    }
}
