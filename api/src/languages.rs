//! What we say to people, in their language.
//!
//! The texts are [Fluent](https://projectfluent.org) files, a folder a language under `config/languages`, compiled in.
//! The tests hold all languages against one another and against the code: a text that a language lacks, or that asks
//! for another variable than it does elsewhere, fails them.
//!
//! What is put into a text comes from people. It is kept in its own direction: a name in another script must not turn
//! round what stands beside it (UAX 9).

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use actix_web::HttpMessage;
use actix_web::http::header::{AcceptLanguage, Header, Quality};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use onboarding::Language;
use unicode_bidi::{BidiClass, bidi_class};

/// Begins a stretch that has its own direction, after its first letter.
pub(crate) const FIRST_STRONG_ISOLATE: char = '\u{2068}';
/// Ends it.
pub(crate) const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

macro_rules! files {
    ($($language:ident $folder:literal),*) => {
        [$((Language::$language, [
            include_str!(concat!("../../config/languages/", $folder, "/mail.ftl")),
            include_str!(concat!("../../config/languages/", $folder, "/problems.ftl")),
        ])),*]
    };
}

static FILES: [(Language, [&str; 2]); 5] = files![En "en", Fr "fr", Es "es", Pt "pt", Ar "ar"];

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<(Language, Bundle)>> =
    LazyLock::new(|| FILES.iter().map(|(language, files)| (*language, bundle(*language, files))).collect());

fn bundle(language: Language, files: &[&str]) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.code().parse().unwrap_or_default()]);
    // Done here, by what a value is and where it goes.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(readable, faults)| {
            tracing::error!(language = language.code(), ?faults, "a text cannot be read");
            readable
        });
        if let Err(faults) = bundle.add_resource(resource) {
            tracing::error!(language = language.code(), ?faults, "a text is there twice");
        }
    }
    bundle
}

/// A text that cannot be said.
#[derive(Debug, thiserror::Error)]
#[error("the text {text} is not there in {}, or something to be put into it is missing", .language.code())]
pub(crate) struct Unsaid {
    text: String,
    language: Language,
}

/// Where a value is set apart by [`FIRST_STRONG_ISOLATE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Only where its direction could disturb the text's: a code can be copied as it stands.
    WhereNeeded,
    /// Everywhere, for whoever turns the marks into something else.
    Always,
}

/// A text in a language; `text` is a message, or `message.attribute`.
///
/// # Errors
/// [`Unsaid`] when it is not there, or a variable of it is not among the values.
pub(crate) fn say(
    language: Language,
    text: &str,
    values: &[(&str, &str)],
    isolation: Isolation,
) -> Result<String, Unsaid> {
    let unsaid = || Unsaid { text: text.to_owned(), language };
    let (_, bundle) = BUNDLES.iter().find(|(one, _)| *one == language).ok_or_else(unsaid)?;
    let (message, attribute) = text.split_once('.').map_or((text, None), |(message, name)| (message, Some(name)));
    let message = bundle.get_message(message).ok_or_else(unsaid)?;
    let pattern = match attribute {
        Some(name) => message.get_attribute(name).map(|attribute| attribute.value()),
        None => message.value(),
    };
    let mut arguments = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        arguments.set((*name).to_owned(), isolated(value, language, isolation));
    }
    let mut faults = Vec::new();
    let said = bundle.format_pattern(pattern.ok_or_else(unsaid)?, Some(&arguments), &mut faults).into_owned();
    if faults.is_empty() { Ok(said) } else { Err(unsaid()) }
}

/// A text without variables that is there for sure, since the tests look for it.
pub(crate) fn plain(language: Language, text: &str) -> String {
    say(language, text, &[], Isolation::WhereNeeded).unwrap_or_else(|unsaid| {
        tracing::error!(%unsaid, "a text is missing");
        text.to_owned()
    })
}

/// In which direction a language is written, in the words of HTML.
pub(crate) const fn direction(language: Language) -> &'static str {
    match language {
        Language::Ar => "rtl",
        Language::En | Language::Fr | Language::Es | Language::Pt => "ltr",
    }
}

fn isolated(value: &str, language: Language, isolation: Isolation) -> String {
    // Marks of its own could reach beyond it, and control characters have no place in a line.
    let bare: String = value.chars().filter(|char| !char.is_control() && !is_direction_mark(*char)).collect();
    let disturbs = match direction(language) {
        // Punctuation between figures would turn them round too.
        "rtl" => !bare.bytes().all(|byte| byte.is_ascii_digit()),
        _ => bare.chars().any(|char| matches!(bidi_class(char), BidiClass::R | BidiClass::AL)),
    };
    match isolation {
        Isolation::WhereNeeded if !disturbs => bare,
        _ => format!("{FIRST_STRONG_ISOLATE}{bare}{POP_DIRECTIONAL_ISOLATE}"),
    }
}

/// Whether it is one of Unicode's explicit marks of direction.
const fn is_direction_mark(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The language that a request would rather have, of those that we speak (RFC 9110, 12.5.4). English when it names none
/// of them.
pub(crate) fn asked_for(request: &impl HttpMessage) -> Language {
    let Ok(AcceptLanguage(mut asked)) = AcceptLanguage::parse(request) else { return Language::En };
    let refused: Vec<Language> =
        asked.iter().filter(|one| one.quality == Quality::ZERO).filter_map(|one| spoken(&one.item)).collect();
    asked.retain(|one| one.quality != Quality::ZERO);
    let any = || Language::ALL.into_iter().find(|language| !refused.contains(language));
    let wanted = AcceptLanguage(asked).ranked();
    wanted.iter().find_map(|tag| if tag.is_any() { any() } else { spoken(tag) }).unwrap_or(Language::En)
}

/// French for `fr-SN`: the texts are the same in every country.
fn spoken(tag: &impl std::fmt::Display) -> Option<Language> {
    let tag = tag.to_string();
    Language::try_new(&tag.split('-').next().unwrap_or_default().to_ascii_lowercase()).ok()
}
