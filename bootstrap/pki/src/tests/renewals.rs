use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};

use super::*;

fn asked(live: &LiveCredentials) -> (NodeKey, String) {
    let key = NodeKey::generate().unwrap();
    let request = request(&key, &live.certificate()).unwrap();
    (key, request)
}

fn refused(world: &World, live: &LiveCredentials, request: &str) -> String {
    let error = world.authority.renew(request, &live.certificate().identity, at(NOW + DAY)).unwrap_err();
    assert!(matches!(error, Error::Request(_)), "{error:?}");
    error.to_string()
}

#[test]
fn a_renewed_certificate_is_shown_by_the_next_handshake() {
    let world = World::new();
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    let (client, server) = (worker.client_config(), worker.server_config());
    let was = worker.certificate();
    let (key, request) = asked(&worker);
    let renewed = world.authority.renew(&request, &was.identity, at(NOW + 20 * DAY)).unwrap();
    // Its time begins when it was made.
    let worker_later = world.open("worker-1", NOW + 20 * DAY);
    assert!(matches!(worker.install(&renewed, &key), Err(Error::OutOfTime { .. })));
    worker_later.install(&renewed, &key).unwrap();
    assert!(worker.reload().unwrap());
    for live in [&worker, &worker_later] {
        let is = live.certificate();
        assert_ne!(is.identity.serial, was.identity.serial);
        assert_eq!(is.identity.not_after, at(NOW + 50 * DAY));
        assert_eq!((&is.identity.node, &is.identity.roles), (&was.identity.node, &was.identity.roles));
        assert_eq!(is.alt_names, was.alt_names);
        assert!(live.version() >= 1);
    }
    let hub_later = world.open("hub", NOW + 20 * DAY);
    let serial = worker.certificate().identity.serial.clone();
    assert_eq!(shake(client, hub_later.server_config()).1.unwrap().serial, serial);
    assert_eq!(shake(hub_later.client_config(), server).0.unwrap().serial, serial);
    drop(hub);
}

#[test]
fn a_request_for_other_names_is_refused() {
    let world = World::new();
    let worker = world.node("worker-1");
    let base = worker.certificate();
    let with = |change: &dyn Fn(&mut NodeCertificate)| {
        let mut other = (*base).clone();
        change(&mut other);
        request(&NodeKey::generate().unwrap(), &other).unwrap()
    };
    for request in [
        with(&|other| other.identity.node = "hub".parse().unwrap()),
        with(&|other| other.identity.roles = roles("hub connector worker")),
        with(&|other| other.identity.roles = roles("worker")),
        with(&|other| other.alt_names.push("evil.example.org".parse().unwrap())),
        with(&|other| other.alt_names.clear()),
    ] {
        assert!(refused(&world, &worker, &request).contains("other names"));
    }
    assert_eq!(world.authority.records().unwrap().len(), 1);
}

#[test]
fn a_request_for_more_than_names_is_refused() {
    let world = World::new();
    let worker = world.node("worker-1");
    let made = |change: &dyn Fn(&mut CertificateParams), key: &KeyPair| {
        let mut params = params("worker-1");
        params.is_ca = rcgen::IsCa::NoCa;
        (params.key_usages, params.extended_key_usages) = (Vec::new(), Vec::new());
        params.use_authority_key_identifier_extension = false;
        params.serial_number = None;
        change(&mut params);
        params.serialize_request(key).unwrap().pem().unwrap()
    };
    let key = KeyPair::generate().unwrap();
    for request in [
        made(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning], &key),
        made(&|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign], &key),
        made(&|params| params.subject_alt_names.clear(), &key),
        made(
            &|params| params.subject_alt_names.push(SanType::URI("spiffe://agent-runtime/hub".try_into().unwrap())),
            &key,
        ),
        made(&|params| params.distinguished_name.push(DnType::CommonName, "hub"), &key),
        made(&|_| (), &KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()),
    ] {
        refused(&world, &worker, &request);
    }
    assert!(world.authority.renew(&made(&|_| (), &key), &worker.certificate().identity, at(NOW)).is_ok());
}

