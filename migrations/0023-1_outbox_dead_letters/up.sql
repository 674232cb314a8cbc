create index concurrently outbox_dead on platform.outbox (dead_at, message_id)
where dead_at is not null;
