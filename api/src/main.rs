//! The program `teranga`; see `teranga --help`.

fn main() -> std::process::ExitCode {
    api::run()
}
