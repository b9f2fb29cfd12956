//! One call of the gate: takes the changes apart, judges them in the order of their dependencies, tries those that hold
//! together, and halves them when something fails. The checks themselves are in `judge` and `trial`.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, Change, ChangeHash as AmHash};

use super::judge::{Bench, Touched, identity};
use super::refusal::{Accepted, Outcome, Refusal};
use super::rules::{AccessRule, Candidate, ContainerRules, Incoming, Source};
use super::survey::{Node, Survey};
use super::{Admission, Gate, trial};
use crate::crdt::chunk::change::{AuthorFooter, ParsedChange};
use crate::crdt::chunk::document::ParsedDocument;
use crate::crdt::chunk::{self, ChunkError, ChunkLimits};
use crate::crdt::document::{ChangeMeta, Document, RawChange};
use crate::ids::{ActorId, ChangeHash, Ms, UserId};

/// See [`Gate::admit`].
pub(super) fn admit(
    gate: &Gate,
    document: &Document,
    rules: &ContainerRules,
    incoming: &[Incoming<'_>],
    access: &AccessRule<'_>,
) -> Admission {
    let intake = Intake::new(gate, document, incoming);
    if intake.changes.is_empty() {
        return Admission { document: None, outcomes: intake.outcomes.into_iter().flatten().collect() };
    }
    let bytes = document.save();
    let parsed = match chunk::own_document(&bytes).and_then(|contents| chunk::document::parse(contents, &ChunkLimits::OWN)) {
        Ok(parsed) => parsed,
        Err(error) => return intake.refuse_all(&Refusal::Document(error)),
    };
    let mut session = Session::new(gate, document, rules, access, &parsed, intake);
    session.judge_all();
    let next = session.try_all();
    Admission { document: next.map(Document::from_automerge), outcomes: session.outcomes() }
}

/// What arrived, taken apart: steps 1 to 3 and what is known already.
#[derive(Default)]
struct Intake<'a> {
    /// Decided outcomes by position.
    outcomes: Vec<Option<Outcome>>,
    /// Positions of the changes that go on.
    positions: Vec<usize>,
    changes: Vec<ParsedChange>,
    raws: Vec<Vec<u8>>,
    sources: Vec<Source<'a>>,
    seen: BTreeSet<ChangeHash>,
    bytes: usize,
    rows: usize,
}

impl<'a> Intake<'a> {
    fn new(gate: &Gate, document: &Document, incoming: &[Incoming<'a>]) -> Self {
        let mut intake = Self::default();
        for (position, change) in incoming.iter().enumerate() {
            let outcome = intake.take(gate, document, position, change);
            intake.outcomes.push(outcome);
        }
        intake
    }

    /// Takes one change apart, or decides it. Once the call's share is used up, nothing more is opened.
    fn take(&mut self, gate: &Gate, document: &Document, position: usize, change: &Incoming<'a>) -> Option<Outcome> {
        let limits = &gate.limits;
        if self.positions.len() >= limits.changes_max || self.bytes >= limits.call_bytes_max || self.rows >= limits.call_rows_max {
            return Some(Outcome::Postponed { hash: None });
        }
        let refused = |hash, error: ChunkError| Some(Outcome::Refused { hash, refusal: Refusal::Chunk(error) });
        let frame = match chunk::open_change(change.bytes, &limits.chunk) {
            Ok(frame) => frame,
            Err(error) => return refused(None, error),
        };
        self.bytes += frame.raw.len();
        let hash = frame.hash;
        if document.holds(&hash) || !self.seen.insert(hash) {
            return Some(Outcome::AlreadyKnown { hash });
        }
        let parsed = match chunk::change::parse(&frame, &limits.chunk) {
            Ok(parsed) => parsed,
            Err(error) => return refused(Some(hash), error),
        };
        self.rows += parsed.ops.len();
        self.positions.push(position);
        self.changes.push(parsed);
        self.raws.push(frame.raw.into_owned());
        self.sources.push(change.source);
        None
    }

    fn refuse_all(self, refusal: &Refusal) -> Admission {
        let mut outcomes = self.outcomes;
        for (position, change) in self.positions.into_iter().zip(self.changes) {
            if let Some(outcome) = outcomes.get_mut(position) {
                *outcome = Some(Outcome::Refused { hash: Some(change.hash), refusal: refusal.clone() });
            }
        }
        Admission { document: None, outcomes: outcomes.into_iter().flatten().collect() }
    }
}

/// A dependency of an incoming change.
#[derive(Clone, Copy)]
enum Dep {
    /// Held by the document.
    Held(Node),
    /// Another change of this call.
    Sibling(usize),
}

/// What became of a change so far.
enum State {
    Waiting,
    /// Judged: in the survey, waiting for its trial.
    Holds {
        node: Node,
        change: Box<Change>,
        touched: Vec<Touched>,
        author: Option<UserId>,
    },
    Decided(Outcome),
}

struct Session<'a> {
    gate: &'a Gate,
    document: &'a Document,
    rules: &'a ContainerRules,
    access: &'a AccessRule<'a>,
    intake: Intake<'a>,
    survey: Survey,
    /// For each change what it builds on; `Err` lists what nobody has.
    deps: Vec<Result<Vec<Dep>, Vec<ChangeHash>>>,
    states: Vec<State>,
    /// Changes that hold, in an order in which each follows what it builds on.
    order: Vec<usize>,
    /// The person of each actor that began a line in this call.
    authors: BTreeMap<ActorId, Option<UserId>>,
    trials_left: usize,
}

