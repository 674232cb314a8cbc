//! The command line.

mod export;
mod load;
mod log;
mod screening;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use platform::clock::Clock;

use crate::configuration::Configuration;
use crate::server::Server;
use crate::{demo, logs};

/// Teranga: remittances that pay the family at once and, with consent, build at home.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    /// A TOML file whose settings override the defaults; see config/teranga.toml for all of them.
    #[arg(long, global = true, env = "TERANGA_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, with what is in the database.
    Serve,
    /// Play the whole main job on shipped data against the running server, then go on serving.
    Demo(demo::Options),
    /// Recompute every book, or an export by itself, and name the first difference of each kind.
    Verify(verify::Options),
    /// Book entries from a CSV or JSON Lines file: opening balances, a history.
    Load(load::Options),
    /// Prove from the transparency log, and check proofs without the server.
    Log {
        #[command(subcommand)]
        command: log::Command,
    },
    /// Write the book, or a period of it, for those who check it with their own tools.
    Export {
        #[command(subcommand)]
        command: export::Command,
    },
    /// Load lists of sanctions.
    Screening {
        #[command(subcommand)]
        command: screening::Command,
    },
    /// Print the OpenAPI document of each audience into a directory.
    Openapi {
        /// The directory.
        directory: PathBuf,
    },
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check it whole and print what is in force, secrets masked.
    Check,
}

/// What a command failed of.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program by the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(execute(line)));
    match done {
        Ok(code) => code,
        Err(failure) => {
            complain(&*failure);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the last words of the program, logging started or not")]
fn complain(failure: &dyn std::error::Error) {
    eprintln!("teranga: {failure}");
}

#[allow(clippy::print_stdout, reason = "what the command was asked to print")]
fn say(text: &str) {
    println!("{text}");
}

async fn execute(line: CommandLine) -> Result<ExitCode, Failure> {
    let configuration = Configuration::load(line.config.as_deref())?;
    match line.command {
        Command::Serve => {
            logs::start(&configuration.settings.log);
            let server = Server::start(configuration, Clock::system()).await?;
            until_told().await?;
            server.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(options) => demo::run(configuration, options).await,
        Command::Verify(options) => {
            logs::start(&configuration.settings.log);
            verify::run(configuration, options).await
        }
        Command::Load(options) => {
            logs::start(&configuration.settings.log);
            load::run(configuration, options).await
        }
        Command::Log { command } => {
            logs::start(&configuration.settings.log);
            log::run(configuration, command).await
        }
        Command::Export { command } => {
            logs::start(&configuration.settings.log);
            export::run(configuration, command).await
        }
        Command::Screening { command } => {
            logs::start(&configuration.settings.log);
            screening::run(configuration, command).await
        }
        Command::Openapi { directory } => {
            std::fs::create_dir_all(&directory)?;
            for (name, text) in crate::server::openapi_documents()? {
                std::fs::write(directory.join(format!("{name}.json")), text + "\n")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Config { command: ConfigCommand::Check } => {
            say(&configuration.masked());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Waits for Ctrl-C or for the system's wish to end.
pub(crate) async fn until_told() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}
