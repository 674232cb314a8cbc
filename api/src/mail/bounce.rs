//! Mails that came back: what a delivery report says of one of ours.

use mailparse::{MailHeaderMap, parse_headers, parse_mail};
use uuid::Uuid;

/// What a delivery report (RFC 3464) says of a mail of ours. To whom it went is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryReport {
    /// The mail, by its Message-ID.
    pub(crate) message: Uuid,
    /// The status in the words of RFC 3463, such as 5.1.1.
    pub(crate) status: String,
    /// Whether nobody tries any more.
    pub(crate) is_final: bool,
}

impl DeliveryReport {
    /// Reads a report as it came by mail; nothing when it is none, or is of no mail of ours.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let report = parse_mail(bytes).ok().filter(|mail| mail.ctype.mimetype == "multipart/report")?;
        let part = |kinds: &[&str]| {
            let part = report.subparts.iter().find(|part| kinds.contains(&part.ctype.mimetype.as_str()))?;
            part.get_body_raw().ok()
        };
        let told = part(&["message/delivery-status", "message/global-delivery-status"])?;
        let returned = part(&["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"])?;
        let (headers, _) = parse_headers(&returned).ok()?;
        let id = headers.get_first_value("Message-ID")?;
        let message = id.trim().strip_prefix('<')?.split('@').next()?.parse().ok()?;
        let (action, status) = of_recipient(&told)?;
        Some(Self { message, status, is_final: action.eq_ignore_ascii_case("failed") })
    }
}

/// What was done for the one recipient that our mails have, and why. Groups of fields are divided by an empty line; the
/// first one is about the mail as a whole.
fn of_recipient(mut told: &[u8]) -> Option<(String, String)> {
    loop {
        let (fields, length) = parse_headers(told).ok()?;
        if let (Some(action), Some(status)) = (fields.get_first_value("Action"), fields.get_first_value("Status")) {
            // A comment may follow.
            let status = status.split_whitespace().next().filter(|status| is_status(status))?.to_owned();
            return Some((action.trim().to_owned(), status));
        }
        told = told.get(length..).filter(|rest| length > 0 && !rest.is_empty())?;
    }
}

fn is_status(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: &str, returned: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example.net\r\nTo: no-reply@teranga.example\r\nSubject: Undelivered\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_b\"\r\n\r\n\
             --=_b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
             --=_b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example.net\r\n\r\n\
             Final-Recipient: rfc822; nobody@example.net\r\n{status}\r\n\
             --=_b\r\nContent-Type: {returned}\r\n\r\n\
             Subject: Your code\r\nMessage-ID: <0198c5d2-0000-7000-8000-000000000001@teranga.example>\r\n\r\n\
             --=_b--\r\n"
        )
    }

    #[test]
    fn a_report_names_the_mail_and_why_it_came_back() {
        let failed = "Action: failed\r\nStatus: 5.1.1 (no such user)\r\n";
        for returned in ["message/rfc822", "text/rfc822-headers"] {
            let read = DeliveryReport::read(report(failed, returned).as_bytes()).expect("a report");
            assert_eq!((read.status.as_str(), read.is_final), ("5.1.1", true));
            assert_eq!(read.message.to_string(), "0198c5d2-0000-7000-8000-000000000001");
        }
        let delayed = report("Action: delayed\r\nStatus: 4.4.1\r\n", "message/rfc822");
        assert!(DeliveryReport::read(delayed.as_bytes()).is_some_and(|read| !read.is_final));
    }

    #[test]
    fn what_is_no_report_on_a_mail_of_ours_is_none() {
        let failed = "Action: failed\r\nStatus: 5.1.1\r\n";
        let ours = report(failed, "message/rfc822");
        for text in [
            String::new(),
            "\u{0}".to_owned(),
            ours.replace("multipart/report", "multipart/mixed"),
            ours.replace("0198c5d2-", "somebody-else-"),
            ours.replace("Message-ID", "Message"),
            report("Status: failed@example.org\r\nAction: failed\r\n", "message/rfc822"),
            report("Action: failed\r\n", "message/rfc822"),
            report(failed, "image/png"),
        ] {
            assert_eq!(DeliveryReport::read(text.as_bytes()), None, "{text}");
        }
    }
}
