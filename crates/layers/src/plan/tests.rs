//! The rule, by example and as laws.

use proptest::prelude::*;

use super::*;

fn package(name: &str, wheel_bytes: u64) -> PlanPackage {
    PlanPackage { name: name.to_owned(), wheel_bytes, wheel: Digest::of(name.as_bytes()), built: false }
}

/// The plan in a line for each layer.
fn shown(packages: &[PlanPackage]) -> Vec<String> {
    let plan = plan(packages).unwrap();
    let shown = plan.layers.iter().map(|layer| {
        let bucket = layer.bucket.map(|bucket| format!(".{bucket}")).unwrap_or_default();
        format!("{}{bucket} {} {}", layer.class as u8, layer.packages.join(" "), layer.wheel_bytes)
    });
    shown.collect()
}

#[test]
fn a_stack_with_a_gpu() {
    const MB: u64 = 1_000_000;
    let built = PlanPackage { built: true, ..package("flash-attn", 250 * MB) };
    let stack = [
        package("torch", 539 * MB),
        package("transformers", 13 * MB),
        package("triton", 286 * MB),
        package("nvidia-cudnn-cu13", 519 * MB),
        package("nvidia-cublas", 405 * MB),
        package("nvidia-nvtx", MB),
        package("numpy", 17 * MB),
        package("torchvision", 10 * MB),
        package("torchaudio", 10 * MB - 1),
        package("requests", 64_000),
        built,
    ];
    assert_eq!(
        shown(&stack),
        [
            "0 nvidia-cublas 405000000",
            "0 nvidia-cudnn-cu13 519000000",
            "1 triton 286000000",
            "2 torch 539000000",
            "3 torchvision 10000000",
            "4 numpy 17000000",
            "4 transformers 13000000",
            "5.5 nvidia-nvtx torchaudio 10999999",
            "5.7 requests 64000",
            "6 flash-attn 250000000",
        ]
    );
}

#[test]
fn buckets_are_frozen() {
    let names =
        ["requests", "urllib3", "idna", "certifi", "packaging", "pyyaml", "tqdm", "filelock", "jinja2"];
    assert_eq!(names.map(bucket), [7, 6, 4, 4, 3, 5, 4, 4, 4]);
}

#[test]
fn names_spread_over_all_buckets() {
    let mut counts = [0; BUCKETS as usize];
    for number in 0..4000 {
        counts[usize::from(bucket(&format!("package-{number}")))] += 1;
    }
    assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
}

#[test]
fn beyond_the_limit_the_bound_doubles() {
    let large: Vec<PlanPackage> = (0..60)
        .map(|number| package(&format!("p{number:02}"), LARGE_WHEEL_BYTES + number * 300_000))
        .collect();
    let plan = plan(&large).unwrap();
    // From 20,000,000 bytes on: 26 of the 60; the others are small.
    assert!(plan.is_raised());
    assert_eq!(plan.bound, 20_000_000);
    assert_eq!(plan.layers.iter().filter(|layer| layer.class == Class::Large).count(), 26);
}

#[test]
fn wheels_of_any_length_have_a_plan() {
    let huge: Vec<PlanPackage> = (0..60).map(|number| package(&format!("p{number}"), u64::MAX)).collect();
    assert_eq!(plan(&huge).unwrap().bound, u64::MAX);
    assert_eq!(plan(&huge).unwrap().wheel_bytes(), u64::MAX);
    assert_eq!(plan(&[]).unwrap().layers, []);
}

#[test]
fn a_name_is_planned_once() {
    let twice = [package("a", 1), package("a", 2)];
    assert_eq!(plan(&twice), Err(PlanError::Twice { name: "a".to_owned() }));
}

fn packages() -> impl Strategy<Value = Vec<PlanPackage>> {
    let name = prop_oneof!["[a-z]{1,6}", "nvidia-[a-z]{1,3}", "torch(vision|audio)?", "triton"];
    let size = prop_oneof![0..LARGE_WHEEL_BYTES, LARGE_WHEEL_BYTES..2_000_000_000_u64];
    prop::collection::btree_map(name, (size, prop::bool::weighted(0.1)), 0..30).prop_map(|packages| {
        packages
            .into_iter()
            .map(|(name, (size, built))| PlanPackage { built, ..package(&name, size) })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_package_is_in_one_layer(packages in packages()) {
        let plan = plan(&packages).unwrap();
        let mut planned: Vec<&String> = plan.layers.iter().flat_map(|layer| &layer.packages).collect();
        planned.sort();
        let mut given: Vec<&String> = packages.iter().map(|package| &package.name).collect();
        given.sort();
        prop_assert_eq!(planned, given);
        prop_assert!(plan.layers.len() <= LAYER_LIMIT);
        prop_assert!(plan.layers.iter().all(|layer| layer.packages.len() == layer.wheels.len()));
    }

    #[test]
    fn the_order_of_the_lock_is_no_input(packages in packages(), turn in 0..30_usize) {
        let mut turned = packages.clone();
        turned.reverse();
        turned.rotate_left(turn.min(packages.len()));
        prop_assert_eq!(plan(&packages), plan(&turned));
    }

    #[test]
    fn another_version_changes_its_own_layer_alone(packages in packages(), at in any::<prop::sample::Index>()) {
        prop_assume!(!packages.is_empty());
        let mut bumped = packages.clone();
        let at = at.index(packages.len());
        bumped[at].wheel = Digest::of(b"another");
        let (before, after) = (plan(&packages).unwrap(), plan(&bumped).unwrap());
        let name = &packages[at].name;
        prop_assert_eq!(before.layers.len(), after.layers.len());
        for (before, after) in before.layers.iter().zip(&after.layers) {
            prop_assert_eq!(before == after, !before.packages.contains(name));
            prop_assert_eq!(&before.packages, &after.packages);
        }
    }

    #[test]
    fn a_further_package_changes_one_layer(packages in packages(), size in 0..LARGE_WHEEL_BYTES * 3) {
        let further = package("0-further", size);
        let more: Vec<PlanPackage> = packages.iter().cloned().chain([further]).collect();
        let (before, after) = (plan(&packages).unwrap(), plan(&more).unwrap());
        prop_assume!(!after.is_raised());
        let kept = after.layers.iter().filter(|layer| before.layers.contains(layer)).count();
        prop_assert_eq!(kept, after.layers.len() - 1);
        prop_assert!(before.layers.len() <= after.layers.len());
    }
}
