"""The French of every sentence on the pages; the English is the key."""

from __future__ import annotations

from typing import Final

FRENCH: Final = {
    # Every page
    "Stand-in for Stripe: nothing is real.": "Remplaçant de Stripe : rien n’est réel.",
    "There is no such page": "Cette page n’existe pas",
    "Check the address.": "Vérifiez l’adresse.",
    "This cannot be done": "C’est impossible",
    "Go back and try again.": "Revenez en arrière et réessayez.",
    # Checkout
    "Back to %(merchant)s": "Retour vers %(merchant)s",
    "Save a card for %(merchant)s": "Enregistrer une carte pour %(merchant)s",
    "Pay %(merchant)s": "Payer %(merchant)s",
    "Nothing is charged today.": "Rien n’est débité aujourd’hui.",
    "Total": "Total",
    "This page stays open for another %(minutes)s min.": (
        "Cette page reste ouverte encore %(minutes)s min."
    ),
    "Card": "Carte",
    "E-mail": "Adresse e-mail",
    "Card number": "Numéro de carte",
    "Expiry date": "Date d’expiration",
    "MM / YY": "MM / AA",
    "Security code": "Code de sécurité",
    "Name on the card": "Nom sur la carte",
    "Save the card": "Enregistrer la carte",
    "Pay %(amount)s": "Payer %(amount)s",
    "Fill in with the card that succeeds": "Remplir avec la carte qui réussit",
    "All the test cards": "Toutes les cartes de test",
    "Choose one to fill in the form. Any future date and any code do.": (
        "Choisissez-en une pour remplir le formulaire. Toute date à venir et tout code conviennent."
    ),
    "Succeeds.": "Réussit.",
    "Asks for 3-D Secure, unless it was saved for later.": (
        "Demande 3-D Secure, sauf si elle a été enregistrée."
    ),
    "Asks for 3-D Secure every time.": "Demande 3-D Secure à chaque fois.",
    "Succeeds; the money is available at once.": "Réussit ; l’argent est disponible aussitôt.",
    "Declined by the bank.": "Refusée par la banque.",
    "Declined: insufficient funds.": "Refusée : provision insuffisante.",
    "Declined: lost card.": "Refusée : carte perdue.",
    "Declined: stolen card.": "Refusée : carte volée.",
    "Declined: expired card.": "Refusée : carte expirée.",
    "Declined: wrong security code.": "Refusée : code de sécurité faux.",
    "Declined: processing error.": "Refusée : erreur de traitement.",
    "Refused: not a card number.": "Refusée : ce n’est pas un numéro de carte.",
    "Can be saved; later charges fail.": "S’enregistre ; les débits suivants échouent.",
    "3-D Secure, then insufficient funds.": "3-D Secure, puis provision insuffisante.",
    "3-D Secure, then declined.": "3-D Secure, puis refusée.",
    "Succeeds; a refund stays pending, then succeeds.": (
        "Réussit ; un remboursement reste en attente, puis réussit."
    ),
    "Succeeds; a refund succeeds, then fails.": (
        "Réussit ; un remboursement réussit, puis échoue."
    ),
    "Succeeds, then the payment is disputed as fraudulent.": (
        "Réussit, puis le paiement est contesté pour fraude."
    ),
    "Succeeds, then the bank inquires.": "Réussit, puis la banque demande des précisions.",
    "Type the card number.": "Saisissez le numéro de carte.",
    "This is not a valid card number.": "Ce numéro de carte n’est pas valide.",
    "Only test cards work here: choose one below.": (
        "Seules les cartes de test fonctionnent ici : choisissez-en une ci-dessous."
    ),
    "Type the date as MM / YY.": "Saisissez la date sous la forme MM / AA.",
    "This card has expired.": "Cette carte a expiré.",
    "Type the 3 or 4 digits of the security code.": (
        "Saisissez les 3 ou 4 chiffres du code de sécurité."
    ),
    "The security code is wrong.": "Le code de sécurité est faux.",
    "Type the name written on the card.": "Saisissez le nom inscrit sur la carte.",
    "Type an e-mail address, such as name@example.org.": (
        "Saisissez une adresse e-mail, comme nom@example.org."
    ),
    "The bank declined this card. Try another one.": (
        "La banque a refusé cette carte. Essayez-en une autre."
    ),
    "This card has insufficient funds. Try another one.": (
        "La provision de cette carte est insuffisante. Essayez-en une autre."
    ),
    "The bank could not process this card. Try again in a moment.": (
        "La banque n’a pas pu traiter cette carte. Réessayez dans un instant."
    ),
    "The authentication failed. Try again or use another card.": (
        "L’authentification a échoué. Réessayez ou prenez une autre carte."
    ),
    "This payment page has expired": "Cette page de paiement a expiré",
    "Nothing was charged. Go back to start again.": (
        "Rien n’a été débité. Revenez en arrière pour recommencer."
    ),
    "This is already done": "C’est déjà fait",
    "This page was used once and does not work twice.": (
        "Cette page a servi une fois et ne sert pas deux fois."
    ),
    "Go on": "Continuer",
    # 3-D Secure
    "Confirm with your bank": "Confirmer auprès de votre banque",
    "Your bank asks you to confirm this payment.": (
        "Votre banque vous demande de confirmer ce paiement."
    ),
    "To": "À",
    "Amount": "Montant",
    ("Your bank asks you to confirm that %(merchant)s may keep the card ending in %(last4)s."): (
        "Votre banque vous demande de confirmer que %(merchant)s peut garder la carte finissant"
        " par %(last4)s."
    ),
    "Complete the authentication": "Réussir l’authentification",
    "Fail the authentication": "Faire échouer l’authentification",
    "Nothing to confirm": "Rien à confirmer",
    "This authentication is over. You can close this page.": (
        "Cette authentification est terminée. Vous pouvez fermer cette page."
    ),
    # Onboarding
    "Receive money": "Recevoir de l’argent",
    "Receive money through %(merchant)s": "Recevoir de l’argent par %(merchant)s",
    "Account": "Compte",
    "Identifier": "Identifiant",
    "Transfers": "Virements",
    "What would be asked here": "Ce qui serait demandé ici",
    "Who you are: name, date of birth, address.": (
        "Qui vous êtes : nom, date de naissance, adresse."
    ),
    "An identity document.": "Une pièce d’identité.",
    "The bank account that is paid.": "Le compte bancaire à payer.",
    "Type nothing real: choose how the check ends.": (
        "Ne donnez rien de réel : choisissez comment se termine la vérification."
    ),
    "Give everything: verified": "Tout donner : vérifié",
    "Give everything: still being checked": "Tout donner : vérification en cours",
    "Come back restricted: a document is missing": "Revenir restreint : une pièce manque",
    "Leave without finishing": "Partir sans finir",
    # States
    "active": "actif",
    "available": "disponible",
    "canceled": "annulé",
    "closed": "fermé",
    "disputed": "contesté",
    "failed": "échoué",
    "in transit": "en route",
    "inquiry": "demande de précisions",
    "inquiry closed": "demande close",
    "inquiry under review": "demande à l’étude",
    "lost": "perdu",
    "needs a response": "réponse attendue",
    "not paid": "non payé",
    "paid": "payé",
    "partly refunded": "remboursé en partie",
    "partly reversed": "repris en partie",
    "pending": "en attente",
    "processing": "en cours",
    "refunded": "remboursé",
    "restricted": "restreint",
    "reversed": "repris",
    "succeeded": "réussi",
    "to be captured": "à capturer",
    "to be confirmed": "à confirmer",
    "under review": "à l’étude",
    "won": "gagné",
    "3-D Secure awaited": "3-D Secure attendu",
    # Dashboard
    "Sandbox dashboard": "Tableau de bord du bac à sable",
    "Sections": "Rubriques",
    "Facts": "Faits",
    "Pages": "Pages",
    "Newest": "Plus récents",
    "Older": "Plus anciens",
    "Test accounts": "Comptes de test",
    "No test key was used yet.": "Aucune clé de test n’a encore servi.",
    "Overview": "Vue d’ensemble",
    "Sandbox time": "Heure du bac à sable",
    "Payments": "Paiements",
    "No payment yet.": "Aucun paiement.",
    "Accounts": "Comptes",
    "No account yet.": "Aucun compte.",
    "No transfer yet.": "Aucun virement.",
    "Disputes": "Litiges",
    "No dispute yet.": "Aucun litige.",
    "Balance": "Solde",
    "Nothing moved yet.": "Rien n’a encore bougé.",
    "Events": "Événements",
    "No event yet.": "Aucun événement.",
    "None.": "Aucun.",
    "Latest: %(what)s": "Derniers : %(what)s",
    "Refunds": "Remboursements",
    "Reversals": "Reprises",
    "Available": "Disponible",
    "Pending": "En attente",
    "Top up the balance": "Approvisionner le solde",
    "Add": "Ajouter",
    "Type an amount, such as 12.50.": "Saisissez un montant, comme 12,50.",
    "fee %(fee)s · available %(time)s": "frais %(fee)s · disponible le %(time)s",
    "Inquiry": "Demande de précisions",
    "Dispute for fraud": "Litige pour fraude",
    "Dispute won": "Litige gagné",
    "Payout": "Versement",
    "Payout returned": "Versement revenu",
    "Refund failed": "Remboursement échoué",
    "Top-up": "Approvisionnement",
    "Transfer": "Virement",
    "Created": "Créé",
    "Refunded": "Remboursé",
    "Reversed": "Repris",
    "PaymentIntent": "PaymentIntent",
    "Payment": "Paiement",
    "Customer": "Client",
    "Transfer group": "Groupe de virements",
    "Failure": "Échec",
    "Reason": "Motif",
    "State": "État",
    "Refund": "Rembourser",
    "Refund by hand": "Rembourser à la main",
    "Dispute as fraudulent": "Contester pour fraude",
    "Open an inquiry": "Demander des précisions",
    "Have the bank contest it": "Faire contester par la banque",
    "Make it ready": "Le rendre prêt",
    "Restrict it": "Le restreindre",
    "Close it": "Le fermer",
    "Change its state": "Changer son état",
    "Take back": "Reprendre",
    "Reverse the transfer": "Reprendre le virement",
    "Close the inquiry": "Clore la demande",
    "Turn it into a dispute": "En faire un litige",
    "Won": "Gagné",
    "Lost": "Perdu",
    "Decide": "Décider",
}