impl<'a> Session<'a> {
    fn new(
        gate: &'a Gate,
        document: &'a Document,
        rules: &'a ContainerRules,
        access: &'a AccessRule<'a>,
        parsed: &ParsedDocument,
        intake: Intake<'a>,
    ) -> Self {
        let survey = Survey::new(parsed, &intake.changes);
        let siblings: BTreeMap<ChangeHash, usize> = intake.changes.iter().enumerate().map(|(at, change)| (change.hash, at)).collect();
        let deps = intake.changes.iter().map(|change| resolve(document, &survey, &siblings, change)).collect();
        let states = intake.changes.iter().map(|_| State::Waiting).collect();
        Self {
            gate,
            document,
            rules,
            access,
            intake,
            survey,
            deps,
            states,
            order: Vec::new(),
            authors: BTreeMap::new(),
            trials_left: gate.limits.trials_max,
        }
    }

    /// Judges every change after those it builds on, the earlier one first where both could go.
    fn judge_all(&mut self) {
        let mut followers: Vec<Vec<usize>> = vec![Vec::new(); self.states.len()];
        let mut open: Vec<usize> = vec![0; self.states.len()];
        let mut ready = BTreeSet::new();
        for (at, deps) in self.deps.iter().enumerate() {
            let siblings = deps.iter().flatten().filter_map(|dep| match dep {
                Dep::Sibling(sibling) => Some(*sibling),
                Dep::Held(_) => None,
            });
            let mut count = 0;
            for sibling in siblings {
                count += 1;
                if let Some(followers) = followers.get_mut(sibling) {
                    followers.push(at);
                }
            }
            if let Some(open) = open.get_mut(at) {
                *open = count;
            }
            if count == 0 {
                ready.insert(at);
            }
        }
        while let Some(at) = ready.pop_first() {
            let state = self.judge(at).unwrap_or_else(State::Decided);
            if matches!(state, State::Holds { .. }) {
                self.order.push(at);
            }
            if let Some(slot) = self.states.get_mut(at) {
                *slot = state;
            }
            for follower in followers.get(at).into_iter().flatten() {
                if let Some(open) = open.get_mut(*follower) {
                    *open -= 1;
                    if *open == 0 {
                        ready.insert(*follower);
                    }
                }
            }
        }
    }

