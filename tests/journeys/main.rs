//! Journeys: what people do, over HTTP, from the first request to what the book says of it.

mod access;
mod auditing;
mod books;
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
mod screened_projects;
mod screening;
mod units;
mod whole_path;
