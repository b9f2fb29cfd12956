//! What a document holds, as far as new changes can refer to it: actors and their lines of changes, objects, and the places of
//! the operations that the incoming changes name. Made once a call out of the document's own bytes; automerge is not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::registers::{Registers, Slot};
use crate::crdt::chunk::change::{Action, Key, LocalId, ParsedChange};
use crate::crdt::chunk::document::ParsedDocument;
use crate::ids::ActorId;

/// Id of an operation, comparable across changes: counter, and the actor's number in [`Survey::actors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GlobalId {
    pub(super) counter: u64,
    pub(super) actor: usize,
}

/// What kind of object an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Map,
    List,
    Text,
}

impl ObjectKind {
    /// The kind of object that an action makes.
    pub(super) const fn made_by(action: Action) -> Option<Self> {
        match action {
            Action::MakeMap => Some(Self::Map),
            Action::MakeList => Some(Self::List),
            Action::MakeText => Some(Self::Text),
            Action::Set | Action::Delete | Action::Increment | Action::Mark => None,
        }
    }
}

/// An object of the document.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: ObjectKind,
    /// The key under the root that it hangs from.
    pub(super) container: Rc<str>,
    /// 1 for a container.
    pub(super) depth: usize,
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) object: Option<GlobalId>,
    pub(super) key: Key<GlobalId>,
    pub(super) insert: bool,
}

/// For each actor the last counter that is known at some heads; 0 for none. Shorter than the actors: the rest are 0.
pub(super) type Clock = Vec<u64>;

/// A change in the graph, by its number there.
pub(super) type Node = usize;

#[derive(Debug)]
struct GraphNode {
    actor: usize,
    last_op: u64,
    deps: Vec<Node>,
    /// Known for the changes of this call only; others are walked to.
    clock: Option<Rc<Clock>>,
}

/// See the file's first lines.
#[derive(Debug)]
pub(super) struct Survey {
    actors: BTreeMap<ActorId, usize>,
    nodes: Vec<GraphNode>,
    /// Nodes of each actor, in the order of their numbers.
    lines: Vec<Vec<Node>>,
    base_nodes: usize,
    objects: BTreeMap<GlobalId, Object>,
    containers: BTreeSet<Rc<str>>,
    /// What the registers and elements that the incoming changes write have held.
    pub(super) registers: Registers,
    wanted: BTreeSet<GlobalId>,
    places: BTreeMap<GlobalId, Place>,
    max_op: u64,
    /// The last walk: most changes of one push build on the same state.
    walked: Option<(Vec<Node>, Rc<Clock>)>,
}

impl Survey {
    /// Surveys a document for changes that are about to be judged.
    pub(super) fn new(document: &ParsedDocument, incoming: &[ParsedChange]) -> Self {
        let mut survey = Self {
            actors: BTreeMap::new(),
            nodes: Vec::with_capacity(document.changes.len() + incoming.len()),
            lines: Vec::new(),
            base_nodes: document.changes.len(),
            objects: BTreeMap::new(),
            containers: BTreeSet::new(),
            registers: Registers::default(),
            wanted: BTreeSet::new(),
            places: BTreeMap::new(),
            max_op: 0,
            walked: None,
        };
        let table: Vec<usize> = document.actors.iter().map(|actor| survey.actor(actor)).collect();
        for change in &document.changes {
            let actor = table.get(change.actor).copied().unwrap_or_default();
            survey.push(actor, change.last_op, change.deps.clone(), None);
        }
        survey.want(incoming);
        survey.walk_ops(document, &table);
        survey
    }

    /// The number of an actor, given on first sight.
    pub(super) fn actor(&mut self, actor: &ActorId) -> usize {
        if let Some(number) = self.actors.get(actor) {
            return *number;
        }
        let number = self.actors.len();
        self.actors.insert(actor.clone(), number);
        self.lines.push(Vec::new());
        number
    }

    fn push(&mut self, actor: usize, last_op: u64, deps: Vec<Node>, clock: Option<Rc<Clock>>) -> Node {
        let node = self.nodes.len();
        self.nodes.push(GraphNode { actor, last_op, deps, clock });
        if let Some(line) = self.lines.get_mut(actor) {
            line.push(node);
        }
        self.max_op = self.max_op.max(last_op);
        node
    }

    fn want(&mut self, incoming: &[ParsedChange]) {
        for change in incoming {
            let table: Vec<usize> = change.actors.iter().map(|actor| self.actor(actor)).collect();
            for op in &change.ops {
                let key = match &op.key {
                    Key::Element(id) => Some(id),
                    Key::Name(_) | Key::Head => None,
                };
                let named = op.predecessors.iter().chain(key).filter_map(|id| globalize(*id, &table));
                self.wanted.extend(named);
                let object = op.object.and_then(|object| globalize(object, &table));
                if !op.insert
                    && let Some(slot) = globalize_key(&op.key, &table).and_then(|key| Slot::of(object, &key))
                {
                    self.registers.want(slot);
                }
            }
        }
    }

    fn walk_ops(&mut self, document: &ParsedDocument, table: &[usize]) {
        for op in &document.ops {
            let Some(id) = globalize(op.id, table) else { continue };
            let object = op.object.and_then(|object| globalize(object, table));
            if let Some(kind) = ObjectKind::made_by(op.action) {
                self.add_object(id, object, &op.key, kind);
            }
            let Some(key) = globalize_key(&op.key, table) else { continue };
            let slot = if op.insert { Some(Slot::Element(id)) } else { Slot::of(object, &key) };
            if let Some(slot) = slot {
                let successors = op.successors.iter().filter_map(|successor| globalize(*successor, table));
                self.registers.write(&slot, id, successors);
            }
            if self.wanted.contains(&id) {
                self.places.insert(id, Place { object, key, insert: op.insert });
            }
        }
    }

