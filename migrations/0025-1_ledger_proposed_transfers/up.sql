-- Money that a person wants in another book takes two people, as whatever else is done to a book by hand.

alter table ledger.proposals
    drop constraint proposals_kind_known,
    add constraint proposals_kind_known check (
        kind in ('close', 'reopening', 'adjustment', 'reversal', 'correction', 'erasure', 'transfer')
    );
comment on table ledger.proposals is 'Closes, reopenings, adjustments, reversals, corrections, erasures and transfers to other books as they were proposed. Only what says how they ended changes, once.';
comment on column ledger.proposals.entry_key is 'The entry that carried it out. An erasure has none; a transfer is ordered, and stands in transfers under the id of the proposal.';