#[test]
fn who_asks_has_the_key() {
    let world = World::new();
    let worker = world.node("worker-1");
    let (_, request) = asked(&worker);
    let body: Vec<&str> = request.lines().filter(|line| !line.starts_with('-')).collect();
    let (last, signed) = (body.last().unwrap(), body.concat());
    // Another character in the signature, which is at the end.
    let place = signed.len() - last.len() - 6;
    let other = if signed.as_bytes()[place] == b'A' { "B" } else { "A" };
    let forged = format!("{}{other}{}", &signed[..place], &signed[place + 1..]);
    let forged = format!("-----BEGIN CERTIFICATE REQUEST-----\n{forged}\n-----END CERTIFICATE REQUEST-----\n");
    assert!(refused(&world, &worker, &forged).contains("not signed with the key"));
    for bad in ["", "x", &world.authority.certificate().pem, &"x".repeat(REQUEST_BYTES_MAX + 1)] {
        refused(&world, &worker, bad);
    }
}

#[test]
fn who_is_out_gets_no_other_certificate() {
    let world = World::new();
    let (worker, other) = (world.node("worker-1"), world.node("worker-2"));
    let (_, request) = asked(&worker);
    let identity = worker.certificate().identity.clone();
    let expired = world.authority.renew(&request, &identity, at(NOW + 31 * DAY));
    assert!(matches!(expired, Err(Error::OutOfTime { .. })));
    let mixed = PeerIdentity { serial: other.certificate().identity.serial.clone(), ..identity.clone() };
    assert!(matches!(world.authority.renew(&request, &mixed, at(NOW)), Err(Error::Unknown(_))));
    world.revoke("worker-1");
    assert!(matches!(world.authority.renew(&request, &identity, at(NOW)), Err(Error::Revoked { .. })));
    assert!(matches!(world.authority.reissue(&identity.node, None, at(NOW)), Err(Error::AllRevoked(_))));
    // A person may let the host in again.
    assert!(world.authority.issue(&wanted("worker-1"), at(NOW)).is_ok());
}

#[test]
fn a_node_has_no_more_certificates_at_once_than_its_limit() {
    let world = World::new();
    let worker = world.node("worker-1");
    let identity = worker.certificate().identity.clone();
    for _ in 1..VALID_PER_NODE_MAX {
        world.authority.renew(&asked(&worker).1, &identity, at(NOW)).unwrap();
    }
    assert!(matches!(world.authority.renew(&asked(&worker).1, &identity, at(NOW)), Err(Error::TooMany(_))));
    let other = world.node("worker-2");
    assert!(world.authority.renew(&asked(&other).1, &other.certificate().identity, at(NOW)).is_ok());
    assert!(world.authority.reissue(&identity.node, Some(1), at(NOW + 31 * DAY)).is_ok());
}

#[test]
fn what_does_not_fit_is_not_installed() {
    let (world, foreign) = (World::new(), World::new());
    let worker = world.node("worker-1");
    let was = worker.certificate();
    let renewed = |world: &World, node: &str| world.authority.reissue(&node.parse().unwrap(), None, at(NOW)).unwrap();
    world.node("worker-2");
    foreign.node("worker-1");
    let good = renewed(&world, "worker-1");
    assert!(matches!(worker.install(&good.certificate, &NodeKey::generate().unwrap()), Err(Error::KeyMismatch)));
    let other = renewed(&world, "worker-2");
    assert!(matches!(worker.install(&other.certificate, &other.key), Err(Error::Invalid(_))));
    let theirs = renewed(&foreign, "worker-1");
    assert!(matches!(worker.install(&theirs.certificate, &theirs.key), Err(Error::Foreign(_))));
    assert!(matches!(worker.install("x", &good.key), Err(Error::Damaged { .. })));
    worker.take_crl(&world.revoke("worker-1")).unwrap();
    assert!(matches!(worker.install(&good.certificate, &good.key), Err(Error::Revoked { .. })));
    assert_eq!(worker.certificate(), was);
    assert_eq!(world.open("worker-1", NOW).certificate(), was);
}
