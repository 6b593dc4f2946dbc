//! What is counted, and where. Workers write, everybody else reads: each worker has cells of its
//! own, so counting needs no lock and no shared cache line.

mod adapter;
mod cell;
mod class;
mod client;
mod cohort;
mod counter;
mod histogram;
mod ownership;
mod purpose;
mod serverless;

pub use adapter::{Adapted, AdapterCell, Direction, OperationCell};
pub use cell::{Cells, EndpointCell, SideCell, WorkerCell};
pub use class::{Class, Fault, Reason, Side, Trouble};
pub use client::{Lapse, Refused};
pub use cohort::{Cohort, Cohorts, Draw, Limits, SideCounts, Unit};
pub use counter::{Counter, Gauge};
pub use histogram::{EDGES_US, Histogram, HistogramTotals};
pub use ownership::{Looked, Made, OwnershipCell};
pub use purpose::Purpose;
pub use serverless::{Asked, ServerlessCell, Worked};
