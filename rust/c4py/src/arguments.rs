//! Numbers and flags of callers: an argument that is none is named in the error, whether it was set or passed.

use std::convert::Infallible;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::wrong_type;

/// An argument that may be left out. PyO3 converts the others itself, and then words the error.
pub(crate) enum Argument<'py, T> {
    Default(T),
    Given(Bound<'py, PyAny>),
}

impl<'py, T> FromPyObject<'_, 'py> for Argument<'py, T> {
    type Error = Infallible;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self::Given(value.to_owned()))
    }
}

impl<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>> Argument<'py, T> {
    pub(crate) fn to_int(&self, argument: &str) -> PyResult<T>
    where
        T: Copy,
    {
        match self {
            Self::Default(value) => Ok(*value),
            Self::Given(value) => to_int(argument, value),
        }
    }
}

impl Argument<'_, bool> {
    pub(crate) fn to_bool(&self, argument: &str) -> PyResult<bool> {
        match self {
            Self::Default(value) => Ok(*value),
            Self::Given(value) => to_bool(argument, value),
        }
    }
}

/// An integer of the width that is needed.
pub(crate) fn to_int<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(
    argument: &str,
    value: &Bound<'py, PyAny>,
) -> PyResult<T> {
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(value.py()) {
            wrong_type(argument, "int", value)
        } else {
            PyValueError::new_err(format!("{argument} is out of range"))
        }
    })
}

/// A flag: what is merely true or false, as a text or a list, is none.
pub(crate) fn to_bool(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.extract().map_err(|_| wrong_type(argument, "bool", value))
}
