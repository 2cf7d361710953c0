use rcgen::{DistinguishedName, DnType, IsCa, SanType, SerialNumber};

use super::*;

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn why(change: impl FnOnce(&mut CertificateParams)) -> String {
    let shown = World::new().odd(change);
    match identify(&shown.cert[0]) {
        Ok(identity) => format!("it is {}", identity.node),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_certificate_names_a_node_in_one_form_alone() {
    let named = |params: &mut CertificateParams, cn: &str, unit: Option<&str>| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, cn);
        if let Some(unit) = unit {
            params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
        }
    };
    assert_eq!(why(|_| ()), "it is worker-1");
    for (told, words) in [
        (why(|params| params.subject_alt_names.clear()), "no URI"),
        (why(|params| drop(params.subject_alt_names.remove(0))), "no URI"),
        (why(|params| params.subject_alt_names.push(uri("spiffe://agent-runtime/worker-1"))), "more than one URI"),
        (why(|params| params.subject_alt_names.push(uri("https://example.org"))), "more than one URI"),
        (why(|params| params.subject_alt_names[0] = uri("spiffe://agent-runtime/hub")), "common name"),
        (why(|params| params.subject_alt_names[0] = uri("spiffe://agent-runtime/worker-1/x")), "names no node"),
        (why(|params| params.subject_alt_names[0] = uri("spiffe://elsewhere/worker-1")), "names no node"),
        (why(|params| params.subject_alt_names.push(SanType::DnsName("*.x".try_into().unwrap()))), "name of its host"),
        (
            why(|params| params.subject_alt_names.push(SanType::Rfc822Name("a@b".try_into().unwrap()))),
            "neither URI, DNS name nor address",
        ),
        (why(|params| named(params, "hub", Some("worker"))), "common name"),
        (why(|params| named(params, "worker-1", None)), "no roles"),
        (why(|params| named(params, "worker-1", Some("root"))), "no roles"),
        (why(|params| named(params, "worker-1", Some("worker hub"))), "no roles"),
        (why(|params| params.extended_key_usages.clear()), "both sides"),
        (why(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)), "one of an authority"),
        (why(|params| params.serial_number = Some(SerialNumber::from(vec![1; 21]))), "too long"),
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn a_second_common_name_is_refused() {
    let told = why(|params| params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), "hub"));
    assert!(told.contains("common name"), "{told}");
}

#[test]
fn what_is_no_certificate_names_nobody() {
    let der = World::new().odd(|_| ()).cert[0].to_vec();
    for bad in [&b""[..], b"x", &der[..der.len() - 1], &[&der[..], b"x"].concat()] {
        assert!(matches!(identify(bad), Err(Error::Identity(_))));
    }
}

#[test]
fn no_change_of_a_byte_panics_or_says_something_else_under_the_signature() {
    let world = World::new();
    let der = world.odd(|_| ()).cert[0].to_vec();
    let is = NodeCertificate::parse(&der).unwrap();
    for place in 0..der.len() {
        for change in [1_u8, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[place] ^= change;
            let parsed = NodeCertificate::parse(&changed);
            // The outermost header is not under the signature, and says nothing.
            if world.authority.certificate().has_signed(&changed).is_ok() {
                assert!(parsed.is_err() || parsed.unwrap() == is, "byte {place}");
            }
        }
    }
}
