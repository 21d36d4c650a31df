//! Looking up the addresses of hosts, once each.
//!
//! A run opens many connections to one host at the same moment. A look-up for each of them floods small name servers,
//! which then drop requests, and a dropped one costs the system's resolver five seconds.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::once::OnceMap;

/// The system's resolver, asked once for each host.
#[derive(Clone)]
pub(crate) struct Names(Arc<OnceMap<String, Vec<SocketAddr>>>);

impl Names {
    pub(crate) fn new() -> Self {
        Self(Arc::new(OnceMap::new()))
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let known = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let look_up = async || {
                // The port is the connection's to set.
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                std::io::Result::Ok(found.collect())
            };
            let addresses = known.get(host, look_up).await?;
            let addresses: Addrs = Box::new(Vec::clone(&addresses).into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_looked_up_once_whoever_asks() {
        let names = Names::new();
        let ask = async || names.resolve("localhost".parse().unwrap()).await.unwrap().collect::<Vec<_>>();
        let (first, second) = tokio::join!(ask(), ask());
        assert!(!first.is_empty());
        assert_eq!(first, second);
        // What is known is not looked up again: a name that no resolver knows is answered from memory.
        let address: SocketAddr = "127.0.0.9:0".parse().unwrap();
        let made_up = async || std::io::Result::Ok(vec![address]);
        names.0.get("made-up.invalid".to_owned(), made_up).await.unwrap();
        let found = names.resolve("made-up.invalid".parse().unwrap()).await.unwrap();
        assert_eq!(found.collect::<Vec<_>>(), [address]);
    }
}
