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

new-device =
    .subject = Um novo dispositivo iniciou sessão
    .letter = Um dispositivo acaba de iniciar sessão na sua conta. Se não foi você, termine a sessão dele na aplicação, em Dispositivos, e mude a sua palavra-passe.
    .sms = Teranga: um novo dispositivo entrou na sua conta. Se não foi você, termine a sessão dele na aplicação e mude a palavra-passe.

device-code =
    .subject = O seu código para um novo dispositivo
    .letter =
        O seu código é { $code }.

        Confirma um dispositivo que iniciou sessão com a sua palavra-passe e é válido durante 15 minutos. Se não foi você, mude a palavra-passe: alguém a conhece.
    .sms = O seu código é { $code }, da Teranga, para um novo dispositivo. Se não foi você, mude a palavra-passe. Não o dê a ninguém.

token-reused =
    .subject = Um dispositivo foi desligado para sua segurança
    .letter = A sessão de um dos seus dispositivos foi terminada, porque parece que outra pessoa copiou o que a mantém aberta. Inicie sessão de novo e mude a palavra-passe se não souber porquê.
    .sms = Teranga: um dos seus dispositivos foi desligado por segurança. Entre de novo e mude a palavra-passe se não souber porquê.

second-factors-changed =
    .subject = Os seus segundos fatores mudaram
    .letter = Um segundo fator foi acrescentado à sua conta ou retirado dela. Se não foi você, mude já a sua palavra-passe na aplicação.
    .sms = Teranga: um segundo fator foi acrescentado à sua conta ou retirado. Se não foi você, mude já a palavra-passe.

second-factor-guessed =
    .subject = Alguém conhece a sua palavra-passe
    .letter = Alguém iniciou sessão com a sua palavra-passe e tentou vários códigos errados. Não entrou. Se não foi você, mude a palavra-passe agora.
    .sms = Teranga: alguém com a sua palavra-passe tentou códigos errados. Não entrou. Se não foi você, mude a palavra-passe agora.

password-changed =
    .subject = A sua palavra-passe mudou
    .letter = A sua palavra-passe foi mudada e os seus outros dispositivos foram desligados. Se não foi você, recupere já a sua conta na aplicação.
    .sms = Teranga: a sua palavra-passe mudou e os outros dispositivos foram desligados. Se não foi você, recupere já a sua conta.

recovery-code =
    .subject = O seu código para recuperar a sua conta
    .letter =
        O seu código é { $code }.

        Inicia a recuperação da sua conta e é válido durante 15 minutos. Se não o pediu, não é preciso fazer nada. Nunca o pedimos por telefone nem por mensagem.
    .sms = O seu código é { $code }, da Teranga, para recuperar a sua conta. Se não o pediu, não faça nada. Não o dê a ninguém.

recovery-begun =
    .subject = A recuperação da sua conta começou
    .letter = Alguém, talvez você, está a recuperar a sua conta e poderá definir uma nova palavra-passe. Se não é você, abra a aplicação e pare a recuperação com a sua palavra-passe.
    .sms = Teranga: alguém, talvez você, está a recuperar a sua conta. Se não é você, pare isso na aplicação com a sua palavra-passe.

recovered =
    .subject = A sua conta foi recuperada
    .letter = A sua conta tem uma nova palavra-passe e todos os dispositivos foram desligados. Se não foi você, escreva-nos já.
    .sms = Teranga: a sua conta tem uma nova palavra-passe e todos os dispositivos foram desligados. Se não foi você, escreva-nos já.

document-reviewed =
    .subject = Examinámos o seu documento
    .letter = A nossa equipa examinou o que nos enviou. A aplicação mostra o resultado.
    .sms = Teranga: examinámos o seu documento. A aplicação mostra o resultado.

document-expires-soon =
    .subject = O seu documento caduca em breve
    .letter = Um documento que nos mostrou caduca em menos de trinta dias. Envie um novo na aplicação para manter os seus limites.
    .sms = Teranga: um documento seu caduca em menos de trinta dias. Envie um novo na aplicação.

document-expired =
    .subject = O seu documento caducou
    .letter = Um documento que nos mostrou caducou, e a partir de agora os seus limites são mais baixos. Envie um novo na aplicação.
    .sms = Teranga: um documento seu caducou e os seus limites baixaram. Envie um novo na aplicação.
