//! The position of a shop. Belongs here: longitude and latitude from one or two cells, brought to WGS-84, the raw kept.
//! Never: the formulas (`datum`), distances.

use roadbook_core::model::Value;
use unicode_normalization::UnicodeNormalization;

use super::datum::{Datum, Degrees};
use super::fault::Fault;
use super::numbers::decimal;

/// Units of the schema in one degree.
const UNITS: f64 = 1e7;

/// A position from a longitude and a latitude cell.
///
/// # Errors
/// [`Fault::NotCoordinates`].
pub(super) fn of_pair(lon: &str, lat: &str, datum: Datum) -> Result<Value, Fault> {
    let degrees = (decimal(lon), decimal(lat));
    let (Some(lon_degrees), Some(lat_degrees)) = degrees else { return Err(Fault::NotCoordinates) };
    of_degrees(Degrees { lon: lon_degrees, lat: lat_degrees }, datum, &format!("{},{}", lon.trim(), lat.trim()))
}

/// A position from one cell: `120.62,31.31` or `31.31 120.62`; which is which is told by their size, since no latitude is
/// beyond 90 and no place in China is west of 73° E.
///
/// # Errors
/// [`Fault::NotCoordinates`].
pub(super) fn of_cell(cell: &str, datum: Datum) -> Result<Value, Fault> {
    let plain: String = cell.nfkc().collect();
    let parts: Vec<&str> = plain
        .split([',', '，', ';', '；', '/', ' ', '\n'])
        .map(|part| part.trim_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '.')))
        .filter(|part| !part.is_empty())
        .collect();
    let &[first, second] = parts.as_slice() else { return Err(Fault::NotCoordinates) };
    let (Some(a), Some(b)) = (decimal(first), decimal(second)) else { return Err(Fault::NotCoordinates) };
    let (lon, lat) = if a.abs() <= 60.0 && b.abs() > 60.0 { (b, a) } else { (a, b) };
    of_degrees(Degrees { lon, lat }, datum, cell.trim())
}

fn of_degrees(place: Degrees, datum: Datum, raw: &str) -> Result<Value, Fault> {
    // 0,0 is what devices without a fix write.
    let nowhere = place.lon == 0.0 && place.lat == 0.0;
    if nowhere || !(-180.0..=180.0).contains(&place.lon) || !(-90.0..=90.0).contains(&place.lat) {
        return Err(Fault::NotCoordinates);
    }
    let wgs84 = datum.to_wgs84(place);
    Ok(Value::map([
        ("lat", units(wgs84.lat).into()),
        ("lon", units(wgs84.lon).into()),
        ("datum", Value::from(datum.code())),
        // A raw text is needed only where something was converted.
        ("raw", if datum == Datum::Wgs84 { Value::Null } else { Value::from(raw) }),
    ]))
}

fn units(degrees: f64) -> i64 {
    (degrees * UNITS).round() as i64
}

/// Degrees of a position value, for lists and comparison.
pub(crate) fn degrees_of(geo: &Value) -> Option<Degrees> {
    let (lon, lat) = (geo.get("lon")?.as_int()?, geo.get("lat")?.as_int()?);
    Some(Degrees { lon: lon as f64 / UNITS, lat: lat as f64 / UNITS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_from_one_cell_or_two() {
        let expected = Value::map([("lat", 313_100_000.into()), ("lon", 1_206_200_000.into()), ("datum", "wgs84".into())]);
        assert_eq!(of_pair("120.62", " 31.31 ", Datum::Wgs84), Ok(expected.clone()));
        for cell in ["120.62,31.31", "31.31，120.62", "120.62 31.31", "(120.62, 31.31)", "１２０．６２；３１．３１", "E120.62/N31.31"]
        {
            assert_eq!(of_cell(cell, Datum::Wgs84), Ok(expected.clone()), "{cell}");
        }
        for cell in ["", "120.62", "0,0", "200,95", "东经120度"] {
            assert_eq!(of_cell(cell, Datum::Wgs84), Err(Fault::NotCoordinates), "{cell}");
        }
    }

    #[test]
    fn other_datums_are_converted_and_kept() {
        let value = of_pair("120.6245", "31.3079", Datum::Gcj02).unwrap_or_default();
        assert_eq!(value.get("raw").and_then(Value::as_text), Some("120.6245,31.3079"));
        assert_eq!(value.get("datum").and_then(Value::as_text), Some("gcj02"));
        let degrees = degrees_of(&value);
        assert!(degrees.is_some_and(|d| (d.lon - 120.6245).abs() > 0.002 && (d.lat - 31.3079).abs() > 0.001), "{degrees:?}");
    }
}
