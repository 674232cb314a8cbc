use std::net::{IpAddr, Ipv6Addr};

/// Where a client asks from: an IPv4 address, or a /64 of IPv6, which is what a household has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The network of a client's address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            canonical @ IpAddr::V4(_) => Self(canonical),
        }
    }

    pub(super) fn text(self) -> String {
        self.0.to_string()
    }
}

/// Prints no personal data.
impl std::fmt::Debug for ClientNetwork {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientNetwork")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_network() -> Result<(), std::net::AddrParseError> {
        let network = |text: &str| text.parse().map(ClientNetwork::of);
        assert_eq!(network("2001:db8:1:2::1")?, network("2001:db8:1:2:ffff::9")?);
        assert_ne!(network("2001:db8:1:2::1")?, network("2001:db8:1:3::1")?);
        assert_eq!(network("::ffff:192.0.2.7")?, network("192.0.2.7")?);
        assert_ne!(network("192.0.2.7")?, network("192.0.2.8")?);
        Ok(())
    }
}
