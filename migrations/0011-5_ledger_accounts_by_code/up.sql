-- By bytes, so that the accounts under a code stand together whatever the database's collation.
create index concurrently accounts_by_code on ledger.accounts (book_id, code collate "C", commodity);
