//! A body in one piece, and what a program makes of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::program::limits;
use crate::adapt::{Fault, Filter, Val, decode};
use crate::config::model::VARIABLES;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Job {
    /// Without one the body is only read.
    pub filter: Option<Arc<Filter>>,
    /// As it came.
    pub body: Bytes,
    /// Its `Content-Encoding`.
    pub coding: Option<String>,
    /// Of the variables, in their order.
    pub values: [Val; VARIABLES.len()],
    /// Bytes that the body may have when it is decoded.
    pub most: usize,
    /// What is no JSON is null.
    pub lenient: bool,
}

/// What became of it.
#[derive(Debug)]
pub struct Made {
    /// What the program gave; nothing without one.
    pub json: Vec<u8>,
    /// What it got.
    pub input: Val,
}

impl Job {
    /// Does it, for at most this time.
    ///
    /// # Errors
    ///
    /// It comes to nothing.
    pub fn work(&self, time: Duration) -> Result<Made, Fault> {
        let input = match self.read() {
            Err(_) if self.lenient => Val::null(),
            read => read?,
        };
        let mut json = Vec::new();
        if let Some(filter) = &self.filter {
            let limits = limits(time, self.body.len());
            let output = filter.run(input.clone(), &self.values, &limits)?;
            output.write(&mut json);
        }
        Ok(Made { json, input })
    }

    fn read(&self) -> Result<Val, Fault> {
        let plain = match &self.coding {
            Some(coding) => decode(coding, &self.body, self.most)?,
            None => None,
        };
        match plain.as_deref().unwrap_or(&self.body) {
            [] => Ok(Val::null()),
            json => Val::parse(json),
        }
    }
}
