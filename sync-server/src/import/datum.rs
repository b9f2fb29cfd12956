//! Coordinates of Chinese maps. Belongs here: GCJ-02 and BD-09 to WGS-84 and back. Never: parsing.
//!
//! GCJ-02 shifts WGS-84 by a smooth function that was published by reverse engineering (the formula in “Restrictions on
//! geographic data in China”, Wikipedia, section GCJ-02; the same constants as in the public `eviltransform`): Krasovsky
//! ellipsoid, a = 6 378 245 m, e² = 0.006 693 421 622 965 943 23. BD-09 is GCJ-02 turned and shifted once more. Neither has
//! a closed inverse; the shift changes by less than a hundredth of the distance, so two passes of
//! `guess ← given − shift(guess)` leave less than a centimetre.

use std::f64::consts::PI;

/// Semi-major axis of the Krasovsky ellipsoid in metres.
const AXIS_M: f64 = 6_378_245.0;
/// Squared eccentricity of the same.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// Passes of the inverse after the first guess.
const PASSES: usize = 2;

/// A place in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Degrees {
    /// Longitude, east positive.
    pub lon: f64,
    /// Latitude, north positive.
    pub lat: f64,
}

/// What coordinates refer to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    /// Satellite receivers.
    #[default]
    Wgs84,
    /// Maps published in China (高德, 腾讯): “Mars coordinates”.
    Gcj02,
    /// 百度.
    Bd09,
}

impl Datum {
    /// Stable code: `wgs84`, `gcj02`, `bd09`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }

    /// As people write it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Wgs84 => "WGS-84",
            Self::Gcj02 => "GCJ-02",
            Self::Bd09 => "BD-09",
        }
    }

    /// The datums that a hint in a title names: `经度(GCJ-02)`, `坐标（高德地图）`.
    pub(super) fn named_in(hint: &str) -> impl Iterator<Item = Self> + use<> {
        let hint = super::columns::normal(hint);
        let names: [(Self, &'static [&'static str]); 3] = [
            (Self::Wgs84, &["wgs", "gps", "4326", "地球坐标"]),
            (Self::Gcj02, &["gcj", "国测局", "火星", "高德", "腾讯"]),
            (Self::Bd09, &["bd09", "百度"]),
        ];
        names.into_iter().filter(move |(_, names)| names.iter().any(|name| hint.contains(name))).map(|(datum, _)| datum)
    }

    /// The datum that a cell or an option names.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match super::columns::normal(name).as_str() {
            "wgs84" | "wgs" | "gps" | "gps坐标" | "4326" | "epsg4326" | "地球坐标" => Some(Self::Wgs84),
            "gcj02" | "gcj" | "国测局" | "火星" | "火星坐标" | "高德" | "高德坐标" | "高德地图" | "腾讯" | "腾讯地图" => {
                Some(Self::Gcj02)
            }
            "bd09" | "bd09ll" | "bd" | "百度" | "百度坐标" | "百度地图" => Some(Self::Bd09),
            _ => None,
        }
    }

    /// The place in WGS-84.
    #[must_use]
    pub fn to_wgs84(self, place: Degrees) -> Degrees {
        match self {
            Self::Wgs84 => place,
            Self::Gcj02 => inverse(place, wgs84_to_gcj02),
            Self::Bd09 => inverse(inverse(place, gcj02_to_bd09), wgs84_to_gcj02),
        }
    }

    /// The place of WGS-84 coordinates in this datum.
    #[must_use]
    pub fn of_wgs84(self, place: Degrees) -> Degrees {
        match self {
            Self::Wgs84 => place,
            Self::Gcj02 => wgs84_to_gcj02(place),
            Self::Bd09 => gcj02_to_bd09(wgs84_to_gcj02(place)),
        }
    }
}

fn inverse(given: Degrees, forward: impl Fn(Degrees) -> Degrees) -> Degrees {
    let mut guess = given;
    for _ in 0..=PASSES {
        let seen = forward(guess);
        guess = Degrees { lon: guess.lon + (given.lon - seen.lon), lat: guess.lat + (given.lat - seen.lat) };
    }
    guess
}

/// Outside this rectangle nothing is shifted.
fn in_china(place: Degrees) -> bool {
    (72.004..=137.8347).contains(&place.lon) && (0.8293..=55.8271).contains(&place.lat)
}

fn wgs84_to_gcj02(place: Degrees) -> Degrees {
    if !in_china(place) {
        return place;
    }
    let (x, y) = (place.lon - 105.0, place.lat - 35.0);
    let waves = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + waves
        + (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + waves
        + (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let radians = place.lat / 180.0 * PI;
    let magic = 1.0 - ECCENTRICITY_2 * radians.sin() * radians.sin();
    let root = magic.sqrt();
    Degrees {
        lon: place.lon + east * 180.0 / (AXIS_M / root * radians.cos() * PI),
        lat: place.lat + north * 180.0 / (AXIS_M * (1.0 - ECCENTRICITY_2) / (magic * root) * PI),
    }
}

fn gcj02_to_bd09(place: Degrees) -> Degrees {
    const TURN: f64 = PI * 3000.0 / 180.0;
    let (x, y) = (place.lon, place.lat);
    let radius = x.hypot(y) + 0.000_02 * (y * TURN).sin();
    let angle = y.atan2(x) + 0.000_003 * (x * TURN).cos();
    Degrees { lon: radius * angle.cos() + 0.0065, lat: radius * angle.sin() + 0.006 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metres between two places that are near each other.
    fn metres(a: Degrees, b: Degrees) -> f64 {
        let east = (a.lon - b.lon) * 111_320.0 * a.lat.to_radians().cos();
        let north = (a.lat - b.lat) * 110_574.0;
        east.hypot(north)
    }

    #[test]
    fn known_points_agree() {
        // Tiananmen, as published with the formula: WGS-84 and its GCJ-02 place.
        let wgs84 = Degrees { lon: 116.391_266, lat: 39.907_366 };
        let gcj02 = Degrees { lon: 116.397_508, lat: 39.908_768 };
        assert!(metres(Datum::Gcj02.of_wgs84(wgs84), gcj02) < 5.0);
        // 30°N 120°E shifts by some hundred metres, never by a kilometre.
        let place = Degrees { lon: 120.62, lat: 31.31 };
        let shift = metres(Datum::Gcj02.of_wgs84(place), place);
        assert!((100.0..900.0).contains(&shift), "{shift}");
    }

    #[test]
    fn the_inverse_is_within_a_centimetre() {
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            for step in 0..400_u32 {
                let place = Degrees { lon: 75.0 + f64::from(step % 20) * 3.0 + 0.1234, lat: 18.0 + f64::from(step / 20) * 1.7 + 0.4321 };
                let back = datum.to_wgs84(datum.of_wgs84(place));
                assert!(metres(place, back) < 0.01, "{datum:?} {place:?} {}", metres(place, back));
            }
        }
    }

    #[test]
    fn nothing_is_shifted_abroad() {
        let tokyo = Degrees { lon: 139.767, lat: 35.681 };
        assert_eq!(Datum::Gcj02.to_wgs84(tokyo), tokyo);
    }
}
