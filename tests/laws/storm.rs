//! The random world: a few phones, headquarters, their disks and the network between them, of a [`Size`] and in a [`Weather`]. People
//! work for so many steps while everything goes wrong that can; then the faults end, everybody syncs within twenty rounds, and every law
//! must hold. One `u64` gives everything.
//!
//! * `ROADBOOK_SEED=n` runs that seed and tells its story when it fails, made as short as it can be.
//! * `ROADBOOK_WITHOUT=servers,people` leaves out kinds of fault, by the names in `weather`.
//! * `ROADBOOK_SIZE=large` makes every world of one size, by the names in `size`.
//! * `ROADBOOK_SEEDS=n` runs n seeds instead of those of `seeds`, from `ROADBOOK_FROM` on.
//! * `tests/long seeds n` runs n seeds on all cores.
//!
//! A seed that once failed is kept in `tests/fixtures/seeds.txt` for ever.

use std::collections::{BTreeMap, BTreeSet};

use roadbook_core::exchange::knock::is_knock;
use roadbook_core::ids::{DeviceId, Ms, SubjectId};
use roadbook_core::replica::{Replica, ReplicaError};
use roadbook_core::sync::Synced;
use roadbook_server::exchange::Portions;

use super::attack::Attack;
use super::stolen::Heard;
use super::{private, work};
use crate::world::cast;
use crate::world::chance::Chance;
use crate::world::mishap::{Mishap, attempt};
use crate::world::network::{About, Faults, Flight, Network, Way};
use crate::world::office::Unanswered;
use crate::world::platter::Platter;
use crate::world::size::{LARGE, Size};
use crate::world::weather::Weather;
use crate::world::{Exchanged, World, hostile};

/// Devices: two of one person, colleagues in two territories, desks, somebody who sees all.
const DEVICES: [&str; 7] = ["wf1", "xw1", "lq1", "wf2", "zm1", "sl1", "cg1"];

/// Of a thousand pieces of work at headquarters, decisions about what was set aside, where there are any.
const DECISIONS: u64 = 400;
/// Answers of a thousand that are looked into before they leave.
const LOOKS: u64 = 100;
/// Customers from which on somebody who oversees them is told rows: now and then more, now and then fewer.
const ROWS_FROM: u64 = 3;
/// A few documents at a time, in small worlds too, and a few changes.
const PORTIONS: Portions = Portions { part_documents: 3, part_bytes: 500, answer_bytes: 1_500 };
const HANDED_IN_AT_ONCE: usize = 2;
/// The device that is in an enemy's hand when one is.
const ENEMY: &str = "lq1";

/// One step: all that happens in it is drawn from its own number, so that leaving out another changes nothing in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    no: u64,
    draw: u64,
}

pub(super) struct Storm {
    pub(super) world: World,
    pub(super) network: Network,
    pub(super) weather: Weather,
    pub(super) faults: Faults,
    pub(super) step: u64,
    pub(super) chance: Chance,
    pub(super) enemy: Option<String>,
    /// Another device of an enemy, that writes its changes by hand.
    attack: Option<Attack>,
    /// Backups of phones, and of the server with the devices enrolled when it was made.
    pub(super) backups: BTreeMap<String, Platter>,
    pub(super) server_backup: Option<Platter>,
    pub(super) installs: u64,
    pub(super) told: Option<Vec<String>>,
    /// What headquarters heard of how much waits where.
    heard: Heard,
}

pub(super) fn history(seed: u64) -> Vec<Step> {
    let mut chance = Chance::new(seed).branch("history");
    (0..Size::of(seed).steps(&mut chance)).map(|no| Step { no, draw: chance.next() }).collect()
}

