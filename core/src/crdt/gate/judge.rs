//! Judges one change against what the document holds: who wrote it, what it builds on, what it refers to, what it writes
//! (steps 5 and 7). Pure; automerge is not asked. Rights are the caller's, trials are in `trial`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::refusal::{ReferenceFault, Refusal, SchemaFault};
use super::registers::Slot;
use super::rules::{ContainerRule, ContainerRules, Limits, Policy, Source};
use super::survey::{Clock, GlobalId, Node, Object, ObjectKind, Place, Survey, covers, globalize, globalize_key};
use crate::crdt::chunk::change::{Action, AuthorFooter, Key, LocalId, Op, ParsedChange, ValueKind};
use crate::ids::UserId;

/// A register or a text that a change writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// Name of the container; empty for the root itself.
    pub container: String,
    /// Key of the register; `None` for a text, and for what lies deeper than the schema goes.
    pub key: Option<String>,
}

/// Everything a change is judged against.
pub(super) struct Bench<'a> {
    pub(super) policy: Policy,
    pub(super) limits: &'a Limits,
    pub(super) rules: &'a ContainerRules,
}

/// A change that holds, ready to be taken into the survey.
pub(super) struct Judged {
    actor: usize,
    table: Vec<usize>,
    clock: Rc<Clock>,
    pub(super) touched: Vec<Touched>,
}

/// Step 5: author, actor, number, line, counters, time. `author` is the person of the actor's earlier changes.
pub(super) fn identity(change: &ParsedChange, source: Source<'_>, author: Option<UserId>) -> Result<(), Refusal> {
    let first = change.seq == 1;
    match (change.author, first) {
        (AuthorFooter::Foreign, _) | (AuthorFooter::Person(_), false) => return Err(Refusal::Author),
        (AuthorFooter::Person(_) | AuthorFooter::Absent, _) => {}
    }
    let Source::Device { user, owns } = source else { return Ok(()) };
    let named = match change.author {
        AuthorFooter::Person(person) => Some(person),
        AuthorFooter::Absent | AuthorFooter::Foreign => author.filter(|_| !first),
    };
    if named != Some(user) {
        return Err(Refusal::Author);
    }
    match change.actors.first() {
        Some(actor) if owns(actor) => Ok(()),
        Some(_) | None => Err(Refusal::Actor),
    }
}

impl Bench<'_> {
    /// Steps 5 (place in the history) and 7 (operations) for a change whose dependencies are all in the survey.
    pub(super) fn judge(&self, survey: &mut Survey, change: &ParsedChange, deps: &[Node]) -> Result<Judged, Refusal> {
        let genesis = self.rules.genesis().contains(&change.hash);
        let table: Vec<usize> = change.actors.iter().map(|actor| survey.actor(actor)).collect();
        let actor = table.first().copied().unwrap_or_default();
        let clock = survey.clock(deps);
        self.history(survey, change, actor, &clock)?;
        if change.ops.is_empty() && self.policy == Policy::Strict {
            return Err(Refusal::Schema { op: 0, fault: SchemaFault::Empty });
        }
        let mut view = View {
            bench: self,
            survey,
            change,
            table: &table,
            actor,
            clock: &clock,
            genesis,
            own: Vec::new(),
            containers: BTreeSet::new(),
            written: BTreeMap::new(),
        };
        let mut touched = Vec::new();
        for (index, op) in change.ops.iter().enumerate() {
            let refuse = |fault: Fault| match fault {
                Fault::Reference(fault) => Refusal::Reference { op: index, fault },
                Fault::Schema(fault) => Refusal::Schema { op: index, fault },
            };
            view.op(index as u64, op, &mut touched).map_err(refuse)?;
        }
        touched.sort_unstable();
        touched.dedup();
        Ok(Judged { actor, table, clock, touched })
    }

    fn history(&self, survey: &Survey, change: &ParsedChange, actor: usize, clock: &Clock) -> Result<(), Refusal> {
        let expected = survey.line(actor) + 1;
        if change.seq != expected {
            return Err(Refusal::Sequence { expected, found: change.seq });
        }
        if clock.get(actor).copied().unwrap_or(0) < survey.line_end(actor) {
            return Err(Refusal::Line);
        }
        let lowest = clock.iter().copied().max().unwrap_or(0) + 1;
        let highest = survey.max_op() + 1 + self.limits.op_lead_max;
        if change.start_op < lowest || change.start_op > highest {
            return Err(Refusal::Counter { lowest, highest, found: change.start_op });
        }
        if change.time < self.limits.time_ms_min || change.time > self.limits.time_ms_max {
            return Err(Refusal::Time);
        }
        Ok(())
    }

    /// Takes an accepted change into the survey: its place in the graph, and what later changes of the call refer to.
    pub(super) fn accept(&self, survey: &mut Survey, change: &ParsedChange, judged: &Judged, deps: Vec<Node>) -> Node {
        for (index, op) in change.ops.iter().enumerate() {
            let id = GlobalId { counter: change.start_op + index as u64, actor: judged.actor };
            let object = op.object.and_then(|object| globalize(object, &judged.table));
            if let Some(kind) = ObjectKind::made_by(op.action) {
                survey.add_object(id, object, &op.key, kind);
            }
            let Some(key) = globalize_key(&op.key, &judged.table) else { continue };
            let slot = if op.insert { Some(Slot::Element(id)) } else { Slot::of(object, &key) };
            if let Some(slot) = slot {
                let mut named: Vec<GlobalId> = op.predecessors.iter().filter_map(|id| globalize(*id, &judged.table)).collect();
                named.sort_unstable();
                survey.registers.succeed(&slot, &named, id);
                if op.action != Action::Delete {
                    survey.registers.write(&slot, id, std::iter::empty());
                }
            }
            if survey.wants(id) && op.action != Action::Delete {
                survey.add_place(id, Place { object, key, insert: op.insert });
            }
        }
        let last_op = (change.start_op + change.ops.len() as u64).saturating_sub(1);
        survey.accept(judged.actor, last_op, deps, &judged.clock)
    }
}

