use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use actix_web::test::TestRequest;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement};

use super::*;
use crate::problem::kinds;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The texts that a template has.
const PARTS: [&str; 3] = ["subject", "letter", "sms"];
/// Texts that are used by their names in the code.
const SINGLE: [&str; 4] = ["footer", "one-fault", "several-faults", "kind-limit-reached.detail"];
/// What may read the same in two languages: it has no words.
const WORDLESS: [&str; 1] = ["one-fault"];
/// Codes that come from a room's word for its refusal, and the one of bodies that cannot be read.
const FURTHER_CODES: [&str; 4] = ["malformed", "unknown-account", "account-erased", "balance-too-large"];
/// Characters of a text message that goes out as one.
const LONGEST_TEXT_MESSAGE: usize = 160;
/// Stands for a value in that count: six digits.
const VALUE: &str = "042137";

/// The texts of a language, each by its full name, with what stands in it and its variables.
#[derive(Debug, PartialEq, Eq)]
struct Text {
    said: String,
    variables: BTreeSet<String>,
}

fn texts(language: Language) -> Result<BTreeMap<String, Text>> {
    let mut texts = BTreeMap::new();
    let (_, files) = FILES.iter().find(|(one, _)| *one == language).ok_or("it has no files")?;
    for file in files {
        let resource =
            fluent_syntax::parser::parse(*file).map_err(|(_, faults)| format!("{language:?}: {faults:?}"))?;
        for entry in resource.body {
            let Entry::Message(Message { id, value, attributes, .. }) = entry else { continue };
            let own = value.map(|value| (id.name.to_owned(), value));
            let further = attributes.into_iter().map(|one| (format!("{}.{}", id.name, one.id.name), one.value));
            for (name, pattern) in own.into_iter().chain(further) {
                let known = texts.insert(name.clone(), read(&pattern));
                assert!(known.is_none(), "{language:?} says {name} twice");
            }
        }
    }
    Ok(texts)
}

fn read(pattern: &Pattern<&str>) -> Text {
    let mut text = Text { said: String::new(), variables: BTreeSet::new() };
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text.said.push_str(value),
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => {
                text.said.push_str(VALUE);
                text.variables.insert(id.name.to_owned());
            }
            PatternElement::Placeable { expression } => text.said.push_str(&format!("{expression:?}")),
        }
    }
    text
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The sources of a room.
fn room(name: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src"), &mut found)?;
    Ok(found.iter().map(std::fs::read_to_string).collect::<std::result::Result<_, _>>()?)
}

/// What stands in the brackets that open here, part by part.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for char in text.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 1 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 1 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// The codes of faults in the sources of the surfaces.
fn codes() -> Result<BTreeSet<String>> {
    let mut codes: BTreeSet<String> = FURTHER_CODES.map(ToOwned::to_owned).into();
    for source in room("api")? {
        for call in [".add(", ".check(", "invalid("] {
            for (at, _) in source.match_indices(call) {
                let before = source[..at].trim_end();
                let is_call = if call == "invalid(" { !before.ends_with("fn") } else { before.ends_with("faults") };
                let parts = parts(&source[at + call.len() - 1..]);
                let Some(code) = parts.get(1).filter(|_| is_call) else { continue };
                match code.strip_prefix('"').and_then(|code| code.strip_suffix('"')) {
                    Some(code) => _ = codes.insert(code.to_owned()),
                    None => assert!(["code", "refusal.reason()"].contains(&code.as_str()), "{parts:?}: which code?"),
                }
            }
        }
    }
    Ok(codes)
}

/// The templates of all rooms: constants called `…_TEMPLATE`.
fn templates() -> Result<BTreeSet<String>> {
    let mut templates = BTreeSet::new();
    for name in ["onboarding", "remittance", "coinvestment", "api"] {
        for source in room(name)? {
            for line in source.lines() {
                let constant = line.split_once("_TEMPLATE: &str = \"").and_then(|(_, rest)| rest.split_once('"'));
                templates.extend(constant.map(|(template, _)| template.to_owned()));
            }
        }
    }
    Ok(templates)
}

#[test]
fn every_language_says_the_same_with_the_same_variables() -> Result {
    let english = texts(Language::En)?;
    for language in Language::ALL {
        let texts = texts(language)?;
        let lacking: Vec<&String> = english.keys().filter(|name| !texts.contains_key(*name)).collect();
        assert!(lacking.is_empty(), "{language:?} lacks {lacking:?}");
        for (name, text) in &texts {
            let first = english.get(name).ok_or(format!("{language:?} has {name}, which English has not"))?;
            assert_eq!(text.variables, first.variables, "{name} in {language:?}");
            assert!(!text.said.trim().is_empty(), "{name} in {language:?}");
            let own = language == Language::En || text.said != first.said || WORDLESS.contains(&name.as_str());
            assert!(own, "{name} is English in {language:?}");
        }
    }
    Ok(())
}

#[test]
fn everything_that_is_told_has_its_text_and_no_text_is_left_over() -> Result {
    let mut wanted: BTreeSet<String> = SINGLE.map(ToOwned::to_owned).into();
    for template in templates()? {
        wanted.extend(PARTS.map(|part| format!("{template}.{part}")));
    }
    for kind in kinds::ALL {
        wanted.extend([format!("kind-{}", kind.name), format!("kind-{}.advice", kind.name)]);
    }
    let codes = codes()?;
    assert!(codes.len() > 70, "the codes are not found any more: {codes:?}");
    wanted.extend(codes.iter().map(|code| format!("fault-{code}")));
    let there: BTreeSet<String> = texts(Language::En)?.into_keys().collect();
    let lacking: Vec<_> = wanted.difference(&there).collect();
    assert!(lacking.is_empty(), "config/languages/en lacks {lacking:?}");
    let left: Vec<_> = there.difference(&wanted).collect();
    assert!(left.is_empty(), "nothing says {left:?} any more");
    Ok(())
}

#[test]
fn a_text_message_is_one_line_that_goes_out_as_one() -> Result {
    for language in Language::ALL {
        for (name, text) in texts(language)?.iter().filter(|(name, _)| name.ends_with(".sms")) {
            let length = text.said.chars().count();
            assert!(length <= LONGEST_TEXT_MESSAGE, "{name} in {language:?} has {length} characters");
            assert!(!text.said.contains('\n'), "{name} in {language:?}");
        }
    }
    Ok(())
}

#[test]
fn the_language_is_the_one_that_the_reader_would_rather_have() {
    for (header, language) in [
        ("", Language::En),
        ("fr", Language::Fr),
        ("fr-SN", Language::Fr),
        ("AR-ma", Language::Ar),
        ("wo, pt-CV;q=0.8, en;q=0.7", Language::Pt),
        ("en;q=0.2, es;q=0.9", Language::Es),
        ("wo, bm", Language::En),
        ("wo, *;q=0.1", Language::En),
        ("en;q=0, *", Language::Fr),
        ("fr;q=0", Language::En),
        ("fr;q=much, ar", Language::Ar),
        ("\"", Language::En),
    ] {
        let request = TestRequest::default().insert_header(("Accept-Language", header)).to_http_request();
        assert_eq!(asked_for(&request), language, "{header:?}");
    }
    assert_eq!(asked_for(&TestRequest::default().to_http_request()), Language::En);
}
