//! Types and comments as Python writes them.

use std::collections::BTreeSet;

use syn::{GenericArgument, PathArguments, Type};

use crate::declarations::{Declared, Shape};

/// A type as Python writes it; names of other classes are added to `used`.
pub(crate) fn python(ty: &Type, used: &mut BTreeSet<String>) -> String {
    let segment = match ty {
        Type::Path(path) => path.path.segments.last().unwrap(),
        Type::Slice(slice) => return format!("tuple[{}, ...]", python(&slice.elem, used)),
        _ => panic!("a type that is not known here"),
    };
    let inner = match &segment.arguments {
        PathArguments::AngleBracketed(list) => list.args.first().map(|argument| match argument {
            GenericArgument::Type(ty) => ty,
            _ => panic!("an argument that is no type"),
        }),
        _ => None,
    };
    let name = segment.ident.to_string();
    match (name.as_str(), inner) {
        ("Arc" | "Box", Some(inner)) => python(inner, used),
        ("Option", Some(inner)) => format!("{} | None", python(inner, used)),
        ("Vec", Some(inner)) if is_byte(inner) => "builtins.bytes".to_owned(),
        ("Vec", Some(inner)) => format!("tuple[{}, ...]", python(inner, used)),
        ("PerDirection" | "PerSegment", Some(inner)) => {
            let inner = python(inner, used);
            used.insert(name.clone());
            format!("{name}[{inner}]")
        }
        ("bool", None) => "bool".to_owned(),
        ("f32" | "f64", None) => "float".to_owned(),
        ("u8" | "u16" | "u32" | "u64" | "i32" | "i64", None) => "int".to_owned(),
        ("String" | "str" | "IpAddr" | "IpPrefix" | "TcHandle" | "TcpFlags", None) => {
            "str".to_owned()
        }
        (_, None) => {
            used.insert(name.clone());
            name
        }
        _ => panic!("{name} has arguments that are not known here"),
    }
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

/// A comment as a docstring, indented.
pub(crate) fn docstring(lines: &[String], indent: &str) -> String {
    let text = lines.join("\n").replace('\\', "\\\\");
    let text = text.replace("\n", &format!("\n{indent}")).replace(&format!("\n{indent}\n"), "\n\n");
    format!("{indent}\"\"\"{}\"\"\"\n", text.trim_end())
}

/// An enum as an alias: its names, and classes of what variants hold.
pub(crate) fn alias(declared: &Declared, used: &mut BTreeSet<String>) -> String {
    let Shape::Enum(variants) = &declared.shape else { panic!("{} is a struct", declared.name) };
    let plain = variants.iter().filter(|variant| variant.holds.is_none());
    let names: Vec<_> = plain.map(|variant| format!("    \"{}\",\n", variant.written)).collect();
    let held = variants.iter().filter_map(|variant| variant.holds.as_ref());
    let mut classes: Vec<_> = held.map(|ty| python(ty, used)).collect();
    classes.push(format!("Literal[\n{}]", names.concat()));
    let doc = docstring(&declared.doc, "");
    format!("{} = {}\n{doc}", declared.name, classes.join(" | "))
}
