//! Headquarters of Roadbook.
pub mod access;
pub mod accounts;
pub mod auth;
pub mod clock;
pub mod database;
pub mod device;
pub mod duties;
pub mod export;
pub mod feed;
pub mod headquarters;
pub mod http;
pub mod import;
pub mod storage;
