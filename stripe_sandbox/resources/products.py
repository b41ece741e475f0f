"""Products, which may be given an id of one's own."""

from __future__ import annotations

from stripe_sandbox.errors import refused
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.routing import Call, route


@route("POST", "/v1/products", params="active description id metadata name")
def create_product(call: Call) -> Json:
    id_ = call.params.text("id") or new_id("prod", 14)
    if call.store.find(id_, "product") is not None:
        raise refused("Product already exists.", code="resource_already_exists")
    return call.store.add(
        {
            "id": id_,
            "object": "product",
            "active": call.params.boolean("active", default=True),
            "created": call.now,
            "default_price": None,
            "description": call.params.text("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": call.params.metadata(),
            "name": call.params.need_text("name"),
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "tax_details": None,
            "type": "service",
            "unit_label": None,
            "updated": call.now,
            "url": None,
        }
    )


@route("GET", "/v1/products/<id>", params="")
def retrieve_product(call: Call) -> Json:
    return call.store.get(call.arg(), "product")


@route("POST", "/v1/products/<id>", params="active description metadata name")
def update_product(call: Call) -> Json:
    product = call.store.get(call.arg(), "product")
    for name in ("description", "name"):
        if name in call.params:
            product[name] = call.params.text(name)
    product["active"] = call.params.boolean("active", default=product["active"])
    product["metadata"] = call.params.metadata(product["metadata"])
    product["updated"] = call.now
    return call.store.save(product)
