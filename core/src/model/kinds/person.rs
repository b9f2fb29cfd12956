//! `person`: what is known of one stakeholder of a customer (人员个性资料): a document for each entry of the card's list, so that
//! it can be erased as a whole. Written and read by the owner of the customer and by managers, by nobody else; in no list, in no search.
//! Name, role and phone number stay on the card.

use super::super::schema::{Class, Container, Field, FieldType, Kind, Label, Merge, Part, Section};
use super::super::values;
use super::REGISTER_BYTES_MAX;
use crate::crdt::{Genesis, Shape};

/// Texts that merge character by character, each a container of its own.
const TEXTS: [&str; 4] = ["character", "hobbies", "family", "ability"];
const TRAITS: Part = Part("person.traits");

const fn text(name: &'static str) -> Container {
    Container { name, shape: Shape::Text, part: TRAITS, value_bytes_max: REGISTER_BYTES_MAX }
}

/// 人员个性资料
pub static PERSON: Kind = Kind {
    id: "person",
    label: Label::new("人员个性资料", "Personal traits"),
    version: 1,
    private: true,
    genesis: Genesis {
        kind: "person",
        versions: &[&[
            ("facts", Shape::Registers),
            ("clocks", Shape::Registers),
            (TEXTS[0], Shape::Text),
            (TEXTS[1], Shape::Text),
            (TEXTS[2], Shape::Text),
            (TEXTS[3], Shape::Text),
        ]],
    },
    containers: &[
        Container { name: "facts", shape: Shape::Registers, part: TRAITS, value_bytes_max: REGISTER_BYTES_MAX },
        Container { name: "clocks", shape: Shape::Registers, part: Part("system.clocks"), value_bytes_max: REGISTER_BYTES_MAX },
        text(TEXTS[0]),
        text(TEXTS[1]),
        text(TEXTS[2]),
        text(TEXTS[3]),
    ],
    sections: &[
        Section { id: "traits", label: Label::new("个性资料", "Traits"), fields: TRAIT_FIELDS },
        Section { id: "keeping", label: Label::new("保存依据", "Ground for keeping"), fields: KEEPING },
    ],
};

const fn prose(id: &'static str, zh: &'static str, en: &'static str) -> Field {
    Field::fact(id, zh, en, FieldType::Prose(2_000)).merged(Merge::Text).weight(0)
}
const fn register(id: &'static str, zh: &'static str, en: &'static str, ty: FieldType) -> Field {
    Field::fact(id, zh, en, ty).merged(Merge::Register).class(Class::A).weight(0)
}

static TRAIT_FIELDS: &[Field] = &[
    prose(TEXTS[0], "性格", "Character"),
    prose(TEXTS[1], "嗜好", "Hobbies"),
    prose(TEXTS[2], "家庭", "Family"),
    register("education", "学历", "Education", FieldType::Line(60)),
    register("age", "年龄", "Age", FieldType::Integer { min: 0, max: 130 }),
    prose(TEXTS[3], "能力", "Ability"),
];
static KEEPING: &[Field] = &[
    register("consent_basis", "同意依据", "Ground for keeping", FieldType::Code(&values::CONSENT_BASIS)),
    register("keep_until", "保存至", "Keep until", FieldType::Date),
    // The entry of the card's list that it is about; the document's id is derived from it.
    register("stakeholder", "人员", "Person", FieldType::Reference),
];
