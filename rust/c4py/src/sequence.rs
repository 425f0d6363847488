//! `c4py.sequence`: names that stand for several files, and what a manifest does with them.

use std::sync::Arc;

use c4::c4m::{self, DEFAULT_EXPANSION_LIMIT, FrameNumber, MIN_SEQUENCE, NumberRange};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple, PyType};

use crate::errors::{from_sequence, wrong_type};
use crate::manifest::Manifest;
use crate::names::{to_bytes, to_str};

/// A name with a range of numbers, which stands for several: `frame.[0001-0100:2].exr`.
///
/// `Sequence(name)` reads the name as a manifest has it: ranges `start-end` or `start-end:step` and single numbers, with
/// commas between them, in the first brackets that hold nothing else. Numbers are as wide as the first one that is
/// written, filled with zeros. Iteration gives the names, in the order of the ranges; `name in sequence` tells whether
/// one of them is it; `sequence[i]` is the one at an index. However large the numbers are, nothing is made before it is
/// asked for; `len` raises OverflowError beyond `sys.maxsize`, `count` does not. Immutable and hashable.
///
/// Raises ValueError for a name without a range, a range that is reversed, a step of 0, and a number above 2^63 - 2;
/// also for ranges with steps that overlap and have more than 1,000,000 numbers.
///
/// >>> from c4py.sequence import Sequence
/// >>> beauty = Sequence("beauty.[1001-1003,1007].exr")
/// >>> beauty.count, beauty.frames, list(beauty)[-1]
/// (4, '1001-1003,1007', 'beauty.1007.exr')
/// >>> beauty.to_printf()
/// ('beauty.%04d.exr', '1001-1003,1007')
#[pyclass(frozen, eq, hash, module = "c4py.sequence")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Sequence(Arc<c4m::Sequence>);

impl From<c4m::Sequence> for Sequence {
    fn from(sequence: c4m::Sequence) -> Self {
        Self(Arc::new(sequence))
    }
}

impl Sequence {
    fn iterator(&self, gives: Gives) -> SequenceIterator {
        SequenceIterator { sequence: Arc::clone(&self.0), range: 0, index: 0, gives }
    }

    /// A pattern of another tool beside the frames.
    fn beside_frames<'py>(&self, py: Python<'py>, pattern: &[u8]) -> PyResult<(Bound<'py, PyString>, String)> {
        Ok((to_str(py, pattern)?, self.0.frames()))
    }
}

#[pymethods]
impl Sequence {
    #[new]
    fn py_new(name: &Bound<'_, PyAny>) -> PyResult<Self> {
        c4m::Sequence::parse(&to_bytes("name", name)?).map(Self::from).map_err(|error| from_sequence(&error))
    }

    /// Read the forms that other tools use, with their frames: `beauty.####.exr 1001-1100`.
    ///
    /// The number's place is `%04d` (printf, Nuke), `$F4` (Houdini), `####` or `@@@@`: each `#` and `@` is one digit, as in
    /// Nuke. (fileseq and RV mean four digits by one `#`.) If there are several places the last one counts, `%04d` before
    /// `$F4` before `#` before `@`. `frames` are ranges such as `1-10`, every second one as `1-10x2`, single numbers, and
    /// lists of these with commas; without it they stand behind the pattern, after a space.
    ///
    /// Raises ValueError when the number's place or the frames are missing, or cannot be read.
    ///
    /// >>> from c4py.sequence import Sequence
    /// >>> Sequence.from_text("beauty.####.exr 1-10x3,20")
    /// Sequence('beauty.[0001-0010:3,0020].exr')
    /// >>> Sequence.from_text("beauty.%04d.exr", "1001-1100").count
    /// 100
    #[classmethod]
    #[pyo3(signature = (text, frames=None))]
    fn from_text(
        _cls: &Bound<'_, PyType>,
        text: &Bound<'_, PyAny>,
        frames: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let text = to_bytes("text", text)?;
        let frames = frames.map(|frames| to_bytes("frames", frames)).transpose()?;
        let sequence = c4m::Sequence::from_text(&text, frames.as_deref());
        sequence.map(Self::from).map_err(|error| from_sequence(&error))
    }

