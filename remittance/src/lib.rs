//! The remittance room.
