//! `device`: the phones of the company: list, revoke, order to wipe.

use clap::{Args, Subcommand};
use roadbook_core::ids::DeviceId;

use super::{Data, Done, show};
use crate::accounts::{Device, Orders, Who};
use crate::clock::Clock;

#[derive(Debug, Args)]
pub(super) struct DeviceCommand {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List all, with what each still held back when last heard of
    List,
    /// Take away the right to come in: it may only hand in what it has, into quarantine
    Revoke {
        /// Its id
        device: DeviceId,
    },
    /// A stolen phone: it is wiped at its next contact, before anything is served
    Wipe {
        /// Its id
        device: DeviceId,
    },
}

impl DeviceCommand {
    pub(super) fn run(self) -> Done {
        let accounts = self.data.accounts()?;
        let now = Clock::system().now();
        match self.what {
            What::List => {
                for device in accounts.devices()? {
                    let owner = accounts.user(device.user)?.map(|user| user.login).unwrap_or_default();
                    let state = match (accounts.orders(device.id)?, device.revoked_at) {
                        (Orders { wipe_told_at: Some(_), .. }, _) => "wiped",
                        (Orders { wipe_at: Some(_), .. }, _) => "to be wiped",
                        (_, Some(_)) => "revoked",
                        _ => "active",
                    };
                    let heard = heard_of(&device);
                    show::line(format_args!("{}  {owner:<12} {state:<12} {heard}  {}", device.id, device.name));
                }
            }
            What::Revoke { device } => {
                accounts.revoke_device(now, &Who::shell(), device)?;
                show::line(format_args!("{device} is revoked"));
            }
            What::Wipe { device } => {
                accounts.order_wipe(now, &Who::shell(), device)?;
                let heard = accounts.device(device)?.map_or_else(String::new, |device| heard_of(&device));
                show::line(format_args!(
                    "{device} will be wiped at its next contact. What may be missing then is what waits there ({heard}) and what was recorded since"
                ));
            }
        }
        Ok(())
    }
}

/// When a device was last heard of, and what it said then that it still has to hand in.
fn heard_of(device: &Device) -> String {
    let Some(seen_at) = device.seen_at else { return "never heard of".to_owned() };
    format!("heard of {}, then {} change(s), {} photo(s) waiting", show::instant(seen_at), device.waiting, device.photos)
}
