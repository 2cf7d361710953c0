use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose as Use, IsCa};
use rustls::CertificateError as Why;

use super::*;

fn refused_by_server(client: Arc<ClientConfig>, server: &LiveCredentials) -> Tls {
    shake(client, server.server_config()).1.unwrap_err()
}

fn refused_by_client(client: &LiveCredentials, server: Arc<ServerConfig>) -> Tls {
    shake(client.client_config(), server).0.unwrap_err()
}

#[test]
fn two_nodes_of_a_cluster_meet_and_each_knows_the_other() {
    let world = World::new();
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    let (at_worker, at_hub) = shake(worker.client_config(), hub.server_config());
    assert_eq!(at_worker.unwrap(), hub.certificate().identity);
    let met = at_hub.unwrap();
    assert_eq!((met.node.as_str(), &met.roles), ("worker-1", &roles("hub worker")));
    assert_eq!(met, worker.certificate().identity);
    assert_eq!(hub.server_config().send_tls13_tickets, 0);
}

#[test]
fn who_speaks_no_tls_1_3_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let old = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    assert!(matches!(refused_by_server(Arc::new(old), &hub), Tls::PeerIncompatible(_)));
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let client = client_showing(&hub, None);
    assert_eq!(refused_by_server(client, &hub), Tls::NoCertificatesPresented);
}

#[test]
fn a_node_of_another_cluster_is_refused_on_both_sides() {
    let (ours, theirs) = (World::new(), World::new());
    let (hub, stranger) = (ours.node("hub"), theirs.node("worker-1"));
    let shown = theirs.node_folder("worker-1").load().unwrap().key;
    assert_eq!(refused_by_server(client_showing(&hub, Some(shown.clone())), &hub), Why::UnknownIssuer.into());
    assert_eq!(refused_by_client(&hub, server_showing(&hub, shown)), Why::UnknownIssuer.into());
    assert!(!meets(&stranger, &hub) && !meets(&hub, &stranger));
}

#[test]
fn an_authority_of_the_same_name_with_another_key_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let forger = Issuer::from_ca_cert_der(&world.authority.certificate().der, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let forged = certified(vec![params("worker-1").signed_by(&key, &forger).unwrap().der().clone()], &key);
    for refused in [
        refused_by_server(client_showing(&hub, Some(forged.clone())), &hub),
        refused_by_client(&hub, server_showing(&hub, forged)),
    ] {
        assert!(matches!(refused, Tls::InvalidCertificate(Why::BadSignature | Why::UnknownIssuer)), "{refused:?}");
    }
}

#[test]
fn a_certificate_without_its_key_is_of_no_use() {
    let world = World::new();
    let (hub, _) = (world.node("hub"), world.node("worker-1"));
    let stolen = world.node_folder("worker-1").load().unwrap().key.cert.clone();
    let shown = certified(stolen, &KeyPair::generate().unwrap());
    assert_eq!(refused_by_server(client_showing(&hub, Some(shown.clone())), &hub), Why::BadSignature.into());
    assert_eq!(refused_by_client(&hub, server_showing(&hub, shown)), Why::BadSignature.into());
}

#[test]
fn a_certificate_out_of_its_time_is_refused_on_both_sides() {
    let world = World::new();
    let hub = world.node("hub");
    let (expired, early) = (
        world.odd(|params| params.not_after = profile::date!(at(NOW - 1))),
        world.odd(|params| params.not_before = profile::date!(at(NOW + 1))),
    );
    let is = |refused: &Tls, early: bool| match refused {
        Tls::InvalidCertificate(Why::NotValidYetContext { .. } | Why::NotValidYet) => early,
        Tls::InvalidCertificate(Why::ExpiredContext { .. } | Why::Expired) => !early,
        _ => false,
    };
    for (shown, early) in [(expired, false), (early, true)] {
        let refused = refused_by_server(client_showing(&hub, Some(shown.clone())), &hub);
        assert!(is(&refused, early), "{refused:?}");
        let refused = refused_by_client(&hub, server_showing(&hub, shown));
        assert!(is(&refused, early), "{refused:?}");
    }
}

#[test]
fn the_clock_that_counts_is_the_one_that_was_given() {
    let world = World::new();
    world.node("hub");
    let worker = world.node("worker-1");
    for (now, meets_then) in
        [(NOW - 301, false), (NOW - 300, true), (NOW + 30 * DAY, true), (NOW + 30 * DAY + 1, false)]
    {
        let hub = world.open("hub", now);
        assert_eq!(meets(&worker, &hub), meets_then, "{now}");
        assert_eq!(meets(&hub, &worker), meets_then, "{now}");
    }
}

#[test]
fn a_certificate_for_one_side_alone_is_refused_on_both() {
    let world = World::new();
    let hub = world.node("hub");
    for uses in [vec![Use::ServerAuth], vec![Use::ClientAuth], vec![Use::CodeSigning], vec![]] {
        let shown = world.odd(|params| params.extended_key_usages.clone_from(&uses));
        refused_by_server(client_showing(&hub, Some(shown.clone())), &hub);
        refused_by_client(&hub, server_showing(&hub, shown));
    }
}

#[test]
fn what_the_authority_signed_and_names_no_node_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let shown = world.odd(|params| params.subject_alt_names.clear());
    let why: Tls = Why::ApplicationVerificationFailure.into();
    assert_eq!(refused_by_server(client_showing(&hub, Some(shown.clone())), &hub), why);
    assert_eq!(refused_by_client(&hub, server_showing(&hub, shown)), why);
}

#[test]
fn a_node_signs_for_nobody_else() {
    let world = World::new();
    let hub = world.node("hub");
    // Also where the authority would have signed one that may.
    for constraints in [IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Constrained(0))] {
        let (mut middle, middle_key) = (params("worker-1"), KeyPair::generate().unwrap());
        middle.is_ca = constraints;
        let middle_certificate = middle.signed_by(&middle_key, &world.issuer()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = params("worker-2").signed_by(&key, &Issuer::from_params(&middle, middle_key)).unwrap();
        let shown = certified(vec![leaf.der().clone(), middle_certificate.der().clone()], &key);
        refused_by_server(client_showing(&hub, Some(shown.clone())), &hub);
        refused_by_client(&hub, server_showing(&hub, shown));
    }
}

#[test]
fn a_certificate_that_brings_others_along_is_refused() {
    let world = World::new();
    let hub = world.node("hub");
    let shown = world.odd(|_| ());
    assert!(shake(client_showing(&hub, Some(shown)), hub.server_config()).1.is_ok());
    let key = KeyPair::generate().unwrap();
    let mut chain = vec![params("worker-1").signed_by(&key, &world.issuer()).unwrap().der().clone()];
    chain.push(world.authority.certificate().der.clone());
    let shown = certified(chain, &key);
    let why: Tls = Why::ApplicationVerificationFailure.into();
    assert_eq!(refused_by_server(client_showing(&hub, Some(shown.clone())), &hub), why);
    assert_eq!(refused_by_client(&hub, server_showing(&hub, shown)), why);
}
