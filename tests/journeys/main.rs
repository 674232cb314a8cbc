//! Journeys: what people do, over HTTP, from the first request to what the book says of it.

mod access;
mod books;
mod faulty;
mod feed;
mod giving_up;
mod operations;
mod pay_ins;
mod prices;
mod projects;
mod referrals;
mod repeating;
mod whole_path;
