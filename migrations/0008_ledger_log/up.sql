-- The transparency log: its tree in tiles, its signed heads, who signed them, and the erasure of names that leaves
-- every proof valid.

create table ledger.log_tiles (
    book_id smallint not null,
    level smallint not null,
    tile bigint not null,
    root bytea not null,
    hashes bytea not null,
    constraint log_tiles_pkey primary key (book_id, level, tile),
    constraint log_tiles_level_within check (level between 0 and 7),
    constraint log_tiles_tile_not_negative check (tile >= 0),
    constraint log_tiles_root_is_sha256 check (length(root) = 32),
    constraint log_tiles_full check (length(hashes) = 8192)
);
-- Hashes cannot be compressed; trying costs time at each insert.
alter table ledger.log_tiles alter column hashes set storage external;
comment on table ledger.log_tiles is 'The full tiles of the log''s tree as C2SP tlog-tiles has them: 256 hashes each. What is not yet a full tile is computed from the entries.';
comment on column ledger.log_tiles.level is 'Zero for hashes of entries; above, each hash is the root of a full tile of the level below.';
comment on column ledger.log_tiles.tile is 'The tile''s place in its level, from zero.';
comment on column ledger.log_tiles.root is 'The root over the tile: its hash in the level above.';
comment on column ledger.log_tiles.hashes is 'The 256 hashes, one after the other.';

create table ledger.log_checkpoints (
    book_id smallint not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    signed_at timestamptz not null,
    constraint log_checkpoints_pkey primary key (book_id, size),
    constraint log_checkpoints_size_positive check (size > 0),
    constraint log_checkpoints_root_is_sha256 check (length(root) = 32)
);
comment on table ledger.log_checkpoints is 'Signed heads of the log: at most one for each size, for ever.';
comment on column ledger.log_checkpoints.size is 'Entries that it counts; its newest one has that sequence.';
comment on column ledger.log_checkpoints.note is 'The signed note as C2SP tlog-checkpoint has it, with our own signatures.';

create table ledger.log_cosignatures (
    book_id smallint not null,
    size bigint not null,
    witness text not null,
    line text not null,
    witnessed_at timestamptz not null,
    constraint log_cosignatures_pkey primary key (book_id, size, witness),
    constraint log_cosignatures_checkpoint_fkey foreign key (book_id, size)
        references ledger.log_checkpoints (book_id, size)
);
comment on table ledger.log_cosignatures is 'Statements of witnesses that a signed head continues the one that they saw before (C2SP tlog-cosignature); the first of each witness stays.';
comment on column ledger.log_cosignatures.witness is 'The witness''s public key as a verifier key: name, key id and key.';
comment on column ledger.log_cosignatures.line is 'Its signature line, to be put behind the checkpoint''s own.';
comment on column ledger.log_cosignatures.witnessed_at is 'When the witness signed, as it says.';

create table ledger.log_keys (
    book_id smallint not null,
    verifier_key text not null,
    signs_from timestamptz not null,
    signs_until timestamptz,
    constraint log_keys_pkey primary key (book_id, verifier_key),
    constraint log_keys_until_after_from check (signs_until >= signs_from)
);
comment on table ledger.log_keys is 'Public keys that checkpoints were ever signed with, and while when.';
comment on column ledger.log_keys.verifier_key is 'Name, key id and public key as C2SP signed-note writes them.';
comment on column ledger.log_keys.signs_until is 'When a checkpoint was first signed without it; null while it signs.';

create trigger log_tiles_append_only
before update or delete or truncate on ledger.log_tiles
for each statement execute function ledger.refuse_change();

create trigger log_checkpoints_append_only
before update or delete or truncate on ledger.log_checkpoints
for each statement execute function ledger.refuse_change();

create trigger log_cosignatures_append_only
before update or delete or truncate on ledger.log_cosignatures
for each statement execute function ledger.refuse_change();

create function ledger.erase_code(book smallint, erased_code text) returns setof bigint
language sql
security definer
set search_path = ''
as $$
    update ledger.accounts a
    set code = regexp_replace(a.code, '[^:]+$', 'erased-' || a.account),
        salt = null
    where a.book_id = book
      and a.code = erased_code
      and a.salt is not null
      and a.balance_minor = 0
      and not exists (
          select 1
          from ledger.holds h
          where h.book_id = a.book_id
            and h.account = a.account
            and h.remaining_minor > 0
      )
    returning a.account
$$;
comment on function ledger.erase_code(smallint, text) is 'Takes the name and the salt from accounts that hold nothing and reserve nothing. Their commitments stay, so every proof stays valid and says nothing of whose they were.';

grant select on ledger.log_tiles, ledger.log_checkpoints, ledger.log_cosignatures, ledger.log_keys
    to teranga_server, teranga_reader;
grant insert on ledger.log_tiles, ledger.log_checkpoints, ledger.log_cosignatures, ledger.log_keys to teranga_server;
grant update (signs_until) on ledger.log_keys to teranga_server;
revoke execute on function ledger.erase_code(smallint, text) from public;
grant execute on function ledger.erase_code(smallint, text) to teranga_server;
