//! The rooms, opened on one database, and what one needs of another.

mod families;
mod governance;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Duration;
use coinvestment::{Commitments, Disbursements, Milestones, Projects};
use ledger::reconciliation::Reconciliation;
use ledger::{
    BookId, BookSettings, Clearing, ClearingError, Feed, FeedWaker, Ledger, PseudonymKey, Subjects, WriterTask,
};
use onboarding::screening::{Score, Screening};
use onboarding::{Access, Documents, Institutions, People, Person, Referrals, Tier};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::database::{Access as DatabaseAccess, Database};
use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};
use remittance::{Beneficiaries, Corridors, PayIns, Quotes, Rates, Remittances, SendingLimits};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use self::families::Families;
use crate::configuration::{Configuration, ConfigurationFaults};
use crate::following::Streams;
use crate::idempotency::Running;
use crate::keys;
use crate::log_keys::LogKeys;
use crate::metrics::Metrics;
use crate::seal::Seal;
use crate::tokens::Tokens;

/// Where an installation by root keeps its data when the directory of the defaults is closed to PostgreSQL's user.
const DIRECTORY_FOR_ROOT: &str = "/var/lib/teranga";

/// What the key of pseudonyms is derived for.
const PSEUDONYMS: &str = "audit.pseudonyms";

/// How long everybody gets to let go of the house at its end.
const LET_GO_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Everything that a handler may ask.
pub struct House {
    pub(crate) configuration: Configuration,
    pub(crate) clock: Clock,
    pub(crate) cipher: Cipher,
    pub(crate) database: Database,
    pub(crate) ledger: Ledger,
    /// The same book through the auditors' role, which can change nothing.
    pub(crate) audited: Ledger,
    /// Committed entries of each book as they come, read through a pool of their own.
    feeds: Vec<(BookId, Feed)>,
    /// Those that auditors follow.
    pub(crate) streams: Streams,
    /// Those that institutions follow.
    pub(crate) partner_streams: Streams,
    /// All books, and the transfers between them.
    pub(crate) clearing: Clearing,
    /// All books through the auditors' role.
    pub(crate) audited_clearing: Clearing,
    pub(crate) reconciliation: Reconciliation,
    /// The keys of the books' logs, and who witnesses them.
    pub(crate) logs: LogKeys,
    pub(crate) tokens: Tokens,
    /// What vouches for exports.
    pub(crate) seal: Seal,
    pub(crate) running: Running,
    /// Verifications over HTTP take turns: each reads whole books over several connections.
    pub(crate) verifying: tokio::sync::Semaphore,
    pub(crate) metrics: Metrics,
    pub(crate) people: People,
    pub(crate) documents: Documents,
    pub(crate) access: Access,
    pub(crate) institutions: Institutions,
    pub(crate) referrals: Referrals,
    pub(crate) screening: Screening,
    pub(crate) families: Families,
    pub(crate) corridors: Arc<Corridors>,
    pub(crate) rates: Rates,
    pub(crate) quotes: Quotes,
    pub(crate) beneficiaries: Beneficiaries,
    pub(crate) remittances: Remittances,
    pub(crate) pay_ins: PayIns,
    pub(crate) projects: Projects,
    pub(crate) commitments: Commitments,
    pub(crate) milestones: Milestones,
    pub(crate) disbursements: Disbursements,
    owner_url: SecretString,
}

/// A house whose writer runs, and the database that it may have started.
pub struct OpenHouse {
    /// The rooms.
    pub(crate) house: Arc<House>,
    writers: Vec<WriterTask>,
    postgres: Option<EmbeddedPostgres>,
    /// Where keys, mails and the first operator's credential lie.
    pub(crate) directory: PathBuf,
}

