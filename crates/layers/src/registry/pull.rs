//! An image of a registry, brought into a layout.

use std::io::Read;

use super::RegistryError;
use super::client::{Client, Failure, passing};
use super::reference::Reference;
use super::transport::Response;
use crate::digest::Digest;
use crate::oci::Layout;
use crate::oci::base::{
    BaseError, BaseImage, DOCKER_LIST, DOCKER_MANIFEST, DOCUMENT_BYTES_LIMIT, Document, Place, choose, images,
};
use crate::oci::model::{Descriptor, MEDIA_TYPE_INDEX, MEDIA_TYPE_MANIFEST, Platform};

/// The documents that a tag may stand for.
const MANIFESTS: [&str; 4] = [MEDIA_TYPE_INDEX, MEDIA_TYPE_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

impl Client<'_> {
    /// Brings an image into a layout, and opens it there.
    ///
    /// The layout is a cache: what it has is not asked for again, so an image that is named by digest and is there needs
    /// no network. What a tag stands for is always asked. Its index is left alone.
    ///
    /// # Errors
    /// When the registry cannot be reached, does not give the image out, or sends something else; when there is no
    /// image for the platform; when the layout cannot be written.
    pub fn pull(
        &self,
        reference: &Reference,
        platform: &Platform,
        into: &Layout,
    ) -> Result<BaseImage, RegistryError> {
        let name = reference.to_string();
        let known = match reference.digest() {
            Some(digest) => into.known_document(&digest)?,
            None => None,
        };
        let bytes = match known {
            Some(bytes) => bytes,
            None => self.named(reference, into)?,
        };
        let top = Digest::of(&bytes);
        let mut document = |descriptor: &Descriptor| self.document(reference, descriptor, into);
        let chosen = match Document::read(&name, &bytes)? {
            Document::Index(entries) => {
                let candidates = images(entries, &mut document)?;
                choose(&name, None, platform, candidates)?.at
            }
            Document::Manifest { .. } => Descriptor::new(MEDIA_TYPE_MANIFEST, top, bytes.len() as u64),
        };
        let (config, layers) = BaseImage::read_manifest(&chosen, &name, platform, &mut document)?;
        let mut places = Vec::new();
        for layer in &layers {
            self.download(reference, &layer.descriptor, into)?;
            places.push(Place::File(into.blob_path(&layer.descriptor.digest)));
        }
        let pinned = Some(reference.pinned(top).to_string());
        Ok(BaseImage { name, digest: chosen.digest, pinned, config, layers, places })
    }

    /// The document that a name stands for.
    fn named(&self, reference: &Reference, into: &Layout) -> Result<Vec<u8>, RegistryError> {
        let named = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let accept = [("Accept", MANIFESTS.join(", "))];
        let (bytes, stated) = self.get(reference, &format!("manifests/{named}"), &accept, |response| {
            let stated = response.header("Docker-Content-Digest").and_then(|stated| stated.parse().ok());
            Ok((all(reference, &named, response)?, stated))
        })?;
        let found = Digest::of(&bytes);
        // The name of a digest is its bytes; of a tag there is only what the registry says.
        match reference.digest().or(stated) {
            Some(what) if what != found => Err(wrong(reference, what, found)),
            _ => {
                into.add_bytes(MEDIA_TYPE_MANIFEST, &bytes)?;
                Ok(bytes)
            }
        }
    }

    /// A document that another one names, from the layout if it is there.
    fn document(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        into: &Layout,
    ) -> Result<Vec<u8>, RegistryError> {
        let digest = descriptor.digest;
        if let Some(bytes) = into.known_document(&digest)? {
            return Ok(bytes);
        }
        let name = digest.to_string();
        if descriptor.size > DOCUMENT_BYTES_LIMIT {
            return Err(BaseError::Large { name }.into());
        }
        let media_type = descriptor.media_type.as_str();
        let is_manifest = media_type.is_empty() || MANIFESTS.contains(&media_type);
        let (path, accept) = if is_manifest {
            (format!("manifests/{digest}"), MANIFESTS.join(", "))
        } else {
            (format!("blobs/{digest}"), "*/*".to_owned())
        };
        let read = |response| all(reference, &name, response);
        let bytes = self.get(reference, &path, &[("Accept", accept)], read)?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(wrong(reference, digest, found));
        }
        into.add_bytes(media_type, &bytes)?;
        Ok(bytes)
    }
}

/// The whole of a document. One that is shorter than its header says broke off.
fn all(reference: &Reference, what: &str, response: Response) -> Result<Vec<u8>, Failure> {
    let stated = response.header("Content-Length").and_then(|length| length.parse::<u64>().ok());
    let mut bytes = Vec::new();
    let read = response.body.take(DOCUMENT_BYTES_LIMIT + 1).read_to_end(&mut bytes);
    let length = bytes.len() as u64;
    if length > DOCUMENT_BYTES_LIMIT {
        return Err(RegistryError::from(BaseError::Large { name: what.to_owned() }).into());
    }
    let broken =
        |error| passing(RegistryError::Broken { image: reference.to_string(), what: what.to_owned(), error });
    read.map_err(broken)?;
    match stated {
        Some(stated) if length < stated => Err(broken(std::io::ErrorKind::UnexpectedEof.into())),
        _ => Ok(bytes),
    }
}

fn wrong(reference: &Reference, what: Digest, found: Digest) -> RegistryError {
    let (host, image) = (reference.host().to_owned(), reference.to_string());
    RegistryError::Digest { host, image, what, found: found.to_string() }
}
