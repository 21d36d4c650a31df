//! Requirements (PEP 508): what is shown can be read again and is the same, and leniency changes nothing that is valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlresolve_packaging::Requirement;

fuzz_target!(|text: &str| {
    let strict = text.parse::<Requirement>();
    let lenient = Requirement::parse_lenient(text);
    if let Ok(requirement) = &strict {
        assert_eq!(lenient.as_ref(), Ok(&(requirement.clone(), None)), "the lenient reader differs");
    }
    if let Ok((requirement, _)) = lenient {
        let shown = requirement.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(&requirement), "{shown:?} reads differently");
    }
});
