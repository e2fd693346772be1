//! The statements that set a fence up and take it down.

use s3gc_source::extract::{Kind, Template};
use s3gc_source::{Error, Result};

use crate::config::Reference;
use crate::quote::{Part, Sql, TableName};

/// The schema with everything that belongs to fences.
pub(crate) const SCHEMA: &str = "s3gc_fence";

const WORDS: &str = include_str!("words.sql");
const UNPACKED: &str = include_str!("unpacked.sql");
const MEET: &str = include_str!("meet.sql");

/// A watched table, with what of each row refers to objects.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) table: TableName,
    /// Each value as an expression over `NEW`, and whether it names a directory.
    pub(crate) values: Vec<(Sql, bool)>,
}

/// A function as it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) body: String,
    signature: Sql,
    options: Sql,
}

impl Function {
    /// Its body, whether it has its owner's rights, whether it sees what was committed since, and its settings, as the
    /// catalogue shows them.
    pub(crate) fn facts(&self) -> [String; 4] {
        let options = self.options.as_str();
        let is_pinned = options.contains("SECURITY DEFINER");
        let settings = if is_pinned { "search_path=pg_catalog, pg_temp,standard_conforming_strings=on" } else { "" };
        let yes = |yes: bool| if yes { "t" } else { "f" }.to_owned();
        let volatility = if options.contains("VOLATILE") { "v" } else { "i" };
        [self.body.clone(), yes(is_pinned), volatility.to_owned(), settings.to_owned()]
    }
}

/// Everything that one owner needs.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) owner: String,
    pub(crate) id: String,
    pub(crate) watches: Vec<Watch>,
    /// The role that collects.
    pub(crate) role: String,
    pub(crate) may_see_snapshots: bool,
}

impl Setup {
    /// The name of the trigger on each table.
    pub(crate) fn trigger(&self) -> String {
        format!("zzz_s3gc_fence_{}", self.id)
    }

    /// The name of the function that locks the watched tables.
    pub(crate) fn holder(&self) -> String {
        holder(&self.id)
    }

    /// The name of the function of the trigger on a table.
    pub(crate) fn watcher(&self, table: &TableName) -> String {
        let digest = blake3::hash(format!("{}\0{}", table.schema, table.table).as_bytes()).to_hex();
        format!("watch_{}_{}", self.id, &digest[..12])
    }

