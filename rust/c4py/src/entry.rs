//! `Entry`: one entry, alone or in a manifest.

use std::sync::{PoisonError, RwLock};

use c4::c4m::{self, Field, Flow, Link, Mode, RowId, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::arguments::{Argument, to_bool, to_int};
use crate::errors::{from_encode, wrong_type};
use crate::id::{C4ID, state as id_state, to_id};
use crate::names::{to_bytes, to_str};
use crate::shared::Shared;

/// One entry of a manifest: a file, a directory, a link, a special file or a sequence.
///
/// An entry made by itself owns its values; one that is in a manifest reads and writes them there. It stays valid when
/// the manifest is sorted or others are inserted or deleted, and keeps its values when it is deleted itself.
///
/// name: one path component; a directory's ends in "/". Bytes that are no UTF-8 are surrogate escapes.
/// mode: st_mode without the bit of a regular file; 0 is unknown. timestamp: an aware UTC datetime in whole seconds, the
/// epoch is unknown; timestamp_s: the same as seconds, for every year. size: bytes, -1 is unknown. c4id: None is unknown.
/// depth: 0 at the top. target: of a symbolic link. hard_link: 0 none, -1 ungrouped, else the number of the group.
///
/// >>> from c4py import Entry
/// >>> Entry("notes.txt", mode=0o644, size=5).canonical()
/// '-rw-r--r-- - 5 notes.txt -'
#[pyclass(frozen, module = "c4py", weakref)]
pub(crate) struct Entry {
    home: RwLock<Home>,
}

/// Where an entry's values are.
#[derive(Clone)]
enum Home {
    Alone(Box<c4m::Entry>),
    Row { manifest: Shared, row: RowId },
}

impl Entry {
    pub(crate) fn alone(entry: c4m::Entry) -> Self {
        Self { home: RwLock::new(Home::Alone(Box::new(entry))) }
    }

    pub(crate) fn in_manifest(manifest: &Shared, row: RowId) -> Self {
        Self { home: RwLock::new(Home::Row { manifest: manifest.clone(), row }) }
    }

    /// Where the values are. A copy: whoever waits for a manifest may let go of the interpreter, and must hold no lock
    /// that another thread could wait for with the interpreter in hand.
    fn home(&self) -> Home {
        self.home.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls a function with the values.
    pub(crate) fn with<T>(&self, py: Python<'_>, function: impl FnOnce(&c4m::Row<'_>) -> T) -> T {
        match self.home() {
            Home::Alone(entry) => function(&entry.as_row()),
            Home::Row { manifest, row } => function(&manifest.read(py).get(row)),
        }
    }

    pub(crate) fn to_entry(&self, py: Python<'_>) -> c4m::Entry {
        self.with(py, |row| row.to_entry())
    }

    /// The row, if the entry is one of this manifest.
    pub(crate) fn row_in(&self, manifest: &Shared) -> Option<RowId> {
        match self.home() {
            Home::Row { manifest: own, row } if own.is(manifest) => Some(row),
            _ => None,
        }
    }

    /// From now on the values are those of a row; an entry that is in the list of a manifest stays there.
    pub(crate) fn settle(&self, py: Python<'_>, manifest: &Shared, row: RowId) {
        let stays = match self.home() {
            Home::Alone(_) => false,
            Home::Row { manifest, row } => manifest.read(py).is_listed(row),
        };
        if !stays {
            *self.home.write().unwrap_or_else(PoisonError::into_inner) = Home::Row { manifest: manifest.clone(), row };
        }
    }

    fn set(&self, py: Python<'_>, field: Field) {
        let (manifest, row) = match &mut *self.home.write().unwrap_or_else(PoisonError::into_inner) {
            Home::Row { manifest, row } => (manifest.clone(), *row),
            Home::Alone(entry) => {
                return match field {
                    Field::Name(name) => entry.name = name,
                    Field::Mode(mode) => entry.mode = mode,
                    Field::Time(time) => entry.time = time,
                    Field::Size(size) => entry.size = size,
                    Field::Id(id) => entry.id = id,
                    Field::Depth(depth) => entry.depth = depth,
                    Field::IsSequence(is_sequence) => entry.is_sequence = is_sequence,
                    Field::Link(link) => entry.link = link,
                };
            }
        };
        manifest.write(py).set(row, field);
    }

    fn link(&self, py: Python<'_>) -> Link {
        self.with(py, |row| row.link.cloned().unwrap_or_default())
    }

    fn change_link(&self, py: Python<'_>, change: impl FnOnce(&mut Link)) {
        let mut link = self.link(py);
        change(&mut link);
        self.set(py, Field::Link(link));
    }
}

/// The epoch as an aware datetime, and `datetime.timedelta`.
fn datetime_parts(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>)> {
    static PARTS: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (epoch, timedelta) = PARTS.get_or_try_init(py, || {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
        Ok::<_, PyErr>((epoch.unbind(), datetime.getattr("timedelta")?.unbind()))
    })?;
    Ok((epoch.bind(py).clone(), timedelta.bind(py).clone()))
}

/// An aware UTC datetime; OverflowError outside the years that datetime knows.
fn to_datetime(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    let (epoch, timedelta) = datetime_parts(py)?;
    let seconds = PyDict::new(py);
    seconds.set_item("seconds", time.0)?;
    epoch.add(timedelta.call((), Some(&seconds))?)
}

/// Whole seconds of a datetime, floored; one without a zone is taken as UTC.
fn from_datetime(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let py = value.py();
    let (epoch, timedelta) = datetime_parts(py)?;
    if !value.is_instance(&epoch.get_type())? {
        return Err(wrong_type(argument, "a datetime", value));
    }
    let aware = if value.getattr("tzinfo")?.is_none() {
        let zone = PyDict::new(py);
        zone.set_item("tzinfo", epoch.getattr("tzinfo")?)?;
        value.call_method("replace", (), Some(&zone))?
    } else {
        value.clone()
    };
    let seconds = PyDict::new(py);
    seconds.set_item("seconds", 1)?;
    let second = timedelta.call((), Some(&seconds))?;
    Ok(Timestamp(aware.sub(epoch)?.call_method1("__floordiv__", (second,))?.extract()?))
}

/// Whether a text can be a flow's target: it stands in its line as it is.
pub(crate) fn is_flow_target(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && !text.iter().any(u8::is_ascii_control)
}

fn to_flow_target(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let target = to_bytes("flow_target", value)?;
    if !is_flow_target(&target) {
        return Err(PyValueError::new_err("flow_target must be UTF-8 without control characters"));
    }
    Ok(target)
}

fn to_flow(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Flow> {
    let operator = value.getattr("value").unwrap_or_else(|_| value.clone());
    let operator = operator.cast::<PyString>().ok().and_then(|text| Flow::from_operator(text.to_str().ok()?));
    operator.ok_or_else(|| wrong_type(argument, "a FlowDirection", value))
}

fn from_flow(py: Python<'_>, flow: Flow) -> PyResult<Bound<'_, PyAny>> {
    py.import("c4py.entry")?.getattr("FlowDirection")?.call1((flow.operator(),))
}

#[pymethods]
impl Entry {
    #[new]
    #[pyo3(signature = (name, mode=Argument::Default(0), timestamp=None, size=Argument::Default(c4m::NULL_SIZE), c4id=None, depth=Argument::Default(0), target=None, hard_link=Argument::Default(0), flow_direction=None, flow_target=None, is_sequence=Argument::Default(false), pattern=None), text_signature = "(name, mode=0, timestamp=None, size=-1, c4id=None, depth=0, target=None, hard_link=0, flow_direction=None, flow_target=None, is_sequence=False, pattern=None)")]
    #[allow(clippy::too_many_arguments, reason = "the fields of an entry, in the order that existing scripts use")]
    fn new(
        name: &Bound<'_, PyAny>,
        mode: Argument<'_, u32>,
        timestamp: Option<&Bound<'_, PyAny>>,
        size: Argument<'_, i64>,
        c4id: Option<&Bound<'_, PyAny>>,
        depth: Argument<'_, u32>,
        target: Option<&Bound<'_, PyAny>>,
        hard_link: Argument<'_, i64>,
        flow_direction: Option<&Bound<'_, PyAny>>,
        flow_target: Option<&Bound<'_, PyAny>>,
        is_sequence: Argument<'_, bool>,
        pattern: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let text = |argument, value: Option<&Bound<'_, PyAny>>| {
            value.map_or_else(|| Ok(Vec::new()), |v| to_bytes(argument, v))
        };
        let name = to_bytes("name", name)?;
        let pattern = text("pattern", pattern)?;
        Ok(Self::alone(c4m::Entry {
            mode: Mode::from_bits(mode.to_int("mode")?),
            time: timestamp.map_or(Ok(Timestamp::NULL), |value| from_datetime("timestamp", value))?,
            size: size.to_int("size")?,
            id: c4id.map_or(Ok(c4::C4Id::NIL), |value| to_id("c4id", value))?,
            depth: depth.to_int("depth")?,
            link: Link {
                target: text("target", target)?,
                hard_link: hard_link.to_int("hard_link")?,
                flow: flow_direction.map_or(Ok(Flow::None), |value| to_flow("flow_direction", value))?,
                flow_target: flow_target.map(to_flow_target).transpose()?.unwrap_or_default(),
                pattern: if pattern == name { Vec::new() } else { pattern },
            },
            is_sequence: is_sequence.to_bool("is_sequence")?,
            ..c4m::Entry::new(name)
        }))
    }

    /// Name of one path component; a directory's ends in "/".
    #[getter]
    fn name<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(py, |row| to_str(py, row.name))
    }

    #[setter]
    fn set_name(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Name(to_bytes("name", value)?));
        Ok(())
    }

    /// st_mode without the bit of a regular file; 0 is unknown.
    #[getter]
    fn mode(&self, py: Python<'_>) -> u32 {
        self.with(py, |row| row.mode.bits())
    }

    #[setter]
    fn set_mode(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Mode(Mode::from_bits(to_int("mode", value)?)));
        Ok(())
    }

    /// Modification time, an aware UTC datetime in whole seconds; the epoch is unknown. OverflowError outside the years
    /// 1 to 9999: see timestamp_s.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_datetime(py, self.with(py, |row| row.time))
    }

    #[setter]
    fn set_timestamp(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Time(from_datetime("timestamp", value)?));
        Ok(())
    }

    /// Modification time in seconds since 1970-01-01T00:00:00Z; 0 is unknown.
    #[getter]
    fn timestamp_s(&self, py: Python<'_>) -> i64 {
        self.with(py, |row| row.time.0)
    }

    #[setter]
    fn set_timestamp_s(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Time(Timestamp(to_int("timestamp_s", value)?)));
        Ok(())
    }

    /// Size in bytes; -1 is unknown.
    #[getter]
    fn size(&self, py: Python<'_>) -> i64 {
        self.with(py, |row| row.size)
    }

    #[setter]
    fn set_size(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Size(to_int("size", value)?));
        Ok(())
    }

    /// ID of the content; None is unknown.
    #[getter]
    fn c4id(&self, py: Python<'_>) -> Option<C4ID> {
        self.with(py, |row| C4ID::or_none(*row.id))
    }

    #[setter]
    fn set_c4id(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Id(to_id("c4id", value)?));
        Ok(())
    }

    /// Nesting level; 0 at the top.
    #[getter]
    fn depth(&self, py: Python<'_>) -> u32 {
        self.with(py, |row| row.depth)
    }

    #[setter]
    fn set_depth(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::Depth(to_int("depth", value)?));
        Ok(())
    }

    /// Target of a symbolic link; "" for none.
    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.link(py).target)
    }

    #[setter]
    fn set_target(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let target = to_bytes("target", value)?;
        self.change_link(py, |link| link.target = target);
        Ok(())
    }

    /// Hard-link group: 0 none, -1 ungrouped, else the group's number.
    #[getter]
    fn hard_link(&self, py: Python<'_>) -> i64 {
        self.link(py).hard_link
    }

    #[setter]
    fn set_hard_link(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let hard_link = to_int("hard_link", value)?;
        self.change_link(py, |link| link.hard_link = hard_link);
        Ok(())
    }

    /// Direction of a flow link.
    #[getter]
    fn flow_direction<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_flow(py, self.link(py).flow)
    }

    #[setter]
    fn set_flow_direction(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let flow = to_flow("flow_direction", value)?;
        self.change_link(py, |link| link.flow = flow);
        Ok(())
    }

    /// Location of a flow link, "label:path"; "" for none.
    #[getter]
    fn flow_target<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.link(py).flow_target)
    }

    #[setter]
    fn set_flow_target(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let flow_target = to_flow_target(value)?;
        self.change_link(py, |link| link.flow_target = flow_target);
        Ok(())
    }

    /// Whether the name holds a range of numbers and stands for several files.
    #[getter]
    fn is_sequence(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.is_sequence)
    }

    #[setter]
    fn set_is_sequence(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set(py, Field::IsSequence(to_bool("is_sequence", value)?));
        Ok(())
    }

    /// Pattern of a sequence, by default its name; "" for other entries.
    #[getter]
    fn pattern<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.with(py, |row| match row.link.map(|link| &link.pattern).filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => to_str(py, pattern),
            None => to_str(py, if row.is_sequence { row.name } else { b"" }),
        })
    }

    #[setter]
    fn set_pattern(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let pattern = to_bytes("pattern", value)?;
        let is_name = self.with(py, |row| row.name == pattern);
        self.change_link(py, |link| link.pattern = if is_name { Vec::new() } else { pattern });
        Ok(())
    }

    /// Path from the top of the manifest, without the slash of a directory; the name of an entry that is in none.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let path = match self.home() {
            Home::Alone(entry) => entry.name,
            Home::Row { manifest, row } => {
                let manifest = manifest.read(py);
                let outline = manifest.outline();
                match outline.place_of(&manifest, row) {
                    Some(place) => outline.path(&manifest, place),
                    None => manifest.get(row).name.to_vec(),
                }
            }
        };
        to_str(py, path.strip_suffix(b"/").unwrap_or(&path))
    }

    /// Whether the entry is a directory: its name ends in "/", or its mode says so.
    fn is_dir(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.is_dir())
    }

    /// Whether the mode is that of a symbolic link.
    fn is_symlink(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.is_symlink())
    }

    /// Whether the entry has a flow link.
    fn is_flow_linked(&self, py: Python<'_>) -> bool {
        self.link(py).flow != Flow::None
    }

    /// Operator of the flow link: "->", "<-", "<>" or "".
    fn flow_operator(&self, py: Python<'_>) -> &'static str {
        self.link(py).flow.operator()
    }

    /// Whether the mode is unknown.
    fn has_null_mode(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.mode.is_null())
    }

    /// Whether the time is unknown.
    fn has_null_timestamp(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.time.is_null())
    }

    /// Whether the size is unknown.
    fn has_null_size(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.size < 0)
    }

    /// Whether there is no ID.
    fn has_null_c4id(&self, py: Python<'_>) -> bool {
        self.with(py, |row| row.id.is_nil())
    }

    /// The size for people, as "1.5 KB"; "-" when it is unknown.
    fn human_size(&self, py: Python<'_>) -> String {
        u128::try_from(self.with(py, |row| row.size)).map_or_else(|_| "-".to_owned(), c4m::human_size)
    }

    /// The entry's line without indentation and end: what IDs are computed from.
    ///
    /// Raises ValueError for a time outside the years 0 to 9999.
    fn canonical<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let line = self.with(py, c4m::entry_line).map_err(|error| from_encode(&error))?;
        to_str(py, &line)
    }

    /// The entry's line, indented by its depth; `pretty` is the form for people, in local time.
    #[pyo3(
        signature = (indent_width=Argument::Default(c4m::INDENT_WIDTH), pretty=Argument::Default(false)),
        text_signature = "($self, indent_width=2, pretty=False)"
    )]
    fn format<'py>(
        &self,
        py: Python<'py>,
        indent_width: Argument<'py, usize>,
        pretty: Argument<'py, bool>,
    ) -> PyResult<Bound<'py, PyString>> {
        let indent_width = indent_width.to_int("indent_width")?;
        let line = if pretty.to_bool("pretty")? {
            let zone = c4m::Zone::local();
            self.with(py, |row| c4m::pretty_entry_line(row, indent_width, &zone))
        } else {
            self.with(py, |row| c4m::indented_entry_line(row, indent_width))
        };
        to_str(py, &line.map_err(|error| from_encode(&error))?)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> Py<PyAny> {
        match other.cast::<Self>() {
            Ok(other) => (self.to_entry(py) == other.get().to_entry(py))
                .into_pyobject(py)
                .map_or_else(|e| match e {}, |b| b.to_owned().into_any().unbind()),
            Err(_) => py.NotImplemented(),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let fields = [
            "name",
            "mode",
            "timestamp",
            "size",
            "c4id",
            "depth",
            "target",
            "hard_link",
            "flow_direction",
            "flow_target",
            "is_sequence",
            "pattern",
        ];
        let mut text = String::from("Entry(");
        for (at, field) in fields.iter().enumerate() {
            let (field, value) = match slf.getattr(*field) {
                Ok(value) => (*field, value),
                Err(error) if error.is_instance_of::<pyo3::exceptions::PyOverflowError>(py) => {
                    ("timestamp_s", slf.getattr("timestamp_s")?)
                }
                Err(error) => return Err(error),
            };
            let separator = if at == 0 { "" } else { ", " };
            text = text + separator + field + "=" + &value.repr()?.to_string_lossy();
        }
        Ok(text + ")")
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self::alone(self.to_entry(py))
    }

    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> Self {
        Self::alone(self.to_entry(py))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyTuple>,))> {
        let make = py.import("c4py._rust")?.getattr("entry_from_state")?;
        Ok((make, (state(py, &self.to_entry(py))?,)))
    }
}

