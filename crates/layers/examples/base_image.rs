//! Reads a base image, puts its layers into a layout and counts what is in it: `base_image PATH ARCHITECTURE [NAME]`.

#![expect(clippy::print_stdout, reason = "an example says what it did")]

use std::error::Error;
use std::path::Path;

use mlresolve_layers::listing::{FileTree, LayerListing};
use mlresolve_layers::oci::{BaseImage, Layout, Platform};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, architecture, name @ ..] = arguments.as_slice() else {
        return Err("base_image PATH ARCHITECTURE [NAME]".into());
    };
    let name = name.first().map(String::as_str);
    let image = BaseImage::open(Path::new(path), name, &Platform::linux(architecture))?;
    let folder = tempfile::tempdir()?;
    let layout = Layout::create(folder.path())?;
    let mut listings: Vec<LayerListing> = Vec::new();
    for (index, layer) in image.layers.iter().enumerate() {
        image.copy_layer(index, &layout)?;
        listings.push(image.list_layer(index, &mut |_, _, _| Ok(None))?);
        println!("diff_id: {}", layer.diff_id);
    }
    let tree = FileTree::of(&listings)?;
    println!("entries: {}", tree.iter().count());
    println!("python: {:?}", tree.resolve("/usr/bin/python3")?.map(|(path, _)| path));
    Ok(())
}
