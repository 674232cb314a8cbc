//! ISO 20022 camt.053: `Stmt` with its balances `OPBD` (or `PRCD`) and `CLBD` and its booked entries.
//!
//! An entry is one line, or a line for each of its transactions where all of these name their amounts. What is pending
//! or for information is no line.

use std::collections::VecDeque;
use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};

use super::bounded::Bounded;
use super::{FileFault, Part, Parts};

mod statement;

use statement::Statement;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";
const STATEMENT: &str = "/Document/BkToCstmrStmt/Stmt";
/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 40;
/// Bytes that the text of one element may have.
const MAX_ELEMENT_TEXT: usize = 8 << 10;

pub(super) struct Camt053<R: BufRead> {
    reader: quick_xml::Reader<Bounded<R>>,
    buffer: Vec<u8>,
    path: String,
    text: String,
    currency: Option<String>,
    statements: u32,
    statement: Statement,
    found: VecDeque<Part>,
    rooted: bool,
}

impl<R: BufRead> Camt053<R> {
    pub(super) fn new(file: Bounded<R>) -> Self {
        Self {
            reader: quick_xml::Reader::from_reader(file),
            buffer: Vec::new(),
            path: String::new(),
            text: String::new(),
            currency: None,
            statements: 0,
            statement: Statement::default(),
            found: VecDeque::new(),
            rooted: false,
        }
    }

    /// Reads one event; false at the end of the file.
    fn advance(&mut self) -> Result<bool, FileFault> {
        self.reader.get_mut().begin();
        // Taken out for the moment, since the event borrows it.
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let event = match self.reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(self.fault(format!("it is no well-formed XML: {error}"))),
        };
        let goes_on = self.take(&event)?;
        self.buffer = buffer;
        Ok(goes_on)
    }

    fn take(&mut self, event: &Event<'_>) -> Result<bool, FileFault> {
        match event {
            Event::DocType(_) => return Err(self.fault("XML with a document type is not read")),
            Event::Start(element) => self.enter(element)?,
            Event::Empty(element) => {
                self.enter(element)?;
                self.leave()?;
            }
            Event::End(_) => self.leave()?,
            Event::Text(text) => self.append(&text.xml10_content())?,
            Event::CData(text) => self.append(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let letter = self.resolved(reference)?;
                self.append(letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::Eof if self.path.is_empty() && self.rooted => return Ok(false),
            Event::Eof => return Err(self.fault("the XML ends too early")),
            _ => {}
        }
        Ok(true)
    }

    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), FileFault> {
        let local = element.local_name();
        let name: &str = local.as_ref();
        if self.path.is_empty() {
            let in_namespace = element.attributes().filter_map(Result::ok).any(|attribute| {
                attribute.key.as_namespace_binding().is_some() && attribute.value.starts_with(NAMESPACE)
            });
            if self.rooted || name != "Document" || !in_namespace {
                return Err(self.fault(format!("it is no camt.053 message: its root is no Document of {NAMESPACE}*")));
            }
            self.rooted = true;
        }
        if self.path.split('/').count() > MAX_DEPTH {
            return Err(self.fault("its elements stand too deep in each other"));
        }
        self.path.push('/');
        self.path.push_str(name);
        self.text.clear();
        self.currency = element
            .try_get_attribute("Ccy")
            .map_err(|error| self.fault(error.to_string()))?
            .map(|attribute| attribute.value.chars().take(3).collect());
        match self.path.strip_prefix(STATEMENT) {
            Some("") => {
                self.statements += 1;
                self.statement = Statement::default();
            }
            Some("/Ntry") => {
                let head = self.statement.head();
                self.found.extend(head.map_err(|what| self.fault(what))?.map(Part::Opened));
            }
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<(), FileFault> {
        let taken = match self.path.strip_prefix(STATEMENT) {
            Some("") => self.statement.close(),
            Some(field) => self.statement.take(field, self.text.trim(), self.currency.as_deref()),
            None => Ok(Vec::new()),
        };
        let parts = taken.map_err(|what| self.fault(what))?;
        self.found.extend(parts);
        let parent = self.path.rfind('/').unwrap_or(0);
        self.path.truncate(parent);
        self.text.clear();
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), FileFault> {
        if self.text.len() + text.len() > MAX_ELEMENT_TEXT {
            return Err(self.fault(format!("its text has more than {MAX_ELEMENT_TEXT} bytes")));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Only what XML itself knows: without a document type there can be no other entity.
    fn resolved(&self, reference: &BytesRef<'_>) -> Result<char, FileFault> {
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

    fn fault(&self, what: impl ToString) -> FileFault {
        let element = self.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("the file");
        let element: String = element.chars().take(40).collect();
        match (self.statements, self.statement.entries()) {
            (0, _) => FileFault::new(element, what),
            (statement, 0) => FileFault::new(format!("statement {statement}, {element}"), what),
            (statement, entry) => FileFault::new(format!("statement {statement}, entry {entry}, {element}"), what),
        }
    }
}

impl<R: BufRead + Send> Parts for Camt053<R> {
    fn next(&mut self) -> Result<Option<Part>, FileFault> {
        while self.found.is_empty() {
            if !self.advance()? {
                return Ok(None);
            }
        }
        Ok(self.found.pop_front())
    }
}
