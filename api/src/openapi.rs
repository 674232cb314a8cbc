//! The OpenAPI documents, one an audience, made from the handlers.

use std::collections::BTreeMap;

use onboarding::Language;
use utoipa::IntoResponses;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use crate::problem::{MEDIA_TYPE, kinds};

/// The name of the security scheme in the documents.
pub(crate) const TOKEN: &str = "token";

/// A document without its paths.
pub(crate) fn document(title: &str, description: &str, signed_in: bool) -> OpenApi {
    let mut components = ComponentsBuilder::new().schema_from::<crate::problem::ProblemBody>();
    components = components.schema_from::<crate::problem::Fault>();
    if signed_in {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components = components.security_scheme(TOKEN, SecurityScheme::Http(scheme));
    }
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components.build())).build()
}

/// Says of bodies with a tag that they take no unknown fields, as their types do; utoipa says it of structs only.
pub(crate) fn closed(mut document: OpenApi) -> OpenApi {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    for schema in schemas {
        let RefOr::T(Schema::OneOf(variants)) = schema else { continue };
        for variant in &mut variants.items {
            if let RefOr::T(Schema::Object(object)) = variant {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
    document
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    RefOr::T(ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).build())
}

fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses
        .iter()
        .map(|status| {
            let kinds = kinds::ALL.iter().filter(|kind| kind.status == *status);
            let titles: Vec<String> = kinds.map(|kind| kind.title(Language::En)).collect();
            (status.to_string(), problem(&titles.join("; ")))
        })
        .collect()
}

/// What any request can be answered, without a token.
pub(crate) struct OpenProblems;

impl IntoResponses for OpenProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 404, 409, 422, 429, 500, 503])
    }
}

/// What any read with a token can be answered.
pub(crate) struct ReadProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 409, 422, 429, 500, 503])
    }
}

/// What any request with a body can be answered.
pub(crate) struct WriteProblems;

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503])
    }
}
