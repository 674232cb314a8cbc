create index concurrently entries_by_subject on ledger.entries (book_id, subject, sequence)
where subject is not null;