enum Fault {
    Reference(ReferenceFault),
    Schema(SchemaFault),
}

impl From<ReferenceFault> for Fault {
    fn from(fault: ReferenceFault) -> Self {
        Self::Reference(fault)
    }
}

impl From<SchemaFault> for Fault {
    fn from(fault: SchemaFault) -> Self {
        Self::Schema(fault)
    }
}

/// One change while its operations are judged one after the other.
struct View<'a> {
    bench: &'a Bench<'a>,
    survey: &'a Survey,
    change: &'a ParsedChange,
    table: &'a [usize],
    actor: usize,
    clock: &'a Clock,
    genesis: bool,
    /// Objects made by this very change: operation number and object.
    own: Vec<(u64, Object)>,
    /// Containers made by this very change.
    containers: BTreeSet<Box<str>>,
    /// What this very change left in the slots it wrote (its last operation, or nothing), and how often it wrote them.
    written: BTreeMap<Slot, (Option<GlobalId>, usize)>,
}

impl View<'_> {
    fn op(&mut self, index: u64, op: &Op, touched: &mut Vec<Touched>) -> Result<(), Fault> {
        let object = match op.object {
            None => None,
            Some(id) => Some(self.object(index, id)?),
        };
        let kind = object.as_ref().map_or(ObjectKind::Map, |object| object.kind);
        self.key(index, op, kind)?;
        self.predecessors(index, op, kind)?;
        self.general(index, op, object.as_ref())?;
        if self.bench.policy == Policy::Strict && !self.genesis {
            self.strict(op, object.as_ref())?;
            self.overwrites(index, op)?;
        }
        if !self.genesis {
            touched.push(self.touched(op, object.as_ref()));
        }
        Ok(())
    }

    /// Translates an id and checks that the writer can have known it.
    fn seen(&self, index: u64, id: LocalId) -> Result<Known, Fault> {
        let id = globalize(id, self.table).ok_or(ReferenceFault::Object)?;
        if id.actor == self.actor && id.counter >= self.change.start_op {
            let earlier = id.counter - self.change.start_op;
            return if earlier < index { Ok(Known::Own(earlier)) } else { Err(ReferenceFault::Unseen.into()) };
        }
        if covers(self.clock, id) { Ok(Known::Before(id)) } else { Err(ReferenceFault::Unseen.into()) }
    }

    fn object(&self, index: u64, id: LocalId) -> Result<Object, Fault> {
        let found = match self.seen(index, id)? {
            Known::Own(earlier) => {
                let at = self.own.binary_search_by_key(&earlier, |(made, _)| *made).ok();
                at.and_then(|at| self.own.get(at)).map(|(_, object)| object.clone())
            }
            Known::Before(id) => self.survey.object(id).cloned(),
        };
        found.ok_or_else(|| ReferenceFault::Object.into())
    }

    /// The operation at an id: one of this change, or one of the document.
    fn place(&self, index: u64, id: LocalId) -> Result<Option<Found<'_>>, Fault> {
        Ok(match self.seen(index, id)? {
            Known::Own(earlier) => usize::try_from(earlier)
                .ok()
                .and_then(|earlier| self.change.ops.get(earlier))
                .filter(|op| op.action != Action::Delete)
                .map(Found::Own),
            Known::Before(id) => self.survey.place(id).map(Found::Before),
        })
    }

    fn same_object(&self, op: &Op, found: &Found<'_>) -> bool {
        match found {
            Found::Own(other) => other.object == op.object,
            Found::Before(place) => place.object == op.object.and_then(|id| globalize(id, self.table)),
        }
    }

    fn key(&self, index: u64, op: &Op, kind: ObjectKind) -> Result<(), Fault> {
        match (&op.key, kind) {
            (Key::Name(_), ObjectKind::Map) if !op.insert => Ok(()),
            (Key::Head, ObjectKind::List | ObjectKind::Text) if op.insert => Ok(()),
            (Key::Element(id), ObjectKind::List | ObjectKind::Text) => {
                let found = self.place(index, *id)?.ok_or(ReferenceFault::Element)?;
                if found.inserts() && self.same_object(op, &found) { Ok(()) } else { Err(ReferenceFault::Element.into()) }
            }
            _ => Err(ReferenceFault::Key.into()),
        }
    }

    fn predecessors(&self, index: u64, op: &Op, kind: ObjectKind) -> Result<(), Fault> {
        let wanted = matches!(op.action, Action::Delete | Action::Increment);
        if (op.insert && !op.predecessors.is_empty()) || (wanted && op.predecessors.is_empty()) {
            return Err(ReferenceFault::Predecessors.into());
        }
        if op.predecessors.array_windows().any(|[a, b]| a == b) {
            return Err(ReferenceFault::Predecessors.into());
        }
        for id in &op.predecessors {
            let found = self.place(index, *id)?.ok_or(ReferenceFault::Predecessor)?;
            let same = match kind {
                ObjectKind::Map => found.name() == op.name(),
                ObjectKind::List | ObjectKind::Text => self.element(&found, *id) == self.element(&Found::Own(op), *id),
            };
            if !same || !self.same_object(op, &found) {
                return Err(ReferenceFault::Predecessor.into());
            }
        }
        Ok(())
    }

    /// The element that an operation of a sequence is about; `own` is its id, for the insertion that made the element.
    fn element(&self, found: &Found<'_>, own: LocalId) -> Option<GlobalId> {
        if found.inserts() {
            return globalize(own, self.table);
        }
        match found {
            Found::Own(op) => match &op.key {
                Key::Element(id) => globalize(*id, self.table),
                Key::Name(_) | Key::Head => None,
            },
            Found::Before(place) => match &place.key {
                Key::Element(id) => Some(*id),
                Key::Name(_) | Key::Head => None,
            },
        }
    }

    /// Bounds that hold under every policy.
    fn general(&mut self, index: u64, op: &Op, object: Option<&Object>) -> Result<(), Fault> {
        if op.value.kind == ValueKind::Text && op.value.bytes > self.bench.limits.text_bytes_max {
            return Err(SchemaFault::ValueLength.into());
        }
        let made = ObjectKind::made_by(op.action);
        if object.is_none() && !self.genesis {
            // A newer schema adds containers; nobody ever replaces one, or puts another in front of it.
            let name = op.name().unwrap_or_default();
            let taken = self.survey.has_container(name) || !self.containers.insert(name.into());
            if made.is_none() || taken || !op.predecessors.is_empty() {
                return Err(SchemaFault::Root.into());
            }
        }
        let Some(kind) = made else { return Ok(()) };
        let depth = object.map_or(0, |object| object.depth) + 1;
        let container = match (object, &op.key) {
            (Some(object), _) => Rc::clone(&object.container),
            (None, Key::Name(name)) => Rc::from(&**name),
            (None, Key::Head | Key::Element(_)) => return Err(ReferenceFault::Key.into()),
        };
        if depth > self.bench.limits.depth_max || self.survey.objects() + self.own.len() >= self.bench.limits.objects_max {
            return Err(SchemaFault::Objects.into());
        }
        self.own.push((index, Object { kind, container, depth }));
        Ok(())
    }

    /// The schema of the kind, to the letter.
    fn strict(&self, op: &Op, object: Option<&Object>) -> Result<(), Fault> {
        let object = object.ok_or(SchemaFault::Root)?;
        let rule = self.bench.rules.rule(&object.container).filter(|_| object.depth == 1).ok_or(SchemaFault::Container)?;
        match rule {
            ContainerRule::Registers { value_bytes_max } => {
                if object.kind != ObjectKind::Map {
                    return Err(SchemaFault::Shape.into());
                }
                if op.action != Action::Set || op.marks {
                    return Err(SchemaFault::Action.into());
                }
                if op.value.kind != ValueKind::Bytes {
                    return Err(SchemaFault::Value.into());
                }
                if op.value.bytes > value_bytes_max {
                    return Err(SchemaFault::ValueLength.into());
                }
                match op.name() {
                    Some(name) if is_key(name, self.bench.limits.key_bytes_max) => Ok(()),
                    Some(_) | None => Err(SchemaFault::KeyPath.into()),
                }
            }
            ContainerRule::Text { marks } => {
                if object.kind != ObjectKind::Text {
                    return Err(SchemaFault::Shape.into());
                }
                match op.action {
                    Action::Delete if !op.marks && op.value.kind == ValueKind::Null => Ok(()),
                    Action::Set if !op.marks && op.value.kind == ValueKind::Character => Ok(()),
                    Action::Set if !op.marks => Err(SchemaFault::Value.into()),
                    Action::Mark if marks => Ok(()),
                    Action::Delete
                    | Action::Set
                    | Action::Mark
                    | Action::MakeMap
                    | Action::MakeList
                    | Action::MakeText
                    | Action::Increment => Err(SchemaFault::Action.into()),
                }
            }
        }
    }

    /// What is overwritten is what was shown: in the document to the writer, or by an earlier operation of the same change.
    fn overwrites(&mut self, index: u64, op: &Op) -> Result<(), Fault> {
        let id = GlobalId { counter: self.change.start_op + index, actor: self.actor };
        let left = (op.action != Action::Delete).then_some(id);
        if op.insert {
            self.written.insert(Slot::Element(id), (left, 1));
            return Ok(());
        }
        let object = op.object.and_then(|object| globalize(object, self.table));
        let key = globalize_key(&op.key, self.table).ok_or(ReferenceFault::Key)?;
        let slot = Slot::of(object, &key).ok_or(ReferenceFault::Key)?;
        let (shown, writes) = match self.written.get(&slot) {
            Some((own, writes)) => (own.iter().copied().collect(), *writes),
            None => (self.survey.registers.shown(&slot, self.clock), 0),
        };
        let limits = self.bench.limits;
        if writes >= limits.change_slot_writes_max || self.survey.registers.writes(&slot) + writes >= limits.slot_writes_max {
            return Err(SchemaFault::Worn.into());
        }
        let mut named: Vec<GlobalId> = op.predecessors.iter().filter_map(|id| globalize(*id, self.table)).collect();
        named.sort_unstable();
        if named != shown {
            return Err(ReferenceFault::Overwrites.into());
        }
        self.written.insert(slot, (left, writes + 1));
        Ok(())
    }

    fn touched(&self, op: &Op, object: Option<&Object>) -> Touched {
        match object {
            None => Touched { container: String::new(), key: op.name().map(str::to_owned) },
            Some(object) => {
                Touched { container: object.container.to_string(), key: op.name().filter(|_| object.depth == 1).map(str::to_owned) }
            }
        }
    }
}