    /// Adds an object below its parent; objects of unknown parents are not added. Gives the new object's depth.
    pub(super) fn add_object<Id>(&mut self, id: GlobalId, parent: Option<GlobalId>, key: &Key<Id>, kind: ObjectKind) -> Option<usize> {
        let (container, depth) = match parent {
            None => match key {
                Key::Name(name) => (Rc::from(&**name), 1),
                Key::Head | Key::Element(_) => return None,
            },
            Some(parent) => {
                let parent = self.objects.get(&parent)?;
                (Rc::clone(&parent.container), parent.depth.saturating_add(1))
            }
        };
        if depth == 1 {
            self.containers.insert(Rc::clone(&container));
        }
        self.objects.insert(id, Object { kind, container, depth });
        Some(depth)
    }

    pub(super) fn object(&self, id: GlobalId) -> Option<&Object> {
        self.objects.get(&id)
    }

    /// Whether an object hangs from the root under this key.
    pub(super) fn has_container(&self, name: &str) -> bool {
        self.containers.contains(name)
    }

    pub(super) fn objects(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn place(&self, id: GlobalId) -> Option<&Place> {
        self.places.get(&id)
    }

    pub(super) fn wants(&self, id: GlobalId) -> bool {
        self.wanted.contains(&id)
    }

    pub(super) fn add_place(&mut self, id: GlobalId, place: Place) {
        self.places.insert(id, place);
    }

    /// Highest operation counter of the document and of what was accepted in this call.
    pub(super) const fn max_op(&self) -> u64 {
        self.max_op
    }

    /// How many changes of an actor there are.
    pub(super) fn line(&self, actor: usize) -> u64 {
        self.lines.get(actor).map_or(0, |line| line.len() as u64)
    }

    /// Last counter of an actor's line; 0 for none.
    pub(super) fn line_end(&self, actor: usize) -> u64 {
        let last = self.lines.get(actor).and_then(|line| line.last());
        last.and_then(|node| self.nodes.get(*node)).map_or(0, |node| node.last_op)
    }

    /// The change of an actor with a number, from 1.
    pub(super) fn node(&self, actor: usize, seq: u64) -> Option<Node> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.lines.get(actor)?.get(index).copied()
    }

    /// Number of an actor that is known already.
    pub(super) fn known_actor(&self, actor: &ActorId) -> Option<usize> {
        self.actors.get(actor).copied()
    }

    /// What is known where a change builds on `deps`.
    pub(super) fn clock(&mut self, deps: &[Node]) -> Rc<Clock> {
        let (base, fresh): (Vec<Node>, Vec<Node>) = deps.iter().partition(|dep| **dep < self.base_nodes);
        let walked = self.walk(base);
        let [one] = fresh.as_slice() else {
            return fresh.iter().fold(walked, |clock, dep| self.joined(&clock, *dep));
        };
        if deps.len() == 1 {
            return self.nodes.get(*one).and_then(|node| node.clock.clone()).unwrap_or(walked);
        }
        self.joined(&walked, *one)
    }

    fn joined(&self, clock: &Rc<Clock>, dep: Node) -> Rc<Clock> {
        match self.nodes.get(dep).and_then(|node| node.clock.as_ref()) {
            Some(other) => Rc::new(join(clock, other)),
            None => Rc::clone(clock),
        }
    }

    fn walk(&mut self, mut base: Vec<Node>) -> Rc<Clock> {
        base.sort_unstable();
        if let Some((last, clock)) = &self.walked
            && *last == base
        {
            return Rc::clone(clock);
        }
        let mut clock = vec![0u64; self.lines.len()];
        let mut seen = vec![false; self.base_nodes];
        let mut stack = base.clone();
        while let Some(at) = stack.pop() {
            let (Some(node), Some(seen)) = (self.nodes.get(at), seen.get_mut(at)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            if let Some(last) = clock.get_mut(node.actor) {
                *last = (*last).max(node.last_op);
            }
            stack.extend(&node.deps);
        }
        let clock = Rc::new(clock);
        self.walked = Some((base, Rc::clone(&clock)));
        clock
    }

    /// Takes an accepted change into the graph, so that later ones of the same call can build on it.
    pub(super) fn accept(&mut self, actor: usize, last_op: u64, deps: Vec<Node>, before: &Clock) -> Node {
        let mut clock = before.clone();
        if clock.len() <= actor {
            clock.resize(actor + 1, 0);
        }
        if let Some(last) = clock.get_mut(actor) {
            *last = (*last).max(last_op);
        }
        self.push(actor, last_op, deps, Some(Rc::new(clock)))
    }
}

fn join(a: &Clock, b: &Clock) -> Clock {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut joined = long.clone();
    for (mine, other) in joined.iter_mut().zip(short) {
        *mine = (*mine).max(*other);
    }
    joined
}

/// Whether an operation was known where `clock` was taken.
pub(super) fn covers(clock: &Clock, id: GlobalId) -> bool {
    clock.get(id.actor).is_some_and(|last| id.counter <= *last)
}

/// Translates an id through a table of actor numbers.
pub(super) fn globalize(id: LocalId, table: &[usize]) -> Option<GlobalId> {
    table.get(id.actor).map(|actor| GlobalId { counter: id.counter, actor: *actor })
}

/// Translates a key.
pub(super) fn globalize_key(key: &Key<LocalId>, table: &[usize]) -> Option<Key<GlobalId>> {
    match key {
        Key::Name(name) => Some(Key::Name(name.clone())),
        Key::Head => Some(Key::Head),
        Key::Element(id) => globalize(*id, table).map(Key::Element),
    }
}
