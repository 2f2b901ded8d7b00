//! Which targets are allowed. Safe by default.
//!
//! Invariant: an address is connected to only after [`check_address`] has let it pass, whatever name led
//! to it. Proxies from the environment are never used and redirects never followed: there is no code for them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Why something is no target.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The text is no URL of the kind that is wanted.
    #[error("read {url:?} as a URL: {reason}")]
    Url {
        /// As given, without user information.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The name does not resolve.
    #[error("resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// The name resolves to nothing.
    #[error("resolve {host}: no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// The address is neither loopback nor private.
    #[error(
        "send to {host}: {address} is {kind}; only loopback and private addresses are targets unless --allow-host {host} allows it"
    )]
    NotPrivate {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        kind: AddressKind,
    },
    /// The address is never one to send to.
    #[error("send to {host}: {address} is {kind}")]
    Never {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        kind: AddressKind,
    },
    /// The corpus was recorded from there.
    #[error(
        "send to {host}: the corpus was recorded from {recorded:?}, which is the same server; --allow-host {host} allows it"
    )]
    RecordedOrigin {
        /// The target's host.
        host: String,
        /// The Host field in the corpus.
        recorded: String,
    },
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// This machine.
    Loopback,
    /// RFC 1918, or unique local (RFC 4193).
    Private,
    /// 169.254.0.0/16 or fe80::/10: among them the metadata services of clouds.
    LinkLocal,
    /// `0.0.0.0` or `::`.
    Unspecified,
    /// Multicast or broadcast.
    Many,
    /// Anything else.
    Public,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressKind::Loopback => "a loopback address",
            AddressKind::Private => "a private address",
            AddressKind::LinkLocal => "a link-local address",
            AddressKind::Unspecified => "the unspecified address",
            AddressKind::Many => "a multicast or broadcast address",
            AddressKind::Public => "a public address",
        })
    }
}

impl AddressKind {
    /// The kind of `address`; an IPv4 address inside an IPv6 one counts as itself.
    pub fn of(address: IpAddr) -> AddressKind {
        match address {
            IpAddr::V4(v4) => kind_of_v4(v4),
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| kind_of_v6(v6), kind_of_v4),
        }
    }
}

fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    if address.octets()[0] == 0 {
        AddressKind::Unspecified
    } else if address.is_loopback() {
        AddressKind::Loopback
    } else if address.is_private() {
        AddressKind::Private
    } else if address.is_link_local() {
        AddressKind::LinkLocal
    } else if address.is_multicast() || address.is_broadcast() {
        AddressKind::Many
    } else {
        AddressKind::Public
    }
}

fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    if address.is_unspecified() {
        AddressKind::Unspecified
    } else if address.is_loopback() {
        AddressKind::Loopback
    } else if address.is_unique_local() {
        AddressKind::Private
    } else if address.is_unicast_link_local() {
        AddressKind::LinkLocal
    } else if address.is_multicast() {
        AddressKind::Many
    } else {
        AddressKind::Public
    }
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// A backend's place: scheme, host, port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    /// Lower case, without brackets and trailing dot.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`.
    pub(crate) fn parse(url: &str) -> Result<Origin, GuardError> {
        let shown = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
        let wrong = |reason| GuardError::Url { url: shown.to_owned(), reason };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("expected http://host:port"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(wrong("the scheme must be http or https")),
        };
        if rest.contains('@') {
            return Err(wrong("user information does not belong here; set a header field instead"));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(wrong("a backend has no path: requests bring their own"));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| wrong("the port is no number from 1 to 65535"))?;
        let host = canonical_host(host).map_err(wrong)?;
        Ok(Origin { scheme, host, port: port.unwrap_or_else(|| scheme.default_port()) })
    }

    /// `host` or `host:port`, as a Host field has it.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// The URL, spelt the same way for the same place.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}", self.authority())
    }

    /// The addresses to connect to, from `--resolve` or the resolver, each of them checked.
    pub(crate) fn addresses(&self, rules: &TargetRules) -> Result<Vec<SocketAddr>, GuardError> {
        let given: Vec<SocketAddr> =
            rules.resolve.iter().filter_map(|entry| entry.address_for(self)).collect();
        let found = if given.is_empty() { self.ask_resolver()? } else { given };
        found.iter().try_for_each(|address| check_address(&self.host, address.ip(), rules))?;
        Ok(found)
    }

    fn ask_resolver(&self) -> Result<Vec<SocketAddr>, GuardError> {
        let found: Vec<SocketAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|source| GuardError::Resolve { host: self.host.clone(), source })?
            .collect();
        if found.is_empty() {
            return Err(GuardError::NoAddress { host: self.host.clone() });
        }
        Ok(found)
    }
}

