//! Images of documents: recognised by what is in them, decoded within bounds, and written anew.
//!
//! What is kept is made of the pixels alone. So nothing of the file that came survives: not the position where it was
//! taken, not what hides behind the picture or in its comments, and no other form that the same bytes may have.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// Bytes of an image as it comes in.
pub const MAX_IMAGE_BYTES: usize = 10 << 20;
/// Pixels on the longer side of an image as it comes in.
const MAX_SIDE: u32 = 12_000;
/// Pixels in all: twice what telephones take. A file of a few kilobytes can claim billions.
const MAX_PIXELS: u64 = 40_000_000;
/// Memory that the pixels may take; a decoder needs a few times as much while it works.
const MAX_DECODER_BYTES: u64 = 256 << 20;
/// Pixels on the longer side of what is kept: the small print of a passport's page is legible.
const KEPT_SIDE: u32 = 3_000;
/// Pixels on the shorter side of what anybody could read.
const MIN_SIDE: u32 = 16;
/// Of 100.
const KEPT_QUALITY: u8 = 88;
/// Bytes by which a form is recognised.
const SIGNATURE_BYTES: usize = 12;

/// Why an image is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    /// Its content is none of the forms that are read.
    #[error("an image is a JPEG, PNG or WebP by its content")]
    Form,
    /// It has too many bytes.
    #[error("an image has at most {} MiB", .most >> 20)]
    Bytes {
        /// The most.
        most: usize,
    },
    /// It has too many pixels, or too few to be read.
    #[error("an image has {least} to {most_side} pixels on a side, and at most {most} in all")]
    Pixels {
        /// The least on a side.
        least: u32,
        /// The most on a side.
        most_side: u32,
        /// The most in all.
        most: u64,
    },
    /// It is cut off or broken.
    #[error("the image is cut off or broken")]
    Broken,
}

const PIXELS: ImageFault = ImageFault::Pixels { least: MIN_SIDE, most_side: MAX_SIDE, most: MAX_PIXELS };

