//! Images, as the OpenAPI documents tell of them: bytes that are no JSON.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// The bytes of an image.
pub(crate) enum ImageBytes {}

impl PartialSchema for ImageBytes {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for ImageBytes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ImageBytes")
    }
}
