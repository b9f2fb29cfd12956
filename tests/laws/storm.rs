//! The random world: a few phones, headquarters, their disks and the network between them, in a [`Weather`]. People work for three
//! hundred steps while everything goes wrong that can; then the faults end, everybody syncs within twenty rounds, and every law
//! must hold. One `u64` gives everything.
//!
//! * `ROADBOOK_SEED=n` runs that seed and tells its story when it fails, made as short as it can be.
//! * `ROADBOOK_WITHOUT=servers,people` leaves out kinds of fault, by the names in `weather`; `ROADBOOK_WITH=servers,clones` adds
//!   those that do not always hold yet.
//! * `ROADBOOK_SEEDS=n` runs n seeds instead of those of `seeds`, from `ROADBOOK_FROM` on.
//! * `tests/long seeds n` runs n seeds on all cores.
//!
//! A seed that once failed is kept in `tests/fixtures/seeds.txt` for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use roadbook_core::ids::{DeviceId, TerritoryId};
use roadbook_server::access::Role;
use roadbook_server::accounts::Who;

use super::work;
use crate::world::cast::{self, EAST, WEST};
use crate::world::chance::Chance;
use crate::world::disk::{Disk, Trouble};
use crate::world::mishap::{Mishap, attempt};
use crate::world::network::{Faults, Flight, Network, Way};
use crate::world::office::Unanswered;
use crate::world::phone::Home;
use crate::world::platter::{Loss, Platter};
use crate::world::weather::Weather;
use crate::world::{Exchanged, World, hostile, shrink};

/// Steps of a run.
const STEPS: (i64, i64) = (300, 340);
/// Devices: two of one person, colleagues in two territories, desks, somebody who sees all.
const DEVICES: [&str; 7] = ["wf1", "xw1", "lq1", "wf2", "zm1", "sl1", "cg1"];
/// Most phones of a run, copies included.
const PHONES_MAX: usize = 9;
/// Fewest devices of a run.
const DEVICES_MIN: i64 = 3;
/// Writes of a phone, and of the server, within which planted trouble comes.
const PHONE_WRITES: usize = 24;
const SERVER_WRITES: usize = 80;
/// Ten years.
const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;

/// One step: all that happens in it is drawn from its own number, so that leaving out another changes nothing in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    no: u64,
    draw: u64,
}

pub(super) struct Storm {
    pub(super) world: World,
    network: Network,
    weather: Weather,
    faults: Faults,
    step: u64,
    chance: Chance,
    enemy: Option<String>,
    /// Backups of phones, and of the server with the devices enrolled when it was made.
    backups: BTreeMap<String, Platter>,
    server_backup: Option<Platter>,
    installs: u64,
    pub(super) told: Option<Vec<String>>,
}

pub(super) fn history(seed: u64) -> Vec<Step> {
    let mut chance = Chance::new(seed).branch("history");
    (0..chance.between(STEPS.0, STEPS.1) as u64).map(|no| Step { no, draw: chance.next() }).collect()
}

