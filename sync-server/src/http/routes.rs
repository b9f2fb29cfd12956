//! The endpoints outside the console's room, as a table. Never here: what they do, and the limits around them (`router`).

use roadbook_core::blobs::wire::BLOBS_PATH;
use roadbook_core::signing::{ENROL_PATH, NEWS_PATH, SYNC_PATH};

use super::{blobs, enroll, health, login, me, news, sync};

endpoints! { QUICK, quick:
    post ENROL_PATH => enroll::enroll;
    post "/api/login" => login::login;
    post "/api/logout" => login::logout;
    get "/api/me" => me::me;
    get "/health" => health::health;
    get "/blobs/{id}" => blobs::photo;
}

endpoints! { EXCHANGES, exchanges:
    post SYNC_PATH => sync::sync;
    post BLOBS_PATH => blobs::blobs;
}

// Channels stay open: they have limits of their own.
endpoints! { CHANNELS, channels:
    get NEWS_PATH => news::device_news;
    get "/api/news" => news::console_news;
}
