//! Which process on which host this is, so that a lease of a dead one can be told from that of a living one.

use std::fs;

/// Identifies a process among all that ever ran on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) host: String,
    pub(crate) boot_id: String,
    /// The process namespace: containers of one host have process ids of their own.
    pub(crate) pid_namespace: String,
    pub(crate) pid: u32,
    pub(crate) pid_start: u64,
}

impl Process {
    /// Identifies this process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            boot_id: boot_id().unwrap_or_default(),
            pid_namespace: pid_namespace().unwrap_or_default(),
            pid,
            pid_start: pid_start(pid).unwrap_or_default(),
        }
    }

    /// Tells whether the process is certainly dead: on this host, and of a start before, or gone. Where the system does
    /// not tell, it counts as living.
    pub(crate) fn is_dead(&self) -> bool {
        let here = Self::current();
        let is_told = !here.boot_id.is_empty() && !here.pid_namespace.is_empty() && here.pid_start != 0;
        if !is_told || self.host != here.host || self.pid_namespace != here.pid_namespace {
            return false;
        }
        if self.boot_id == here.boot_id {
            return pid_start(self.pid) != Some(self.pid_start);
        }
        // After a restart of the host nothing of before is left. Containers may have one name on two hosts.
        here.pid_namespace == HOST_NAMESPACE
    }
}

/// The process namespace of the host itself: its number is `PROC_PID_INIT_INO` in Linux (include/linux/proc_ns.h).
const HOST_NAMESPACE: &str = "pid:[4026531836]";

/// pid_namespaces(7): the link names the namespace of the process.
fn pid_namespace() -> Option<String> {
    Some(fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned())
}

/// proc(5): a random id that the kernel makes at each start.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// proc(5): field 22 of /proc/PID/stat, after the name in parentheses, which may hold anything.
fn pid_start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // A zombie signs nothing any more.
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_start_of_it_is_dead() {
        let mut process = Process::current();
        assert!(!process.is_dead());
        process.pid_start += 1;
        assert!(process.is_dead());
        process.host.push('x');
        assert!(!process.is_dead(), "another host's processes cannot be judged");
    }

    #[test]
    fn a_process_of_before_the_restart_is_dead_outside_of_containers() {
        let process = Process { boot_id: "another".into(), ..Process::current() };
        assert_eq!(process.is_dead(), process.pid_namespace == HOST_NAMESPACE);
    }

    #[test]
    fn i09_a_process_of_another_namespace_cannot_be_judged() {
        let process = Process { pid_namespace: "pid:[1]".into(), pid_start: 0, ..Process::current() };
        assert!(!process.is_dead());
    }

    #[test]
    fn an_ended_process_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let process = Process { pid, pid_start: pid_start(pid).unwrap_or(1), ..Process::current() };
        child.wait().unwrap();
        assert!(process.is_dead());
    }
}
