use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// How mail goes out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// By which way.
    pub transport: MailTransport,
    /// The sender; the domain is that of the mails' ids too.
    pub from: String,
    /// The server, for SMTP.
    pub smtp_url: Option<SecretString>,
    /// Who vouches for the server's certificate, beside the authorities that everybody trusts.
    pub smtp_ca_file: Option<PathBuf>,
}

/// By which way mail goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Into files, for development.
    File,
    /// To a server.
    Smtp,
}

/// How text messages go out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSettings {
    /// Who brings them to phones.
    pub gateway_url: Option<String>,
    /// What lets us in there.
    pub token: Option<SecretString>,
    /// The file that holds it.
    pub token_file: Option<PathBuf>,
}

/// How the connection to a mail server is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From its first byte.
    Wrapped,
    /// After STARTTLS, or not at all.
    Required,
    /// After STARTTLS where the server has it.
    Opportunistic,
    /// Not.
    None,
}

/// Where a mail server is, in lettre's words: `smtps://`, or `smtp://` with `?tls=required` or `opportunistic`.
pub(super) struct SmtpUrl {
    pub(super) host: String,
    pub(super) encryption: Encryption,
    has_password: bool,
}

impl SmtpUrl {
    pub(super) fn try_new(text: &SecretString) -> Option<Self> {
        let url = Url::parse(text.expose_secret()).ok()?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let encryption = match (url.scheme(), tls.as_deref()) {
            ("smtps", _) => Encryption::Wrapped,
            ("smtp", Some("required")) => Encryption::Required,
            ("smtp", Some("opportunistic")) => Encryption::Opportunistic,
            ("smtp", None) => Encryption::None,
            _ => return None,
        };
        Some(Self { host: url.host_str()?.to_owned(), encryption, has_password: url.password().is_some() })
    }
}

/// Whether it is this machine itself.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Names what is wrong with the settings of messages.
pub(crate) fn check(mail: &MailSettings, sms: &SmsSettings, require: &mut impl FnMut(bool, &str)) {
    require(mail.from.parse::<lettre::message::Mailbox>().is_ok(), "mail.from: is no mail address");
    match &mail.smtp_url {
        None => require(mail.transport == MailTransport::File, "mail.smtp_url: is missing, and mail.transport is smtp"),
        Some(url) => match SmtpUrl::try_new(url) {
            None => require(false, "mail.smtp_url: is smtps://host or smtp://host, with ?tls=required for STARTTLS"),
            Some(url) => {
                let kept = matches!(url.encryption, Encryption::Wrapped | Encryption::Required);
                let told = "mail.smtp_url: a password goes only through smtps:// or ?tls=required";
                require(kept || !url.has_password || is_here(&url.host), told);
                let vain = mail.smtp_ca_file.is_some() && url.encryption == Encryption::None;
                require(!vain, "mail.smtp_ca_file: is set, and mail.smtp_url asks for no TLS");
            }
        },
    }
    let url = sms.gateway_url.as_deref().map(Url::parse);
    let is_kept = |url: &Url| match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_here),
        _ => false,
    };
    let kept = url.is_none_or(|url| url.as_ref().is_ok_and(is_kept));
    require(kept, "sms.gateway_url: starts with https://, or with http:// for this machine itself");
    require(sms.token.is_none() || sms.token_file.is_none(), "sms: token or token_file, not both");
}

#[cfg(test)]
mod tests {
    use crate::configuration::Configuration;

    fn is_sound(settings: &str) -> bool {
        Configuration::from_toml(settings).is_ok()
    }

    #[test]
    fn a_password_goes_through_tls_or_stays_on_the_machine() {
        let mail = |url: &str| is_sound(&format!("[mail]\ntransport = \"smtp\"\nsmtp_url = \"{url}\""));
        for url in [
            "smtps://a:b@mail.example.org",
            "smtp://a:b@mail.example.org?tls=required",
            "smtp://a:b@127.0.0.1:2525",
            "smtp://relay?tls=opportunistic",
            "smtp://[::1]:25",
        ] {
            assert!(mail(url), "{url}");
        }
        for url in [
            "smtp://a:b@mail.example.org",
            "smtp://a:b@mail.example.org?tls=opportunistic",
            "smtp://mail.example.org?tls=maybe",
            "https://mail.example.org",
            "mail.example.org",
        ] {
            assert!(!mail(url), "{url}");
        }
        assert!(!is_sound("[mail]\nsmtp_url = \"smtp://relay\"\nsmtp_ca_file = \"ca.pem\""));
        let gateway = |url: &str| is_sound(&format!("[sms]\ngateway_url = \"{url}\"\ntoken = \"t\""));
        assert!(gateway("https://sms.example.org/v1/send") && gateway("http://localhost:9000/"));
        assert!(!gateway("http://sms.example.org/") && !gateway("sms.example.org"));
        assert!(!is_sound("[sms]\ntoken = \"t\"\ntoken_file = \"f\""));
    }
}
