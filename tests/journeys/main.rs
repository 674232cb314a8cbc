//! Journeys: what people do, over HTTP, from the first request to what the book says of it.

mod access;
mod auditing;
mod books;
mod documents;
mod exports;
mod faulty;
mod feed;
mod giving_up;
mod governance;
mod grants;
mod log;
mod operations;
mod partner_feed;
mod pay_ins;
mod prices;
mod projects;
mod pseudonyms;
mod reconciliation;
mod referrals;
mod repeating;
mod screening;
mod units;
mod whole_path;