    /// Steps 4, 5, 7 and 8 for one change whose siblings below it are judged.
    fn judge(&mut self, at: usize) -> Result<State, Outcome> {
        let (Some(change), Some(raw), Some(source)) = (self.intake.changes.get(at), self.intake.raws.get(at), self.intake.sources.get(at))
        else {
            return Ok(State::Waiting);
        };
        let hash = change.hash;
        let refused = |refusal| Outcome::Refused { hash: Some(hash), refusal };
        let deps = self.nodes(at)?;
        let genesis = self.rules.genesis().contains(&hash);
        let first = change.actors.first().ok_or_else(|| refused(Refusal::Actor))?;
        let actor = self.survey.actor(first);
        let author = self.author(first);
        if !genesis {
            identity(change, *source, author).map_err(refused)?;
        }
        if change.seq <= self.survey.line(actor) {
            return Err(Outcome::Forked { hash });
        }
        let bench = Bench { policy: self.gate.policy, limits: &self.gate.limits, rules: self.rules };
        let judged = bench.judge(&mut self.survey, change, &deps).map_err(refused)?;
        let candidate = Candidate { hash, touched: &judged.touched, deps: &change.deps, genesis };
        (self.access)(&candidate).map_err(|denied| refused(Refusal::Denied(denied)))?;
        let engine = trial::parse(raw).map_err(refused)?;
        let author = match change.author {
            AuthorFooter::Person(person) => Some(person),
            AuthorFooter::Absent | AuthorFooter::Foreign => author,
        };
        self.authors.insert(first.clone(), author);
        let node = bench.accept(&mut self.survey, change, &judged, deps);
        Ok(State::Holds { node, change: Box::new(engine), touched: judged.touched, author })
    }

    /// The graph nodes a change builds on, or what it lacks.
    fn nodes(&self, at: usize) -> Result<Vec<Node>, Outcome> {
        let hash = self.intake.changes.get(at).map(|change| change.hash).unwrap_or(ChangeHash([0; 32]));
        let mut missing = Vec::new();
        let mut nodes = Vec::new();
        match self.deps.get(at) {
            Some(Err(unknown)) => missing.clone_from(unknown),
            Some(Ok(deps)) => {
                for dep in deps {
                    match dep {
                        Dep::Held(node) => nodes.push(*node),
                        Dep::Sibling(sibling) => match self.states.get(*sibling) {
                            Some(State::Holds { node, .. }) => nodes.push(*node),
                            Some(State::Waiting | State::Decided(_)) | None => {
                                missing.extend(self.intake.changes.get(*sibling).map(|change| change.hash));
                            }
                        },
                    }
                }
            }
            None => {}
        }
        if missing.is_empty() {
            return Ok(nodes);
        }
        missing.sort_unstable();
        Err(Outcome::MissingDependencies { hash, missing })
    }

    /// The person of an actor's earlier changes.
    fn author(&self, actor: &ActorId) -> Option<UserId> {
        match self.authors.get(actor) {
            Some(author) => *author,
            None => self.document.author(&automerge::ActorId::from(actor.as_bytes())),
        }
    }

    /// Steps 6 and 9 for everything that holds.
    fn try_all(&mut self) -> Option<Automerge> {
        let order = std::mem::take(&mut self.order);
        let next = self.settle(self.document.automerge(), &order);
        self.order = order;
        next
    }

    /// Tries changes together; when that fails, the first half, then of the second half what still has all it builds on.
    fn settle(&mut self, base: &Automerge, order: &[usize]) -> Option<Automerge> {
        let order: Vec<usize> = order.iter().copied().filter(|at| self.still_holds(*at)).collect();
        if order.is_empty() {
            return None;
        }
        if self.trials_left == 0 {
            order.iter().for_each(|at| self.decide(*at, |hash| Outcome::Postponed { hash: Some(hash) }));
            return None;
        }
        self.trials_left -= 1;
        let refusal = match trial::admit(base, &self.batch(&order), &self.gate.limits) {
            Ok(next) => {
                order.iter().for_each(|at| self.accept(*at));
                return Some(next);
            }
            Err(refusal) => refusal,
        };
        if let [one] = order.as_slice() {
            self.decide(*one, |hash| Outcome::Refused { hash: Some(hash), refusal });
            return None;
        }
        let (first, second) = order.split_at(order.len() / 2);
        let left = self.settle(base, first);
        let right = self.settle(left.as_ref().unwrap_or(base), second);
        right.or(left)
    }

