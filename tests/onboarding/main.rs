//! Onboarding on a real database: who comes to own a contact, who is locked out, who lets in the first operator.

mod door;
mod first_operator;
mod protected_accounts;
mod registrations;
mod rights;
mod screening;
mod sign_ins;
