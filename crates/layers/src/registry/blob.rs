//! Blobs of a registry: what broke off goes on where it was.

use super::RegistryError;
use super::client::{ATTEMPTS, Client, Failure, passing};
use super::reference::Reference;
use super::transport::Response;
use crate::digest::Digest;
use crate::oci::Layout;
use crate::oci::layout::{Incoming, Taking};
use crate::oci::model::Descriptor;

/// An attempt that brought this many bytes was worth it: those that follow are counted anew.
const PROGRESS_BYTES: u64 = 1024 * 1024;

impl Client<'_> {
    /// Brings a blob into a layout, unless it is there.
    pub(super) fn download(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        into: &Layout,
    ) -> Result<(), RegistryError> {
        if into.has(&blob.digest, blob.size)? {
            return Ok(());
        }
        let mut incoming = into.incoming(blob.digest, blob.size)?;
        let mut tried = 0;
        loop {
            let before = incoming.received();
            let taken = self.part(reference, blob.digest, &mut incoming);
            match taken {
                Ok(()) => {
                    let Some(mut wrong) = incoming.keep()? else { return Ok(()) };
                    // Two halves that do not belong together; a whole that is wrong stays wrong.
                    if before == 0 || tried >= ATTEMPTS {
                        let (host, image) = (reference.host().to_owned(), reference.to_string());
                        let found = "of another digest".to_owned();
                        return Err(RegistryError::Digest { host, image, what: blob.digest, found });
                    }
                    wrong.restart()?;
                    incoming = wrong;
                    tried += 1;
                }
                Err(failure) => {
                    let progress = incoming.received().saturating_sub(before) >= PROGRESS_BYTES;
                    tried = if progress { 1 } else { tried + 1 };
                    if !failure.again || tried >= ATTEMPTS {
                        return Err(*failure.error);
                    }
                    self.pause(reference, tried, &failure)?;
                }
            }
        }
    }

    /// Takes what can be had of a blob in one request.
    fn part(
        &self,
        reference: &Reference,
        digest: Digest,
        incoming: &mut Incoming<'_>,
    ) -> Result<(), Failure> {
        let there = incoming.received();
        let headers = if there > 0 { vec![("Range", format!("bytes={there}-"))] } else { Vec::new() };
        let response = self.once(reference, &format!("blobs/{digest}"), &headers)?;
        if there > 0 && !goes_on(&response, there) {
            // The registry begins anew, or has something else now.
            incoming.restart().map_err(RegistryError::from)?;
            if response.status != 200 {
                let (image, what) = (reference.to_string(), digest.to_string());
                let error = std::io::Error::other("the registry does not go on where it broke off");
                return Err(passing(RegistryError::Broken { image, what, error }));
            }
        }
        incoming.take(response.body).map_err(|error| match error {
            Taking::Write(error) => RegistryError::from(error).into(),
            Taking::Read(error) => {
                let (image, what) = (reference.to_string(), digest.to_string());
                passing(RegistryError::Broken { image, what, error })
            }
        })
    }
}

/// Whether an answer begins with the byte that is wanted next.
fn goes_on(response: &Response, from: u64) -> bool {
    let range = response.header("Content-Range").and_then(|range| range.strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()).and_then(|first| first.parse().ok());
    response.status == 206 && first == Some(from)
}
