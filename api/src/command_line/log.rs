//! `teranga log`: proofs from the transparency log, and their check without the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger::{BookId, CheckpointAt, Ledger, LogEntry, LogVerifier, Sequence, SignedHead};
use platform::clock::Clock;
use secrecy::ExposeSecret;

use super::{Failure, complain, say};
use crate::configuration::Configuration;
use crate::house::{House, OpenHouse};
use crate::log_keys;

/// The largest file that is checked.
const MAX_FILE_BYTES: u64 = 4_000_000;

/// What is done with the log.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print the proof that an entry is in the log, as a text that can be handed on.
    Proof {
        /// The entry's place in the book.
        #[arg(long)]
        sequence: i64,
        #[command(flatten)]
        at: At,
    },
    /// Print the proof that a checkpoint continues an earlier one.
    Consistency {
        /// Entries of the earlier one.
        #[arg(long)]
        from: i64,
        #[command(flatten)]
        at: At,
    },
    /// Print a checkpoint.
    Checkpoint {
        #[command(flatten)]
        at: At,
    },
    /// Print the log's public keys.
    Keys {
        /// The book.
        #[arg(long, default_value_t = 1)]
        book: i16,
    },
    /// Print a new signing key; keep it secret.
    NewKey {
        /// The book.
        #[arg(long, default_value_t = 1)]
        book: i16,
    },
    /// Check checkpoints and proofs with nothing but public keys; an earlier checkpoint stands before the proof that
    /// continues it.
    Check(CheckOptions),
}

/// Which checkpoint of which book.
#[derive(clap::Args)]
pub(super) struct At {
    /// The book.
    #[arg(long, default_value_t = 1)]
    book: i16,
    /// The size of the checkpoint; the newest when left out.
    #[arg(long)]
    size: Option<i64>,
}

impl At {
    fn checkpoint(&self) -> CheckpointAt {
        self.size.map_or(CheckpointAt::Newest, CheckpointAt::Size)
    }
}

/// What is checked, and who is believed.
#[derive(clap::Args)]
pub(super) struct CheckOptions {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A public key of the log; one of those named is enough.
    #[arg(long = "key", required = true)]
    keys: Vec<String>,
    /// The public key of a witness who must have signed too; all of those named must.
    #[arg(long = "witness")]
    witnesses: Vec<String>,
}

/// Checkpoints that were checked, by their size.
type Heads = BTreeMap<u64, SignedHead>;

/// Does it.
pub(super) async fn run(configuration: Configuration, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(options) => Ok(check(&options)?),
        Command::NewKey { book } => {
            let origin = log_keys::origin(&configuration.settings.transparency_log, BookId::new(book));
            say(log_keys::new_key(&origin)?.expose_secret());
            Ok(ExitCode::SUCCESS)
        }
        Command::Proof { sequence, at } => {
            print(configuration, at.book, async |ledger| {
                let entry = LogEntry::Sequence(Sequence::new(sequence));
                Ok(ledger.prove_inclusion(entry, at.checkpoint()).await?.to_string())
            })
            .await
        }
        Command::Consistency { from, at } => {
            print(configuration, at.book, async |ledger| {
                Ok(ledger.prove_consistency(from, at.checkpoint()).await?.to_string())
            })
            .await
        }
        Command::Checkpoint { at } => {
            print(configuration, at.book, async |ledger| Ok(ledger.checkpoint(at.checkpoint()).await?.note)).await
        }
        Command::Keys { book } => {
            print(configuration, book, async |ledger| {
                Ok(ledger.log_keys().await?.into_iter().map(|key| key.verifier_key + "\n").collect())
            })
            .await
        }
    }
}

/// Prints what is read of a book; first signs what a server has not signed yet.
async fn print(
    configuration: Configuration,
    book: i16,
    read: impl AsyncFnOnce(&Ledger) -> Result<String, Failure>,
) -> Result<ExitCode, Failure> {
    let open = OpenHouse::open(configuration, Clock::system()).await?;
    let text = read_signed(&open.house, BookId::new(book), read).await;
    open.close().await;
    say(text?.trim_end_matches('\n'));
    Ok(ExitCode::SUCCESS)
}

async fn read_signed(
    house: &House,
    book: BookId,
    read: impl AsyncFnOnce(&Ledger) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let ledger = house.clearing.book(book)?;
    if let Some(signer) = house.logs.signer(book) {
        while ledger.keep_log(signer).await? == ledger::Kept::Behind {}
    }
    read(ledger).await
}

/// Checks the files in order and says what each proves; stops at the first that does not hold.
fn check(options: &CheckOptions) -> Result<ExitCode, ledger::LogError> {
    let keys = options.keys.iter().map(String::as_str);
    let verifier = LogVerifier::try_new(keys, options.witnesses.iter().map(String::as_str))?;
    let mut heads = Heads::new();
    for file in &options.files {
        match check_file(&verifier, file, &mut heads) {
            Ok(said) => say(&format!("holds   {}: {said}", file.display())),
            Err(failure) => {
                complain(&*failure);
                say(&format!("DIFFERS {}", file.display()));
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check_file(verifier: &LogVerifier, file: &Path, heads: &mut Heads) -> Result<String, Failure> {
    if std::fs::metadata(file)?.len() > MAX_FILE_BYTES {
        return Err(format!("{} has more than {MAX_FILE_BYTES} bytes", file.display()).into());
    }
    // Whatever fetched it may have ended it with a line of its own.
    let text = std::fs::read_to_string(file)?.trim_end_matches('\n').to_owned() + "\n";
    let first = text.lines().next().unwrap_or_default();
    let (said, head) = if first.starts_with("c2sp.org/tlog-proof@") {
        let proven = verifier.check_inclusion(&text)?;
        let said = format!("entry {} is one of the first {}", proven.index + 1, proven.head.size);
        (said, proven.head)
    } else if let Some(old) = first.strip_prefix("old ") {
        let missing = || format!("put the checkpoint of {old} entries before it");
        let before = old.parse().ok().and_then(|size: u64| heads.get(&size)).ok_or_else(missing)?;
        let after = verifier.check_consistency(before, &text)?;
        (format!("the first {} entries continue the first {old}", after.size), after)
    } else {
        let head = verifier.check_checkpoint(&text)?;
        (format!("a checkpoint of {} entries", head.size), head)
    };
    let said = format!("{said}, {} signed by {}", head.origin, head.signed_by.join(", "));
    // Two roots of one size are the proof that somebody is shown another log.
    if let Some(other) = heads.insert(head.size, head.clone())
        && (&other.origin, other.root) != (&head.origin, head.root)
    {
        return Err(format!("two signed heads of {} entries differ", head.size).into());
    }
    Ok(said)
}