/// Why the house could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The settings are faulty.
    #[error(transparent)]
    Configuration(#[from] ConfigurationFaults),
    /// The database could not be had.
    #[error(transparent)]
    Platform(#[from] platform::Error),
    /// The ledger could not be opened.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The books do not fit together.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// Onboarding could not be opened.
    #[error(transparent)]
    Onboarding(#[from] onboarding::Error),
    /// The rates that are shipped or in a file are faulty.
    #[error(transparent)]
    Remittance(#[from] remittance::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The keys of tokens could not be had.
    #[error("{0}")]
    TokenKeys(String),
    /// The keys of the books' logs cannot be used.
    #[error(transparent)]
    LogKeys(#[from] ledger::LogError),
    /// Metrics could not be set up.
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A port could not be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Messages cannot be sent by these settings.
    #[error("{0}")]
    Messages(String),
    /// A task of the start ended badly.
    #[error("the start was cut off: {0}")]
    CutOff(String),
}

impl OpenError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

struct Ground {
    owner_url: SecretString,
    server_url: SecretString,
    postgres: Option<EmbeddedPostgres>,
}

impl OpenHouse {
    /// Starts or finds the database, brings its schema up to date, and opens the rooms on it.
    ///
    /// # Errors
    /// [`OpenError`], with what to do where that is known.
    pub async fn open(configuration: Configuration, clock: Clock) -> Result<Self, OpenError> {
        let (ground, directory) = ground(&configuration).await?;
        let ran = platform::migrations::run(&ground.owner_url).await?;
        if !ran.is_empty() {
            tracing::info!(migrations = ran.len(), "brought the schema up to date");
        }
        if let Some(postgres) = &ground.postgres {
            postgres.admit_server_roles()?;
        }
        let settings = &configuration.settings;
        let database = Database::connect(&ground.server_url, settings.database.pool_size, DatabaseAccess::Server)?;
        let reader = Database::connect(&ground.owner_url, 4, DatabaseAccess::Reader)?;
        let feed_reader = Database::connect(&ground.owner_url, 4, DatabaseAccess::Reader)?;
        let cipher = Cipher::try_new(&master_key(&configuration, &directory)?)?;
        let lifetime = Duration::minutes(settings.tokens.lifetime_minutes.into());
        let tokens = Tokens::load(&directory.join("keys"), &settings.server.public_url, lifetime)
            .map_err(|error| OpenError::TokenKeys(error.to_string()))?;
        let seal = Seal::load(&directory).map_err(OpenError::file(&directory))?;
        let metrics = Metrics::try_new()?;
        let (clearing, writers, wakers) = open_books(&configuration, &database, &clock, &metrics).await?;
        let feed =
            |(book, waker): (&Ledger, &FeedWaker)| (book.book(), book.reading_through(feed_reader.clone()).feed(waker));
        let ledger = clearing.book(BookId::FIRST)?.clone();
        let logs = LogKeys::load(&settings.transparency_log, &directory.join("keys"), clearing.books())?;
        let corridors = Arc::new(configuration.corridors.clone());
        let rates = Rates::new(database.clone(), corridors.base);
        rates.set(&remittance::rates_from_toml(crate::configuration::RATES)?).await?;
        let beneficiaries = Beneficiaries::new(database.clone(), cipher.clone(), clock.clone());
        let institutions = Institutions::new(database.clone(), clock.clone());
        let screening = Screening::new(
            database.clone(),
            cipher.clone(),
            clock.clone(),
            configuration.spellings.clone(),
            Score::new(settings.screening.threshold),
        );
        let house = House {
            feeds: clearing.books().iter().zip(&wakers).map(feed).collect(),
            streams: Streams::default(),
            partner_streams: Streams::default(),
            audited: ledger.reading_through(reader.clone()),
            audited_clearing: clearing.reading_through(&reader),
            clearing,
            reconciliation: Reconciliation::new(ledger.clone(), cipher.clone(), remittance::find_reference),
            logs,
            tokens,
            seal,
            running: Running::default(),
            verifying: tokio::sync::Semaphore::new(1),
            metrics,
            documents: Documents::new(database.clone(), cipher.clone(), clock.clone()),
            people: People::try_new(
                database.clone(),
                cipher.clone(),
                clock.clone(),
                &settings.sign_in.policy(settings.passwords),
            )?,
            access: Access::new(database.clone(), clock.clone()),
            families: Families::new(&database, &cipher, &clock, &screening),
            screening,
            referrals: Referrals::new(database.clone(), cipher.clone(), clock.clone(), institutions.clone()),
            institutions,
            quotes: Quotes::new(database.clone(), clock.clone(), Arc::clone(&corridors), rates.clone()),
            rates,
            remittances: Remittances::new(
                database.clone(),
                clock.clone(),
                Arc::clone(&corridors),
                beneficiaries.clone(),
            ),
            beneficiaries,
            pay_ins: PayIns::new(database.clone(), cipher.clone(), clock.clone()),
            projects: Projects::new(database.clone(), cipher.clone(), clock.clone()),
            commitments: Commitments::new(database.clone(), clock.clone()),
            milestones: Milestones::new(database.clone(), cipher.clone(), clock.clone()),
            disbursements: Disbursements::new(database.clone(), cipher.clone(), clock.clone()),
            corridors,
            ledger,
            database,
            cipher,
            clock,
            configuration,
            owner_url: ground.owner_url,
        };
        Ok(Self { house: Arc::new(house), writers, postgres: ground.postgres, directory })
    }

    /// Finishes what was accepted and closes everything, the private PostgreSQL last.
    pub async fn close(self) {
        let Self { house, writers, postgres, .. } = self;
        // The threads of the servers let go of their shares a moment after the servers have ended.
        let until = tokio::time::Instant::now() + LET_GO_WITHIN;
        while Arc::strong_count(&house) > 1 && tokio::time::Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        if Arc::strong_count(&house) > 1 {
            tracing::warn!("something still holds the house; its writers are not waited for");
        } else {
            drop(house);
            for writer in writers {
                writer.finished().await;
            }
        }
        // Ends sessions and writes everything out.
        let stopped = tokio::task::spawn_blocking(move || drop(postgres)).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "PostgreSQL was not stopped in order");
        }
    }
}

impl House {
    /// What a person may send, as their tier says: onboarding's answer in the words of remittances.
    pub(crate) fn sending_limits(&self, person: &Person) -> SendingLimits {
        let tier = if person.has_lowered_limits() { person.tier().min(Tier::Identity) } else { person.tier() };
        self.configuration.sending_limits(tier)
    }

    /// The feed of a book.
    pub(crate) fn feed(&self, book: BookId) -> Result<&Feed, ClearingError> {
        let feed = self.feeds.iter().find(|(number, _)| *number == book);
        feed.map(|(_, feed)| feed).ok_or(ClearingError::UnknownBook(book))
    }

    /// Ends all who follow.
    pub(crate) fn close_feeds(&self) {
        self.feeds.iter().for_each(|(_, feed)| feed.close());
    }

    /// The pseudonyms under which a grant shows people.
    pub(crate) fn pseudonyms(&self, grant: Uuid) -> Subjects {
        let secret = self.cipher.blind_index(PSEUDONYMS, "");
        Subjects::Pseudonyms(PseudonymKey::for_grant(&secret, grant))
    }

    /// Whether the database answers and its schema is up to date, and the writer keeps up.
    pub(crate) async fn readiness(&self) -> Result<(), String> {
        self.ledger.head().await.map_err(|error| error.to_string())?;
        let pending = platform::migrations::is_pending(&self.owner_url).await.map_err(|error| error.to_string())?;
        if pending {
            return Err("migrations are behind".to_owned());
        }
        if self.clearing.books().iter().any(|book| book.queue_length() >= ledger::MAX_QUEUED_UNITS) {
            return Err("a writer of the ledger is stuck".to_owned());
        }
        Ok(())
    }
}

/// Opens book 1 and those that the configuration names, each with its writer and what wakes its feed, in this order.
async fn open_books(
    configuration: &Configuration,
    database: &Database,
    clock: &Clock,
    metrics: &Metrics,
) -> Result<(Clearing, Vec<WriterTask>, Vec<FeedWaker>), OpenError> {
    let open = async |book, name: &str| {
        let waker = FeedWaker::default();
        let settings = BookSettings {
            book,
            name: name.to_owned(),
            chart: configuration.chart.clone(),
            clock: clock.clone(),
            observer: Some(waker.observer(metrics.batch_observer())),
        };
        let (ledger, writer) = Ledger::open(database.clone(), settings).await?;
        Ok::<_, OpenError>((ledger, writer, waker))
    };
    let (first, writer, waker) = open(BookId::FIRST, crate::configuration::FIRST_BOOK).await?;
    let (mut further, mut writers, mut wakers) = (Vec::new(), vec![writer], vec![waker]);
    for book in &configuration.settings.books {
        let (ledger, writer, waker) = open(BookId::new(book.number), &book.name).await?;
        further.push(ledger);
        writers.push(writer);
        wakers.push(waker);
    }
    Ok((Clearing::try_new(first, further)?, writers, wakers))
}

async fn ground(configuration: &Configuration) -> Result<(Ground, PathBuf), OpenError> {
    let named = configuration.settings.data_directory.clone();
    if let Some(url) = &configuration.settings.database.url {
        std::fs::create_dir_all(&named).map_err(OpenError::file(&named))?;
        tracing::info!("using the PostgreSQL that database.url names");
        return Ok((Ground { owner_url: url.clone(), server_url: url.clone(), postgres: None }, named));
    }
    let started = match start_embedded(&named).await {
        Err(OpenError::Platform(platform::Error::DirectoryClosed { .. })) if named.is_relative() => {
            let other = PathBuf::from(DIRECTORY_FOR_ROOT);
            tracing::info!(directory = %other.display(), "the data directory is closed to PostgreSQL's user; using another");
            (start_embedded(&other).await?, other)
        }
        started => (started?, named),
    };
    let (postgres, directory) = started;
    tracing::info!(directory = %directory.display(), "started a private PostgreSQL");
    let ground =
        Ground { owner_url: postgres.owner_url(), server_url: postgres.server_url(), postgres: Some(postgres) };
    Ok((ground, directory))
}

async fn start_embedded(directory: &Path) -> Result<EmbeddedPostgres, OpenError> {
    let settings = EmbeddedSettings { data_directory: directory.join("postgresql"), binaries: None };
    let started = tokio::task::spawn_blocking(move || EmbeddedPostgres::start(&settings)).await;
    Ok(started.map_err(|error| OpenError::CutOff(error.to_string()))??)
}

fn master_key(configuration: &Configuration, directory: &Path) -> Result<SecretString, OpenError> {
    let secrets = &configuration.settings.secrets;
    if let Some(key) = &secrets.master_key {
        return Ok(key.clone());
    }
    if let Some(path) = &secrets.master_key_file {
        let text: SecretString = std::fs::read_to_string(path).map_err(OpenError::file(path))?.into();
        return Ok(text.expose_secret().trim().to_owned().into());
    }
    let path = directory.join("keys").join("master.key");
    keys::load_or_make(&path, Cipher::generate_key).map_err(OpenError::file(&path))
}
