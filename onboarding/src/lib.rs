//! The onboarding room.