impl Storm {
    pub(super) fn new(seed: u64, telling: bool) -> Self {
        roadbook_server::clock::repeat_from(seed);
        let mut world = World::on_disk(seed, Disk::new());
        world.open_some_shops(&work::CUSTOMERS);
        let mut chance = world.chance.branch("run");
        let weather = Weather::drawn(&mut chance);
        let count = chance.between(DEVICES_MIN, DEVICES.len() as i64) as usize;
        for name in DEVICES.iter().take(count) {
            world.enrol_at(name, cast::device(name), Home::Disk(Disk::new()));
            // Some have synced before it begins, some hold nothing yet.
            if chance.in_thousand(700) {
                world.sync(name);
            }
        }
        let enemy = weather.hostile.then(|| "lq1".to_owned()).filter(|name| world.phones.contains_key(name));
        Self {
            world,
            network: Network::default(),
            weather,
            faults: weather.network,
            step: 0,
            chance,
            enemy,
            backups: BTreeMap::new(),
            server_backup: None,
            installs: 0,
            told: telling.then(Vec::new),
        }
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push(format!("{:>4} {}", self.step, line()));
        }
    }

    pub(super) fn run(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.step = step.no;
            self.chance = Chance::new(step.draw);
            self.world.pass_ms(20_000);
            let names: Vec<String> = self.world.phones.keys().cloned().collect();
            if names.is_empty() {
                break;
            }
            let name = self.chance.pick(&names).clone();
            self.misfortune(&name)?;
            match self.chance.below(100) {
                0..=54 => self.work(&name)?,
                55..=87 => self.ask(&name)?,
                88..=94 => self.desk()?,
                _ => {}
            }
            self.arrivals(self.step)?;
        }
        self.clear_up()?;
        // Of an enemy's device nothing is asked; the others must come to rest beside what it did.
        if let Some(enemy) = &self.enemy {
            self.world.phones.remove(enemy);
        }
        let world = &mut self.world;
        if let Err(mishap) = attempt(|| world.settle()) {
            return Err(format!("{}; {}", mishap.said, super::differences(&self.world)));
        }
        super::check(&mut self.world)
    }

    /// The faults end: what is on its way arrives, every disk is whole.
    fn clear_up(&mut self) -> Result<(), String> {
        self.faults = Faults::default();
        let names: Vec<String> = self.world.phones.keys().cloned().collect();
        for name in &names {
            self.world.phones[name].disk().mend();
        }
        self.world.office.disk().mend();
        self.arrivals(u64::MAX)?;
        assert!(self.network.is_quiet());
        Ok(())
    }

    /// What goes wrong at this step.
    fn misfortune(&mut self, name: &str) -> Result<(), String> {
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
        }
        if self.chance.in_thousand(weather.people) {
            self.people(name)?;
        }
        // From a branch of its own: a world without copies draws as it did before there were any.
        if self.chance.branch("clones").in_thousand(weather.clones) {
            self.copy_phone(name);
        }
        Ok(())
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
        let Some(backup) = self.backups.get(name).cloned() else { return };
        self.tell(|| format!("{name} gets an old backup"));
        let now = self.world.now;
        let (phones, office) = (&mut self.world.phones, &self.world.office);
        phones.get_mut(name).unwrap().restore_disk(backup, now, |saved| office.has(saved));
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
        self.world.enrol_at(name, device, Home::Disk(Disk::new()));
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
    fn after_phone(&mut self, name: &str, troubled: bool, mishap: Option<Mishap>) -> Result<(), String> {
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

    fn after_server(&mut self, mishap: Option<Mishap>) -> Result<(), String> {
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

    fn work(&mut self, name: &str) -> Result<(), String> {
        let troubled = self.world.phones[name].disk().is_troubled();
        let (no, mut chance) = (self.step, self.chance.branch("work"));
        let world = &mut self.world;
        let done = attempt(|| work::on_a_phone(world, name, no, &mut chance));
        self.tell(|| format!("{name} works{}", if done.is_ok() { "" } else { ", in vain" }));
        self.after_phone(name, troubled, done.err())
    }

    fn desk(&mut self) -> Result<(), String> {
        let (no, mut chance) = (self.step, self.chance.branch("work"));
        let world = &mut self.world;
        let done = attempt(|| work::at_a_desk(world, no, &mut chance));
        self.tell(|| format!("headquarters works{}", if done.is_ok() { "" } else { ", in vain" }));
        self.after_server(done.err())
    }

    /// A phone asks; what becomes of the frame is the network's affair.
    fn ask(&mut self, name: &str) -> Result<(), String> {
        let phone = &self.world.phones[name];
        let mut frame = phone.replica().sync_request(phone.clock(self.world.now), Some("world")).map_err(|error| error.to_string())?;
        if self.enemy.as_deref() == Some(name) {
            frame = hostile::twisted(&frame, &mut self.chance);
        }
        let flight = Flight { way: Way::Up, phone: name.to_owned(), device: phone.device, frame, whole: true };
        self.network.send(self.step, flight, self.faults, &mut self.chance);
        self.tell(|| format!("{name} asks"));
        Ok(())
    }

    fn arrivals(&mut self, until: u64) -> Result<(), String> {
        while let Some(flight) = self.network.arrival(until) {
            match flight.way {
                Way::Up => self.arrives_at_headquarters(flight)?,
                Way::Down => self.arrives_at_a_phone(&flight)?,
            }
        }
        Ok(())
    }

    fn arrives_at_headquarters(&mut self, flight: Flight) -> Result<(), String> {
        let now = self.world.now;
        let world = &mut self.world;
        let answered = attempt(|| world.office.answer(flight.device, &flight.frame, now));
        let (answer, mishap) = match answered {
            Ok(Ok(answer)) => (Some(answer), None),
            Ok(Err(Unanswered::Gone)) => (None, None),
            Ok(Err(Unanswered::Unreadable(_))) if !flight.whole || self.enemy.as_deref() == Some(&flight.phone) => (None, None),
            Ok(Err(Unanswered::Unreadable(why) | Unanswered::Failed(why))) => (None, Some(Mishap { ours: true, said: why })),
            Err(mishap) => (None, Some(mishap)),
        };
        self.tell(|| format!("headquarters {} {}", if answer.is_some() { "answers" } else { "does not answer" }, flight.phone));
        self.after_server(mishap)?;
        let Some(answer) = answer else { return Ok(()) };
        let Flight { phone, device, frame, whole, .. } = flight;
        if whole && self.enemy.as_deref() != Some(&phone) {
            self.world.exchanged.push(Exchanged { phone: phone.clone(), device, request: frame, answer: answer.clone() });
        }
        self.network.send(self.step, Flight { way: Way::Down, phone, device, frame: answer, whole: true }, self.faults, &mut self.chance);
        Ok(())
    }

    fn arrives_at_a_phone(&mut self, flight: &Flight) -> Result<(), String> {
        let (now, name) = (self.world.now, flight.phone.as_str());
        let Some(phone) = self.world.phones.get_mut(name).filter(|phone| phone.device == flight.device) else { return Ok(()) };
        let troubled = phone.disk().is_troubled();
        let taken = attempt(|| phone.take_answer(&flight.frame, now));
        let mishap = match taken {
            Ok(Ok(_)) => None,
            // A cut answer is refused and changes nothing.
            Ok(Err(_)) if !flight.whole => None,
            // An enemy's own device may be hurt by what it did.
            Ok(Err(_)) if self.enemy.as_deref() == Some(name) => None,
            // An order to wipe, of which a simulated disk knows no folder: the phone is no more.
            Ok(Err(_)) if !self.world.office.serves(flight.device) => {
                self.world.phones.remove(name);
                return Ok(());
            }
            Ok(Err(error)) => Some(Mishap { ours: true, said: format!("an answer is refused: {error}") }),
            Err(mishap) => Some(mishap),
        };
        self.tell(|| format!("{name} takes an answer: {}", mishap.as_ref().map_or("well", |_| "not")));
        let well = mishap.is_none();
        self.after_phone(name, troubled, mishap)?;
        if well && self.chance.in_thousand(20) && self.enemy.as_deref() != Some(name) {
            super::cursor_is_true(&self.world, &self.world.phones[name])?;
        }
        Ok(())
    }
}

pub(super) fn loss(torn: u64, chance: &mut Chance) -> Loss {
    if chance.in_thousand(torn) { *chance.pick(&[Loss::All, Loss::Tail, Loss::Head, Loss::Sectors]) } else { Loss::None }
}

/// Which law these steps break, and their story.
fn outcome(seed: u64, steps: &[Step], telling: bool) -> Result<(), (String, Vec<String>)> {
    let mut told = Vec::new();
    let ran = attempt(|| {
        let mut storm = Storm::new(seed, telling);
        let ran = attempt(|| storm.run(steps));
        told = storm.told.take().unwrap_or_default();
        ran
    });
    let broken = match ran {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(law))) => law,
        Ok(Err(mishap)) | Err(mishap) => mishap.said,
    };
    Err((broken, told))
}

/// Which law a seed breaks.
pub(super) fn broken(seed: u64) -> Option<String> {
    outcome(seed, &history(seed), false).err().map(|(law, _)| law)
}

/// What a law that is broken says, without names and numbers: another fault that shows up while a story is made shorter is another story.
fn form(law: &str) -> Vec<&str> {
    law.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect()
}

/// The shortest story found that breaks a law as this seed does.
pub(super) fn story(seed: u64, law: &str) -> String {
    let fails = |steps: &[Step]| outcome(seed, steps, false).err().map(|(law, _)| law).filter(|found| form(found) == form(law));
    let (steps, law) = shrink::smallest(&history(seed), law.to_owned(), fails);
    let told = outcome(seed, &steps, true).err().map(|(_, told)| told).unwrap_or_default();
    let mut story = format!("seed {seed}, {} steps: {law}\n", steps.len());
    for line in told {
        let _infallible = writeln!(story, "{line}");
    }
    story
}
