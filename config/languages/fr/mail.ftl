### See ../en/mail.ftl for how these texts are used.

footer = Teranga envoie ce courriel parce que cette adresse lui a été donnée. Les réponses ne sont pas lues.

confirmation-code =
    .subject = Votre code Teranga
    .letter =
        Votre code est { $code }.

        Il est valable 15 minutes. Nous ne le demandons jamais par téléphone ni par message.
    .sms = Votre code est { $code }, de Teranga. Il est valable 15 minutes. Ne le donnez à personne.

registered-already =
    .subject = Vous êtes déjà inscrit chez Teranga
    .letter = Quelqu'un, peut-être vous, vient d'essayer de s'inscrire avec ce contact. Il est déjà inscrit : connectez-vous avec votre mot de passe. Si ce n'était pas vous, il n'y a rien à faire.
    .sms = Teranga : quelqu'un a essayé de s'inscrire avec ce numéro, déjà inscrit. Si c'était vous, connectez-vous avec votre mot de passe.
