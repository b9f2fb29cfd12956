//! The permission table itself: part of a kind × role × relation → create, edit, read. One readable piece of data.
//!
//! How to read a cell: four groups, for what is one's **own**, in one's **territory**, **elsewhere**, and **new** (never
//! filed). `C` create, `E` edit, `R` read, `N` nothing. Whoever has a customer stands to its visits as if they worked in its
//! territory. Part
//! [`SYSTEM_PART`] is written by headquarters only and so is in no row.

use super::{Action, Command, Relation, Role};

/// The part that only headquarters itself writes: the measured clocks. It is in no row, so nobody else may.
pub const SYSTEM_PART: &str = "system.clocks";

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// Whether the action is in the set.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        let bit = match action {
            Action::Create => C.0,
            Action::Edit => E.0,
            Action::Read => R.0,
        };
        self.0 & bit != 0
    }

    fn letters(self) -> String {
        let letters: String =
            [(C, 'C'), (E, 'E'), (R, 'R')].iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, letter)| *letter).collect();
        if letters.is_empty() { "–".to_owned() } else { letters }
    }
}

const N: Rights = Rights(0);
const C: Rights = Rights(1);
const E: Rights = Rights(2);
const R: Rights = Rights(4);
const ER: Rights = Rights(2 | 4);
const CR: Rights = Rights(1 | 4);
const CER: Rights = Rights(1 | 2 | 4);

/// Own, territory, elsewhere, new.
type Cell = [Rights; 4];

struct Row {
    part: &'static str,
    salesperson: Cell,
    dispatcher: Cell,
    supervisor: Cell,
    manager: Cell,
    finance: Cell,
    admin: Cell,
}

const NOTHING: Cell = [N, N, N, N];
const READS_NEAR: Cell = [R, R, N, N];

