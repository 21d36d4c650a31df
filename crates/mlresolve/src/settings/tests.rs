use std::collections::BTreeMap;

use mlresolve_packaging::pyproject::PyProject;

use super::*;

/// What a project with these variables and files comes to.
fn merged(pyproject: &str, variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Merged, Error> {
    let pyproject = PyProject::parse(pyproject).unwrap();
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let lookup = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        Ok(found.map(|(_, text)| (*text).to_owned()))
    };
    let dir = Path::new(".");
    let own = own_layer(&pyproject.config.clone().unwrap_or_default(), "pyproject.toml", dir, &lookup)?;
    let mut others = project_layers(Some(&pyproject), dir, &lookup, &mut Vec::new())?;
    others.extend(variable_layers(&lookup)?);
    others.extend(read_configuration(dir, true, &lookup, &read, &mut Vec::new())?);
    merge(own, &others)
}

const HOME: (&str, &str) = ("HOME", "/home/me");

#[test]
fn the_strongest_setting_counts_key_by_key() {
    let own = "[tool.mlresolve]\nindex-url = 'https://own.example'\n";
    let uv = "[tool.uv]\nindex-url = 'https://table.example'\n";
    let variables = [
        HOME,
        ("UV_INDEX_URL", "https://uv.example"),
        ("PIP_INDEX_URL", "https://pip.example"),
        ("VIRTUAL_ENV", "/venv"),
    ];
    let files = [
        ("uv.toml", "index-url = 'https://toml.example'\n"),
        (
            "/home/me/.config/uv/uv.toml",
            "index-url = 'https://user.example'\nextra-index-url = ['https://extra.example']\n",
        ),
        ("/etc/pip.conf", "[global]\nindex-url = https://system.example\nproxy = http://proxy.example\n"),
        ("/home/me/.config/pip/pip.conf", "[global]\nindex-url = https://mine.example\ncert = /ca.pem\n"),
        ("/venv/pip.conf", "[install]\nindex-url = https://venv.example\n"),
    ];
    let index = |pyproject: &str, variables: &[(&str, &str)], files: &[(&str, &str)]| {
        merged(pyproject, variables, files).unwrap().indexes.index_url.unwrap()
    };
    assert_eq!(index(&format!("{own}{uv}"), &variables, &files), "https://own.example");
    assert_eq!(index(uv, &variables, &files), "https://table.example");
    assert_eq!(index("", &variables, &files), "https://uv.example");
    assert_eq!(index("", &[HOME, variables[2], variables[3]], &files), "https://pip.example");
    assert_eq!(index("", &[HOME, variables[3]], &files), "https://toml.example");
    assert_eq!(index("", &[HOME, variables[3]], &files[1..]), "https://user.example");
    assert_eq!(index("", &[HOME, variables[3]], &files[2..]), "https://venv.example");
    assert_eq!(index("", &[HOME], &files[2..]), "https://mine.example");
    assert_eq!(index("", &[], &files[2..]), "https://system.example");
    let all = merged("", &variables, &files).unwrap().indexes;
    assert_eq!(all.extra_index_urls, ["https://extra.example"]);
    assert_eq!(all.proxy.as_deref(), Some("http://proxy.example"));
    assert_eq!(all.certificates.as_deref(), Some(Path::new("/ca.pem")));
}

#[test]
fn configuration_files_can_be_switched_off() {
    let files =
        [("uv.toml", "no-index = true\n"), ("/etc/pip.conf", "[global]\nproxy = http://proxy.example\n")];
    let off = [("PIP_CONFIG_FILE", "/dev/null"), ("UV_NO_CONFIG", "1")];
    let none = merged("", &off, &files).unwrap();
    assert!(!none.indexes.no_index && none.indexes.proxy.is_none() && none.notes.is_empty());
    let named = merged(
        "",
        &[("PIP_CONFIG_FILE", "/p"), ("UV_CONFIG_FILE", "/u")],
        &[
            ("/p", "[lock]\nfind-links =\n  a\n  b\ntrusted-host = h.example\nconstraint = c.txt\n"),
            ("/u", "no-index = true\n"),
            files[0],
        ],
    );
    let named = named.unwrap();
    assert_eq!(named.indexes.find_links, ["a", "b"]);
    assert_eq!(named.indexes.trusted_hosts, ["h.example"]);
    assert_eq!(named.constraints.unwrap().value, ["c.txt"]);
    assert!(named.indexes.no_index);
    assert_eq!(
        named.notes,
        [
            "find-links a b is from /p",
            "trusted-host h.example is from /p",
            "no-index is from /u",
            "constraint c.txt is from /p"
        ]
    );
}

