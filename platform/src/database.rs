//! Connections to PostgreSQL: pooled for everybody, dedicated for the ledger's writer.

use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::error::with_causes;

/// A connection on loan from the pool.
pub type Connection = Object<AsyncPgConnection>;

/// How long opening a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long a request waits for a free connection.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(10);

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The server's role: reads and writes what the rooms need, and cannot change entries or postings.
    Server,
    /// The auditors' role: reads only.
    Reader,
}

impl Access {
    const fn setup(self) -> &'static str {
        match self {
            Self::Server => {
                "set role teranga_server; set statement_timeout = '30s'; set lock_timeout = '10s'; \
                 set idle_in_transaction_session_timeout = '60s'; set timezone = 'UTC'; set jit = off"
            }
            Self::Reader => {
                "set role teranga_reader; set default_transaction_read_only = on; set statement_timeout = '10min'; \
                 set idle_in_transaction_session_timeout = '60s'; set timezone = 'UTC'"
            }
        }
    }
}

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    url: Arc<SecretString>,
    access: Access,
}

impl Database {
    /// A pool of at most `size` connections, opened when needed.
    ///
    /// # Errors
    /// [`Error::Url`] or [`Error::Pool`]; that the server answers is found out with the first connection.
    pub fn connect(url: &SecretString, size: usize, access: Access) -> Result<Self, Error> {
        parse(url.expose_secret())?;
        let mut config = ManagerConfig::<AsyncPgConnection>::default();
        config.custom_setup = Box::new(move |url| Box::pin(establish(url.to_owned(), access)));
        let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), config);
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(WAIT_FOR_CONNECTION))
            .create_timeout(Some(CONNECT_WITHIN))
            .recycle_timeout(Some(CONNECT_WITHIN))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Pool(error.to_string()))?;
        Ok(Self { pool, url: Arc::new(url.clone()), access })
    }

    /// A connection from the pool.
    ///
    /// # Errors
    /// [`Error::Pool`] when none becomes free or can be opened in time.
    pub async fn connection(&self) -> Result<Connection, Error> {
        self.pool.get().await.map_err(|error| Error::Pool(with_causes(&error)))
    }

    /// A connection of one's own, outside of the pool.
    ///
    /// # Errors
    /// [`Error::Connection`] when it cannot be opened in time.
    pub async fn dedicated_connection(&self) -> Result<AsyncPgConnection, Error> {
        Ok(establish(self.url.expose_secret().to_owned(), self.access).await?)
    }
}

/// Opens a connection with the URL's own role; for migrations.
///
/// # Errors
/// [`Error::Connection`] when it cannot be opened in time.
pub async fn owner_connection(url: &SecretString) -> Result<AsyncPgConnection, Error> {
    Ok(open(url.expose_secret()).await?)
}

async fn establish(url: String, access: Access) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = open(&url).await?;
    connection.batch_execute(access.setup()).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn bad(error: impl std::error::Error) -> ConnectionError {
    ConnectionError::BadConnection(with_causes(&error))
}

fn parse(url: &str) -> Result<tokio_postgres::Config, Error> {
    // The driver knows `require` and less. All certificates are verified here, so the two stricter words mean the same.
    let url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    let mut config: tokio_postgres::Config = url.parse().map_err(|_| Error::Url("it cannot be parsed".to_owned()))?;
    config.connect_timeout(CONNECT_WITHIN).application_name("teranga");
    Ok(config)
}

async fn open(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let config = parse(url).map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
    if config.get_ssl_mode() == SslMode::Disable || is_local(&config) {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let connector = MakeRustlsConnect::new(tls().map_err(bad)?);
        let (client, connection) = config.connect(connector).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// Whether all hosts are unix sockets, which have no TLS.
fn is_local(config: &tokio_postgres::Config) -> bool {
    config.get_hosts().iter().all(|host| matches!(host, tokio_postgres::config::Host::Unix(_)))
}

fn tls() -> Result<rustls::ClientConfig, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let fault = |error: rustls::Error| Error::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .with_platform_verifier()
        .map_err(fault)?
        .with_no_client_auth())
}
