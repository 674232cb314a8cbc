//! Where what stands: positions are counted from 1 and include both ends, as in the standard.

use super::ZoneFault;

/// The form of a machine-readable zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneForm {
    /// A card of three lines of 30 characters.
    Td1,
    /// A card of two lines of 36.
    Td2,
    /// A passport: two lines of 44.
    Td3,
}

impl ZoneForm {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Td1, Self::Td2, Self::Td3];

    pub(super) const fn layout(self) -> &'static Layout {
        match self {
            Self::Td1 => &TD1,
            Self::Td2 => &TD2,
            Self::Td3 => &TD3,
        }
    }

    pub(super) const fn lines(self) -> usize {
        match self {
            Self::Td1 => 3,
            Self::Td2 | Self::Td3 => 2,
        }
    }

    pub(super) const fn width(self) -> usize {
        match self {
            Self::Td1 => 30,
            Self::Td2 => 36,
            Self::Td3 => 44,
        }
    }
}

/// A part of a line.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) line: usize,
    pub(super) from: usize,
    pub(super) through: usize,
}

const fn span(line: usize, from: usize, through: usize) -> Span {
    Span { line, from, through }
}

pub(super) struct Layout {
    pub(super) document_code: Span,
    pub(super) issuer: Span,
    pub(super) number: Span,
    pub(super) number_check: Span,
    pub(super) nationality: Span,
    pub(super) birth_date: Span,
    pub(super) birth_check: Span,
    pub(super) sex: Span,
    pub(super) expiry: Span,
    pub(super) expiry_check: Span,
    /// Where a long number goes on, too.
    pub(super) optional: Span,
    pub(super) optional_check: Option<Span>,
    pub(super) names: Span,
    /// What the composite check digit covers, in this order.
    pub(super) composite: &'static [Span],
    pub(super) composite_check: Span,
}

/// Part 5, 4.2.2 and 4.2.4.
const TD1: Layout = Layout {
    document_code: span(1, 1, 2),
    issuer: span(1, 3, 5),
    number: span(1, 6, 14),
    number_check: span(1, 15, 15),
    optional: span(1, 16, 30),
    birth_date: span(2, 1, 6),
    birth_check: span(2, 7, 7),
    sex: span(2, 8, 8),
    expiry: span(2, 9, 14),
    expiry_check: span(2, 15, 15),
    nationality: span(2, 16, 18),
    optional_check: None,
    names: span(3, 1, 30),
    composite: &[span(1, 6, 30), span(2, 1, 7), span(2, 9, 15), span(2, 19, 29)],
    composite_check: span(2, 30, 30),
};

/// Part 6, 4.2.2 and 4.2.4.
const TD2: Layout = Layout {
    document_code: span(1, 1, 2),
    issuer: span(1, 3, 5),
    names: span(1, 6, 36),
    number: span(2, 1, 9),
    number_check: span(2, 10, 10),
    nationality: span(2, 11, 13),
    birth_date: span(2, 14, 19),
    birth_check: span(2, 20, 20),
    sex: span(2, 21, 21),
    expiry: span(2, 22, 27),
    expiry_check: span(2, 28, 28),
    optional: span(2, 29, 35),
    optional_check: None,
    composite: &[span(2, 1, 10), span(2, 14, 20), span(2, 22, 35)],
    composite_check: span(2, 36, 36),
};

/// Part 4, 4.2.2 and 4.2.4.
const TD3: Layout = Layout {
    document_code: span(1, 1, 2),
    issuer: span(1, 3, 5),
    names: span(1, 6, 44),
    number: span(2, 1, 9),
    number_check: span(2, 10, 10),
    nationality: span(2, 11, 13),
    birth_date: span(2, 14, 19),
    birth_check: span(2, 20, 20),
    sex: span(2, 21, 21),
    expiry: span(2, 22, 27),
    expiry_check: span(2, 28, 28),
    optional: span(2, 29, 42),
    optional_check: Some(span(2, 43, 43)),
    composite: &[span(2, 1, 10), span(2, 14, 20), span(2, 22, 43)],
    composite_check: span(2, 44, 44),
};

/// Lines of one of the forms, with nothing in them but what is printed there.
pub(super) struct Zone<'a> {
    form: ZoneForm,
    lines: Vec<&'a str>,
}

impl<'a> Zone<'a> {
    pub(super) fn try_new(lines: &'a [impl AsRef<str>]) -> Result<Self, ZoneFault> {
        let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
        let counts = |form: &ZoneForm| {
            lines.len() == form.lines() && lines.iter().all(|line| line.chars().count() == form.width())
        };
        let form = ZoneForm::ALL.into_iter().find(counts).ok_or(ZoneFault::Form)?;
        for (line, text) in lines.iter().enumerate() {
            let is_printed = |character: char| matches!(character, 'A'..='Z' | '0'..='9' | '<');
            if let Some(position) = text.chars().position(|character| !is_printed(character)) {
                return Err(ZoneFault::Character { line: line + 1, position: position + 1 });
            }
        }
        Ok(Self { form, lines })
    }

    pub(super) const fn form(&self) -> ZoneForm {
        self.form
    }

    pub(super) const fn layout(&self) -> &'static Layout {
        self.form.layout()
    }

    /// What stands there. All characters are of one byte each by now.
    pub(super) fn at(&self, span: Span) -> &'a str {
        self.lines.get(span.line - 1).and_then(|line| line.get(span.from - 1..span.through)).unwrap_or_default()
    }
}