#[test]
fn notes_and_errors_show_no_secret() {
    let canary = "hunter2";
    let address = format!("https://{canary}:{canary}@a.example/simple?x={canary}");
    let plain = format!("https://{canary}@a.example/simple");
    let variables = [
        ("UV_INDEX_URL", plain.as_str()),
        ("PIP_EXTRA_INDEX_URL", plain.as_str()),
        ("PIP_PROXY", address.as_str()),
        ("PIP_FIND_LINKS", address.as_str()),
    ];
    let notes = merged("", &variables, &[]).unwrap().notes.join("\n");
    assert!(!notes.contains(canary), "{notes}");
    assert!(notes.starts_with("index-url https://****@a.example/simple is from UV_INDEX_URL\n"), "{notes}");
    let refused = merged("", &[("PIP_INDEX_URL", &address)], &[]).err().unwrap().to_string();
    assert!(
        refused.starts_with("PIP_INDEX_URL: the URL has a query") && !refused.contains(canary),
        "{refused}"
    );
    let flag = merged("", &[("PIP_NO_INDEX", "perhaps")], &[]).err().unwrap().to_string();
    assert_eq!(flag, "PIP_NO_INDEX: \"perhaps\" is neither yes nor no");
    let broken = merged("", &[], &[("/etc/pip.conf", "hunter2")]).err().unwrap().to_string();
    assert!(broken.starts_with("/etc/pip.conf: line 1 is neither") && !broken.contains(canary));
}

#[test]
fn tables_of_indexes_have_an_order_and_names() {
    let text = "[tool.uv]\nextra-index-url = ['https://c.example']\n[[tool.uv.index]]\nurl = \
                'https://a.example'\n[[tool.uv.index]]\nname = 'my-gpu'\nurl = 'https://g.example'\nexplicit = \
                true\n[[tool.uv.index]]\nname = 'b'\nurl = 'https://b.example'\n[[tool.uv.index]]\nname = 'd'\nurl = \
                'https://d.example'\ndefault = true\n[[tool.uv.index]]\nurl = 'wheels'\nformat = 'flat'\n";
    let variables = [
        ("UV_INDEX_MY_GPU_USERNAME", "ann"),
        ("UV_INDEX_MY_GPU_PASSWORD", "p w"),
        ("UV_INDEX_B_PASSWORD", "x"),
        ("MLRESOLVE_INDEX_B_PASSWORD", "y"),
    ];
    let all = merged(text, &variables, &[]).unwrap().indexes;
    assert_eq!(all.index_url.as_deref(), Some("https://d.example"));
    assert_eq!(all.extra_index_urls, ["https://a.example", "https://:y@b.example/", "https://c.example"]);
    assert_eq!(all.find_links, ["wheels"]);
    let gpu = ("my-gpu".to_owned(), "https://ann:p%20w@g.example/".to_owned());
    assert!(all.named_indexes.contains(&gpu));
    let twice = "[[tool.uv.index]]\nname = 'a'\nurl = 'x'\n[[tool.uv.index]]\nname = 'A'\nurl = 'y'\n";
    assert!(merged(twice, &[], &[]).err().unwrap().to_string().contains("two indexes have the name A"));
    let both = "[tool.mlresolve]\nindex-url = 'https://a.example'\n[[tool.mlresolve.index]]\nurl = 'x'\ndefault = true\n";
    assert!(merged(both, &[], &[]).err().unwrap().to_string().contains("which is asked last"));
}

#[test]
fn poetrys_sources_have_priorities() {
    let source = |name: &str, priority: &str| {
        format!(
            "[[tool.poetry.source]]\nname = '{name}'\nurl = 'https://{name}.example'\npriority = '{priority}'\n"
        )
    };
    let order = |text: &str| {
        let all = merged(text, &[], &[]).unwrap().indexes;
        [all.extra_index_urls, all.index_url.into_iter().collect()].concat()
    };
    let pypi = crate::default_index_url();
    assert_eq!(order(&source("a", "explicit")), Vec::<String>::new());
    assert_eq!(order(&source("a", "supplemental")), [pypi, "https://a.example"]);
    let text = source("a", "supplemental") + &source("b", "primary") + &source("c", "primary");
    assert_eq!(order(&text), ["https://b.example", "https://c.example", "https://a.example"]);
    let text = source("b", "primary") + "[[tool.poetry.source]]\nname = 'PyPI'\n";
    assert_eq!(order(&text), ["https://b.example", pypi]);
    let text = "[[tool.poetry.source]]\nname = 'x'\n";
    assert!(merged(text, &[], &[]).err().unwrap().to_string().contains("x has no `url`"));
}

#[test]
fn uv_names_indexes_in_variables() {
    let variables = [
        ("UV_INDEX", "gpu=https://g.example/simple https://a.example/?x=1"),
        ("UV_EXTRA_INDEX_URL", "https://b.example"),
        ("UV_DEFAULT_INDEX", "main=https://m.example"),
    ];
    let error = merged("", &variables, &[]).err().unwrap().to_string();
    assert!(error.starts_with("UV_INDEX and UV_EXTRA_INDEX_URL: the URL has a query"), "{error}");
    let variables = [("UV_INDEX", "gpu=https://g.example/simple"), variables[1], variables[2]];
    let all = merged("", &variables, &[]).unwrap().indexes;
    assert_eq!(all.extra_index_urls, ["https://g.example/simple", "https://b.example"]);
    assert_eq!(all.index_url.as_deref(), Some("https://m.example"));
    let names: Vec<&str> = all.named_indexes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["main", "gpu"]);
}
