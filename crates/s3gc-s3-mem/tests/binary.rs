//! The server as a program.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn the_program_says_where_it_listens() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_s3gc-s3-mem"))
        .args(["--listen", "127.0.0.1:0", "--bucket", "photos", "--versioning"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("http://").unwrap().to_owned();
    let connected = TcpStream::connect(&address);
    program.kill().unwrap();
    program.wait().unwrap();
    connected.unwrap();
}

#[test]
fn a_wrong_option_is_refused_with_the_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_s3gc-s3-mem")).arg("--buckets").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("usage: "));
}
