"""A delivery report (RFC 3464), as a mail server writes it when a mail comes back."""

import email.message
import email.policy


def report_on(mail, status="5.1.1", action="failed"):
    told = email.message.Message()
    told["Reporting-MTA"] = "dns; mx.example.net"
    recipient = email.message.Message()
    recipient["Final-Recipient"] = f"rfc822; {mail['To']}"
    recipient["Action"] = action
    recipient["Status"] = status
    statuses = email.message.Message()
    statuses["Content-Type"] = "message/delivery-status"
    statuses.set_payload([told, recipient])
    returned = email.message.Message()
    returned["Content-Type"] = "text/rfc822-headers"
    returned.set_payload("".join(f"{name}: {mail[name]}\r\n" for name in ("Message-ID", "Date")))
    words = email.message.Message()
    words["Content-Type"] = "text/plain"
    words.set_payload("The mail could not be delivered.\r\n")
    report = email.message.Message()
    report["From"] = "MAILER-DAEMON@mx.example.net"
    report["To"] = str(mail["From"])
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["MIME-Version"] = "1.0"
    report["Content-Type"] = 'multipart/report; report-type=delivery-status'
    report.set_payload([words, statuses, returned])
    return report.as_string(policy=email.policy.SMTP)
