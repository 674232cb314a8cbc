//! What each step hands to the ledger: its entry with the change of state that it causes.

use ledger::{IdempotencyKey, Money, UnitOfWork};

use super::effects::{self, Funded};
use super::store::Remittances;
use super::{CANCEL_WITHIN, Event, Handover, Placement, RejectionReason, Remittance, entries};
use crate::Error;
use crate::pay_in::PayIn;
use crate::price::convert_family;
use crate::quote::Allocation;

impl Remittances {
    /// The unit of work that a pay-in causes. What could not be placed goes to the family at the rate of the quote.
    ///
    /// # Errors
    /// [`Error::UnknownCorridor`] when the corridor is gone, or when amounts cannot be computed.
    pub fn funding(
        &self,
        remittance: &Remittance,
        pay_in: &PayIn,
        placements: Vec<Placement>,
    ) -> Result<UnitOfWork, Error> {
        let corridor = self.corridors.get(remittance.corridor.as_str());
        let corridor = corridor.ok_or_else(|| Error::UnknownCorridor(remittance.corridor.to_string()))?;
        let allocations: Vec<Allocation> = placements.iter().map(|placement| placement.allocation).collect();
        let placed: i64 = allocations.iter().map(|allocation| allocation.minor).sum();
        let mut funded = remittance.clone();
        funded.family = remittance.sent.checked_sub(Money::from_minor(placed, remittance.source()))?;
        if funded.family != remittance.family {
            let converted = convert_family(corridor, remittance.mid_rate, remittance.rate, funded.family)?;
            (funded.at_mid, funded.received) = converted;
        }
        let entry = entries::funded(self.clock.today(), &funded, &pay_in.provider, &placements)?;
        let effect = effects::funded(&Funded {
            remittance: remittance.id.uuid(),
            pay_in: pay_in.id.uuid(),
            family_minor: funded.family.minor(),
            at_mid_minor: funded.at_mid.minor(),
            received_minor: funded.received.minor(),
            allocations: &allocations,
        })?;
        let key = IdempotencyKey::derived(pay_in.id.uuid(), "fund");
        let unit = UnitOfWork::new(key, entry).causing(effect);
        Ok(placements.into_iter().fold(unit, |unit, placement| unit.causing(placement.effect)))
    }

    /// The unit of work of a payout.
    ///
    /// # Errors
    /// [`Error::WrongState`].
    pub fn paying_out(&self, remittance: &Remittance, handover: Handover) -> Result<UnitOfWork, Error> {
        remittance.state.after(Event::Paid)?;
        let entry = entries::paid_out(self.clock.today(), remittance)?;
        let key = IdempotencyKey::derived(remittance.id.uuid(), "pay-out");
        let effect = effects::paid_out(remittance.id.uuid(), &remittance.institution, handover)?;
        Ok(UnitOfWork::new(key, entry).causing(effect))
    }

    /// The unit of work of a rejection with its refund.
    ///
    /// # Errors
    /// [`Error::WrongState`].
    pub fn refunding(&self, remittance: &Remittance, reason: RejectionReason) -> Result<UnitOfWork, Error> {
        remittance.state.after(Event::Rejected)?;
        let entry = entries::refunded(self.clock.today(), remittance)?;
        let key = IdempotencyKey::derived(remittance.id.uuid(), "refund");
        let effect = effects::refunded(remittance.id.uuid(), &remittance.institution, reason.word())?;
        Ok(UnitOfWork::new(key, entry).causing(effect))
    }

    /// The unit of work with which our own staff give a remittance back whose institution was stopped. It has the key
    /// of a rejection, so that only one of both is ever booked.
    ///
    /// # Errors
    /// [`Error::WrongState`].
    pub fn returning(&self, remittance: &Remittance, by: &str) -> Result<UnitOfWork, Error> {
        remittance.state.after(Event::Returned)?;
        let entry = entries::refunded(self.clock.today(), remittance)?;
        let key = IdempotencyKey::derived(remittance.id.uuid(), "refund");
        Ok(UnitOfWork::new(key, entry).causing(effects::returned(remittance.id.uuid(), by)?))
    }

    /// The unit of work that gives a funded remittance back.
    ///
    /// # Errors
    /// [`Error::WrongState`], [`Error::TooLateToCancel`].
    pub fn cancelling(&self, remittance: &Remittance, withdrawn: Vec<Placement>) -> Result<UnitOfWork, Error> {
        remittance.state.after(Event::Cancelled)?;
        let funded_after = self.clock.now() - CANCEL_WITHIN;
        if remittance.funded_at.is_none_or(|funded_at| funded_at < funded_after) {
            return Err(Error::TooLateToCancel { minutes: CANCEL_WITHIN.num_minutes() });
        }
        let entry = entries::cancelled(self.clock.today(), remittance, &withdrawn)?;
        let key = IdempotencyKey::derived(remittance.id.uuid(), "cancel");
        let effect = effects::cancelled(remittance.id.uuid(), funded_after)?;
        let unit = UnitOfWork::new(key, entry).causing(effect);
        Ok(withdrawn.into_iter().fold(unit, |unit, placement| unit.causing(placement.effect)))
    }
}
