### What we write to people. A message is a template of the outbox, called like its constant `…_TEMPLATE`, and has three
### texts: `subject` and `letter` go by mail, `sms` goes by text message.
###
### A new template needs nothing but its texts: write them here, then in the other languages' files.
### `cargo test -p api languages` names what a language lacks.
### - letter: paragraphs with an empty line between them, each on one line. The HTML part is made of it: write no HTML.
### - sms: one line of 160 characters at most, with no footer.
### - Variables: { $code } is the notice's code, others are the notice's `arguments` by name. Every language has the same
###   variables in the same text. What a person is called goes in as one variable, as they gave it.

# Stands under every letter.
footer = Teranga sends this mail because this address was given to it. Answers to it are not read.

# Variables: $code, six digits.
confirmation-code =
    .subject = Your code for Teranga
    .letter =
        Your code is { $code }.

        It is good for 15 minutes. We never ask for it by phone or message.
    .sms = Your code is { $code }, from Teranga. It is good for 15 minutes. Give it to nobody.

registered-already =
    .subject = You are registered with Teranga already
    .letter = Somebody, perhaps you, has just tried to register with this contact. It is registered already: sign in with your password. If it was not you, there is nothing to do.
    .sms = Teranga: somebody tried to register with this number, which is registered already. If it was you, sign in with your password.
