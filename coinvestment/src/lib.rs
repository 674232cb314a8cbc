//! The coinvestment room.
