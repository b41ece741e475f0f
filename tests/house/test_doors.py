"""What a person can do on a page, a program can do through the API."""

from typing import Final

from flask import Flask

# Each form of a page, and the operation that does the same.
SAME: Final = {
    "account.accept_invitation": "accept_invitation",
    "account.change_organisation": "edit_organisation",
    "account.change_profile": "edit_account",
    "account.create_organisation": "create_organisation",
    "account.erase": "erase_account",
    "decisions.give_all_back": "give_all_back",
    "decisions.pay_again": "pay_again",
    "decisions.pay_by_bank": "record_bank_payment",
    "decisions.recover": "recover_debt",
    "decisions.retry_refund": "try_refund_again",
    "decisions.write_off": "write_off_debt",
    "admin.change_role": "grant_role",
    "discrepancies.explain": "explain_discrepancy",
    "drafts.add_reward": "add_reward",
    "drafts.create": "create_campaign",
    "drafts.delete": "delete_campaign",
    "drafts.remove_reward": "remove_reward",
    "drafts.save_costs": "set_cost_lines",
    "drafts.save_cover": "set_cover",
    "drafts.save_reward": "edit_reward",
    "drafts.save_terms": "edit_campaign",
    "account.sign_out_everywhere": "sign_out_everywhere",
    "drafts.save_text": "edit_campaign",
    "mail_preferences.choose_own": "choose_mail_kinds",
    "moderation.decide": "decide",
    "moderation.extend": "extend_campaign_for_outage",
    "owner.cancel": "cancel_campaign",
    "owner.extend": "extend_campaign",
    "owner.launch": "launch_campaign",
    "owner.onboard": "begin_onboarding",
    "owner.submit": "submit_campaign",
    "owner.withdraw": "withdraw_campaign",
    "pledges.cancel": "cancel_pledge",
    "pledges.cancel_own": "cancel_own_pledge",
    "pledges.join": "join_pledge",
    "pledges.pay": "reopen_checkout",
    "pledges.pay_own": "reopen_own_checkout",
    "pledges.place": "place_pledge",
    "pledges.repair": "repair_payment",
    "pledges.renew": "renew_link",
    "pledges.repair_own": "repair_own_payment",
    "security.change_password": "change_password",
    "security.confirm_email": "confirm_address",
    "security.forgot_password": "mail_reset",
    "security.login": "sign_in",
    "security.logout": "sign_out",
    "security.register": "sign_up",
    "security.reset_password": "reset_password",
    "security.send_confirmation": "mail_confirmation",
    "supporters.count": "confirm_support",
    "supporters.support": "support_campaign",
    "team.change_role": "change_member_role",
    "team.invite": "invite_member",
    "team.leave": "leave_organisation",
    "team.remove": "remove_member",
    "team.withdraw_invitation": "withdraw_invitation",
    "treasury.refund": "create_refund",
    "treasury.unfreeze": "lift_freeze",
}
# What is no act of a person who has signed in: the demo's clock, Stripe's webhooks, a password
# asked once more, a comparison that a worker makes by itself a little later, and what is chosen by
# the link in a mail.
OTHERS: Final = {
    "demo.move_time",
    "discrepancies.compare",
    "mail_preferences.choose",
    "mail_preferences.end",
    "security.verify",
    "webhooks.receive_event",
}


def forms_of_pages(app: Flask) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }


def test_every_form_of_a_page_has_its_operation(app: Flask) -> None:
    offered = {
        operation["operationId"]
        for path in app.extensions["octo.api"].spec.to_dict()["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }

    assert forms_of_pages(app) - OTHERS == set(SAME)
    assert set(SAME.values()) <= offered
