//! The writer's lots: what the accounts of a batch hold of each, and what postings of units are made of.
//!
//! Lots are read anew for each batch that moves units and forgotten with it; everything else pays nothing for them.

use std::collections::{HashMap, VecDeque};

use chrono::NaiveDate;

use super::accounts::Slot;
use crate::lots::{LotName, MAX_LOTS};
use crate::{Amount, Commodity, Refusal, Sequence};

/// Units of a lot; all amounts above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) lot: LotName,
    pub(super) acquired_on: NaiveDate,
    pub(super) amount_minor: i64,
    /// The number of the currency, and how much.
    pub(super) cost: Option<(i32, i64)>,
}

impl Piece {
    /// The order in which lots are given: those had for longest first.
    fn age(&self) -> (NaiveDate, LotName) {
        (self.acquired_on, self.lot)
    }

    /// Takes so many units off, with their part of the cost; what cannot be divided stays.
    fn take(&mut self, amount_minor: i64) -> Self {
        let part = |cost: i64| {
            let part = i128::from(cost) * i128::from(amount_minor) / i128::from(self.amount_minor);
            // A part of a cost is no larger than the cost.
            i64::try_from(part).unwrap_or(cost)
        };
        let cost = self.cost.map(|(currency, cost)| (currency, part(cost)));
        let taken = Self { amount_minor, cost, ..*self };
        self.amount_minor -= amount_minor;
        self.cost = self.cost.zip(cost).map(|((currency, whole), (_, part))| (currency, whole - part));
        taken
    }
}

/// A posting of units, with its account found.
#[derive(Debug)]
pub(super) struct Move {
    /// The posting's place in the entry, from 1.
    pub(super) ordinal: i16,
    pub(super) slot: Slot,
    pub(super) commodity: Commodity,
    /// Debits positive.
    pub(super) amount_minor: i64,
    pub(super) side: MoveSide,
    pub(super) said: Said,
}

/// What a posting does to lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MoveSide {
    /// New units come into being.
    Issues,
    /// A holder gives units.
    Gives,
    /// Units arrive.
    Receives,
}

/// What the entry says of the posting's lots.
#[derive(Debug)]
pub(super) enum Said {
    Nothing,
    Given(Vec<(LotName, i64)>),
    /// Their names are given when the entry has its sequence.
    Issued(Vec<Piece>),
}

/// Lots that a posting moves, as they are decided.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) ordinal: i16,
    pub(super) slot: Slot,
    /// Whether the posting is a debit.
    pub(super) is_debit: bool,
    pub(super) piece: Piece,
}

/// What the accounts of a batch hold of lots.
#[derive(Debug, Default)]
pub(super) struct Lots {
    held: HashMap<Slot, Vec<Piece>>,
    /// What the attempt in progress changed.
    tentative: HashMap<Slot, Vec<Piece>>,
}

/// What an entry leaves of the lots that it moves.
pub(super) type Left = HashMap<Slot, Vec<Piece>>;

impl Lots {
    pub(super) fn remember(&mut self, slot: Slot, pieces: Vec<Piece>) {
        self.held.insert(slot, pieces);
    }

    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    /// Starts to decide anew.
    pub(super) fn begin_attempt(&mut self) {
        self.tentative.clear();
    }

    /// Takes over what an accepted entry leaves.
    pub(super) fn accept(&mut self, left: Left) {
        self.tentative.extend(left);
    }

    fn of(&self, slot: Slot) -> Vec<Piece> {
        self.tentative.get(&slot).or_else(|| self.held.get(&slot)).cloned().unwrap_or_default()
    }

    /// Decides which lots the postings of an entry move; changes nothing.
    pub(super) fn decide(
        &self,
        moves: &[Move],
        effective_date: NaiveDate,
        sequence: i64,
        refused: impl Fn(Slot, Fault) -> Refusal,
    ) -> Result<(Vec<Moved>, Left), Refusal> {
        let mut deciding =
            Deciding { lots: self, left: Left::new(), moved: Vec::new(), sequence, effective_date, issued: 0 };
        let mut commodities: Vec<Commodity> = moves.iter().map(|a_move| a_move.commodity).collect();
        commodities.sort_unstable();
        commodities.dedup();
        for commodity in commodities {
            let of_unit: Vec<&Move> = moves.iter().filter(|a_move| a_move.commodity == commodity).collect();
            deciding.pass_on(&of_unit).map_err(|(slot, fault)| refused(slot, fault))?;
        }
        deciding.moved.sort_by_key(|moved| (moved.ordinal, moved.piece.lot));
        Ok((deciding.moved, deciding.left))
    }
}

/// Why lots cannot be moved like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Less is held of the lot.
    NotHeld { lot: LotName, held_minor: i64 },
    /// Less is held in lots than is given.
    Short { held_minor: i64 },
    /// There are too many.
    TooMany,
}

struct Deciding<'a> {
    lots: &'a Lots,
    left: Left,
    moved: Vec<Moved>,
    sequence: i64,
    effective_date: NaiveDate,
    /// Lots that the entry issued so far.
    issued: i16,
}

type Decided<T> = Result<T, (Slot, Fault)>;

