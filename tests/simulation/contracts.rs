//! The parts in memory keep the contracts of the traits, or a history would prove nothing.

use std::sync::Arc;

use crate::history::{Kind, Versions};
use crate::vault::NOBODY;
use crate::world::Sim;

/// A world in which nothing goes wrong, and time goes by as outside.
fn quiet(versions: Versions) -> Sim {
    let kind = Kind {
        versions,
        batch_etag: true,
        single_etag: true,
        unconditional: false,
        locks: true,
        skew: 0,
        wave_objects: 1,
        last_modified: false,
        two_sources: false,
    };
    Sim::new(kind, false)
}

mod store {
    use s3gc_store::DeleteMeans;
    use s3gc_testkit::suites::store::Fixture;

    use super::{Arc, NOBODY, Versions, quiet};
    use crate::store::SimStore;

    s3gc_testkit::object_store_suite!(fixture());

    fn fixture() -> Fixture {
        let store = SimStore::new(&quiet(Versions::Off), NOBODY);
        let means = [DeleteMeans::BatchEtag, DeleteMeans::SingleEtag, DeleteMeans::Unconditional];
        let mut fixture = Fixture::new(Arc::new(store), means);
        fixture.storage_class = Some("STANDARD_IA".into());
        fixture
    }
}

mod vault {
    use s3gc_testkit::suites::vault::Fixture;

    use super::{Arc, NOBODY, Versions, quiet};
    use crate::vault::SimVault;

    s3gc_testkit::vault_backend_suite!(fixture());

    fn fixture() -> Fixture {
        let sim = quiet(Versions::Off);
        Fixture::new(Arc::new(SimVault::new(&sim, NOBODY))).with_reopen(move || Arc::new(SimVault::new(&sim, NOBODY)))
    }
}

mod catalog {
    use s3gc_core::catalog::Catalog;
    use s3gc_testkit::suites::catalog::Fixture;

    use super::Arc;
    use crate::catalog::MemoryCatalog;

    s3gc_testkit::catalog_suite!(fixture());

    fn fixture() -> Fixture {
        let memory = MemoryCatalog(Arc::default());
        Fixture::new(move || {
            let memory = memory.clone();
            async move { Arc::new(memory) as Arc<dyn Catalog> }
        })
    }
}

mod source {
    use async_trait::async_trait;
    use s3gc_testkit::suites::source::{Data, Fixture, Open};

    use super::{NOBODY, Versions, quiet};
    use crate::database::{COLUMNS, Mean};
    use crate::source::SimSource;
    use crate::world::Sim;

    s3gc_testkit::reference_source_suite!(fixture());

    struct Application(Sim);

    #[async_trait]
    impl Data for Application {
        async fn insert(&self, key: &str) {
            self.0.lock().db.insert(None, 0, key.to_owned(), vec![Mean::Key(key.to_owned())]);
        }

        async fn remove(&self, key: &str) {
            let mut world = self.0.lock();
            let rows = world.db.rows_of(key);
            world.db.delete(None, rows);
        }

        async fn begin(&self, key: &str) -> Option<Box<dyn Open>> {
            self.0.lock().db.insert(Some(0), 0, key.to_owned(), vec![Mean::Key(key.to_owned())]);
            Some(Box::new(Writing(self.0.clone())))
        }
    }

    struct Writing(Sim);

    #[async_trait]
    impl Open for Writing {
        async fn commit(self: Box<Self>) {
            self.0.lock().db.commit(0);
        }
    }

    fn fixture() -> Fixture {
        let sim = quiet(Versions::Off);
        Fixture::new(SimSource::new(&sim, NOBODY, 0..COLUMNS.len()), Application(sim))
    }
}