const TABLE: &[Row] = &[
    // The field side of the card: whoever works the territory writes it, anyone in the field may make a new one.
    Row {
        part: "customer.card",
        salesperson: [ER, ER, N, C],
        dispatcher: [ER, ER, N, C],
        supervisor: [ER, ER, N, C],
        manager: [ER, ER, N, C],
        finance: READS_NEAR,
        admin: NOTHING,
    },
    // The office side: written by headquarters alone, on commands (the second table).
    Row {
        part: "office.office",
        salesperson: READS_NEAR,
        dispatcher: READS_NEAR,
        supervisor: READS_NEAR,
        manager: READS_NEAR,
        finance: READS_NEAR,
        admin: NOTHING,
    },
    // Verified values: the same, by the command to verify.
    Row {
        part: "office.verified",
        salesperson: READS_NEAR,
        dispatcher: READS_NEAR,
        supervisor: READS_NEAR,
        manager: READS_NEAR,
        finance: READS_NEAR,
        admin: NOTHING,
    },
    // A sealed visit: made once. For making it, "own" and "territory" are those of the customer visited.
    Row {
        part: "visit.body",
        salesperson: [CR, CR, N, N],
        dispatcher: READS_NEAR,
        supervisor: [CR, CR, N, N],
        manager: [CR, CR, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // Its author amends it.
    Row {
        part: "visit.amendments",
        salesperson: [CER, R, N, N],
        dispatcher: READS_NEAR,
        supervisor: [CER, R, N, N],
        manager: [CER, R, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // Superiors append notes.
    Row {
        part: "visit.notes",
        salesperson: READS_NEAR,
        dispatcher: READS_NEAR,
        supervisor: [ER, ER, N, N],
        manager: [ER, ER, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // The plan of a tour: dispatch.
    Row {
        part: "tour.plan",
        salesperson: [R, N, N, N],
        dispatcher: [CER, CER, N, C],
        supervisor: [CER, CER, N, C],
        manager: [CER, CER, N, C],
        finance: NOTHING,
        admin: NOTHING,
    },
    // What happens on the way: the representative whose tour it is.
    Row {
        part: "tour.progress",
        salesperson: [CER, N, N, C],
        dispatcher: [CER, R, N, C],
        supervisor: [CER, R, N, C],
        manager: [CER, R, N, C],
        finance: NOTHING,
        admin: NOTHING,
    },
    // A wish to change what is guarded.
    Row {
        part: "proposal.body",
        salesperson: [CR, C, N, N],
        dispatcher: [CR, CR, N, N],
        supervisor: [CR, CR, N, N],
        manager: [CR, CR, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // The answer to it; nobody decides their own.
    Row {
        part: "proposal.decision",
        salesperson: [R, N, N, N],
        dispatcher: READS_NEAR,
        supervisor: [R, ER, N, N],
        manager: [R, ER, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // A verification made away from headquarters. From somebody who may not verify it counts as a proposal.
    Row {
        part: "verification.body",
        salesperson: [CR, C, N, N],
        dispatcher: [CR, CR, N, N],
        supervisor: [CR, CR, N, N],
        manager: [CR, CR, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // An urgent report: anybody in the field makes one, about a customer near them or about none.
    Row {
        part: "urgent.body",
        salesperson: [CR, C, N, C],
        dispatcher: [CR, CR, N, C],
        supervisor: [CR, CR, N, C],
        manager: [CR, CR, N, C],
        finance: NOTHING,
        admin: NOTHING,
    },
    // Its small picture, which follows.
    Row {
        part: "urgent.picture",
        salesperson: [CER, N, N, N],
        dispatcher: [CER, R, N, N],
        supervisor: [CER, R, N, N],
        manager: [CER, R, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // What is done about it: superiors acknowledge, take and close.
    Row {
        part: "urgent.handling",
        salesperson: [R, N, N, N],
        dispatcher: READS_NEAR,
        supervisor: [ER, ER, N, N],
        manager: [ER, ER, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // Traits of stakeholders: the owner of the customer and managers, nobody else.
    Row {
        part: "person.traits",
        salesperson: [CER, N, N, N],
        dispatcher: NOTHING,
        supervisor: NOTHING,
        manager: [CER, CER, N, N],
        finance: NOTHING,
        admin: NOTHING,
    },
    // The credit file: managers and finance write it, supervisors read it; phones of representatives get the badge on the office side.
    Row {
        part: "credit.file",
        salesperson: NOTHING,
        dispatcher: NOTHING,
        supervisor: READS_NEAR,
        manager: [CER, CER, N, N],
        finance: [CER, CER, N, N],
        admin: NOTHING,
    },
    // What somebody saw of a customer's credit: its author keeps it in sight, those of the credit file read it.
    Row {
        part: "observation.body",
        salesperson: [CR, C, N, N],
        dispatcher: NOTHING,
        supervisor: [CR, CR, N, N],
        manager: [CR, CR, N, N],
        finance: [CR, CR, N, N],
        admin: NOTHING,
    },
];

/// The commands of headquarters and the roles that may give them, for what is own, in their territory, or new.
const COMMANDS: &[(Command, &[Role])] = &[
    (Command::File, &[Role::Dispatcher, Role::Manager]),
    (Command::Grade, &[Role::Manager]),
    (Command::Interval, &[Role::Dispatcher, Role::Manager]),
    (Command::Lifecycle, &[Role::Supervisor, Role::Manager]),
    (Command::Verify, &[Role::Supervisor, Role::Manager]),
    (Command::Dispatch, &[Role::Dispatcher, Role::Supervisor, Role::Manager]),
    (Command::Import, &[Role::Supervisor, Role::Manager]),
    (Command::Export, &[Role::Supervisor, Role::Manager, Role::Finance]),
    (Command::Oversee, &[Role::Dispatcher, Role::Supervisor, Role::Manager]),
    (Command::Quarantine, &[Role::Supervisor, Role::Manager]),
    (Command::Erase, &[Role::Manager]),
    (Command::Wipe, &[Role::Manager, Role::Admin]),
    (Command::Administer, &[Role::Admin]),
    (Command::Audit, &[Role::Manager, Role::Admin]),
];

/// The rights of a role in a relation on a part, or `None` when there is no such part.
#[must_use]
pub fn rights(part: &str, role: Role, relation: Relation) -> Option<Rights> {
    let row = TABLE.iter().find(|row| row.part == part)?;
    let [own, territory, elsewhere, new] = *row.cell(role);
    Some(match relation {
        Relation::Own => own,
        Relation::Territory => territory,
        Relation::Elsewhere => elsewhere,
        Relation::New => new,
    })
}

/// Whether a role may give a command at all.
#[must_use]
pub fn command(role: Role, command: Command) -> bool {
    COMMANDS.iter().any(|(named, roles)| *named == command && roles.contains(&role))
}

/// Every part in the table.
pub fn parts() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.part)
}

/// The parts of one kind.
pub fn parts_of(kind: &str) -> impl Iterator<Item = &'static str> {
    parts().filter(move |part| part.split_once('.').is_some_and(|(of, _)| of == kind))
}

/// Every kind in the table, once.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    parts().filter_map(|part| part.split_once('.').map(|(kind, _)| kind)).filter(move |kind| {
        let first = *kind != last;
        last = kind;
        first
    })
}

/// Both tables as a page of the manual (Markdown).
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Who may do what\n\n\
         Each cell: own · territory · elsewhere · new. C create, E edit, R read.\n\
         Whoever has a customer stands to its visits as if they worked in its territory.\n\n\
         | part | salesperson 销售员 | dispatcher 调度 | supervisor 销售主管 | manager 销售经理 | finance 财务 | admin 管理员 |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        page.push_str(&format!("| {} |", row.part));
        for role in Role::ALL {
            let cell: Vec<String> = row.cell(role).iter().map(|rights| rights.letters()).collect();
            page.push_str(&format!(" {} |", cell.join(" · ")));
        }
        page.push('\n');
    }
    page.push_str("\n| command | given by |\n|---|---|\n");
    for (command, roles) in COMMANDS {
        let roles: Vec<&str> = roles.iter().map(|role| role.code()).collect();
        page.push_str(&format!("| {} | {} |\n", command.code(), roles.join(", ")));
    }
    page
}

impl Row {
    const fn cell(&self, role: Role) -> &Cell {
        match role {
            Role::Salesperson => &self.salesperson,
            Role::Dispatcher => &self.dispatcher,
            Role::Supervisor => &self.supervisor,
            Role::Manager => &self.manager,
            Role::Finance => &self.finance,
            Role::Admin => &self.admin,
        }
    }
}