impl Deciding<'_> {
    /// Passes the lots of one unit from those who give to those who receive.
    fn pass_on(&mut self, moves: &[&Move]) -> Decided<()> {
        let mut given = VecDeque::new();
        for giving in moves.iter().filter(|a_move| a_move.side == MoveSide::Gives) {
            for piece in self.give(giving)? {
                self.note(giving, piece)?;
                merge(&mut given, piece);
            }
        }
        let issuing = moves.iter().filter(|a_move| a_move.side == MoveSide::Issues);
        let mut unissued: i128 = issuing.clone().map(|a_move| i128::from(a_move.amount_minor)).sum();
        let mut new = VecDeque::new();
        let receiving = || moves.iter().filter(|a_move| a_move.side == MoveSide::Receives);
        // What is stated as new is issued, which the entry's builder saw to; only the rest is free for others.
        for stating in receiving() {
            let Said::Issued(pieces) = &stating.said else { continue };
            for piece in pieces {
                unissued -= i128::from(piece.amount_minor);
                let piece = Piece { lot: self.name(stating.slot)?, ..*piece };
                new.push_back(piece);
                self.receive(stating, piece)?;
            }
        }
        if let (Ok(rest @ 1..), Some(first)) = (i64::try_from(unissued), issuing.clone().next()) {
            let lot = self.name(first.slot)?;
            let piece = Piece { lot, acquired_on: self.effective_date, amount_minor: rest, cost: None };
            new.push_back(piece);
            given.push_back(piece);
        }
        for receiving in receiving().filter(|a_move| !matches!(a_move.said, Said::Issued(_))) {
            for piece in deal(&mut given, receiving.amount_minor.saturating_neg()) {
                self.receive(receiving, piece)?;
            }
        }
        for issuing in issuing {
            for piece in deal(&mut new, issuing.amount_minor) {
                self.note(issuing, piece)?;
            }
        }
        Ok(())
    }

    fn name(&mut self, slot: Slot) -> Decided<LotName> {
        self.issued = self.issued.checked_add(1).ok_or((slot, Fault::TooMany))?;
        Ok(LotName { sequence: Sequence::new(self.sequence), number: self.issued })
    }

    /// Takes what a holder gives off what they hold.
    fn give(&mut self, giving: &Move) -> Decided<Vec<Piece>> {
        let slot = giving.slot;
        let mut held = self.left.remove(&slot).unwrap_or_else(|| self.lots.of(slot));
        held.sort_by_key(Piece::age);
        let given = match &giving.said {
            Said::Given(named) => named.iter().map(|&(lot, amount)| take_named(&mut held, lot, amount)).collect(),
            Said::Nothing | Said::Issued(_) => {
                let held_minor = held.iter().map(|piece| piece.amount_minor).fold(0, i64::saturating_add);
                let mut queue = VecDeque::from(std::mem::take(&mut held));
                let given = deal(&mut queue, giving.amount_minor);
                held = queue.into();
                if held_minor < giving.amount_minor { Err(Fault::Short { held_minor }) } else { Ok(given) }
            }
        };
        held.retain(|piece| piece.amount_minor > 0);
        self.left.insert(slot, held);
        given.map_err(|fault| (slot, fault))
    }

    /// Puts what arrives to what is held, and notes it.
    fn receive(&mut self, receiving: &Move, piece: Piece) -> Decided<()> {
        let held = self.left.entry(receiving.slot).or_insert_with(|| self.lots.of(receiving.slot));
        match held.iter_mut().find(|held| held.lot == piece.lot) {
            Some(known) => known.join(piece),
            None => held.push(piece),
        }
        self.note(receiving, piece)
    }

    /// Notes a part of a lot on a posting, once for each lot.
    fn note(&mut self, a_move: &Move, piece: Piece) -> Decided<()> {
        let before = self.moved.iter_mut().rev().take_while(|moved| moved.ordinal == a_move.ordinal);
        if let Some(noted) = before.into_iter().find(|moved| moved.piece.lot == piece.lot) {
            noted.piece.join(piece);
            return Ok(());
        }
        if self.moved.len() >= MAX_LOTS {
            return Err((a_move.slot, Fault::TooMany));
        }
        let is_debit = a_move.amount_minor > 0;
        self.moved.push(Moved { ordinal: a_move.ordinal, slot: a_move.slot, is_debit, piece });
        Ok(())
    }
}

impl Piece {
    fn join(&mut self, other: Self) {
        self.amount_minor += other.amount_minor;
        self.cost = self.cost.zip(other.cost).map(|((currency, cost), (_, more))| (currency, cost + more));
    }
}

fn merge(pieces: &mut VecDeque<Piece>, piece: Piece) {
    match pieces.iter_mut().find(|known| known.lot == piece.lot) {
        Some(known) => known.join(piece),
        None => pieces.push_back(piece),
    }
}

fn take_named(held: &mut [Piece], lot: LotName, amount_minor: i64) -> Result<Piece, Fault> {
    let found = held.iter_mut().find(|piece| piece.lot == lot);
    let held_minor = found.as_ref().map_or(0, |piece| piece.amount_minor);
    match found {
        Some(piece) if held_minor >= amount_minor => Ok(piece.take(amount_minor)),
        _ => Err(Fault::NotHeld { lot, held_minor }),
    }
}

/// The first pieces that make up so many units; fewer when there are no more.
fn deal(pieces: &mut VecDeque<Piece>, amount_minor: i64) -> Vec<Piece> {
    let mut dealt = Vec::new();
    let mut wanted = amount_minor;
    while wanted > 0
        && let Some(first) = pieces.front_mut()
    {
        if first.amount_minor <= wanted {
            wanted -= first.amount_minor;
            dealt.extend(pieces.pop_front());
        } else {
            dealt.push(first.take(wanted));
            wanted = 0;
        }
    }
    dealt
}

impl Fault {
    pub(super) fn refusal(self, account: &crate::AccountCode, commodity: Commodity) -> Refusal {
        let account = account.clone();
        match self {
            Self::NotHeld { lot, held_minor } => {
                Refusal::LotNotHeld { account, lot, held: Amount::from_minor(held_minor, commodity) }
            }
            Self::Short { held_minor } => {
                Refusal::LotsNotHeld { account, held: Amount::from_minor(held_minor, commodity) }
            }
            Self::TooMany => Refusal::TooManyLots,
        }
    }
}
