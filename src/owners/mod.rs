//! The learned table of which backend owns a job or resource, whatever the percent is now: in memory for
//! the data plane, on disk soon after, over restarts and `kill -9`. A table that is full, late or lost says
//! so, since what is not known must never read as drained.
//!
//! When it is on disk: one thread takes all that waits each 100 ms and writes it in one transaction, with
//! one fsync. So a crash of the process or the machine costs what was learned in the last 100 ms and the
//! time of one fsync, no more; what was written is there whole, or as it was before. While the disk fails,
//! serving goes on from memory, failures are counted, and what was missed is written when it works again.
//!
//! It knows since when it learns by each rule, too: what a rule speaks of and was made before it was in force,
//! or while it was out of the file, is as little known as what was made before the table began.
//!
//! In a state folder: `owners.redb` is the table, `owners.key` the secret of its keys for a process that
//! has to wait for the table, `owners.late` what a predecessor tells its successor, and
//! `owners.redb.broken-<unix seconds>` a table that could not be used.

mod bell;
mod change;
mod counts;
mod disk;
mod entry;
mod followed;
mod key;
mod late;
mod listing;
mod names;
mod open;
mod place;
mod retry;
mod room;
mod row;
mod shard;
mod table;
mod tally;
mod trouble;
mod words;
mod writer;

pub use room::Owners;
pub use trouble::Trouble;
pub use words::{
    CAPACITY, Health, LONGEST_ID, Learned, Learnt, Listed, Opened, Owned, Settings, Tally,
};
