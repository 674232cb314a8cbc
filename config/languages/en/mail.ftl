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

new-device =
    .subject = A new device has signed in
    .letter = A device has just signed in to your account. If it was not you, sign it out in the app under Devices and change your password.
    .sms = Teranga: a new device has signed in to your account. If it was not you, sign it out in the app and change your password.

# Variables: $code, six digits.
device-code =
    .subject = Your code for a new device
    .letter =
        Your code is { $code }.

        It proves a device that has signed in with your password, and is good for 15 minutes. If you did not sign in, change your password: somebody knows it.
    .sms = Your code is { $code }, from Teranga, for a new device. If you did not sign in, change your password. Give the code to nobody.

token-reused =
    .subject = A device was signed out for your safety
    .letter = One of your devices was signed out, since somebody else seems to have copied what keeps it signed in. Sign in again, and change your password if you do not know why.
    .sms = Teranga: one of your devices was signed out for your safety. Sign in again, and change your password if you do not know why.

second-factors-changed =
    .subject = Your second factors were changed
    .letter = A second factor was added to your account or removed from it. If it was not you, change your password in the app now.
    .sms = Teranga: a second factor was added to your account or removed. If it was not you, change your password in the app now.

second-factor-guessed =
    .subject = Somebody knows your password
    .letter = Somebody signed in with your password and tried several wrong codes. They are not in. If it was not you, change your password now.
    .sms = Teranga: somebody with your password tried several wrong codes. They are not in. If it was not you, change your password now.

password-changed =
    .subject = Your password was changed
    .letter = Your password was changed, and your other devices were signed out. If it was not you, recover your account in the app at once.
    .sms = Teranga: your password was changed and your other devices were signed out. If it was not you, recover your account at once.

# Variables: $code, ten digits.
recovery-code =
    .subject = Your code to recover your account
    .letter =
        Your code is { $code }.

        It begins the recovery of your account and is good for 15 minutes. If you did not ask for it, there is nothing to do. We never ask for it by phone or message.
    .sms = Your code is { $code }, from Teranga, to recover your account. If you did not ask for it, do nothing. Give it to nobody.

recovery-begun =
    .subject = The recovery of your account has begun
    .letter = Somebody, perhaps you, recovers your account and will be able to set a new password. If it is not you, open the app and stop it there with your password.
    .sms = Teranga: somebody, perhaps you, recovers your account. If it is not you, open the app and stop it with your password.

recovered =
    .subject = Your account was recovered
    .letter = Your account has a new password, and all devices were signed out. If it was not you, write to us at once.
    .sms = Teranga: your account has a new password and all devices were signed out. If it was not you, write to us at once.

document-reviewed =
    .subject = We have looked at your document
    .letter = Our staff have looked at what you sent us. The app shows what came of it.
    .sms = Teranga: our staff have looked at your document. The app shows what came of it.

document-expires-soon =
    .subject = Your document expires soon
    .letter = A document that you showed us expires within thirty days. Send a new one in the app to keep your limits.
    .sms = Teranga: a document of yours expires within thirty days. Send a new one in the app to keep your limits.

document-expired =
    .subject = Your document has expired
    .letter = A document that you showed us has expired, and your limits are lower from now on. Send a new one in the app.
    .sms = Teranga: a document of yours has expired and your limits are lower now. Send a new one in the app.
