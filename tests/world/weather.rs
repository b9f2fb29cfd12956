//! What goes wrong in a random world, and how often: drawn once for each seed, each kind of fault only in half of them, so that
//! every mixture of a few is seen. The ranges are those of the reliability plan.

use super::chance::Chance;
use super::network::Faults;

/// How often what happens, in a thousand steps, unless it says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) network: Faults,
    /// The power of a phone or of the server goes at one of its next writes.
    pub(crate) power_cuts: u64,
    /// How many of a thousand of those leave torn sectors; the others kill the process alone.
    pub(crate) torn: u64,
    /// A disk is full for a while, or refuses one call.
    pub(crate) bad_disks: u64,
    /// A phone's clock jumps by up to ten years, or stands still.
    pub(crate) clocks: u64,
    /// An old backup is put back on a phone.
    pub(crate) phones_restored: u64,
    /// A phone is lost or emptied, and the person enrols it again.
    pub(crate) reinstalled: u64,
    /// The server's files come back from a backup.
    pub(crate) servers_restored: u64,
    /// Somebody's territories or role change, or somebody is shut out.
    pub(crate) people: u64,
    /// One of the devices is in an enemy's hand.
    pub(crate) hostile: bool,
    /// Somebody hands in changes that no program of ours wrote.
    pub(crate) attacks: bool,
    /// Headquarters decides about what was set aside.
    pub(crate) decides: bool,
    /// Two phones meet, and one hands what it has to the other.
    pub(crate) meetings: u64,
    /// Photos are taken, handed in, and looked at elsewhere.
    pub(crate) photos: u64,
    /// Where headquarters keeps photos, a piece of one is gone.
    pub(crate) depot: u64,
    /// The file of a phone is copied onto another phone, which is enrolled anew.
    pub(crate) clones: u64,
    /// Whoever is shut out may come in again.
    pub(crate) returns: u64,
    /// Whoever oversees a few customers is told rows in place of documents.
    pub(crate) rows: bool,
    /// Answers come in small portions, and little is handed in at a time: a first sync or an outbox takes many turns.
    pub(crate) portions: bool,
    /// Somebody asks for older visits.
    pub(crate) wishes: u64,
    /// Days, weeks or months pass.
    pub(crate) weeks: u64,
    /// Headquarters' replica outlives its process.
    pub(crate) kept: bool,
    /// Somebody's customers are handed over to somebody else, or to nobody.
    pub(crate) handovers: u64,
    /// A phone is stolen, and headquarters orders it to wipe itself.
    pub(crate) stolen: u64,
    /// Somebody opens a card by name, and what few may know about it.
    pub(crate) openings: u64,
}

impl Weather {
    /// The weather of a seed, without the kinds that are named.
    pub(crate) fn drawn(chance: &mut Chance, without: &str) -> Self {
        let network = Faults::drawn(chance);
        let torn = chance.between(800, 1_000) as u64;
        let mut up_to = |most: i64| if chance.in_thousand(500) { chance.between(1.min(most), most) as u64 } else { 0 };
        let drawn = Self {
            network,
            torn,
            power_cuts: up_to(20),
            bad_disks: up_to(50),
            clocks: up_to(50),
            phones_restored: up_to(10),
            reinstalled: up_to(5),
            servers_restored: up_to(5),
            people: up_to(30),
            clones: up_to(5),
            hostile: chance.in_thousand(100),
            attacks: chance.in_thousand(50),
            // From branches of their own: a world without any of these draws as it did before there were any.
            decides: chance.branch("decides").in_thousand(500),
            meetings: if chance.branch("meetings").in_thousand(500) { 30 } else { 0 },
            photos: if chance.branch("photos").in_thousand(500) { 350 } else { 0 },
            depot: if chance.branch("depot").in_thousand(300) { 30 } else { 0 },
            returns: if chance.branch("returns").in_thousand(500) { 20 } else { 0 },
            rows: chance.branch("rows").in_thousand(300),
            portions: chance.branch("portions").in_thousand(300),
            wishes: if chance.branch("wishes").in_thousand(300) { 20 } else { 0 },
            weeks: if chance.branch("weeks").in_thousand(300) { 20 } else { 0 },
            kept: chance.branch("kept").in_thousand(300),
            handovers: if chance.branch("handovers").in_thousand(300) { 10 } else { 0 },
            stolen: if chance.branch("stolen").in_thousand(300) { 5 } else { 0 },
            openings: if chance.branch("openings").in_thousand(300) { 30 } else { 0 },
        };
        drawn.without(without).without(&std::env::var("ROADBOOK_WITHOUT").unwrap_or_default())
    }

    /// The same weather in a world of fewer steps: so many times oftener, and late sooner.
    pub(crate) fn oftener(mut self, times: u64) -> Self {
        for often in [
            &mut self.power_cuts,
            &mut self.bad_disks,
            &mut self.clocks,
            &mut self.phones_restored,
            &mut self.reinstalled,
            &mut self.servers_restored,
            &mut self.people,
            &mut self.clones,
            &mut self.meetings,
            &mut self.depot,
            &mut self.returns,
            &mut self.weeks,
            &mut self.wishes,
            &mut self.handovers,
            &mut self.stolen,
            &mut self.openings,
        ] {
            *often *= times;
        }
        self.network.longest = (self.network.longest / times as i64).max(2);
        self
    }

    /// Without the kinds of fault that are named: to find out which one a failing seed needs.
    fn without(mut self, named: &str) -> Self {
        for (name, often) in [
            ("power", &mut self.power_cuts),
            ("disks", &mut self.bad_disks),
            ("clocks", &mut self.clocks),
            ("phones", &mut self.phones_restored),
            ("reinstalls", &mut self.reinstalled),
            ("servers", &mut self.servers_restored),
            ("people", &mut self.people),
            ("clones", &mut self.clones),
            ("meetings", &mut self.meetings),
            ("photos", &mut self.photos),
            ("depot", &mut self.depot),
            ("returns", &mut self.returns),
            ("weeks", &mut self.weeks),
            ("wishes", &mut self.wishes),
            ("handovers", &mut self.handovers),
            ("stolen", &mut self.stolen),
            ("openings", &mut self.openings),
        ] {
            if named.contains(name) {
                *often = 0;
            }
        }
        self.decides &= !named.contains("decisions");
        self.rows &= !named.contains("rows");
        self.portions &= !named.contains("portions");
        self.kept &= !named.contains("kept");
        self
    }
}
