//! What goes wrong in a random world, step by step, as its weather says; and what a disk did with what was under way.

use roadbook_core::ids::{DeviceId, TerritoryId};
use roadbook_server::access::Role;
use roadbook_server::accounts::Who;
use roadbook_server::rounds::UrgentRule;

use super::storm::Storm;
use crate::world::cast::{self, EAST, WEST};
use crate::world::chance::Chance;
use crate::world::disk::Trouble;
use crate::world::mishap::{Mishap, attempt};
use crate::world::platter::Loss;

/// Most phones of a run, copies included.
const PHONES_MAX: usize = 9;
/// Writes of a phone, and of the server, within which planted trouble comes.
const PHONE_WRITES: usize = 24;
const SERVER_WRITES: usize = 80;
/// How long it can be until something happens again: beyond each of the spans that bound what phones hold, and the grace of late work.
const DAYS_PASSED: [i64; 7] = [1, 1, 4, 8, 31, 46, 92];
const DAY_MS: i64 = 86_400_000;
/// Ten years.
const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;

impl Storm {
    /// What goes wrong at this step.
    pub(super) fn misfortune(&mut self, name: &str) -> Result<(), String> {
        let (weather, now) = (self.weather, self.world.now);
        let server = self.chance.in_thousand(300);
        if self.chance.in_thousand(weather.power_cuts) {
            self.tell(|| format!("the power of {} will go", if server { "the server" } else { name }));
            self.plant(name, server, Trouble::PowerCut);
        }
        if self.chance.in_thousand(weather.bad_disks) {
            let trouble = if self.chance.in_thousand(500) { Trouble::Full } else { Trouble::Refused };
            self.tell(|| format!("{trouble:?}: the disk of {}", if server { "the server" } else { name }));
            self.plant(name, server, trouble);
        } else if self.chance.in_thousand(200) {
            if server { self.world.office.disk().mend() } else { self.world.phones[name].disk().mend() }
        }
        if self.chance.in_thousand(weather.clocks) {
            let (by, stands) = (self.chance.between(-TEN_YEARS_MS, TEN_YEARS_MS), self.chance.in_thousand(300));
            let phone = self.world.phones.get_mut(name).unwrap();
            phone.clock_stands_at = stands.then(|| now.plus(phone.clock_error_ms));
            if !stands {
                phone.clock_error_ms = *self.chance.pick(&[0, by, by / 3_650]);
            }
            self.tell(|| format!("the clock of {name} {}", if stands { "stands still".to_owned() } else { format!("jumps, {by} ms") }));
        }
        if self.chance.in_thousand(30) {
            self.backups.insert(name.to_owned(), self.world.phones[name].disk().copy());
        }
        if self.chance.in_thousand(weather.phones_restored) {
            self.restore_phone(name);
        }
        if self.chance.in_thousand(weather.reinstalled) {
            self.reinstall(name)?;
        }
        if self.chance.in_thousand(20) && !self.world.office.disk().is_stopped() {
            self.server_backup = Some(self.world.office.disk().copy());
        }
        if self.chance.in_thousand(weather.servers_restored)
            && let Some(backup) = self.server_backup.clone()
        {
            self.tell(|| "the server comes back from a backup".to_owned());
            self.world.office.restore_disk(backup, now)?;
            self.photos_of_a_backup();
        }
        if self.chance.in_thousand(weather.people) {
            self.people(name)?;
        }
        let mut depot = self.chance.branch("depot");
        if self.weather.photos > 0 && depot.in_thousand(weather.depot) {
            let files = self.world.office.chunk_files();
            if !files.is_empty() {
                std::fs::remove_file(depot.pick(&files)).unwrap();
                self.tell(|| "a piece of a photo is gone at headquarters".to_owned());
            }
        }
        self.weeks()?;
        self.returns()?;
        self.stolen(name)?;
        // From a branch of its own: a world without copies draws as it did before there were any.
        if self.chance.branch("clones").in_thousand(weather.clones) {
            self.copy_phone(name);
        }
        Ok(())
    }

