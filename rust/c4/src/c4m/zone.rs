//! The local time zone, which the pretty form is written and read in.
//!
//! Resolved as the reference does: `TZ` names a zone of the system's database or a file (a leading `:` is dropped), an
//! empty or unknown one is UTC; without `TZ` the zone is that of `/etc/localtime`.

use std::ffi::OsStr;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where the database lies, in the order searched.
const DATABASES: [&str; 4] = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"];

/// The last second whose transitions are looked at for abbreviations: 2100-01-01.
const LAST_TRANSITION: i64 = 4_102_444_800;

/// A time zone with its abbreviations.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    /// Each abbreviation and its offset in seconds east of UTC, in the order of their first use.
    names: Vec<(String, i64)>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC, names: vec![("UTC".to_owned(), 0)] }
    }

    /// The zone of this process, from its environment.
    pub fn local() -> Self {
        match std::env::var_os("TZ") {
            Some(name) => Self::named(&name).unwrap_or_else(Self::utc),
            None => Self::from_file(Path::new("/etc/localtime")).unwrap_or_else(Self::utc),
        }
    }

    /// A zone by its name in the system's database, or by the path of a `TZif` file.
    pub fn named(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        let name = name.strip_prefix(':').unwrap_or(name);
        if name.starts_with('/') {
            return Self::from_file(Path::new(name));
        }
        if name.is_empty() || name.split('/').any(|part| part == "..") {
            return None;
        }
        DATABASES.iter().find_map(|database| Self::from_file(&Path::new(database).join(name)))
    }

    fn from_file(path: &Path) -> Option<Self> {
        let zone = TimeZone::tzif("Local", &std::fs::read(path).ok()?).ok()?;
        let mut names = Vec::new();
        let mut add = |name: &str, offset: i64| {
            if !names.iter().any(|(known, known_offset)| known == name && *known_offset == offset) {
                names.push((name.to_owned(), offset));
            }
        };
        let first = zone.to_offset_info(Timestamp::MIN);
        add(first.abbreviation(), i64::from(first.offset().seconds()));
        for transition in zone.following(Timestamp::MIN).take_while(|t| t.timestamp().as_second() < LAST_TRANSITION) {
            add(transition.abbreviation(), i64::from(transition.offset().seconds()));
        }
        Some(Self { zone, names })
    }

    /// Offset in seconds east of UTC and abbreviation at a moment.
    pub(crate) fn at(&self, seconds: i64) -> (i64, String) {
        let bounds = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let moment = Timestamp::from_second(seconds.clamp(bounds.0, bounds.1)).unwrap_or_default();
        let info = self.zone.to_offset_info(moment);
        (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
    }

    /// Offset that an abbreviation stands for at a local time, if this zone ever uses it: the one that is in force then,
    /// else the first.
    pub(crate) fn offset_of(&self, name: &str, local_seconds: i64) -> Option<i64> {
        let mut offsets = self.names.iter().filter(|(known, _)| known == name).map(|(_, offset)| *offset);
        offsets
            .clone()
            .find_map(|offset| {
                let (actual, abbreviation) = self.at(local_seconds - offset);
                (abbreviation == name).then_some(actual)
            })
            .or_else(|| offsets.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_no_zone_is_none() {
        for name in ["", "No/Such_Zone", "../../etc/passwd", "/etc/passwd"] {
            assert!(Zone::named(OsStr::new(name)).is_none(), "{name}");
        }
    }
}
