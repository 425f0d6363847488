//! A manifest from record batches of any producer.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, Schema};
use c4::C4Id;
use c4::c4m::{self, Flow, Link, Manifest, Mode, PathsError, Row, Rows, Timestamp};

use crate::entry::is_flow_target;

use super::columns::{Texts, integers, seconds};
use super::{BASE_KEY, ID_LISTS_KEY, from_text};

/// The columns that are read.
const COLUMNS: [&str; 14] = [
    "path",
    "name",
    "type",
    "mode",
    "mtime",
    "size",
    "c4id",
    "depth",
    "target",
    "hard_link",
    "flow",
    "flow_target",
    "is_sequence",
    "pattern",
];

/// Why a table makes no manifest.
pub(crate) enum TableError {
    /// The producer failed.
    Arrow(ArrowError),
    /// The table has only these columns.
    Missing(Vec<String>),
    /// Two columns have this name.
    Twice(&'static str),
    /// A column has a type that it cannot have.
    Type { column: &'static str, expected: &'static str, found: DataType },
    /// A value that its column cannot have.
    Value { column: &'static str, row: usize, problem: Value },
    /// Metadata of the schema that says nothing.
    Metadata(&'static str),
}

/// What is wrong with a value.
pub(crate) enum Value {
    Null,
    OutOfRange,
    Fraction(f64),
    Unknown(String),
    /// The type of a row that is no directory, and whose name ends in a slash.
    Slash(String),
    FlowTarget,
    Id(c4::ParseIdError),
    Path(PathsError),
}

impl From<ArrowError> for TableError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// Reads a table whole.
pub(super) fn manifest(reader: Box<dyn RecordBatchReader + Send>) -> Result<Manifest, TableError> {
    let schema = reader.schema();
    let has = |name| schema.column_with_name(name).is_some();
    let as_listed = has("name") && has("depth");
    if !as_listed && !has("path") {
        return Err(TableError::Missing(schema.fields().iter().map(|field| field.name().clone()).collect()));
    }
    if let Some(name) = COLUMNS.iter().find(|name| schema.fields().iter().filter(|f| f.name() == *name).count() > 1) {
        return Err(TableError::Twice(name));
    }
    let mut rows = Rows::default();
    let mut is_file: Vec<bool> = Vec::new();
    let mut paths: Vec<Texts> = Vec::new();
    for batch in reader {
        let batch = batch?;
        let columns = Columns::of(&batch, rows.len())?;
        for at in 0..batch.num_rows() {
            is_file.push(columns.push(at, as_listed, &mut rows)?);
        }
        paths.extend(columns.path.filter(|_| as_listed));
    }
    rows.shrink();
    let mut manifest = if as_listed {
        let mut manifest = Manifest::from(rows);
        keep_paths(&mut manifest, &paths);
        manifest
    } else {
        let value = |(row, problem)| TableError::Value { column: "path", row, problem: Value::Path(problem) };
        c4m::from_paths(&rows, |row| is_file[row]).map_err(value)?
    };
    read_metadata(&schema, &mut manifest)?;
    Ok(manifest)
}

/// Keeps the paths of the table where the list does not lead to them.
fn keep_paths(manifest: &mut Manifest, paths: &[Texts]) {
    let mut texts = paths.iter().flat_map(Texts::iter);
    if !paths.is_empty() {
        manifest.keep_paths(|_| from_text(texts.next().flatten().unwrap_or_default()));
    }
}

fn read_metadata(schema: &Schema, manifest: &mut Manifest) -> Result<(), TableError> {
    if let Some(base) = schema.metadata().get(BASE_KEY) {
        manifest.base = Some(C4Id::parse(base.as_bytes()).map_err(|_| TableError::Metadata(BASE_KEY))?);
    }
    for line in schema.metadata().get(ID_LISTS_KEY).into_iter().flat_map(|lists| lists.split('\n')) {
        let ids = line.as_bytes().chunks(c4::ID_TEXT_BYTES).map(C4Id::parse);
        manifest.add_range(ids.collect::<Result<_, _>>().map_err(|_| TableError::Metadata(ID_LISTS_KEY))?);
    }
    Ok(())
}

/// The columns of a batch, those that it has.
struct Columns {
    /// Number of the batch's first row in the table.
    first_row: usize,
    path: Option<Texts>,
    name: Option<Texts>,
    kind: Option<Texts>,
    mode: Option<Int64Array>,
    mtime: Option<Int64Array>,
    size: Option<Int64Array>,
    c4id: Option<Texts>,
    depth: Option<Int64Array>,
    target: Option<Texts>,
    hard_link: Option<Int64Array>,
    flow: Option<Texts>,
    flow_target: Option<Texts>,
    is_sequence: Option<BooleanArray>,
    pattern: Option<Texts>,
}

impl Columns {
    fn of(batch: &RecordBatch, first_row: usize) -> Result<Self, TableError> {
        // The other columns that must not be null are not there without a type.
        if batch.num_rows() > 0
            && batch.column_by_name("path").is_some_and(|array| *array.data_type() == DataType::Null)
        {
            return Err(TableError::Value { column: "path", row: first_row, problem: Value::Null });
        }
        let text = |name| column(batch, name).map(|array| Texts::new(name, &array)).transpose();
        let integer = |name| column(batch, name).map(|array| integers(name, &array, first_row)).transpose();
        Ok(Self {
            first_row,
            path: text("path")?,
            name: text("name")?,
            kind: text("type")?,
            mode: integer("mode")?,
            mtime: column(batch, "mtime").map(|array| seconds("mtime", &array)).transpose()?,
            size: integer("size")?,
            c4id: text("c4id")?,
            depth: integer("depth")?,
            target: text("target")?,
            hard_link: integer("hard_link")?,
            flow: text("flow")?,
            flow_target: text("flow_target")?,
            is_sequence: column(batch, "is_sequence").map(|array| booleans("is_sequence", &array)).transpose()?,
            pattern: text("pattern")?,
        })
    }

    /// Adds a row; its name is the whole path unless rows are taken as they are listed. Returns whether the row's type
    /// says that it is a file, where its mode does not say what it is.
    fn push(&self, at: usize, as_listed: bool, rows: &mut Rows) -> Result<bool, TableError> {
        let fail = |column, problem| TableError::Value { column, row: self.first_row + at, problem };
        let path = text_at(self.path.as_ref(), at);
        if self.path.is_some() && path.is_none() {
            return Err(fail("path", Value::Null));
        }
        let (mut name, depth) = if as_listed {
            let name = text_at(self.name.as_ref(), at).ok_or_else(|| fail("name", Value::Null))?;
            let depth = integer_at(self.depth.as_ref(), at).ok_or_else(|| fail("depth", Value::Null))?;
            (from_text(name), u32::try_from(depth).map_err(|_| fail("depth", Value::OutOfRange))?)
        } else {
            (from_text(path.unwrap_or_default()), 0)
        };
        let mode = integer_at(self.mode.as_ref(), at).unwrap_or(0);
        let mut mode = Mode::from_bits(u32::try_from(mode).map_err(|_| fail("mode", Value::OutOfRange))?);
        let mut is_file = false;
        if let Some(kind) = text_at(self.kind.as_ref(), at).filter(|_| mode.is_null()) {
            let known = Mode::from_type_name(kind).ok_or_else(|| fail("type", Value::Unknown(kind.to_owned())))?;
            match (known.is_dir(), name.ends_with(b"/")) {
                (true, true) => {}
                (true, false) => name.to_mut().push(b'/'),
                (false, true) => return Err(fail("type", Value::Slash(kind.to_owned()))),
                (false, false) => mode = known,
            }
            is_file = !known.is_dir();
        }
        let id = text_at(self.c4id.as_ref(), at).map(|text| C4Id::parse(text.as_bytes())).transpose();
        rows.push(&Row {
            name: &name,
            mode,
            time: integer_at(self.mtime.as_ref(), at).map_or(Timestamp::NULL, Timestamp),
            size: integer_at(self.size.as_ref(), at).unwrap_or(c4m::NULL_SIZE).max(c4m::NULL_SIZE),
            id: &id.map_err(|error| fail("c4id", Value::Id(error)))?.unwrap_or(C4Id::NIL),
            depth,
            link: Some(&self.link(at).map_err(|(column, problem)| fail(column, problem))?),
            is_sequence: self.is_sequence.as_ref().is_some_and(|array| array.is_valid(at) && array.value(at)),
        });
        Ok(is_file)
    }

    fn link(&self, at: usize) -> Result<Link, (&'static str, Value)> {
        let bytes = |column: &Option<Texts>| {
            text_at(column.as_ref(), at).map_or_else(Vec::new, |text| from_text(text).into_owned())
        };
        let flow = text_at(self.flow.as_ref(), at).unwrap_or_default();
        let flow = Flow::from_operator(flow).ok_or_else(|| ("flow", Value::Unknown(flow.to_owned())))?;
        let flow_target = bytes(&self.flow_target);
        if !is_flow_target(&flow_target) {
            return Err(("flow_target", Value::FlowTarget));
        }
        Ok(Link {
            target: bytes(&self.target),
            hard_link: integer_at(self.hard_link.as_ref(), at).unwrap_or(0),
            flow,
            flow_target,
            pattern: bytes(&self.pattern),
        })
    }
}

fn column(batch: &RecordBatch, name: &str) -> Option<ArrayRef> {
    batch.column_by_name(name).filter(|array| *array.data_type() != DataType::Null).cloned()
}

fn text_at(texts: Option<&Texts>, at: usize) -> Option<&str> {
    texts.and_then(|texts| texts.get(at))
}

fn integer_at(array: Option<&Int64Array>, at: usize) -> Option<i64> {
    array.filter(|array| array.is_valid(at)).map(|array| array.value(at))
}

pub(super) fn wrong(column: &'static str, expected: &'static str, array: &ArrayRef) -> TableError {
    TableError::Type { column, expected, found: array.data_type().clone() }
}

fn booleans(column: &'static str, array: &ArrayRef) -> Result<BooleanArray, TableError> {
    array.as_boolean_opt().cloned().ok_or_else(|| wrong(column, "bool", array))
}
