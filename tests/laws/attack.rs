//! Hostile changes in random worlds: the corpus of `hostile`, handed in by an enrolled device while honest people write beside it. The law:
//! none of them is accepted, and none is in a document anywhere.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use roadbook_core::exchange::{Answer, Outcome, Pushed};
use roadbook_core::ids::{ChangeHash, DeviceId, SubjectId, TerritoryId};
use roadbook_core::model::Role;
use roadbook_core::replica::Replica;
use roadbook_server::accounts::{NewUser, Who};
use roadbook_server::feed::Filing;

use crate::hostile::world::{CAT, World as Attacked, strange};
use crate::world::World;
use crate::world::cast::{self, EAST};
use crate::world::chance::Chance;
use crate::world::mishap::Mishap;

/// Cases of at most so many changes and bytes take part: the floods have tests of their own.
const CASE_CHANGES_MAX: usize = 8;
const CASE_BYTES_MAX: usize = 4 << 10;

/// Cases of the corpus, each with its name.
type Corpus = Vec<(String, Vec<Vec<u8>>)>;

fn corpus() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let all = crate::hostile::hostile_cases(&Attacked::card()).into_iter().map(|case| (case.name, case.changes));
        all.filter(|(_, changes)| changes.len() <= CASE_CHANGES_MAX && changes.iter().map(Vec::len).sum::<usize>() <= CASE_BYTES_MAX)
            .collect()
    })
}

fn subject() -> SubjectId {
    SubjectId::derived("attacked")
}

/// The enemy's device, and what it handed in.
pub(super) struct Attack {
    pub(super) device: DeviceId,
    handed_in: BTreeMap<ChangeHash, String>,
}

impl Attack {
    /// Puts the document under attack into a world, and enrols the device.
    pub(super) fn on(world: &mut World) -> Self {
        let attacked = Attacked::card();
        let filing = Filing { territory: Some(TerritoryId(EAST.to_owned())), owner: Some(cast::user("wf")) };
        world.office.plant(world.now, subject(), filing.clone(), &attacked.document);
        world.office.plant(world.now, SubjectId::derived("attacked beside"), filing, &strange());
        let device = cast::device("cat1");
        let new = NewUser {
            id: CAT,
            login: "cat".to_owned(),
            name: "cat".to_owned(),
            role: Role::Salesperson,
            password: None,
            territories: [TerritoryId(EAST.to_owned())].into(),
        };
        world.office.accounts.add_user(world.now, &Who::default(), &new).unwrap();
        let _profile = world.office.enrol(CAT, device, "cat1", world.now);
        Self { device, handed_in: BTreeMap::new() }
    }

    /// Hands one case in. `Err`: what broke.
    pub(super) fn strike(&mut self, world: &mut World, chance: &mut Chance) -> Result<Option<Mishap>, String> {
        let (name, changes) = chance.pick(corpus());
        let changes = changes.iter().cloned().map(Into::into).collect();
        let pushed = vec![Pushed { doc: subject().customer(), kind: "customer".to_owned(), subject: subject(), changes }];
        let mut replica = Replica::in_memory(chance.bytes()).unwrap();
        let profile = world.office.profile(CAT);
        replica.enrolled(self.device, &profile).unwrap();
        let mut request = replica.request(world.now, None).unwrap();
        request.pushed = pushed;
        let (now, frame, office) = (world.now, request.encode().unwrap(), &mut world.office);
        let answered = match crate::world::mishap::attempt(|| office.answer(self.device, &frame, now)) {
            Err(mishap) => return Ok(Some(mishap)),
            Ok(Err(why)) => return Ok(Some(Mishap { ours: true, said: why.to_string() })),
            Ok(Ok(answer)) => answer,
        };
        for verdict in Answer::decode(&answered).unwrap().verdicts {
            match verdict.outcome {
                Outcome::Accepted => return Err(format!("a hostile change was accepted: {name}")),
                // What stands there already: the corpus sends some of it again.
                Outcome::AlreadyKnown => {}
                Outcome::Quarantined { .. } | Outcome::MissingDependencies { .. } | Outcome::Forked => {
                    self.handed_in.insert(verdict.hash, name.clone());
                }
            }
        }
        Ok(None)
    }

    /// Nothing of it is in a document anywhere.
    pub(super) fn hold(&self, world: &World) -> Result<(), String> {
        let doc = subject().customer();
        let look = |whose: &str, replica: &Replica| {
            let held = replica.document(doc).unwrap();
            let held = held.and_then(|held| self.handed_in.iter().find(|(hash, _)| held.document.holds(hash)));
            held.map_or(Ok(()), |(_, name)| Err(format!("{whose} holds a hostile change: {name}")))
        };
        world.office.read(|replica| look("headquarters", replica))?;
        world.phones.values().try_for_each(|phone| look(&phone.name, phone.replica()))?;
        let all = self.handed_in.keys().map(|hash| (*hash, doc)).collect();
        let known = world.office.known(&all);
        known.first().map_or(Ok(()), |hash| Err(format!("the feed holds a hostile change: {}", self.handed_in[hash])))
    }
}
