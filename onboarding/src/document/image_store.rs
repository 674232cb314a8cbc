use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::picture::{Rewritten, rewrite};
use super::store::{Row, own_in};
use super::{Document, DocumentId, DocumentState, Documents};
use crate::personal_data::{PersonalData, record_read_in};
use crate::schema::{document_images, documents};
use crate::{Error, Operator, Person, PersonId};

/// Images of a document: two sides of a card, or pages.
pub const MAX_IMAGES: i16 = 4;

/// Which image of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageOrdinal(i16);

impl ImageOrdinal {
    /// The image of that number, counted from 1.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a number that no document has.
    pub fn try_new(number: i16) -> Result<Self, Error> {
        if (1..=MAX_IMAGES).contains(&number) { Ok(Self(number)) } else { Err(Error::NotFound("image")) }
    }
}

/// An image as it is kept, without its content.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = document_images)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct StoredImage {
    /// Which, counted from 1.
    pub ordinal: i16,
    /// Pixels from left to right.
    pub width: i32,
    /// Pixels from top to bottom.
    pub height: i32,
}

/// What is written of an image, whether another one was there or not.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = document_images)]
struct Content {
    width: i32,
    height: i32,
    sealed_image: Vec<u8>,
    stored_at: DateTime<Utc>,
}

/// What an image is sealed for: it opens as no other document's.
fn context(id: DocumentId, ordinal: ImageOrdinal) -> String {
    format!("onboarding.document_images.image/{id}/{}", ordinal.0)
}

impl Documents {
    /// That a person's document takes images now, for a look before one is sent.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] once somebody has looked at it.
    pub async fn takes_images(&self, person: &Person, id: DocumentId) -> Result<(), Error> {
        takes_images(&self.get(person, id).await?)
    }

    /// Keeps an image of a document, in place of the one that was there under its number. It is written anew from its
    /// pixels, and sealed.
    ///
    /// # Errors
    /// [`Error::Image`] for what is no image within bounds, and those of [`Documents::takes_images`].
    pub async fn put_image(
        &self,
        person: &Person,
        id: DocumentId,
        ordinal: ImageOrdinal,
        bytes: Vec<u8>,
    ) -> Result<Document, Error> {
        let turn = Arc::clone(&self.decoding).acquire_owned().await.map_err(|_| Error::CutOff)?;
        let (cipher, context) = (self.cipher.clone(), context(id, ordinal));
        let work = move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _turn = turn;
            let Rewritten { bytes, width, height } = rewrite(&bytes)?;
            Ok::<_, Error>((cipher.encrypt_bytes(&context, &bytes), width, height))
        };
        let (sealed, width, height) = tokio::task::spawn_blocking(work).await.map_err(|_| Error::CutOff)??;
        let side = |pixels: u32| i32::try_from(pixels).map_err(|_| Error::Corrupt("an image's size"));
        let content =
            Content { width: side(width)?, height: side(height)?, sealed_image: sealed, stored_at: self.clock.now() };
        let mut connection = self.database.connection().await?;
        connection
            .transaction(async |connection| {
                takes_images(&own_in(connection, person, id).await?)?;
                diesel::insert_into(document_images::table)
                    .values((document_images::document_id.eq(id), document_images::ordinal.eq(ordinal.0), &content))
                    .on_conflict((document_images::document_id, document_images::ordinal))
                    .do_update()
                    .set(&content)
                    .execute(connection)
                    .await?;
                let images: i64 = document_images::table
                    .filter(document_images::document_id.eq(id))
                    .count()
                    .get_result(connection)
                    .await?;
                let images = i16::try_from(images).map_err(|_| Error::Corrupt("a document's images"))?;
                let row: Row = diesel::update(documents::table.find(id))
                    .set((documents::images.eq(images), documents::revision.eq(documents::revision + 1)))
                    .returning(Row::as_returning())
                    .get_result(connection)
                    .await?;
                row.document()
            })
            .await
    }

    /// An image as an operator looks at it, a JPEG; that they did is recorded.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn image(&self, by: &Operator, id: DocumentId, ordinal: ImageOrdinal) -> Result<Vec<u8>, Error> {
        let mut connection = self.database.connection().await?;
        let sealed: Vec<u8> = connection
            .transaction(async |connection| {
                let row: Option<(PersonId, Vec<u8>)> = document_images::table
                    .inner_join(documents::table)
                    .filter(document_images::document_id.eq(id))
                    .filter(document_images::ordinal.eq(ordinal.0))
                    .select((documents::person_id, document_images::sealed_image))
                    .first(connection)
                    .await
                    .optional()?;
                let (person, sealed) = row.ok_or(Error::NotFound("image"))?;
                let what = PersonalData::DocumentImage { document: id, ordinal: ordinal.0 };
                record_read_in(connection, by, person, what, self.clock.now()).await?;
                Ok::<_, Error>(sealed)
            })
            .await?;
        let (cipher, context) = (self.cipher.clone(), context(id, ordinal));
        let open = move || cipher.decrypt_bytes(&context, &sealed);
        Ok(tokio::task::spawn_blocking(open).await.map_err(|_| Error::CutOff)??)
    }
}

fn takes_images(document: &Document) -> Result<(), Error> {
    match document.state {
        DocumentState::Submitted => Ok(()),
        state => Err(Error::WrongState { thing: "document", state: state.word(), wanted: "given an image" }),
    }
}
