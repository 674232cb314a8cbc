/// The template of the message that a document was decided.
pub const DOCUMENT_REVIEWED_TEMPLATE: &str = "document-reviewed";
/// The template of the message that a document expires soon.
pub const DOCUMENT_EXPIRES_SOON_TEMPLATE: &str = "document-expires-soon";
/// The template of the message that a document expired and the tier fell with it.
pub const DOCUMENT_EXPIRED_TEMPLATE: &str = "document-expired";
