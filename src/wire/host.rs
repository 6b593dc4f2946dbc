//! What may stand in `Host` or `:authority`.

/// What a host name is made of in RFC 3986, without what ends a name in a list.
const HOST_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%')
            || matches!(
                byte,
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b'='
            );
        byte += 1;
    }
    table
};

/// Whether it is a name or an address, perhaps with a port.
pub fn is_host(host: &[u8]) -> bool {
    let (name_is_good, port) = match host.strip_prefix(b"[") {
        Some(address) => {
            let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
            let length = address.iter().take_while(|byte| part(byte)).count();
            let (address, rest) = address.split_at(length);
            match rest.strip_prefix(b"]") {
                Some(port) => (address.contains(&b':'), port),
                None => return false,
            }
        }
        None => {
            let part = |byte: &u8| HOST_BYTES[usize::from(*byte)];
            let length = host.iter().take_while(|byte| part(byte)).count();
            let (name, port) = host.split_at(length);
            (!name.is_empty(), port)
        }
    };
    name_is_good && is_port_or_none(port)
}

fn is_port_or_none(port: &[u8]) -> bool {
    match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            let number = digits.iter().try_fold(0u16, |number, digit| {
                let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
                number.checked_mul(10)?.checked_add(digit.into())
            });
            number.is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_or_without_a_port() {
        for good in [
            "a",
            "a.b-c_d.",
            "a:1",
            "a:",
            "a:65535",
            "[::1]",
            "[::1]:80",
            "127.0.0.1:80",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a:65536", "a:b", "a:1:2", "::1", "[::1", "[::1]a", "[a]", "[]", "a b",
            "a,b", "{a}", "a@b", "a/b", "\u{e4}",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
