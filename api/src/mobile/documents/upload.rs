use actix_web::http::header;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use onboarding::{ImageFault, MAX_IMAGE_BYTES, looks_like_image};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::{Problem, kinds};

/// Images that are taken in at once, each in memory: on a disk they would lie unsealed.
const UPLOADS_AT_ONCE: usize = 16;

static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_AT_ONCE);

fn refused(fault: ImageFault) -> Problem {
    onboarding::Error::from(fault).into()
}

/// Takes in an image piece by piece: no more than it may have, and no further than it can be one. Its place is kept until
/// the image is stored.
pub(super) async fn receive(
    request: &HttpRequest,
    mut body: web::Payload,
) -> Result<(Vec<u8>, SemaphorePermit<'static>), Problem> {
    let too_large = || refused(ImageFault::Bytes { most: MAX_IMAGE_BYTES });
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_IMAGE_BYTES as u64) {
        return Err(too_large());
    }
    let busy = || Problem::new(&kinds::BUSY, "too many images are on their way").retry_after(1);
    let place = UPLOADS.try_acquire().map_err(|_| busy())?;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Problem::new(&kinds::MALFORMED, "the body did not arrive whole"))?;
        if bytes.len() + piece.len() > MAX_IMAGE_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
        if !looks_like_image(&bytes) {
            return Err(refused(ImageFault::Form));
        }
    }
    Ok((bytes, place))
}
