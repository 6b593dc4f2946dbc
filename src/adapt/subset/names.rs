//! What can be called, and what cannot although jq knows it.

/// A kind of argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Evaluated before the call, each output for itself.
    Value,
    /// Evaluated within.
    Filter,
    /// A path.
    Path,
    /// A path where the call is one, else a filter.
    Same,
    /// A regular expression that stands in the program.
    Pattern,
    /// Its flags.
    Flags,
}

/// How many outputs a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// One at most.
    One,
    /// As many as the last argument.
    Last,
    /// As many as there are elements.
    All,
}

/// What a call can be in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InPath {
    Nothing,
    /// In `path(…)`, `del(…)`, `pick(…)`.
    Read,
    /// Also left of an assignment.
    Update,
}

/// A name with a number of arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    args: &'static str,
    pub(super) gives: Gives,
    pub(super) in_path: InPath,
}

impl Known {
    /// Levels of evaluation that a call takes, which is more for what is defined by other calls.
    pub(super) fn levels(&self) -> u32 {
        match self.name {
            "any" | "all" | "IN" | "INDEX" | "isempty" | "pick" => 16,
            _ => 6,
        }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.args.chars().map(|kind| match kind {
            'v' => Kind::Value,
            'p' => Kind::Path,
            's' => Kind::Same,
            'r' => Kind::Pattern,
            'g' => Kind::Flags,
            _ => Kind::Filter,
        })
    }
}

/// Looks for a name with so many arguments.
pub(super) fn known(name: &str, arity: usize) -> Option<Known> {
    all().find(|known| known.name == name && known.args.len() == arity)
}

/// Numbers of arguments with which a name is known.
pub(super) fn arities(name: &str) -> Vec<usize> {
    all()
        .filter(|known| known.name == name)
        .map(|known| known.args.len())
        .collect()
}

/// The name that is most like it.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let distance = |known: &Known| strsim::damerau_levenshtein(name, known.name);
    let most = name.len() / 3 + 1;
    let nearest = all()
        .min_by_key(distance)
        .filter(|known| distance(known) <= most);
    nearest.map(|known| known.name)
}

fn all() -> impl Iterator<Item = Known> {
    let entry = |(args, gives, in_path, names): &(&'static str, Gives, InPath, &'static str)| {
        let (args, gives, in_path) = (*args, *gives, *in_path);
        names.split(' ').map(move |name| Known {
            name,
            args,
            gives,
            in_path,
        })
    };
    TABLE.iter().flat_map(entry)
}

type Row = (&'static str, Gives, InPath, &'static str);

/// Arguments, outputs, whether it can be a path, names.
#[rustfmt::skip]
const TABLE: [Row; 32] = {
    use Gives::{All, Last, One};
    use InPath::{Nothing, Read, Update};
    [
        ("", One, Nothing, "null true false not nan infinite type isnan isinfinite isnormal"),
        ("", One, Nothing, "abs fabs sqrt log log2 log10 exp exp2 exp10 floor ceil round trunc"),
        ("", One, Nothing, "tostring tojson fromjson tonumber ascii_downcase ascii_upcase trim ltrim rtrim"),
        ("", One, Nothing, "explode implode ascii utf8bytelength error length add reverse flatten transpose"),
        ("", One, Nothing, "keys keys_unsorted to_entries from_entries sort unique min max any all toarray"),
        ("", One, Nothing, "@text @json @html @uri @csv @tsv @sh @base64 @base64d"),
        ("", One, Update, "empty first last values nulls booleans numbers strings arrays objects iterables scalars"),
        ("", All, Update, "recurse"),
        ("", All, Nothing, "paths leaf_paths"),
        ("v", One, Nothing, "startswith endswith ltrimstr rtrimstr trimstr split join flatten indices index rindex"),
        ("v", One, Nothing, "has contains inside in delpaths error"),
        ("v", One, Update, "getpath nth"),
        ("v", All, Nothing, "range"),
        ("vv", All, Nothing, "range"),
        ("vvv", All, Nothing, "range"),
        ("vv", One, Nothing, "setpath pow"),
        ("f", One, Nothing, "map map_values walk with_entries sort_by unique_by group_by min_by max_by"),
        ("f", One, Nothing, "any all add isempty IN INDEX"),
        ("ff", One, Nothing, "any all IN INDEX"),
        ("v", One, Update, "select"),
        ("s", One, Read, "first last"),
        ("vs", Last, Read, "limit skip"),
        ("vs", One, Read, "nth"),
        ("f", All, Nothing, "paths"),
        ("p", Last, Nothing, "path"),
        ("p", One, Nothing, "del pick"),
        ("r", One, Nothing, "test"),
        ("rg", One, Nothing, "test split"),
        ("r", All, Nothing, "match capture scan splits"),
        ("rg", All, Nothing, "match capture scan splits"),
        ("rf", One, Nothing, "sub gsub"),
        ("rfg", One, Nothing, "sub gsub"),
    ]
};

/// Why a name of jq is refused, and what to write instead.
pub(super) fn refused(name: &str) -> Option<(&'static str, &'static str)> {
    let row = REFUSED
        .iter()
        .find(|(names, _, _)| names.split(' ').any(|known| known == name));
    row.map(|(_, why, hint)| (*why, *hint))
}

const REFUSED: [(&str, &str, &str); 13] = [
    (
        "repeat while until recurse_down combinations",
        "could go on for ever",
        "use `range(n)`, `limit(n; …)`, `reduce` or `foreach` over what is there",
    ),
    (
        "recurse",
        "with a filter could go on for ever",
        "`..` gives all parts of a value",
    ),
    (
        "env",
        "would show the secrets of the process",
        "put the value into the program, or use `${NAME}` in the file",
    ),
    (
        "input inputs input_filename input_line_number",
        "has no meaning: there is one body",
        "the body is `.`",
    ),
    (
        "debug stderr",
        "would write to the log of the proxy",
        "try a program with `figshift adapter run`",
    ),
    (
        "halt halt_error",
        "would end the proxy",
        "use `error(\"…\")`",
    ),
    (
        "now localtime strflocaltime",
        "depends on the time, and a run may be repeated",
        "leave such fields to the backend",
    ),
    (
        "todate fromdate date dateadd datesub gmtime mktime strftime strptime todateiso8601 fromdateiso8601",
        "is not supported: there are no dates",
        "pass times as the numbers or strings that they are",
    ),
    (
        "tostream fromstream truncate_stream",
        "is not supported",
        "use `paths`, `getpath` and `setpath`",
    ),
    (
        "import include modulemeta get_search_list",
        "is not supported: a program stands on its own",
        "write it out",
    ),
    (
        "builtins get_prog_origin input_line_number",
        "is not supported",
        "leave it out",
    ),
    (
        "@base32 @base32d @urid",
        "is not supported",
        "there are @text, @json, @html, @uri, @csv, @tsv, @sh, @base64 and @base64d",
    ),
    (
        "significand gamma lgamma tgamma frexp ldexp scalb logb",
        "is not supported",
        "most of arithmetic is there: + - * / % floor ceil round sqrt pow log exp",
    ),
];