    /// Days or weeks pass in which nobody does anything but headquarters by itself.
    fn weeks(&mut self) -> Result<(), String> {
        let mut chance = self.chance.branch("weeks");
        if !chance.in_thousand(self.weather.weeks) {
            return Ok(());
        }
        let days = *chance.pick(&DAYS_PASSED);
        self.world.pass_ms(days * DAY_MS);
        self.tell(|| format!("{days} days pass"));
        let world = &self.world;
        let done = attempt(|| world.office.round(&UrgentRule::default(), world.now));
        self.after_server(done.err())
    }

    /// People whose account was switched off may come in again; what their phones have had to give up by then they get anew.
    fn returns(&mut self) -> Result<(), String> {
        if !self.chance.branch("returns").in_thousand(self.weather.returns) {
            return Ok(());
        }
        let (now, accounts) = (self.world.now, self.world.office.accounts.clone());
        let mut failed = None;
        for user in accounts.users().unwrap_or_default().into_iter().filter(|user| user.disabled) {
            let done = accounts.switch_user(now, &Who::default(), user.id, false);
            self.tell(|| format!("accounts: {} may come in again", user.login));
            failed = done.err().map(|error| Mishap { ours: true, said: error.to_string() }).or(failed);
        }
        self.after_server(failed)
    }

    /// Headquarters orders a phone to wipe itself: its person gets another one.
    fn stolen(&mut self, name: &str) -> Result<(), String> {
        let spared = self.enemy.as_deref() == Some(name) || self.world.phones.len() <= 2;
        if !self.chance.branch("stolen").in_thousand(self.weather.stolen) || spared {
            return Ok(());
        }
        let device = self.world.phones[name].device;
        let done = self.world.office.accounts.order_wipe(self.world.now, &Who::default(), device);
        self.tell(|| format!("{name} is stolen: {}", if done.is_ok() { "it is to be wiped" } else { "in vain" }));
        self.after_server(done.err().map(|error| Mishap { ours: true, said: error.to_string() }))
    }

    /// The file of a phone comes onto another phone of the same person, whose app finds that it is a copy and has it enrolled.
    fn copy_phone(&mut self, name: &str) {
        let now = self.world.now;
        let world = &mut self.world;
        let user = world.phones[name].user;
        let refused = world.office.disk().is_troubled() || world.phones[name].disk().is_troubled() || world.office.person(user).disabled;
        if refused || self.enemy.as_deref() == Some(name) || world.phones.len() >= PHONES_MAX {
            return;
        }
        self.installs += 1;
        let copy = format!("{name} copy {}", self.installs);
        let device = DeviceId::derived(&format!("cast/{copy}"));
        let profile = world.office.enrol(user, device, &copy, now);
        let phone = world.phones.get_mut(name).unwrap().copied_onto(&copy, device, &profile, now);
        world.phones.insert(copy, phone);
        // A backup of the server from before would not know the device.
        self.server_backup = None;
        self.tell(|| format!("{name} is copied onto another phone"));
    }

    fn plant(&mut self, name: &str, server: bool, trouble: Trouble) {
        let chance = &mut self.chance;
        if server {
            self.world.office.disk().plant(trouble, SERVER_WRITES, chance);
        } else {
            self.world.phones[name].disk().plant(trouble, PHONE_WRITES, chance);
        }
    }

    fn restore_phone(&mut self, name: &str) {
        let Some(mut backup) = self.backups.get(name).cloned() else { return };
        let bare = self.chance.branch("bare backup").in_thousand(300);
        if bare {
            backup.take_folders();
        }
        self.tell(|| format!("{name} gets an old backup{}", if bare { ", without photos" } else { "" }));
        let now = self.world.now;
        let (phones, office) = (&mut self.world.phones, &self.world.office);
        let phone = phones.get_mut(name).unwrap();
        phone.restore_disk(backup, now, |saved| office.has(saved));
        // For good: its later backups lack them too.
        phone.lacks_files |= bare;
    }

