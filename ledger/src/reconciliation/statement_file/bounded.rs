use std::io::{BufRead, Error, ErrorKind, Read, Result};

use super::MAX_STATEMENT_FILE_BYTES;

/// The longest element or line.
const MAX_ELEMENT_BYTES: u64 = 64 << 10;

/// A file of which no element and not the whole may be longer than its bound.
///
/// What reads elements into a buffer would let a file without an end of its first one take all memory.
pub(super) struct Bounded<R> {
    file: R,
    element: u64,
    whole: u64,
}

impl<R: BufRead> Bounded<R> {
    pub(super) const fn new(file: R) -> Self {
        Self { file, element: 0, whole: 0 }
    }

    /// Another element begins.
    pub(super) const fn begin(&mut self) {
        self.element = 0;
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.element > MAX_ELEMENT_BYTES {
            return Err(Error::new(ErrorKind::InvalidData, format!("it is longer than {MAX_ELEMENT_BYTES} bytes")));
        }
        if self.whole > MAX_STATEMENT_FILE_BYTES {
            let what = format!("the file is longer than {MAX_STATEMENT_FILE_BYTES} bytes");
            return Err(Error::new(ErrorKind::InvalidData, what));
        }
        self.file.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.element = self.element.saturating_add(amount as u64);
        self.whole = self.whole.saturating_add(amount as u64);
        self.file.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