/// An image as it is kept.
pub(super) struct Rewritten {
    /// JPEG.
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The form of a file by its first bytes.
fn form(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Whether what has come so far can still become an image.
#[must_use]
pub fn looks_like_image(beginning: &[u8]) -> bool {
    beginning.len() < SIGNATURE_BYTES || form(beginning).is_some()
}

/// Reads an image and writes it anew; takes much time and memory, so it has a thread of its own.
pub(super) fn rewrite(bytes: &[u8]) -> Result<Rewritten, ImageFault> {
    if bytes.len() > MAX_IMAGE_BYTES {
        return Err(ImageFault::Bytes { most: MAX_IMAGE_BYTES });
    }
    let form = form(bytes).ok_or(ImageFault::Form)?;
    let image = upright(bytes, form)?;
    let image =
        if image.width().max(image.height()) > KEPT_SIDE { image.thumbnail(KEPT_SIDE, KEPT_SIDE) } else { image };
    let pixels = image.into_rgb8();
    let (width, height) = pixels.dimensions();
    let mut written = Vec::new();
    JpegEncoder::new_with_quality(&mut written, KEPT_QUALITY).encode_image(&pixels).map_err(|_| ImageFault::Broken)?;
    Ok(Rewritten { bytes: written, width, height })
}

/// Decodes, and turns the picture as the camera said, since what it said is not kept.
fn upright(bytes: &[u8], form: ImageFormat) -> Result<DynamicImage, ImageFault> {
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), form);
    reader.limits(limits);
    let fault = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => PIXELS,
        _ => ImageFault::Broken,
    };
    let mut decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    let sides_fit = width.min(height) >= MIN_SIDE && width.max(height) <= MAX_SIDE;
    if !sides_fit || u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODER_BYTES {
        return Err(PIXELS);
    }
    let orientation = decoder.orientation().map_err(fault)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(fault)?;
    image.apply_orientation(orientation);
    Ok(image)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn picture(width: u32, height: u32, form: ImageFormat) -> Result<Vec<u8>, image::ImageError> {
        let pixels = RgbImage::from_fn(width, height, |x, _| image::Rgb([if x < width / 2 { 250 } else { 5 }; 3]));
        let mut bytes = Cursor::new(Vec::new());
        pixels.write_to(&mut bytes, form)?;
        Ok(bytes.into_inner())
    }

    /// Where a JPEG takes a further segment: behind its first two bytes.
    fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Result<Vec<u8>, std::num::TryFromIntError> {
        let length = u16::try_from(content.len() + 2)?.to_be_bytes();
        Ok([&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat())
    }

    fn has(bytes: &[u8], wanted: &[u8]) -> bool {
        bytes.windows(wanted.len()).any(|window| window == wanted)
    }

    #[test]
    fn each_form_is_read_and_a_jpeg_kept() -> Outcome {
        for form in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let rewritten = rewrite(&picture(64, 40, form)?)?;
            assert_eq!((rewritten.width, rewritten.height), (64, 40), "{form:?}");
            assert!(rewritten.bytes.starts_with(&[0xff, 0xd8, 0xff]));
        }
        Ok(())
    }

    #[test]
    fn nothing_beside_the_pixels_is_kept() -> Outcome {
        // A position, and an orientation: turn by 90 degrees (EXIF 0x0112 = 6).
        let exif = [
            &b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"[..],
            &b"\x01\x0e\0\x02\0\0\0\x10\0\0\0\x26\0\0\0\0GPS 48.85 N 2.35\0"[..],
        ]
        .concat();
        let jpeg = picture(64, 40, ImageFormat::Jpeg)?;
        let jpeg = with_segment(&with_segment(&jpeg, 0xfe, b"<script>alert(1)</script>")?, 0xe1, &exif)?;
        let polyglot = [&jpeg[..], b"PK\x03\x04 an archive behind the picture"].concat();
        let rewritten = rewrite(&polyglot)?;
        assert_eq!((rewritten.width, rewritten.height), (40, 64), "turned as the camera said");
        for left in [&b"Exif"[..], b"GPS", b"script", b"PK\x03\x04"] {
            assert!(has(&polyglot, left) && !has(&rewritten.bytes, left), "{left:?}");
        }
        Ok(())
    }

    #[test]
    fn what_is_large_is_made_smaller() -> Outcome {
        let rewritten = rewrite(&picture(3_200, 100, ImageFormat::Png)?)?;
        assert_eq!(rewritten.width, KEPT_SIDE);
        Ok(())
    }

    #[test]
    fn what_claims_too_much_or_is_none_is_refused() -> Outcome {
        let refused = |bytes: &[u8]| rewrite(bytes).err();
        let mut bomb = picture(64, 40, ImageFormat::Jpeg)?;
        let frame = bomb.windows(2).position(|window| window == [0xff, 0xc0]).ok_or("a frame")?;
        // Height and width of a JPEG stand behind its frame's marker, length and precision: 11,776 by 11,776.
        bomb[frame + 5..frame + 9].copy_from_slice(&[0x2e, 0, 0x2e, 0]);
        assert_eq!(refused(&bomb), Some(PIXELS));
        assert_eq!(refused(&picture(15, 64, ImageFormat::Png)?), Some(PIXELS));
        assert_eq!(refused(&picture(12_001, 16, ImageFormat::Png)?), Some(PIXELS));
        assert_eq!(refused(b"%PDF-1.7"), Some(ImageFault::Form));
        assert_eq!(refused(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), Some(ImageFault::Form));
        assert_eq!(refused(b""), Some(ImageFault::Form));
        assert_eq!(refused(&[0xff, 0xd8, 0xff, 0xe0]), Some(ImageFault::Broken));
        let png = picture(64, 40, ImageFormat::Png)?;
        assert_eq!(refused(&png[..png.len() / 2]), Some(ImageFault::Broken));
        let bytes = ImageFault::Bytes { most: MAX_IMAGE_BYTES };
        assert_eq!(refused(&vec![0xff; MAX_IMAGE_BYTES + 1]), Some(bytes));
        Ok(())
    }

    #[test]
    fn an_upload_that_cannot_become_an_image_is_known_early() {
        assert!(looks_like_image(b"%PDF"), "too little to say");
        assert!(!looks_like_image(b"%PDF-1.7 and so on"));
        assert!(looks_like_image(b"RIFF\0\0\0\0WEBPVP8 "));
    }
}
