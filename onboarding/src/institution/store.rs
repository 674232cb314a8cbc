use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use platform::clock::Clock;
use platform::database::Database;

use super::{InstitutionApplication, InstitutionCode, InstitutionEvent, InstitutionId, InstitutionState, Product};
use crate::schema::institutions;
use crate::{Country, Error, Operator};

/// Institutions that one list shows at most.
const MOST_SHOWN: i64 = 500;

/// All institutions.
#[derive(Clone)]
pub struct Institutions {
    database: Database,
    clock: Clock,
}

type Row = (InstitutionId, String, String, String, Vec<String>, Vec<String>, Vec<String>);

type Columns = (
    institutions::institution_id,
    institutions::code,
    institutions::name,
    institutions::country,
    institutions::regions,
    institutions::languages,
    institutions::products,
);

const COLUMNS: Columns = (
    institutions::institution_id,
    institutions::code,
    institutions::name,
    institutions::country,
    institutions::regions,
    institutions::languages,
    institutions::products,
);

impl Institutions {
    /// The institutions of a database.
    #[must_use]
    pub const fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Takes in an institution's profile.
    ///
    /// # Errors
    /// [`Error::Text`] with the field, [`Error::CodeTaken`].
    pub async fn apply(&self, _by: &Operator, application: InstitutionApplication) -> Result<InstitutionId, Error> {
        let application = application.checked()?;
        let id = InstitutionId::generate();
        let words: Vec<&str> = application.products.iter().map(|product| product.word()).collect();
        let mut connection = self.database.connection().await?;
        let inserted = diesel::insert_into(institutions::table)
            .values((
                institutions::institution_id.eq(id),
                institutions::code.eq(application.code.as_str()),
                institutions::name.eq(&application.name),
                institutions::country.eq(application.country.code()),
                institutions::regions.eq(&application.regions),
                institutions::languages.eq(&application.languages),
                institutions::products.eq(words),
                institutions::state.eq(InstitutionState::Applied.word()),
                institutions::created_at.eq(self.clock.now()),
            ))
            .on_conflict(institutions::code)
            .do_nothing()
            .execute(&mut connection)
            .await?;
        if inserted == 1 { Ok(id) } else { Err(Error::CodeTaken) }
    }

    /// Moves an institution on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`].
    pub async fn advance(
        &self,
        _by: &Operator,
        id: InstitutionId,
        event: InstitutionEvent,
    ) -> Result<InstitutionState, Error> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                let word: String = institutions::table
                    .find(id)
                    .select(institutions::state)
                    .for_update()
                    .first(connection)
                    .await
                    .optional()?
                    .ok_or(Error::NotFound("institution"))?;
                let state = InstitutionState::from_word(&word)?.after(event)?;
                diesel::update(institutions::table.find(id))
                    .set(institutions::state.eq(state.word()))
                    .execute(connection)
                    .await?;
                Ok(state)
            })
            .await
    }

    /// The live institutions, by code.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live(&self) -> Result<Vec<(InstitutionId, InstitutionApplication)>, Error> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<Row> = institutions::table
            .filter(institutions::state.eq(InstitutionState::Live.word()))
            .order(institutions::code)
            .limit(MOST_SHOWN)
            .select(COLUMNS)
            .load(&mut connection)
            .await?;
        rows.into_iter().map(profile).collect()
    }

    /// The live institution of that code.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn live_by_code(&self, code: &InstitutionCode) -> Result<(InstitutionId, InstitutionApplication), Error> {
        let mut connection = self.database.connection().await?;
        let row: Option<Row> = institutions::table
            .filter(institutions::code.eq(code.as_str()))
            .filter(institutions::state.eq(InstitutionState::Live.word()))
            .select(COLUMNS)
            .first(&mut connection)
            .await
            .optional()?;
        profile(row.ok_or(Error::NotFound("institution"))?)
    }
}

fn profile(
    (id, code, name, country, regions, languages, products): Row,
) -> Result<(InstitutionId, InstitutionApplication), Error> {
    let profile = InstitutionApplication {
        code: InstitutionCode::try_new(&code).map_err(|_| Error::Corrupt("an institution's code"))?,
        name,
        country: Country::try_new(&country).map_err(|_| Error::Corrupt("a country"))?,
        regions,
        languages,
        products: products.iter().map(|word| Product::from_word(word)).collect::<Result<_, _>>()?,
    };
    Ok((id, profile))
}
