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
            pid_start: Stat::read(pid).map(|stat| stat.start).unwrap_or_default(),
        }
    }

    /// Tells whether the process is certainly dead: of this start of this host, and gone. Where the system does not tell,
    /// it counts as living. So does a process of another start: two hosts may have one name.
    pub(crate) fn is_dead(&self) -> bool {
        let here = Self::current();
        let is_told = !here.boot_id.is_empty() && !here.pid_namespace.is_empty() && here.pid_start != 0;
        let is_here =
            (&self.host, &self.boot_id, &self.pid_namespace) == (&here.host, &here.boot_id, &here.pid_namespace);
        is_told
            && is_here
            && match Stat::read(self.pid) {
                Some(stat) => stat.is_zombie || stat.start != self.pid_start,
                // proc(5), hidepid: the processes of others may not be shown.
                None => is_gone(self.pid),
            }
    }
}

/// pid_namespaces(7): the link names the namespace of the process.
fn pid_namespace() -> Option<String> {
    Some(fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned())
}

/// proc(5): a random id that the kernel makes at each start.
fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// What /proc/PID/stat tells of a process (proc(5)).
struct Stat {
    /// It signs nothing any more.
    is_zombie: bool,
    /// Field 22: when it started, in clock ticks since the boot.
    start: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name in parentheses, which may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let is_zombie = matches!(fields.next()?, "Z" | "X");
        Some(Self { is_zombie, start: fields.nth(18)?.parse().ok()? })
    }
}

/// kill(2): signal 0 only asks, and `ESRCH` says that there is no such process.
fn is_gone(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
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
    fn i09_a_process_of_another_boot_cannot_be_judged_since_two_hosts_may_have_one_name() {
        let mut process = Process::current();
        process.pid_start += 1;
        assert!(process.is_dead());
        process.boot_id = "another".into();
        assert!(!process.is_dead());
    }

    #[test]
    fn i09_only_a_process_that_the_system_does_not_know_is_gone() {
        assert!(!is_gone(std::process::id()));
        assert!(!is_gone(1), "a process of another user, perhaps");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            Stat::read(child.id()).is_some_and(|stat| stat.is_zombie)
        });
        assert!(ended && !is_gone(child.id()), "a zombie may be asked");
        assert!(Process { pid: child.id(), ..Process::current() }.is_dead());
        child.wait().unwrap();
        assert!(is_gone(child.id()));
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
        let process = Process { pid, pid_start: 1, ..Process::current() };
        child.wait().unwrap();
        assert!(process.is_dead());
    }
}
