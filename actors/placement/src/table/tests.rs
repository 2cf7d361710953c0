use super::*;

fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap()
}

fn ver(hub: u64, number: u64) -> Version {
    Version { hub, number }
}

fn held(node: &str, epoch: u64) -> Place {
    Place::Held { node: Slug::parse(node).unwrap(), epoch }
}

fn message(since: Option<Version>, version: Version, entries: &[(&str, Place)]) -> Message {
    let entries = entries.iter().map(|(text, place)| (unit(text), place.clone())).collect();
    Message { since, ver: version, part: 0, parts: 1, entries }
}

fn changed(texts: &[&str]) -> Applied {
    Applied::Changed(texts.iter().map(|text| unit(text)).collect())
}

fn table() -> Table {
    let mut table = Table::new();
    let entries = [("ws/x", held("a", 1)), ("ws/y", held("b", 1)), ("ws/z", Place::Waits)];
    assert_eq!(table.apply(message(None, ver(1, 5), &entries)), changed(&["ws/x", "ws/y", "ws/z"]));
    table
}

#[test]
fn a_change_says_which_units_have_another_holder() {
    let mut table = table();
    let entries = [("ws/x", held("b", 2)), ("ws/y", held("b", 1)), ("ws/z", Place::Gone)];
    let applied = table.apply(message(Some(ver(1, 5)), ver(1, 6), &entries));
    assert_eq!(applied, changed(&["ws/x", "ws/z"]));
    let b = Slug::parse("b").unwrap();
    assert_eq!(table.holder(&unit("ws/x")), Some((&b, 2)));
    assert_eq!((table.holder(&unit("ws/z")), table.place(&unit("ws/z"))), (None, &Place::Gone));
}

#[test]
fn a_change_of_another_table_is_not_applied() {
    let mut table = table();
    let entries = [("ws/x", held("b", 2))];
    assert_eq!(table.apply(message(Some(ver(1, 6)), ver(1, 7), &entries)), Applied::Gap);
    assert_eq!(table.apply(message(Some(ver(1, 4)), ver(1, 5), &entries)), Applied::Old);
    assert_eq!(table.version(), ver(1, 5));
    assert_eq!(table.holder(&unit("ws/x")).map(|(_, epoch)| epoch), Some(1));
}

#[test]
fn a_whole_table_replaces_the_old_one_also_that_of_an_earlier_hub() {
    let mut table = table();
    let applied = table.apply(message(None, ver(2, 1), &[("ws/x", held("a", 1)), ("ws/y", held("b", 2))]));
    assert_eq!(applied, changed(&["ws/y", "ws/z"]));
    assert_eq!(table.apply(message(None, ver(1, 900), &[])), Applied::Old);
}

#[test]
fn a_table_in_parts_counts_when_the_last_has_come() {
    let mut table = table();
    let part = |part, text: &str| Message { part, parts: 2, ..message(None, ver(1, 9), &[(text, held("c", 3))]) };
    assert_eq!(table.apply(part(1, "ws/y")), Applied::Gap, "the first is missing");
    assert_eq!(table.apply(part(0, "ws/x")), Applied::More);
    assert_eq!(table.holder(&unit("ws/x")).map(|(_, epoch)| epoch), Some(1));
    assert_eq!(table.apply(part(1, "ws/y")), changed(&["ws/x", "ws/y", "ws/z"]));
    assert_eq!(table.version(), ver(1, 9));
}
