//! Times of entries: whole seconds, in UTC as text, in local time in the pretty form.

use super::zone::Zone;

/// Seconds since 1970-01-01T00:00:00Z, floored; zero is unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub i64);

const SECONDS_PER_DAY: i64 = 86_400;
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

impl Timestamp {
    /// Unknown; also what a file dated exactly to the epoch has.
    pub const NULL: Self = Self(0);
    /// 0001-01-01T00:00:00Z: what a structure scan writes, since it looks at no times.
    pub const YEAR_1: Self = Self(-62_135_596_800);
    /// 0000-01-01T00:00:00Z, the first time that the text form can hold.
    pub const FIRST: Self = Self(-62_167_219_200);
    /// 9999-12-31T23:59:59Z, the last time that the text form can hold.
    pub const LAST: Self = Self(253_402_300_799);

    /// Whether the time is unknown.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// Whether the text form can hold the time: years 0 to 9999.
    pub const fn is_writable(self) -> bool {
        Self::FIRST.0 <= self.0 && self.0 <= Self::LAST.0
    }

    /// Appends `YYYY-MM-DDTHH:MM:SSZ`. The time is writable.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        debug_assert!(self.is_writable());
        let civil = Civil::from_seconds(self.0);
        let mut text = *b"0000-00-00T00:00:00Z";
        put(&mut text[0..2], civil.year / 100);
        put(&mut text[2..4], civil.year % 100);
        put(&mut text[5..7], civil.month);
        put(&mut text[8..10], civil.day);
        put(&mut text[11..13], civil.second_of_day / 3600);
        put(&mut text[14..16], civil.second_of_day / 60 % 60);
        put(&mut text[17..19], civil.second_of_day % 60);
        out.extend_from_slice(&text);
    }

    /// Appends `Jan _2 15:04:05 2006 MST`, in local time.
    pub(crate) fn write_pretty(self, zone: &Zone, out: &mut Vec<u8>) {
        let (offset, name) = zone.at(self.0);
        let civil = Civil::from_seconds(self.0 + offset);
        let mut text = *b"Jan  2 15:04:05 ";
        text[..3].copy_from_slice(MONTHS[(civil.month - 1) as usize]);
        put(&mut text[4..6], civil.day);
        if civil.day < 10 {
            text[4] = b' ';
        }
        put(&mut text[7..9], civil.second_of_day / 3600);
        put(&mut text[10..12], civil.second_of_day / 60 % 60);
        put(&mut text[13..15], civil.second_of_day % 60);
        out.extend_from_slice(&text);
        // A zone east or west of UTC may put the first or last day of the range into year -1 or 10000.
        out.extend_from_slice(if civil.year < 0 { b"-" } else { b"" });
        out.extend_from_slice(format!("{:04} {name}", civil.year.abs()).as_bytes());
    }

    /// Reads the fixed-width RFC 3339 forms: `2006-01-02T15:04:05` and `Z` or an offset `+05:30`.
    pub(crate) fn parse_rfc3339(text: &[u8]) -> Option<Self> {
        let at = |position: usize, byte| text.get(position) == Some(&byte);
        let shape = at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':') && at(16, b':');
        if !shape {
            return None;
        }
        let civil = Civil {
            year: two(&text[0..2])? * 100 + two(&text[2..4])?,
            month: two(&text[5..7])?,
            day: two(&text[8..10])?,
            second_of_day: second_of_day(two(&text[11..13])?, two(&text[14..16])?, two(&text[17..19])?)?,
        };
        let offset = match &text[19..] {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => signed_offset(*sign, &[*h0, *h1], &[*m0, *m1])?,
            _ => return None,
        };
        Some(Self(civil.to_seconds()? - offset))
    }

    /// Reads `Jan 2 15:04:05 2006 MST` or the same with an offset `-0700`; one space between the fields.
    ///
    /// As in the reference: month names in any case, days and hours of one digit, fractions of a second (floored). A
    /// zone abbreviation counts only if the local zone knows it; any other that has the shape of one means UTC.
    pub(crate) fn parse_pretty(text: &[u8], zone: &Zone) -> Option<Self> {
        let mut fields = text.split(|byte| *byte == b' ');
        let mut next = || fields.next();
        let (month, day, clock, year, zone_text) = (next()?, next()?, next()?, next()?, next()?);
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
        let year = match year {
            [a, b, c, d] => two(&[*a, *b])? * 100 + two(&[*c, *d])?,
            _ => return None,
        };
        let local = Civil { year, month, day: one_or_two(day)?, second_of_day: clock_seconds(clock)? }.to_seconds()?;
        if zone_text == b"UTC" {
            return Some(Self(local));
        }
        if is_abbreviation(zone_text) {
            let offset = std::str::from_utf8(zone_text).ok().and_then(|name| zone.offset_of(name, local));
            return Some(Self(local - offset.unwrap_or(0)));
        }
        match zone_text {
            [sign @ (b'+' | b'-'), hours @ .., _, _] if hours.len() == 2 => {
                Some(Self(local - signed_offset(*sign, hours, &zone_text[3..])?))
            }
            _ => None,
        }
    }
}

