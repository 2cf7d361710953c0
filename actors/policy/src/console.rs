//! Who someone at the console is.

use crate::request::Role;

/// The role of a console user.
///
/// The console's socket can be opened by nobody but the account that holds the data folder (mode 0600), so whoever
/// speaks through it already owns every file of the node. Under the account's own name that person is the overlord;
/// under any other name (`chat --user bob`) a member, so that the rules can be tried from the outside. An account
/// without a name makes nobody overlord.
#[must_use]
pub fn console_role(user: &str, account: &str) -> Role {
    if !account.is_empty() && user == account { Role::Overlord } else { Role::Member }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_that_holds_the_data_is_overlord() {
        assert_eq!(console_role("ann", "ann"), Role::Overlord);
        assert_eq!(console_role("bob", "ann"), Role::Member);
        assert_eq!(console_role("Ann", "ann"), Role::Member);
        assert_eq!(console_role("", ""), Role::Member);
    }
}
