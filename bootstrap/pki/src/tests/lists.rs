use rcgen::{CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, KeyIdMethod};
use rustls::CertificateError as Why;

use super::*;
use crate::profile::date;

fn list(
    issuer: &Issuer<'static, KeyPair>,
    number: u64,
    change: impl FnOnce(&mut CertificateRevocationListParams),
) -> String {
    let mut params = CertificateRevocationListParams {
        this_update: date!(at(NOW)),
        next_update: date!(at(NOW + DAY)),
        crl_number: rcgen::SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    change(&mut params);
    params.signed_by(issuer).unwrap().pem().unwrap()
}

#[test]
fn a_revoked_node_is_refused_by_the_next_handshake_on_both_sides() {
    let world = World::new();
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    let (client, server) = (worker.client_config(), hub.server_config());
    assert!(shake(client.clone(), server.clone()).1.is_ok());
    let list = world.revoke("worker-1");
    assert!(meets(&worker, &hub), "the hub has not heard of it");
    let serial = worker.certificate().identity.serial.clone();
    assert!(!hub.is_revoked(&serial));
    assert!(hub.take_crl(&list).unwrap());
    assert!(hub.is_revoked(&serial) && !hub.is_revoked(&hub.certificate().identity.serial));
    assert_eq!(shake(client, server).1.unwrap_err(), Why::Revoked.into());
    assert_eq!(shake(hub.client_config(), worker.server_config()).0.unwrap_err(), Why::Revoked.into());
    assert!(!meets(&worker, &world.open("hub", NOW)), "it is kept over a restart");
}

#[test]
fn a_list_that_was_written_beside_a_running_node_is_taken() {
    let world = World::new();
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    assert!(!hub.reload().unwrap(), "nothing has changed");
    assert!(world.node_folder("hub").put_crl(&world.revoke("worker-1")).unwrap());
    assert!(meets(&worker, &hub));
    let seen = hub.version();
    assert!(hub.reload().unwrap());
    assert!(!meets(&worker, &hub));
    assert_eq!(hub.wait_past(seen, Duration::from_secs(60)), seen + 1);
    assert_eq!(hub.wait_past(seen + 1, Duration::ZERO), seen + 1);
    assert!(!hub.reload().unwrap());
}

#[test]
fn who_waits_for_a_change_is_woken() {
    let world = World::new();
    let (hub, _) = (world.node("hub"), world.node("worker-1"));
    let list = world.revoke("worker-1");
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| hub.wait_past(0, Duration::from_secs(600)));
        hub.take_crl(&list).unwrap();
        assert_eq!(waiting.join().unwrap(), 1);
    });
}

#[test]
fn an_older_list_never_replaces_a_newer_one() {
    let world = World::new();
    let hub = world.node("hub");
    world.node("worker-1");
    world.node("worker-2");
    let (older, newer) = (world.revoke("worker-1"), world.revoke("worker-2"));
    assert!(hub.take_crl(&newer).unwrap());
    for again in [&older, &newer] {
        assert!(!hub.take_crl(again).unwrap() && !world.node_folder("hub").put_crl(again).unwrap());
    }
    assert_eq!((hub.crl().number(), hub.crl().len()), (3, 2));
    // Somebody copies the old file over the new one: what is in force stays, and is written again.
    std::fs::write(world.path("hub/crl.pem"), &older).unwrap();
    assert!(!hub.reload().unwrap());
    assert_eq!(hub.crl().number(), 3);
    assert_eq!(std::fs::read_to_string(world.path("hub/crl.pem")).unwrap(), newer);
}

#[test]
fn a_list_that_can_t_be_written_is_in_force_all_the_same() {
    let world = World::new();
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    let list = world.revoke("worker-1");
    // A folder stands where the file is to be written.
    std::fs::create_dir(world.path("hub/crl.pem.part")).unwrap();
    assert!(matches!(hub.take_crl(&list), Err(Error::Io { .. })));
    assert!(!meets(&worker, &hub));
    std::fs::remove_dir(world.path("hub/crl.pem.part")).unwrap();
    hub.reload().unwrap();
    assert_eq!(std::fs::read_to_string(world.path("hub/crl.pem")).unwrap(), list);
}

#[test]
fn a_list_is_taken_from_this_authority_alone() {
    let (world, other) = (World::new(), World::new());
    let hub = world.node("hub");
    let forger = Issuer::from_ca_cert_der(&world.authority.certificate().der, KeyPair::generate().unwrap()).unwrap();
    for foreign in [list(&other.issuer(), 9, |_| ()), list(&forger, 9, |_| ())] {
        assert!(matches!(hub.take_crl(&foreign), Err(Error::Foreign(_))));
    }
    assert_eq!((hub.crl().number(), hub.version()), (1, 0));
}

#[test]
fn a_list_that_is_not_understood_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let good = list(&world.issuer(), 9, |_| ());
    let part = list(&world.issuer(), 9, |params| {
        let distribution_point = CrlDistributionPoint { uris: vec!["http://example.org/a".into()] };
        params.issuing_distribution_point = Some(CrlIssuingDistributionPoint { distribution_point, scope: None });
    });
    let long = format!("{good}{}", " ".repeat(CRL_BYTES_MAX));
    for bad in ["", "x", &good[..good.len() / 2], &part, &long, &world.authority.certificate().pem] {
        assert!(matches!(hub.take_crl(bad), Err(Error::Damaged { .. })), "{bad:.60}");
    }
    assert!(hub.take_crl(&good).unwrap());
}

#[test]
fn the_longest_list_that_an_authority_signs_is_taken() {
    let world = World::new();
    let hub = world.node("hub");
    let longest = list(&world.issuer(), u64::MAX, |params| {
        params.revoked_certs = (0..RECORDS_MAX)
            .map(|_| rcgen::RevokedCertParams {
                serial_number: profile::number(&Serial::random().unwrap()),
                // Dates from 2050 on are the longer ones.
                revocation_time: date!(at(3_000_000_000)),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
    });
    assert!(longest.len() < CRL_BYTES_MAX, "{}", longest.len());
    assert!(hub.take_crl(&longest).unwrap());
    assert_eq!((hub.crl().len(), hub.crl().number()), (RECORDS_MAX, u64::MAX));
}
