//! Who is let in: each handler names whom it serves, and only the check here can make one.

use std::future::Future;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use onboarding::{Auditor, DeviceId, GrantId, Institution, InstitutionId, Operator, OperatorId, Person, PersonId};
use uuid::Uuid;

use crate::house::House;
use crate::problem::{Problem, kinds};
use crate::tokens::{Audience, Bearer};

/// Somebody who showed a token for this surface, and may still come in.
pub(crate) struct Admitted<T>(T);

impl<T> Deref for Admitted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Who can be let in.
pub(crate) trait Admit: Sized + 'static {
    /// By tokens of which audience.
    const AUDIENCE: Audience;

    /// Looks whether whom the token names may still come in; `what` is what is asked for.
    fn recognise(house: &House, bearer: Bearer, what: &str) -> impl Future<Output = Result<Self, Problem>>;

    /// The token's subject, under which idempotency keys are kept.
    fn subject(&self) -> Uuid;
}

impl<T: Admit> FromRequest for Admitted<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let house = request.app_data::<web::Data<House>>().cloned();
        let token = bearer(request).map(ToOwned::to_owned);
        let what = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        Box::pin(async move {
            let house = house.ok_or_else(|| Problem::internal(&"the house is not at hand"))?;
            let refused = |detail: &str| Problem::new(&kinds::UNAUTHENTICATED, detail);
            let token = token.ok_or_else(|| refused("the header Authorization: Bearer is missing"))?;
            let bearer = house
                .tokens
                .check(T::AUDIENCE, &token, house.clock.now())
                .map_err(|_| refused("the token is not good here: expired, of another surface, or not ours"))?;
            Ok(Self(T::recognise(&house, bearer, &what).await?))
        })
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Admit for Person {
    const AUDIENCE: Audience = Audience::Mobile;

    async fn recognise(house: &House, bearer: Bearer, _: &str) -> Result<Self, Problem> {
        // A token from before devices were kept names none.
        let device = bearer.device.ok_or(onboarding::Error::AccountUnusable)?;
        Ok(house.people.recognise(PersonId::from_uuid(bearer.subject), DeviceId::from_uuid(device)).await?)
    }

    fn subject(&self) -> Uuid {
        self.id().uuid()
    }
}

/// A person who showed more than their password: their device is proven, and their second factor was shown lately if they
/// have one. Who lets money out asks for it.
#[derive(Clone, Debug)]
pub(crate) struct StronglyAuthenticated(Person);

impl Deref for StronglyAuthenticated {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.0
    }
}

impl Admit for StronglyAuthenticated {
    const AUDIENCE: Audience = Audience::Mobile;

    async fn recognise(house: &House, bearer: Bearer, what: &str) -> Result<Self, Problem> {
        let person = Person::recognise(house, bearer, what).await?;
        person.must_be_strong()?;
        Ok(Self(person))
    }

    fn subject(&self) -> Uuid {
        self.0.id().uuid()
    }
}

impl Admit for Institution {
    const AUDIENCE: Audience = Audience::Partner;

    async fn recognise(house: &House, bearer: Bearer, _: &str) -> Result<Self, Problem> {
        Ok(house.access.recognise_institution(InstitutionId::from_uuid(bearer.subject)).await?)
    }

    fn subject(&self) -> Uuid {
        self.id().uuid()
    }
}

impl Admit for Operator {
    const AUDIENCE: Audience = Audience::Operator;

    async fn recognise(house: &House, bearer: Bearer, _: &str) -> Result<Self, Problem> {
        Ok(house.access.recognise_operator(OperatorId::from_uuid(bearer.subject)).await?)
    }

    fn subject(&self) -> Uuid {
        self.id().uuid()
    }
}

impl Admit for Auditor {
    const AUDIENCE: Audience = Audience::Audit;

    /// What an auditor reads is kept before it is shown.
    async fn recognise(house: &House, bearer: Bearer, what: &str) -> Result<Self, Problem> {
        let auditor = house.access.recognise_auditor(GrantId::from_uuid(bearer.subject)).await?;
        house.access.record_read(&auditor, what).await?;
        Ok(auditor)
    }

    fn subject(&self) -> Uuid {
        self.grant().uuid()
    }
}
