"""Accounts, portfolios and apps as nodes (reference 1.7)."""

from cloudsim.graph.errors import GraphError, invalid
from cloudsim.graph.health import health_of_waba
from cloudsim.graph.nodes import Maker, lazy
from cloudsim.http import Request, Response
from cloudsim.simulator import Simulator
from cloudsim.world import App, Portfolio, Waba


def show_waba(sim: Simulator, waba: Waba, request: Request) -> Response:
    portfolio = sim.world.portfolios[waba.portfolio_id]
    view: dict[str, Maker] = {
        "id": lambda: waba.id,
        "name": lambda: waba.name,
        "currency": lambda: waba.currency,
        "timezone_id": lambda: waba.timezone,
        "message_template_namespace": lambda: f"ns_{waba.id}",
        "account_review_status": lambda: "APPROVED",
        "business_verification_status": lambda: "verified" if portfolio.verified else "not_verified",
        "country": lambda: "NL",
        "ownership_type": lambda: "SELF",
        "primary_business_location": lambda: "NL",
        "auth_international_rate_eligibility": dict,
        "marketing_messages_onboarding_status": lambda: "ELIGIBLE",
        "health_status": lambda: health_of_waba(sim, waba),
        "is_enabled_for_insights": lambda: waba.insights,
        "whatsapp_business_manager_messaging_limit": lambda: portfolio.limit,
        "disable_marketing_messages_on_cloud_api": lambda: waba.marketing_disabled,
    }
    return Response.of(lazy(view, request, ("id", "name", "timezone_id", "message_template_namespace")))


def change_waba(sim: Simulator, waba: Waba, request: Request) -> Response:
    fields = request.fields()
    if "currency" in fields:
        raise GraphError(100, "The currency of an account cannot be changed.")
    if str(fields.get("is_enabled_for_insights", "")).lower() == "true":
        waba.insights = True
        return Response.of({"id": waba.id})
    if "disable_marketing_messages_on_cloud_api" in fields:
        waba.marketing_disabled = str(fields["disable_marketing_messages_on_cloud_api"]).lower() == "true"
        return Response.of({"success": True})
    raise invalid("Nothing to change")


def show_portfolio(sim: Simulator, portfolio: Portfolio, request: Request) -> Response:
    view: dict[str, Maker] = {
        "id": lambda: portfolio.id,
        "name": lambda: portfolio.name,
        "verification_status": lambda: "verified" if portfolio.verified else "not_verified",
        "whatsapp_business_manager_messaging_limit": lambda: portfolio.limit,
    }
    return Response.of(lazy(view, request, ("id", "name")))


def show_app(sim: Simulator, app: App, request: Request) -> Response:
    view: dict[str, Maker] = {
        "id": lambda: app.id,
        "name": lambda: app.name,
        "link": lambda: f"https://app.example/{app.id}",
    }
    return Response.of(lazy(view, request, ("id", "name", "link")))
