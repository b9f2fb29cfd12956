//! Where a request comes from: the socket's address, or what a trusted proxy says it is.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Shared;

/// The address of the socket; put into every request by the accept loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketPeer(pub IpAddr);

/// The address of the caller as text, for the throttle and the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer(pub String);

impl FromRequestParts<Shared> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        Ok(Self(address(parts, app.config().behind_proxy)))
    }
}

fn address(parts: &Parts, behind_proxy: bool) -> String {
    // Only the last entry is the proxy's own; those before it are the caller's words.
    let told = parts.headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let told = told.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse::<IpAddr>().ok());
    let socket = parts.extensions.get::<SocketPeer>().map(|peer| peer.0);
    let address = if behind_proxy { told.or(socket) } else { socket };
    address.map_or_else(|| "unknown".to_owned(), |address| group(address).to_string())
}

/// A household or phone has a whole /64 of IPv6: it counts as one.
pub(super) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => other,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing test says where")]
mod tests {
    use super::*;

    #[test]
    fn only_the_proxys_own_word_counts_and_only_behind_one() {
        let request = axum::http::Request::builder().header("x-forwarded-for", "6.6.6.6, 2001:db8::77").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        parts.extensions.insert(SocketPeer("::ffff:10.0.0.1".parse().unwrap()));
        assert_eq!(address(&parts, true), "2001:db8::");
        assert_eq!(address(&parts, false), "10.0.0.1");
        parts.headers.insert("x-forwarded-for", "junk".parse().unwrap());
        assert_eq!(address(&parts, true), "10.0.0.1");
    }
}