    /// Whether a change still waits for its trial with all it builds on; otherwise it is decided here.
    fn still_holds(&mut self, at: usize) -> bool {
        let lost = |dep: &Dep| match dep {
            Dep::Held(_) => None,
            Dep::Sibling(sibling) => match self.states.get(*sibling) {
                Some(State::Decided(Outcome::Accepted(_)) | State::Holds { .. }) => None,
                Some(State::Decided(Outcome::Postponed { .. })) => self.intake.changes.get(*sibling).map(|change| (change.hash, true)),
                Some(State::Waiting | State::Decided(_)) | None => self.intake.changes.get(*sibling).map(|change| (change.hash, false)),
            },
        };
        let lost: Vec<(ChangeHash, bool)> = self.deps.get(at).into_iter().flatten().flatten().filter_map(lost).collect();
        if lost.is_empty() {
            return true;
        }
        let postponed = lost.iter().all(|(_, postponed)| *postponed);
        let mut missing: Vec<ChangeHash> = lost.into_iter().map(|(hash, _)| hash).collect();
        missing.sort_unstable();
        self.decide(
            at,
            |hash| if postponed { Outcome::Postponed { hash: Some(hash) } } else { Outcome::MissingDependencies { hash, missing } },
        );
        false
    }

    fn batch(&self, order: &[usize]) -> trial::Batch<'_> {
        let mut batch = trial::Batch { changes: Vec::with_capacity(order.len()), touched: Vec::new() };
        for at in order {
            if let Some(State::Holds { change, touched, .. }) = self.states.get(*at) {
                batch.changes.push(change);
                batch.touched.extend(touched);
            }
        }
        batch.touched.sort_unstable();
        batch.touched.dedup();
        batch
    }

    fn decide(&mut self, at: usize, outcome: impl FnOnce(ChangeHash) -> Outcome) {
        if let (Some(change), Some(state)) = (self.intake.changes.get(at), self.states.get_mut(at)) {
            *state = State::Decided(outcome(change.hash));
        }
    }

    fn accept(&mut self, at: usize) {
        let (Some(parsed), Some(raw), Some(state)) = (self.intake.changes.get(at), self.intake.raws.get_mut(at), self.states.get_mut(at))
        else {
            return;
        };
        let State::Holds { touched, author, .. } = state else { return };
        let Some(actor) = parsed.actors.first() else { return };
        let accepted = Accepted {
            raw: RawChange { hash: parsed.hash, bytes: std::mem::take(raw) },
            meta: ChangeMeta {
                hash: parsed.hash,
                actor: actor.clone(),
                author: *author,
                time: Ms(parsed.time),
                note: (!parsed.message.is_empty()).then(|| parsed.message.clone()),
                seq: parsed.seq,
                start_op: parsed.start_op,
                max_op: (parsed.start_op + parsed.ops.len() as u64).saturating_sub(1),
            },
            deps: parsed.deps.clone(),
            touched: std::mem::take(touched),
        };
        *state = State::Decided(Outcome::Accepted(Box::new(accepted)));
    }

    /// One outcome for each incoming change. A change that nothing decided waits for a sibling that waits for it.
    fn outcomes(self) -> Vec<Outcome> {
        let mut outcomes = self.intake.outcomes;
        for ((position, change), state) in self.intake.positions.into_iter().zip(self.intake.changes).zip(self.states) {
            let Some(slot) = outcomes.get_mut(position) else { continue };
            *slot = Some(match state {
                State::Decided(outcome) => outcome,
                State::Waiting | State::Holds { .. } => Outcome::MissingDependencies { hash: change.hash, missing: change.deps },
            });
        }
        outcomes.into_iter().flatten().collect()
    }
}

fn resolve(
    document: &Document,
    survey: &Survey,
    siblings: &BTreeMap<ChangeHash, usize>,
    change: &ParsedChange,
) -> Result<Vec<Dep>, Vec<ChangeHash>> {
    let mut deps = Vec::with_capacity(change.deps.len());
    let mut missing = Vec::new();
    for hash in &change.deps {
        if let Some(sibling) = siblings.get(hash) {
            deps.push(Dep::Sibling(*sibling));
        } else if let Some(node) = held(document, survey, hash) {
            deps.push(Dep::Held(node));
        } else {
            missing.push(*hash);
        }
    }
    if missing.is_empty() { Ok(deps) } else { Err(missing) }
}

fn held(document: &Document, survey: &Survey, hash: &ChangeHash) -> Option<Node> {
    let meta = document.automerge().get_change_meta_by_hash(&AmHash(hash.0))?;
    let actor = survey.known_actor(&ActorId::from_slice(meta.actor.to_bytes())?)?;
    survey.node(actor, meta.seq)
}
