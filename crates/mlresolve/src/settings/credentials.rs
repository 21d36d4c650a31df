//! The credentials of indexes that have a name, from environment variables.

use url::Url;

use super::variables::Lookup;

/// The address of a named index with the user and password that the environment gives for the name, if it does.
pub(super) fn with_credentials(name: &str, address: &str, variables: Lookup<'_>) -> String {
    let word: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect();
    let given = |part: &str| {
        let of = |tool: &str| variables(&format!("{tool}_INDEX_{word}_{part}"));
        of("MLRESOLVE").or_else(|| of("UV")).filter(|value| !value.is_empty())
    };
    let (user, password) = (given("USERNAME"), given("PASSWORD"));
    if user.is_none() && password.is_none() {
        return address.to_owned();
    }
    let Ok(mut url) = Url::parse(address) else {
        // What is wrong with the address is said where it is used.
        return address.to_owned();
    };
    // Both fail only for an address without a host, which is no index's.
    if let Some(user) = user {
        let _ = url.set_username(&user);
    }
    if let Some(password) = password {
        let _ = url.set_password(Some(&password));
    }
    url.into()
}
