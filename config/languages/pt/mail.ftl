### See ../en/mail.ftl for how these texts are used.

footer = A Teranga envia este correio porque este endereço lhe foi dado. As respostas não são lidas.

confirmation-code =
    .subject = O seu código da Teranga
    .letter =
        O seu código é { $code }.

        É válido durante 15 minutos. Nunca o pedimos por telefone nem por mensagem.
    .sms = O seu código é { $code }, da Teranga. É válido durante 15 minutos. Não o dê a ninguém.

registered-already =
    .subject = Já tem uma conta na Teranga
    .letter = Alguém, talvez você, acabou de tentar registar-se com este contacto. Já está registado: inicie sessão com a sua palavra-passe. Se não foi você, não precisa de fazer nada.
    .sms = Teranga: alguém tentou registar-se com este número, que já está registado. Se foi você, inicie sessão com a sua palavra-passe.
