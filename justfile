# Shortcuts for cargo; nothing needs them.

# Lists what there is.
default:
    @just --list

# Plays the whole main job on shipped data, then goes on serving.
demo *options:
    cargo run --release -- demo {{options}}

# Serves, with what is in the database.
serve *options:
    cargo run --release -- serve {{options}}

# Runs all tests.
test *options:
    cargo test --workspace {{options}}

# Checks format and lints.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Measures posting beside its yardsticks.
bench *options:
    cargo run --release -p bench -- ledger {{options}}
