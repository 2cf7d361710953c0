//! What opens an address on demand.

use std::sync::Arc;

use messages::Address;

use crate::entity::Entity;
use crate::supervisor::{Child, Children, Restart};

type Parent = Arc<dyn Fn(&Address) -> Option<Address> + Send + Sync>;
type Spec = Arc<dyn Fn(&Address) -> Child + Send + Sync>;
type Worth = Arc<dyn Fn(&Address) -> bool + Send + Sync>;

/// A family of addresses: how to recognise one, under whom it lives, how it is opened.
#[derive(Clone)]
pub struct Kind {
    pattern: &'static str,
    parent: Parent,
    spec: Spec,
    worth: Worth,
}

impl Kind {
    /// Entities of type `E` at addresses like `pattern` (`ws/*/context/*`; a last `**` takes one or more segments),
    /// under the supervisor that `parent` names.
    pub fn entity<E: Entity>(
        pattern: &'static str,
        parent: impl Fn(&Address) -> Option<Address> + Send + Sync + 'static,
        deps: Arc<E::Deps>,
        facts: Arc<E::Facts>,
    ) -> Self {
        let spec = move |address: &Address| Child::entity::<E>(address.clone(), deps.clone(), facts.clone());
        Self { pattern, parent: Arc::new(parent), spec: Arc::new(spec), worth: Arc::new(|_| true) }
    }

    /// Actors that `spec` makes: those that their supervisor starts by itself, named here so that their address alone
    /// opens the supervisor, too.
    pub fn child(
        pattern: &'static str,
        parent: impl Fn(&Address) -> Option<Address> + Send + Sync + 'static,
        spec: impl Fn(&Address) -> Child + Send + Sync + 'static,
    ) -> Self {
        Self { pattern, parent: Arc::new(parent), spec: Arc::new(spec), worth: Arc::new(|_| true) }
    }

    /// Supervisors that come into being with the first address below them.
    pub fn supervisor(
        pattern: &'static str,
        parent: impl Fn(&Address) -> Option<Address> + Send + Sync + 'static,
        children: impl Fn(&Address) -> Children + Send + Sync + 'static,
    ) -> Self {
        let spec = move |address: &Address| Child::supervisor(address.clone(), Restart::Permanent, children(address));
        Self { pattern, parent: Arc::new(parent), spec: Arc::new(spec), worth: Arc::new(|_| true) }
    }

    /// The sweep wakes such an address only if this says so: work may wait for something outside the store.
    #[must_use]
    pub fn swept_if(mut self, worth: impl Fn(&Address) -> bool + Send + Sync + 'static) -> Self {
        self.worth = Arc::new(worth);
        self
    }

    pub(crate) fn serves(&self, address: &Address) -> bool {
        address.is_like(self.pattern)
    }

    pub(crate) fn parent(&self, address: &Address) -> Option<Address> {
        (self.parent)(address)
    }

    pub(crate) fn spec(&self, address: &Address) -> Child {
        (self.spec)(address)
    }

    pub(crate) fn is_swept(&self, address: &Address) -> bool {
        (self.worth)(address)
    }
}
