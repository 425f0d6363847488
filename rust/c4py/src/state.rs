//! The pickled form of a manifest: its columns as bytes.

use c4::C4Id;
use c4::c4m::{Manifest, Mode, Row, Rows, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::entry::{link_from_state, state as entry_state};

/// Columns of fixed width, little-endian: mode, time, size, depth, whether a sequence, length of the name.
const FIXED_BYTES: usize = 4 + 8 + 8 + 4 + 1 + 4;

fn rows_state<'py>(py: Python<'py>, rows: &Rows) -> PyResult<Bound<'py, PyDict>> {
    let (mut fixed, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let links = PyList::empty(py);
    for number in 0..rows.len() as u32 {
        let row = rows.get(number);
        fixed.extend_from_slice(&row.mode.bits().to_le_bytes());
        fixed.extend_from_slice(&row.time.0.to_le_bytes());
        fixed.extend_from_slice(&row.size.to_le_bytes());
        fixed.extend_from_slice(&row.depth.to_le_bytes());
        fixed.push(u8::from(row.is_sequence));
        fixed.extend_from_slice(&(row.name.len() as u32).to_le_bytes());
        ids.extend_from_slice(&row.id.0);
        names.extend_from_slice(row.name);
        if row.link.is_some() {
            links.append((number, entry_state(py, &row.to_entry())?.get_item(6)?))?;
        }
    }
    let state = PyDict::new(py);
    state.set_item("fixed", PyBytes::new(py, &fixed))?;
    state.set_item("ids", PyBytes::new(py, &ids))?;
    state.set_item("names", PyBytes::new(py, &names))?;
    state.set_item("links", links)?;
    Ok(state)
}

fn rows_from_state(state: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let damaged = || PyValueError::new_err("the pickled manifest is damaged");
    let get = |key: &str| state.get_item(key);
    let (fixed, ids, names) = (get("fixed")?, get("ids")?, get("names")?);
    let (fixed, ids, mut names) =
        (fixed.cast::<PyBytes>()?.as_bytes(), ids.cast::<PyBytes>()?.as_bytes(), names.cast::<PyBytes>()?.as_bytes());
    let (fixed, rest) = fixed.as_chunks::<FIXED_BYTES>();
    let (ids, ids_rest) = ids.as_chunks::<64>();
    if !rest.is_empty() || !ids_rest.is_empty() || ids.len() != fixed.len() {
        return Err(damaged());
    }
    let mut links = std::collections::HashMap::new();
    for link in get("links")?.try_iter()? {
        let (row, link) = link?.extract()?;
        let row: usize = row;
        links.insert(row, link_from_state(link)?);
    }
    let mut rows = Rows::default();
    rows.reserve(fixed.len(), names.len());
    for (number, (fixed, id)) in fixed.iter().zip(ids).enumerate() {
        let word = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let long = |at: usize| (u64::from(word(at)) | u64::from(word(at + 4)) << 32) as i64;
        let (name, after) = names.split_at_checked(word(25) as usize).ok_or_else(damaged)?;
        names = after;
        rows.push(&Row {
            name,
            mode: Mode::from_bits(word(0)),
            time: Timestamp(long(4)),
            size: long(12),
            depth: word(20),
            is_sequence: fixed[24] != 0,
            id: &C4Id(*id),
            link: links.get(&number),
        });
    }
    if names.is_empty() { Ok(rows) } else { Err(damaged()) }
}

/// Everything of a manifest as plain Python objects.
pub(crate) fn manifest_state<'py>(py: Python<'py>, manifest: &Manifest) -> PyResult<Bound<'py, PyDict>> {
    let mut compact = manifest.clone();
    compact.compact();
    let state = PyDict::new(py);
    state.set_item("rows", rows_state(py, compact.rows())?)?;
    state.set_item("base", compact.base.map(|id| PyBytes::new(py, &id.0)))?;
    let lists: Vec<Bound<'py, PyBytes>> = compact
        .range_data()
        .values()
        .map(|ids| PyBytes::new(py, &ids.iter().flat_map(|id| id.0).collect::<Vec<u8>>()))
        .collect();
    state.set_item("lists", lists)?;
    let paths: Vec<(u32, Bound<'py, PyBytes>)> =
        compact.iter().filter_map(|row| Some((row, PyBytes::new(py, compact.detached_path(row)?)))).collect();
    state.set_item("paths", paths)?;
    let sections = PyList::empty(py);
    for section in compact.sections() {
        sections.append((section.boundary.map(|id| PyBytes::new(py, &id.0)), rows_state(py, &section.rows)?))?;
    }
    state.set_item("sections", sections)?;
    Ok(state)
}

pub(crate) fn manifest_from(state: &Bound<'_, PyAny>) -> PyResult<Manifest> {
    let mut manifest = Manifest::from(rows_from_state(&state.get_item("rows")?)?);
    manifest.base = state.get_item("base")?.extract::<Option<[u8; 64]>>()?.map(C4Id);
    for list in state.get_item("lists")?.try_iter()? {
        let list = list?;
        manifest.add_range(list.cast::<PyBytes>()?.as_bytes().as_chunks::<64>().0.iter().map(|id| C4Id(*id)).collect());
    }
    for path in state.get_item("paths")?.try_iter()? {
        let (row, path): (u32, Vec<u8>) = path?.extract()?;
        manifest.set_detached_path(row, path);
    }
    let mut sections = Vec::new();
    for section in state.get_item("sections")?.try_iter()? {
        let section = section?;
        let boundary = section.get_item(0)?.extract::<Option<[u8; 64]>>()?.map(C4Id);
        sections.push(c4::c4m::Section { boundary, rows: rows_from_state(&section.get_item(1)?)? });
    }
    manifest.set_sections(sections);
    Ok(manifest)
}
