//! Columns of any producer, as the types that entries have.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, Int64Array, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::{DataType, TimeUnit};

use super::import::{TableError, Value, wrong};

/// First whole number above which not all have a float of their own.
const MAX_WHOLE_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A column of texts.
pub(super) enum Texts {
    Small(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
    /// Numbers of the values of a dictionary.
    Dictionary(Int64Array, Box<Texts>),
}

impl Texts {
    pub(super) fn new(column: &'static str, array: &ArrayRef) -> Result<Self, TableError> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Small(array.as_string().clone()),
            DataType::LargeUtf8 => Self::Large(array.as_string().clone()),
            DataType::Utf8View => Self::View(array.as_string_view().clone()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let keys = widened(dictionary.keys()).ok_or_else(|| wrong(column, "text", array))?;
                Self::Dictionary(keys, Box::new(Self::new(column, dictionary.values())?))
            }
            _ => return Err(wrong(column, "text", array)),
        })
    }

    /// The text of a row; `None` for null.
    pub(super) fn get(&self, at: usize) -> Option<&str> {
        match self {
            Self::Small(texts) => texts.is_valid(at).then(|| texts.value(at)),
            Self::Large(texts) => texts.is_valid(at).then(|| texts.value(at)),
            Self::View(texts) => texts.is_valid(at).then(|| texts.value(at)),
            Self::Dictionary(keys, values) => keys
                .is_valid(at)
                .then(|| usize::try_from(keys.value(at)).ok())
                .flatten()
                .and_then(|key| values.get(key)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Small(texts) => texts.len(),
            Self::Large(texts) => texts.len(),
            Self::View(texts) => texts.len(),
            Self::Dictionary(keys, _) => keys.len(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// A column of integers, or of whole floats.
pub(super) fn integers(column: &'static str, array: &ArrayRef, first_row: usize) -> Result<Int64Array, TableError> {
    let fail = |at, problem| TableError::Value { column, row: first_row + at, problem };
    if let Some(integers) = widened(array) {
        // What does not fit has become null.
        let lost = (0..array.len()).find(|at| array.is_valid(*at) && integers.is_null(*at));
        return lost.map_or(Ok(integers), |at| Err(fail(at, Value::OutOfRange)));
    }
    let floats: Vec<Option<f64>> = match array.data_type() {
        DataType::Float32 => array.as_primitive::<Float32Type>().iter().map(|float| float.map(f64::from)).collect(),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().collect(),
        _ => return Err(wrong(column, "integers", array)),
    };
    let whole = floats.into_iter().enumerate().map(|(at, float)| match float {
        // pandas has NaN for null.
        None => Ok(None),
        Some(float) if float.is_nan() => Ok(None),
        Some(float) if float.is_finite() && float.fract().abs() > 0.0 => Err(fail(at, Value::Fraction(float))),
        Some(float) if float.abs() >= MAX_WHOLE_FLOAT => Err(fail(at, Value::OutOfRange)),
        Some(float) => Ok(Some(float as i64)),
    });
    whole.collect()
}

/// Integers of any width as those of 64 bits, null where that cannot hold them; `None` if they are none.
fn widened(array: &dyn Array) -> Option<Int64Array> {
    fn of<T: ArrowPrimitiveType<Native: TryInto<i64>>>(array: &dyn Array) -> Int64Array {
        array.as_primitive::<T>().iter().map(|value| value.and_then(|value| value.try_into().ok())).collect()
    }
    Some(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().clone(),
        DataType::Int8 => of::<Int8Type>(array),
        DataType::Int16 => of::<Int16Type>(array),
        DataType::Int32 => of::<Int32Type>(array),
        DataType::UInt8 => of::<UInt8Type>(array),
        DataType::UInt16 => of::<UInt16Type>(array),
        DataType::UInt32 => of::<UInt32Type>(array),
        DataType::UInt64 => of::<UInt64Type>(array),
        _ => return None,
    })
}

/// A column of timestamps, as seconds since 1970 in UTC, floored.
pub(super) fn seconds(column: &'static str, array: &ArrayRef) -> Result<Int64Array, TableError> {
    let DataType::Timestamp(unit, _) = array.data_type() else { return Err(wrong(column, "timestamps", array)) };
    Ok(match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().unary(|seconds| seconds),
        TimeUnit::Millisecond => {
            array.as_primitive::<TimestampMillisecondType>().unary(|units| units.div_euclid(1_000))
        }
        TimeUnit::Microsecond => {
            array.as_primitive::<TimestampMicrosecondType>().unary(|units| units.div_euclid(1_000_000))
        }
        TimeUnit::Nanosecond => {
            array.as_primitive::<TimestampNanosecondType>().unary(|units| units.div_euclid(1_000_000_000))
        }
    })
}
