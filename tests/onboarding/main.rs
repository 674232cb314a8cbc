//! Onboarding on a real database: who comes to own a contact, who is locked out, who lets in the first operator.

mod authenticator;
mod devices;
mod door;
mod first_operator;
mod protected_accounts;
mod recoveries;
mod registrations;
mod rights;
mod screening;
mod second_factors;
mod sign_ins;
