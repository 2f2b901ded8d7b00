//! The run's clock, a timer that is fine enough to pace by it, and what the process may use and has used.
//!
//! tokio's own timers have a step of 1 ms. A timer descriptor on the monotonic clock has nanoseconds, and the
//! thread's timer slack is set to 1 us, since the kernel may otherwise be 50 us late on purpose.
//! This module is the only one of the crate with unsafe code: calls of the C library, and one registration.

#![expect(
    unsafe_code,
    reason = "timer descriptors, timer slack and resource limits have no safe interface in std"
)]

use corpus::time::RunTime;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// Nanoseconds on the monotonic clock.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid for writes of a timespec, which the call fills if it succeeds; it
    // succeeds for this clock on every Linux.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr());
        time.assume_init()
    };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// The clock of one run: zero is its first planned moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin_ns: u64,
}

impl Clock {
    /// A clock that reads zero after `lead`.
    pub(crate) fn starting_in(lead: Duration) -> Clock {
        Clock { origin_ns: monotonic_ns() + u64::try_from(lead.as_nanos()).unwrap_or(0) }
    }

    /// Now; zero before the start.
    pub(crate) fn now(&self) -> RunTime {
        RunTime(monotonic_ns().saturating_sub(self.origin_ns))
    }

    /// Whether zero has been reached.
    pub(crate) fn has_started(&self) -> bool {
        monotonic_ns() >= self.origin_ns
    }
}

/// A timer that wakes a task at a moment of a [`Clock`].
#[derive(Debug)]
pub(crate) struct Timer {
    descriptor: AsyncFd<OwnedFd>,
    armed: Option<RunTime>,
}

impl Timer {
    /// A timer that is not set. Also asks for a timer slack of 1 us on this thread.
    pub(crate) fn new() -> io::Result<Timer> {
        // SAFETY: PR_SET_TIMERSLACK takes one unsigned long and touches no memory of ours.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1000_u64) };
        // SAFETY: the call takes no pointers; a descriptor it returns belongs to nobody else.
        let owned = unsafe {
            let raw = libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC);
            if raw < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(raw)
        };
        // SAFETY: an `OwnedFd` gives out one and the same descriptor, open for as long as it lives, and it
        // lives as long as the registration.
        let descriptor = unsafe { AsyncFd::register(owned)? };
        Ok(Timer { descriptor, armed: None })
    }

    /// Sets the timer to `at`, unless it is set to a moment not later already.
    pub(crate) fn wake_by(&mut self, clock: &Clock, at: RunTime) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        set_absolute(self.descriptor.get_ref().as_raw_fd(), clock.origin_ns.saturating_add(at.0).max(1))?;
        self.armed = Some(at);
        Ok(())
    }

    /// Takes note of an expiry, and asks to be woken by the next one.
    ///
    /// The descriptor is not read: it is watched by edge, every expiry is one, and setting it again
    /// resets its count. That saves a system call for each wake.
    pub(crate) fn poll_expired(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(guard) = self.descriptor.poll_read_ready(context) {
            guard?.clear_ready();
            self.armed = None;
        }
        Ok(())
    }
}

fn set_absolute(descriptor: RawFd, at_ns: u64) -> io::Result<()> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let value = libc::timespec {
        tv_sec: i64::try_from(at_ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(at_ns % 1_000_000_000).unwrap_or(0),
    };
    let setting = libc::itimerspec { it_interval: zero, it_value: value };
    // SAFETY: `setting` lives through the call, which only reads it; a null old value is allowed.
    let result =
        unsafe { libc::timerfd_settime(descriptor, libc::TFD_TIMER_ABSTIME, &setting, std::ptr::null_mut()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// CPU time that the calling thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for writes of a rusage, and all zeros is a valid one.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init()
    };
    let of = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// Raises the limit of open files to what is allowed, and says what it is.
pub(crate) fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live rlimit; the second only reads it.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) < 0 {
            return 1024;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raised) < 0 { limit.rlim_cur } else { limit.rlim_max }
    }
}
