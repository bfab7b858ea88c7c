"""Orders to review and pay, and news about them (India, Brazil). Source: Cloud API reference, section 11.4."""

import re
from typing import Any

from sojourn.channels import content as c
from sojourn.channels.whatsapp import interactive, limits
from sojourn.channels.whatsapp.checks import Checks

_REFERENCE = re.compile(r"^[A-Za-z0-9_.-]+$")


def build_order_details(content: c.OrderDetails, checks: Checks) -> tuple[str, dict[str, Any]]:
    """Return the interactive object of an order; its sums must add up."""
    parameters = content.parameters
    currency = parameters.get("currency")
    checks.one_of("parameters.currency", currency, tuple(limits.ORDER_REFERENCE_MAX))
    longest = limits.ORDER_REFERENCE_MAX.get(str(currency), 35)
    _check_reference("parameters.reference_id", parameters.get("reference_id"), longest, checks)
    checks.one_of("parameters.type", parameters.get("type"), ("physical-goods", "digital-goods"))
    if not isinstance(parameters.get("payment_settings"), list):
        checks.fail("parameters.payment_settings", "required", "parameters.payment_settings must be a list")
    order = parameters.get("order")
    if isinstance(order, dict):
        _check_order(order, _amount("parameters.total_amount", parameters.get("total_amount"), checks), checks)
    else:
        checks.fail("parameters.order", "required", "parameters.order must be an object")
    value: dict[str, Any] = {"type": "order_details"}
    header = interactive.build_header(content.header, checks, kinds=("image",))
    if header is not None:
        value["header"] = header
    value["body"] = {"text": checks.text("body", content.body, limits.INTERACTIVE_BODY_MAX)}
    if content.footer is not None:
        value["footer"] = {"text": checks.line("footer", content.footer, limits.FOOTER_MAX)}
    value["action"] = {"name": "review_and_pay", "parameters": parameters}
    return "interactive", value


def build_order_status(content: c.OrderStatus, checks: Checks) -> tuple[str, dict[str, Any]]:
    """Return the interactive object of news about an order."""
    _check_reference("reference_id", content.reference_id, max(limits.ORDER_REFERENCE_MAX.values()), checks)
    checks.one_of("status", content.status, limits.ORDER_STATUSES)
    order = {"status": content.status}
    if content.description is not None:
        order["description"] = checks.text("description", content.description, limits.ORDER_DESCRIPTION_MAX)
    parameters: dict[str, Any] = {"reference_id": content.reference_id, "order": order}
    if content.payment is not None:
        parameters["payment"] = content.payment
    value: dict[str, Any] = {
        "type": "order_status",
        "body": {"text": checks.text("body", content.body, limits.INTERACTIVE_BODY_MAX)},
    }
    if content.footer is not None:
        value["footer"] = {"text": checks.line("footer", content.footer, limits.FOOTER_MAX)}
    value["action"] = {"name": "review_order", "parameters": parameters}
    return "interactive", value


def _check_reference(field: str, value: object, longest: int, checks: Checks) -> None:
    text = checks.key(field, value, longest)
    if text and not _REFERENCE.match(text):
        checks.fail(field, "not_a_reference", f"{field} has letters, digits, dot, dash and underscore only")


def _amount(field: str, value: object, checks: Checks, *, required: bool = True) -> int:
    """The value of an amount in hundredths; offset must be 100."""
    if value is None and not required:
        return 0
    number = value.get("value") if isinstance(value, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        checks.fail(field, "not_an_amount", f"{field} must be an object with a value in hundredths and offset 100")
        return 0
    if isinstance(value, dict) and value.get("offset") != 100:
        checks.fail(f"{field}.offset", "not_allowed", f"{field}.offset must be 100", 100)
    return number


def _check_order(order: dict[str, Any], total: int, checks: Checks) -> None:
    at = "parameters.order"
    subtotal = _amount(f"{at}.subtotal", order.get("subtotal"), checks)
    tax = _amount(f"{at}.tax", order.get("tax"), checks)
    shipping = _amount(f"{at}.shipping", order.get("shipping"), checks, required=False)
    discount = _amount(f"{at}.discount", order.get("discount"), checks, required=False)
    if total != subtotal + tax + shipping - discount:
        checks.fail("parameters.total_amount", "sum", "the total must be subtotal + tax + shipping - discount", total)
    checks.one_of(f"{at}.status", order.get("status"), ("pending",))
    items = order.get("items")
    if not isinstance(items, list) or not items:
        checks.fail(f"{at}.items", "required", f"{at}.items must be a list with at least one item")
        return
    sums = [_check_item(f"{at}.items[{index}]", item, checks) for index, item in enumerate(items)]
    if sum(sums) != subtotal:
        checks.fail(f"{at}.subtotal", "sum", "the subtotal must be the sum of amount times quantity", sum(sums))
    if any(isinstance(item, dict) and "image" in item for item in items):
        checks.count(f"{at}.items", items, 1, limits.ORDER_ITEMS_WITH_IMAGE_MAX)


def _check_item(at: str, item: object, checks: Checks) -> int:
    """Check one item; return its amount times quantity."""
    if not isinstance(item, dict):
        checks.fail(at, "not_an_object", f"{at} must be an object")
        return 0
    checks.text(f"{at}.name", item.get("name"), limits.ORDER_ITEM_NAME_MAX)
    checks.key(f"{at}.retailer_id", item.get("retailer_id"), limits.PRODUCT_ID_MAX)
    name = "sale_amount" if "sale_amount" in item else "amount"
    amount = _amount(f"{at}.{name}", item.get(name), checks)
    quantity = item.get("quantity")
    checks.number(f"{at}.quantity", quantity, 1, 10_000)
    return amount * quantity if isinstance(quantity, int) else 0
