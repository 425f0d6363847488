//! A manifest's entries as record batches, made as they are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder, TimestampSecondBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use c4::c4m::{Flow, Link, Manifest, PathWalk};

use super::{BASE_KEY, ID_LISTS_KEY, schema, to_text};

/// Rows of a batch: enough that the cost of a batch is nothing, few enough that one is some 20 MB.
const BATCH_ROWS: usize = 65_536;
/// A batch ends at this many bytes of paths, names and targets, so that the 32-bit offsets of its text columns cannot overflow.
const BATCH_TEXT_BYTES: usize = 64 << 20;
/// Longest text of one value; with a full batch before it, still less than 2^31 bytes.
const MAX_TEXT_BYTES: usize = 1 << 30;

/// The schema with what belongs to the manifest and to no entry.
pub(super) fn schema_of(manifest: &Manifest) -> Schema {
    let mut metadata = HashMap::new();
    if let Some(base) = &manifest.base {
        metadata.insert(BASE_KEY.to_owned(), base.to_string());
    }
    if !manifest.range_data().is_empty() {
        let line = |ids: &Vec<c4::C4Id>| ids.iter().map(c4::C4Id::to_string).collect::<String>();
        let lines: Vec<String> = manifest.range_data().values().map(line).collect();
        metadata.insert(ID_LISTS_KEY.to_owned(), lines.join("\n"));
    }
    schema().with_metadata(metadata)
}

/// The batches of a manifest.
pub(super) struct Batches {
    manifest: Arc<Manifest>,
    schema: SchemaRef,
    next: usize,
    walk: PathWalk,
}

impl Batches {
    pub(super) fn new(manifest: Arc<Manifest>) -> Self {
        let schema = Arc::new(schema_of(&manifest));
        Self { manifest, schema, next: 0, walk: PathWalk::default() }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.manifest.len()).then(|| self.batch())
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Batches {
    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = BATCH_ROWS.min(self.manifest.len() - self.next);
        let mut columns = Columns::new(rows);
        let mut text_bytes = 0;
        for _ in 0..rows {
            let Some(row) = self.manifest.row_at(self.next) else { break };
            let entry = self.manifest.get(row);
            let path = self.walk.path(&self.manifest, self.next);
            text_bytes += columns.push(path.strip_suffix(b"/").unwrap_or(path), &entry)?;
            self.next += 1;
            if text_bytes >= BATCH_TEXT_BYTES {
                break;
            }
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns.finish())
    }
}

/// Columns under construction, as `schema` has them.
struct Columns {
    path: StringBuilder,
    name: StringBuilder,
    kind: StringBuilder,
    mode: UInt32Builder,
    mtime: TimestampSecondBuilder,
    size: Int64Builder,
    c4id: StringBuilder,
    depth: UInt32Builder,
    target: StringBuilder,
    hard_link: Int64Builder,
    flow: StringBuilder,
    flow_target: StringBuilder,
    is_sequence: BooleanBuilder,
    pattern: StringBuilder,
}

impl Columns {
    fn new(rows: usize) -> Self {
        let text = |bytes: usize| StringBuilder::with_capacity(rows, rows * bytes);
        Self {
            path: text(48),
            name: text(16),
            kind: text(8),
            mode: UInt32Builder::with_capacity(rows),
            mtime: TimestampSecondBuilder::with_capacity(rows).with_timezone("UTC"),
            size: Int64Builder::with_capacity(rows),
            c4id: text(c4::ID_TEXT_BYTES),
            depth: UInt32Builder::with_capacity(rows),
            target: text(0),
            hard_link: Int64Builder::with_capacity(rows),
            flow: text(0),
            flow_target: text(0),
            is_sequence: BooleanBuilder::with_capacity(rows),
            pattern: text(0),
        }
    }

    /// Adds a row; gives the bytes of the texts that have no bound.
    fn push(&mut self, path: &[u8], entry: &c4::c4m::Row<'_>) -> Result<usize, ArrowError> {
        let no_link = Link::default();
        let link = entry.link.unwrap_or(&no_link);
        let mut text_bytes = 0;
        let mut text = |column: &mut StringBuilder, value: &[u8]| {
            let value = to_text(value);
            if value.len() > MAX_TEXT_BYTES {
                return Err(ArrowError::InvalidArgumentError(
                    "a name, path or target is longer than 2^30 bytes".into(),
                ));
            }
            column.append_value(&*value);
            text_bytes += value.len();
            Ok(())
        };
        text(&mut self.path, path)?;
        text(&mut self.name, entry.name)?;
        for (column, value) in [
            (&mut self.target, &link.target),
            (&mut self.flow_target, &link.flow_target),
            (&mut self.pattern, &link.pattern),
        ] {
            if value.is_empty() {
                column.append_null();
            } else {
                text(column, value)?;
            }
        }
        self.kind.append_option(entry.type_name());
        self.mode.append_option((!entry.mode.is_null()).then(|| entry.mode.bits()));
        self.mtime.append_option((!entry.time.is_null()).then_some(entry.time.0));
        self.size.append_option((entry.size >= 0).then_some(entry.size));
        let id = (!entry.id.is_nil()).then(|| entry.id.to_text());
        self.c4id.append_option(id.as_ref().and_then(|text| std::str::from_utf8(text).ok()));
        self.depth.append_value(entry.depth);
        self.hard_link.append_option((link.hard_link != 0).then_some(link.hard_link));
        self.flow.append_option((link.flow != Flow::None).then(|| link.flow.operator()));
        self.is_sequence.append_value(entry.is_sequence);
        Ok(text_bytes)
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.path.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.mode.finish()),
            Arc::new(self.mtime.finish()),
            Arc::new(self.size.finish()),
            Arc::new(self.c4id.finish()),
            Arc::new(self.depth.finish()),
            Arc::new(self.target.finish()),
            Arc::new(self.hard_link.finish()),
            Arc::new(self.flow.finish()),
            Arc::new(self.flow_target.finish()),
            Arc::new(self.is_sequence.finish()),
            Arc::new(self.pattern.finish()),
        ]
    }
}
