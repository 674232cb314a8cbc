//! Starts the private PostgreSQL on a directory, says its process id, and waits to be killed: for the tests of what
//! happens then.

use platform::postgres::{EmbeddedPostgres, EmbeddedSettings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data_directory = std::env::args_os().nth(1).ok_or("a directory is missing")?.into();
    let postgres = EmbeddedPostgres::start(&EmbeddedSettings { data_directory, binaries: None })?;
    let process_id = postgres.process_id().ok_or("PostgreSQL is not running")?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{process_id}\n").as_bytes())?;
    loop {
        std::thread::park();
    }
}
