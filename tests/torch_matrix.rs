//! Every torch of the tables on every kind of GPU with drivers of every age: the lock against a reading of the tables that
//! shares no code with the program.

use std::collections::{BTreeMap, BTreeSet};

use mlresolve::{Access, Error, LockRequest, TargetRequest, Watch, lock_blocking};
use mlresolve_testkit::{IndexServer, PyTorchIndex, Release, Universe};

const GPUS: [&str; 11] = ["3.7", "5.0", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"];
const DRIVERS: [&str; 6] = ["470.57.02", "525.60.13", "550.54.14", "570.26", "580.65.06", "595.45.04"];

/// The rows of a table, by the names of its columns.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = format!("{}/crates/target/facts/{name}.tsv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| {
        columns.iter().zip(line.split('\t')).map(|(key, cell)| ((*key).to_owned(), cell.to_owned())).collect()
    };
    lines.map(row).collect()
}

/// Numbers between dots, so that they compare one by one.
fn numbers(text: &str) -> Vec<u64> {
    text.split('.').map(|number| number.parse().unwrap()).collect()
}

/// A build of one torch as the tables tell it.
#[derive(Clone)]
struct Known {
    variant: String,
    cuda: String,
    compiled: String,
}

/// The builds of each torch for `x86_64`. A row of several releases stands for its first and its last.
fn known() -> BTreeMap<Vec<u64>, (String, Vec<Known>)> {
    let rows = table("builds");
    let rows: Vec<_> = rows.iter().filter(|row| row["machine"] == "x86_64").collect();
    let releases: BTreeSet<&String> = rows.iter().flat_map(|row| [&row["first"], &row["last"]]).collect();
    let mut known = BTreeMap::new();
    for release in releases {
        let within = |row: &&&BTreeMap<String, String>| {
            numbers(&row["first"]) <= numbers(release) && numbers(release) <= numbers(&row["last"])
        };
        let builds = rows.iter().filter(within).map(|row| Known {
            variant: row["variant"].clone(),
            cuda: row["cuda"].clone(),
            compiled: row["compiled"].clone(),
        });
        known.insert(numbers(release), (release.clone(), builds.collect()));
    }
    known
}

struct Tables {
    majors: Vec<BTreeMap<String, String>>,
    toolkits: Vec<BTreeMap<String, String>>,
    capabilities: Vec<BTreeMap<String, String>>,
}

impl Tables {
    /// Whether no machine has this GPU with this driver.
    fn is_impossible(&self, gpu: &str, driver: &str) -> bool {
        let row = self.capabilities.iter().find(|row| row["capability"] == gpu).unwrap();
        let too_old = row["driver"] != "?" && numbers(driver) < numbers(&row["driver"]);
        let too_new = row["last_branch"] != "-" && numbers(driver)[0] > numbers(&row["last_branch"])[0];
        too_old || too_new
    }

    fn own_driver(&self, cuda: &str) -> Option<Vec<u64>> {
        let row = self.toolkits.iter().find(|row| row.values().any(|cell| cell == cuda))?;
        Some(numbers(&row["driver"]))
    }

    fn runs(&self, build: &Known, gpu: &str, driver: &str) -> bool {
        let major = build.cuda.split('.').next().unwrap();
        let major = self.majors.iter().find(|row| row["major"] == major).unwrap();
        if numbers(driver) < numbers(&major["driver"]) {
            return false;
        }
        let gpu = numbers(gpu);
        if build.compiled == "?" {
            return gpu >= numbers(&major["capability"]);
        }
        build.compiled.split(' ').any(|code| {
            let ptx = code.ends_with("+PTX");
            let code = numbers(code.trim_end_matches("+PTX"));
            let machine_code = code[0] == gpu[0] && code[1] <= gpu[1];
            let own = self.own_driver(&build.cuda);
            let compiles = own.is_none_or(|own| numbers(driver) >= own);
            machine_code || (ptx && code <= gpu && compiles)
        })
    }

    /// The build that is to be chosen, by its local version; `None` where none runs.
    fn choice<'k>(&self, builds: &'k [Known], gpu: &str, driver: &str) -> Option<&'k str> {
        let mut running: Vec<&Known> =
            builds.iter().filter(|build| build.cuda != "-" && self.runs(build, gpu, driver)).collect();
        running.sort_by_key(|build| {
            let own = self.own_driver(&build.cuda).is_some_and(|own| numbers(driver) >= own);
            let newest = std::cmp::Reverse(numbers(&build.cuda));
            (build.variant != "pypi", !own, newest)
        });
        running.first().map(|build| build.variant.as_str())
    }
}

#[test]
fn every_torch_of_the_tables_is_locked_as_they_say() {
    let known = known();
    let (mut pypi, mut torch) = (Universe::new(), PyTorchIndex::new());
    let mut toolkits = BTreeSet::new();
    for (release, builds) in known.values() {
        for build in builds {
            let requires = format!("cuda-toolkit=={}.0", build.cuda);
            toolkits.insert(build.cuda.clone());
            if build.variant == "pypi" {
                let describe = move |torch: Release| {
                    torch.wheel("cp312-cp312-manylinux_2_28_x86_64").requires(&requires)
                };
                pypi = pypi.package("torch", release, describe);
            } else {
                let label = &build.variant;
                let wheel = format!("torch-{release}+{label}-cp312-cp312-manylinux_2_28_x86_64.whl");
                torch = torch.wheel(label, &wheel, None, &[&requires]);
            }
        }
    }
    for cuda in toolkits {
        pypi = pypi.text(&format!("cuda-toolkit {cuda}.0"));
    }
    let (pypi, torch) = (IndexServer::start(pypi), IndexServer::pytorch(torch));
    let cache = tempfile::tempdir().unwrap();
    let access = Access {
        index_url: pypi.index_url(),
        torch_index_url: torch.torch_index_url(),
        cache_dir: Some(cache.path().to_owned()),
        ..Access::default()
    };
    let (majors, toolkits, capabilities) = (table("majors"), table("toolkits"), table("capabilities"));
    let tables = Tables { majors, toolkits, capabilities };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (release, builds) in known.values() {
        for gpu in GPUS {
            for driver in DRIVERS {
                let request = LockRequest {
                    target: TargetRequest {
                        driver: Some(driver.to_owned()),
                        gpu: vec![format!("sm_{}", gpu.replace('.', ""))],
                        ..TargetRequest::default()
                    },
                    ..LockRequest::new([format!("torch=={release}")])
                };
                let place = format!("torch {release}, sm {gpu}, driver {driver}");
                let outcome = lock_blocking(&request, None, &access, &Watch::default());
                let expected = match (tables.is_impossible(gpu, driver), tables.choice(builds, gpu, driver)) {
                    (true, _) => "impossible",
                    (false, None) => "conflict",
                    (false, Some(variant)) => variant,
                };
                let found = match &outcome {
                    Ok(locked) => {
                        let target = locked.lock.tool.as_ref().unwrap().target.as_ref().unwrap();
                        target.variant.as_deref().unwrap()
                    }
                    Err(Error::Conflict(_)) => "conflict",
                    Err(Error::Input { .. }) => "impossible",
                    Err(error) => panic!("{place}: {error}"),
                };
                assert_eq!(found, expected, "{place}");
                let kinds = ["conflict", "impossible"];
                let kind = kinds.into_iter().find(|kind| *kind == found).unwrap_or("lock");
                *counts.entry(kind).or_default() += 1;
            }
        }
    }
    // The matrix is no matrix if one kind of answer hardly occurs in it.
    assert!(counts.len() == 3 && counts.values().all(|count| *count > 100), "{counts:?}");
}
