//! Reading what `/metrics` says.

#[derive(Debug)]
pub(crate) struct Scrape(pub(crate) String);

impl Scrape {
    fn samples(&self) -> impl Iterator<Item = (&str, f64)> {
        let lines = self.0.lines();
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                (series, value.parse().unwrap())
            })
    }

    /// How many series there are.
    pub(crate) fn series(&self) -> usize {
        self.samples().count()
    }

    /// The sum over the family's series that have all of these labels, written `name="value"`.
    /// There must be some.
    pub(crate) fn sum(&self, family: &str, labels: &[&str]) -> f64 {
        let mut found = 0;
        let mut sum = 0.0;
        for (series, value) in self.samples() {
            let (name, rest) = series.split_once('{').unwrap_or((series, ""));
            if name == family && labels.iter().all(|label| rest.contains(label)) {
                found += 1;
                sum += value;
            }
        }
        assert!(found > 0, "no series {family}{labels:?} in:\n{}", self.0);
        sum
    }
}
