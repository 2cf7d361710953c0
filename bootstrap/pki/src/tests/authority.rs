use super::*;

fn issued(world: &World) -> String {
    std::fs::read_to_string(world.path("ca/issued.json")).unwrap()
}

#[test]
fn an_authority_is_made_once_and_opened_again() {
    let world = World::new();
    let folder = world.path("ca");
    assert!(matches!(Authority::init(&folder, at(NOW)), Err(Error::AlreadyThere(_))));
    let again = Authority::open(&folder).unwrap();
    assert_eq!(again.certificate().fingerprint(), world.authority.certificate().fingerprint());
    assert_eq!(again.certificate().not_after, at(NOW + u64::from(CA_DAYS) * DAY));
    assert!(again.records().unwrap().is_empty() && again.crl().unwrap().is_empty());
    assert!(matches!(Authority::open(&world.path("none")), Err(Error::NotThere(_))));
}

#[test]
fn each_certificate_is_recorded_with_what_it_says() {
    let world = World::new();
    world.node("worker-1");
    let bundle = world.authority.reissue(&"worker-1".parse().unwrap(), Some(7), at(NOW + DAY)).unwrap();
    let [first, second] = world.authority.records().unwrap().try_into().unwrap();
    let parsed = NodeCertificate::parse(&crate::ca::one_certificate(&bundle.certificate).unwrap()).unwrap();
    assert_eq!(second.serial, parsed.identity.serial);
    assert_ne!(second.serial, first.serial);
    assert_eq!((second.not_before, second.not_after), (NOW + DAY - 300, NOW + 8 * DAY));
    assert_eq!((second.days, first.days), (7, DAYS_DEFAULT));
    assert_eq!((&second.roles, &second.alt_names), (&parsed.identity.roles, &parsed.alt_names));
}

#[test]
fn a_name_is_given_to_one_host_at_a_time() {
    let world = World::new();
    world.node("worker-1");
    assert!(matches!(world.authority.issue(&wanted("worker-1"), at(NOW)), Err(Error::HasCertificate(_))));
    assert!(world.authority.issue(&wanted("worker-1"), at(NOW + 30 * DAY + 1)).is_ok(), "it has expired");
}

#[test]
fn days_and_names_of_hosts_have_their_limits() {
    let world = World::new();
    for (node, days, fits) in [("a", 1, true), ("b", DAYS_MAX, true), ("c", 0, false), ("d", DAYS_MAX + 1, false)] {
        assert_eq!(world.authority.issue(&Wanted { days, ..wanted(node) }, at(NOW)).is_ok(), fits, "{days}");
    }
    for (node, count, fits) in [("e", 0, true), ("f", ALT_NAMES_MAX, true), ("g", ALT_NAMES_MAX + 1, false)] {
        let alt_names = (0..count).map(|n| format!("10.0.0.{n}").parse().unwrap()).collect();
        assert_eq!(world.authority.issue(&Wanted { alt_names, ..wanted(node) }, at(NOW)).is_ok(), fits, "{count}");
    }
}

#[test]
fn no_certificate_outlives_the_authority() {
    let world = World::new();
    let end = NOW + u64::from(CA_DAYS) * DAY;
    world.authority.issue(&wanted("a"), at(end - DAY)).unwrap();
    assert_eq!(world.authority.records().unwrap()[0].not_after, end);
    assert!(matches!(world.authority.issue(&wanted("b"), at(end)), Err(Error::AuthorityExpired)));
}

#[test]
fn all_certificates_of_a_node_or_one_of_them_are_revoked() {
    let world = World::new();
    world.node("worker-1");
    let node: NodeName = "worker-1".parse().unwrap();
    world.authority.reissue(&node, None, at(NOW)).unwrap();
    world.authority.reissue(&node, None, at(NOW)).unwrap();
    let serial = world.authority.records().unwrap()[0].serial.clone();
    let revoked = world.authority.revoke(&Which::Serial(serial.clone()), at(NOW + 1)).unwrap();
    assert_eq!((revoked.len(), revoked[0].revoked_at), (1, Some(NOW + 1)));
    let list = world.authority.crl().unwrap();
    assert_eq!((list.number(), list.len(), list.contains(&serial)), (2, 1, true));
    assert_eq!(world.authority.revoke(&Which::Node(node.clone()), at(NOW)).unwrap().len(), 2);
    assert_eq!((world.authority.crl().unwrap().number(), world.authority.crl().unwrap().len()), (3, 3));
    assert!(world.authority.revoke(&Which::Node(node), at(NOW)).unwrap().is_empty());
    assert_eq!(world.authority.crl().unwrap().number(), 3, "nothing was to be said");
    for unknown in [Which::Node("x".parse().unwrap()), Which::Serial("4f".parse().unwrap())] {
        assert!(matches!(world.authority.revoke(&unknown, at(NOW)), Err(Error::Unknown(_))));
    }
}

#[test]
fn a_revocation_whose_list_was_not_written_is_published_by_the_next_change() {
    let world = World::new();
    world.node("worker-1");
    let before = std::fs::read_to_string(world.path("ca/crl.pem")).unwrap();
    let list = world.revoke("worker-1");
    for left in [Some(before.as_str()), None, Some("half of a li")] {
        match left {
            Some(text) => std::fs::write(world.path("ca/crl.pem"), text).unwrap(),
            None => std::fs::remove_file(world.path("ca/crl.pem")).unwrap(),
        }
        let again = Revocations::verify(&world.revoke("worker-1"), world.authority.certificate()).unwrap();
        let first = Revocations::verify(&list, world.authority.certificate()).unwrap();
        assert_eq!((again.number(), again.len()), (first.number(), first.len()));
    }
}

#[test]
fn an_old_register_forgets_no_revocation() {
    let world = World::new();
    world.node("worker-1");
    let old = issued(&world);
    world.revoke("worker-1");
    std::fs::write(world.path("ca/issued.json"), &old).unwrap();
    let refused = world.authority.issue(&wanted("worker-2"), at(NOW)).unwrap_err().to_string();
    assert!(refused.contains("older than crl.pem"), "{refused}");
    assert_eq!(issued(&world), old);
}

#[test]
fn a_register_that_is_not_understood_is_left_as_it_is() {
    let world = World::new();
    for bad in ["", "{", r#"{"format":2,"crl_number":1,"certificates":[]}"#, r#"{"format":1,"crl_number":1}"#] {
        std::fs::write(world.path("ca/issued.json"), bad).unwrap();
        assert!(matches!(world.authority.issue(&wanted("a"), at(NOW)), Err(Error::Damaged { .. })), "{bad}");
        assert_eq!(issued(&world), bad);
    }
}

#[test]
fn what_has_long_expired_is_forgotten() {
    let world = World::new();
    world.node("worker-1");
    world.revoke("worker-1");
    let forgotten = NOW + (30 + KEEP_DAYS) * DAY;
    world.authority.issue(&wanted("a"), at(forgotten)).unwrap();
    assert_eq!(world.authority.records().unwrap().len(), 2);
    world.authority.issue(&wanted("b"), at(forgotten + 1)).unwrap();
    assert_eq!(world.authority.records().unwrap().len(), 2);
}

#[test]
fn two_at_once_lose_no_record() {
    let world = World::new();
    std::thread::scope(|threads| {
        for n in 0..8 {
            let authority = Authority::open(&world.path("ca")).unwrap();
            threads.spawn(move || authority.issue(&wanted(&format!("n{n}")), at(NOW)).unwrap());
        }
    });
    assert_eq!(world.authority.records().unwrap().len(), 8);
}
