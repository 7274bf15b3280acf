"""An HTTP function as the SDK's samples publish: one `send`, its client kept open."""

import json
import os

import azure.functions as func
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
client = EventGridPublisherClient(
    os.environ["EVENTGRID_ENDPOINT"],
    AzureKeyCredential(os.environ["EVENTGRID_KEY"]),
    namespace_topic=os.environ["EVENTGRID_TOPIC_NAME"],
)


@app.route("events", methods=["POST"])
async def publish(req: func.HttpRequest) -> func.HttpResponse:
    """Publish the moderation result in the body."""
    result = req.get_json()
    event = CloudEvent(
        source="/services/content-moderation",
        type=f"com.contoso.ai.{result['type']}",
        subject=f"/content/{result['contentId']}",
        data=result,
    )
    await client.send(event)
    answer = json.dumps({"published": 1, "id": event.id})
    return func.HttpResponse(answer, status_code=202, mimetype="application/json")
