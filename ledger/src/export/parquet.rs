//! A posting a row, in columns, for those who bring their own queries.
//!
//! A row group holds the postings of one page, so memory stays bounded. Amounts are whole minor units, beside the number
//! of decimals that their currency has. Changes of holds are not in it: they move no money.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::page::{EntryRow, Page, PostingRow};
use super::{Part, json_lines};
use crate::Error;

/// Who made the file: a fixed word, so that a new version of a crate does not change the bytes.
const CREATED_BY: &str = "teranga";

/// Whether a column can be empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Always,
    Sometimes,
}

struct Column {
    name: &'static str,
    presence: Presence,
    values: Values,
}

type Row<'a> = (&'a EntryRow, &'a PostingRow);

enum Values {
    Text(fn(&Row<'_>) -> Option<ByteArray>),
    Whole(fn(&Row<'_>) -> Option<i64>),
    Small(fn(&Row<'_>) -> i32),
    Moment(fn(&Row<'_>) -> i64),
    Day(fn(&Row<'_>) -> i32),
}

fn text(text: &str) -> Option<ByteArray> {
    Some(ByteArray::from(text))
}

fn columns() -> [Column; 16] {
    use Presence::{Always, Sometimes};
    use Values::{Day, Moment, Small, Text, Whole};
    let column = |name, presence, values| Column { name, presence, values };
    [
        column("sequence", Always, Whole(|(entry, _)| Some(entry.sequence))),
        column("ordinal", Always, Small(|(_, posting)| posting.ordinal.into())),
        column("entry", Always, Text(|(entry, _)| text(&entry.key.to_string()))),
        column("booked_at", Always, Moment(|(entry, _)| entry.booked_at.timestamp_micros())),
        column("effective_date", Always, Day(|(entry, _)| days(entry.effective_date))),
        column("kind", Always, Text(|(entry, _)| text(&entry.kind))),
        column("description", Sometimes, Text(|(entry, _)| entry.description.as_deref().and_then(text))),
        column("subject", Sometimes, Text(|(entry, _)| entry.subject.and_then(|subject| text(&subject.to_string())))),
        column("metadata", Sometimes, Text(|(entry, _)| entry.metadata.as_deref().and_then(text))),
        column("reverses", Sometimes, Whole(|(entry, _)| entry.reverses)),
        column("account", Always, Text(|(_, posting)| text(&posting.account.code))),
        column("currency", Always, Text(|(_, posting)| text(posting.account.commodity.code()))),
        column(
            "decimals",
            Always,
            Small(|(_, posting)| i32::try_from(posting.account.commodity.decimals()).unwrap_or(0)),
        ),
        column("amount_minor", Always, Whole(|(_, posting)| Some(posting.amount_minor))),
        column("balance_minor", Always, Whole(|(_, posting)| Some(posting.balance_minor))),
        column("lots", Sometimes, Text(|(_, posting)| lots(posting))),
    ]
}

/// The lots of units as JSON, as they stand in the lines of JSON.
fn lots(posting: &PostingRow) -> Option<ByteArray> {
    let json = json_lines::lots(posting).filter(|_| !posting.lots.is_empty())?;
    Some(json.into_bytes().into())
}

/// Days since 1970, as the format counts them.
fn days(day: chrono::NaiveDate) -> i32 {
    let days = day.signed_duration_since(chrono::NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or(i32::MAX)
}

impl Column {
    fn declared(&self) -> Result<Arc<Type>, ParquetError> {
        let (physical, logical) = match self.values {
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Whole(_) => (Physical::INT64, None),
            Values::Small(_) => (Physical::INT32, None),
            Values::Moment(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Values::Day(_) => (Physical::INT32, Some(LogicalType::Date)),
        };
        let repetition = match self.presence {
            Presence::Always => Repetition::REQUIRED,
            Presence::Sometimes => Repetition::OPTIONAL,
        };
        let kind = Type::primitive_type_builder(self.name, physical);
        Ok(Arc::new(kind.with_repetition(repetition).with_logical_type(logical).build()?))
    }

    fn write(&self, rows: &[Row<'_>], group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<(), ParquetError> {
        match &self.values {
            Values::Text(value) => self.put::<ByteArrayType>(rows.iter().map(value), group),
            Values::Whole(value) => self.put::<Int64Type>(rows.iter().map(value), group),
            Values::Small(value) | Values::Day(value) => {
                self.put::<Int32Type>(rows.iter().map(|row| Some(value(row))), group)
            }
            Values::Moment(value) => self.put::<Int64Type>(rows.iter().map(|row| Some(value(row))), group),
        }
    }

    fn put<T: DataType>(
        &self,
        cells: impl Iterator<Item = Option<T::T>>,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    ) -> Result<(), ParquetError> {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        for cell in cells {
            levels.push(i16::from(cell.is_some()));
            values.extend(cell);
        }
        let levels = (self.presence == Presence::Sometimes).then_some(levels.as_slice());
        let missing = || ParquetError::General(format!("there is no column {}", self.name));
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<T>().write_batch(&values, levels, None)?;
        column.close()
    }
}

pub(super) fn parts() -> Vec<Part> {
    let mut file = None;
    vec![Part::Entries(Box::new(move |page, out| {
        write(page, &mut file, out).map_err(|error| Error::Unwritable(error.to_string()))
    }))]
}

fn begin(columns: &[Column]) -> Result<SerializedFileWriter<Vec<u8>>, ParquetError> {
    let fields = columns.iter().map(Column::declared).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("posting").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_created_by(CREATED_BY.to_owned()).build();
    SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))
}

/// Writes a page as a row group, and the file's end after the last one.
fn write(page: &Page, open: &mut Option<SerializedFileWriter<Vec<u8>>>, out: &mut Vec<u8>) -> Result<(), ParquetError> {
    let columns = columns();
    let mut file = match open.take() {
        Some(file) => file,
        None => begin(&columns)?,
    };
    let rows: Vec<Row<'_>> = page
        .entries
        .iter()
        .flat_map(|entry| page.postings(entry).iter().map(move |posting| (entry, posting)))
        .collect();
    if !rows.is_empty() {
        let mut group = file.next_row_group()?;
        for column in &columns {
            column.write(&rows, &mut group)?;
        }
        group.close()?;
    }
    if page.is_last {
        out.append(&mut file.into_inner()?);
    } else {
        file.flush().map_err(|error| ParquetError::External(Box::new(error)))?;
        out.append(file.inner_mut());
        *open = Some(file);
    }
    Ok(())
}
