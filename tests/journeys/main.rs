//! Journeys: what people do, over HTTP, from the first request to what the book says of it.

mod access;
mod exports;
mod faulty;
mod giving_up;
mod operations;
mod pay_ins;
mod prices;
mod projects;
mod referrals;
mod repeating;
mod whole_path;
