//! Runs the server by hand.

use std::process::ExitCode;

use s3gc_s3_mem::{ACCESS_KEY, Options, S3Mem, SECRET_KEY, VersioningState};

const USAGE: &str = "usage: s3gc-s3-mem [--listen ADDRESS:PORT] [--bucket NAME]... [--versioning]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say_wrong(&message);
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let (mut options, mut versioning) = (Options::default(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n{USAGE}"));
        options = match argument.as_str() {
            "--listen" => options.listen(value()?.parse().map_err(|error| format!("--listen: {error}"))?),
            "--bucket" => options.bucket(value()?),
            "--versioning" => {
                versioning = true;
                options
            }
            "--help" | "-h" => {
                say(USAGE);
                return Ok(());
            }
            _ => return Err(format!("{argument} is not an option\n{USAGE}")),
        };
    }
    let buckets = options.buckets.clone();
    let server = S3Mem::start(options).await.map_err(|error| format!("cannot listen: {error}"))?;
    if versioning {
        buckets.iter().for_each(|name| server.bucket(name).set_versioning(VersioningState::Enabled));
    }
    say(&format!("{}\nAWS_ACCESS_KEY_ID={ACCESS_KEY}\nAWS_SECRET_ACCESS_KEY={SECRET_KEY}", server.endpoint()));
    tokio::signal::ctrl_c().await.map_err(|error| error.to_string())
}

#[expect(clippy::print_stdout, reason = "the endpoint is this program's output")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "this program has no log")]
fn say_wrong(text: &str) {
    eprintln!("{text}");
}
