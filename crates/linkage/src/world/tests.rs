use super::*;
use crate::Machine;

fn add(world: &mut World, path: &str, facts: LibraryFacts) {
    world.add_file(path, Owner::Base, Some(Arc::new(facts)));
}

/// A world with a library `libneeded.so` in each of these folders, and `/app/libasking.so` which needs it.
fn world(folders: &[&str], asking: LibraryFacts) -> World {
    let mut world = World::new();
    add(&mut world, "/app/libasking.so", LibraryFacts { needed: vec!["libneeded.so".to_owned()], ..asking });
    for folder in folders {
        add(&mut world, &format!("{folder}/libneeded.so"), LibraryFacts::sample("libneeded.so", &[]));
    }
    world
}

/// Where `libneeded.so` is found for `/app/libasking.so`.
#[track_caller]
fn found(world: &World, library_path: &[&str]) -> Option<String> {
    let library_path: Vec<String> = library_path.iter().map(|folder| (*folder).to_owned()).collect();
    let loader = Loader::new(world, Machine::X86_64, &library_path);
    let asking = loader.open("/app/libasking.so").unwrap();
    loader.find("libneeded.so", &[&asking]).map(|place| place.opened)
}

fn rpath(folders: &[&str]) -> LibraryFacts {
    let rpath = folders.iter().map(|folder| (*folder).to_owned()).collect();
    LibraryFacts { rpath, ..LibraryFacts::sample("", &[]) }
}

fn runpath(folders: &[&str]) -> LibraryFacts {
    LibraryFacts::sample("", &[]).with_runpath(folders)
}

#[test]
fn paths_lead_through_symlinks() {
    let mut world = World::new();
    world.add_symlink("/lib", "usr/lib");
    world.add_symlink("/usr/lib/liba.so", "../lib/x/./liba.so.1");
    world.add_symlink("/round", "about");
    world.add_symlink("/about", "/round");
    assert_eq!(world.real("/lib//liba.so").as_deref(), Some("/usr/lib/x/liba.so.1"));
    assert_eq!(world.real("/../lib").as_deref(), Some("/usr/lib"));
    assert_eq!(world.real("/round/x"), None, "a circle");
    world.add_text("usr/lib/os-release", "ID=debian");
    world.add_symlink("/etc/os-release", "../usr/lib/os-release");
    assert_eq!(world.text("/etc/os-release"), Some("ID=debian"));
    world.remove("/usr/lib");
    assert_eq!((world.text("/etc/os-release"), world.files().count()), (None, 0));
}

#[test]
fn folders_come_in_the_order_of_the_loader() {
    let all = ["/rpath", "/env", "/runpath", "/conf", "/lib64"];
    let mut asking = rpath(&["/rpath"]);
    let with_conf = |mut world: World| {
        world.add_text("/etc/ld.so.conf", "include ld.so.conf.d/*.conf # more\n");
        world.add_text("/etc/ld.so.conf.d/a.conf", "# about\n/conf\ninclude /etc/ld.so.conf\n");
        world.add_text("/etc/ld.so.conf.d/a.txt", "/rpath\n");
        world
    };
    let first = |asking: &LibraryFacts, folders: &[&str]| {
        found(&with_conf(world(folders, asking.clone())), &["", "/env"]).unwrap()
    };
    assert_eq!(first(&asking, &all), "/rpath/libneeded.so");
    asking.runpath = vec!["/runpath".to_owned()];
    assert_eq!(first(&asking, &all), "/env/libneeded.so", "a runpath puts the rpath out of force");
    assert_eq!(first(&asking, &["/runpath", "/conf"]), "/runpath/libneeded.so");
    assert_eq!(first(&asking, &["/lib64", "/conf"]), "/conf/libneeded.so");
    assert_eq!(first(&asking, &["/lib64"]), "/lib64/libneeded.so");
    assert_eq!(found(&world(&["/rpath"], asking), &[]), None);
}

#[test]
fn an_rpath_counts_for_what_its_libraries_need_unless_they_have_a_runpath() {
    let mut world = world(&["/rpath"], LibraryFacts::sample("", &[]));
    add(&mut world, "/bin/program", rpath(&["/rpath"]));
    let loader = Loader::new(&world, Machine::X86_64, &[]);
    let (program, asking) = (loader.open("/bin/program").unwrap(), loader.open("/app/libasking.so").unwrap());
    assert!(loader.find("libneeded.so", &[&asking, &program]).is_some());
    let facts = Arc::new(runpath(&["/nowhere"]));
    let apart = Place { facts: &facts, ..asking.clone() };
    assert!(loader.find("libneeded.so", &[&apart, &program]).is_none());
}

#[test]
fn tokens_stand_for_places() {
    for (folder, runpaths) in [
        ("/libs", ["$ORIGIN/../libs", "${ORIGIN}/../libs"]),
        ("/x/lib64", ["/x/$LIB", "/x/${LIB}"]),
        ("/x/lib/x86_64-linux-gnu", ["/x/$LIB", "/x/${LIB}"]),
        ("/x/x86_64", ["/x/$PLATFORM", "/x/${PLATFORM}"]),
    ] {
        for path in runpaths {
            assert!(found(&world(&[folder], runpath(&[path])), &[]).is_some(), "{path}");
        }
    }
    assert_eq!(found(&world(&["/libs"], runpath(&["libs", ""])), &[]), None, "relative to a working folder");
}

#[test]
fn a_library_for_another_machine_is_passed_over() {
    let mut world = world(&["/b"], runpath(&["/a", "/b"]));
    let other = LibraryFacts { machine: Machine::Aarch64, ..LibraryFacts::sample("", &[]) };
    add(&mut world, "/a/libneeded.so", other);
    assert_eq!(found(&world, &[]).as_deref(), Some("/b/libneeded.so"));
    let small = LibraryFacts { class: crate::Class::Bits32, ..LibraryFacts::sample("", &[]) };
    add(&mut world, "/a/libneeded.so", small);
    assert_eq!(found(&world, &[]).as_deref(), Some("/b/libneeded.so"));
}

#[test]
fn a_linked_library_looks_from_where_it_was_opened() {
    let mut world = world(&["/opt/libs"], runpath(&["$ORIGIN/../libs"]));
    world.add_symlink("/opt/lib/libasking.so", "/app/libasking.so");
    let loader = Loader::new(&world, Machine::X86_64, &[]);
    let asking = loader.open("/opt/lib/libasking.so").unwrap();
    assert_eq!(asking.real, "/app/libasking.so");
    let found = loader.find("libneeded.so", &[&asking]).unwrap();
    assert_eq!(
        (found.opened.as_str(), found.real.as_str()),
        ("/opt/lib/../libs/libneeded.so", "/opt/libs/libneeded.so")
    );
}