    /// The text before the number.
    #[getter]
    fn prefix<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, self.0.prefix())
    }

    /// The text after the number.
    #[getter]
    fn suffix<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, self.0.suffix())
    }

    /// How many characters a number has at least.
    #[getter]
    fn padding(&self) -> usize {
        self.0.padding()
    }

    /// The numbers as (start, end, step): disjoint, in the order of their starts. The end need not be one of them.
    #[getter]
    fn ranges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.ranges().iter().map(|range| (range.start(), range.end(), range.step())))
    }

    /// The numbers as artists write them: "1001-1010x2,1015".
    #[getter]
    fn frames(&self) -> String {
        self.0.frames()
    }

    /// How many names there are, at least 1.
    #[getter]
    fn count(&self) -> u64 {
        self.0.count()
    }

    /// The numbers, in the order of the ranges: an iterator.
    fn numbers(&self) -> SequenceIterator {
        self.iterator(Gives::Numbers)
    }

    /// Whether a number is one of the sequence.
    fn contains(&self, number: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(to_number("number", number)?.is_some_and(|number| self.0.contains(number)))
    }

    /// The number in a name of this form, whether or not the sequence has it; None for other names.
    fn number_of(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
        Ok(self.0.number_of(&to_bytes("name", name)?))
    }

    /// The name with a number, whether or not the sequence has it.
    ///
    /// Raises OverflowError for a number outside 64 bits.
    fn name<'py>(&self, py: Python<'py>, number: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let number = to_number("number", number)?;
        let number = number.ok_or_else(|| PyOverflowError::new_err("number does not fit 64 bits"))?;
        to_str(py, &self.0.name(number))
    }

    /// All names as a list.
    ///
    /// Raises ValueError when there are more than `limit`, before anything is made.
    #[pyo3(signature = (*, limit=Limit(DEFAULT_EXPANSION_LIMIT)), text_signature = "($self, *, limit=1000000)")]
    fn expand<'py>(&self, py: Python<'py>, limit: Limit) -> PyResult<Vec<Bound<'py, PyString>>> {
        let names = py.detach(|| self.0.expand(limit.0)).map_err(|error| from_sequence(&error))?;
        names.iter().map(|name| to_str(py, name)).collect()
    }

    /// The pattern as printf and Nuke read it, and the frames: ("beauty.%04d.exr", "1001-1100").
    ///
    /// A percent sign of the name is doubled.
    fn to_printf<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyString>, String)> {
        self.beside_frames(py, &self.0.to_printf())
    }

    /// The pattern with one `#` a digit, and the frames: ("beauty.####.exr", "1001-1100").
    fn to_hashes<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyString>, String)> {
        self.beside_frames(py, &self.0.to_hashes())
    }

    fn __len__(&self) -> PyResult<usize> {
        let length = isize::try_from(self.0.count()).map(isize::unsigned_abs);
        length.map_err(|_| PyOverflowError::new_err("the count of names does not fit a length; it is in .count"))
    }

    fn __bool__(&self) -> bool {
        // Not by the length, which not every count has.
        self.0.count() > 0
    }

    fn __iter__(&self) -> SequenceIterator {
        self.iterator(Gives::Names)
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.number_of(name)?.is_some_and(|number| self.0.contains(number)))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let place = match to_number("index", index)? {
            Some(index) if index < 0 => self.0.count().checked_sub(index.unsigned_abs()),
            Some(index) => Some(index.unsigned_abs()),
            None => None,
        };
        let number = place.and_then(|place| self.0.nth(place));
        to_str(py, &self.0.name(number.ok_or_else(|| PyIndexError::new_err("sequence index out of range"))?))
    }

    fn __str__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        to_str(py, &self.0.to_name())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Sequence({})", self.__str__(py)?.repr()?.to_str()?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let make = py.import("c4py._rust")?.getattr("sequence_from_state")?;
        let (prefix, suffix) = (PyBytes::new(py, self.0.prefix()), PyBytes::new(py, self.0.suffix()));
        Ok((make, (prefix, suffix, self.0.padding(), self.ranges(py)?).into_pyobject(py)?))
    }
}

