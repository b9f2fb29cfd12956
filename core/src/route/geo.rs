//! Travel times estimated from WGS-84 coordinates: great-circle metres × a detour factor, at one speed.
//!
//! **The same bytes everywhere.** The sine and arc sine of a platform's mathematics library differ in the last
//! bit from one to the next, which is enough to round a metre differently and to change an order. Here they are
//! made of `+ − × ÷ √` alone, which IEEE 754 defines to the bit and which Rust neither reorders nor fuses.
//! Coordinates are whole microdegrees (11 cm), distances whole metres, times whole seconds.
//!
//! Formula: haversine on the sphere of mean radius (R. W. Sinnott, "Virtues of the Haversine", 1984); within 0.6 %
//! of the ellipsoid, well below what any detour factor knows.

use std::f64::consts::{FRAC_PI_2, PI};

use super::matrix::{Matrix, TableMatrix};
use super::problem::TRAVEL_S_MAX;

/// Mean radius of the Earth (IUGG), metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;
const MICRO: f64 = 1_000_000.0;
const HALF_TURN_UDEG: i32 = 180_000_000;
const QUARTER_TURN_UDEG: i32 = 90_000_000;

/// How much longer the road is than the great circle, in thousandths, where nothing better is known: between a
/// dense centre by car (1.6) and on foot (1.3).
pub const DETOUR_PERMILLE: u32 = 1_400;
/// Speed where nothing better is known, metres an hour: town and county mixed, lights and parking included.
pub const SPEED_M_PER_H: u32 = 30_000;
/// What a leg to or from a place without coordinates is taken to be, seconds.
pub const UNKNOWN_LEG_S: u32 = 900;

/// A place on WGS-84, in whole microdegrees. GCJ-02 and BD-09 are to be converted before they come here: they lie
/// up to 1.4 km off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    lat_udeg: i32,
    lon_udeg: i32,
}

impl Point {
    /// From whole microdegrees; `None` when off the globe (latitude beyond ±90°, longitude beyond ±180°).
    pub fn from_udeg(lat_udeg: i32, lon_udeg: i32) -> Option<Self> {
        let on_globe =
            (-QUARTER_TURN_UDEG..=QUARTER_TURN_UDEG).contains(&lat_udeg) && (-HALF_TURN_UDEG..=HALF_TURN_UDEG).contains(&lon_udeg);
        on_globe.then_some(Self { lat_udeg, lon_udeg })
    }

    /// From degrees, rounded to the microdegree; `None` when off the globe or not a number.
    pub fn from_degrees(lat: f64, lon: f64) -> Option<Self> {
        let udeg = |degrees: f64| (degrees.abs() <= 180.0).then(|| (degrees * MICRO).round() as i32);
        Self::from_udeg(udeg(lat)?, udeg(lon)?)
    }

    /// Latitude, microdegrees.
    pub fn lat_udeg(self) -> i32 {
        self.lat_udeg
    }

    /// Longitude, microdegrees.
    pub fn lon_udeg(self) -> i32 {
        self.lon_udeg
    }
}

/// Great-circle distance in whole metres; symmetric, and 0 only for places less than half a metre apart.
pub fn metres_between(a: Point, b: Point) -> u32 {
    let a_cos = cos_of_lat(a);
    let b_cos = cos_of_lat(b);
    haversine_m(a, a_cos, b, b_cos)
}

fn haversine_m(a: Point, a_cos: f64, b: Point, b_cos: f64) -> u32 {
    let lat = (a.lat_udeg - b.lat_udeg).abs();
    let lon = (a.lon_udeg - b.lon_udeg).abs();
    let lon = lon.min(2 * HALF_TURN_UDEG - lon);
    let lat_half = sin_quarter(radians(lat) / 2.0);
    let lon_half = sin_quarter(radians(lon) / 2.0);
    let square = lat_half * lat_half + a_cos * b_cos * (lon_half * lon_half);
    (2.0 * EARTH_RADIUS_M * asin_unit(square.sqrt().min(1.0))).round() as u32
}

fn radians(udeg: i32) -> f64 {
    f64::from(udeg) * (PI / 180.0 / MICRO)
}

/// cos φ = sin(90° − |φ|), the difference taken in whole microdegrees.
fn cos_of_lat(point: Point) -> f64 {
    sin_quarter(radians(QUARTER_TURN_UDEG - point.lat_udeg.abs()))
}

/// Sine on [0, π/2], by its Taylor series to x¹⁹; the next term is below 2 × 10⁻¹⁶ at π/2.
fn sin_quarter(x: f64) -> f64 {
    let square = x * x;
    let mut sum = 1.0;
    for k in (1..=9_u32).rev() {
        sum = 1.0 - square / f64::from(2 * k * (2 * k + 1)) * sum;
    }
    x * sum
}

/// Arc sine on [0, 1]: by its series below ½, above by asin x = π/2 − 2 asin √((1 − x)/2).
fn asin_unit(x: f64) -> f64 {
    if x > 0.5 { FRAC_PI_2 - 2.0 * asin_series(((1.0 - x) / 2.0).sqrt()) } else { asin_series(x) }
}

/// Σ (2k)! / (4ᵏ (k!)² (2k+1)) x²ᵏ⁺¹ for x ≤ ½, ended where a term no longer counts (24 terms at ½).
fn asin_series(x: f64) -> f64 {
    let square = x * x;
    let mut power = x;
    let mut sum = x;
    for k in 1..=24_u32 {
        power *= square * f64::from(2 * k - 1) / f64::from(2 * k);
        let term = power / f64::from(2 * k + 1);
        sum += term;
        if term < 1e-17 {
            break;
        }
    }
    sum
}