/// The values of an entry as plain Python objects.
pub(crate) fn state<'py>(py: Python<'py>, entry: &c4m::Entry) -> PyResult<Bound<'py, PyTuple>> {
    (
        PyBytes::new(py, &entry.name),
        entry.mode.bits(),
        entry.time.0,
        entry.size,
        id_state(py, &entry.id),
        entry.depth,
        (
            PyBytes::new(py, &entry.link.target),
            entry.link.hard_link,
            entry.link.flow.operator(),
            PyBytes::new(py, &entry.link.flow_target),
            PyBytes::new(py, &entry.link.pattern),
        ),
        entry.is_sequence,
    )
        .into_pyobject(py)
}

type LinkState = (Vec<u8>, i64, String, Vec<u8>, Vec<u8>);

pub(crate) fn link_from_state((target, hard_link, flow, flow_target, pattern): LinkState) -> PyResult<Link> {
    let flow =
        Flow::from_operator(&flow).ok_or_else(|| pyo3::exceptions::PyValueError::new_err("not a flow operator"))?;
    Ok(Link { target, hard_link, flow, flow_target, pattern })
}

/// Makes an entry from its pickled state.
#[pyfunction]
pub(crate) fn entry_from_state(state: (Vec<u8>, u32, i64, i64, [u8; 64], u32, LinkState, bool)) -> PyResult<Entry> {
    let (name, mode, time, size, id, depth, link, is_sequence) = state;
    Ok(Entry::alone(c4m::Entry {
        name,
        mode: Mode::from_bits(mode),
        time: Timestamp(time),
        size,
        id: c4::C4Id(id),
        depth,
        link: link_from_state(link)?,
        is_sequence,
    }))
}