/// Makes a sequence from its pickled state.
#[pyfunction]
pub(crate) fn sequence_from_state(
    prefix: &[u8],
    suffix: &[u8],
    padding: usize,
    ranges: Vec<(i64, i64, u64)>,
) -> PyResult<Sequence> {
    let ranges: Result<Vec<NumberRange>, _> =
        ranges.into_iter().map(|(start, end, step)| NumberRange::new(start, end, step)).collect();
    let sequence = ranges.and_then(|ranges| c4m::Sequence::new(prefix, suffix, padding, ranges));
    sequence.map(Sequence::from).map_err(|error| from_sequence(&error))
}

/// Whether a name holds something in brackets that is read as a range: digits and `-`, `,` or `:`.
///
/// A manifest says by escapes whether brackets of a name are meant so: for its entries `Entry.is_sequence` is the answer.
#[pyfunction]
pub(crate) fn is_sequence(name: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(c4m::is_sequence_name(&to_bytes("name", name)?))
}

/// What an iterator gives.
#[derive(Clone, Copy)]
enum Gives {
    Names,
    Numbers,
}

/// The names or the numbers of a sequence, one by one.
#[pyclass(module = "c4py.sequence")]
pub(crate) struct SequenceIterator {
    sequence: Arc<c4m::Sequence>,
    range: usize,
    index: u64,
    gives: Gives,
}

#[pymethods]
impl SequenceIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(range) = self.sequence.ranges().get(self.range) else { return Ok(None) };
        let number = range.nth(self.index);
        self.index += 1;
        if self.index == range.count() {
            (self.range, self.index) = (self.range + 1, 0);
        }
        Ok(Some(match self.gives {
            Gives::Names => to_str(py, &self.sequence.name(number))?.into_any(),
            Gives::Numbers => number.into_pyobject(py)?.into_any(),
        }))
    }
}

/// The argument `limit`: how many names there may be.
struct Limit(u64);

impl<'py> FromPyObject<'_, 'py> for Limit {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        to_count("limit", &value).map(Self)
    }
}

/// The argument `min_length`: how many files are a sequence.
struct MinLength(u64);

impl<'py> FromPyObject<'_, 'py> for MinLength {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        to_count("min_length", &value).map(Self)
    }
}

/// The argument `number`: which number of a name counts.
struct Number(FrameNumber);

impl<'py> FromPyObject<'_, 'py> for Number {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match &*to_bytes("number", &value)? {
            b"first" => Ok(Self(FrameNumber::First)),
            b"last" => Ok(Self(FrameNumber::Last)),
            _ => Err(PyValueError::new_err(format!("number must be 'first' or 'last', not {}", value.repr()?))),
        }
    }
}

/// An argument that counts something, from 1 on. A number beyond 64 bits is as good as the largest one.
fn to_count(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    match value.extract::<u64>() {
        Ok(count) if count > 0 => Ok(count),
        Err(error) if !error.is_instance_of::<PyOverflowError>(value.py()) => Err(wrong_type(argument, "int", value)),
        Err(_) if value.gt(0)? => Ok(u64::MAX),
        _ => Err(PyValueError::new_err(format!("{argument} must be at least 1"))),
    }
}

/// An argument that is a number; `None` for one outside 64 bits.
fn to_number(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    match value.extract() {
        Ok(number) => Ok(Some(number)),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Ok(None),
        Err(_) => Err(wrong_type(argument, "int", value)),
    }
}

