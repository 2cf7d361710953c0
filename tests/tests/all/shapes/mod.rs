//! What people and operators see, in every shape in which the program runs: `one_process::…`, `three_nodes::…`,
//! `four_nodes::…`, `four_nodes_with_kills::…`.

mod decided;
mod list;

mod one_process {
    super::list::everywhere!(OneProcess);
    super::list::unless_killed!(OneProcess);
}

mod one_process_in_wire_form {
    super::list::in_wire_form!();
}

mod three_nodes {
    super::list::everywhere!(ThreeNodes);
    super::list::unless_killed!(ThreeNodes);
}

mod four_nodes {
    super::list::everywhere!(FourNodes);
    super::list::unless_killed!(FourNodes);
}

mod four_nodes_with_kills {
    super::list::everywhere!(FourNodesWithKills);
}
