use super::*;
use crate::Moment;

/// What one envelope may hold (`runtime::wire`), less a kilobyte for the envelope itself.
const BYTES_MAX: usize = 1_048_576 - 1_024;

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap()
}

fn hex<T: Serialize>(value: &T) -> String {
    postcard::to_stdvec(value).unwrap().iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes are those, and they are read back.
fn golden<T: Serialize + serde::de::DeserializeOwned + PartialEq + fmt::Debug>(value: &T, bytes: &str) {
    assert_eq!(hex(value), bytes, "{value:?}");
    let raw = postcard::to_stdvec(value).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&raw).unwrap(), value);
}

const VER: Version = Version { hub: 3, number: 300 };

#[test]
fn what_a_node_says_has_these_bytes() {
    let incarnation = Incarnation::parse("00000000000000ff").unwrap();
    let renew = Renew {
        node: slug("a"),
        incarnation,
        seq: 7,
        heard: 6,
        drain: true,
        table: VER,
        has: vec![(unit("ws/x"), 1), (unit("mailbox/m"), 200)],
    };
    golden(&ToHub::Renew(renew), "000161ff0107060103ac02020477732f7801096d61696c626f782f6dc801");
    golden(&ToHub::Released { unit: unit("ws/x"), epoch: 2 }, "010477732f7802");
    golden(&ToHub::Goodbye, "02");
}

#[test]
fn what_the_hub_says_has_these_bytes() {
    let renewed = Renewed { seq: 7, ver: VER, ttl_ms: 5_000, units: vec![(unit("ws/x"), 1)] };
    golden(&ToNode::Renewed(renewed), "000703ac028827010477732f7801");
    golden(&ToNode::Assign { ver: VER, unit: unit("ws/x"), epoch: 2 }, "0103ac020477732f7802");
    golden(&ToNode::Yield { unit: unit("connector/t"), epoch: 1 }, "020b636f6e6e6563746f722f7401");
    let entries = vec![
        (unit("ws/x"), Place::Held { node: slug("a"), epoch: 9 }),
        (unit("ws/y"), Place::Waits),
        (unit("ws/z"), Place::Gone),
    ];
    let whole = Table { since: None, ver: VER, part: 1, parts: 2, entries };
    golden(&ToNode::Table(whole), "030003ac020102030477732f78000161090477732f79010477732f7a02");
    let change = Table { since: Some(Version { hub: 3, number: 299 }), ver: VER, part: 0, parts: 1, entries: vec![] };
    golden(&ToNode::Table(change), "030103ab0203ac02000100");
}

#[test]
fn a_node_introduces_itself_with_these_bytes() {
    let facts = |roles, holds| NodeFacts {
        node: slug("w-1"),
        incarnation: Incarnation::new(Moment(1), 2),
        roles,
        holds,
        units_max: 4_096,
    };
    golden(&facts(Roles::ALL, Holds::All), "03772d3182800407008020");
    let some = facts(Roles::of(&[Role::Worker]), Holds::These(vec![slug("x")]));
    golden(&some, "03772d3182800404010101788020");
}