    /// Every function.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let plain = |name: &str, body: &str, signature: &'static str, options: &'static str| Function {
            name: name.to_owned(),
            body: body.to_owned(),
            signature: Sql::fixed(signature),
            options: Sql::fixed(options),
        };
        const STABLE: &str = "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE";
        // Every query of a trigger that is VOLATILE sees what was committed before it.
        const PINNED: &str = "LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp \
             SET standard_conforming_strings = on";
        let mut functions = vec![
            plain("unpacked", UNPACKED, "(packed text) RETURNS text", STABLE),
            plain("words", WORDS, "(value text, depth integer) RETURNS text[]", STABLE),
            plain(
                "meet",
                MEET,
                "(for_owner text, value text, names_directories boolean) RETURNS void",
                "LANGUAGE plpgsql VOLATILE",
            ),
        ];
        let tables: Vec<TableName> = self.watches.iter().map(|watch| watch.table.clone()).collect();
        let mut lines: Vec<Sql> = vec![Sql::with_parts(
            "\nBEGIN\n    IF step = 0 THEN\n        LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;",
            &[Part::Tables(&tables)],
        )];
        for (n, table) in (1..).zip(&tables) {
            lines.push(Sql::with_parts(
                "    ELSIF step = {} THEN\n        LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE;",
                &[Part::Number(n), Part::Tables(std::slice::from_ref(table))],
            ));
        }
        lines.push(Sql::fixed("    END IF;\nEND\n"));
        functions.push(plain(
            &self.holder(),
            Sql::with_parts("{}", &[Part::List(&lines, "\n")]).as_str(),
            "(step integer) RETURNS void",
            PINNED,
        ));
        for watch in &self.watches {
            let calls: Vec<Sql> = watch.values.iter().map(|(value, is_prefix)| self.call(value, *is_prefix)).collect();
            let body = Sql::with_parts(
                "\nBEGIN\n    IF EXISTS (SELECT FROM s3gc_fence.condemned WHERE owner = {}) THEN\n{}\n    END IF;\n    \
                 RETURN NULL;\nEND\n",
                &[Part::Text(&self.id), Part::List(&calls, "\n")],
            );
            functions.push(plain(&self.watcher(&watch.table), body.as_str(), "() RETURNS trigger", PINNED));
        }
        functions
    }

    fn call(&self, value: &Sql, is_prefix: bool) -> Sql {
        let parts = [Part::Text(&self.id), Part::Sql(value), Part::Bool(is_prefix)];
        Sql::with_parts("        PERFORM s3gc_fence.meet({}, {}, {});", &parts)
    }

    /// Every statement, in its order. They change nothing where everything is there.
    pub(crate) fn statements(&self) -> Vec<Sql> {
        let mut statements = vec![
            Sql::fixed("CREATE SCHEMA IF NOT EXISTS s3gc_fence"),
            Sql::fixed(
                "CREATE TABLE IF NOT EXISTS s3gc_fence.condemned (\n    \
                 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    owner text NOT NULL,\n    wave text NOT NULL,\n    \
                 key text NOT NULL,\n    is_prefix boolean NOT NULL,\n    needle text NOT NULL,\n    runs text[] NOT NULL,\n    \
                 state text NOT NULL CHECK (state IN ('condemned', 'deleting', 'gone')),\n    restores boolean NOT NULL,\n    \
                 changed_at timestamptz NOT NULL DEFAULT now()\n) WITH (fillfactor = 50)",
            ),
            Sql::fixed("CREATE INDEX IF NOT EXISTS condemned_needle ON s3gc_fence.condemned (owner, needle)"),
            Sql::fixed("CREATE INDEX IF NOT EXISTS condemned_key ON s3gc_fence.condemned (owner, key)"),
            Sql::fixed(
                "CREATE TABLE IF NOT EXISTS s3gc_fence.resurrect (\n    \
                 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    owner text NOT NULL,\n    key text NOT NULL,\n    \
                 ordered_at timestamptz NOT NULL DEFAULT now()\n)",
            ),
        ];
        let functions = self.functions();
        for function in &functions {
            statements.push(Sql::with_parts(
                "CREATE OR REPLACE FUNCTION s3gc_fence.{}{} {} AS {}",
                &[
                    Part::Name(&function.name),
                    Part::Sql(&function.signature),
                    Part::Sql(&function.options),
                    Part::Text(&function.body),
                ],
            ));
        }
        statements.push(Sql::fixed("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA s3gc_fence FROM PUBLIC"));
        for watch in &self.watches {
            let (trigger, watcher) = (self.trigger(), self.watcher(&watch.table));
            let table = [watch.table.clone()];
            // Without `OF`: a trigger that runs before may change any column.
            statements.push(Sql::with_parts(
                "CREATE OR REPLACE TRIGGER {} AFTER INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION s3gc_fence.{}()",
                &[Part::Name(&trigger), Part::Tables(&table), Part::Name(&watcher)],
            ));
            statements.push(Sql::with_parts(
                "ALTER TABLE {} ENABLE ALWAYS TRIGGER {}",
                &[Part::Tables(&table), Part::Name(&trigger)],
            ));
        }
        statements.extend(granted(&self.role, [self.holder()]));
        if !self.may_see_snapshots {
            statements.push(sight(&self.role));
        }
        statements
    }
}

/// The name of the function that locks the watched tables of an owner.
pub(crate) fn holder(id: &str) -> String {
    format!("hold_{id}")
}

/// What the role that collects needs, apart from [`sight`].
pub(crate) fn granted(role: &str, holders: impl IntoIterator<Item = String>) -> Vec<Sql> {
    let role = Part::Name(role);
    let mut statements = vec![
        Sql::with_parts("GRANT USAGE ON SCHEMA s3gc_fence TO {}", &[role]),
        Sql::with_parts(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON s3gc_fence.condemned, s3gc_fence.resurrect TO {}",
            &[role],
        ),
    ];
    for holder in holders {
        let parts = [Part::Name(&holder), role];
        statements.push(Sql::with_parts("GRANT EXECUTE ON FUNCTION s3gc_fence.{}(integer) TO {}", &parts));
    }
    statements
}