impl Storm {
    /// The world of a seed, without the kinds of fault that are named.
    pub(super) fn new(seed: u64, without: &str, telling: bool) -> Self {
        let mut world = World::furnished(seed, &work::CUSTOMERS);
        let mut chance = world.chance.branch("run");
        let size = Size::of(seed);
        let weather = Weather::drawn(&mut chance, without).oftener(size.oftener);
        let count = size.devices(&mut chance);
        if weather.portions {
            world.take_small_portions(PORTIONS, HANDED_IN_AT_ONCE);
        }
        if weather.rows {
            let now = world.now;
            world.office.tell_rows_from(ROWS_FROM, now);
        }
        if weather.kept {
            let now = world.now;
            world.office.keep_its_file(now);
        }
        let mut devices = DEVICES;
        if size != LARGE {
            chance.shuffle(&mut devices);
        }
        for name in devices.iter().take(count) {
            world.enrol_on_disk(name, cast::device(name));
            // Some have synced before it begins, some hold nothing yet.
            if chance.in_thousand(700) {
                world.sync(name);
            }
        }
        let enemy = weather.hostile.then(|| ENEMY.to_owned()).filter(|name| world.phones.contains_key(name));
        let attack = weather.attacks.then(|| Attack::on(&mut world));
        Self {
            world,
            attack,
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
            heard: Heard::default(),
        }
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
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
            self.meeting(&name)?;
            self.photos(&name)?;
            self.wishes(&name)?;
            self.openings(&name)?;
            self.hand_over()?;
            match self.chance.below(100) {
                0..=54 => self.work(&name)?,
                55..=87 => self.ask(&name)?,
                88..=94 => self.desk()?,
                _ => self.strike()?,
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
        super::check(&mut self.world)?;
        if self.weather.photos > 0 {
            super::photos::hold(&mut self.world, self.weather)?;
        }
        self.attack.as_ref().map_or(Ok(()), |attack| attack.hold(&self.world))
    }

    /// The faults end: what is on its way arrives, every disk is whole.
    fn clear_up(&mut self) -> Result<(), String> {
        self.faults = Faults::default();
        let names: Vec<String> = self.world.phones.keys().cloned().collect();
        for name in &names {
            self.world.phones[name].disk().mend();
        }
        self.world.office.disk().mend();
        if self.weather.bad_disks > 0 {
            // A commit of which the disk refused the sync failed, and may stand in the log all the same: the next start takes it in.
            self.world.office.crash(self.world.now);
        }
        self.arrivals(u64::MAX)?;
        assert!(self.network.is_quiet());
        Ok(())
    }

    fn work(&mut self, name: &str) -> Result<(), String> {
        let troubled = self.world.phones[name].disk().is_troubled();
        let (no, mut chance) = (self.step, self.chance.branch("work"));
        let world = &mut self.world;
        let done = attempt(|| work::on_a_phone(world, name, no, &mut chance));
        self.tell(|| format!("{name} works{}", if done.is_ok() { "" } else { ", in vain" }));
        // An enemy's own device may be hurt by what it did.
        self.after_phone(name, troubled, done.err().filter(|_| self.enemy.as_deref() != Some(name)))
    }

    /// A phone meets another one, which carries on what it may hold of it.
    fn meeting(&mut self, name: &str) -> Result<(), String> {
        if !self.chance.branch("meetings").in_thousand(self.weather.meetings) || self.enemy.as_deref() == Some(name) {
            return Ok(());
        }
        let others: Vec<String> =
            self.world.phones.keys().filter(|other| *other != name && self.enemy.as_ref() != Some(other)).cloned().collect();
        if others.is_empty() {
            return Ok(());
        }
        let to = self.chance.branch("met").pick(&others).clone();
        let troubled = self.world.phones[&to].disk().is_troubled();
        let world = &mut self.world;
        let done = attempt(|| {
            let packet = world.handed_over(name, &to)?;
            let (now, carrier) = (world.now, world.phones.get_mut(&to)?);
            let clock = carrier.clock(now);
            Some(carrier.replica_mut().carry_in(&packet, clock).unwrap().changes)
        });
        self.tell(|| format!("{name} meets {to}: {done:?}"));
        self.after_phone(&to, troubled, done.err())
    }

    /// Somebody asks for visits that are older than those on the phone.
    fn wishes(&mut self, name: &str) -> Result<(), String> {
        self.by_name(name, "wishes", self.weather.wishes, |replica, customer, now| replica.want_older_visits(customer, now).unwrap())
    }

    /// Somebody opens a card by name, and what few may know about it.
    fn openings(&mut self, name: &str) -> Result<(), String> {
        self.by_name(name, "openings", self.weather.openings, private::open)
    }

    /// Somebody asks for something of a customer by name: so many of a thousand times, drawn from a branch of this name.
    fn by_name(&mut self, name: &str, branch: &str, often: u64, ask: impl FnOnce(&mut Replica, SubjectId, Ms)) -> Result<(), String> {
        let mut chance = self.chance.branch(branch);
        if !chance.in_thousand(often) {
            return Ok(());
        }
        let customer = cast::customer(*chance.pick(&work::CUSTOMERS));
        let (now, phone) = (self.world.now, self.world.phones.get_mut(name).unwrap());
        let (troubled, clock) = (phone.disk().is_troubled(), phone.clock(now));
        let done = attempt(|| ask(phone.replica_mut(), customer, clock));
        self.tell(|| format!("{name} asks for {branch} of {customer}"));
        self.after_phone(name, troubled, done.err())
    }

    /// Somebody's customers are handed over.
    fn hand_over(&mut self) -> Result<(), String> {
        let mut chance = self.chance.branch("handovers");
        if !chance.in_thousand(self.weather.handovers) {
            return Ok(());
        }
        let world = &mut self.world;
        let done = attempt(|| work::hand_over(world, &mut chance));
        self.tell(|| format!("customers are handed over: {done:?}"));
        self.after_server(done.err())
    }

    fn strike(&mut self) -> Result<(), String> {
        let Some(attack) = &mut self.attack else { return Ok(()) };
        let mishap = attack.strike(&mut self.world, &mut self.chance)?;
        self.tell(|| "a hostile change comes".to_owned());
        self.after_server(mishap)
    }

    fn desk(&mut self) -> Result<(), String> {
        if self.weather.decides && self.chance.branch("decides").in_thousand(DECISIONS) {
            return self.decide();
        }
        let (no, mut chance) = (self.step, self.chance.branch("work"));
        let world = &mut self.world;
        let done = attempt(|| work::at_a_desk(world, no, &mut chance));
        self.tell(|| format!("headquarters works{}", if done.is_ok() { "" } else { ", in vain" }));
        self.after_server(done.err())
    }

    /// Somebody decides about something that was set aside; what an enemy handed in stays where it is.
    fn decide(&mut self) -> Result<(), String> {
        let enemy = self.enemy.as_ref().and_then(|name| self.world.phones.get(name)).map(|phone| phone.device);
        let shunned: BTreeSet<DeviceId> = enemy.into_iter().chain(self.attack.as_ref().map(|attack| attack.device)).collect();
        let mut chance = self.chance.branch("decision");
        let world = &mut self.world;
        let done = attempt(|| work::at_the_desk_of_what_was_set_aside(world, &shunned, &mut chance));
        self.tell(|| format!("headquarters decides: {done:?}"));
        self.after_server(done.err())
    }

    /// A phone asks; what becomes of the frame is the network's affair.
    fn ask(&mut self, name: &str) -> Result<(), String> {
        let Some(phone) = self.world.phones.get_mut(name) else { return Ok(()) };
        if attempt(|| phone.replica().store().read(|read| read.received()).unwrap().is_some()).unwrap_or(true) {
            let troubled = phone.disk().is_troubled();
            let taken = attempt(|| phone.take_in_what_came());
            if !self.taken(name, true, troubled, taken)? {
                return Ok(());
            }
        }
        let phone = &self.world.phones[name];
        let (replica, clock) = (phone.replica(), phone.clock(self.world.now));
        let enemy = self.enemy.as_deref() == Some(name);
        let asked = if enemy { replica.sync_request(clock, Some("world")) } else { replica.sync_frame(clock, Some("world")) };
        let mut frame = self.world.portion_of(asked.map_err(|error| error.to_string())?);
        if enemy {
            frame = hostile::twisted(&frame, &mut self.chance);
        }
        self.heard.asked(&self.world.phones[name], &frame);
        let flight = Flight { way: Way::Up, about: About::Text, phone: name.to_owned(), device: phone.device, frame, whole: true };
        self.network.send(self.step, flight, self.faults, &mut self.chance);
        self.tell(|| format!("{name} asks"));
        Ok(())
    }

    fn arrivals(&mut self, until: u64) -> Result<(), String> {
        while let Some(flight) = self.network.arrival(until) {
            match (flight.about, flight.way) {
                (About::Text, Way::Up) => self.arrives_at_headquarters(flight)?,
                (About::Text, Way::Down) => self.arrives_at_a_phone(&flight)?,
                (About::Photos, Way::Up) => self.photos_arrive_at_headquarters(flight)?,
                (About::Photos, Way::Down) => self.photos_answer_arrives(&flight)?,
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
        self.heard.answered(&self.world.office, flight.device, &flight.frame);
        let Flight { phone, device, frame, whole, .. } = flight;
        // From a branch of its own: looking changes nothing of what is drawn.
        if !is_knock(&answer)
            && self.chance.branch("rights").in_thousand(LOOKS)
            && let Some(to) = self.world.phones.get(&phone).filter(|to| to.device == device && self.world.office.serves(device))
        {
            private::answer_is_within_rights(&self.world, to, &answer)?;
        }
        if whole && self.enemy.as_deref() != Some(&phone) && !is_knock(&frame) {
            let life = self.world.office.life();
            self.world.exchanged.push(Exchanged { phone: phone.clone(), device, life, request: frame, answer: answer.clone() });
        }
        self.network.send(
            self.step,
            Flight { way: Way::Down, about: About::Text, phone, device, frame: answer, whole: true },
            self.faults,
            &mut self.chance,
        );
        Ok(())
    }

    fn arrives_at_a_phone(&mut self, flight: &Flight) -> Result<(), String> {
        let (now, name) = (self.world.now, flight.phone.as_str());
        let Some(phone) = self.world.phones.get_mut(name).filter(|phone| phone.device == flight.device) else { return Ok(()) };
        let troubled = phone.disk().is_troubled();
        let taken = attempt(|| phone.take_answer(&flight.frame, now));
        self.taken(name, flight.whole, troubled, taken).map(|_| ())
    }

    /// What taking an answer in came to; whether the phone is well.
    fn taken(
        &mut self,
        name: &str,
        whole: bool,
        troubled: bool,
        taken: Result<Result<Synced, ReplicaError>, Mishap>,
    ) -> Result<bool, String> {
        let mishap = match taken {
            // An order to wipe, perhaps from a life of headquarters that is over: the phone is no more.
            Ok(Ok(synced)) if synced.wiped => {
                let Some(phone) = self.world.phones.remove(name) else { return Ok(false) };
                super::photos::nothing_is_left(&phone)?;
                if !phone.restored && self.world.office.life() == 0 {
                    super::nothing_lost(&self.world, &phone)?;
                    self.heard.holds(&self.world.office, &phone)?;
                }
                return super::photos::handed_in_before_a_wipe(&self.world, &phone, self.weather).map(|()| false);
            }
            Ok(Ok(_)) => None,
            // A cut answer is refused and changes nothing.
            Ok(Err(_)) if !whole => None,
            // An enemy's own device may be hurt by what it did.
            Ok(Err(_)) if self.enemy.as_deref() == Some(name) => None,
            Ok(Err(error)) => Some(Mishap { ours: true, said: format!("an answer is refused: {error}") }),
            Err(mishap) => Some(mishap),
        };
        self.tell(|| format!("{name} takes an answer: {}", mishap.as_ref().map_or("well", |_| "not")));
        let well = mishap.is_none();
        self.after_phone(name, troubled, mishap)?;
        if well && self.chance.in_thousand(20) && self.enemy.as_deref() != Some(name) {
            super::cursor_is_true(&self.world, &self.world.phones[name])?;
        }
        Ok(well)
    }
}
