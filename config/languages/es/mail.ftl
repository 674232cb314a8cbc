### See ../en/mail.ftl for how these texts are used.

footer = Teranga envía este correo porque se le dio esta dirección. Las respuestas no se leen.

confirmation-code =
    .subject = Su código de Teranga
    .letter =
        Su código es { $code }.

        Es válido durante 15 minutos. Nunca lo pedimos por teléfono ni por mensaje.
    .sms = Su código es { $code }, de Teranga. Es válido durante 15 minutos. No se lo dé a nadie.

registered-already =
    .subject = Ya tiene una cuenta en Teranga
    .letter = Alguien, quizá usted, acaba de intentar registrarse con este contacto. Ya está registrado: inicie sesión con su contraseña. Si no ha sido usted, no tiene que hacer nada.
    .sms = Teranga: alguien intentó registrarse con este número, que ya está registrado. Si fue usted, inicie sesión con su contraseña.
