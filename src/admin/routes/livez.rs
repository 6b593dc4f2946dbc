//! `GET /livez`: the process runs and answers, which is all that a restart could mend.

pub(in crate::admin) async fn livez() -> &'static str {
    "ok\n"
}
