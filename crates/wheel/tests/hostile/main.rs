//! Hostile wheels by number: what an archive and the wheel in it may not be. Each test has the number of its case in its
//! name. Every case is refused with its reason, or taken with what is odd about it said.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod archives;
mod names;
mod raw;
mod sound;
mod wheels;
