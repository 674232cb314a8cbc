//! The people of a database of a test's own, and what was sent to them.

use chrono::Duration;
use diesel_async::RunQueryDsl;
use onboarding::{
    ClientNetwork, Contact, Error, Language, Notice, PasswordPolicy, People, Person, RecoveryPolicy,
    SecondFactorPolicy, SignIn, SignInPolicy, SignedIn,
};
use platform::cipher::Cipher;
use platform::clock::Clock;
use platform::testing::TestDatabase;
use tests::Result;

/// When the clock stands still.
const START: &str = "2026-03-02T09:00:00Z";

/// What passkeys are bound to.
pub(crate) const DOMAIN: &str = "teranga.example";
/// Where they are used.
pub(crate) const ORIGIN: &str = "https://teranga.example";

pub(crate) struct Door {
    pub(crate) test: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) people: People,
    cipher: Cipher,
}

fn policy(memory_kib: u32) -> SignInPolicy {
    SignInPolicy {
        passwords: PasswordPolicy { memory_kib, passes: 1, at_once: 4 },
        second_factors: SecondFactorPolicy {
            issuer: "Teranga".to_owned(),
            fresh_minutes: 15,
            relying_party: Some(DOMAIN.to_owned()),
            origins: vec![ORIGIN.to_owned()],
        },
        recovery: RecoveryPolicy { wait_hours: 72, lowered_days: 30 },
        idle_days: 90,
        confirmation_proves_minutes: 60,
    }
}

impl Door {
    pub(crate) async fn new() -> Result<Self> {
        let test = TestDatabase::create().await?;
        let cipher = Cipher::try_new(&Cipher::generate_key())?;
        let clock = Clock::fixed(START.parse()?);
        let people = People::try_new(test.database()?, cipher.clone(), clock.clone(), &policy(64))?;
        Ok(Self { test, clock, people, cipher })
    }

    /// The same people, let in by a policy under which a password costs more.
    pub(crate) fn stricter(&self, memory_kib: u32) -> Result<People> {
        Ok(People::try_new(self.test.database()?, self.cipher.clone(), self.clock.clone(), &policy(memory_kib))?)
    }

    pub(crate) async fn register(&self, contact: &str, password: &str) -> Result {
        Ok(self.people.register(&Contact::try_new(contact)?, &password.to_owned().into(), Language::En).await?)
    }

    pub(crate) async fn resend(&self, contact: &str) -> Result {
        Ok(self.people.resend_code(&Contact::try_new(contact)?).await?)
    }

    pub(crate) async fn confirm(&self, contact: &str, code: &str) -> Result<std::result::Result<(), Error>> {
        Ok(self.people.confirm(&Contact::try_new(contact)?, code).await)
    }

    pub(crate) async fn sign_in(
        &self,
        contact: &str,
        password: &str,
        address: &str,
    ) -> Result<std::result::Result<SignIn, Error>> {
        let network = Self::network(address)?;
        Ok(self.people.sign_in(&Contact::try_new(contact)?, &password.to_owned().into(), network, None).await)
    }

    pub(crate) fn network(address: &str) -> Result<ClientNetwork> {
        Ok(ClientNetwork::of(address.parse()?))
    }

    /// Somebody who came in by the password.
    pub(crate) async fn entered(&self, contact: &str, password: &str, address: &str) -> Result<SignedIn> {
        match self.sign_in(contact, password, address).await?? {
            SignIn::Admitted(signed_in) => Ok(signed_in),
            SignIn::SecondFactor(_) => Err("the second factor is asked for".into()),
        }
    }

    /// Whom a device's token lets in.
    pub(crate) async fn recognised(&self, signed_in: &SignedIn) -> Result<Person> {
        Ok(self.people.recognise(signed_in.person, signed_in.device).await?)
    }

    /// Which text was sent to a contact last.
    pub(crate) async fn last_template(&self, contact: &str) -> Result<String> {
        Ok(self.notices(contact).await?.pop().ok_or("a notice")?.template)
    }

    /// What somebody can see of a sign-in.
    pub(crate) async fn seen(&self, contact: &str, password: &str, address: &str) -> Result<String> {
        Ok(match self.sign_in(contact, password, address).await? {
            Ok(_) => "come in".to_owned(),
            Err(error) => error.to_string(),
        })
    }

    /// A confirmed contact.
    pub(crate) async fn member(&self, contact: &str, password: &str) -> Result {
        self.register(contact, password).await?;
        let code = self.codes(contact).await?.pop().ok_or("no code was sent")?;
        self.confirm(contact, &code).await??;
        Ok(())
    }

    /// The texts sent to a contact, oldest first.
    pub(crate) async fn notices(&self, contact: &str) -> Result<Vec<Notice>> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Bytea)]
            sealed_payload: Vec<u8>,
        }
        let text = "select sealed_payload from platform.outbox where topic = 'mail' order by message_id";
        let rows: Vec<Row> = diesel::sql_query(text).load(&mut self.test.owner().await?).await?;
        let notices = rows.iter().map(|row| -> Result<Notice> {
            Ok(serde_json::from_str(&self.cipher.decrypt("mail", &row.sealed_payload)?)?)
        });
        Ok(notices.collect::<Result<Vec<_>>>()?.into_iter().filter(|notice| notice.to == contact).collect())
    }

    /// The codes sent to a contact, oldest first.
    pub(crate) async fn codes(&self, contact: &str) -> Result<Vec<String>> {
        Ok(self.notices(contact).await?.into_iter().filter_map(|notice| notice.code).collect())
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.advance(Duration::seconds(seconds));
    }
}

/// A code that is none of these.
pub(crate) fn wrong(codes: &[String]) -> String {
    (0..).map(|number| format!("{number:06}")).find(|code| !codes.contains(code)).unwrap_or_default()
}