/// A date and the second within its day, in the proleptic Gregorian calendar.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

impl Civil {
    /// Howard Hinnant's `civil_from_days`: years that begin in March, in eras of 400.
    const fn from_seconds(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self {
            year: year_of_era + era * 400 + if month <= 2 { 1 } else { 0 },
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            second_of_day: seconds.rem_euclid(SECONDS_PER_DAY),
        }
    }

    /// The inverse; `None` for a day that the calendar does not have.
    fn to_seconds(&self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days_in_month = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(leap),
            _ => return None,
        };
        if !(1..=days_in_month).contains(&self.day) {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let shifted = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_era =
            year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted + 2) / 5 + self.day - 1;
        Some((era * 146_097 + day_of_era - 719_468) * SECONDS_PER_DAY + self.second_of_day)
    }
}

/// Writes a number below 100 as two digits.
const fn put(place: &mut [u8], value: i64) {
    place[0] = b'0' + (value / 10) as u8;
    place[1] = b'0' + (value % 10) as u8;
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn two(text: &[u8]) -> Option<i64> {
    match text {
        [a, b] => Some(digit(*a)? * 10 + digit(*b)?),
        _ => None,
    }
}

fn one_or_two(text: &[u8]) -> Option<i64> {
    match text {
        [a] => digit(*a),
        text => two(text),
    }
}

fn second_of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of UTC; hours up to 24 and minutes up to 60 are taken, as in the reference.
fn signed_offset(sign: u8, hours: &[u8], minutes: &[u8]) -> Option<i64> {
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let seconds = (hours <= 24 && minutes <= 60).then_some(hours * 3600 + minutes * 60)?;
    Some(if sign == b'-' { -seconds } else { seconds })
}

/// `15:04:05`, the hour with one or two digits, perhaps a fraction after `.` or `,`, which is dropped.
fn clock_seconds(clock: &[u8]) -> Option<i64> {
    let colon = clock.iter().position(|byte| *byte == b':')?;
    let (hour, rest) = clock.split_at(colon);
    match rest {
        [b':', m0, m1, b':', s0, s1, fraction @ ..] => {
            let whole = match fraction {
                [] => true,
                [b'.' | b',', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
                _ => false,
            };
            whole.then_some(())?;
            second_of_day(one_or_two(hour)?, two(&[*m0, *m1])?, two(&[*s0, *s1])?)
        }
        _ => None,
    }
}

/// Whether a text has the shape of a zone abbreviation, by the reference's rules.
fn is_abbreviation(text: &[u8]) -> bool {
    match text {
        b"ChST" | b"MeST" | b"WITA" => true,
        [b'G', b'M', b'T', offset @ ..] => offset.is_empty() || is_hour_offset(offset),
        [b'+' | b'-', ..] => text.len() >= 3 && is_hour_offset(text),
        text if text.iter().all(u8::is_ascii_uppercase) => match text.len() {
            3 => true,
            4 => text[3] == b'T',
            5 => text[4] == b'T',
            _ => false,
        },
        _ => false,
    }
}

/// A sign and a number of at most 23.
fn is_hour_offset(text: &[u8]) -> bool {
    let [b'+' | b'-', digits @ ..] = text else { return false };
    let value = digits.iter().try_fold(0_i64, |value, byte| Some((value * 10 + digit(*byte)?).min(24)));
    !digits.is_empty() && value.is_some_and(|value| value <= 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_reads_back() {
        for day in -150_000..150_000 {
            let time = Timestamp(day * SECONDS_PER_DAY + 86_399);
            let mut text = Vec::new();
            time.write(&mut text);
            assert_eq!(Timestamp::parse_rfc3339(&text), Some(time));
        }
    }

    #[test]
    fn the_bounds_are_those_of_four_digit_years() {
        let mut text = Vec::new();
        for time in [Timestamp::FIRST, Timestamp::YEAR_1, Timestamp::LAST] {
            time.write(&mut text);
        }
        assert_eq!(text, b"0000-01-01T00:00:00Z0001-01-01T00:00:00Z9999-12-31T23:59:59Z");
    }

    #[test]
    fn abbreviations_have_three_to_five_capitals_or_an_hour() {
        for text in ["PST", "CEST", "WITA", "ABCDT", "GMT", "GMT-8", "+05", "-03", "ChST"] {
            assert!(is_abbreviation(text.as_bytes()), "{text}");
        }
        for text in ["PS", "utc", "ABCD", "ABCDE", "GMT+24", "+0530", "UTC+3", "+5x"] {
            assert!(!is_abbreviation(text.as_bytes()), "{text}");
        }
    }
}
