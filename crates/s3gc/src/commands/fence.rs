//! `s3gc fence`: the write fence in the databases where it is turned on.

use s3gc_core::Gc;
use s3gc_core::source::{FenceStatus, WriteFence};
use serde::Serialize;
use serde_json::json;

use crate::ExitCode;
use crate::cli::FenceCommand;
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::human;

pub(super) async fn run(command: FenceCommand, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    if fleet.iter().all(|gc| fences(gc).next().is_none()) {
        let help = "write fence = \"postgres\" under [database]";
        return Err(Error::usage("no database has the write fence turned on", help));
    }
    Ok(super::each(ctx, &fleet, |gc| one(gc, command.clone(), ctx)).await)
}

async fn one(gc: Gc, command: FenceCommand, ctx: &Ctx) -> Result<ExitCode> {
    let owner = gc.location().to_string();
    let mut worst = ExitCode::Ok;
    for (database, fence) in fences(&gc) {
        let what = Fence { bucket: &gc.settings().name, database, owner: &owner, fence };
        worst = worst.max(match command {
            FenceCommand::Setup { print_sql: true, .. } => what.print_sql(ctx).await?,
            FenceCommand::Setup { yes, .. } => what.setup(yes, ctx).await?,
            FenceCommand::Status => what.status(ctx).await?,
            FenceCommand::Teardown { yes } => what.teardown(yes, ctx).await?,
        });
    }
    Ok(worst)
}

fn fences(gc: &Gc) -> impl Iterator<Item = (&str, &dyn WriteFence)> {
    gc.sources().iter().filter_map(|source| Some((source.name(), source.fence()?)))
}

struct Fence<'a> {
    bucket: &'a str,
    database: &'a str,
    owner: &'a str,
    fence: &'a dyn WriteFence,
}

#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    database: &'a str,
    whole: bool,
    faults: &'a [String],
    tables: Vec<serde_json::Value>,
    condemned: u64,
    deleting: u64,
    gone: u64,
    orders: u64,
}

impl Fence<'_> {
    async fn print_sql(&self, ctx: &Ctx) -> Result<ExitCode> {
        let sql = self.fence.setup_sql(self.owner).await?;
        if ctx.json {
            ctx.print_json(&json!({ "bucket": self.bucket, "database": self.database, "sql": sql }))?;
        } else {
            ctx.print(sql)?;
        }
        Ok(ExitCode::Ok)
    }

    async fn setup(&self, yes: bool, ctx: &Ctx) -> Result<ExitCode> {
        let status = self.fence.status(self.owner).await?;
        let mut installed = Vec::new();
        if !status.is_whole() {
            ctx.say(self.fence.setup_sql(self.owner).await?);
            if !self.agree("Run these statements", yes, ctx).await? {
                return Ok(ExitCode::Ok);
            }
            installed = self.fence.install(self.owner).await?;
        }
        if ctx.json {
            ctx.print_json(&json!({ "bucket": self.bucket, "database": self.database, "repaired": installed }))?;
        } else if installed.is_empty() {
            ctx.print(format!("{}: the write fence in {} is whole: nothing to do", self.bucket, self.database))?;
        } else {
            let repaired = installed.join("\n  ");
            ctx.print(format!(
                "{}: the write fence in {} is whole. Before:\n  {repaired}",
                self.bucket, self.database
            ))?;
        }
        Ok(ExitCode::Ok)
    }

    async fn status(&self, ctx: &Ctx) -> Result<ExitCode> {
        let status = self.fence.status(self.owner).await?;
        if ctx.json {
            ctx.print_json(&self.document(&status))?;
        } else {
            ctx.print(self.text(&status))?;
        }
        Ok(if status.is_whole() { ExitCode::Ok } else { ExitCode::Faults })
    }

    async fn teardown(&self, yes: bool, ctx: &Ctx) -> Result<ExitCode> {
        let status = self.fence.status(self.owner).await?;
        if status.deleting > 0 || status.orders > 0 {
            let (deleting, orders) = (status.deleting, status.orders);
            let message = format!("{deleting} keys are being deleted, and {orders} orders wait");
            return Err(Error::usage(message, "run s3gc run first: it settles them"));
        }
        if !self.agree("Remove the write fence", yes, ctx).await? {
            return Ok(ExitCode::Ok);
        }
        self.fence.teardown(self.owner).await?;
        if ctx.json {
            ctx.print_json(&json!({ "bucket": self.bucket, "database": self.database, "removed": true }))?;
        } else {
            ctx.print(format!("{}: the write fence in {} is removed", self.bucket, self.database))?;
        }
        Ok(ExitCode::Ok)
    }

    fn document<'s>(&'s self, status: &'s FenceStatus) -> Document<'s> {
        let table = |(name, fenced): &(String, bool)| json!({ "table": name, "fenced": fenced });
        Document {
            bucket: self.bucket,
            database: self.database,
            whole: status.is_whole(),
            faults: &status.faults,
            tables: status.tables.iter().map(table).collect(),
            condemned: status.condemned,
            deleting: status.deleting,
            gone: status.gone,
            orders: status.orders,
        }
    }

    fn text(&self, status: &FenceStatus) -> String {
        let state = if status.is_whole() { "whole" } else { "NOT WHOLE: run s3gc fence setup" };
        let mut text = format!("{}: the write fence in {} is {state}\n", self.bucket, self.database);
        for fault in &status.faults {
            text.push_str(&format!("  {fault}\n"));
        }
        for (table, fenced) in &status.tables {
            text.push_str(&format!("  {} {table}\n", if *fenced { "ok  " } else { "FAIL" }));
        }
        text.push_str(&format!(
            "  {} condemned, {} being deleted, {} gone in the last day, {} waiting\n",
            human::count(status.condemned),
            human::count(status.deleting),
            human::count(status.gone),
            human::plural(status.orders, "order")
        ));
        text
    }

    async fn agree(&self, question: &str, yes: bool, ctx: &Ctx) -> Result<bool> {
        if yes {
            return Ok(true);
        }
        if !ctx.is_interactive() {
            return Err(Error::usage("this changes the database, and nobody can be asked", "add --yes"));
        }
        let question = format!("{question} in {}? [y/N] ", self.database);
        Ok(matches!(ctx.ask(question).await?.as_str(), "y" | "Y" | "yes"))
    }
}
