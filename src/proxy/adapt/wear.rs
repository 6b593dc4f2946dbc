//! A request in the form of a side, and in the client's own.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;

use http::header::HeaderMap;
use http::uri::Uri;
use http::{Method, StatusCode};

use crate::proxy::forward::{Outgoing, OutgoingBody};
use crate::snapshot::{Adapter, Asked, Operation};
use crate::stats::Side;
use crate::wire::Upload;

/// What is changed of a request; without a body, that stays as it is.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) method: Method,
    pub(super) target: Uri,
    pub(super) headers: HeaderMap,
    /// A second try does no harm.
    pub(super) repeatable: bool,
    pub(super) body: Option<(OutgoingBody, Option<Rc<Upload>>)>,
}

/// What a request is for a side.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) adapter: Arc<Adapter>,
    /// The place of its operation there.
    pub(super) at: usize,
    pub(super) asked: Asked,
    /// When it is worn, the client's own is kept here.
    form: Form,
}

impl Fit {
    pub(super) fn new(adapter: Arc<Adapter>, at: usize, asked: Asked, form: Form) -> Self {
        Self {
            adapter,
            at,
            asked,
            form,
        }
    }

    /// Its operation.
    pub(super) fn operation(&self) -> &Operation {
        &self.adapter.operations[self.at]
    }
}

/// The forms that a request has been given.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Fitting {
    of: [Option<Fit>; 2],
    /// A side to which it goes as it is.
    passes: [bool; 2],
    worn: Option<Side>,
}

impl Fitting {
    fn knows(&self, side: Side) -> bool {
        self.of[side as usize].is_some() || self.passes[side as usize]
    }
}

impl Outgoing {
    /// Whether it is known what this is for a side.
    pub(super) fn is_fitted(&self, side: Side) -> bool {
        (self.fitting.as_ref()).is_some_and(|fitting| fitting.knows(side))
    }

    /// This is what it is for a side.
    pub(super) fn fits(&mut self, side: Side, fit: Fit) {
        self.fitting.get_or_insert_default().of[side as usize] = Some(fit);
    }

    /// To that side it goes as it is.
    pub(super) fn passes(&mut self, side: Side) {
        self.fitting.get_or_insert_default().passes[side as usize] = true;
    }

    /// Takes the form of a side, if it has one there, and else the client's own.
    pub(in crate::proxy) fn wear(&mut self, side: Option<Side>) {
        let Some(mut fitting) = self.fitting.take() else {
            return;
        };
        let side = side.filter(|side| fitting.of[*side as usize].is_some());
        if fitting.worn != side {
            // What was wrapped for a worker was wrapped in another form.
            self.payload = None;
            for turn in [fitting.worn.take(), side].into_iter().flatten() {
                if let Some(fit) = &mut fitting.of[turn as usize] {
                    self.exchange(&mut fit.form);
                }
            }
            fitting.worn = side;
        }
        self.fitting = Some(fitting);
    }

    fn exchange(&mut self, form: &mut Form) {
        mem::swap(&mut self.head.method, &mut form.method);
        mem::swap(&mut self.head.uri, &mut form.target);
        mem::swap(&mut self.head.headers, &mut form.headers);
        mem::swap(&mut self.repeatable, &mut form.repeatable);
        if let Some((body, upload)) = &mut form.body {
            mem::swap(&mut self.body, body);
            mem::swap(&mut self.upload, upload);
        }
    }

    /// The client's method.
    pub(in crate::proxy) fn own_method(&self) -> &Method {
        self.worn()
            .map_or(&self.head.method, |fit| &fit.form.method)
    }

    /// A status of the side whose form it has, as clients get it.
    pub(in crate::proxy) fn client_status(&self, status: StatusCode) -> StatusCode {
        self.worn()
            .map_or(status, |fit| fit.operation().status(status))
    }

    /// The client's path.
    pub(in crate::proxy) fn own_path(&self) -> &str {
        let target = self.worn().map_or(&self.head.uri, |fit| &fit.form.target);
        target.path()
    }

    /// The form that it has.
    pub(super) fn worn(&self) -> Option<&Fit> {
        let fitting = self.fitting.as_ref()?;
        fitting.of[fitting.worn? as usize].as_ref()
    }
}