/// Where an id leads.
enum Known {
    /// To an earlier operation of the same change, by its number.
    Own(u64),
    /// To the document.
    Before(GlobalId),
}

enum Found<'a> {
    Own(&'a Op),
    Before(&'a Place),
}

impl Found<'_> {
    fn inserts(&self) -> bool {
        match self {
            Self::Own(op) => op.insert,
            Self::Before(place) => place.insert,
        }
    }

    fn name(&self) -> Option<&str> {
        let name = match self {
            Self::Own(op) => return op.name(),
            Self::Before(place) => &place.key,
        };
        match name {
            Key::Name(name) => Some(name),
            Key::Head | Key::Element(_) => None,
        }
    }
}

impl Op {
    fn name(&self) -> Option<&str> {
        match &self.key {
            Key::Name(name) => Some(name),
            Key::Head | Key::Element(_) => None,
        }
    }
}

/// Whether a text is a key path: a field, then parts behind slashes; not empty, no control characters, no space at either end,
/// no slash at its beginning, at most `bytes_max` bytes. The last part may be what a person typed (an element of a set), so
/// every visible character is allowed in it.
#[must_use]
pub fn is_key(key: &str, bytes_max: usize) -> bool {
    !key.is_empty() && key.len() <= bytes_max && !key.starts_with('/') && key.trim() == key && !key.chars().any(char::is_control)
}
