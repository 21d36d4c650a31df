//! Files that an index replaced after they were locked.
//!
//! An index may take a file away or add another, which a new lock then shows. It may never give another file the name of
//! one that was published: a lock that followed would install what nobody chose.

use std::collections::BTreeMap;

use mlresolve_lockfile::{Lock, Package};

use crate::error::{Error, ReplacedFile};
use crate::request::Upgrade;

/// Refuses a new lock in which a version that stays has a file of a locked name with another digest. What the user gave
/// up (`upgrade`) and what lies on disk, where files are the user's own to replace, is not looked at.
///
/// # Errors
/// [`Error::Replaced`], for the first such file.
pub(crate) fn refuse_replaced(previous: &Lock, upgrade: &Upgrade, lock: &Lock) -> Result<(), Error> {
    for package in lock.packages.iter().filter(|package| !is_given_up(upgrade, package)) {
        let same = previous.packages_named(&package.name).filter(|old| old.version == package.version);
        let locked: BTreeMap<&str, File<'_>> = same.flat_map(files).map(|file| (file.name, file)).collect();
        for file in files(package).filter(|file| file.url.is_some()) {
            let Some(old) = locked.get(file.name) else { continue };
            let Some((algorithm, then, now)) = disagreement(old, &file) else { continue };
            let version = package.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            return Err(Error::Replaced(Box::new(ReplacedFile {
                name: package.name.to_string(),
                package: format!("{}{version}", package.name),
                file: file.name.to_owned(),
                locked: format!("{algorithm} {then}"),
                found: format!("{algorithm} {now}"),
                url: file.url.unwrap_or_default().to_owned(),
            })));
        }
    }
    Ok(())
}

/// A wheel or source distribution of a lock.
struct File<'a> {
    name: &'a str,
    url: Option<&'a str>,
    hashes: &'a BTreeMap<String, String>,
}

fn files(package: &Package) -> impl Iterator<Item = File<'_>> {
    let wheels = package.wheels.iter().map(|wheel| (&wheel.name, &wheel.url, &wheel.hashes));
    let sdist = package.sdist.iter().map(|sdist| (&sdist.name, &sdist.url, &sdist.hashes));
    wheels.chain(sdist).map(|(name, url, hashes)| File { name, url: url.as_deref(), hashes })
}

/// The first algorithm by which both have a digest, and not the same one, with the two digests.
fn disagreement<'a>(old: &File<'a>, new: &File<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    let both =
        old.hashes.iter().filter_map(|(algorithm, then)| Some((algorithm, then, new.hashes.get(algorithm)?)));
    let mut differing = both.filter(|(_, then, now)| !then.eq_ignore_ascii_case(now));
    differing.next().map(|(algorithm, then, now)| (algorithm.as_str(), then.as_str(), now.as_str()))
}

fn is_given_up(upgrade: &Upgrade, package: &Package) -> bool {
    match upgrade {
        Upgrade::Nothing => false,
        Upgrade::Everything => true,
        // The request was read before, so that a name that is none does not come this far.
        Upgrade::Packages(names) => names.iter().any(|name| {
            name.parse().is_ok_and(|name: mlresolve_packaging::PackageName| name == package.name)
        }),
    }
}

#[cfg(test)]
mod tests {
    use mlresolve_lockfile::Wheel;

    use super::*;

    fn lock(version: &str, hashes: &[(&str, &str)], url: Option<&str>) -> Lock {
        let mut package = Package::new("web".parse().unwrap());
        package.version = Some(version.parse().unwrap());
        package.wheels.push(Wheel {
            name: format!("web-{version}-py3-none-any.whl"),
            upload_time: None,
            url: url.map(str::to_owned),
            path: url.is_none().then(|| "wheels/web.whl".to_owned()),
            size: None,
            hashes: hashes.iter().map(|(kind, digest)| ((*kind).to_owned(), (*digest).to_owned())).collect(),
        });
        let mut lock = Lock::new("mlresolve");
        lock.packages.push(package);
        lock
    }

    #[test]
    fn only_another_digest_of_the_same_file_of_a_version_that_stays_is_refused() {
        let url = Some("https://files.example/web.whl");
        let old = lock("1.0", &[("sha256", "aa"), ("sha512", "cc")], url);
        let refused = |new: &Lock, upgrade: &Upgrade| match refuse_replaced(&old, upgrade, new) {
            Err(Error::Replaced(file)) => Some((file.locked, file.found)),
            Err(error) => panic!("{error}"),
            Ok(()) => None,
        };
        let replaced = lock("1.0", &[("sha256", "bb")], url);
        let both = ("sha256 aa".to_owned(), "sha256 bb".to_owned());
        assert_eq!(refused(&replaced, &Upgrade::Nothing), Some(both.clone()));
        let names = |name: &str| Upgrade::Packages([name.to_owned()].into_iter().collect());
        assert_eq!(refused(&replaced, &names("other")), Some(both));
        assert_eq!(refused(&replaced, &names("Web")), None);
        assert_eq!(refused(&replaced, &Upgrade::Everything), None);
        for (case, new) in [
            ("the same", lock("1.0", &[("sha256", "AA")], url)),
            ("another version", lock("1.1", &[("sha256", "bb")], url)),
            ("nothing to compare", lock("1.0", &[("sha384", "bb")], url)),
            ("on disk", lock("1.0", &[("sha256", "bb")], None)),
        ] {
            assert_eq!(refused(&new, &Upgrade::Nothing), None, "{case}");
        }
    }
}
