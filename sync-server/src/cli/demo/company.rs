//! The demo company: invented people of every role, four territories, the bundled list, today's tours.

use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate};
use roadbook_core::ids::{SubjectId, TerritoryId, UserId};
use roadbook_core::model::Role;
use roadbook_core::replica::Stamp;
use roadbook_core::replica::field::{self, TourKey};
use roadbook_core::replica::sequencing::DayQuestion;
use roadbook_core::store::rows::{CustomerFilter, CustomerOrder};

use super::super::{Failure, import, person, show};
use crate::accounts::{NewUser, Territory, User, Who};
use crate::app::App;
use crate::auth::password;
use crate::clock::random;
use crate::export::Language;
use crate::import::sample;

/// The password of everybody in the demo.
pub(super) const PASSWORD: &str = "roadbook-demo";
/// Stops of a demo tour.
const STOPS: usize = 12;
/// When a day begins, seconds since local midnight.
const MORNING_S: i32 = 8 * 3_600;

/// An invented person.
pub(super) struct Person {
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) territories: &'static [&'static str],
}

const EVERYWHERE: &[&str] = &["east", "west", "south", "north"];

/// Everybody. The salespeople are the owners that the sample list names.
pub(super) const PEOPLE: [Person; 9] = [
    Person { login: "wang", name: "王芳", role: Role::Salesperson, territories: &["east"] },
    Person { login: "li", name: "李强", role: Role::Salesperson, territories: &["west", "east"] },
    Person { login: "liu", name: "刘洋", role: Role::Salesperson, territories: &["south"] },
    Person { login: "zhou", name: "周婷", role: Role::Salesperson, territories: &["north"] },
    Person { login: "zhao", name: "赵敏", role: Role::Dispatcher, territories: EVERYWHERE },
    Person { login: "sun", name: "孙丽", role: Role::Supervisor, territories: EVERYWHERE },
    Person { login: "chen", name: "陈刚", role: Role::Manager, territories: &[] },
    Person { login: "kuai", name: "周会计", role: Role::Finance, territories: &[] },
    Person { login: "admin", name: "管理员", role: Role::Admin, territories: &[] },
];

/// What the story needs of the company.
pub(super) struct Company {
    pub(super) today: NaiveDate,
    /// Published tours of 王芳, 李强 and 刘洋.
    pub(super) tours: Vec<(User, TourKey)>,
}

impl Company {
    /// Makes the company: people, territories, the list, the tours.
    pub(super) fn found(app: &App) -> Result<Self, Failure> {
        let now = app.now();
        let accounts = app.accounts();
        for (id, name) in EVERYWHERE.iter().zip(sample::TERRITORIES) {
            let territory = Territory { id: TerritoryId((*id).to_owned()), parent: None, name: name.to_owned() };
            accounts.set_territory(now, &Who::shell(), &territory)?;
        }
        let secret = password::hash(PASSWORD)?;
        for person in &PEOPLE {
            let territories = person.territories.iter().map(|id| TerritoryId((*id).to_owned())).collect::<BTreeSet<_>>();
            let new = NewUser {
                id: UserId::fresh(now, random()?),
                login: person.login.to_owned(),
                name: person.name.to_owned(),
                role: person.role,
                password: Some(secret.clone()),
                territories,
            };
            accounts.add_user(now, &Who::shell(), &new)?;
        }
        show::line(format_args!("── 导入 Import: {} ──", sample::FILE));
        let options = import::options(accounts)?;
        let supervisor = person(accounts, "sun")?;
        let (report, _) = import::imported(app, &supervisor, sample::FILE, sample::LIST, &options)?;
        show::line(report.text(Language::Zh, false));

        let today = now.day(app.config().offset_minutes).ok_or("the clock of this machine is out of range")?;
        show::line(format_args!("── 路单 Tours of {today} ──"));
        let dispatcher = person(accounts, "zhao")?;
        let mut tours = Vec::new();
        for (login, territory) in [("wang", "east"), ("li", "west"), ("liu", "south")] {
            let rep = person(accounts, login)?;
            let key = TourKey { route: territory.to_owned(), day: today, rep: rep.id };
            publish(app, &dispatcher, &rep, &key)?;
            tours.push((rep, key));
        }
        Ok(Self { today, tours })
    }
}

/// Sequences the first customers of a representative and publishes them as today's tour.
fn publish(app: &App, dispatcher: &User, rep: &User, key: &TourKey) -> Result<(), Failure> {
    let filter = CustomerFilter { owner: Some(rep.id), territories: vec![TerritoryId(key.route.clone())], ..CustomerFilter::default() };
    let mut inner = app.headquarters().hold();
    let replica = inner.replica();
    let lines = replica.store().read(|read| read.customers(&filter, CustomerOrder::Grade, None, STOPS))?.lines;
    let open: Vec<SubjectId> = lines.iter().map(|line| line.subject).collect();
    let from = lines.iter().find_map(|line| Some((i64::from(line.lat_e7?), i64::from(line.lon_e7?))));
    let plan = replica.sequence(&DayQuestion {
        open: &open,
        known: &[],
        from,
        leave_s: MORNING_S,
        weekday: Some(key.day.weekday().number_from_monday()),
        moved_s: 0,
    })?;
    show::line(format_args!(
        "  {}: {} stops, {} min on the road, done at {:02}:{:02}",
        rep.name,
        plan.stops.len(),
        plan.travel_s / 60,
        plan.finish_s / 3_600,
        plan.finish_s / 60 % 60
    ));
    let stamp = Stamp { author: dispatcher.id, now: app.now(), entropy: random()? };
    let work = vec![field::publish(&stamp, key, None, &plan.stops, None, &[])];
    let followed = inner.commit(dispatcher.id, app.now(), &work)?;
    drop(inner);
    app.tell(followed.changed);
    Ok(())
}
