//! What the bus declares, read from its source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::{Attribute, Expr, Fields, Item, Lit, Meta, Type, Visibility};

/// A declared type.
pub(crate) struct Declared {
    /// The source file's name, without its ending.
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) doc: Vec<String>,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) doc: Vec<String>,
    pub(crate) ty: Type,
}

pub(crate) struct Variant {
    /// As declared.
    pub(crate) name: String,
    /// As serde writes it.
    pub(crate) written: String,
    pub(crate) doc: Vec<String>,
    /// What it holds.
    pub(crate) holds: Option<Type>,
}

/// All types of the bus, in the order of their files and declarations.
pub(crate) struct Declarations(pub(crate) Vec<Declared>);

impl Declarations {
    /// Reads the bus's source.
    pub(crate) fn read() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bus/src");
        let mut all = Vec::new();
        for folder in ["", "views", "query"] {
            let mut files = BTreeMap::new();
            for entry in fs::read_dir(source.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "rs") {
                    files.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), path);
                }
            }
            for (name, path) in files {
                let parsed = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
                let name = if folder == "query" { format!("query/{name}") } else { name };
                all.extend(parsed.items.into_iter().filter_map(|item| declared(&name, item)));
            }
        }
        Self(all)
    }

    pub(crate) fn get(&self, name: &str) -> &Declared {
        self.0.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name} declared"))
    }

    /// The fields of the struct of this name.
    pub(crate) fn fields(&self, name: &str) -> &[Field] {
        match &self.get(name).shape {
            Shape::Struct(fields) => fields,
            Shape::Enum(_) => panic!("{name} is an enum"),
        }
    }

    /// The variants of the enum of this name.
    pub(crate) fn variants(&self, name: &str) -> &[Variant] {
        match &self.get(name).shape {
            Shape::Enum(variants) => variants,
            Shape::Struct(_) => panic!("{name} is a struct"),
        }
    }
}

fn declared(file: &str, item: Item) -> Option<Declared> {
    let file = file.to_owned();
    match item {
        Item::Struct(item) if matches!(item.vis, Visibility::Public(_)) => {
            let Fields::Named(named) = item.fields else { return None };
            let fields = named.named.into_iter().map(|field| Field {
                name: field.ident.unwrap().to_string(),
                doc: doc(&field.attrs),
                ty: field.ty,
            });
            let shape = Shape::Struct(fields.collect());
            Some(Declared { file, name: item.ident.to_string(), doc: doc(&item.attrs), shape })
        }
        Item::Enum(item) if matches!(item.vis, Visibility::Public(_)) => {
            let rename = renaming(&item.attrs);
            let variants = item.variants.into_iter().map(|variant| {
                let name = variant.ident.to_string();
                let holds = match variant.fields {
                    Fields::Unnamed(held) => held.unnamed.into_iter().next().map(|one| one.ty),
                    _ => None,
                };
                let written = renamed(&name, rename.as_deref());
                Variant { name, written, doc: doc(&variant.attrs), holds }
            });
            let shape = Shape::Enum(variants.collect());
            Some(Declared { file, name: item.ident.to_string(), doc: doc(&item.attrs), shape })
        }
        _ => None,
    }
}

/// The lines of a doc comment, without the links of rustdoc.
fn doc(attributes: &[Attribute]) -> Vec<String> {
    let lines = attributes.iter().filter(|one| one.path().is_ident("doc")).filter_map(|one| {
        let Meta::NameValue(pair) = &one.meta else { return None };
        let Expr::Lit(literal) = &pair.value else { return None };
        let Lit::Str(text) = &literal.lit else { return None };
        let text = text.value();
        Some(text.trim().replace("[`", "`").replace("`]", "`").replace("::", "."))
    });
    lines.collect()
}

/// What `#[serde(rename_all = "...")]` says.
fn renaming(attributes: &[Attribute]) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|one| one.path().is_ident("serde")) {
        attribute
            .parse_nested_meta(|meta| {
                let value: syn::LitStr = meta.value()?.parse()?;
                assert!(meta.path.is_ident("rename_all"), "serde is told something unknown");
                found = Some(value.value());
                Ok(())
            })
            .unwrap();
    }
    found
}

fn renamed(name: &str, rename: Option<&str>) -> String {
    match rename {
        None => name.to_owned(),
        Some("lowercase") => name.to_lowercase(),
        Some("kebab-case") => separated(name, '-'),
        Some(other) => panic!("{other} is not known here"),
    }
}

/// `RttCustomer` is `rtt-customer`, or with another separator.
pub(crate) fn separated(name: &str, separator: char) -> String {
    let mut text = String::new();
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            text.push(separator);
        }
        text.extend(c.to_lowercase());
    }
    text
}
