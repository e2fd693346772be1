//! Room for images: what is coded at a time takes no more than a limit together.

use std::sync::{Condvar, Mutex, PoisonError};

/// What all take together; the largest image alone takes no more.
const ROOM_BYTES: u64 = 256 << 20;

static TAKEN: Mutex<u64> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

/// Room that is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Room(u64);

/// Takes so much room, and waits until there is.
pub(super) fn take(bytes: u64) -> Room {
    let bytes = bytes.min(ROOM_BYTES);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    while *taken + bytes > ROOM_BYTES {
        taken = GIVEN_BACK.wait(taken).unwrap_or_else(PoisonError::into_inner);
    }
    *taken += bytes;
    Room(bytes)
}

impl Drop for Room {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
        GIVEN_BACK.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn i11_all_together_take_no_more_than_there_is_room() {
        static NOW: AtomicU64 = AtomicU64::new(0);
        let threads: Vec<_> = (0..12_u64)
            .map(|i| {
                std::thread::spawn(move || {
                    let bytes = ROOM_BYTES / 5 * (1 + i % 5);
                    for _ in 0..50 {
                        let room = take(bytes);
                        let now = NOW.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= ROOM_BYTES, "{now}");
                        std::thread::yield_now();
                        NOW.fetch_sub(bytes, Ordering::SeqCst);
                        drop(room);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
