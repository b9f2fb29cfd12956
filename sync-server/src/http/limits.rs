//! The table of limits in this room's docs, written from the constants themselves: what the code holds to is what people read.

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing test says where")]

    use std::time::Duration;

    use roadbook_core::blobs::wire::BLOB_FRAME_BYTES_MAX;
    use roadbook_core::blobs::{BLOB_BYTES_MAX, PIXELS_MAX, THUMBNAIL_BYTES_MAX};
    use roadbook_core::exchange::{
        ANSWER_BYTES_MAX, ANSWER_PLAIN_BYTES_MAX, ITEMS_BYTES_TARGET, PUSHED_CHANGES_MAX, REQUEST_BYTES_MAX, REQUEST_PLAIN_BYTES_MAX,
    };
    use roadbook_core::signing::ENROL_BYTES_MAX;

    use crate::app::{EXCHANGES_AT_ONCE_MAX, WORK_AT_ONCE_MAX};
    use crate::auth::password::{HASHES_AT_ONCE_MAX, PASSWORD_BYTES_MAX};
    use crate::config::Limits;
    use crate::device::WINDOW_MS;
    use crate::http::{JSON_BYTES_MAX, LOGIN_BYTES_MAX, REQUEST_TIME, body, crowd, patience, serve, tls};

    fn bytes(number: usize) -> String {
        match number {
            _ if number >= 1 << 20 && number.is_multiple_of(1 << 20) => format!("{} MiB", number >> 20),
            _ if number >= 1 << 10 && number.is_multiple_of(1 << 10) => format!("{} KiB", number >> 10),
            _ => format!("{number} bytes"),
        }
    }
    fn large(number: u64) -> String {
        bytes(usize::try_from(number).unwrap())
    }
    fn time(time: Duration) -> String {
        let seconds = time.as_secs();
        if seconds >= 120 && seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
    }
    fn count(number: impl std::fmt::Display) -> String {
        number.to_string()
    }

    fn table() -> String {
        let Limits {
            device_requests_per_minute,
            device_requests_at_once,
            connections,
            connections_per_address,
            requests,
            waiting,
            bodies_bytes,
            answers_bytes,
            device_blob_requests_per_minute,
            blobs,
        } = Limits::default();
        let window = Duration::from_millis(WINDOW_MS.unsigned_abs());
        let rows = [
            ("Limits::connections", count(connections), "open connections; beyond: 503 and closed"),
            (
                "Limits::connections_per_address",
                count(connections_per_address),
                "of one address or /64, without a proxy; beyond: 503 and closed",
            ),
            (
                "crowd::REFUSALS_AT_ONCE_MAX",
                count(crowd::REFUSALS_AT_ONCE_MAX),
                "connections told so at the same time; beyond: closed without a word",
            ),
            ("crowd::REFUSAL_TIME", time(crowd::REFUSAL_TIME), "to tell it"),
            ("serve::HANDSHAKE_TIME", time(serve::HANDSHAKE_TIME), "for a TLS handshake"),
            ("serve::HEADER_TIME", time(serve::HEADER_TIME), "for the headers of a request, and for idling between two"),
            ("serve::HEADER_BYTES_MAX", bytes(serve::HEADER_BYTES_MAX), "headers of a request; beyond: 431"),
            ("serve::HEADERS_MAX", count(serve::HEADERS_MAX), "headers of a request; beyond: 431"),
            ("Limits::requests", count(requests), "requests under way, channels not counted; beyond: 503"),
            ("Limits::waiting", count(waiting), "requests waiting for a worker; beyond: 503"),
            ("Limits::device_requests_per_minute", count(device_requests_per_minute), "of one device; beyond: 429"),
            ("Limits::device_requests_at_once", count(device_requests_at_once), "of one device, channels counted; beyond: 429"),
            ("Limits::device_blob_requests_per_minute", count(device_blob_requests_per_minute), "about photos, of one device; beyond: 429"),
            ("BlobLimits::device_bytes", large(blobs.device_bytes), "of photos held of one device; beyond: put off"),
            ("BlobLimits::device_bytes_per_day", large(blobs.device_bytes_per_day), "of photos of one device in a day; beyond: put off"),
            (
                "BlobLimits::device_bytes_under_way",
                large(blobs.device_bytes_under_way),
                "of photos offered and not wholly handed in; beyond: put off",
            ),
            ("blobs::BLOB_BYTES_MAX", bytes(BLOB_BYTES_MAX), "of one photo or file; beyond: refused"),
            ("blobs::PIXELS_MAX", count(PIXELS_MAX), "pixels of one picture; beyond: refused"),
            ("blobs::THUMBNAIL_BYTES_MAX", bytes(THUMBNAIL_BYTES_MAX), "of one thumbnail; beyond: refused"),
            ("wire::BLOB_FRAME_BYTES_MAX", bytes(BLOB_FRAME_BYTES_MAX), "frame about photos; beyond: 413"),
            ("app::WORK_AT_ONCE_MAX", count(WORK_AT_ONCE_MAX), "pieces of blocking work at once"),
            ("app::EXCHANGES_AT_ONCE_MAX", count(EXCHANGES_AT_ONCE_MAX), "exchanges worked on at once"),
            ("password::HASHES_AT_ONCE_MAX", count(HASHES_AT_ONCE_MAX), "password hashes at once, 19 MiB each"),
            ("password::PASSWORD_BYTES_MAX", bytes(PASSWORD_BYTES_MAX), "of a password"),
            ("Limits::bodies_bytes", bytes(bodies_bytes), "request bodies in memory, all together"),
            ("Limits::answers_bytes", bytes(answers_bytes), "large answers in memory until they are sent, all together"),
            ("body::ANSWER_BYTES_FREE", bytes(body::ANSWER_BYTES_FREE), "an answer up to this length counts as small"),
            ("body::ROOM_WAIT", time(body::ROOM_WAIT), "waiting for such memory; then: 503"),
            ("http::REQUEST_TIME", time(REQUEST_TIME), "a request that is no exchange; then: 408"),
            ("body::BODY_WINDOW", time(body::BODY_WINDOW), "in which a body must bring the next line; else: 408"),
            ("body::BODY_BYTES_PER_WINDOW_MIN", bytes(body::BODY_BYTES_PER_WINDOW_MIN), "see above"),
            ("body::BODY_TIME_MAX", time(body::BODY_TIME_MAX), "a whole body; then: 408"),
            ("body::DISCARD_TIME", time(body::DISCARD_TIME), "a body that nobody will look at is read, so that its sender hears why"),
            (
                "patience::WRITE_WINDOW",
                time(patience::WRITE_WINDOW),
                "in which a peer must take the next line of a waiting answer; else: cut",
            ),
            ("patience::WRITE_BYTES_PER_WINDOW_MIN", bytes(patience::WRITE_BYTES_PER_WINDOW_MIN), "see above"),
            ("http::LOGIN_BYTES_MAX", bytes(LOGIN_BYTES_MAX), "body of a log-in; beyond: 413"),
            ("http::JSON_BYTES_MAX", bytes(JSON_BYTES_MAX), "body of another request of the console; beyond: 413"),
            ("signing::ENROL_BYTES_MAX", bytes(ENROL_BYTES_MAX), "body of an enrolment; beyond: 413"),
            ("exchange::REQUEST_BYTES_MAX", bytes(REQUEST_BYTES_MAX), "frame of an exchange; beyond: 413"),
            ("exchange::REQUEST_PLAIN_BYTES_MAX", bytes(REQUEST_PLAIN_BYTES_MAX), "the same, decompressed; beyond: 413"),
            ("exchange::PUSHED_CHANGES_MAX", count(PUSHED_CHANGES_MAX), "changes of a frame; beyond: 413"),
            ("exchange::ITEMS_BYTES_TARGET", bytes(ITEMS_BYTES_TARGET), "documents of an answer, after which it is closed"),
            ("exchange::ANSWER_PLAIN_BYTES_MAX", bytes(ANSWER_PLAIN_BYTES_MAX), "an answer, decompressed, that a device takes"),
            ("exchange::ANSWER_BYTES_MAX", bytes(ANSWER_BYTES_MAX), "frame of an answer"),
            ("device::WINDOW_MS", time(window), "between the time of a signature and the server's, either way"),
            ("serve::SHUTDOWN_TIME", time(serve::SHUTDOWN_TIME), "for requests under way when the server ends"),
            ("tls::LOOK_EVERY", time(tls::LOOK_EVERY), "between two looks at certificate and key"),
            ("tls::PEM_BYTES_MAX", bytes(tls::PEM_BYTES_MAX), "of a PEM file"),
        ];
        let mut text = "| limit | value | of what |\n|---|---|---|\n".to_owned();
        for (name, value, what) in rows {
            text.push_str(&format!("| `{name}` | {value} | {what} |\n"));
        }
        text
    }

    #[test]
    fn the_table_says_what_the_constants_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/limits.md");
        if std::env::var("ROADBOOK_FIXTURES").is_ok_and(|word| word == "make") {
            std::fs::write(path, table()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), table(), "write it anew with ROADBOOK_FIXTURES=make");
    }
}
