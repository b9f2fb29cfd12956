//! What each fuzz target begins with: honest inputs, from which the engine goes on.

use roadbook_core::crdt::Heads;
use roadbook_core::ids::{DeviceId, DocId, Ms};
use roadbook_core::model::Value;
use roadbook_core::signing::{EnrolRequest, Signed, SoftwareKey};

use super::forge::contents;
use super::world::World;

const NOW: Ms = Ms(1_772_409_600_000);

/// Targets and inputs.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let world = World::card();
    let (changes, whole) = (world.document.changes_since(&Heads::default()), world.document.save());
    let inside = |bytes: &[u8]| contents(bytes).to_vec();
    let request = include_bytes!("../../fixtures/wire-1/request.frame");
    let answer = include_bytes!("../../fixtures/wire-1/answer.frame");
    let plain = |frame: &[u8]| zstd::decode_all(&frame[1..]).unwrap();
    let key = SoftwareKey::from_secret(&[5; 32]).unwrap();
    let enrol = EnrolRequest { code: "0000-0000-0000-0000".to_owned(), key: key.public().to_sec1().into(), name: "wf1".to_owned() };
    let mut seeds = vec![
        ("snapshot", inside(&whole)),
        ("request", request.to_vec()),
        ("request", plain(request)),
        ("answer", answer.to_vec()),
        ("answer", plain(answer)),
        ("phone", plain(answer)),
        ("phone", inside(&whole)),
        ("enrolment", enrol.encode()),
        ("enrolment", key.public().to_sec1()),
        ("answer", include_bytes!("../../fixtures/wire-1/answer-3.frame").to_vec()),
        ("carried", include_bytes!("../../fixtures/wire-1/packet.bin").to_vec()),
        ("carried", include_bytes!("../../fixtures/wire-1/packet.bin")[1..].to_vec()),
        ("carried", include_bytes!("../../fixtures/wire-1/meeting.bin").to_vec()),
        ("blobs", include_bytes!("../../fixtures/wire-1/blob-ask-offer.frame").to_vec()),
        ("blobs", include_bytes!("../../fixtures/wire-1/blob-ask-chunks.frame")[1..].to_vec()),
        ("blobs", include_bytes!("../../fixtures/wire-1/blob-said-given.frame").to_vec()),
        ("blobs", include_bytes!("../../fixtures/wire-1/blob-said-stood.frame")[1..].to_vec()),
        ("blobs", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01".to_vec()),
        ("sheet", include_bytes!("../../foreign/customers.csv").to_vec()),
        ("sheet", "客户名称,电话,地址,等级,区域\n惠民超市,13800000000,人民路1号,A,城东\n".as_bytes().to_vec()),
        ("gate", (0..200u8).collect()),
        ("texts", DocId::from_bytes([7; 16]).to_string().into_bytes()),
        ("texts", minicbor::to_vec(Value::map([("a", Value::Int(1)), ("b", "文".into())])).unwrap()),
        ("texts", br#"[{"edit":"assert","field":"trade_name","value":"x"},{"edit":"include","field":"brands","element":"y"}]"#.to_vec()),
    ];
    seeds.extend(changes.iter().map(|change| ("change", inside(&change.bytes))));
    seeds.extend(changes.iter().map(|change| ("phone", inside(&change.bytes))));
    seeds.extend(["huimin", "惠民", "7-11", "cqxm", "１３８", "a b  c"].map(|query| ("search", query.as_bytes().to_vec())));
    let texts =
        ["q=惠民&limit=5&sort=name", "field=trade_name", "day=2026-03-02&limit=9", "day=2026-03-02", "from=2026-03-01&to=2026-03-09", "x"];
    seeds.extend((0u8..).zip(texts).map(|(choice, text)| ("console", [&[choice], text.as_bytes()].concat())));
    let bodies = [
        r#"{"heads":"","edits":[{"act":"set","field":"short_name","value":"x","source":null,"observed_ms":null}]}"#,
        r#"{"field":"trade_name","assertion":"1","decision":"accept","method":"call","reason":null}"#,
        r#"{"day":"2026-03-02","rep":"01010101-0101-0101-0101-010101010101","customers":[],"urgent":[],"heads":null}"#,
        r#"{"day":"2026-03-02","rep":"01010101-0101-0101-0101-010101010101","customers":[],"keep_order":true}"#,
        "rivals:eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee:trade_name",
        r#"{"name":"cg","password":"x"}"#,
    ];
    seeds.extend((6u8..).zip(bodies).map(|(choice, text)| ("console", [&[choice], text.as_bytes()].concat())));
    let [device, time, nonce, signature] = {
        let signed = Signed {
            method: "POST",
            path: "/v1/sync",
            device: Some(DeviceId::from_bytes([7; 16])),
            time: NOW,
            nonce: [9; 16],
            body: b"body",
        };
        signed.headers(&key.sign(&signed.text())).map(|(_, value)| value)
    };
    seeds.push(("signed", format!("{device}\n{time}\n{nonce}\n{signature}\n/v1/sync\nbody").into_bytes()));
    seeds
}
