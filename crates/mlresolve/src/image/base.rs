//! What an image stands on.

use mlresolve_layers::Digest;
use mlresolve_layers::oci::{History, ImageConfig, ImageLayer};

use super::build::Builder;
use super::contents::Contents;
use super::skeleton::BasePython;
use crate::error::Error;

pub(crate) struct BaseImage {
    pub name: String,
    pub digest: Digest,
    pub config: ImageConfig,
}

/// The image below, whose layers are in the layout of the image above.
pub(crate) struct Base {
    pub(crate) image: BaseImage,
    pub(crate) layers: Vec<ImageLayer>,
    pub(crate) python: BasePython,
    pub(crate) passwd: String,
    pub(crate) group: String,
}

impl Base {
    pub(crate) fn open(_place: &str, _contents: &Contents, _builder: &Builder<'_>) -> Result<Self, Error> {
        Err(Error::Internal("not yet".to_owned()))
    }
}

/// How the layers below were made, one step for each layer.
pub(crate) fn history(steps: &[History], layers: usize) -> Vec<History> {
    if steps.iter().filter(|step| !step.empty_layer).count() == layers {
        return steps.to_vec();
    }
    let step = History { comment: Some("the base".to_owned()), ..History::default() };
    vec![step; layers]
}