#[pymethods]
impl Manifest {
    /// A manifest in which numbered files of one directory are sequences, in canonical order.
    ///
    /// Files fold when at least `min_length` (and 2) follow one another without a gap: "f.[0001-0100].exr". `number` is the
    /// number of a name that counts: its "first", as in the `c4` command, or its "last" before the extension, for names as
    /// "shot_010_v002.0001.exr". Directories do not fold, nor files without an ID. A sequence has the sum of the sizes, the
    /// newest time and the least permissions; hard-link groups and flow links are dropped. The IDs of the members are kept,
    /// and written by `dumps`: `expand_sequences` finds them again.
    ///
    /// >>> import c4py
    /// >>> files = [c4py.Entry(f"f.{n}.exr", c4id=c4py.identify_bytes(b"%d" % n)) for n in (1, 2, 3, 7)]
    /// >>> [entry.name for entry in c4py.Manifest(files).with_sequences()]
    /// ['f.7.exr', 'f.[1-3].exr']
    #[pyo3(
        signature = (*, number=Number(FrameNumber::First), min_length=MinLength(MIN_SEQUENCE as u64)),
        text_signature = "($self, *, number='first', min_length=3)"
    )]
    fn with_sequences(&self, py: Python<'_>, number: Number, min_length: MinLength) -> Self {
        let min_length = usize::try_from(min_length.0).unwrap_or(usize::MAX);
        let folded = self.shared.detached(py, |manifest| {
            let mut folded = manifest.clone();
            folded.fold_sequences(number.0, min_length);
            folded.compact();
            folded
        });
        Self::new(folded, self.errors.clone())
    }

    /// A manifest in which every sequence is replaced by its members, in canonical order.
    ///
    /// A member has the mode and time of its sequence; its size is unknown. Its ID comes from the ID list that the
    /// manifest holds for the sequence; without one, or when its length is not the count of members, the ID is unknown
    /// too: it is never a guess. The target of a link is known when the sequence's target has a range of as many numbers,
    /// or is one name for all. A file of a member's name that is there already stays instead of the member.
    ///
    /// Stay as they are: sequences whose range cannot be read, and directories with entries below them, since it is not
    /// known in which of the members those are. Raises ValueError, which names the sequence and its count, when there
    /// would be more than `limit` members in all, before anything is made.
    ///
    /// >>> import c4py
    /// >>> m = c4py.loads("-rw-r--r-- - 300 f.[08-10].exr -\n")
    /// >>> print(c4py.dumps(m.expand_sequences()), end="")
    /// -rw-r--r-- - - f.08.exr -
    /// -rw-r--r-- - - f.09.exr -
    /// -rw-r--r-- - - f.10.exr -
    #[pyo3(signature = (*, limit=Limit(DEFAULT_EXPANSION_LIMIT)), text_signature = "($self, *, limit=1000000)")]
    fn expand_sequences(&self, py: Python<'_>, limit: Limit) -> PyResult<Self> {
        let expanded = self.shared.detached(py, |manifest| manifest.expand_sequences(limit.0));
        Ok(Self::new(expanded.map_err(|error| from_sequence(&error))?, self.errors.clone()))
    }

    /// The frames that are missing: for each numbered sequence with gaps a `c4py.sequence.Sequence` of the paths that are
    /// not there, in the order of the list.
    ///
    /// Numbered files of one directory belong together, and with them the members of sequences; `number` is the number of a
    /// name that counts, its "last" before the extension or its "first". Numbers of different width do when none has more
    /// zeros before it than the others: 9 and 10, 0999 and 1000. Fewer than `min_length` files are no sequence. Only what
    /// lies between the first and the last frame can be missing. A large gap costs no more than a small one.
    ///
    /// Raises ValueError for sequences with steps that leave more than 1,000,000 gaps.
    ///
    /// >>> import c4py
    /// >>> m = c4py.Manifest([c4py.Entry(f"beauty.{n}.exr") for n in (1001, 1002, 1003, 1007, 1008, 1010)])
    /// >>> for missing in m.missing_frames():
    /// ...     print("%s is missing %s" % missing.to_hashes())
    /// beauty.####.exr is missing 1004-1006,1009
    #[pyo3(
        signature = (*, number=Number(FrameNumber::Last), min_length=MinLength(MIN_SEQUENCE as u64)),
        text_signature = "($self, *, number='last', min_length=3)"
    )]
    fn missing_frames(&self, py: Python<'_>, number: Number, min_length: MinLength) -> PyResult<Vec<Sequence>> {
        let missing = self.shared.detached(py, |manifest| manifest.missing_frames(number.0, min_length.0));
        Ok(missing.map_err(|error| from_sequence(&error))?.into_iter().map(Sequence::from).collect())
    }
}
