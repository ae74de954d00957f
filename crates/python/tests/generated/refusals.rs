//! An exception for each code with which the daemon refuses.

use crate::File;
use crate::declarations::Declarations;
use crate::types::docstring;

pub(crate) fn file(all: &Declarations) -> File {
    let mut text =
        "from __future__ import annotations\n\nfrom ._errors import Refused\n".to_owned();
    let mut by_code = String::new();
    for variant in all.variants("ErrorCode") {
        let (name, code) = (&variant.name, &variant.written);
        let doc = docstring(&variant.doc, "    ");
        text += &format!("\n\nclass {name}(Refused):\n{doc}\n    code = \"{code}\"\n");
        by_code += &format!("    \"{code}\": {name},\n");
    }
    text += &format!("\n\nBY_CODE: dict[str, type[Refused]] = {{\n{by_code}}}\n");
    crate::file("_refusals.py", "An exception for each code with which the daemon refuses.", &text)
}
