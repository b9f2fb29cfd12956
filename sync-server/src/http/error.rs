//! Refusals and failures as HTTP answers: the only place that knows status codes. Two audiences: what goes out names the
//! thing, the cause and what to do, in two languages; the detail of a failure stays in the log. Neither holds content.
//!
//! Every error is `{"error": {"code", "message_zh", "message_en"}}`.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use roadbook_core::exchange::WIRE_VERSIONS_READ;
use roadbook_core::ids::Ms;
use roadbook_core::signing::TIME_HEADER;
use serde_json::json;

use crate::accounts::AccountsError;

/// Why a request was not answered with what it asked for.
#[derive(Debug)]
pub enum Error {
    /// 400: the request cannot be read.
    Malformed,
    /// 401: nobody is logged in.
    LoggedOut,
    /// 401: the signature was not accepted. The answer carries the server's time: a device whose clock is off signs again.
    NotSigned(Ms),
    /// 401: login or password wrong, or the account is switched off.
    LoginRefused,
    /// 403: a one-time code is wrong, used or expired.
    CodeRefused,
    /// 403: known, but may not.
    Forbidden,
    /// 403: a request that changes something came from another site's page.
    ForeignOrigin,
    /// 404: no such thing, or none that the caller may know of.
    NotFound,
    /// 408: the body took too long.
    TooSlow,
    /// 409: the state is no longer the one that the form showed; read it again.
    Conflict,
    /// 409: as [`Self::Conflict`], with a stable code and in words about what moved on.
    MovedOn {
        /// Stable code.
        code: &'static str,
        /// For people, Chinese.
        zh: &'static str,
        /// For people, English.
        en: &'static str,
    },
    /// 410: the device was revoked and has handed in everything: it gives up what it holds.
    Revoked,
    /// 413: beyond the limit in bytes.
    TooLarge(usize),
    /// 415: not the type of body that is read here.
    WrongType,
    /// 422: understood, and wrong: a stable code and what would be right.
    Invalid {
        /// Stable code.
        code: &'static str,
        /// For people, Chinese.
        zh: String,
        /// For people, English.
        en: String,
    },
    /// 426: the device speaks a version that is no longer or not yet spoken here. The answer says which are: `error.reads`.
    UpdateNeeded {
        /// Version of the frame that came.
        found: u8,
    },
    /// 429: too often; after so many milliseconds again.
    TooOften(i64),
    /// 503: too much at once; nothing was lost.
    Overloaded,
    /// 500: our fault. The cause goes to the log.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Seconds after which a client of an overloaded server tries again.
const OVERLOADED_RETRY_S: i64 = 5;

impl Error {
    /// A failure of ours, whatever it was.
    pub fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Failed(Box::new(cause))
    }

