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

new-device =
    .subject = Un nouvel appareil s'est connecté
    .letter = Un appareil vient de se connecter à votre compte. Si ce n'était pas vous, déconnectez-le dans l'application, sous Appareils, et changez votre mot de passe.
    .sms = Teranga : un nouvel appareil s'est connecté. Si ce n'était pas vous, déconnectez-le dans l'application et changez votre mot de passe.

device-code =
    .subject = Votre code pour un nouvel appareil
    .letter =
        Votre code est { $code }.

        Il confirme un appareil qui s'est connecté avec votre mot de passe et il est valable 15 minutes. Si ce n'était pas vous, changez votre mot de passe : quelqu'un le connaît.
    .sms = Votre code est { $code }, de Teranga, pour un nouvel appareil. Si ce n'est pas vous, changez votre mot de passe. Ne le donnez à personne.

token-reused =
    .subject = Un appareil a été déconnecté pour votre sécurité
    .letter = Un de vos appareils a été déconnecté : quelqu'un d'autre semble avoir copié ce qui le garde connecté. Reconnectez-vous, et changez votre mot de passe si vous n'en connaissez pas la raison.
    .sms = Teranga : un de vos appareils a été déconnecté par sécurité. Reconnectez-vous, et changez votre mot de passe en cas de doute.

second-factors-changed =
    .subject = Vos seconds facteurs ont changé
    .letter = Un second facteur a été ajouté à votre compte ou en a été retiré. Si ce n'était pas vous, changez tout de suite votre mot de passe dans l'application.
    .sms = Teranga : un second facteur a été ajouté à votre compte ou retiré. Si ce n'était pas vous, changez tout de suite votre mot de passe.

second-factor-guessed =
    .subject = Quelqu'un connaît votre mot de passe
    .letter = Quelqu'un s'est connecté avec votre mot de passe et a essayé plusieurs codes faux. Cette personne n'est pas entrée. Si ce n'était pas vous, changez votre mot de passe maintenant.
    .sms = Teranga : quelqu'un a votre mot de passe et a essayé des codes faux, sans entrer. Si ce n'était pas vous, changez-le maintenant.

password-changed =
    .subject = Votre mot de passe a changé
    .letter = Votre mot de passe a été changé et vos autres appareils ont été déconnectés. Si ce n'était pas vous, récupérez tout de suite votre compte dans l'application.
    .sms = Teranga : votre mot de passe a changé et vos autres appareils sont déconnectés. Si ce n'était pas vous, récupérez votre compte.

recovery-code =
    .subject = Votre code pour récupérer votre compte
    .letter =
        Votre code est { $code }.

        Il commence la récupération de votre compte et il est valable 15 minutes. Si vous ne l'avez pas demandé, il n'y a rien à faire. Nous ne le demandons jamais par téléphone ni par message.
    .sms = Votre code est { $code }, de Teranga, pour récupérer votre compte. Si vous ne l'avez pas demandé, ne faites rien. Ne le donnez à personne.

recovery-begun =
    .subject = La récupération de votre compte a commencé
    .letter = Quelqu'un, peut-être vous, récupère votre compte et pourra choisir un nouveau mot de passe. Si ce n'est pas vous, ouvrez l'application et arrêtez-la avec votre mot de passe.
    .sms = Teranga : quelqu'un, peut-être vous, récupère votre compte. Si ce n'est pas vous, arrêtez-le dans l'application avec votre mot de passe.

recovered =
    .subject = Votre compte a été récupéré
    .letter = Votre compte a un nouveau mot de passe et tous les appareils ont été déconnectés. Si ce n'était pas vous, écrivez-nous tout de suite.
    .sms = Teranga : votre compte a un nouveau mot de passe, tous les appareils sont déconnectés. Si ce n'était pas vous, écrivez-nous vite.

document-reviewed =
    .subject = Nous avons examiné votre document
    .letter = Notre personnel a examiné ce que vous nous avez envoyé. L'application en montre le résultat.
    .sms = Teranga : nous avons examiné votre document. L'application en montre le résultat.

document-expires-soon =
    .subject = Votre document expire bientôt
    .letter = Un document que vous nous avez montré expire dans moins de trente jours. Envoyez-en un nouveau dans l'application pour garder vos plafonds.
    .sms = Teranga : un de vos documents expire dans moins de trente jours. Envoyez-en un nouveau dans l'application.

document-expired =
    .subject = Votre document a expiré
    .letter = Un document que vous nous avez montré a expiré, et vos plafonds sont désormais plus bas. Envoyez-en un nouveau dans l'application.
    .sms = Teranga : un de vos documents a expiré et vos plafonds ont baissé. Envoyez-en un nouveau dans l'application.
