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

new-device =
    .subject = Un nuevo dispositivo ha iniciado sesión
    .letter = Un dispositivo acaba de iniciar sesión en su cuenta. Si no ha sido usted, ciérrela en la aplicación, en Dispositivos, y cambie su contraseña.
    .sms = Teranga: un nuevo dispositivo ha entrado en su cuenta. Si no ha sido usted, ciérrelo en la aplicación y cambie su contraseña.

device-code =
    .subject = Su código para un nuevo dispositivo
    .letter =
        Su código es { $code }.

        Confirma un dispositivo que ha iniciado sesión con su contraseña y es válido durante 15 minutos. Si no ha sido usted, cambie su contraseña: alguien la conoce.
    .sms = Su código es { $code }, de Teranga, para un nuevo dispositivo. Si no ha sido usted, cambie su contraseña. No lo dé a nadie.

token-reused =
    .subject = Se ha cerrado un dispositivo por su seguridad
    .letter = Se ha cerrado la sesión de uno de sus dispositivos, porque parece que otra persona ha copiado lo que la mantiene abierta. Vuelva a iniciar sesión y cambie su contraseña si no sabe el motivo.
    .sms = Teranga: se ha cerrado uno de sus dispositivos por seguridad. Vuelva a entrar y cambie su contraseña si no sabe el motivo.

second-factors-changed =
    .subject = Sus segundos factores han cambiado
    .letter = Se ha añadido o quitado un segundo factor de su cuenta. Si no ha sido usted, cambie ahora su contraseña en la aplicación.
    .sms = Teranga: se ha añadido o quitado un segundo factor de su cuenta. Si no ha sido usted, cambie ahora su contraseña.

second-factor-guessed =
    .subject = Alguien conoce su contraseña
    .letter = Alguien ha iniciado sesión con su contraseña y ha probado varios códigos falsos. No ha entrado. Si no ha sido usted, cambie su contraseña ahora.
    .sms = Teranga: alguien con su contraseña ha probado códigos falsos. No ha entrado. Si no ha sido usted, cambie su contraseña ahora.

password-changed =
    .subject = Su contraseña ha cambiado
    .letter = Se ha cambiado su contraseña y se han cerrado sus otros dispositivos. Si no ha sido usted, recupere su cuenta en la aplicación de inmediato.
    .sms = Teranga: su contraseña ha cambiado y se han cerrado sus otros dispositivos. Si no ha sido usted, recupere su cuenta ahora.

recovery-code =
    .subject = Su código para recuperar su cuenta
    .letter =
        Su código es { $code }.

        Inicia la recuperación de su cuenta y es válido durante 15 minutos. Si no lo ha pedido, no tiene que hacer nada. Nunca lo pedimos por teléfono ni por mensaje.
    .sms = Su código es { $code }, de Teranga, para recuperar su cuenta. Si no lo ha pedido, no haga nada. No lo dé a nadie.

recovery-begun =
    .subject = La recuperación de su cuenta ha comenzado
    .letter = Alguien, quizá usted, está recuperando su cuenta y podrá poner una nueva contraseña. Si no es usted, abra la aplicación y deténgalo con su contraseña.
    .sms = Teranga: alguien, quizá usted, recupera su cuenta. Si no es usted, deténgalo en la aplicación con su contraseña.

recovered =
    .subject = Su cuenta se ha recuperado
    .letter = Su cuenta tiene una nueva contraseña y se han cerrado todos los dispositivos. Si no ha sido usted, escríbanos de inmediato.
    .sms = Teranga: su cuenta tiene una nueva contraseña y se han cerrado todos los dispositivos. Si no ha sido usted, escríbanos ya.

document-reviewed =
    .subject = Hemos examinado su documento
    .letter = Nuestro personal ha examinado lo que nos envió. La aplicación muestra el resultado.
    .sms = Teranga: hemos examinado su documento. La aplicación muestra el resultado.

document-expires-soon =
    .subject = Su documento caduca pronto
    .letter = Un documento que nos mostró caduca en menos de treinta días. Envíe uno nuevo en la aplicación para conservar sus límites.
    .sms = Teranga: un documento suyo caduca en menos de treinta días. Envíe uno nuevo en la aplicación.

document-expired =
    .subject = Su documento ha caducado
    .letter = Un documento que nos mostró ha caducado, y desde ahora sus límites son más bajos. Envíe uno nuevo en la aplicación.
    .sms = Teranga: un documento suyo ha caducado y sus límites han bajado. Envíe uno nuevo en la aplicación.
