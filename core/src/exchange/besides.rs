//! The wire of the push side's second half: what a device hands in besides its own outbox, and what headquarters tells besides
//! documents. Fields 14 of a request and 15 of an answer; an older side skips them.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::Pushed;
use crate::ids::{ChangeHash, DocId, Ms, SubjectId, UserId};

/// What a device hands in and says besides its own outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Besides {
    /// Batches of other devices, each signed by its own: see [`crate::carried`].
    #[n(0)]
    pub carried: Vec<ByteVec>,
    /// Changes of others that it had received and that headquarters lost in a restore.
    #[n(1)]
    pub recovered: Vec<Pushed>,
    /// Number of the last decision about its quarantined changes that it has heard.
    #[n(2)]
    pub heard: u64,
}

/// What a person at headquarters decided about a quarantined change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Ruling {
    /// It is in the feed now, as it was.
    #[n(0)]
    Approved,
    /// Headquarters wrote it again in its author's name.
    #[n(1)]
    Rewritten,
    /// It is kept as rejected.
    #[n(2)]
    Rejected {
        /// Why, for its author.
        #[n(0)]
        why: String,
    },
}

/// A decision about one quarantined change of this device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Decided {
    /// Its number: the device says back the last one that it heard.
    #[n(0)]
    pub no: u64,
    /// The document.
    #[n(1)]
    pub doc: DocId,
    /// The change.
    #[n(2)]
    pub hash: ChangeHash,
    /// What was decided.
    #[n(3)]
    pub ruling: Ruling,
}

/// An order to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Order {
    /// Hand in the rest, then wipe: the device was revoked or its person disabled. Show that; nothing comes any more.
    #[n(0)]
    Drain,
    /// Wipe now: everything that arrived is kept at headquarters.
    #[n(1)]
    Wipe,
}

/// Records of a former holder that arrived late, for whoever has the customer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct LateNotice {
    /// The customer.
    #[n(0)]
    pub subject: SubjectId,
    /// Who recorded them.
    #[n(1)]
    pub author: UserId,
    /// How many.
    #[n(2)]
    pub changes: u64,
    /// Number of the last in the feed.
    #[n(3)]
    pub last_no: u64,
    /// When it arrived, by headquarters' clock.
    #[n(4)]
    pub received_at: Ms,
}

/// A carried batch that headquarters has decided about.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Delivered {
    /// SHA-256 of the packet.
    #[n(0)]
    pub digest: ChangeHash,
    /// Changes in it that were not taken: the carrier takes them out of what it shows.
    #[n(1)]
    pub refused: Vec<NotTaken>,
}

/// A carried change that headquarters set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct NotTaken {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// The change.
    #[n(1)]
    pub hash: ChangeHash,
}

/// What headquarters has to tell a device besides documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Told {
    /// Decisions that the device has not heard yet, in order.
    #[n(0)]
    pub decisions: Vec<Decided>,
    /// What the device is to do with itself.
    #[n(1)]
    pub order: Option<Order>,
    /// Late records about customers of this person.
    #[n(2)]
    pub late: Vec<LateNotice>,
    /// Carried batches that are done with.
    #[n(3)]
    pub delivered: Vec<Delivered>,
    /// Recovered changes that are done with.
    #[n(4)]
    pub recovered: Vec<ChangeHash>,
    /// A wipe waits until nothing of the device's own is left to hand in, for something may have been recorded since it asked: `true`, text and
    /// photos; `false`, text alone. Without it a wipe is carried out at once, as headquarters of the first releases meant every wipe.
    #[n(5)]
    pub when_empty: Option<bool>,
}