/// Splits `host[:port]`; `None` where a port is there and is none.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_bracket..].rfind(':') {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(after_bracket + colon);
            let digits = &port[1..];
            let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u16>().ok())??;
            (number > 0).then_some((host, Some(number)))
        }
    }
}

/// The name in a recorded Host field, where it is one.
pub(crate) fn host_name(recorded: &str) -> Option<String> {
    split_port(recorded).and_then(|(host, _)| canonical_host(host).ok())
}

/// Lower case, without brackets and trailing dot. Numbers that are no plain address are refused, because
/// readers of addresses differ on them (`2130706433`, `0177.1`, `0x7f.1`).
fn canonical_host(host: &str) -> Result<String, &'static str> {
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address.map(|v6| v6.to_string()).ok_or("the address in brackets is no IPv6 address");
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty() || !name.bytes().all(plain) || name.split('.').any(str::is_empty) {
        return Err("the host is no name and no address (internationalised names: use their xn-- form)");
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    if numeric && name.parse::<Ipv4Addr>().is_err() {
        return Err("the host is a number that is no plain IPv4 address");
    }
    Ok(name)
}

/// What the caller allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct TargetRules {
    allowed: Vec<String>,
    resolve: Vec<Resolve>,
}

impl TargetRules {
    /// From `--allow-host` and `--resolve`.
    pub(crate) fn new(allow_hosts: &[String], resolve: &[String]) -> Result<TargetRules, GuardError> {
        let wrong = |text: &String, reason| GuardError::Url { url: text.clone(), reason };
        let allowed = allow_hosts
            .iter()
            .map(|host| {
                let bare: &str =
                    if host.parse::<Ipv6Addr>().is_ok() { return Ok(host.clone()) } else { host };
                canonical_host(bare).map_err(|reason| wrong(host, reason))
            })
            .collect::<Result<_, _>>()?;
        let resolve = resolve
            .iter()
            .map(|text| Resolve::parse(text).ok_or_else(|| wrong(text, "expected host:port:address")))
            .collect::<Result<_, _>>()?;
        Ok(TargetRules { allowed, resolve })
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == host)
    }
}

/// One `--resolve host:port:address`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resolve {
    host: String,
    port: u16,
    address: IpAddr,
}

impl Resolve {
    fn parse(text: &str) -> Option<Resolve> {
        let host_end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':')? };
        let host = canonical_host(&text[..host_end]).ok()?;
        let (port, address) = text[host_end..].strip_prefix(':')?.split_once(':')?;
        let address = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
        Some(Resolve { host, port: port.parse().ok()?, address: address.parse().ok()? })
    }

    fn address_for(&self, origin: &Origin) -> Option<SocketAddr> {
        let same = self.host == origin.host && self.port == origin.port;
        same.then(|| SocketAddr::new(self.address, self.port))
    }
}

/// Refuses an address that is not for us to send to.
pub(crate) fn check_address(host: &str, address: IpAddr, rules: &TargetRules) -> Result<(), GuardError> {
    let kind = AddressKind::of(address);
    let host = host.to_owned();
    match kind {
        AddressKind::Loopback | AddressKind::Private => Ok(()),
        AddressKind::Unspecified | AddressKind::Many => Err(GuardError::Never { host, address, kind }),
        AddressKind::LinkLocal | AddressKind::Public if rules.allows(&host) => Ok(()),
        AddressKind::LinkLocal | AddressKind::Public => Err(GuardError::NotPrivate { host, address, kind }),
    }
}