/// How metres become seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TravelModel {
    /// Road over great circle, thousandths.
    pub detour_permille: u32,
    /// Metres an hour; 0 counts as 1.
    pub speed_m_per_h: u32,
    /// A leg to or from a place without coordinates, seconds.
    pub unknown_leg_s: u32,
}

impl Default for TravelModel {
    fn default() -> Self {
        Self { detour_permille: DETOUR_PERMILLE, speed_m_per_h: SPEED_M_PER_H, unknown_leg_s: UNKNOWN_LEG_S }
    }
}

impl TravelModel {
    /// Seconds for so many metres of great circle, rounded to the nearest, at most [`TRAVEL_S_MAX`].
    pub fn travel_s(&self, metres: u32) -> u32 {
        let per_second = u128::from(self.speed_m_per_h.max(1)) * 1_000;
        let seconds = (u128::from(metres) * u128::from(self.detour_permille) * 3_600 + per_second / 2) / per_second;
        u32::try_from(seconds).unwrap_or(u32::MAX).min(TRAVEL_S_MAX)
    }
}

/// Estimated travel times between coordinates, computed once for all pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoMatrix {
    table: TableMatrix,
    known: Vec<bool>,
}

impl GeoMatrix {
    /// The table of these places under this model. A place without coordinates is the model's unknown leg away from
    /// every other place, so that its stop stays plannable; [`is_located`](Self::is_located) tells.
    pub fn new(points: &[Option<Point>], model: &TravelModel) -> Self {
        let known: Vec<_> = points.iter().map(|point| point.map(|point| (point, cos_of_lat(point)))).collect();
        let unknown_leg_s = model.unknown_leg_s.min(TRAVEL_S_MAX);
        let leg = |from: usize, to: usize| match (known.get(from), known.get(to)) {
            _ if from == to => 0,
            (Some(&Some((a, a_cos))), Some(&Some((b, b_cos)))) => model.travel_s(haversine_m(a, a_cos, b, b_cos)),
            _ => unknown_leg_s,
        };
        Self { table: TableMatrix::from_fn(points.len(), leg), known: points.iter().map(Option::is_some).collect() }
    }

    /// Whether a place has coordinates; the legs of one that has none are the model's constant.
    pub fn is_located(&self, place: usize) -> bool {
        self.known.get(place) == Some(&true)
    }
}

impl Matrix for GeoMatrix {
    fn places(&self) -> usize {
        self.table.places()
    }

    fn travel_s(&self, from: usize, to: usize) -> u32 {
        self.table.travel_s(from, to)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing test says where")]
    use super::*;

    fn point(lat: f64, lon: f64) -> Point {
        Point::from_degrees(lat, lon).unwrap()
    }

    #[test]
    fn pinned_distances() {
        let suzhou = point(31.298_886, 120.585_316);
        let shanghai = point(31.230_416, 121.473_701);
        let urumqi = point(43.825_592, 87.616_848);
        assert_eq!(metres_between(suzhou, shanghai), 84_781);
        assert_eq!(metres_between(shanghai, suzhou), 84_781);
        assert_eq!(metres_between(urumqi, shanghai), 3_267_655);
        assert_eq!(metres_between(suzhou, suzhou), 0);
        assert_eq!(metres_between(point(0.0, 0.0), point(0.0, 180.0)), 20_015_114);
        assert_eq!(metres_between(point(90.0, 0.0), point(-90.0, 77.0)), 20_015_114);
        assert_eq!(metres_between(point(0.0, 179.5), point(0.0, -179.5)), 111_195);
        assert_eq!(metres_between(point(31.0, 120.0), point(31.000_01, 120.0)), 1);
    }

    #[test]
    fn own_functions_agree_with_the_platform() {
        for step in 0..=10_000_u32 {
            let x = f64::from(step) / 10_000.0;
            assert!((sin_quarter(x * FRAC_PI_2) - (x * FRAC_PI_2).sin()).abs() < 1e-15, "sin {x}");
            assert!((asin_unit(x) - x.asin()).abs() < 1e-15, "asin {x}");
        }
    }

    #[test]
    fn bits_are_pinned() {
        let mut hash = 0_u64;
        for step in 0..=1_000_u32 {
            let x = f64::from(step) / 1_000.0;
            for bits in [sin_quarter(x * FRAC_PI_2).to_bits(), asin_unit(x).to_bits()] {
                hash = hash.rotate_left(7) ^ bits;
            }
        }
        assert_eq!(hash, 14_706_219_025_843_923_283);
    }

    #[test]
    fn off_the_globe_is_refused() {
        for (lat, lon) in [(f64::NAN, 0.0), (0.0, f64::INFINITY), (90.1, 0.0), (0.0, -180.1), (1e300, 0.0)] {
            assert_eq!(Point::from_degrees(lat, lon), None);
        }
        assert_eq!(Point::from_udeg(i32::MIN, i32::MIN), None);
    }

    #[test]
    fn metres_become_seconds() {
        let model = TravelModel::default();
        assert_eq!(model.travel_s(0), 0);
        assert_eq!(model.travel_s(1_000), 168);
        let still = TravelModel { speed_m_per_h: 0, ..model };
        assert_eq!(still.travel_s(u32::MAX), TRAVEL_S_MAX);
        let points = [Some(point(31.0, 120.0)), None, Some(point(31.1, 120.1))];
        let matrix = GeoMatrix::new(&points, &model);
        assert_eq!(matrix.travel_s(0, 1), UNKNOWN_LEG_S);
        assert_eq!(matrix.travel_s(1, 1), 0);
        assert_eq!(matrix.travel_s(0, 2), model.travel_s(metres_between(points[0].unwrap(), points[2].unwrap())));
        assert!(matrix.is_located(0) && !matrix.is_located(1));
    }
}
