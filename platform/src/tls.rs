//! The cryptography behind TLS: one provider for the whole process.

/// Makes ring the process's provider; a process that has one keeps it. Whoever opens an HTTP client calls this first,
/// because the client finds its provider there.
pub fn install_provider() {
    // That another part of the process was first is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
