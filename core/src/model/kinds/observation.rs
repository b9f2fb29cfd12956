//! `observation`: what somebody in the field saw of a customer's credit (信用观察): written once, by somebody who may not read the
//! credit file that it is kept beside. Read by its author and by whoever reads the file.

use super::super::schema::{Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};

/// 信用观察
pub static OBSERVATION: Kind = Kind {
    id: "observation",
    label: Label::new("信用观察", "Credit observation"),
    version: 1,
    private: true,
    genesis: Genesis { kind: "observation", versions: &[&[("body", Shape::Registers), ("clocks", Shape::Registers)]] },
    containers: &[
        Container { name: "body", shape: Shape::Registers, part: Part("observation.body"), value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
    ],
    sections: &[Section { id: "observation", label: Label::new("信用观察", "Credit observation"), fields: FIELDS }],
};

static FIELDS: &[Field] = &[Field::fact("text", "内容", "Text", FieldType::Prose(2_000)).merged(Merge::Once).weight(0)];