#[test]
fn the_largest_of_each_message_fits_an_envelope() {
    let longest = unit(&format!("connector/{}", "a".repeat(UNIT_BYTES_MAX - 10)));
    let node = slug(&"n".repeat(Slug::CHARS_MAX));
    let ver = Version { hub: u64::MAX, number: u64::MAX };
    let fits = |what: &str, bytes: usize| assert!(bytes <= BYTES_MAX, "{what}: {bytes}");
    let size = |message: &ToNode| postcard::to_stdvec(message).unwrap().len();

    let units = vec![(longest.clone(), u64::MAX); UNITS_PER_NODE_MAX];
    let renew = Renew {
        node: node.clone(),
        incarnation: Incarnation(u64::MAX),
        seq: u64::MAX,
        heard: u64::MAX,
        drain: true,
        table: ver,
        has: units.clone(),
    };
    fits("Renew", postcard::to_stdvec(&ToHub::Renew(renew)).unwrap().len());
    fits("Renewed", size(&ToNode::Renewed(Renewed { seq: u64::MAX, ver, ttl_ms: u32::MAX, units })));
    let entries = vec![(longest, Place::Held { node: node.clone(), epoch: u64::MAX }); TABLE_ENTRIES_MAX];
    fits("Table", size(&ToNode::Table(Table { since: Some(ver), ver, part: u16::MAX, parts: u16::MAX, entries })));
    assert!(UNITS_MAX.div_ceil(TABLE_ENTRIES_MAX) <= usize::from(u16::MAX));
    let holds = Holds::first_of(vec![node.clone(); HOLDS_MAX + 1]);
    assert_eq!(holds.check(), Ok(()));
    let more = Holds::These(vec![node.clone(); HOLDS_MAX + 1]).check();
    assert_eq!(more, Err("it names more than 4096 workspaces, which is the most of one node".into()));
    let facts = NodeFacts { node, incarnation: Incarnation(u64::MAX), roles: Roles::ALL, holds, units_max: u32::MAX };
    fits("NodeFacts", postcard::to_stdvec(&facts).unwrap().len());
}

#[test]
fn what_is_no_unit_is_refused_also_from_the_wire() {
    for text in ["ws", "ws/A", "ws/x/context/y", "store", "other/x", "connector/a/chat/b"] {
        assert!(Unit::parse(text).is_err(), "{text}");
        let raw = postcard::to_stdvec(text).unwrap();
        assert!(postcard::from_bytes::<Unit>(&raw).is_err(), "{text}");
    }
    assert!(Unit::parse(&format!("mailbox/{}", "a".repeat(UNIT_BYTES_MAX - 8))).is_ok());
    assert!(Unit::parse(&format!("mailbox/{}", "a".repeat(UNIT_BYTES_MAX - 7))).is_err());
    assert!(postcard::from_bytes::<Roles>(&[8]).is_err());
    assert!(Incarnation::parse("12").is_err() && Incarnation::parse("+00000000000000f").is_err());
}

#[test]
fn an_address_belongs_to_its_unit_and_the_unit_has_a_class_and_a_role() {
    let of = |text: &str| Unit::of(&Address::parse(text).unwrap()).map(|u| (u.to_string(), u.class(), u.role()));
    assert_eq!(of("ws/home/context/general"), Some(("ws/home".into(), UnitClass::Fenced, Role::Worker)));
    let lane = of("connector/console/chat/home/general");
    assert_eq!(lane, Some(("connector/console".into(), UnitClass::Exclusive, Role::Connector)));
    assert_eq!(of("mailbox/ann@example.org").unwrap().1, UnitClass::Exclusive);
    assert_eq!(of("store"), None);
    assert_eq!(of("models/offline"), None);
}

#[test]
fn a_later_start_is_newer_and_is_read_back_from_its_row() {
    let (first, second) = (Incarnation::new(Moment(1_000), 9), Incarnation::new(Moment(1_001), 0));
    assert!(second > first);
    assert_eq!(Incarnation::parse(&first.to_string()), Ok(first));
    assert!(Version { hub: 2, number: 0 } > Version { hub: 1, number: u64::MAX });
}

#[test]
fn files_and_roles_limit_what_a_node_may_hold() {
    let facts = |roles: &[Role], holds| NodeFacts {
        node: slug("n"),
        incarnation: Incarnation(1),
        roles: Roles::of(roles),
        holds,
        units_max: 9,
    };
    let (x, bot) = (unit("ws/x"), unit("connector/bot"));
    let worker = facts(&[Role::Worker], Holds::These(vec![slug("x")]));
    assert!(worker.allows(&x) && !worker.allows(&unit("ws/y")) && !worker.allows(&bot));
    let both = facts(&[Role::Worker, Role::Connector], Holds::These(vec![]));
    assert!(both.allows(&bot) && !both.allows(&x));
    assert!(!facts(&[Role::Hub], Holds::All).allows(&x));
}
