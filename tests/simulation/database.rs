//! A database with transactions: what is not committed is seen by nobody else.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

/// The tables, each with the one column that is watched.
pub(crate) const COLUMNS: [&str; 4] = ["posts.image", "users.avatar", "pages.body", "albums.dir"];

/// A row, and what its writer means by it, which the collector is not told.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) table: usize,
    pub(crate) value: String,
    pub(crate) means: Vec<Mean>,
    /// When its transaction wrote first, by the counter of the database.
    pub(crate) wrote: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mean {
    Key(String),
    Prefix(String),
}

/// What one scan sees.
pub(crate) type Snapshot = BTreeMap<u64, Arc<Row>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) wrote: u64,
    pub(crate) inserts: Vec<Row>,
    pub(crate) deletes: Vec<u64>,
    /// When the application ends it by itself; unset until the world says so.
    pub(crate) ends: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) rows: Snapshot,
    pub(crate) open: BTreeMap<u8, Transaction>,
    /// Grows with everything that happens.
    pub(crate) count: u64,
    /// The position in the log, which goes back when a backup is restored.
    pub(crate) position: u64,
    pub(crate) is_locked: BTreeMap<String, u64>,
    backup: Option<(Snapshot, u64)>,
    next_row: u64,
}

/// The rule of variants that the collector has, too.
pub(crate) const VARIANT: &str = r"^small/(?<base>.+)$ -> photos/$base";

impl Row {
    /// Tells whether the row needs the object.
    pub(crate) fn needs(&self, key: &str) -> bool {
        let names = |key: &str| {
            self.means.iter().any(|mean| match mean {
                Mean::Key(meant) => meant == key,
                Mean::Prefix(prefix) => key.starts_with(prefix.as_str()),
            })
        };
        names(key) || key.strip_prefix("small/").is_some_and(|base| names(&format!("photos/{base}")))
    }
}

pub(crate) fn needs(rows: &Snapshot, key: &str) -> bool {
    rows.values().any(|row| row.needs(key))
}

impl Database {
    pub(crate) fn tick(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// What a snapshot of these tables sees.
    pub(crate) fn rows_in(&self, tables: &Range<usize>) -> Snapshot {
        let is_in = |(_, row): &(&u64, &Arc<Row>)| tables.contains(&row.table);
        self.rows.iter().filter(is_in).map(|(id, row)| (*id, Arc::clone(row))).collect()
    }

    pub(crate) fn insert(&mut self, open: Option<u8>, table: usize, value: String, means: Vec<Mean>) {
        let now = self.tick();
        let mut row = Row { table, value, means, wrote: now };
        match open {
            None => self.push(row),
            Some(name) => {
                let open = self.begin(name, now);
                row.wrote = open.wrote;
                open.inserts.push(row);
            }
        }
    }

    /// Takes committed rows away.
    pub(crate) fn delete(&mut self, open: Option<u8>, ids: Vec<u64>) {
        let now = self.tick();
        match open {
            None => self.remove(&ids),
            Some(name) => self.begin(name, now).deletes.extend(ids),
        }
    }

    pub(crate) fn commit(&mut self, name: u8) {
        let Some(open) = self.open.remove(&name) else { return };
        self.tick();
        self.remove(&open.deletes);
        for row in open.inserts {
            self.push(row);
        }
    }

    pub(crate) fn rollback(&mut self, name: u8) {
        self.open.remove(&name);
        self.tick();
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some((self.rows.clone(), self.position));
    }

    /// Puts the last backup in place: nothing of what was open survives.
    pub(crate) fn restore(&mut self) {
        let Some((rows, position)) = self.backup.clone() else { return };
        let now = self.tick();
        let again = |(id, row): (u64, Arc<Row>)| (id, Arc::new(Row { wrote: now, ..(*row).clone() }));
        self.rows = rows.into_iter().map(again).collect();
        self.position = position;
        self.open.clear();
    }

    pub(crate) fn rows_of(&self, key: &str) -> Vec<u64> {
        let direct = |row: &Row| row.means.contains(&Mean::Key(key.to_owned()));
        self.rows.iter().filter(|(_, row)| direct(row)).map(|(id, _)| *id).collect()
    }

    fn begin(&mut self, name: u8, now: u64) -> &mut Transaction {
        self.open.entry(name).or_insert_with(|| Transaction { wrote: now, ..Transaction::default() })
    }

    fn push(&mut self, row: Row) {
        self.next_row += 1;
        self.position += 1;
        self.rows.insert(self.next_row, Arc::new(row));
    }

    fn remove(&mut self, ids: &[u64]) {
        self.position += 1;
        for id in ids {
            self.rows.remove(id);
        }
    }
}