/// Lets the role see other people's snapshots.
pub(crate) fn sight(role: &str) -> Sql {
    Sql::with_parts("GRANT pg_read_all_stats TO {}", &[Part::Name(role)])
}

/// The statement that removes everything of an owner, and the rest with the last one.
pub(crate) fn teardown(id: &str) -> Sql {
    const BODY: &str = "
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT t.tgname, c.oid::regclass AS tab FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgname = 'zzz_s3gc_fence_ID' AND t.tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.tab);
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure AS fn FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 's3gc_fence' AND (p.proname LIKE 'watch\\_ID\\_%' OR p.proname = 'hold_ID')
    LOOP
        EXECUTE format('DROP FUNCTION %s', found.fn);
    END LOOP;
    IF to_regclass('s3gc_fence.condemned') IS NOT NULL THEN
        DELETE FROM s3gc_fence.condemned WHERE owner = 'ID';
        DELETE FROM s3gc_fence.resurrect WHERE owner = 'ID';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 's3gc_fence' AND p.proname LIKE 'hold\\_%')
    THEN
        DROP SCHEMA IF EXISTS s3gc_fence CASCADE;
    END IF;
END";
    Sql::with_parts("DO {}", &[Part::Text(&BODY.replace("ID", id).replace("\\\\", "\\"))])
}

/// The value of a column as the scan reads it: by the output function of its type.
pub(crate) fn column_value(column: &str) -> Sql {
    let name = Part::Name(column);
    Sql::with_parts("CASE WHEN NEW.{} IS NOT NULL THEN format('%s', NEW.{}) END", &[name, name])
}

/// The key that a template gives for a row; null where a column that must be there is.
pub(crate) fn template_value(template: &Template) -> Sql {
    let parts: Vec<Sql> = template.map_parts(
        |text| Sql::with_parts("{}", &[Part::Text(text)]),
        |column, optional, filters| {
            let mut value = column_value(column);
            if optional {
                value = Sql::with_parts("coalesce({}, '')", &[Part::Sql(&value)]);
            }
            filters.iter().fold(value, |value, filter| filtered(&value, *filter))
        },
    );
    Sql::with_parts("({})", &[Part::List(&parts, " || ")])
}

fn filtered(value: &Sql, filter: s3gc_source::extract::Filter) -> Sql {
    use s3gc_source::extract::Filter;
    let sql = match filter {
        Filter::Lower => "lower({})",
        Filter::File => "regexp_replace({}, '^.*/', '')",
        Filter::Stem => "regexp_replace({}, '^(.+)[.][^./]*$', '\\1')",
        Filter::Extension => "coalesce(substring({} from '[.]([^./]*)$'), '')",
        // The words of both ways to spread it.
        _ => {
            return Sql::with_parts(
                "regexp_replace(CASE WHEN {} ~ '^[0-9]*$' THEN CASE WHEN length({}) < 9 THEN lpad({}, 9, '0') ELSE {} END \
                 ELSE left({}, 9) END, '(...)(?=.)', '\\1/', 'g')",
                &[Part::Sql(value); 5],
            );
        }
    };
    Sql::with_parts(sql, &[Part::Sql(value)])
}

/// What of the configuration cannot be fenced.
pub(crate) fn refuse_references(source_name: &str, references: &[Reference]) -> Result<()> {
    for reference in references {
        if let Reference::Query { sql, name, .. } = reference {
            let name = crate::catalog::query_name(sql, name.as_deref());
            let reason =
                "a query cannot be fenced, since nobody can tell which row makes it refer to what: watch columns \
                          or templates of its tables instead, or turn the fence off"
                    .to_owned();
            return Err(Error::Schema { source_name: source_name.to_owned(), column: name, reason });
        }
    }
    Ok(())
}

/// Tells whether a reference names directories.
pub(crate) fn names_directories(reference: &Reference) -> bool {
    matches!(reference, Reference::Column { kind: Kind::Prefix, .. } | Reference::Template { kind: Kind::Prefix, .. })
}
