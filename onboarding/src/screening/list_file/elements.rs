use std::io::{BufRead, Error, ErrorKind, Read, Result as Done};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{ListFault, MAX_LIST_FILE_BYTES};

/// The longest tag with its attributes, or piece of text.
const MAX_PIECE_BYTES: u64 = 64 << 10;
/// Bytes that the text of one element may have.
const MAX_TEXT: usize = 32 << 10;
/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 40;

/// A file of which no piece and not the whole is longer than its bound.
pub(super) struct Bounded<R> {
    file: R,
    piece: u64,
    whole: u64,
}

impl<R: BufRead> Bounded<R> {
    pub(super) const fn new(file: R) -> Self {
        Self { file, piece: 0, whole: 0 }
    }

    pub(super) const fn begin(&mut self) {
        self.piece = 0;
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> Done<&[u8]> {
        let too_long =
            |what: &str, most: u64| Error::new(ErrorKind::InvalidData, format!("{what} has more than {most} bytes"));
        if self.piece > MAX_PIECE_BYTES {
            return Err(too_long("an element", MAX_PIECE_BYTES));
        }
        if self.whole > MAX_LIST_FILE_BYTES {
            return Err(too_long("the file", MAX_LIST_FILE_BYTES));
        }
        self.file.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.piece = self.piece.saturating_add(amount as u64);
        self.whole = self.whole.saturating_add(amount as u64);
        self.file.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> Done<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// A step through the elements of a file.
pub(super) enum Step {
    /// An element begins.
    Entered(Attributes),
    /// An element ends, with the text that stood last in it.
    Left(String),
}

/// The attributes of an element.
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    }
}

/// The elements of a list, one after the other, each with its path.
pub(super) struct Elements<R: BufRead> {
    reader: quick_xml::Reader<Bounded<R>>,
    buffer: Vec<u8>,
    path: String,
    text: String,
    /// The path is that of an element that is over, or has no content.
    over: bool,
    empty: bool,
    root: &'static str,
    rooted: bool,
}

impl<R: BufRead> Elements<R> {
    /// The elements of a file whose root has this name.
    pub(super) fn new(file: R, root: &'static str) -> Self {
        Self {
            reader: quick_xml::Reader::from_reader(Bounded::new(file)),
            buffer: Vec::new(),
            path: String::new(),
            text: String::new(),
            over: false,
            empty: false,
            root,
            rooted: false,
        }
    }

    /// Where the last step was: `/sdnList/sdnEntry/uid`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The next step, none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Step>, ListFault> {
        if self.empty {
            self.empty = false;
            self.over = true;
            return Ok(Some(Step::Left(String::new())));
        }
        if self.over {
            self.over = false;
            let parent = self.path.rfind('/').unwrap_or(0);
            self.path.truncate(parent);
        }
        loop {
            self.reader.get_mut().begin();
            // Taken out for the moment, since the event borrows it.
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            let event = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.fault(format!("it is no well-formed XML: {error}"))),
            };
            let step = self.take(&event)?;
            let at_end = matches!(event, Event::Eof);
            self.buffer = buffer;
            if step.is_some() || at_end {
                return Ok(step);
            }
        }
    }

    fn take(&mut self, event: &Event<'_>) -> Result<Option<Step>, ListFault> {
        match event {
            Event::DocType(_) => return Err(self.fault("XML with a document type is not read")),
            Event::Start(element) => return self.enter(element).map(Some),
            Event::Empty(element) => {
                self.empty = true;
                return self.enter(element).map(Some);
            }
            Event::End(_) => {
                self.over = true;
                return Ok(Some(Step::Left(std::mem::take(&mut self.text).trim().to_owned())));
            }
            Event::Text(text) => self.append(&text.xml10_content())?,
            Event::CData(text) => self.append(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let letter = self.resolved(reference)?;
                self.append(letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::Eof if !self.path.is_empty() || !self.rooted => return Err(self.fault("the XML ends too early")),
            _ => {}
        }
        Ok(None)
    }

    fn enter(&mut self, element: &BytesStart<'_>) -> Result<Step, ListFault> {
        let local = element.local_name();
        let name: &str = local.as_ref();
        if self.path.is_empty() {
            if self.rooted || name != self.root {
                return Err(self.fault(format!("it is no such list: its root is no {}", self.root)));
            }
            self.rooted = true;
        }
        if self.path.split('/').count() > MAX_DEPTH {
            return Err(self.fault("its elements stand too deep in each other"));
        }
        self.path.push('/');
        self.path.push_str(name);
        self.text.clear();
        let mut attributes = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| self.fault(error))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| self.fault(error))?;
            let local = attribute.key.local_name();
            let name: &str = local.as_ref();
            attributes.push((name.to_owned(), value.into_owned()));
        }
        Ok(Step::Entered(Attributes(attributes)))
    }

    fn append(&mut self, text: &str) -> Result<(), ListFault> {
        if self.text.len() + text.len() > MAX_TEXT {
            return Err(self.fault(format!("its text has more than {MAX_TEXT} bytes")));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Only what XML itself knows: without a document type there can be no other entity.
    fn resolved(&self, reference: &BytesRef<'_>) -> Result<char, ListFault> {
        if let Some(letter) = reference.resolve_char_ref().map_err(|error| self.fault(error))? {
            return Ok(letter);
        }
        Ok(match &*reference.xml10_content() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(self.fault("it names an entity that XML does not know")),
        })
    }

    /// A fault at the element that is being read.
    pub(super) fn fault(&self, what: impl ToString) -> ListFault {
        let element = self.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("the file");
        let element: String = element.chars().take(40).collect();
        ListFault::new(format!("{element}, byte {}", self.reader.buffer_position()), what)
    }
}