    /// A new device for the same person; what the old one had not handed in is gone with it.
    fn reinstall(&mut self, name: &str) -> Result<(), String> {
        let user = self.world.phones[name].user;
        // Nobody enrols a phone for somebody who is shut out.
        if self.world.office.disk().is_troubled() || self.world.office.person(user).disabled {
            return Ok(());
        }
        self.installs += 1;
        self.tell(|| format!("{name} is emptied and enrolled again"));
        let device = DeviceId::derived(&format!("cast/{name} {}", self.installs));
        let before = self.world.phones.remove(name).unwrap();
        self.world.enrol_on_disk(name, device);
        let phone = self.world.phones.get_mut(name).unwrap();
        phone.restored = true;
        let known = self.world.office.has(&before.saved);
        phone.saved = before.saved.into_iter().filter(|(hash, _)| known.contains(hash)).collect();
        self.backups.remove(name);
        // A backup of the server from before would not know the device.
        self.server_backup = None;
        Ok(())
    }

    /// Something at the accounts.
    fn people(&mut self, name: &str) -> Result<(), String> {
        let now = self.world.now;
        let user = self.world.phones[name].user;
        let device = self.world.phones[name].device;
        let what = self.chance.below(10);
        let login = *self.chance.pick(&["lq", "xw"]);
        let mixes: [&[&str]; 3] = [&[EAST], &[WEST], &[EAST, WEST]];
        let mix = *self.chance.pick(&mixes);
        let role = *self.chance.pick(&[Role::Salesperson, Role::Supervisor]);
        let shut_out = self.enemy.as_deref() != Some(name) && self.world.phones.len() > 2 && what >= 8;
        self.tell(|| format!("accounts: {what} {login} {mix:?} {role:?} {name}"));
        let accounts = self.world.office.accounts.clone();
        let who = Who::default();
        let done = match what {
            0..=5 => {
                let territories = mix.iter().map(|id| TerritoryId((*id).to_owned())).collect();
                accounts.assign_territories(now, &who, cast::user(login), &territories)
            }
            6 | 7 => accounts.set_role(now, &who, cast::user(login), role),
            8 if shut_out => accounts.revoke_device(now, &who, device),
            9 if shut_out => accounts.switch_user(now, &who, user, true),
            _ => Ok(()),
        };
        let failed = done.map_err(|error| Mishap { ours: true, said: error.to_string() });
        self.after_server(failed.err())
    }

    /// After something that a phone did: what its disk did with it. `mishap`: how it failed.
    pub(super) fn after_phone(&mut self, name: &str, troubled: bool, mishap: Option<Mishap>) -> Result<(), String> {
        let now = self.world.now;
        let phone = self.world.phones.get_mut(name).unwrap();
        let troubled = troubled || phone.disk().is_troubled();
        if let Some(mishap) = mishap.filter(|mishap| !mishap.ours || !troubled) {
            return Err(format!("{name}: {}", mishap.said));
        }
        if phone.disk().is_stopped() {
            let loss = loss(self.weather.torn, &mut self.chance);
            let again = self.chance.in_thousand(200);
            phone.power_cut(loss, again, now, &mut self.chance)?;
            self.tell(|| format!("the power of {name} went, losing {loss:?}"));
        }
        Ok(())
    }

    pub(super) fn after_server(&mut self, mishap: Option<Mishap>) -> Result<(), String> {
        let now = self.world.now;
        let disk = self.world.office.disk();
        if let Some(mishap) = mishap
            && !(mishap.ours && (disk.is_troubled() || disk.was_troubled()))
        {
            return Err(format!("headquarters: {}", mishap.said));
        }
        if self.world.office.disk().is_stopped() {
            let loss = loss(self.weather.torn, &mut self.chance);
            let again = self.chance.in_thousand(200);
            self.world.office.power_cut(loss, again, now, &mut self.chance)?;
            self.tell(|| format!("the power of the server went, losing {loss:?}"));
        }
        Ok(())
    }
}

pub(super) fn loss(torn: u64, chance: &mut Chance) -> Loss {
    if chance.in_thousand(torn) { *chance.pick(&[Loss::All, Loss::Tail, Loss::Head, Loss::Sectors]) } else { Loss::None }
}