    /// A refusal with a code of its own.
    pub fn invalid(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Invalid { code, zh: zh.into(), en: en.into() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::LoggedOut | Self::NotSigned(_) | Self::LoginRefused => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForeignOrigin | Self::CodeRefused => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::MovedOn { .. } => StatusCode::CONFLICT,
            Self::Revoked => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UpdateNeeded { .. } => StatusCode::UPGRADE_REQUIRED,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Code, Chinese, English.
    fn words(&self) -> (&str, String, String) {
        let (code, zh, en) = match self {
            Self::Invalid { code, zh, en } => return (code, zh.clone(), en.clone()),
            Self::TooLarge(limit) => {
                return (
                    "too_large",
                    format!("请求超过 {limit} 字节的上限。"),
                    format!("The request is larger than the limit of {limit} bytes."),
                );
            }
            Self::Malformed => ("malformed", "无法读取该请求。", "The request cannot be read."),
            Self::LoggedOut => ("logged_out", "请先登录。", "Please log in first."),
            Self::NotSigned(_) => (
                "not_signed",
                "设备签名未被接受。请核对时间后重试；若仍失败，请重新注册设备。",
                "The device's signature was not accepted. Sign again with the server's time; if it fails again, enrol the device anew.",
            ),
            Self::LoginRefused => ("login_refused", "登录名或密码不正确。", "Login or password is wrong."),
            Self::CodeRefused => (
                "code_refused",
                "注册码无效、已使用或已过期。请向管理员索取新的注册码。",
                "The code is wrong, used or expired. Ask your administrator for a new one.",
            ),
            Self::Forbidden => ("forbidden", "您没有此操作的权限。", "You do not have the right to do this."),
            Self::ForeignOrigin => {
                ("foreign_origin", "该请求来自其他网站，已拒绝。", "The request came from another site and was refused.")
            }
            Self::NotFound => ("not_found", "未找到。", "Not found."),
            Self::TooSlow => ("too_slow", "请求用时过长，请重试。", "The request took too long; please try again."),
            Self::Conflict => ("conflict", "内容已被他人修改，请刷新后重试。", "It was changed by somebody else meanwhile; read it again."),
            Self::MovedOn { code, zh, en } => (*code, *zh, *en),
            Self::Revoked => ("revoked", "此设备或账号已停用。", "This device or account was switched off."),
            Self::WrongType => ("wrong_type", "请求的内容类型不正确。", "The request's content type is not the one read here."),
            Self::UpdateNeeded { .. } => {
                ("update_needed", "请更新应用；未同步的记录会保留。", "Please update the app; what is not synced yet is kept.")
            }
            Self::TooOften(_) => ("too_often", "操作过于频繁，请稍后再试。", "Too often; please try again later."),
            Self::Overloaded => {
                ("overloaded", "服务器繁忙，请稍后再试；没有数据丢失。", "The server is busy; please try again shortly. Nothing was lost.")
            }
            Self::Failed(_) => ("failed", "服务器出错，详情已记录。", "The server failed; the details are in its log."),
        };
        (code, zh.to_owned(), en.to_owned())
    }

    fn retry_after_s(&self) -> Option<i64> {
        match self {
            Self::TooOften(wait_ms) => Some(wait_ms.saturating_add(999) / 1_000),
            Self::Overloaded => Some(OVERLOADED_RETRY_S),
            Self::Malformed
            | Self::LoggedOut
            | Self::NotSigned(_)
            | Self::LoginRefused
            | Self::CodeRefused
            | Self::Forbidden
            | Self::ForeignOrigin
            | Self::NotFound
            | Self::TooSlow
            | Self::Conflict
            | Self::MovedOn { .. }
            | Self::Revoked
            | Self::TooLarge(_)
            | Self::WrongType
            | Self::Invalid { .. }
            | Self::UpdateNeeded { .. }
            | Self::Failed(_) => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Failed(cause) = &self {
            tracing::error!(cause = %chain(cause.as_ref()), "a request failed");
        }
        let (code, zh, en) = self.words();
        let mut body = json!({ "error": { "code": code, "message_zh": zh, "message_en": en } });
        if let (Self::UpdateNeeded { found }, Some(error)) = (&self, body.get_mut("error").and_then(|error| error.as_object_mut())) {
            error.insert("found".to_owned(), json!(found));
            error.insert("reads".to_owned(), json!(WIRE_VERSIONS_READ));
        }
        let mut response = (self.status(), Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Self::NotSigned(now) = &self {
            response.headers_mut().insert(TIME_HEADER, HeaderValue::from(now.0));
        }
        response
    }
}

/// A whole answer for a connection that there is no place for.
pub(super) fn overloaded_response() -> String {
    let (code, zh, en) = Error::Overloaded.words();
    let body = json!({ "error": { "code": code, "message_zh": zh, "message_en": en } }).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         retry-after: {OVERLOADED_RETRY_S}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// An error and its sources in one line, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

impl From<AccountsError> for Error {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Sqlite(_) | AccountsError::NoEntropy(_) => Self::failed(error),
            AccountsError::NoUser(_) | AccountsError::NoTerritory(_) | AccountsError::NoDevice(_) => Self::NotFound,
            AccountsError::LoginTaken(_) => Self::invalid("login_taken", "该登录名已被使用。", "This login is already in use."),
            AccountsError::TerritoryCycle(_) => {
                Self::invalid("territory_cycle", "区域不能位于其自身之下。", "A territory cannot lie below itself.")
            }
            AccountsError::BadText { what, max } => Self::invalid(
                "bad_text",
                format!("名称须为 1 至 {max} 个字符，且不含控制字符。"),
                format!("{what} must have 1 to {max} characters and no control characters."),
            ),
        }
    }
}

impl From<crate::feed::FeedError> for Error {
    fn from(error: crate::feed::FeedError) -> Self {
        Self::failed(error)
    }
}

impl From<crate::device::DeviceError> for Error {
    fn from(error: crate::device::DeviceError) -> Self {
        Self::failed(error)
    }
}

impl From<crate::auth::AuthError> for Error {
    fn from(error: crate::auth::AuthError) -> Self {
        Self::failed(error)
    }
}

impl From<crate::auth::password::PasswordError> for Error {
    fn from(error: crate::auth::password::PasswordError) -> Self {
        use crate::auth::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, PasswordError};
        match error {
            PasswordError::TooShort => Self::invalid(
                "password_short",
                format!("密码至少 {PASSWORD_CHARS_MIN} 个字符。"),
                format!("A password has at least {PASSWORD_CHARS_MIN} characters."),
            ),
            PasswordError::TooLong => Self::invalid(
                "password_long",
                format!("密码最多 {PASSWORD_BYTES_MAX} 字节。"),
                format!("A password has at most {PASSWORD_BYTES_MAX} bytes."),
            ),
            PasswordError::NoEntropy(_) | PasswordError::Hash(_) => Self::failed(error),
        }
    }
}

impl From<crate::exchange::scope::ScopeError> for Error {
    fn from(error: crate::exchange::scope::ScopeError) -> Self {
        Self::failed(error)
    }
}

impl From<crate::headquarters::HeadquartersError> for Error {
    fn from(error: crate::headquarters::HeadquartersError) -> Self {
        Self::failed(error)
    }
}

impl From<crate::exchange::ExchangeError> for Error {
    fn from(error: crate::exchange::ExchangeError) -> Self {
        if matches!(error, crate::exchange::ExchangeError::ForeignDevice) { Self::Malformed } else { Self::failed(error) }
    }
}
