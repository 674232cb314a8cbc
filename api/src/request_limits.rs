//! How often one client may ask: told in every answer, and refused past it.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use onboarding::ClientNetwork;

use crate::configuration::RequestLimits;
use crate::problem::{Problem, kinds};

type Limiter = RateLimiter<ClientNetwork, DashMapStateStore<ClientNetwork>, DefaultClock, StateInformationMiddleware>;

/// The limits, and how much of them each client has used.
pub(crate) struct Limits {
    requests: Limiter,
    sign_ins: Limiter,
    burst: u32,
}

/// How much a client may still ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remaining {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
}

impl Limits {
    pub(crate) fn new(limits: RequestLimits) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let requests = Quota::per_second(at_least_one(limits.per_second)).allow_burst(at_least_one(limits.burst));
        let sign_ins = Quota::per_minute(at_least_one(limits.sign_ins_per_minute));
        Self {
            requests: RateLimiter::keyed(requests).with_middleware(),
            sign_ins: RateLimiter::keyed(sign_ins).with_middleware(),
            burst: limits.burst,
        }
    }

    /// Counts a request of a client.
    pub(crate) fn check(&self, client: IpAddr, route: &str) -> Result<Remaining, Problem> {
        let client = ClientNetwork::of(client);
        if is_sign_in(route) {
            decide(&self.sign_ins, client)?;
        }
        let remaining = decide(&self.requests, client)?;
        Ok(Remaining { limit: self.burst, remaining })
    }

    /// Forgets clients that have not asked for a while.
    pub(crate) fn tidy(&self) {
        self.requests.retain_recent();
        self.sign_ins.retain_recent();
    }
}

fn decide(limiter: &Limiter, client: ClientNetwork) -> Result<u32, Problem> {
    match limiter.check_key(&client) {
        Ok(state) => Ok(state.remaining_burst_capacity()),
        Err(refused) => {
            let wait = refused.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            Err(Problem::new(&kinds::TOO_MANY_REQUESTS, format!("try again in {wait} s"))
                .retry_after(u32::try_from(wait).unwrap_or(u32::MAX)))
        }
    }
}

fn is_sign_in(route: &str) -> bool {
    route.ends_with("/tokens")
        || route.ends_with("/oauth/token")
        || route.starts_with("/v1/mobile/registrations")
        || route.starts_with("/v1/mobile/recoveries")
        || route.starts_with("/v1/mobile/tokens/")
}
