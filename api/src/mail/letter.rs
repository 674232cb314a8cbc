//! What a notice says, in the person's language: as a mail in two forms, and as a text message.

use onboarding::{Language, Notice};

use crate::languages::{self, FIRST_STRONG_ISOLATE, Isolation, POP_DIRECTIONAL_ISOLATE, Unsaid, say};

/// A mail: the same words as plain text and as HTML.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

impl Letter {
    /// The mail of a notice.
    ///
    /// # Errors
    /// [`Unsaid`] when the template has no texts, or asks for what the notice does not say.
    pub(super) fn try_new(notice: &Notice) -> Result<Self, Unsaid> {
        let Notice { language, template, .. } = notice;
        let part = |part: &str, isolation| say(*language, &format!("{template}.{part}"), &values(notice), isolation);
        let subject = part("subject", Isolation::WhereNeeded)?;
        let footer = languages::plain(*language, "footer");
        let text = format!("{}\n\n{footer}\n", part("letter", Isolation::WhereNeeded)?);
        let html = html(*language, &subject, &part("letter", Isolation::Always)?, &footer);
        Ok(Self { subject, text, html })
    }
}

/// The text message of a notice.
///
/// # Errors
/// As [`Letter::try_new`].
pub(super) fn text_message(notice: &Notice) -> Result<String, Unsaid> {
    say(notice.language, &format!("{}.sms", notice.template), &values(notice), Isolation::WhereNeeded)
}

fn values(notice: &Notice) -> Vec<(&str, &str)> {
    let arguments = notice.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    notice.code.iter().map(|code| ("code", code.as_str())).chain(arguments).collect()
}

/// What was put into the text is isolated there by `bdi`, so that it can be copied without marks in it.
fn html(language: Language, subject: &str, letter: &str, footer: &str) -> String {
    let (code, direction) = (language.code(), languages::direction(language));
    let paragraphs: String = letter.split("\n\n").map(|text| format!("<p>{}</p>\n", marked(text))).collect();
    let (subject, footer) = (marked(subject), marked(footer));
    format!(
        "<!doctype html>\n<html lang=\"{code}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{subject}</title>\n</head>\n\
         <body style=\"font-family: sans-serif; font-size: 16px; line-height: 1.5; max-width: 40em\">\n\
         {paragraphs}<hr>\n<p><small>{footer}</small></p>\n</body>\n</html>\n"
    )
}

/// A text as HTML: nothing in it is markup, whatever was put into it.
fn marked(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => marked.push_str("&amp;"),
            '<' => marked.push_str("&lt;"),
            '>' => marked.push_str("&gt;"),
            '"' => marked.push_str("&quot;"),
            '\'' => marked.push_str("&#39;"),
            '\n' => marked.push_str("<br>\n"),
            FIRST_STRONG_ISOLATE => marked.push_str("<bdi>"),
            POP_DIRECTIONAL_ISOLATE => marked.push_str("</bdi>"),
            other => marked.push(other),
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use onboarding::CONFIRMATION_TEMPLATE;

    use super::*;

    fn notice(language: Language, code: &str) -> Notice {
        let (to, template) = ("awa@example.org".to_owned(), CONFIRMATION_TEMPLATE.to_owned());
        Notice { to, language, template, code: Some(code.to_owned()), arguments: std::collections::BTreeMap::new() }
    }

    #[test]
    fn arabic_runs_from_right_to_left_and_a_code_can_be_copied() -> Result<(), Unsaid> {
        let letter = Letter::try_new(&notice(Language::Ar, "042137"))?;
        assert!(letter.html.contains("<html lang=\"ar\" dir=\"rtl\">"), "{}", letter.html);
        assert!(letter.html.contains("<bdi>042137</bdi>"), "{}", letter.html);
        assert!(letter.text.contains(" 042137."), "{}", letter.text);
        let french = Letter::try_new(&notice(Language::Fr, "042137"))?;
        assert!(french.html.contains("<html lang=\"fr\" dir=\"ltr\">"), "{}", french.html);
        assert!(french.text.starts_with("Votre code est 042137.\n\n"), "{}", french.text);
        Ok(())
    }

    #[test]
    fn what_is_put_into_a_text_is_neither_markup_nor_able_to_turn_it_round() -> Result<(), Unsaid> {
        let letter = Letter::try_new(&notice(Language::En, "<b>&\"'\u{202e}\u{2069}\r\nمريم"))?;
        assert!(letter.html.contains("<bdi>&lt;b&gt;&amp;&quot;&#39;مريم</bdi>"), "{}", letter.html);
        assert!(letter.text.contains("is \u{2068}<b>&\"'مريم\u{2069}."), "{}", letter.text);
        let wolof = Letter::try_new(&notice(Language::Fr, "Ñañ Séy"))?;
        assert!(wolof.text.contains("est Ñañ Séy."), "{}", wolof.text);
        let latin = text_message(&notice(Language::Ar, "+221 77"))?;
        assert!(latin.contains("\u{2068}+221 77\u{2069}"), "{latin}");
        Ok(())
    }

    #[test]
    fn a_text_that_lacks_a_value_is_not_sent() {
        let without = Notice { code: None, ..notice(Language::Pt, "") };
        assert!(Letter::try_new(&without).is_err());
        assert!(text_message(&Notice { template: "unheard-of".to_owned(), ..without }).is_err());
    }
}
