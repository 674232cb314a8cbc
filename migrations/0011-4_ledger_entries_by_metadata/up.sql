create index concurrently entries_by_metadata on ledger.entries using gin (metadata jsonb_path_ops)
where metadata is not null;
