use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::folder::Step;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folders_and_files_are_their_owner_s_alone() {
    let world = World::new();
    let worker = world.node("worker-1");
    world.revoke("worker-1");
    let renewed = world.authority.issue(&wanted("worker-1"), at(NOW)).unwrap();
    worker.install(&renewed.certificate, &renewed.key).unwrap();
    let list = world.authority.crl().unwrap();
    assert!(worker.take_crl(list.pem()).unwrap());
    for (folder, files) in [
        ("ca", ["ca.crt", "ca.key", "cookie", "crl.pem", "issued.json"]),
        ("worker-1", ["ca.crt", "cookie", "crl.pem", "node.crt", "node.key"]),
    ] {
        assert_eq!(mode(&world.path(folder)), 0o700);
        let mut names: Vec<_> = fs::read_dir(world.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, files);
        for name in files {
            assert_eq!(mode(&world.path(folder).join(name)), 0o600, "{folder}/{name}");
        }
    }
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let world = World::new();
    world.node("worker-1");
    for bits in [0o640, 0o604, 0o620, 0o601] {
        for key in ["ca/ca.key", "worker-1/node.key"] {
            fs::set_permissions(world.path(key), fs::Permissions::from_mode(bits)).unwrap();
        }
        let told = Authority::open(&world.path("ca")).unwrap_err();
        assert!(matches!(told, Error::OpenToOthers { mode, .. } if mode == bits), "{told:?}");
        let told = world.node_folder("worker-1").load().unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
    }
}

/// A node that was to get a renewed certificate, and was killed after so many steps.
fn killed_after(steps: usize) -> (World, Serial, Serial) {
    let world = World::new();
    let worker = world.node("worker-1");
    let renewed = world.authority.reissue(&"worker-1".parse().unwrap(), None, at(NOW)).unwrap();
    for step in Step::ALL.into_iter().take(steps) {
        world.node_folder("worker-1").step(step, &renewed.certificate, &renewed.key.to_pem()).unwrap();
    }
    let new = crate::ca::one_certificate(&renewed.certificate).unwrap();
    (world, worker.certificate().identity.serial.clone(), identify(&new).unwrap().serial)
}

#[test]
fn a_kill_at_any_step_of_a_renewal_leaves_a_certificate_with_its_key() {
    for steps in 0..=Step::ALL.len() {
        let (world, old, new) = killed_after(steps);
        let hub = world.node("hub");
        let seen = world.node_folder("worker-1").look().unwrap().certificate;
        assert_eq!(
            world.path("worker-1/next.crt").exists(),
            (2..4).contains(&steps),
            "{steps}: a look changes nothing"
        );
        let worker = world.open("worker-1", NOW);
        assert_eq!(*worker.certificate(), seen, "{steps}");
        assert_eq!(worker.certificate().identity.serial, if steps < 2 { old } else { new }, "{steps}");
        assert!(meets(&worker, &hub) && meets(&hub, &worker), "{steps}");
        assert!(!world.path("worker-1/next.key").exists() && !world.path("worker-1/next.crt").exists());
        let again = world.authority.reissue(&"worker-1".parse().unwrap(), None, at(NOW)).unwrap();
        worker.install(&again.certificate, &again.key).unwrap();
        assert!(meets(&worker, &hub), "{steps}");
    }
}

#[test]
fn what_is_left_of_a_file_that_was_being_written_is_in_nobody_s_way() {
    let world = World::new();
    for left in ["hub.part", "ca/issued.json.part"] {
        let path = world.path(left);
        if left == "hub.part" { fs::create_dir(&path).unwrap() } else { fs::write(&path, "{").unwrap() }
    }
    fs::write(world.path("hub.part/node.key"), "half").unwrap();
    let hub = world.node("hub");
    fs::write(world.path("hub/crl.pem.part"), "half").unwrap();
    world.node("worker-1");
    assert!(hub.take_crl(&world.revoke("worker-1")).unwrap());
    assert!(!world.path("hub.part").exists() && !world.path("hub/crl.pem.part").exists());
}

#[test]
fn a_folder_that_holds_anything_is_left_as_it_is() {
    let world = World::new();
    let bundle = world.authority.issue(&wanted("a"), at(NOW)).unwrap();
    fs::create_dir(world.path("full")).unwrap();
    fs::write(world.path("full/letter"), "x").unwrap();
    fs::write(world.path("file"), "x").unwrap();
    for there in ["full", "file"] {
        assert!(matches!(bundle.write(&world.path(there)), Err(Error::AlreadyThere(_))), "{there}");
    }
    fs::create_dir(world.path("empty")).unwrap();
    bundle.write(&world.path("empty")).unwrap();
    bundle.write(&world.path("deep/er")).unwrap();
    assert_eq!(mode(&world.path("deep")), 0o700);
    assert!(!world.path("full.part").exists());
}

#[test]
fn what_does_not_fit_together_is_not_loaded() {
    let (world, foreign) = (World::new(), World::new());
    world.node("a");
    world.node("b");
    foreign.node("a");
    let node = world.node_folder("a");
    let kept: Vec<_> = ["node.crt", "node.key", "ca.crt", "crl.pem"]
        .map(|name| (name, fs::read(world.path("a").join(name)).unwrap()))
        .into();
    for (name, from) in [
        ("node.crt", world.path("b/node.crt")),
        ("node.key", world.path("b/node.key")),
        ("ca.crt", foreign.path("a/ca.crt")),
        ("crl.pem", foreign.path("a/crl.pem")),
        ("node.crt", world.path("a/ca.crt")),
        ("node.key", world.path("a/ca.crt")),
        ("crl.pem", world.path("a/ca.crt")),
    ] {
        fs::write(world.path("a").join(name), fs::read(&from).unwrap()).unwrap();
        assert!(node.load().is_err(), "{name} of {}", from.display());
        fs::write(world.path("a").join(name), &kept.iter().find(|(kept, _)| *kept == name).unwrap().1).unwrap();
        node.load().unwrap();
    }
    for name in ["node.crt", "node.key", "ca.crt", "crl.pem"] {
        let path = world.path("a").join(name);
        let aside = world.path("aside");
        fs::rename(&path, &aside).unwrap();
        assert!(matches!(node.load(), Err(Error::NotThere(gone)) if gone == path), "{name}");
        fs::rename(&aside, &path).unwrap();
    }
}

#[test]
fn what_breaks_beside_a_running_node_leaves_in_force_what_is() {
    let (world, foreign) = (World::new(), World::new());
    let (hub, worker) = (world.node("hub"), world.node("worker-1"));
    foreign.node("hub");
    let good = fs::read(world.path("hub/node.crt")).unwrap();
    fs::write(world.path("hub/node.crt"), "x").unwrap();
    assert!(hub.reload().is_err() && hub.reload().is_err(), "it is told as long as it is so");
    assert!(meets(&worker, &hub));
    fs::write(world.path("hub/node.crt"), &good).unwrap();
    assert!(!hub.reload().unwrap());
    for name in ["node.crt", "node.key", "ca.crt", "crl.pem"] {
        fs::copy(foreign.path("hub").join(name), world.path("hub").join(name)).unwrap();
    }
    assert!(matches!(hub.reload(), Err(Error::Foreign(_))), "another authority needs a restart");
    assert!(meets(&worker, &hub));
}