/// Refuses a target that is the server from which the corpus was recorded: by name, or by an address that
/// `resolve` finds for a recorded name.
pub(crate) fn check_origin(
    origin: &Origin,
    addresses: &[SocketAddr],
    recorded_hosts: &[String],
    rules: &TargetRules,
    resolve: impl Fn(&str) -> Vec<IpAddr>,
) -> Result<(), GuardError> {
    if rules.allows(&origin.host) {
        return Ok(());
    }
    for recorded in recorded_hosts {
        let Some((host, port)) = split_port(recorded) else { continue };
        let Ok(host) = canonical_host(host) else { continue };
        let same_port = port.map_or(matches!(origin.port, 80 | 443), |port| port == origin.port);
        let same_host =
            || host == origin.host || addresses.iter().any(|own| resolve(&host).contains(&own.ip()));
        if same_port && same_host() {
            return Err(GuardError::RecordedOrigin { host: origin.host.clone(), recorded: recorded.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<&str>) {
        assert_eq!(Origin::parse(url).ok().map(|origin| origin.url()).as_deref(), expected, "{url}");
    }

    #[test]
    fn reads_urls_and_refuses_odd_spellings() {
        check("http://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        check("HTTP://Shop.Internal.:80/", Some("http://shop.internal"));
        check("https://[::1]:8443", Some("https://[::1]:8443"));
        check("https://a", Some("https://a"));
        for odd in
            ["http://2130706433", "http://0177.0.0.1", "http://0x7f.1", "http://127.1", "http://1.2.3.4.5"]
        {
            check(odd, None);
        }
        let wrong = ["a:80", "ftp://a", "http://u:p@a", "http://a/b", "http://a?b", "http://", "http://a:0"];
        for url in wrong.into_iter().chain([
            "http://a:99999",
            "http://a:+1",
            "http://[::1",
            "http://a..b",
            "http://é",
        ]) {
            check(url, None);
        }
    }

    #[test]
    fn user_information_is_not_repeated_in_errors() {
        let text = Origin::parse("http://bob:secret@a").unwrap_err().to_string();
        assert!(!text.contains("secret"), "{text}");
    }

    fn passes(address: &str, rules: &TargetRules) -> bool {
        check_address("h", address.parse().unwrap(), rules).is_ok()
    }

    #[test]
    fn only_private_addresses_unless_allowed() {
        let (strict, allowed) = (TargetRules::default(), TargetRules::new(&["H.".into()], &[]).unwrap());
        for private in ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.31.0.1", "192.168.1.1", "::1", "fd00::1"] {
            assert!(passes(private, &strict), "{private}");
        }
        assert!(passes("::ffff:10.0.0.1", &strict));
        for public in ["8.8.8.8", "172.32.0.1", "169.254.169.254", "100.64.0.1", "2001:db8::1", "fe80::1"] {
            assert!(!passes(public, &strict) && passes(public, &allowed), "{public}");
        }
        assert!(!passes("::ffff:8.8.8.8", &strict) && !passes("64:ff9b::7f00:1", &strict));
        for never in ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1"]
        {
            assert!(!passes(never, &strict) && !passes(never, &allowed), "{never}");
        }
    }

    #[test]
    fn the_recorded_origin_is_no_target() {
        let origin = Origin::parse("http://10.0.0.7:8080").unwrap();
        let addresses = ["10.0.0.7:8080".parse().unwrap()];
        let resolve = |host: &str| match host {
            "shop" => vec!["10.0.0.7".parse().unwrap()],
            _ => Vec::new(),
        };
        let refused = |recorded: &str, rules: &TargetRules| {
            check_origin(&origin, &addresses, &[recorded.to_owned()], rules, resolve).is_err()
        };
        let strict = TargetRules::default();
        assert!(
            refused("shop:8080", &strict)
                && refused("10.0.0.7:8080", &strict)
                && refused("SHOP.:8080", &strict)
        );
        assert!(
            !refused("shop:8081", &strict) && !refused("shop", &strict) && !refused("else:8080", &strict)
        );
        assert!(!refused("shop:8080", &TargetRules::new(&["10.0.0.7".into()], &[]).unwrap()));
    }

    #[test]
    fn resolve_entries_replace_the_resolver() {
        let rules = TargetRules::new(&[], &["shop:443:127.0.0.1".into(), "shop:443:[::1]".into()]).unwrap();
        let found = Origin::parse("https://shop").unwrap().addresses(&rules).unwrap();
        assert_eq!(found, ["127.0.0.1:443".parse().unwrap(), "[::1]:443".parse().unwrap()]);
        assert!(TargetRules::new(&[], &["shop:443".into()]).is_err());
        let public = TargetRules::new(&[], &["shop:443:8.8.8.8".into()]).unwrap();
        assert!(Origin::parse("https://shop").unwrap().addresses(&public).is_err());
    }
}
