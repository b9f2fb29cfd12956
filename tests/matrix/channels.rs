//! Ways out, as news: the console is told the names of what may be read, devices only that there is something.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use roadbook_core::ids::UserId;
use roadbook_core::model::Edit;
use roadbook_core::replica::Target;
use roadbook_core::signing::NEWS_PATH;
use roadbook_server::access::may_read_kind;
use roadbook_server::access::table::SYSTEM_PART;

use super::company::{Company, Planted};

/// Longest wait for a piece of news.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open channel.
struct Channel(TcpStream);

impl Channel {
    fn open(company: &Company, path: &str, headers: &[(String, String)]) -> Self {
        let mut line = TcpStream::connect(company.server.address()).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        write!(line, "GET {path} HTTP/1.1\r\nhost: hq\r\n{headers}\r\n").unwrap();
        let mut channel = Self(line);
        let head = channel.until("\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        channel
    }

    fn until(&mut self, end: &str) -> String {
        self.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let begin = Instant::now();
        let mut heard = Vec::new();
        let mut piece = [0; 4_096];
        while begin.elapsed() < PATIENCE {
            match self.0.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => heard.extend(&piece[..n]),
                Err(_) => {}
            }
            if String::from_utf8_lossy(&heard).contains(end) {
                return String::from_utf8_lossy(&heard).into_owned();
            }
        }
        panic!("waited for {end:?}, heard {:?}", String::from_utf8_lossy(&heard));
    }

    /// The data of the next event: chunked transfer puts lengths between the lines, never into one.
    fn news(&mut self) -> serde_json::Value {
        let heard = self.until("}\n\n");
        let data = heard.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(data).unwrap()
    }
}

#[test]
fn news_name_only_what_may_be_read() {
    let company = Company::new();
    let consoles: Vec<Channel> =
        company.seats.iter().map(|seat| Channel::open(&company, "/api/news", &[("cookie".to_owned(), seat.cookie.clone())])).collect();
    let devices: Vec<Channel> = company
        .seats
        .iter()
        .map(|seat| Channel::open(&company, NEWS_PATH, &company.server.signature(&seat.good, "GET", NEWS_PATH, b"")))
        .collect();
    // One commit that touches every document.
    let touched: Vec<&Planted> = company.planted.iter().collect();
    let work = touched.iter().map(|planted| {
        let container = planted.kind.containers.iter().find(|container| container.part.0 != SYSTEM_PART).unwrap();
        let put = Edit::Put { container: container.name.to_owned(), key: "news".to_owned(), value: true.into() };
        (Target::about(planted.subject, planted.kind, planted.doc), vec![put])
    });
    let work: Vec<_> = work.collect();
    company.server.app.commit(UserId::from_bytes([0x77; 16]), &work).unwrap();
    for (seat, mut channel) in company.seats.iter().zip(consoles) {
        let readable: BTreeSet<String> = touched
            .iter()
            .filter(|planted| may_read_kind(seat.role, company.relation(seat, planted), planted.kind.id))
            .map(|planted| planted.doc.to_string())
            .collect();
        // Nothing to tell, nothing told: a piece that concerns everybody ends the wait.
        if readable.is_empty() {
            company.server.app.tell_rights_changed();
        }
        let news = channel.news();
        let told: BTreeSet<String> =
            news["docs"].as_array().into_iter().flatten().map(|doc| doc["doc"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, readable, "{:?}", seat.role);
    }
    for (seat, mut channel) in company.seats.iter().zip(devices) {
        let silent = company.planted.iter().all(|planted| !may_read_kind(seat.role, company.relation(seat, planted), planted.kind.id));
        if silent {
            continue;
        }
        let news = channel.news();
        assert!(news.as_object().unwrap().keys().all(|key| key == "number"), "{:?}: {news}", seat.role);
    }
}
