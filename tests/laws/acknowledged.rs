//! A verdict is a promise: what it says is in the feed is there, whatever the disk of headquarters refuses meanwhile; and what headquarters
//! owes for it is done.

use roadbook_core::exchange::{Answer, Outcome};

use crate::world::World;
use crate::world::cast::{self, customer};
use crate::world::chance::Chance;
use crate::world::disk::{Disk, Trouble};
use crate::world::mishap::attempt;

#[test]
fn what_is_acknowledged_is_in_the_feed_whatever_the_disk_refuses() {
    let mut world = World::on_disk(3, Disk::new());
    world.open_some_shops(&[1]);
    world.enrol("wf1", false);
    world.sync("wf1");
    let mut chance = world.chance.branch("refusals");
    let (mut refusals, mut promises) = (0, 0);
    for within in 1..40 {
        world.pass_ms(60_000).on("wf1").set(customer(1), "trade_name", format!("第{within}店"));
        let request = world.phones["wf1"].replica().sync_request(world.now, None).unwrap();
        world.office.disk().plant(Trouble::Refused, within, &mut chance);
        let (office, now) = (&mut world.office, world.now);
        let answered = attempt(|| office.answer(cast::device("wf1"), &request, now));
        world.office.disk().mend();
        let Ok(Ok(frame)) = answered else {
            refusals += 1;
            continue;
        };
        let known = world.office.known(&world.phones["wf1"].saved);
        for verdict in Answer::decode(&frame).unwrap().verdicts {
            assert_eq!(matches!(verdict.outcome, Outcome::Accepted | Outcome::AlreadyKnown), known.contains(&verdict.hash), "{verdict:?}");
            promises += 1;
        }
        world.phones.get_mut("wf1").unwrap().take_answer(&frame, now).unwrap();
    }
    assert!(refusals > 5 && promises > 5, "{refusals} refusals and {promises} promises prove nothing");
    world.settle();
    super::hold(&mut world);
}

#[test]
fn what_the_disk_refused_to_be_carried_out_is_carried_out_in_the_next_round() {
    let mut late = 0;
    for within in 1..40 {
        let mut world = World::on_disk(3, Disk::new());
        world.enrol("wf1", false);
        world.sync("wf1");
        let new = cast::made("new customer");
        world.on("wf1").set(new, "trade_name", "新城小店");
        let request = world.phones["wf1"].replica().sync_request(world.now, None).unwrap();
        let mut chance = Chance::new(within);
        world.office.disk().plant(Trouble::Refused, 40, &mut chance);
        let (office, now) = (&mut world.office, world.now);
        let _answered_or_not = attempt(|| office.answer(cast::device("wf1"), &request, now));
        world.office.disk().mend();
        let holds = |world: &World, doc| world.office.read(|replica| replica.document(doc)).unwrap().is_some();
        let came = world.office.feed.document(new.customer()).unwrap().is_some();
        late += usize::from(came && !holds(&world, new.office()));
        world.office.rest(now);
        // The office side of a new card is owed to it.
        assert_eq!((holds(&world, new.customer()), holds(&world, new.office())), (came, came), "refused {within}");
    }
    assert!(late > 0, "nothing was late: this proves nothing");
}
