-- A cap table is read along it; accounts of currencies are not in it.
create index concurrently accounts_of_units on ledger.accounts (book_id, commodity, account)
where commodity >= 100000;
